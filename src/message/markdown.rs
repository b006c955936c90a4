//! Markdown to safe HTML, once, at write. No raw HTML, no remote image, no scheme but http, https and mailto.
//!
//! Two guards, either of which would do: the events that reach the renderer hold no HTML of the author's, and the result
//! passes an allow-list sanitiser.

mod code;
mod shortcode;
mod template;
#[cfg(test)]
mod tests;

use crate::message::mention::{Named, People};
use ammonia::Builder;
use linkify::{LinkFinder, LinkKind};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;
pub use template::Template;
use unicode_segmentation::UnicodeSegmentation;

/// The longest excerpt, in characters as people see them.
pub const EXCERPT_MAX: usize = 140;
/// Deeper nesting is flattened: a few thousand `>` would otherwise cost every reader a few thousand boxes.
const DEPTH_MAX: usize = 12;

const TAGS: [&str; 20] = [
    "a",
    "blockquote",
    "br",
    "code",
    "del",
    "em",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
    "span",
];

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from(TAGS))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href"])),
            ("ol", HashSet::from(["start"])),
            ("pre", HashSet::from(["data-language"])),
            ("span", HashSet::from(["data-user", template::SLOT])),
        ]))
        .allowed_classes(HashMap::from([
            ("span", code::CLASSES.into_iter().chain(["mention"]).collect()),
            ("li", HashSet::from(TASKS)),
        ]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(ammonia::UrlRelative::Deny)
        // They scroll inside: who has no mouse must be able to reach them.
        .set_tag_attribute_values(HashMap::from([
            ("pre", HashMap::from([("tabindex", "0")])),
            ("table", HashMap::from([("tabindex", "0")])),
        ]))
        .link_rel(Some("noopener nofollow ugc"));
    builder
});

/// Safe HTML of a text that names nobody.
pub fn to_html(markdown: &str) -> String {
    to_template(markdown).fill(&People::default(), &mut Named::default())
}

/// Safe HTML of a text that may name people, who are not known yet. Code and links name nobody.
pub fn to_template(markdown: &str) -> Template {
    let events = Shallow::new(Parser::new_ext(markdown, options())).flat_map(harmless);
    let mut slots = Vec::new();
    let marked = mark_text(events, &mut |text| {
        if !text.contains('@') {
            return vec![Event::Text(CowStr::from(shortcode::to_emoji(text).into_owned()))];
        }
        slots.push(text.to_owned());
        vec![Event::InlineHtml(CowStr::from(template::mark(slots.len() - 1)))]
    });
    let mut html = String::with_capacity(markdown.len() * 3 / 2);
    pulldown_cmark::html::push_html(&mut html, mark_tasks(mark_code(marked)).into_iter());
    Template::new(SANITISER.clean(&html).to_string().trim_end(), slots)
}

/// The beginning of a plain text in one line.
pub fn to_excerpt(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        line.push_str(if line.is_empty() { "" } else { " " });
        line.push_str(word);
    }
    let short: String = line.graphemes(true).take(EXCERPT_MAX).collect();
    if short.len() < line.len() { format!("{short}…") } else { line }
}

/// All that a message says, without what formats it.
pub fn to_text(markdown: &str) -> String {
    let mut text = String::new();
    // The parser splits running text at characters that might have meant something; a shortcode may span several.
    let mut run = String::new();
    let mut is_code = false;
    for event in Parser::new_ext(markdown, options()) {
        if let (false, Event::Text(part)) = (is_code, &event) {
            run.push_str(part);
            continue;
        }
        text.push_str(&shortcode::to_emoji(&run));
        run.clear();
        is_code = matches!(event, Event::Start(Tag::CodeBlock(_))) || is_code && event != Event::End(TagEnd::CodeBlock);
        push_plain(event, &mut text);
    }
    text.push_str(&shortcode::to_emoji(&run));
    text
}

fn push_plain(event: Event<'_>, text: &mut String) {
    match event {
        Event::Text(part) | Event::Code(part) | Event::Html(part) | Event::InlineHtml(part) => text.push_str(&part),
        // A word may be half bold: only what ends a block ends a word.
        Event::End(
            TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Link
            | TagEnd::Image
            | TagEnd::Superscript
            | TagEnd::Subscript,
        ) => {}
        Event::SoftBreak | Event::HardBreak | Event::End(_) => text.push(' '),
        Event::Start(_)
        | Event::Rule
        | Event::TaskListMarker(_)
        | Event::FootnoteReference(_)
        | Event::InlineMath(_)
        | Event::DisplayMath(_) => {}
    }
}

/// The addresses that a text links to, in their order, as typed. Not pictures, and not what stands in angle brackets: who writes an address
/// so wants the address and nothing else.
pub fn links(markdown: &str) -> Vec<String> {
    let mut is_bare = true;
    let shown = Parser::new_ext(markdown, options()).filter(|event| {
        if matches!(event, Event::Start(Tag::Link { link_type: LinkType::Autolink | LinkType::Email, .. })) {
            is_bare = false;
        }
        let is_shown = is_bare;
        if matches!(event, Event::End(TagEnd::Link)) {
            is_bare = true;
        }
        is_shown
    });
    let linked = mark_text(shown, &mut |_| Vec::new()).into_iter();
    linked
        .filter_map(|event| {
            if let Event::Start(Tag::Link { dest_url, .. }) = event { Some(dest_url.into_string()) } else { None }
        })
        .collect()
}

fn options() -> Options {
    Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS
}

/// Items of a list of tasks: to do, and done. The page draws the box: a form's control would have no name here.
const TASKS: [&str; 2] = ["task", "task-done"];

/// An item that begins with a box gets a class in place of it.
fn mark_tasks(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut marked = Vec::with_capacity(events.len());
    for event in events {
        let Event::TaskListMarker(is_done) = event else {
            marked.push(event);
            continue;
        };
        let item = marked.iter().rposition(|event| matches!(event, Event::Start(Tag::Item)));
        if let Some(item) = item.and_then(|place| marked.get_mut(place)) {
            let class = TASKS[usize::from(is_done)];
            *item = Event::Html(CowStr::from(format!("<li class=\"{class}\">")));
        }
    }
    marked
}

/// Replaces each block of code by its HTML.
fn mark_code(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut marked = Vec::with_capacity(events.len());
    let mut open: Option<(Option<String>, String)> = None;
    for event in events {
        match (&mut open, event) {
            (None, Event::Start(Tag::CodeBlock(kind))) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => code::language(&info),
                    CodeBlockKind::Indented => None,
                };
                open = Some((language, String::new()));
            }
            (Some((language, text)), Event::End(TagEnd::CodeBlock)) => {
                marked.push(Event::Html(CowStr::from(code::block(text, language.as_deref()))));
                open = None;
            }
            (Some((_, text)), Event::Text(part)) => text.push_str(&part),
            (Some(_), _) => {}
            (None, event) => marked.push(event),
        }
    }
    marked
}

/// Turns what an author may not use into what shows it: HTML into its text, an image into a link, a heading into bold,
/// a line end into a line end.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is not named is harmless, and the sanitiser follows")]
fn harmless(event: Event<'_>) -> Vec<Event<'_>> {
    match event {
        Event::Html(html) | Event::InlineHtml(html) => vec![Event::Text(html)],
        Event::SoftBreak => vec![Event::HardBreak],
        Event::Start(Tag::HtmlBlock) => vec![Event::Start(Tag::Paragraph)],
        Event::End(TagEnd::HtmlBlock) => vec![Event::End(TagEnd::Paragraph)],
        Event::Start(Tag::Heading { .. }) => vec![Event::Start(Tag::Paragraph), Event::Start(Tag::Strong)],
        Event::End(TagEnd::Heading(_)) => vec![Event::End(TagEnd::Strong), Event::End(TagEnd::Paragraph)],
        Event::Start(Tag::Image { dest_url, title, id, .. }) => {
            vec![Event::Start(Tag::Link { link_type: LinkType::Inline, dest_url, title, id })]
        }
        Event::End(TagEnd::Image) => vec![Event::End(TagEnd::Link)],
        other => vec![other],
    }
}

/// What is made of a text that is no address.
type Marking<'m> = &'m mut dyn FnMut(&str) -> Vec<Event<'static>>;

/// Makes links of the bare addresses in running text, and of the rest what `mark` makes of it; not inside links and code.
fn mark_text<'a>(events: impl Iterator<Item = Event<'a>>, mark: Marking<'_>) -> Vec<Event<'a>> {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    let mut opaque = 0_usize;
    let mut linked: Vec<Event<'a>> = Vec::new();
    // The parser splits running text at characters that might have meant something; an address may span several.
    let mut run = String::new();
    for event in events {
        if let (0, Event::Text(text)) = (opaque, &event) {
            run.push_str(text);
            continue;
        }
        push_linked(&finder, &mut run, &mut linked, mark);
        if let Event::Start(Tag::Link { .. } | Tag::CodeBlock(_)) = &event {
            opaque += 1;
        } else if let Event::End(TagEnd::Link | TagEnd::CodeBlock) = &event {
            opaque = opaque.saturating_sub(1);
        }
        linked.push(event);
    }
    push_linked(&finder, &mut run, &mut linked, mark);
    linked
}

fn push_linked(finder: &LinkFinder, run: &mut String, events: &mut Vec<Event<'_>>, mark: Marking<'_>) {
    for span in finder.spans(run) {
        let text = CowStr::from(span.as_str().to_owned());
        let is_web = span.as_str().starts_with("http://") || span.as_str().starts_with("https://");
        if span.kind().is_some() && is_web {
            let link = Tag::Link {
                link_type: LinkType::Autolink,
                dest_url: text.clone(),
                title: CowStr::Borrowed(""),
                id: CowStr::Borrowed(""),
            };
            events.extend([Event::Start(link), Event::Text(text), Event::End(TagEnd::Link)]);
        } else {
            events.extend(mark(span.as_str()));
        }
    }
    run.clear();
}

/// Drops containers below [`DEPTH_MAX`], keeping what they hold.
struct Shallow<I> {
    events: I,
    depth: usize,
}

impl<I> Shallow<I> {
    fn new(events: I) -> Self {
        Self { events, depth: 0 }
    }
}

impl<'a, I: Iterator<Item = Event<'a>>> Iterator for Shallow<I> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        loop {
            let event = self.events.next()?;
            let is_shown = if let Event::Start(_) = &event {
                self.depth += 1;
                self.depth <= DEPTH_MAX
            } else if let Event::End(_) = &event {
                self.depth = self.depth.saturating_sub(1);
                self.depth < DEPTH_MAX
            } else {
                true
            };
            if is_shown {
                return Some(event);
            }
        }
    }
}
