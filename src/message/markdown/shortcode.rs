//! `:tada:` becomes 🎉 where it stands as a word of its own. What people typed is kept; only what is shown changes.

use std::borrow::Cow;

/// The longest name of an emoji.
const LONGEST: usize = 60;

/// The text with its known shortcodes as emoji.
pub(super) fn to_emoji(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut done = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find(':') {
        let start = at + found;
        match shortcode(text, start, done) {
            Some((emoji, end)) => {
                out.push_str(&text[done..start]);
                out.push_str(emoji);
                (done, at) = (end, end);
            }
            None => at = start + 1,
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

/// The emoji of the code that begins at a colon, and where the code ends. A time (10:30:45) and a path (a:b:c) are none.
fn shortcode(text: &str, start: usize, done: usize) -> Option<(&'static str, usize)> {
    let before = text[..start].chars().next_back();
    // Right behind another code is a beginning too.
    if start != done && before.is_some_and(char::is_alphanumeric) {
        return None;
    }
    let rest = &text[start + 1..];
    let length = rest.bytes().take(LONGEST).position(|b| !(b.is_ascii_alphanumeric() || b"_+-".contains(&b)))?;
    let after = rest[length..].strip_prefix(':')?;
    if after.chars().next().is_some_and(char::is_alphanumeric) {
        return None;
    }
    let emoji = emojis::get_by_shortcode(&rest[..length])?;
    Some((emoji.as_str(), start + length + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortcode_is_a_word() {
        for (text, shown) in [
            (":tada:", "🎉"),
            ("a :tada:, :+1:!", "a 🎉, 👍!"),
            (":tada::tada:", "🎉🎉"),
            ("été:tada:", "été:tada:"),
            (":tada:x", ":tada:x"),
            ("10:30:45", "10:30:45"),
            (":zzz_zzz:", ":zzz_zzz:"),
            ("::tada::", ":🎉:"),
            (":", ":"),
            ("", ""),
        ] {
            assert_eq!(to_emoji(text), shown, "{text}");
        }
        assert_eq!(to_emoji(&":a".repeat(5_000)).len(), 10_000);
    }

    /// What the page offers, the server knows: as a reaction, and by the same names.
    #[test]
    fn the_pages_emoji_are_the_servers() {
        let rows: Vec<Vec<serde_json::Value>> =
            serde_json::from_str(include_str!("../../../public/emoji/emoji.json")).unwrap();
        assert!(rows.len() > 1_800);
        for row in rows {
            let [emoji, name, codes] = [0, 3, 6].map(|column| row[column].as_str().unwrap().to_owned());
            assert_eq!(emojis::get(&emoji).map(|known| known.as_str()), Some(emoji.as_str()), "{name}");
            for code in codes.split(' ').filter(|code| !code.is_empty()) {
                let known = emojis::get_by_shortcode(code).map(|known| known.as_str());
                assert_eq!(known, Some(emoji.as_str()), ":{code}: of {name}");
            }
        }
    }
}
