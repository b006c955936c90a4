//! Matchers: how a subscriber names the topics it wants, and how a token names the topics it grants.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use crate::topic::{
    Topic, is_plain,
    pattern::{self, Pattern, Patterns},
};

/// In which language a matcher is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum MatchType {
    /// `match`, `match_exact`: the same bytes (draft-08).
    Exact,
    /// `match_urlpattern`: a WHATWG URL Pattern, relative ones against the hub's URL (draft-08).
    UrlPattern,
    /// `topic`, and the lists of the `mercure` claim: the same bytes, or an expansion of an RFC 6570 template (draft-07).
    Legacy,
}

impl MatchType {
    /// Whether a text of this type would be more than the name of one topic. Answered by its look, so that what is refused is never compiled.
    pub(crate) fn is_pattern(self, text: &[u8]) -> bool {
        text == b"*"
            || match self {
                Self::Exact => false,
                Self::UrlPattern => true,
                Self::Legacy => text.contains(&b'{'),
            }
    }
}

/// What a matcher comes down to.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// `*`, which is recognised before the type is looked at.
    Everything,
    /// The same bytes.
    Exact(Topic),
    /// Compiled, and shared by all who use it.
    Pattern(Arc<Pattern>),
}

/// One matcher. Two are equal when their types and texts are.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    kind: MatchType,
    text: Arc<str>,
    target: Target,
}

/// The text is no matcher of its type: empty, with control or format characters, or a malformed pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidMatcher;

impl Matcher {
    /// Reads a matcher. A legacy text that is no template is the name of one topic.
    pub(crate) fn new(kind: MatchType, text: &str, patterns: &Patterns) -> Result<Self, InvalidMatcher> {
        if text.is_empty() || !is_plain(text) {
            return Err(InvalidMatcher);
        }
        let shared = Arc::from(text);
        let exact = || Topic::shared(&shared).map(Target::Exact).map_err(|_| InvalidMatcher);
        let target = match kind {
            _ if text == "*" => Target::Everything,
            MatchType::Exact => exact()?,
            MatchType::UrlPattern => Target::Pattern(patterns.url_pattern(text)?),
            MatchType::Legacy => match patterns.template(text)? {
                Some(template) => Target::Pattern(template),
                None => exact()?,
            },
        };
        Ok(Self { kind, text: shared, target })
    }

    pub(crate) fn kind(&self) -> MatchType {
        self.kind
    }

    /// The text as it was given.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn matches(&self, topic: &Topic) -> bool {
        match &self.target {
            Target::Everything => true,
            Target::Exact(name) => name == topic,
            Target::Pattern(pattern) => pattern.matches(topic),
        }
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.text == other.text
    }
}

impl Eq for Matcher {}

impl Hash for Matcher {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kind.hash(state);
        self.text.hash(state);
    }
}

/// What a token grants for one action.
#[derive(Clone, Default)]
pub(crate) struct Grants {
    everything: bool,
    /// In order. A list rather than a table: every open stream keeps its own, and most are short.
    exact: Box<[Topic]>,
    patterns: Box<[Arc<Pattern>]>,
}

impl Grants {
    pub(crate) fn new(matchers: impl IntoIterator<Item = Matcher>) -> Self {
        let (mut everything, mut exact, mut patterns) = (false, Vec::new(), Vec::new());
        for matcher in matchers {
            match matcher.target {
                Target::Everything => everything = true,
                Target::Exact(topic) => exact.push(topic),
                Target::Pattern(pattern) => patterns.push(pattern),
            }
        }
        exact.sort_unstable();
        exact.dedup();
        Self { everything, exact: exact.into(), patterns: patterns.into() }
    }

    pub(crate) fn cover(&self, topic: &Topic) -> bool {
        self.everything || self.exact.binary_search(topic).is_ok() || pattern::any_matches(&self.patterns, topic)
    }

    pub(crate) fn cover_all(&self, topics: &[Topic]) -> bool {
        topics.iter().all(|topic| self.cover(topic))
    }

    pub(crate) fn cover_any(&self, topics: &[Topic]) -> bool {
        topics.iter().any(|topic| self.cover(topic))
    }
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.exact.len() + self.patterns.len();
        f.debug_struct("Grants").field("everything", &self.everything).field("count", &count).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Matcher {
        Matcher::new(MatchType::Exact, text, &Patterns::new(None)).unwrap()
    }

    #[test]
    fn exact_is_exact() {
        let grants = Grants::new([exact("chatroom/1"), exact("{id}")]);
        for (topic, covered) in
            [("chatroom/1", true), ("chatroom/11", false), ("Chatroom/1", false), ("{id}", true), ("x", false)]
        {
            assert_eq!(grants.cover(&Topic::new(topic).unwrap()), covered, "{topic}");
        }
    }

    #[test]
    fn the_star_is_everything_and_nothing_grants_nothing() {
        let topic = Topic::new("anything").unwrap();
        assert!(Grants::new([exact("*")]).cover(&topic));
        assert!(!Grants::default().cover(&topic));
        assert!(!Grants::default().cover_any(&[topic]));
    }
}
