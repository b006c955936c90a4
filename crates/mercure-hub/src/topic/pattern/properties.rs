//! Properties of patterns: what was expanded from one matches it, and a character that no expansion has spoils the match.

use proptest::{collection::vec, option, prelude::*, sample::select};
use url::Url;

use super::{Candidate, Patterns};
use crate::topic::Topic;

fn patterns() -> Patterns {
    Patterns::new(Url::parse("https://hub.example/.well-known/mercure").ok())
}

/// A value of a variable (RFC 6570 section 2.3).
#[derive(Clone, Debug)]
enum Value {
    Text(String),
    List(Vec<String>),
    Map(Vec<(String, String)>),
}

#[derive(Clone, Debug)]
enum Modifier {
    None,
    Prefix(usize),
    Explode,
}

/// A piece of a template, with the values that its variables are given.
#[derive(Clone, Debug)]
enum Piece {
    Literal(String),
    Expression(char, Vec<(Modifier, Option<Value>)>),
}

/// The operator that is written as nothing at all.
const NONE: char = ' ';

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 %/?#&=,.;:+!é名-]{0,8}"
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(Value::Text),
        vec(text(), 1..4).prop_map(Value::List),
        vec((text(), text()), 1..3).prop_map(Value::Map),
    ]
}

fn piece() -> impl Strategy<Value = Piece> {
    let modifier =
        prop_oneof![Just(Modifier::None), (1..9999_usize).prop_map(Modifier::Prefix), Just(Modifier::Explode)];
    let operator = select(vec![NONE, '+', '#', '.', '/', ';', '?', '&']);
    prop_oneof![
        "([a-zA-Z0-9:/?#@!$&()*+,;=._~-]|%5[CF]){0,8}".prop_map(Piece::Literal),
        (operator, vec((modifier, option::of(value())), 1..4))
            .prop_map(|(operator, variables)| Piece::Expression(operator, variables)),
    ]
}

/// Percent-encodes all but what the operator lets stand (RFC 6570 section 3.2.1).
fn encode(text: &str, reserved: bool, out: &mut String) {
    let bytes = text.as_bytes();
    let hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    for (at, &byte) in bytes.iter().enumerate() {
        let triplet = byte == b'%' && hex(at + 1) && hex(at + 2);
        let stands = byte.is_ascii_alphanumeric()
            || b"-._~".contains(&byte)
            || (reserved && (triplet || b":/?#[]@!$&'()*+,;=".contains(&byte)));
        if stands { out.push(char::from(byte)) } else { out.push_str(&format!("%{byte:02X}")) }
    }
}

/// The algorithm of RFC 6570 section 3.2.1, with the table of appendix A.
fn expand_expression(operator: char, variables: &[(Modifier, Option<Value>)], out: &mut String) {
    let (first, separator, named, if_empty) = match operator {
        '#' => ("#", ",", false, ""),
        '.' => (".", ".", false, ""),
        '/' => ("/", "/", false, ""),
        ';' => (";", ";", true, ""),
        '?' => ("?", "&", true, "="),
        '&' => ("&", "&", true, "="),
        _ => ("", ",", false, ""),
    };
    let encode = |text: &str, out: &mut String| encode(text, "+#".contains(operator), out);
    let name = |text: &str, empty: bool, out: &mut String| {
        out.push_str(text);
        out.push_str(if empty { if_empty } else { "=" });
    };
    let defined =
        variables.iter().enumerate().filter_map(|(at, (modifier, value))| Some((at, modifier, value.as_ref()?)));
    for (count, (at, modifier, value)) in defined.enumerate() {
        out.push_str(if count == 0 { first } else { separator });
        let variable = format!("v{at}");
        match (value, modifier) {
            (Value::Text(text), modifier) => {
                if named {
                    name(&variable, text.is_empty(), out);
                }
                match modifier {
                    Modifier::Prefix(length) => encode(&text.chars().take(*length).collect::<String>(), out),
                    Modifier::None | Modifier::Explode => encode(text, out),
                }
            }
            (Value::List(list), Modifier::Explode) => {
                for (at, text) in list.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { separator });
                    if named {
                        name(&variable, text.is_empty(), out);
                    }
                    encode(text, out);
                }
            }
            (Value::Map(map), Modifier::Explode) => {
                for (at, (key, text)) in map.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { separator });
                    encode(key, out);
                    name("", named && text.is_empty(), out);
                    encode(text, out);
                }
            }
            (value, Modifier::None | Modifier::Prefix(_)) => {
                if named {
                    name(&variable, false, out);
                }
                let texts: Vec<&String> = match value {
                    Value::Text(text) => vec![text],
                    Value::List(list) => list.iter().collect(),
                    Value::Map(map) => map.iter().flat_map(|(key, text)| [key, text]).collect(),
                };
                for (at, text) in texts.into_iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    encode(text, out);
                }
            }
        }
    }
}

/// The template, and an expansion of it.
fn write(pieces: &[Piece]) -> (String, String) {
    let (mut template, mut expansion) = (String::new(), String::new());
    for piece in pieces {
        match piece {
            Piece::Literal(text) => {
                template.push_str(text);
                expansion.push_str(text);
            }
            Piece::Expression(operator, variables) => {
                let names = variables.iter().enumerate().map(|(at, (modifier, _))| match modifier {
                    Modifier::None => format!("v{at}"),
                    Modifier::Prefix(length) => format!("v{at}:{length}"),
                    Modifier::Explode => format!("v{at}*"),
                });
                template.push('{');
                template.extend(Some(*operator).filter(|operator| *operator != NONE));
                template.push_str(&names.collect::<Vec<_>>().join(","));
                template.push('}');
                expand_expression(*operator, variables, &mut expansion);
            }
        }
    }
    (template, expansion)
}

/// One segment of a URL pattern's path, with a segment that matches it, and one that does not.
fn segment() -> impl Strategy<Value = (String, String, String)> {
    let word = "[a-zA-Z0-9_-]{1,8}";
    prop_oneof![
        word.prop_map(|text: String| (text.clone(), text.clone(), format!("{text}x"))),
        word.prop_map(|text: String| (":name".to_owned(), text.clone(), format!("{text}/{text}"))),
        "[0-9]{1,8}".prop_map(|text: String| (r":name(\d+)".to_owned(), text.clone(), format!("{text}a"))),
        word.prop_map(|text: String| (":name(a|b)".to_owned(), "a".to_owned(), format!("c{text}"))),
        word.prop_map(|text: String| (format!("{text}-:name"), format!("{text}-1"), format!("{text}+1"))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_expanded_from_a_template_matches_it(
        pieces in vec(piece(), 1..6), foreign in select(vec![' ', '"', '<', '\\', '^', '`', '{', '|', '}', 'é']), at: prop::sample::Index,
    ) {
        let (template, expansion) = write(&pieces);
        let patterns = patterns();
        let pattern = patterns.template(&template).unwrap();
        prop_assert_eq!(pattern.is_some(), template.contains('{'), "{}", template);
        if let (Some(pattern), Ok(topic)) = (&pattern, Topic::new(&expansion)) {
            prop_assert!(pattern.matches(&topic), "{} {}", template, expansion);
            // No template expands to these, wherever they stand.
            let mut spoiled = expansion;
            spoiled.insert(at.index(spoiled.len() + 1), foreign);
            if spoiled != template {
                prop_assert!(!pattern.matches(&Topic::new(&spoiled).unwrap()), "{} {}", template, spoiled);
            }
        }
    }

    #[test]
    fn a_simple_expression_takes_no_separator(values in vec("[a-z0-9~.-]{1,6}", 1..4), foreign in select(vec!['/', '?', ';', '#', '=', '&', ':'])) {
        let patterns = patterns();
        let template = vec!["{id}"; values.len()].join("|").replace('|', "/x/");
        let pattern = patterns.template(&template).unwrap().unwrap();
        let topic = |values: &[String]| Topic::new(values.join("/x/")).unwrap();
        prop_assert!(pattern.matches(&topic(&values)));
        for at in 0..values.len() {
            let mut spoiled = values.clone();
            spoiled[at].insert(0, foreign);
            prop_assert!(!pattern.matches(&topic(&spoiled)), "{:?}", spoiled);
        }
    }

    #[test]
    fn a_url_made_by_a_pattern_matches_it(segments in vec(segment(), 1..5), relative: bool, at: prop::sample::Index) {
        let patterns = patterns();
        let origin = if relative { "" } else { "https://example.com" };
        let url = |parts: Vec<&str>| format!("{origin}/{}", parts.join("/"));
        // Names stand once in a pattern.
        let names = segments.iter().enumerate().map(|(at, (pattern, ..))| pattern.replace(":name", &format!(":name{at}")));
        let text = url(names.collect::<Vec<_>>().iter().map(String::as_str).collect());
        let pattern = patterns.url_pattern(&text).unwrap();
        let mut parts: Vec<&str> = segments.iter().map(|(_, good, _)| good.as_str()).collect();
        let topic = Topic::new(url(parts.clone())).unwrap();
        let other = Topic::new(format!("https://example.org/{}", parts.join("/"))).unwrap();
        prop_assert!(pattern.matches(&topic), "{} {}", text, topic);
        prop_assert!(!pattern.matches(&other), "{} {}", text, other);
        let at = at.index(parts.len());
        parts[at] = &segments[at].2;
        let spoiled = Topic::new(url(parts)).unwrap();
        prop_assert!(!pattern.matches(&spoiled), "{} {}", text, spoiled);
    }

    #[test]
    fn no_text_makes_a_pattern_panic(
        text in "([a-z0-9./:*?(){}\\[\\]\\\\@#+|^$%,;!&=~ -]|\\PC){0,40}|(https?|urn|\\*):(//)?[a-z:{}()*\\[\\]\\\\@?#/+]{0,30}",
        topics in vec("\\PC{1,30}|https://[a-z@:/?#.]{1,20}", 1..4),
    ) {
        let patterns = patterns();
        let compiled = [patterns.url_pattern(&text).ok(), patterns.template(&text).ok().flatten()];
        for topic in topics.iter().filter_map(|topic| Topic::new(topic).ok()) {
            let candidate = Candidate::new(&topic);
            for pattern in compiled.iter().flatten() {
                prop_assert_eq!(pattern.matches_candidate(&candidate), pattern.matches(&topic));
            }
        }
    }
}
