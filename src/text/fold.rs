//! Text as a search compares it: small letters, no accents, ligatures as their letters, typographic signs as typed ones.

use unicode_normalization::UnicodeNormalization;

/// A folded text, and where each of its characters stood in the original.
#[derive(Debug, Clone, Default)]
pub struct Folded {
    /// The characters.
    pub chars: Vec<char>,
    /// For each, the first byte of the original character that it came from.
    pub places: Vec<usize>,
}

/// Folds a text: `L’Été œuvre` becomes `l'ete oeuvre`. Any white space is one space, and none stands at the ends.
pub fn fold(text: &str) -> String {
    folded(text).chars.into_iter().collect()
}

/// The same with the places.
pub fn folded(text: &str) -> Folded {
    let mut out = Folded { chars: Vec::with_capacity(text.len()), places: Vec::with_capacity(text.len()) };
    for (place, c) in text.char_indices() {
        fold_char(c, |c| {
            if c != ' ' || out.chars.last().is_some_and(|last| *last != ' ') {
                out.chars.push(c);
                out.places.push(place);
            }
        });
    }
    if out.chars.last() == Some(&' ') {
        out.chars.pop();
        out.places.pop();
    }
    out
}

fn fold_char(c: char, mut push: impl FnMut(char)) {
    if c.is_ascii() {
        return push(if c.is_ascii_whitespace() || c.is_ascii_control() { ' ' } else { c.to_ascii_lowercase() });
    }
    for part in std::iter::once(c).nfkd().filter(|part| !is_silent(*part)) {
        for small in part.to_lowercase().filter(|small| !is_silent(*small)) {
            match like(small) {
                Some(letters) => letters.chars().for_each(&mut push),
                None if small.is_whitespace() || small.is_control() => push(' '),
                None => push(small),
            }
        }
    }
}

/// Accents, and what is not seen: joiners, marks of direction, selectors of an emoji's look. The vowel signs of Indic scripts and the
/// sound marks of kana are letters to their readers and stay.
fn is_silent(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}'
        | '\u{591}'..='\u{5BD}' | '\u{64B}'..='\u{652}' | '\u{670}'
        | '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{E0000}'..='\u{E007F}')
}

/// What people type for a sign that a typographer sets.
fn like(c: char) -> Option<&'static str> {
    Some(match c {
        'œ' => "oe",
        'æ' => "ae",
        'ß' => "ss",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ı' => "i",
        'ŋ' => "n",
        'ς' => "σ",
        '’' | '‘' | 'ʼ' | '′' | '´' | '‛' => "'",
        '“' | '”' | '„' | '«' | '»' | '″' => "\"",
        '‐' | '‒' | '–' | '—' | '−' => "-",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_ligatures_and_signs_are_as_typed() {
        for (text, expected) in [
            ("L’Été", "l'ete"),
            ("e\u{301}te\u{301}", "ete"),
            ("Œuvre, cœur, ÆON", "oeuvre, coeur, aeon"),
            ("Straße ẞ", "strasse ss"),
            ("  deux\n\tmots\u{a0}fins ", "deux mots fins"),
            ("« Bonjour »", "\" bonjour \""),
            ("ﬁn Ⅷ ½", "fin viii 1⁄2"),
            ("İstanbul ΣΟΦΟΣ", "istanbul σοφοσ"),
            ("東京タワー", "東京タワー"),
            ("👩‍🚀 ❤️", "👩🚀 ❤"),
            ("co\u{ad}op\u{200b}", "coop"),
            ("", ""),
            ("\u{301}", ""),
        ] {
            assert_eq!(fold(text), expected, "{text:?}");
        }
    }

    #[test]
    fn each_character_knows_where_it_came_from() {
        let folded = folded("aœ’É z");
        assert_eq!(folded.chars, ['a', 'o', 'e', '\'', 'e', ' ', 'z']);
        assert_eq!(folded.places, [0, 1, 1, 3, 6, 8, 9]);
    }

    #[test]
    fn folding_twice_is_folding_once() {
        for text in ["L’Été œ ﬁ ½ ẞ İ", "É\u{a0}—…", "한국어 がぎ"] {
            assert_eq!(fold(&fold(text)), fold(text), "{text:?}");
        }
    }
}
