//! The part of a text around what was looked for, cut into what was hit and what was not. Text only: who shows it makes text nodes of it.

use crate::text::fold::{Folded, folded};
use serde::Serialize;

/// Characters before the first hit.
const BEFORE: usize = 48;
/// Characters in all.
const LENGTH: usize = 180;

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// The text itself, as it was written.
    pub text: String,
    /// Whether it is what was looked for.
    pub hit: bool,
}

/// The surroundings of the first word that is found, with every hit in them.
pub(super) fn around(text: &str, words: &[String]) -> Vec<Segment> {
    let folded = folded(text);
    let hits = hits(&folded, words);
    let first = hits.first().map_or(0, |(from, _)| *from);
    let begin = edge_before(&folded, word_start(&folded, first.saturating_sub(BEFORE), first));
    let end = edge(&folded, (begin + LENGTH).max(hits.first().map_or(0, |(_, to)| *to)).min(folded.chars.len()));
    let mut segments = Segments::default();
    if begin > 0 {
        segments.push("…", false);
    }
    let mut at = begin;
    for (from, to) in hits.into_iter().filter(|(from, _)| *from < end) {
        let (from, to) = (from.max(at), to.min(end));
        segments.push(original(text, &folded, at, from), false);
        segments.push(original(text, &folded, from, to), true);
        at = to.max(at);
    }
    segments.push(original(text, &folded, at, end), false);
    if end < folded.chars.len() {
        segments.push("…", false);
    }
    segments.0
}

/// Where words stand, in order, what overlaps made one.
fn hits(folded: &Folded, words: &[String]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for word in words {
        let word: Vec<char> = word.chars().collect();
        if word.is_empty() {
            continue;
        }
        let places = folded.chars.windows(word.len()).enumerate().filter(|(_, window)| *window == word.as_slice());
        found.extend(places.map(|(from, _)| (edge_before(folded, from), edge(folded, from + word.len()))));
    }
    found.sort_unstable();
    let mut merged: Vec<(usize, usize)> = Vec::with_capacity(found.len());
    for (from, to) in found {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            Some(_) | None => merged.push((from, to)),
        }
    }
    merged
}

/// The same, backward.
fn edge_before(folded: &Folded, mut at: usize) -> usize {
    while at > 0 && at < folded.places.len() && folded.places[at] == folded.places[at - 1] {
        at -= 1;
    }
    at
}

/// The next place at which an original character begins: one that was folded into several is not cut.
fn edge(folded: &Folded, mut at: usize) -> usize {
    while at > 0 && at < folded.places.len() && folded.places[at] == folded.places[at - 1] {
        at += 1;
    }
    at
}

/// The beginning of the word that stands at a place, unless that is behind the limit.
fn word_start(folded: &Folded, from: usize, limit: usize) -> usize {
    if from == 0 {
        return 0;
    }
    (from..limit).find(|at| folded.chars[at - 1] == ' ').unwrap_or(from)
}

/// What was written where folded characters came from. A character that was folded into several belongs to where it begins.
fn original<'a>(text: &'a str, folded: &Folded, from: usize, to: usize) -> &'a str {
    if from >= to {
        return "";
    }
    let start = folded.places.get(from).copied().unwrap_or(text.len());
    let last = folded.places.get(to - 1).copied().unwrap_or(text.len());
    let next = folded.places[to..].iter().copied().find(|place| *place > last).unwrap_or(text.len());
    // An accent that is a character of its own belongs to its letter; the white space that was collapsed, to nobody.
    text.get(start..next.max(start)).unwrap_or_default()
}

#[derive(Default)]
struct Segments(Vec<Segment>);

impl Segments {
    fn push(&mut self, text: &str, hit: bool) {
        if text.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.hit == hit => last.text.push_str(text),
            Some(_) | None => self.0.push(Segment { text: text.to_owned(), hit }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        around(text, &words)
            .iter()
            .map(|part| if part.hit { format!("[{}]", part.text) } else { part.text.clone() })
            .collect()
    }

    #[test]
    fn hits_are_marked_as_they_were_written() {
        assert_eq!(marked("Le concert est annulé.", &["annul"]), "Le concert est [annul]é.");
        assert_eq!(marked("C’est l’Été !", &["l'ete"]), "C’est [l’Été] !");
        assert_eq!(marked("Un cœur, deux cœurs", &["coeur"]), "Un [cœur], deux [cœur]s");
        assert_eq!(marked("e\u{301}te\u{301}", &["ete"]), "[e\u{301}te\u{301}]");
        assert_eq!(marked("東京タワー", &["京タ"]), "東[京タ]ワー");
        assert_eq!(marked("abcd", &["ab", "bc"]), "[abc]d");
        assert_eq!(marked("rien", &["zz"]), "rien");
        assert_eq!(marked("", &["zz"]), "");
        assert_eq!(marked("<b>a & b</b>", &["<b>"]), "[<b>]a & b</b>", "text, not HTML");
    }

    #[test]
    fn a_long_text_is_cut_around_the_first_hit() {
        let text = format!("{} ici {}", "mot ".repeat(100), "fin ".repeat(100));
        let shown = marked(&text, &["ici"]);
        assert!(shown.starts_with("…mot ") && shown.ends_with('…') && shown.contains("[ici]"), "{shown}");
        assert!(shown.chars().count() <= LENGTH + 5);
        let word = "x".repeat(400);
        assert!(marked(&word, &[&word]).contains(&format!("[{word}]")), "a hit is shown whole");
    }

    #[test]
    fn any_text_is_cut_somewhere_that_is_a_place() {
        for text in ["ﬁﬁﬁ", "½ œ", "e\u{301}\u{301}\u{301}", "👩‍🚀x👩‍🚀", " \u{200b} a", "İİ"] {
            for word in ["f", "i", "1", "o", "e", "x", "a", "👩", "fi"] {
                let all: String = around(text, &[word.to_owned()]).into_iter().map(|part| part.text).collect();
                assert!(all.chars().count() <= text.chars().count() + 1, "{text:?} {word:?}: {all:?}");
            }
        }
    }
}
