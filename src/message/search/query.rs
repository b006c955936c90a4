//! What somebody looks for, checked and folded before any statement runs.

use super::gram;
use crate::clock::Micros;
use crate::error::{Error, Result, Text};
use crate::id::{MessageId, RoomId, UserId};
use crate::text::fold;

/// Characters that a search needs at least.
pub const SHORTEST: usize = 2;
/// Characters that it takes at most.
pub const LONGEST: usize = 200;
/// Words that it takes at most.
const WORDS_MAX: usize = 16;

/// What narrows a search.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// In this room only.
    pub room: Option<RoomId>,
    /// By this person only.
    pub author: Option<UserId>,
    /// Sent at this moment or later.
    pub from: Option<Micros>,
    /// Sent before this moment.
    pub until: Option<Micros>,
    /// With a file.
    pub has_file: bool,
    /// Older than this message: where a page ended.
    pub before: Option<MessageId>,
}

/// Words that a message must hold, each somewhere, and what narrows the search.
#[derive(Debug, Clone)]
pub struct Query {
    /// Folded, none empty.
    pub words: Vec<String>,
    /// What narrows it.
    pub filter: Filter,
}

impl Query {
    /// The words of what was typed. Nothing in it has a meaning of its own: signs are signs.
    ///
    /// # Errors
    /// `Invalid` when it is too short or too long.
    pub fn new(typed: &str, filter: Filter) -> Result<Self> {
        let folded = fold::fold(typed);
        let length = folded.chars().count();
        if length < SHORTEST && !folded.chars().all(gram::stands_alone) || length == 0 {
            return Err(Error::field("q", Text::new("search-too-short").with("min", SHORTEST)));
        }
        let mut words: Vec<String> = folded.split(' ').map(str::to_owned).collect();
        // Single letters alone would be in everything: they are looked for as they stand, spaces included.
        if gram::of_words(&words).is_empty() {
            words = vec![folded];
        }
        if length > LONGEST || words.len() > WORDS_MAX {
            return Err(Error::field("q", Text::new("search-too-long").with("max", LONGEST)));
        }
        Ok(Self { words, filter })
    }

    /// Whether a folded text holds all words.
    pub fn matches(&self, folded: &str) -> bool {
        self.words.iter().all(|word| folded.contains(word.as_str()))
    }

    /// The tokens that a text must hold.
    pub(super) fn tokens(&self) -> Vec<String> {
        gram::of_words(&self.words)
    }
}

/// Stands in the index beside the tokens of a text that has a file.
pub(super) const FILE_TOKEN: &str = "file";

/// The token of a room's messages; no text has such a one.
pub(super) fn room_token(room: RoomId) -> String {
    format!("room{room}")
}

/// The token of a person's messages.
pub(super) fn author_token(author: UserId) -> String {
    format!("user{author}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(typed: &str) -> Option<Vec<String>> {
        Query::new(typed, Filter::default()).ok().map(|query| query.words)
    }

    #[test]
    fn two_characters_at_least_after_folding() {
        for short in ["", " ", "a", " é ", "e\u{301}", "\u{200b}a", "%"] {
            assert_eq!(words(short), None, "{short:?}");
        }
        assert_eq!(words("Ét").unwrap(), ["et"]);
        assert_eq!(words("œ").unwrap(), ["oe"], "two letters to who types them");
        for alone in ["水", "🎉", "❤️"] {
            assert_eq!(words(alone).unwrap().len(), 1, "{alone} says enough");
        }
        assert!(words(&"é".repeat(LONGEST)).is_some());
        assert!(words(&"é".repeat(LONGEST + 1)).is_none());
        assert!(words(&"mot ".repeat(WORDS_MAX + 1)).is_none());
    }

    #[test]
    fn words_stand_anywhere_and_single_letters_as_they_stand() {
        assert_eq!(words(" Pont  rouge ").unwrap(), ["pont", "rouge"]);
        assert_eq!(words("y a").unwrap(), ["y a"]);
        assert_eq!(words("à vélo").unwrap(), ["a", "velo"]);
        let query = Query::new("a velo", Filter::default()).unwrap();
        assert!(query.matches("velo rapide") && !query.matches("velo"));
    }

    #[test]
    fn nothing_typed_reaches_the_index_as_grammar() {
        let query = Query::new("\"a\" OR b* NEAR(c) -d ^e", Filter::default()).unwrap();
        let tokens = query.tokens();
        assert!(!tokens.is_empty());
        assert!(tokens.iter().all(|token| token.bytes().all(|b| b.is_ascii_alphanumeric())), "{tokens:?}");
    }
}
