//! URI templates (RFC 6570, levels 1 to 4), turned round: the expression that the expansions of a template match.
//!
//! It takes what the hubs of the 0.x generation take, which is a little more than what a template can expand to: names of variables and prefix lengths
//! are not looked at, each expression may be missing altogether, and a value may be a list.

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

    /// A value, or a list of values: unreserved characters and percent triplets, and what holds lists together.
    fn item(self, named: bool) -> &'static str {
        match (self.reserved, named) {
            (true, _) => r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*",
            (false, true) => r"(?:[A-Za-z0-9\-._~,=]|%[0-9A-Fa-f]{2})*",
            (false, false) => r"(?:[A-Za-z0-9\-._~,]|%[0-9A-Fa-f]{2})*",
        }
    }

    fn write(self, variables: &[Variable], out: &mut String) {
        let exploded = variables.iter().any(|variable| variable.exploded);
        let item = self.item(self.named || exploded);
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

#[derive(Clone, Copy, Debug)]
struct Variable {
    /// Marked with `*`: each element of a list stands alone.
    exploded: bool,
}

/// The expression for a template, anchored at both ends. Nothing when the text holds no expression or is no template.
pub(super) fn expression(text: &str) -> Option<String> {
    if !text.contains('{') {
        return None;
    }
    let mut out = String::from("^");
    let mut rest = text;
    while let Some((literal, tail)) = rest.split_once('{') {
        let (expression, tail) = tail.split_once('}')?;
        push_literal(literal, &mut out)?;
        let first = *expression.as_bytes().first()?;
        let (operator, names) = match Operator::of(first) {
            Some(operator) => (operator, expression.get(1..)?),
            None => (SIMPLE, expression),
        };
        let variables: Vec<Variable> = names.split(',').map(variable).collect::<Option<_>>()?;
        operator.write(&variables, &mut out);
        rest = tail;
    }
    push_literal(rest, &mut out)?;
    out.push('$');
    Some(out)
}

/// A literal, if all of it may be one (RFC 6570 section 2.1). It stands for itself, byte for byte.
fn push_literal(literal: &str, out: &mut String) -> Option<()> {
    let legal = |c: char| !c.is_control() && !" \"'<>\\^`{|}".contains(c);
    if !literal.chars().all(legal) || !has_whole_triplets(literal) {
        return None;
    }
    out.push_str(&regex::escape(literal));
    Some(())
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
        Some(super::super::compile(&expression(template)?).unwrap().is_match(topic.as_bytes()))
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
            assert_eq!(expression(text), None, "{text}");
        }
        assert!(expression("{a.b_c,%41:9999,d*}").is_some());
    }
}
