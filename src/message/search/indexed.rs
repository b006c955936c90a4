//! What a text is found by: computed before the transaction that writes its message, since it grows with the text.

use super::gram;
use crate::text::fold;
use std::collections::BTreeSet;

/// What a text is found by, apart from the names of its files.
#[derive(Debug, Clone, Default)]
pub struct Indexed {
    pub(super) folded: String,
    pub(super) tokens: BTreeSet<String>,
}

impl Indexed {
    /// From a message's plain text.
    pub fn new(text: &str) -> Self {
        let folded = fold::fold(text);
        Self { tokens: gram::of_text(&folded), folded }
    }

    /// The same with more behind it, which is short: of what is there already only the end is looked at.
    pub(super) fn push(&mut self, text: &str) {
        let more = fold::fold(text);
        if more.is_empty() {
            return;
        }
        if self.folded.is_empty() {
            *self = Self { tokens: gram::of_text(&more), folded: more };
            return;
        }
        let end: usize = self.folded.chars().rev().take(2).map(char::len_utf8).sum();
        let from = self.folded.len() - end;
        self.folded.push(' ');
        self.folded.push_str(&more);
        self.tokens.extend(gram::of_text(&self.folded[from..]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_found_as_if_they_were_text() {
        let texts = ["", " ", "a", "ab", "Été à 東", "c\u{301}", "x.pdf", "\u{200b}"];
        for text in texts {
            for first in texts {
                for second in texts {
                    let mut indexed = Indexed::new(text);
                    indexed.push(first);
                    indexed.push(second);
                    let whole = Indexed::new(&format!("{text}\n{first}\n{second}"));
                    assert_eq!(
                        (indexed.folded, indexed.tokens),
                        (whole.folded, whole.tokens),
                        "{text:?} {first:?} {second:?}"
                    );
                }
            }
        }
    }
}
