//! What a text may hold that stands among other people's texts: names, titles, descriptions, names of files. One rule for all of them.
//!
//! What has no width of its own goes: it makes two names look alike, or a name look like none. What turns the reading direction goes: it
//! would turn the text beside it. Joiners stay where a script needs them, variation selectors where they choose a shape, tags in flags.
//! The tables are those of Unicode 16 (`DerivedCoreProperties.txt`, Default_Ignorable_Code_Point); look-alikes are those of UTS #39.

pub mod cursor;
pub mod fold;

use aws_lc_rs::digest::{SHA256, digest};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

/// A line of text, to stand beside others: composed (NFC), without what is not seen, each gap a single space, none at the ends, no mark
/// that would sit on what stands before it.
pub fn line(typed: &str) -> String {
    let seen = visible(typed);
    let words: Vec<&str> = seen.split(|c: char| is_gap(c)).filter(|word| !word.is_empty()).collect();
    words.join(" ").trim_start_matches(is_combining_mark).trim_start().to_owned()
}

/// The same for a text of several lines: the lines stay, and the gaps inside of them.
pub fn lines(typed: &str) -> String {
    visible(&typed.replace("\r\n", "\n").replace('\r', "\n")).trim().to_owned()
}

/// A text without what has no width and without what turns the reading direction.
pub fn visible(text: &str) -> String {
    let chars: Vec<char> = text.nfc().collect();
    let mut out = String::with_capacity(text.len());
    let mut base = None;
    let mut last = None;
    let mut is_in_flag = false;
    for (index, &c) in chars.iter().enumerate() {
        let next = chars.get(index + 1).copied();
        let is_kept = match c {
            '\u{180e}' | '\u{200c}' | '\u{200d}' => {
                let is_after_base = last == base || last.is_some_and(|last| matches!(last, '\u{fe00}'..='\u{fe0f}'));
                is_after_base && base.is_some_and(|base| is_joined(base, c, next))
            }
            '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
                last == base && base.is_some_and(|base| has_shapes(base, c))
            }
            '\u{e0020}'..='\u{e007f}' => is_in_flag,
            _ => !is_hidden(c),
        };
        if !is_kept {
            continue;
        }
        out.push(c);
        last = Some(c);
        let is_tag = matches!(c, '\u{e0020}'..='\u{e007e}');
        is_in_flag = c == '\u{1f3f4}' || (is_in_flag && is_tag);
        if !is_ignorable(c) {
            base = Some(c);
        }
    }
    out
}

/// Whether a name or a title shows nothing: white space, what has no width, and marks that sit on nothing.
pub fn is_blank(text: &str) -> bool {
    !text.chars().any(|c| is_seen(c) && !is_combining_mark(c))
}

/// Whether a message shows nothing. A mark alone is something to look at: people ask about it.
pub fn is_invisible(text: &str) -> bool {
    !text.chars().any(is_seen)
}

/// What a name looks like, as two short words: two people whose names share one of them cannot be told apart by their names. The first word
/// compares the letters' shapes as they stand (`Aiice` with a capital i), the second without case.
pub fn looks(name: &str) -> String {
    let word = |text: &str| {
        let shape: String = skeleton(text).filter(|c| !is_ignorable(*c)).collect();
        let hash = digest(&SHA256, shape.as_bytes());
        hash.as_ref()[..4].iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let name = line(name);
    format!("{} {}", word(&name), word(&name.to_lowercase()))
}

fn is_seen(c: char) -> bool {
    !is_gap(c) && !is_hidden(c)
}

/// White space, and the signs that are drawn as nothing: an empty braille cell, an empty note.
fn is_gap(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{2800}' | '\u{1d159}')
}

fn is_hidden(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || is_ignorable(c)
        || matches!(c, '\u{fff9}'..='\u{fffb}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Default_Ignorable_Code_Point: what a reader does not see where it is not supported.
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a joiner between two characters says something: inside a word of a script that joins its letters, at the end of one after the
/// sign that takes a vowel away (Malayalam), and between the parts of an emoji.
fn is_joined(before: char, joiner: char, after: Option<char>) -> bool {
    let is_emoji = joiner == '\u{200d}' && is_pictograph(before) && after.is_some_and(is_pictograph);
    let is_word = joins(before) && after.is_some_and(joins);
    let is_end = joiner == '\u{200d}' && joins(before) && is_combining_mark(before);
    is_emoji || is_word || is_end
}

/// Scripts whose letters change with their neighbours: Arabic and its kin, those of India and South-East Asia, Mongolian.
fn joins(c: char) -> bool {
    !is_ignorable(c)
        && matches!(c,
            '\u{620}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1780}'..='\u{18af}' | '\u{1a20}'..='\u{1cff}'
            | '\u{a800}'..='\u{abff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{11fff}'
            | '\u{1e900}'..='\u{1e95f}')
}

fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{a9}' | '\u{ae}' | '\u{203c}'..='\u{2049}' | '\u{2122}'..='\u{2bff}' | '\u{3030}'..='\u{303d}'
        | '\u{3297}'..='\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

/// Whether a character has shapes among which a selector chooses.
fn has_shapes(base: char, selector: char) -> bool {
    match selector {
        '\u{fe0e}' | '\u{fe0f}' => is_pictograph(base) || base.is_ascii_digit() || matches!(base, '#' | '*'),
        '\u{180b}'..='\u{180f}' => matches!(base, '\u{1800}'..='\u{18af}'),
        '\u{e0100}'..='\u{e01ef}' => {
            matches!(base, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
        }
        _ => {
            matches!(base, '\u{1000}'..='\u{109f}' | '\u{a840}'..='\u{a87f}' | '\u{2200}'..='\u{2bff}' | '\u{3000}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}' | '\u{20000}'..='\u{3ffff}')
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of them alone, and around letters.
    const UNSEEN: [char; 34] = [
        '\0',
        '\u{7f}',
        '\u{ad}',
        '\u{34f}',
        '\u{61c}',
        '\u{115f}',
        '\u{1160}',
        '\u{17b4}',
        '\u{180b}',
        '\u{180e}',
        '\u{200b}',
        '\u{200c}',
        '\u{200d}',
        '\u{200e}',
        '\u{200f}',
        '\u{202a}',
        '\u{202b}',
        '\u{202c}',
        '\u{202d}',
        '\u{202e}',
        '\u{2060}',
        '\u{2064}',
        '\u{2066}',
        '\u{2067}',
        '\u{2068}',
        '\u{2069}',
        '\u{206a}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{ffa0}',
        '\u{fffb}',
        '\u{e0061}',
        '\u{e0100}',
    ];

    #[test]
    fn what_is_not_seen_is_not_there() {
        for c in UNSEEN {
            assert_eq!(line(&format!("{c}Zo{c}é{c}")), "Zoé", "{:x}", u32::from(c));
            for nothing in [format!("{c}"), format!("{c}{c}"), format!(" {c} \t{c}")] {
                assert!(is_blank(&nothing) && is_invisible(&nothing), "{:x}", u32::from(c));
                assert_eq!(line(&nothing), "");
            }
        }
        for gap in [' ', '\u{a0}', '\u{2003}', '\u{2028}', '\u{2029}', '\u{202f}', '\u{3000}', '\u{2800}', '\u{1d159}']
        {
            assert!(is_blank(&gap.to_string()) && is_invisible(&gap.to_string()));
            assert_eq!(line(&format!("{gap}Zoé{gap}{gap}Martin{gap}")), "Zoé Martin", "{:x}", u32::from(gap));
        }
    }

    #[test]
    fn a_mark_alone_is_no_name_but_can_be_said() {
        for marks in ["\u{301}", "\u{301}\u{302}\u{489}", " \u{20dd} ", "\u{93f}"] {
            assert!(is_blank(marks) && !is_invisible(marks) && is_blank(&line(marks)), "{marks:?}");
        }
        assert_eq!(line("\u{301}Zoe"), "Zoe");
        for name in ["é", "李", "👩‍🚀", "한", "ก", "!", "०", "ᚠ"] {
            assert!(!is_blank(name) && line(name) == name, "{name}");
        }
    }

    #[test]
    fn what_a_script_needs_stays() {
        for text in [
            "می‌خواهم",
            "क्‍ष",
            "ශ්‍රී ලංකා",
            "ന്‍",
            "👩‍👩‍👧‍👦",
            "🏳️‍🌈",
            "👁️‍🗨️",
            "❤️‍🔥",
            "👨🏽‍🚀",
            "1️⃣",
            "☎︎",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "葛\u{e0100}飾区",
            "Jean-Luc O’Brien",
            "Nguyễn Thị",
            "ᠮᠣᠩᠭᠣᠯ",
            "שלום",
            "مرحبا",
        ] {
            assert_eq!(line(text), text, "{text:?}");
        }
        for (typed, kept) in [
            ("Zo\u{200d}e", "Zoe"),
            ("👩\u{200d}", "👩"),
            ("می\u{200c}\u{200c}خواهم", "می\u{200c}خواهم"),
            ("می\u{200c}", "می"),
            ("❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}"),
            ("Zoe\u{301}", "Zoé"),
            ("🏴\u{e0067}x\u{e0067}", "🏴\u{e0067}x"),
        ] {
            assert_eq!(line(typed), kept, "{typed:?}");
        }
        assert_eq!(lines(" a\r\n\r\n  b\u{202e}c\u{200b} \n"), "a\n\n  bc");
    }

    #[test]
    fn names_that_look_alike_are_known() {
        let alike = |a: &str, b: &str| looks(a).split(' ').zip(looks(b).split(' ')).any(|(a, b)| a == b);
        for (a, b) in [
            ("Alice Martin", "alice MARTIN"),
            ("Alice Martin", "Alice\u{200b} Martin"),
            ("Alice Martin", "Аlісе Маrtіn"),
            ("Alice Martin", "AIice Martin"),
            ("Zoé", "Zoe\u{301}"),
            ("Ben", "𝐁𝐞𝐧"),
            ("Oto", "0to"),
        ] {
            assert!(alike(a, b), "{a} {b}");
        }
        for (a, b) in [("Alice Martin", "Alice Morin"), ("Zoé", "Zoe"), ("李", "王"), ("Ben", "Bén")] {
            assert!(!alike(a, b), "{a} {b}");
        }
    }
}
