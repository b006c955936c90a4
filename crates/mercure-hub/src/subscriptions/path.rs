//! Paths: under which URL each subscription and each collection stands, in both generations.

use crate::{subscriptions::roster::Subscription, topic::matcher::MatchType};

/// What a path below `/subscriptions` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// All subscriptions; one URL for both generations.
    All,
    /// Those with one matcher.
    Of(MatchType, String),
    /// One.
    One(MatchType, String, String),
}

/// The segment of a path names no type of matcher, is not UTF-8, or there are too many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadPath;

impl Resource {
    /// Reads what follows `/subscriptions`, as it came. Two segments are a collection of draft-08 if the first one is a type of matcher, else one
    /// subscription of draft-07: whose topics `exact` and `urlpattern` can therefore not be reached one by one.
    pub(crate) fn read(rest: &str) -> Result<Self, BadPath> {
        let Some(rest) = rest.strip_prefix('/') else {
            return if rest.is_empty() { Ok(Self::All) } else { Err(BadPath) };
        };
        let segments: Vec<&str> = rest.split('/').collect();
        match segments.as_slice() {
            [""] => Ok(Self::All),
            [topic] => Ok(Self::Of(MatchType::Legacy, decode(topic, true)?)),
            [first, second] => match kind(&decode(first, false)?) {
                Some(kind) => Ok(Self::Of(kind, decode(second, false)?)),
                None => Ok(Self::One(MatchType::Legacy, decode(first, true)?, decode(second, true)?)),
            },
            [first, second, third] => {
                let kind = kind(&decode(first, false)?).ok_or(BadPath)?;
                Ok(Self::One(kind, decode(second, false)?, decode(third, false)?))
            }
            _ => Err(BadPath),
        }
    }

    /// Whether it exists in the older generation alone.
    pub(crate) fn is_legacy(&self) -> bool {
        matches!(self, Self::Of(MatchType::Legacy, _) | Self::One(MatchType::Legacy, ..))
    }

    /// Its path on the hub at this path, each segment escaped once.
    pub(crate) fn path(&self, hub: &str) -> String {
        match self {
            Self::All => join(hub, &[]),
            Self::Of(MatchType::Legacy, topic) => join(hub, &[topic]),
            Self::Of(kind, text) => join(hub, &[kind.name(), text]),
            Self::One(kind, text, subscriber) => of(hub, *kind, text, subscriber),
        }
    }
}

/// The path of a subscription, which is the topic of the updates about it.
pub(crate) fn of_subscription(hub: &str, subscription: &Subscription) -> String {
    of(hub, subscription.kind, &subscription.text, subscription.subscriber.as_str())
}

fn of(hub: &str, kind: MatchType, text: &str, subscriber: &str) -> String {
    match kind {
        MatchType::Legacy => join(hub, &[text, subscriber]),
        MatchType::Exact | MatchType::UrlPattern => join(hub, &[kind.name(), text, subscriber]),
    }
}

fn join(hub: &str, segments: &[&str]) -> String {
    let length: usize = segments.iter().map(|segment| segment.len() * 3 + 1).sum();
    let mut path = String::with_capacity(hub.len() + 14 + length);
    path.extend([hub, "/subscriptions"]);
    for segment in segments {
        path.push('/');
        escape(segment, &mut path);
    }
    path
}

/// Leaves only unreserved characters as they are (RFC 3986 section 2.3).
fn escape(text: &str, out: &mut String) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 15].iter().filter_map(|digit| HEX.get(usize::from(*digit))));
        }
    }
}

/// Undoes the escaping, once. The older generation wrote a space as `+`.
fn decode(segment: &str, plus_is_space: bool) -> Result<String, BadPath> {
    let mut out = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' if plus_is_space => b' ',
            b'%' => {
                let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16)).ok_or(BadPath);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high << 4 | low).map_err(|_| BadPath)?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).map_err(|_| BadPath)
}

fn kind(name: &str) -> Option<MatchType> {
    [MatchType::Exact, MatchType::UrlPattern].into_iter().find(|kind| kind.name() == name)
}

impl MatchType {
    /// As it stands in a path. Draft-07 has no word for its only type.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::UrlPattern => "urlpattern",
            Self::Legacy => "topic",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: &str = "/.well-known/mercure";

    #[test]
    fn the_number_of_segments_and_the_first_one_tell_the_generation() {
        let of = |kind, text: &str| Ok(Resource::Of(kind, text.to_owned()));
        let one = |kind, text: &str, who: &str| Ok(Resource::One(kind, text.to_owned(), who.to_owned()));
        for (rest, resource) in [
            ("", Ok(Resource::All)),
            ("/", Ok(Resource::All)),
            ("/foo", of(MatchType::Legacy, "foo")),
            ("/exact", of(MatchType::Legacy, "exact")),
            ("/exact/foo", of(MatchType::Exact, "foo")),
            ("/%65xact/foo", of(MatchType::Exact, "foo")),
            ("/urlpattern/%2F%3Aid", of(MatchType::UrlPattern, "/:id")),
            ("/exact/a%2Fb+c%20d", of(MatchType::Exact, "a/b+c d")),
            ("/a+b%2Bc/urn%3Auuid%3A1", one(MatchType::Legacy, "a b+c", "urn:uuid:1")),
            ("/topic/foo", one(MatchType::Legacy, "topic", "foo")),
            ("/exact/foo/urn:uuid:1", one(MatchType::Exact, "foo", "urn:uuid:1")),
            ("/exact/%252F/x", one(MatchType::Exact, "%2F", "x")),
            ("/regexp/foo/x", Err(BadPath)),
            ("/Exact/foo/x", Err(BadPath)),
            ("/exact/foo/x/y", Err(BadPath)),
            ("/exact/%zz", Err(BadPath)),
            ("/exact/%f", Err(BadPath)),
            ("/exact/%ff", Err(BadPath)),
            ("x", Err(BadPath)),
        ] {
            assert_eq!(Resource::read(rest), resource, "{rest}");
        }
    }

    #[test]
    fn segments_survive_the_way_there_and_back() {
        let texts =
            ["*", "foo", "a b+c", "/", "%", "%2F", "..", "https://example.com/{id}?a=b#c", "é名👩", "-._~", "exact/x"];
        for text in texts {
            for kind in [MatchType::Exact, MatchType::UrlPattern, MatchType::Legacy] {
                let resource = Resource::One(kind, text.to_owned(), "urn:uuid:1".to_owned());
                let path = resource.path(HUB);
                let rest = path.strip_prefix("/.well-known/mercure/subscriptions").unwrap();
                assert_eq!(Resource::read(rest), Ok(resource), "{path}");
                let of = Resource::Of(kind, text.to_owned());
                let path = of.path(HUB);
                let rest = path.strip_prefix("/.well-known/mercure/subscriptions").unwrap();
                assert_eq!(Resource::read(rest), Ok(of), "{path}");
            }
        }
        assert_eq!(
            Resource::Of(MatchType::Exact, "a b/é*".to_owned()).path(HUB),
            "/.well-known/mercure/subscriptions/exact/a%20b%2F%C3%A9%2A"
        );
    }
}
