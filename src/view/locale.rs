//! The two languages of the interface, and its texts in them (`locales/*/*.ftl`).

use crate::error::Text;
use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader, langid, static_loader};
use minijinja::value::{Value, ValueKind};
use rust_embed::RustEmbed;
use serde_json::{Map, Value as Json};
use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;
use std::str::FromStr;
use std::sync::LazyLock;

static_loader! {
    static TEXTS = {
        locales: "./locales",
        fallback_language: "fr",
        // Arguments stand in the text as they are: the isolation marks would end up in titles and attributes.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/locales"]
struct Files;

const FR: LanguageIdentifier = langid!("fr");
const EN: LanguageIdentifier = langid!("en");

/// A language of the interface; French when in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Locale {
    /// French.
    #[default]
    Fr,
    /// English.
    En,
}

impl Locale {
    /// The tag in `lang`, cookies and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fr => "fr",
            Self::En => "en",
        }
    }

    /// The one that a browser asks for first among ours (RFC 9110, 12.5.4).
    pub fn negotiate(accept_language: &str) -> Self {
        let mut best = (0.0_f32, Self::default());
        for range in accept_language.split(',') {
            let (tag, quality) = range.split_once(";q=").unwrap_or((range, "1"));
            let quality = quality.trim().parse().unwrap_or(0.0);
            let tag = tag.trim().to_ascii_lowercase();
            let locale = match tag.split('-').next() {
                Some("fr") => Self::Fr,
                Some("en") => Self::En,
                Some(_) | None => continue,
            };
            if quality > best.0 {
                best = (quality, locale);
            }
        }
        best.1
    }

    /// A text of the interface.
    pub fn text(self, text: &Text) -> String {
        let args = text.args.iter().map(|(name, value)| (*name, FluentValue::from(*value)));
        self.translate(text.key, args).unwrap_or_else(|| text.key.to_owned())
    }

    /// A text by its key and arguments; none when there is no such key.
    pub fn translate<'a>(
        self,
        key: &str,
        args: impl IntoIterator<Item = (&'a str, FluentValue<'a>)>,
    ) -> Option<String> {
        let args: HashMap<Cow<'static, str>, FluentValue<'_>> =
            args.into_iter().map(|(name, value)| (Cow::Owned(name.to_owned()), value)).collect();
        let language = match self {
            Self::Fr => &FR,
            Self::En => &EN,
        };
        TEXTS.try_lookup_with_args(language, key, &args)
    }

    /// The browser's own texts (`js-…`, one line each, arguments left as `{$name}`), as JSON that may stand in a page.
    pub fn browser_strings(self) -> &'static str {
        static STRINGS: LazyLock<[String; 2]> =
            LazyLock::new(|| [Locale::Fr, Locale::En].map(|locale| browser_strings(&source(locale))));
        match self {
            Self::Fr => &STRINGS[0],
            Self::En => &STRINGS[1],
        }
    }
}

impl FromStr for Locale {
    type Err = Option<Infallible>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Fr, Self::En].into_iter().find(|locale| locale.as_str() == text).ok_or(None)
    }
}

/// A template's argument as Fluent understands it: numbers choose plurals.
pub fn argument(value: &Value) -> FluentValue<'static> {
    match (value.kind(), i64::try_from(value.clone())) {
        (ValueKind::Number, Ok(number)) => FluentValue::from(number),
        _ => FluentValue::from(value.to_string()),
    }
}

/// All files of a language, one after the other.
fn source(locale: Locale) -> String {
    let mut names: Vec<Cow<'static, str>> = Files::iter().collect();
    names.sort();
    let own = names.into_iter().filter(|name| name.split('/').next() == Some(locale.as_str()));
    own.filter_map(|name| Files::get(&name))
        .map(|file| String::from_utf8_lossy(&file.data).into_owned() + "\n")
        .collect()
}

fn browser_strings(ftl: &str) -> String {
    let strings: Map<String, Json> = ftl
        .lines()
        .filter(|line| line.starts_with("js-"))
        .filter_map(|line| line.split_once('='))
        .map(|(key, text)| {
            let text = text.trim().replace("{ $", "{$").replace(" }", "}").replace("{\" \"}", " ");
            (key.trim().to_owned(), Json::String(text))
        })
        .collect();
    // "<" would end the script element that holds it.
    Json::Object(strings).to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_the_language_it_asks_for_and_french_when_in_doubt() {
        for (asked, got) in [
            ("en-US,en;q=0.9,fr;q=0.8", Locale::En),
            ("fr-CA;q=0.5,en;q=0.4", Locale::Fr),
            ("de-DE,de;q=0.9,en;q=0.1", Locale::En),
            ("de", Locale::Fr),
            ("", Locale::Fr),
            (";;q=,en;q=x", Locale::Fr),
        ] {
            assert_eq!(Locale::negotiate(asked), got, "{asked:?}");
        }
    }

    #[test]
    fn both_languages_have_the_same_texts() {
        let keys = |ftl: &str| -> Vec<String> {
            let mut keys: Vec<String> = ftl
                .lines()
                .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
                .filter_map(|line| line.split_once('=').map(|(key, _)| key.trim().to_owned()))
                .collect();
            keys.sort();
            keys
        };
        let fr = keys(&source(Locale::Fr));
        let en = keys(&source(Locale::En));
        assert_eq!(fr, en);
        assert!(fr.windows(2).all(|pair| pair[0] != pair[1]), "a key stands twice");
    }
}
