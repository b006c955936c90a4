//! What a person sends, checked and rendered before any transaction begins.

use crate::clock::Clock;
use crate::error::{Error, Result, Text};
use crate::id::MessageId;
use crate::message::attachment::{self, New};
use crate::message::markdown::{self, Template};
use crate::message::mention::{Named, Naming, People, Piece};
use crate::message::search::Indexed;
use crate::text;
use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::borrow::Cow;

/// The longest message, in characters.
pub const CONTENT_MAX: usize = 10_000;
/// The longest nonce, in characters: a UUID has 36.
pub const NONCE_MAX: usize = 64;

/// A message's text: Markdown within the limits, and all that is made of it, once. What this costs is its author's choice, so no
/// transaction and no thread of the runtime makes one: [`crate::message::renderer::Renderer`] does.
#[derive(Debug, Clone, Default)]
pub struct Content {
    markdown: String,
    template: Template,
    html: String,
    excerpt: String,
    links: Vec<String>,
    indexed: Indexed,
    naming: Option<Naming>,
}

impl Content {
    /// Checks and renders. Line ends become LF, blank ends go.
    ///
    /// # Errors
    /// `Invalid` when nothing is left or it is too long.
    pub fn new(typed: &str) -> Result<Self> {
        Self::new_or_empty(typed)?.or_refused()
    }

    /// The same for a message that has files: they may say it all.
    ///
    /// # Errors
    /// `Invalid` when it is too long.
    pub fn new_or_empty(typed: &str) -> Result<Self> {
        let text = typed.replace("\r\n", "\n").replace(['\r', '\0'], "\n");
        let text = text.trim_end().trim_start_matches('\n');
        let text = if shows_nothing(text) { "" } else { text };
        let length = text.chars().count();
        if length > CONTENT_MAX {
            let fault = Text::new("field-message-long").with("max", CONTENT_MAX as i64).with("length", length as i64);
            return Err(Error::field("content", fault));
        }
        let (template, plain) = (markdown::to_template(text), markdown::to_text(text));
        Ok(Self {
            html: template.fill(&People::default(), &mut Named::default()),
            template,
            excerpt: markdown::to_excerpt(&plain),
            links: markdown::links(text),
            indexed: Indexed::new(&plain),
            markdown: text.to_owned(),
            naming: None,
        })
    }

    /// The content, unless nothing was typed.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn or_refused(self) -> Result<Self> {
        if self.is_empty() { Err(Error::field("content", Text::new("field-message-empty"))) } else { Ok(self) }
    }

    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.markdown.is_empty()
    }

    /// Whether it may name somebody.
    pub fn may_name(&self) -> bool {
        self.template.has_slots()
    }

    /// The same with whom it names noted, as things stand.
    pub(super) fn with_naming(self, naming: Naming) -> Self {
        Self { naming: Some(naming), ..self }
    }

    /// Whom it names, as things stood.
    pub(super) fn naming(&self) -> Option<&Naming> {
        self.naming.as_ref()
    }

    /// Its HTML and its excerpt with mentions of these people.
    pub(super) fn fill(&self, people: &People, named: &mut Named) -> (String, String) {
        let html = self.template.fill(people, named);
        let excerpt = people.split(&self.excerpt, &mut Named::default());
        let excerpt = excerpt.into_iter().map(|piece| match piece {
            Piece::Text(text) => Cow::Borrowed(text),
            Piece::Name(_, shown) => shown,
        });
        (html, excerpt.collect())
    }

    /// As typed.
    pub fn markdown(&self) -> &str {
        &self.markdown
    }

    /// Safe HTML that names nobody.
    pub fn html(&self) -> &str {
        &self.html
    }

    /// Safe HTML with whom it names, as things stood.
    pub fn shown(&self) -> &str {
        self.naming.as_ref().map_or(self.html.as_str(), Naming::html)
    }

    /// Plain text, shortened.
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }

    /// The addresses that it links to.
    pub fn links(&self) -> &[String] {
        &self.links
    }

    /// What a search finds it by.
    pub(super) fn indexed(&self) -> &Indexed {
        &self.indexed
    }
}

/// Whether a message would be an empty bubble: it holds nothing that is seen, typed as it is or as references to characters (`&#8203;`).
fn shows_nothing(typed: &str) -> bool {
    let is_referred = || typed.contains('&') && text::is_invisible(&markdown::to_text(typed));
    text::is_invisible(typed) || (is_referred() && typed.split(['&', ';']).all(is_reference_or_gap))
}

/// A piece of a text between `&` and `;`: the name or number of a character, or nothing that is seen.
fn is_reference_or_gap(piece: &str) -> bool {
    text::is_invisible(piece) || piece.chars().all(|c| c.is_ascii_alphanumeric() || c == '#')
}

/// What a person's message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text, files, or both.
    Text,
    /// One recording.
    Voice,
}

impl Kind {
    /// The word in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Voice => "voice",
        }
    }
}

/// A message on its way into a room.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What it is.
    pub kind: Kind,
    /// Its text; empty only beside files.
    pub content: Content,
    /// Its files.
    pub files: Vec<New>,
    /// What it answers.
    pub reply_to: Option<MessageId>,
    /// The browser's own name for it.
    pub client_nonce: String,
}

impl Draft {
    /// A checked draft; a program that sends no nonce gets one, and with it no protection against its own retries.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn new(content: &str, reply_to: Option<MessageId>, client_nonce: &str, clock: &Clock) -> Result<Self> {
        Self::with_files(Kind::Text, Content::new_or_empty(content)?, Vec::new(), reply_to, client_nonce, clock)
    }

    /// The same with files: beside them the text may be empty.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn with_files(
        kind: Kind,
        content: Content,
        files: Vec<New>,
        reply_to: Option<MessageId>,
        client_nonce: &str,
        clock: &Clock,
    ) -> Result<Self> {
        let client_nonce = match client_nonce.trim() {
            "" => URL_SAFE_NO_PAD.encode(clock.random::<16>()),
            nonce if is_nonce(nonce) => nonce.to_owned(),
            _ => return Err(Error::field("client_nonce", Text::new("field-nonce"))),
        };
        let content = if files.is_empty() { content.or_refused()? } else { content };
        Ok(Self { kind, content, files, reply_to, client_nonce })
    }

    /// What is shown of it where another message quotes it; `text` is its content's excerpt.
    pub fn excerpt(&self, text: &str) -> String {
        match (self.kind, text) {
            (Kind::Voice, _) => attachment::voice_excerpt(self.files.first().and_then(|file| file.duration_ms)),
            (Kind::Text, "") => attachment::excerpt(self.files.iter().map(|file| file.name.as_str())),
            (Kind::Text, excerpt) => excerpt.to_owned(),
        }
    }

    /// What was sent, as a digest: the same nonce with another one is a mistake.
    pub fn hash(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(self.content.markdown.as_bytes());
        context.update(&[0]);
        context.update(&self.reply_to.map_or(0, |id| id.0).to_be_bytes());
        if self.kind != Kind::Text {
            context.update(self.kind.as_str().as_bytes());
        }
        // As sent, not as kept: what is done with a picture may change with the next version of this program.
        for file in &self.files {
            context.update(&file.kept.sent_sha256);
            context.update(&(file.name.len() as u64).to_be_bytes());
            context.update(file.name.as_bytes());
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        hash
    }
}

/// Letters, digits, `-` and `_`: it stands in an attribute and in a URL-safe place alike.
fn is_nonce(text: &str) -> bool {
    text.len() <= NONCE_MAX && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_counts_characters() {
        assert!(Content::new(&"é".repeat(CONTENT_MAX)).is_ok());
        assert!(Content::new(&"é".repeat(CONTENT_MAX + 1)).is_err());
        assert!(Content::new(" \r\n\t\n").is_err());
        for nothing in
            ["\u{200b}", "\u{2800}\u{3164}", "\u{ad} \u{feff}\n\u{202e}", "&#8203;", "&nbsp; &ZeroWidthSpace;"]
        {
            assert!(Content::new(nothing).is_err(), "{nothing:?}");
            assert!(Content::new_or_empty(nothing).unwrap().is_empty());
        }
        for something in ["\u{301}", ".", "👍", "&amp;", "a\u{200b}", "---", "&#65;"] {
            assert!(Content::new(something).is_ok(), "{something:?}");
        }
        assert_eq!(Content::new("\r\n a\rb \r\n").unwrap().markdown(), " a\nb");
    }

    #[test]
    fn a_draft_is_recognised_by_what_was_sent() {
        let clock = Clock::default();
        let draft = |text, reply| Draft::new(text, reply, "n-1", &clock).unwrap().hash();
        assert_eq!(draft("a", None), draft("a", None));
        assert_ne!(draft("a", None), draft("b", None));
        assert_ne!(draft("a", None), draft("a", Some(MessageId(1))));
        assert!(Draft::new("a", None, "<script>", &clock).is_err());
        assert_ne!(Draft::new("a", None, "", &clock).unwrap().client_nonce, "");
    }
}
