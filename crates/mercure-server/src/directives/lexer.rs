//! Text into words: the quoting, the comments, the continued lines and the placeholders of a Caddyfile.

use super::{Fault, Position};

/// Characters in the text once its `{$…}` are replaced: a variable that holds megabytes is a mistake.
const MAX_CHARS: usize = 1 << 20;

/// One word, and where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) at: Position,
    /// Whether it begins a line.
    pub(super) begins_line: bool,
    /// Quoted words are never a brace.
    pub(super) quoted: bool,
}

impl Word {
    pub(super) fn is(&self, text: &str) -> bool {
        !self.quoted && self.text == text
    }
}

type Char = (char, Position);

/// Looks up a variable of the environment.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// All words of a text. `{$NAME}` and `{$NAME:default}` are replaced before the words are told apart, so that one variable may hold several lines;
/// `{env.NAME}` afterwards, so that its value stays one word whatever it holds.
pub(super) fn words(text: &str, lookup: Lookup<'_>) -> Result<Vec<Word>, Fault> {
    let mut reader = Reader { chars: expand(text, lookup)?, place: 0, words: Vec::new(), begins_line: true };
    while reader.word()? {}
    let mut words = reader.words;
    for word in &mut words {
        word.text = replace_runtime(&word.text, lookup);
    }
    Ok(words)
}

fn expand(text: &str, lookup: Lookup<'_>) -> Result<Vec<Char>, Fault> {
    let mut chars: Vec<Char> = Vec::with_capacity(text.len());
    let mut at = Position { line: 1, column: 1 };
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if chars.len() > MAX_CHARS {
            return Err(Fault::new(at, "the text is longer than a mebibyte".to_owned()));
        }
        let inside = rest.strip_prefix("{$").and_then(|after| after.split_once('}')).map(|(inside, _)| inside);
        let inside = inside.filter(|inside| !inside.is_empty() && !inside.contains(['\n', '{']));
        if let Some(inside) = inside {
            let (name, default) = inside.split_once(':').unwrap_or((inside, ""));
            let value = lookup(name.trim()).filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned());
            chars.extend(value.chars().map(|char| (char, at)));
            let length = "{$".len() + inside.len() + "}".len();
            at.column += u32::try_from(rest[..length].chars().count()).unwrap_or(u32::MAX);
            rest = &rest[length..];
            continue;
        }
        chars.push((next, at));
        if next == '\n' {
            at = Position { line: at.line + 1, column: 1 };
        } else {
            at.column = at.column.saturating_add(1);
        }
        rest = &rest[next.len_utf8()..];
    }
    Ok(chars)
}

fn replace_runtime(text: &str, lookup: Lookup<'_>) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{env.") {
        let Some((name, behind)) = after.split_once('}') else { break };
        replaced.push_str(before);
        replaced.push_str(&lookup(name).unwrap_or_default());
        rest = behind;
    }
    replaced.push_str(rest);
    replaced
}

struct Reader {
    chars: Vec<Char>,
    place: usize,
    words: Vec<Word>,
    begins_line: bool,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.place + ahead).map(|(char, _)| *char)
    }

    /// How many characters a line's end takes here, if there is one.
    fn line_end(&self, ahead: usize) -> Option<usize> {
        match (self.peek(ahead), self.peek(ahead + 1)) {
            (Some('\n'), _) => Some(1),
            (Some('\r'), Some('\n')) => Some(2),
            _ => None,
        }
    }

    /// Reads the next word. `false` at the end.
    fn word(&mut self) -> Result<bool, Fault> {
        self.skip_blank();
        let Some((first, at)) = self.chars.get(self.place).copied() else { return Ok(false) };
        let (text, quoted) = match first {
            '"' | '`' => {
                self.place += 1;
                (self.quoted(first, at)?, true)
            }
            _ if self.rest_starts_with("<<") => {
                let why = "text after << is not understood here; put it between \" or ` instead";
                return Err(Fault::new(at, why.to_owned()));
            }
            _ => (self.bare(), false),
        };
        let begins_line = std::mem::replace(&mut self.begins_line, false);
        self.words.push(Word { text, at, begins_line, quoted });
        Ok(true)
    }

    fn rest_starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, char)| self.peek(ahead) == Some(char))
    }

    fn skip_blank(&mut self) {
        while let Some(char) = self.peek(0) {
            if char == '#' {
                while self.peek(0).is_some_and(|char| char != '\n') {
                    self.place += 1;
                }
            } else if char == '\\'
                && let Some(length) = self.line_end(1)
            {
                self.place += 1 + length;
            } else if char.is_whitespace() || char == '\u{feff}' {
                self.begins_line |= char == '\n';
                self.place += 1;
            } else {
                break;
            }
        }
    }

    /// Between quotation marks `\"` stands for the mark; between backquotes everything stands for itself.
    fn quoted(&mut self, mark: char, at: Position) -> Result<String, Fault> {
        let mut text = String::new();
        while let Some(char) = self.peek(0) {
            self.place += 1;
            if char == mark {
                return Ok(text);
            }
            if char == '\\' && mark == '"' && self.peek(0) == Some('"') {
                self.place += 1;
                text.push('"');
            } else {
                text.push(char);
            }
        }
        Err(Fault::new(at, format!("the {mark} that opens here is never closed")))
    }

    fn bare(&mut self) -> String {
        let mut text = String::new();
        while let Some(char) = self.peek(0) {
            if char.is_whitespace() || (char == '\\' && self.line_end(1).is_some()) {
                break;
            }
            self.place += 1;
            let next = self.peek(0);
            if char == '\\' && matches!(next, Some('"' | '`' | '#')) {
                continue;
            }
            text.push(char);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let lookup = |name: &str| match name {
            "TWO" => Some("a b\nc".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        words(text, &lookup).unwrap().into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_are_told_apart_as_in_a_caddyfile() {
        assert_eq!(texts("a b\tc\r\nd"), ["a", "b", "c", "d"]);
        assert_eq!(texts(r#"a "b c" `d "e" \` f"#), ["a", "b c", r#"d "e" \"#, "f"]);
        assert_eq!(texts(r#""a \"b\" \c""#), [r#"a "b" \c"#]);
        assert_eq!(texts("\"a\nb\""), ["a\nb"]);
        assert_eq!(texts("a#b # c\nd"), ["a#b", "d"]);
        assert_eq!(texts("a \\\n b"), ["a", "b"]);
        assert_eq!(texts("a\\\r\nb"), ["a", "b"]);
        assert_eq!(texts(r"a\b C:\x \"), [r"a\b", r"C:\x", r"\"]);
        assert_eq!(texts(""), Vec::<String>::new());
    }

    #[test]
    fn a_continued_line_is_one_line() {
        let words = words("a \\\n b\nc", &|_| None).unwrap();
        assert_eq!(words.iter().map(|word| word.begins_line).collect::<Vec<_>>(), [true, false, true]);
    }

    #[test]
    fn variables_are_replaced() {
        assert_eq!(texts("x {$TWO} y"), ["x", "a", "b", "c", "y"]);
        assert_eq!(texts("{env.TWO}"), ["a b\nc"]);
        assert_eq!(texts("{$NONE:a b} {$EMPTY:c} {$NONE}"), ["a", "b", "c"]);
        assert_eq!(texts("k-{env.NONE}-{env.EMPTY}"), ["k--"]);
        assert_eq!(texts("{$} {env. {$a"), ["{$}", "{env.", "{$a"]);
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        let fault = words("a\n  \"b", &|_| None).unwrap_err();
        assert_eq!(fault.at, Position { line: 2, column: 3 });
        assert_eq!(words("{$A} \"", &|_| Some("long\nvalue".into())).unwrap_err().at.column, 6);
        assert!(words("a <<END\nb\nEND", &|_| None).is_err());
    }
}
