//! Where a list in pages goes on when a text orders it: `{text, base64url}.{id}`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Characters of a text that an order compares.
pub const KEY: usize = 64;

/// The beginning of a folded text: what orders are made by.
pub fn key(folded: &str) -> String {
    folded.chars().take(KEY).collect()
}

/// Writes a place.
pub fn write(key: &str, id: i64) -> String {
    format!("{}.{id}", URL_SAFE_NO_PAD.encode(key))
}

/// Reads a place; none where nobody wrote such a text.
pub fn read(text: &str) -> Option<(String, i64)> {
    let (key, id) = text.split_once('.')?;
    let id = id.parse().ok().filter(|id| *id >= 0)?;
    let key = String::from_utf8(URL_SAFE_NO_PAD.decode(key).ok()?).ok()?;
    // Zero bytes are no text to PostgreSQL.
    (key.chars().count() <= KEY && !key.contains('\0')).then_some((key, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_nothing_else_is() {
        for (text, id) in [("", 0), ("l'ete a velo", 7), (&*key(&"é".repeat(100)), i64::MAX)] {
            assert_eq!(read(&write(text, id)), Some((text.to_owned(), id)));
        }
        for wrong in ["", "7", ".", "!!.7", ".x", ".-7", ".7.7", "AAAA.1", "_w.1", &write(&"é".repeat(KEY + 1), 1)] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
