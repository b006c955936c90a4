//! Names: what a topic, an id and a type may consist of, and which topics belong to the hub itself.

pub(crate) mod matcher;
pub(crate) mod pattern;

use std::{borrow::Borrow, fmt, sync::Arc};

use url::Url;

/// Unicode category Cf: invisible characters that make two names look alike.
const FORMAT: [(u32, u32); 21] = [
    (0x00AD, 0x00AD),
    (0x0600, 0x0605),
    (0x061C, 0x061C),
    (0x06DD, 0x06DD),
    (0x070F, 0x070F),
    (0x0890, 0x0891),
    (0x08E2, 0x08E2),
    (0x180E, 0x180E),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x2064),
    (0x2066, 0x206F),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0001, 0xE0001),
    (0xE0020, 0xE007F),
];

/// Whether a text holds neither control (C0, DEL, C1) nor format characters. CR, LF and NUL in a name would let its author write fields of
/// the event stream (CWE-93).
pub(crate) fn is_plain(text: &str) -> bool {
    text.chars().all(|c| {
        !c.is_control() && (c.is_ascii() || FORMAT.iter().all(|&(low, high)| !(low..=high).contains(&(c as u32))))
    })
}

/// The name of something that people can subscribe to. Compared byte for byte: neither case nor Unicode forms are folded.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(Arc<str>);

/// The text can't be a topic: it is empty, or `*`, or holds control or format characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid topic")]
pub struct InvalidTopic;

impl Topic {
    /// A topic of this name. `*` is the matcher for all topics, and so not the name of one.
    pub fn new(name: impl AsRef<str>) -> Result<Self, InvalidTopic> {
        Self::shared(&Arc::from(name.as_ref()))
    }

    /// The same, sharing the text.
    pub(crate) fn shared(name: &Arc<str>) -> Result<Self, InvalidTopic> {
        if name.is_empty() || **name == *"*" || !is_plain(name) {
            Err(InvalidTopic)
        } else {
            Ok(Self(Arc::clone(name)))
        }
    }

    /// A topic that was one when it was stored.
    #[cfg(feature = "durable")]
    pub(crate) fn stored(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Topic {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A URL that nobody has, with this path.
pub(crate) fn nowhere(path: &str) -> Option<Url> {
    Url::parse("http://hub.invalid/").and_then(|root| root.join(path)).ok()
}

/// The part of the topic space that belongs to the hub: the path where it is mounted, the one where the world sees it, and everything below.
#[derive(Debug)]
pub(crate) struct Namespace(Vec<Place>);

/// A path of the hub.
#[derive(Debug)]
struct Place {
    path: String,
    /// The hub under either scheme. `https:mercure` is a relative reference where the base is `https`, and only there.
    http: Url,
    https: Url,
}

impl Namespace {
    /// `public` is the hub's own URL, where it is known.
    pub(crate) fn new(path: &str, public: Option<&Url>) -> Self {
        let elsewhere = public.map(Url::path).filter(|public| *public != path);
        Self([path].into_iter().chain(elsewhere).filter_map(Place::new).collect())
    }

    /// Whether the topic, resolved as a URL against the hub's, is the hub's path or below it. The spelling does not help: dot segments, backslashes and
    /// escaped letters are resolved first. What is no URL is not reserved.
    pub(crate) fn holds(&self, topic: &Topic) -> bool {
        self.0.iter().any(|place| place.holds(topic.as_str()))
    }
}

impl Place {
    fn new(path: &str) -> Option<Self> {
        // The authority does not matter for the question, so any will do.
        let http = nowhere(path)?;
        let mut https = http.clone();
        https.set_scheme("https").ok()?;
        Some(Self { path: path.to_owned(), http, https })
    }

    fn holds(&self, topic: &str) -> bool {
        // The parser passes over spaces in front.
        let scheme = topic.trim_start_matches(' ').get(..6);
        let secure = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
        let base = if secure { &self.https } else { &self.http };
        let Ok(url) = base.join(topic) else {
            return false;
        };
        let path = unescape_unreserved(url.path());
        path.strip_prefix(self.path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Decodes `%41` to `A` for the characters that never need escaping (RFC 3986 section 2.3); leaves the others as they are.
fn unescape_unreserved(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let decoded = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).map(char::from);
        match decoded.filter(|c| c.is_ascii_alphanumeric() || "-._~".contains(*c)) {
            Some(c) => {
                out.push(c);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push('%');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserved(name: &str) -> bool {
        Namespace::new("/.well-known/mercure", None).holds(&Topic::new(name).unwrap())
    }

    #[test]
    fn reserved_topics_are_found_in_every_spelling() {
        for name in [
            "https://example.com/.well-known/mercure",
            "https://example.com/.well-known/mercure/subscriptions/foo",
            "http://other.example/.well-known/mercure/x",
            "/.well-known/mercure",
            "mercure",
            "mercure/subscriptions/foo",
            "%6Dercure",
            "%6dercure",
            "/.well-known/me%72cure/x",
            "https://example.com\\.well-known\\mercure\\subscriptions",
            "foo/../mercure",
            "/x/%2e%2E/.well-known/mercure",
            "//elsewhere/.well-known/mercure?x",
            "#fragment",
            "?query",
            "http:mercure",
            "https:mercure/x",
            " HTTPS:mercure",
            "https:/.well-known/mercure",
            "/%2Ewell-known/mercure",
            "ftp://elsewhere/.well-known/mercure",
            "urn:/.well-known/mercure",
        ] {
            assert!(reserved(name), "{name}");
        }
    }

    #[test]
    fn the_path_that_the_world_sees_is_reserved_too() {
        let public = Url::parse("https://example.com/hub/.well-known/mercure").unwrap();
        let namespace = Namespace::new("/.well-known/mercure", Some(&public));
        for name in ["mercure", "/hub/.well-known/mercure/x", "https://x/.well-known/mercure"] {
            assert!(namespace.holds(&Topic::new(name).unwrap()), "{name}");
        }
        assert!(!namespace.holds(&Topic::new("/hub").unwrap()));
    }

    #[test]
    fn neighbours_of_the_hub_are_free() {
        for name in [
            "mercureXXX",
            "mercure-dashboard",
            "/foo/.well-known/mercure/bar",
            "subscriptions/foo",
            "bar",
            "../mercure/x",
            "urn:example:mercure",
            "a text with spaces",
            "chatroom/1",
            "http://[broken",
            "https://mercure",
            "urn:.well-known/mercure",
            "/.well-known/mercure%2Fx",
        ] {
            assert!(!reserved(name), "{name}");
        }
    }

    #[test]
    fn names_hold_no_invisible_characters() {
        for name in [
            "",
            "*",
            "a\0",
            "a\nb",
            "a\rb",
            "\t",
            "\u{7f}",
            "\u{85}",
            "\u{9f}",
            "\u{ad}",
            "a\u{200b}",
            "\u{202e}b",
            "\u{feff}x",
            "\u{e0041}",
        ] {
            assert_eq!(Topic::new(name), Err(InvalidTopic), "{name:?}");
        }
        for name in ["**", "é", "名前", "👩\u{fe0f}", "{foo}", " ", "a b"] {
            assert!(Topic::new(name).is_ok(), "{name:?}");
        }
    }
}
