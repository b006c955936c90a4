//! Matchers: how a subscriber names the topics it wants, and how a token names the topics it grants.
//!
//! Today there are two kinds, `*` and the exact name. Templates and URL patterns become further variants, and each place that must know about them
//! is found by the compiler.

use std::collections::HashSet;

use crate::topic::{InvalidTopic, Topic};

/// One matcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Matcher {
    /// `*`, which is recognised before the kind of matcher is looked at.
    Everything,
    /// The same bytes.
    Exact(Topic),
}

impl Matcher {
    /// A value of `match`, `match_exact` or, until templates are known, of the older `topic`.
    pub(crate) fn exact(value: &str) -> Result<Self, InvalidTopic> {
        if value == "*" { Ok(Self::Everything) } else { Topic::new(value).map(Self::Exact) }
    }
}

/// What a token grants for one action.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grants {
    everything: bool,
    exact: HashSet<Topic>,
}

impl Grants {
    pub(crate) fn new(matchers: impl IntoIterator<Item = Matcher>) -> Self {
        let mut grants = Self::default();
        for matcher in matchers {
            match matcher {
                Matcher::Everything => grants.everything = true,
                Matcher::Exact(topic) => {
                    grants.exact.insert(topic);
                }
            }
        }
        grants
    }

    pub(crate) fn cover(&self, topic: &Topic) -> bool {
        self.everything || self.exact.contains(topic)
    }

    pub(crate) fn cover_all(&self, topics: &[Topic]) -> bool {
        topics.iter().all(|topic| self.cover(topic))
    }

    pub(crate) fn cover_any(&self, topics: &[Topic]) -> bool {
        topics.iter().any(|topic| self.cover(topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_is_exact() {
        let grants = Grants::new([Matcher::exact("chatroom/1").unwrap(), Matcher::exact("{id}").unwrap()]);
        for (topic, covered) in
            [("chatroom/1", true), ("chatroom/11", false), ("Chatroom/1", false), ("{id}", true), ("x", false)]
        {
            assert_eq!(grants.cover(&Topic::new(topic).unwrap()), covered, "{topic}");
        }
    }

    #[test]
    fn the_star_is_everything_and_nothing_grants_nothing() {
        let topic = Topic::new("anything").unwrap();
        assert!(Grants::new([Matcher::exact("*").unwrap()]).cover(&topic));
        assert!(!Grants::default().cover(&topic));
        assert!(!Grants::default().cover_any(&[topic]));
    }
}
