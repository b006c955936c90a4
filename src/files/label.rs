//! What a file is called on the screen. It is shown, and offered to who downloads; it is never a path here.

use crate::text;

/// The longest name, in bytes: what file systems take.
const BYTES_MAX: usize = 255;
/// The longest ending that is kept when a name is shortened, its dot included.
const ENDING_MAX: usize = 16;
/// A file without a name worth showing.
const NAMELESS: &str = "file";

/// A name as it may be shown: the last part of a path, as a line of text.
pub fn clean(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = text::line(last);
    let name = name.trim_end_matches(['.', ' ']);
    if name.is_empty() { NAMELESS.to_owned() } else { shorten(name) }
}

/// Within the limit, the ending kept: it says what the file is.
fn shorten(name: &str) -> String {
    if name.len() <= BYTES_MAX {
        return name.to_owned();
    }
    let dot = name.rfind('.').filter(|dot| *dot > 0 && name.len() - dot <= ENDING_MAX).unwrap_or(name.len());
    let (stem, ending) = name.split_at(dot);
    let mut end = BYTES_MAX - ending.len();
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", &stem[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_path_and_hides_nothing() {
        for (given, shown) in [
            ("plan.pdf", "plan.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\Zoé\\Été 2026.jpg", "Été 2026.jpg"),
            ("..", "file"),
            ("", "file"),
            (" \t ", "file"),
            ("a\0b\r\nc.txt", "ab c.txt"),
            ("\u{301}\u{3164}\u{2800}", "file"),
            ("e\u{301}te\u{301}.jpg", "été.jpg"),
            ("facture\u{202e}fdp.exe", "facturefdp.exe"),
            ("nul\u{200b}l.txt. . ", "null.txt"),
            (".htaccess", ".htaccess"),
            ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
            ("👩‍🚀.png", "👩‍🚀.png"),
        ] {
            assert_eq!(clean(given), shown, "{given:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let name = clean(&format!("{}.tar.gz", "é".repeat(300)));
        assert!(name.len() <= BYTES_MAX && name.ends_with("é.gz") || name.ends_with(".gz"), "{name}");
        assert_eq!(clean(&"é".repeat(300)).len(), 254);
        assert_eq!(clean(&format!("a.{}", "é".repeat(300))).len(), 254);
    }
}
