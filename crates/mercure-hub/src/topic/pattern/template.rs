//! URI templates (RFC 6570, levels 1 to 4), turned round: the expression that the expansions of a template match.
//!
//! It takes what the hubs of the 0.x generation take, which is a little more than what a template can expand to: names of variables and prefix lengths
//! are not looked at, each expression may be missing altogether, and a value may be a list.

use regex::bytes::Regex;

use super::compile;
use crate::topic::matcher::InvalidMatcher;

/// Bytes of a compiled template: about a hundred expressions, or a thousand letters between them.
const MAX_COMPILED: usize = 64 << 10;

/// How an operator writes its values (RFC 6570 section 3.2.1 and appendix A).
#[derive(Clone, Copy, Debug)]
struct Operator {
    first: &'static str,
    separator: &'static str,
    /// Values carry their names: `name=value`.
    named: bool,
    /// Reserved characters stand for themselves.
    reserved: bool,
}

const SIMPLE: Operator = Operator { first: "", separator: ",", named: false, reserved: false };

impl Operator {
    /// The operator that begins with this character, if it does. Those that the RFC keeps for later are none.
    fn of(c: u8) -> Option<Self> {
        Some(match c {
            b'+' => Self { reserved: true, ..SIMPLE },
            b'#' => Self { first: "#", reserved: true, ..SIMPLE },
            b'.' => Self { first: ".", separator: ".", ..SIMPLE },
            b'/' => Self { first: "/", separator: "/", ..SIMPLE },
            b';' => Self { first: ";", separator: ";", named: true, ..SIMPLE },
            b'?' => Self { first: "?", separator: "&", named: true, ..SIMPLE },
            b'&' => Self { first: "&", separator: "&", named: true, ..SIMPLE },
            _ => return None,
        })
    }

    fn item(self, exploded: bool) -> Item {
        Item { reserved: self.reserved, named: self.named || exploded }
    }

    fn write(self, variables: &[Variable], out: &mut String) {
        let exploded = variables.iter().any(|variable| variable.exploded);
        let item = self.item(exploded).expression();
        out.push_str("(?:");
        out.push_str(&regex::escape(self.first));
        out.push_str(item);
        if exploded || variables.len() > 1 {
            let repeat = if exploded { "*".to_owned() } else { format!("{{0,{}}}", variables.len() - 1) };
            out.push_str(&format!("(?:{}{item}){repeat}", regex::escape(self.separator)));
        }
        out.push_str(")?");
    }
}

/// A value, or a list of values: unreserved characters and percent triplets, and what holds lists together.
#[derive(Clone, Copy, Debug)]
struct Item {
    reserved: bool,
    /// Values carry their names, or are pairs themselves.
    named: bool,
}

const RESERVED: &[u8] = b":/?#[]@!$&'()*+,;=";

impl Item {
    fn expression(self) -> &'static str {
        match (self.reserved, self.named) {
            (true, _) => r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*",
            (false, true) => r"(?:[A-Za-z0-9\-._~,=]|%[0-9A-Fa-f]{2})*",
            (false, false) => r"(?:[A-Za-z0-9\-._~,]|%[0-9A-Fa-f]{2})*",
        }
    }

    /// Whether all of the text is one.
    fn takes(self, text: &str) -> bool {
        let allowed = |byte: u8| match byte {
            b'-' | b'.' | b'_' | b'~' | b',' | b'%' => true,
            b'=' => self.named || self.reserved,
            other => other.is_ascii_alphanumeric() || (self.reserved && RESERVED.contains(&other)),
        };
        text.bytes().all(allowed) && has_whole_triplets(text)
    }
}

#[derive(Clone, Copy, Debug)]
struct Variable {
    /// Marked with `*`: each element of a list stands alone.
    exploded: bool,
}

/// A compiled template. What stands before its first expression and after its last one is compared as it is.
#[derive(Debug)]
pub(super) struct Template {
    prefix: Box<str>,
    middle: Middle,
    suffix: Box<str>,
}

/// What stands between the literals at both ends.
#[derive(Debug)]
enum Middle {
    /// One expression with one variable, as most templates have: nothing that needs an engine.
    Single { first: &'static str, item: Item },
    /// Anything else, anchored at both ends.
    Expression(Regex),
}

impl Template {
    /// Nothing when the text holds no expression, or is no template. Refused when it is too large once it is compiled.
    pub(super) fn new(text: &str) -> Result<Option<Self>, InvalidMatcher> {
        let Some(pieces) = pieces(text) else { return Ok(None) };
        let (Some((prefix, _)), Some((_, suffix))) = (text.split_once('{'), text.rsplit_once('}')) else {
            return Ok(None);
        };
        let middle = match pieces.as_slice() {
            [(_, operator, variables)] if matches!(variables.as_slice(), [Variable { exploded: false }]) => {
                Middle::Single { first: operator.first, item: operator.item(false) }
            }
            _ => Middle::Expression(compile(&expression(&pieces), MAX_COMPILED).ok_or(InvalidMatcher)?),
        };
        Ok(Some(Self { prefix: prefix.into(), middle, suffix: suffix.into() }))
    }

    pub(super) fn matches(&self, topic: &str) -> bool {
        let middle = topic.strip_prefix(&*self.prefix).and_then(|topic| topic.strip_suffix(&*self.suffix));
        middle.is_some_and(|middle| match &self.middle {
            Middle::Single { first, item } => {
                middle.is_empty() || middle.strip_prefix(first).is_some_and(|value| item.takes(value))
            }
            Middle::Expression(regex) => regex.is_match(middle.as_bytes()),
        })
    }
}

/// The expressions of a template, each with the literal before it. Nothing when there are none, or when it is none.
fn pieces(text: &str) -> Option<Vec<(&str, Operator, Vec<Variable>)>> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some((literal, tail)) = rest.split_once('{') {
        let (expression, tail) = tail.split_once('}')?;
        let first = *expression.as_bytes().first()?;
        let (operator, names) = match Operator::of(first) {
            Some(operator) => (operator, expression.get(1..)?),
            None => (SIMPLE, expression),
        };
        let variables = names.split(',').map(variable).collect::<Option<_>>()?;
        pieces.push((is_literal(literal).then_some(literal)?, operator, variables));
        rest = tail;
    }
    (!pieces.is_empty() && is_literal(rest)).then_some(pieces)
}

/// From the first expression to the last one.
fn expression(pieces: &[(&str, Operator, Vec<Variable>)]) -> String {
    let mut out = String::from("^");
    for (at, (literal, operator, variables)) in pieces.iter().enumerate() {
        if at > 0 {
            out.push_str(&regex::escape(literal));
        }
        operator.write(variables, &mut out);
    }
    out.push('$');
    out
}

/// Whether all of the text may be a literal (RFC 6570 section 2.1). It stands for itself, byte for byte.
fn is_literal(text: &str) -> bool {
    let legal = |c: char| !c.is_control() && !" \"'<>\\^`{|}".contains(c);
    text.chars().all(legal) && has_whole_triplets(text)
}

/// Whether a percent sign is always followed by two hexadecimal digits.
fn has_whole_triplets(text: &str) -> bool {
    let is_hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    text.split('%').skip(1).all(|tail| is_hex(tail.as_bytes().first()) && is_hex(tail.as_bytes().get(1)))
}

/// A variable with its modifier (RFC 6570 sections 2.3 and 2.4).
fn variable(text: &str) -> Option<Variable> {
    let (name, exploded) = match (text.strip_suffix('*'), text.split_once(':')) {
        (Some(name), _) => (name, true),
        (None, Some((name, length))) => {
            let digits = (1..=4).contains(&length.len()) && length.bytes().all(|byte| byte.is_ascii_digit());
            if !digits || length.starts_with('0') {
                return None;
            }
            (name, false)
        }
        (None, None) => (text, false),
    };
    let part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'%';
        !part.is_empty() && part.bytes().all(plain) && has_whole_triplets(part)
    };
    name.split('.').all(part).then_some(Variable { exploded })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing when the text is no template.
    fn matches(template: &str, topic: &str) -> Option<bool> {
        Some(Template::new(template).unwrap()?.matches(topic))
    }

    #[test]
    fn every_operator_takes_its_expansions_and_not_much_more() {
        // The expansions are the examples of RFC 6570, section 3.2.
        for (template, topic, expected) in [
            ("{var}", "value", true),
            ("{var}", "va/lue", false),
            ("{var}", "", true),
            ("{hello}", "Hello%20World%21", true),
            ("{hello}", "Hello World!", false),
            ("{half}", "50%25", true),
            ("{half}", "50%2", false),
            ("O{empty}X", "OX", true),
            ("{x,y}", "1024,768", true),
            ("?{x,empty}", "?1024,", true),
            ("{var:3}", "val", true),
            ("{list}", "red,green,blue", true),
            ("{list*}", "red,green,blue", true),
            ("{keys*}", "semi=%3B,dot=.,comma=%2C", true),
            ("{keys}", "semi=%3B", false),
            ("{+var}", "value", true),
            ("{+path}/here", "/foo/bar/here", true),
            ("here?ref={+path}", "here?ref=/foo/bar", true),
            ("{+hello}", "Hello%20World!", true),
            ("{+hello}", "Hello World", false),
            ("{+x,hello,y}", "1024,Hello%20World!,768", true),
            ("{#x,hello,y}", "#1024,Hello%20World!,768", true),
            ("{#x}", "1024", false),
            ("X{.var}", "X.value", true),
            ("X{.x,y}", "X.1024.768", true),
            ("www{.dom*}", "www.example.com", true),
            ("X{.var}", "X", true),
            ("X{.var}", "Xvalue", false),
            ("{/var}", "/value", true),
            ("{/var}", "/value/here", false),
            ("{/var,x}/here", "/value/1024/here", true),
            ("{/list*}", "/red/green/blue", true),
            ("{/list*,path:4}", "/red/green/blue/%2Ffoo", true),
            ("{;x,y}", ";x=1024;y=768", true),
            ("{;x,y,empty}", ";x=1024;y=768;empty", true),
            ("{;x}", ";x=1;y=2", false),
            ("{?x,y}", "?x=1024&y=768", true),
            ("{?x,y}", "?x=1024", true),
            ("{?x,y}", "", true),
            ("{?x,y}", "?x=1&y=2&z=3", false),
            ("?fixed=yes{&x}", "?fixed=yes&x=1024", true),
            ("?fixed=yes{&list*}", "?fixed=yes&list=red&list=green", true),
            ("https://example.com/books/{id}", "https://example.com/books/1", true),
            ("https://example.com/books/{id}", "https://example.com/books/1/2", false),
            ("https://example.com/books/{id}", "https://example.com/books/{id}", false),
            ("https://example.com/books/{id}", "xhttps://example.com/books/1", false),
            ("https://exampleXcom/{id}", "https://example.com/1", false),
            ("https://example.com/{id}", "https://exampleXcom/1", false),
            ("https://x/App%5CEntity%5CBook/{id}", "https://x/App%5CEntity%5CBook/1", true),
            ("https://x/App%5CEntity%5CBook/{id}", "https://x/App%5cEntity%5cBook/1", false),
            ("https://x/App%5CEntity%5CBook/{id}", "https://x/App\\Entity\\Book/1", false),
            ("é/{id}", "é/1", true),
            ("é/{id}", "%C3%A9/1", false),
            ("{id}", "é", false),
        ] {
            assert_eq!(matches(template, topic), Some(expected), "{template} {topic}");
        }
    }

    #[test]
    fn one_expression_and_several_are_judged_alike() {
        for operator in ["", "+", "#", ".", "/", ";", "?", "&"] {
            for value in ["", "a", "a,b", "a=b", "a/b", "%41", "%4", "%", "a%zz", "[a]", "a b", "é", "'", "%25%"] {
                for first in ["", operator] {
                    let topic = format!("x{first}{value}y");
                    let (one, several) = (format!("x{{{operator}a}}y"), format!("x{{{operator}a}}{{{operator}a:1}}y"));
                    let (one, several) = (matches(&one, &topic), matches(&several, &topic));
                    let twice = !operator.is_empty() && value.matches(operator).count() > 0;
                    assert!(one == several || twice, "{operator} {topic}");
                }
            }
        }
    }

    #[test]
    fn literals_may_be_long_but_not_many() {
        let literal = "a".repeat(2_000);
        assert_eq!(
            matches(&format!("{literal}{{id}}/{{x,y}}{literal}"), &format!("{literal}1/2,3{literal}")),
            Some(true)
        );
        assert!(Template::new(&"{a,b,c,d,e}".repeat(300)).is_err());
    }

    #[test]
    fn what_is_no_template_is_plain_text() {
        for text in [
            "",
            "plain",
            "closed}",
            "{invalid",
            "{",
            "{}",
            "a{b}c}",
            "{a{b}}",
            "{a b}",
            "{a,}",
            "{,a}",
            "{a-b}",
            "{a..b}",
            "{.}",
            "{+}",
            "{=a}",
            "{!a}",
            "{@a}",
            "{|a}",
            "{$a}",
            "{a:}",
            "{a:0}",
            "{a:10000}",
            "{a:x}",
            "{a:3*}",
            "{a**}",
            "{é}",
            "{%4}",
            "a b/{id}",
            "a%4/{id}",
            "a%zz{id}",
            "<a>{id}",
            "a^b{id}",
            "a\\b{id}",
            "a`b{id}",
            "a|b{id}",
        ] {
            assert_eq!(matches(text, text), None, "{text}");
        }
        assert_eq!(matches("{a.b_c,%41:9999,d*}", ""), Some(true));
    }
}
