//! A rendered text with slots in it: stretches of running text in which somebody may be named, kept as typed. Everything that takes time is
//! done when the template is made; filling it in is a search for names and nothing else.

use super::shortcode;
use crate::message::mention::{Named, People, Piece};

/// The attribute that marks a slot between the renderer and the end of the sanitiser. It is in no text that leaves here.
pub(super) const SLOT: &str = "data-slot";
const OPENS: &str = "<span data-slot=\"";
const CLOSES: &str = "\"></span>";

/// Safe HTML with slots.
#[derive(Debug, Clone, Default)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Html(String),
    /// Running text as typed.
    Slot(String),
}

/// What stands for a slot until the sanitiser is done.
pub(super) fn mark(slot: usize) -> String {
    format!("{OPENS}{slot}{CLOSES}")
}

impl Template {
    /// Cuts sanitised HTML at its marks. No text of an author's can look like one: a `<` in a text is escaped, a quotation mark in an
    /// attribute too.
    pub(super) fn new(html: &str, mut slots: Vec<String>) -> Self {
        let mut pieces = html.split(OPENS);
        let mut parts = vec![Part::Html(pieces.next().unwrap_or_default().to_owned())];
        for piece in pieces {
            let Some((number, rest)) = piece.split_once(CLOSES) else { continue };
            let slot = number.parse::<usize>().ok().and_then(|number| slots.get_mut(number)).map(std::mem::take);
            parts.push(Part::Slot(slot.unwrap_or_default()));
            parts.push(Part::Html(rest.to_owned()));
        }
        Self(parts)
    }

    /// Whether somebody may be named.
    pub fn has_slots(&self) -> bool {
        self.0.len() > 1
    }

    /// Safe HTML, with mentions of these people as `<span class="mention" data-user="12">@Ben</span>`, and whom they name noted.
    pub fn fill(&self, people: &People, named: &mut Named) -> String {
        let mut html = String::new();
        for part in &self.0 {
            match part {
                Part::Html(part) => html.push_str(part),
                Part::Slot(text) => people.split(text, named).into_iter().for_each(|piece| push(piece, &mut html)),
            }
        }
        html
    }
}

fn push(piece: Piece<'_>, html: &mut String) {
    match piece {
        Piece::Text(text) => escape(&shortcode::to_emoji(text), html),
        Piece::Name(key, shown) => {
            html.push_str("<span class=\"mention\" data-user=\"");
            html.push_str(&key);
            html.push_str("\">");
            escape(&shown, html);
            html.push_str("</span>");
        }
    }
}

/// As the sanitiser writes a text (WHATWG HTML, 13.3, "escaping a string").
fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '\u{a0}' => html.push_str("&nbsp;"),
            c => html.push(c),
        }
    }
}
