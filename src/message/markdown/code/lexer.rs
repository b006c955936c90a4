//! Cuts code into the parts that get a colour, from its beginning to its end and never back: whatever somebody writes, each character is
//! looked at a fixed number of times.

use super::languages::{Known, Quote, Shape};
use super::{ADDED, COMMENT, FUNCTION, KEYWORD, NUMBER, REMOVED, STRING, TAG, TYPE};

/// Cuts a text. `part` gets its parts in their order, each with its class; together they are the text.
pub(super) fn cut(code: &str, known: &Known, part: &mut dyn FnMut(&str, Option<&'static str>)) {
    Lexer { code, at: 0, known, part, looked: 0 }.run();
}

struct Lexer<'a, 'p> {
    code: &'a str,
    at: usize,
    known: &'a Known,
    part: &'p mut dyn FnMut(&str, Option<&'static str>),
    /// Bytes that were looked at, for the proof that it is linear.
    looked: usize,
}

impl<'a> Lexer<'a, '_> {
    fn run(&mut self) -> usize {
        match self.known.language.shape {
            Shape::Code => while self.step() {},
            Shape::Markup => while self.markup() {},
            Shape::Diff => while self.diff() {},
            Shape::Settings => while self.setting() {},
        }
        self.looked
    }

    fn rest(&self) -> &'a str {
        &self.code[self.at..]
    }

    /// Hands over the next `length` bytes.
    fn put(&mut self, length: usize, class: Option<&'static str>) {
        let end = (self.at + length).min(self.code.len());
        (self.part)(&self.code[self.at..end], class);
        self.looked += length;
        self.at = end;
    }

    /// The bytes up to the first character that does not fit.
    fn span(&self, fits: impl Fn(char) -> bool) -> usize {
        self.rest().find(|c| !fits(c)).unwrap_or(self.rest().len())
    }

    /// A comment, a string, a number, a word, or a sign.
    fn step(&mut self) -> bool {
        let Some(next) = self.rest().chars().next() else { return false };
        let language = self.known.language;
        if self.quote(language.comments, COMMENT) || self.quote(language.strings, STRING) {
            return true;
        }
        if next.is_whitespace() {
            self.put(self.span(char::is_whitespace), None);
        } else if next.is_ascii_digit() {
            self.put(self.span(|c| c.is_alphanumeric() || c == '_' || c == '.'), Some(NUMBER));
        } else if next.is_alphabetic() || next == '_' || language.signs.contains(next) {
            self.word();
        } else {
            self.put(next.len_utf8(), None);
        }
        true
    }

    /// A string or a comment that begins here. One that is not closed goes on to the end of its line, or of the text: nothing is looked
    /// at twice.
    fn quote(&mut self, quotes: &[Quote], class: &'static str) -> bool {
        let Some(quote) = quotes.iter().find(|quote| self.rest().starts_with(quote.open)) else { return false };
        let inside = &self.rest()[quote.open.len()..];
        let mut chars = inside.char_indices();
        let mut length = inside.len();
        while let Some((at, c)) = chars.next() {
            if quote.is_line && c == '\n' {
                length = at;
                break;
            }
            if quote.has_escapes && c == '\\' {
                // The end of the line is not escaped where it ends the string.
                if !(quote.is_line && inside[at + 1..].starts_with('\n')) {
                    chars.next();
                }
            } else if inside[at..].starts_with(quote.close) {
                length = at + quote.close.len();
                break;
            }
        }
        self.put(quote.open.len() + length, Some(class));
        true
    }

    fn word(&mut self) {
        let signs = self.known.language.signs;
        let length = self.span(|c| c.is_alphanumeric() || c == '_' || signs.contains(c)).max(1);
        let word = &self.rest()[..length];
        let after = self.rest()[length..].chars().next();
        let class = if self.known.is_keyword(word) {
            Some(KEYWORD)
        } else if Known::is_value(word) {
            Some(NUMBER)
        } else if after == Some('(') {
            Some(FUNCTION)
        } else if word.starts_with(['$', '@', '#', '\\']) || is_type(word) {
            Some(TYPE)
        } else {
            None
        };
        self.put(length, class);
    }

    /// HTML's text, comments, character references and tags.
    fn markup(&mut self) -> bool {
        let rest = self.rest();
        if rest.is_empty() {
            return false;
        }
        if rest.starts_with("<!--") {
            let length = rest.find("-->").map_or(rest.len(), |at| at + 3);
            self.put(length, Some(COMMENT));
        } else if let Some(inside) = rest.strip_prefix('<') {
            let name = inside.find(|c: char| !(c.is_alphanumeric() || "/!?-:.".contains(c))).unwrap_or(inside.len());
            self.put(1 + name, (name > 0).then_some(TAG));
            while name > 0 && self.attribute() {}
        } else if let Some(inside) = rest.strip_prefix('&') {
            let length = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '#').unwrap_or(inside.len());
            self.put(1 + length, (length > 0).then_some(NUMBER));
        } else {
            self.put(self.span(|c| c != '<' && c != '&'), None);
        }
        true
    }

    /// A part of a tag; false behind its end.
    fn attribute(&mut self) -> bool {
        let Some(next) = self.rest().chars().next() else { return false };
        match next {
            '>' => {
                self.put(1, Some(TAG));
                return false;
            }
            '<' => return false,
            '/' | '?' => self.put(1, Some(TAG)),
            '"' | '\'' => {
                let length = self.rest()[1..].find(next).map_or(self.rest().len(), |at| at + 2);
                self.put(length, Some(STRING));
            }
            c if c.is_alphanumeric() => self.put(self.span(|c| c.is_alphanumeric() || "-_:.@".contains(c)), Some(TYPE)),
            c => self.put(c.len_utf8(), None),
        }
        true
    }

    fn diff(&mut self) -> bool {
        let Some(line) = self.rest().split_inclusive('\n').next() else { return false };
        let class = if line.starts_with("+++") || line.starts_with("---") || line.starts_with("diff ") {
            Some(KEYWORD)
        } else if line.starts_with("@@") {
            Some(FUNCTION)
        } else if line.starts_with('+') {
            Some(ADDED)
        } else if line.starts_with('-') {
            Some(REMOVED)
        } else {
            None
        };
        self.put(line.len(), class);
        true
    }

    /// A line of settings: its key, then what it is set to.
    fn setting(&mut self) -> bool {
        if self.rest().is_empty() {
            return false;
        }
        self.put(self.span(|c| c.is_whitespace() || c == '-'), None);
        if self.rest().starts_with('[') {
            self.put(self.span(|c| c != '\n'), Some(KEYWORD));
            return true;
        }
        let key = self.span(|c| c.is_alphanumeric() || "_-.$(){}/%".contains(c));
        let after = self.rest()[key..].trim_start_matches([' ', '\t', '?', '+']);
        let is_key = key > 0 && after.starts_with([':', '=']);
        self.looked += self.rest().len() - after.len();
        if is_key {
            self.put(key, Some(TYPE));
        }
        while self.rest().chars().next().is_some_and(|c| c != '\n') && self.step() {}
        true
    }
}

/// `Name`, not `NAME` and not `name`.
fn is_type(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(char::is_uppercase) && chars.any(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    use super::super::languages::Language;
    use super::*;

    /// What has made other highlighters slow: names, calls, brackets and quotes that never end.
    const PIECES: [&str; 44] = [
        "_",
        "a",
        "int a(int b, ",
        "a.b.",
        "a::b<",
        "a b ",
        "(",
        "[",
        "{",
        "\"",
        "'",
        "`",
        "\"\"\"",
        "\\\"",
        "<a ",
        "<a b='",
        "<!--",
        "\\",
        "*",
        "/*",
        "(*",
        "--[[",
        "{-",
        "--",
        "//",
        "#",
        "$",
        "@",
        "&",
        "a = ",
        "a: ",
        "0x",
        "1.",
        "+",
        "-",
        "\n",
        "\r\n",
        "\t",
        "é",
        "🎉",
        "\n\"",
        "\n- ",
        "\n[",
        "%",
    ];

    /// S4: whatever the language and the text, no character is looked at more than four times, and none is lost.
    #[test]
    fn s4_the_work_grows_with_the_text_and_no_faster() {
        for known in Language::all() {
            let name = known.language;
            for first in PIECES {
                for second in PIECES {
                    let code = format!("{first}{second}").repeat(40);
                    let mut whole = String::new();
                    let mut count = 0;
                    let mut part = |text: &str, _: Option<&'static str>| {
                        whole.push_str(text);
                        count += 1;
                    };
                    let looked = Lexer { code: &code, at: 0, known, part: &mut part, looked: 0 }.run();
                    assert!(
                        looked <= 4 * code.len() && count <= 2 * code.len(),
                        "{name:?} {first:?} {second:?}: {looked}"
                    );
                    assert_eq!(whole, code, "{name:?} {first:?} {second:?}");
                }
            }
        }
    }
}
