//! Bookmarks: ids that stand for a place in the history, for streams that have had no update yet.
//!
//! A place is a number that counts all updates, the private ones too, so nobody may read it out of the id: it is enciphered, with keys that live as long as
//! the hub. After a restart such an id is one that nobody knows.

use std::hash::{BuildHasher, RandomState};

use crate::{history::Cursor, update::UpdateId};

const PREFIX: &str = "urn:mercure-place:";

/// Turns places into ids and back: a Feistel network of four rounds over the halves of the number (Luby and Rackoff), with the keyed hash of the standard
/// library in each.
#[derive(Debug, Default)]
pub(crate) struct Bookmarks {
    keys: [RandomState; 4],
}

impl Bookmarks {
    /// The id that stands for what comes at this place, and after it.
    pub(crate) fn id(&self, place: Cursor) -> UpdateId {
        let (mut left, mut right) = halves(place);
        for key in &self.keys {
            (left, right) = (right, left ^ round(key, right));
        }
        UpdateId::stored(&format!("{PREFIX}{left:08x}{right:08x}"))
    }

    /// The place that an id stands for, if it is such an id.
    pub(crate) fn place(&self, id: &str) -> Option<Cursor> {
        let digits = id.strip_prefix(PREFIX).filter(|digits| digits.len() == 16)?;
        let (mut left, mut right) = halves(u64::from_str_radix(digits, 16).ok()?);
        for key in self.keys.iter().rev() {
            (left, right) = (right ^ round(key, left), left);
        }
        Some(u64::from(left) << 32 | u64::from(right))
    }
}

fn halves(number: u64) -> (u32, u32) {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
    let low = number as u32;
    ((number >> 32).try_into().unwrap_or_default(), low)
}

fn round(key: &RandomState, half: u32) -> u32 {
    halves(key.hash_one(half)).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_and_is_not_to_be_seen() {
        let (bookmarks, others) = (Bookmarks::default(), Bookmarks::default());
        for place in [0, 1, 2, 4_711, u64::from(u32::MAX), u64::MAX] {
            let id = bookmarks.id(place);
            assert_eq!(bookmarks.place(id.as_str()), Some(place));
            assert_ne!(others.place(id.as_str()), Some(place), "another hub does not know it");
        }
        let numbers = [1, 2].map(|place| bookmarks.id(place).to_string());
        assert!(!numbers.iter().any(|id| id.ends_with("00000001") || id.ends_with("00000002")), "{numbers:?}");
        for id in ["", "urn:uuid:x", "urn:mercure-place:", "urn:mercure-place:12", "urn:mercure-place:000000000000000g"]
        {
            assert_eq!(bookmarks.place(id), None, "{id}");
        }
    }
}
