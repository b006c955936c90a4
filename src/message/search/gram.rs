//! The index's tokens: which one, two and three characters in a row a text holds. A text that holds a word holds all tokens of the word,
//! so the index answers for any substring in any script; what it answers too much is left out by looking at the text itself.

use std::collections::BTreeSet;
use std::fmt::Write;

/// Tokens of a query beyond so many make it no narrower.
const QUERY_MAX: usize = 48;

/// Signs and scripts in which one character is worth looking for: symbols, emoji, kana, ideographs.
pub(super) fn stands_alone(c: char) -> bool {
    c >= '\u{2190}'
}

/// All tokens of a folded text, once each.
pub(super) fn of_text(folded: &str) -> BTreeSet<String> {
    let chars: Vec<char> = folded.chars().collect();
    let alone = chars.iter().filter(|c| stands_alone(**c)).map(|c| token(&[*c]));
    alone.chain(chars.windows(2).map(token)).chain(chars.windows(3).map(token)).collect()
}

/// The tokens of a word that a text must hold; none for a single letter.
fn of_word(word: &str) -> Vec<String> {
    let chars: Vec<char> = word.chars().collect();
    match chars.len() {
        1 if stands_alone(chars[0]) => vec![token(&chars)],
        0 | 1 => Vec::new(),
        2 => vec![token(&chars)],
        _ => chars.windows(3).map(token).collect(),
    }
}

/// The tokens that a text must hold to have all of these words, in their order, once each.
pub(super) fn of_words(words: &[String]) -> Vec<String> {
    let mut known = BTreeSet::new();
    let all = words.iter().flat_map(|word| of_word(word)).filter(|token| known.insert(token.clone()));
    all.take(QUERY_MAX).collect()
}

/// Letters and digits only: nothing in it can mean anything to a query's grammar. Two digits an ASCII character, the others between `x`.
fn token(chars: &[char]) -> String {
    let mut token = String::with_capacity(chars.len() * 6);
    for c in chars {
        // Writing into a String cannot fail.
        let _ =
            if c.is_ascii() { write!(token, "{:02x}", u32::from(*c)) } else { write!(token, "x{:x}x", u32::from(*c)) };
    }
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_holds_all_tokens_of_what_it_holds() {
        let text = of_text("l'ete, 東京 à \"vie\" % _ 🎉");
        for word in ["l'ete", "te", "東京", "京", "\"vie\"", "%", "🎉", " à ", "ete,"] {
            assert!(of_word(word).iter().all(|token| text.contains(token)), "{word}");
        }
        assert!(!of_word("eta").iter().all(|token| text.contains(token)));
        assert!(of_word("a").is_empty() && !of_word("京").is_empty());
    }

    #[test]
    fn a_token_is_letters_and_digits_and_means_one_thing() {
        let parts = ["ab", "a\"", "é1", "1é", "xx", "x1", "* ", "京", "\u{7f}\u{80}", "61", "a", "🎉🎉"];
        let tokens: BTreeSet<String> = parts.iter().map(|part| token(&part.chars().collect::<Vec<_>>())).collect();
        assert_eq!(tokens.len(), parts.len());
        assert!(tokens.iter().all(|token| token.bytes().all(|b| b.is_ascii_alphanumeric())));
    }
}
