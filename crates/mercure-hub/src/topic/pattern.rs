//! Patterns: matchers that are compiled, and shared by all who use them.

use url::Url;

use crate::topic::{Topic, matcher::InvalidMatcher};
use std::sync::Arc;

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern {}

impl Pattern {
    /// Whether the topic matches. Takes time linear in the topic's length.
    #[expect(clippy::unused_self, reason = "patterns are not compiled yet")]
    pub(crate) fn matches(&self, _topic: &Topic) -> bool {
        false
    }
}

/// Compiles patterns, each text once.
#[derive(Debug)]
pub(crate) struct Patterns {
    /// The hub's URL, which relative patterns and topics are resolved against.
    #[expect(dead_code, reason = "patterns are not compiled yet")]
    base: Option<Url>,
}

impl Patterns {
    /// Patterns of a hub at this URL.
    pub(crate) fn new(base: Option<Url>) -> Self {
        Self { base }
    }

    /// A WHATWG URL Pattern.
    #[expect(clippy::unused_self, reason = "patterns are not compiled yet")]
    pub(crate) fn url_pattern(&self, _text: &str) -> Result<Arc<Pattern>, InvalidMatcher> {
        Err(InvalidMatcher)
    }

    /// An RFC 6570 template; nothing when the text is none, or holds no expression.
    #[expect(clippy::unused_self, reason = "patterns are not compiled yet")]
    pub(crate) fn template(&self, _text: &str) -> Option<Arc<Pattern>> {
        None
    }
}
