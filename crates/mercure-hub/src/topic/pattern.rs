//! Patterns: matchers that are compiled, and shared by all who use them.

mod address;
#[cfg(test)]
mod properties;
mod template;

use std::{
    cell::OnceCell,
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use regex::bytes::{Regex, RegexBuilder};
use url::Url;

use crate::topic::{Topic, matcher::InvalidMatcher};
use address::{Address, AddressPattern};
use template::Template;

/// Bytes that the engine may take for what it remembers of one expression; it gets slower rather than larger.
const MAX_MEMORY: usize = 64 << 10;

/// Compiles an expression for byte strings: classes such as `\d` and `.` mean ASCII, as all components of a URL are, and stay small. Nothing when it is malformed,
/// or takes more than `limit` bytes. The time of a test grows with them as with the topic's length, so the limit bounds both (draft-08 asks for one).
fn compile(expression: &str, limit: usize) -> Option<Regex> {
    let mut builder = RegexBuilder::new(expression);
    builder.unicode(false).size_limit(limit).dfa_size_limit(MAX_MEMORY).nest_limit(50);
    builder.build().ok()
}

/// A compiled pattern.
pub(crate) struct Pattern {
    text: Box<str>,
    test: Test,
    known: Weak<Known>,
}

#[derive(Debug)]
enum Test {
    Template(Template),
    Address { pattern: Box<AddressPattern>, base: Option<Arc<Url>> },
}

impl Pattern {
    /// Whether the topic matches. Takes time linear in the topic's length.
    pub(crate) fn matches(&self, topic: &Topic) -> bool {
        self.matches_candidate(&Candidate::new(topic))
    }

    /// The same for a topic that many patterns are tested against.
    pub(crate) fn matches_candidate(&self, candidate: &Candidate<'_>) -> bool {
        match &self.test {
            Test::Template(template) => {
                let topic = candidate.topic.as_str();
                // The text is a topic of its own, too: draft-07 compares before it expands.
                *topic == *self.text || template.matches(topic)
            }
            Test::Address { pattern, base } => {
                candidate.address(base.as_deref()).is_some_and(|address| pattern.matches(address))
            }
        }
    }

    fn language(&self) -> Language {
        match self.test {
            Test::Template(_) => Language::Template,
            Test::Address { .. } => Language::Address,
        }
    }
}

/// Whether one of the patterns, which are of one hub, matches.
pub(crate) fn any_matches(patterns: &[Arc<Pattern>], topic: &Topic) -> bool {
    let candidate = Candidate::new(topic);
    patterns.iter().any(|pattern| pattern.matches_candidate(&candidate))
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.language()).field(&self.text).finish()
    }
}

impl Drop for Pattern {
    /// Nobody uses it any more, so nobody needs to find it.
    fn drop(&mut self) {
        if let Some(known) = self.known.upgrade() {
            known.forget(self.language(), &self.text);
        }
    }
}

/// A topic that several patterns are tested against, all of one hub: it is parsed as a URL at most once.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    topic: &'a Topic,
    address: OnceCell<Option<Address>>,
}

impl<'a> Candidate<'a> {
    pub(crate) fn new(topic: &'a Topic) -> Self {
        Self { topic, address: OnceCell::new() }
    }

    fn address(&self, base: Option<&Url>) -> Option<&Address> {
        self.address.get_or_init(|| Address::new(self.topic.as_str(), base)).as_ref()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Language {
    Template,
    Address,
}

/// The patterns in use, each once.
#[derive(Debug, Default)]
struct Known(Mutex<Maps>);

#[derive(Debug, Default)]
struct Maps {
    templates: HashMap<Box<str>, Weak<Pattern>>,
    addresses: HashMap<Box<str>, Weak<Pattern>>,
}

impl Maps {
    fn of(&mut self, language: Language) -> &mut HashMap<Box<str>, Weak<Pattern>> {
        match language {
            Language::Template => &mut self.templates,
            Language::Address => &mut self.addresses,
        }
    }
}

impl Known {
    fn maps(&self) -> MutexGuard<'_, Maps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, language: Language, text: &str) -> Option<Arc<Pattern>> {
        self.maps().of(language).get(text).and_then(Weak::upgrade)
    }

    /// Keeps the pattern that was there first.
    fn keep(&self, pattern: Pattern) -> Arc<Pattern> {
        let mut maps = self.maps();
        let map = maps.of(pattern.language());
        if let Some(known) = map.get(&pattern.text).and_then(Weak::upgrade) {
            // The lock is needed to drop the other one.
            drop(maps);
            return known;
        }
        let pattern = Arc::new(pattern);
        map.insert(pattern.text.clone(), Arc::downgrade(&pattern));
        pattern
    }

    /// Unless somebody has compiled the same text again meanwhile.
    fn forget(&self, language: Language, text: &str) {
        let mut maps = self.maps();
        let map = maps.of(language);
        if map.get(text).is_some_and(|pattern| pattern.strong_count() == 0) {
            map.remove(text);
            if map.len() < map.capacity() / 8 {
                map.shrink_to(map.len() * 2);
            }
        }
    }
}

/// Compiles patterns, each text once as long as anybody uses it.
#[derive(Debug)]
pub(crate) struct Patterns {
    /// The hub's URL, which relative patterns and topics are resolved against.
    base: Option<Arc<Url>>,
    known: Arc<Known>,
}

impl Patterns {
    /// Patterns of a hub at this URL.
    pub(crate) fn new(base: Option<Url>) -> Self {
        Self { base: base.map(Arc::new), known: Arc::default() }
    }

    /// A WHATWG URL Pattern.
    pub(crate) fn url_pattern(&self, text: &str) -> Result<Arc<Pattern>, InvalidMatcher> {
        if let Some(known) = self.known.find(Language::Address, text) {
            return Ok(known);
        }
        let pattern = AddressPattern::new(text, self.base.as_deref()).ok_or(InvalidMatcher)?;
        Ok(self.keep(text, Test::Address { pattern: Box::new(pattern), base: self.base.clone() }))
    }

    /// An RFC 6570 template; nothing when the text is none, or holds no expression.
    pub(crate) fn template(&self, text: &str) -> Result<Option<Arc<Pattern>>, InvalidMatcher> {
        if let Some(known) = self.known.find(Language::Template, text) {
            return Ok(Some(known));
        }
        Ok(Template::new(text)?.map(|template| self.keep(text, Test::Template(template))))
    }

    /// Called without the lock: to compile takes a while.
    fn keep(&self, text: &str, test: Test) -> Arc<Pattern> {
        self.known.keep(Pattern { text: text.into(), test, known: Arc::downgrade(&self.known) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topic::matcher::{MatchType, Matcher, Target};

    fn patterns() -> Patterns {
        Patterns::new(Url::parse("https://hub.example/.well-known/mercure").ok())
    }

    fn size(patterns: &Patterns) -> usize {
        let maps = patterns.known.maps();
        maps.templates.len() + maps.addresses.len()
    }

    #[test]
    fn the_same_text_is_compiled_once_as_long_as_somebody_holds_it() {
        let patterns = patterns();
        let first = patterns.template("/{id}").unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &patterns.template("/{id}").unwrap().unwrap()));
        let address = patterns.url_pattern("/{id}").unwrap();
        assert!(!Arc::ptr_eq(&first, &address), "another language");
        assert!(Arc::ptr_eq(&address, &patterns.url_pattern("/{id}").unwrap()));
        assert_eq!(size(&patterns), 2);
        drop(first);
        assert_eq!(size(&patterns), 1);
        drop(address);
        assert_eq!(size(&patterns), 0);
        drop(patterns.template("/{id}").unwrap().unwrap());
        assert!(patterns.template("{").unwrap().is_none() && patterns.url_pattern("{").is_err());
        assert_eq!(size(&patterns), 0);
    }

    #[test]
    fn a_pattern_outlives_where_it_came_from() {
        let pattern = patterns().template("/{id}").unwrap().unwrap();
        assert!(pattern.matches(&Topic::new("/1").unwrap()));
    }

    #[test]
    fn a_topic_is_tested_against_patterns_of_every_language() {
        let patterns = patterns();
        let topic = Topic::new("books/1").unwrap();
        let candidate = Candidate::new(&topic);
        for (kind, text, expected) in [
            (MatchType::Legacy, "books/{id}", true),
            (MatchType::Legacy, "{id}", false),
            (MatchType::Legacy, "books{/id}", true),
            (MatchType::Legacy, "books/1", true),
            (MatchType::Legacy, "{invalid", false),
            (MatchType::Legacy, "*", true),
            (MatchType::Exact, "books/{id}", false),
            (MatchType::Exact, "books/1", true),
            (MatchType::Exact, "*", true),
            (MatchType::UrlPattern, "books/:id", true),
            (MatchType::UrlPattern, "https://hub.example/.well-known/books/1", true),
            (MatchType::UrlPattern, "/books/:id", false),
            (MatchType::UrlPattern, "*", true),
        ] {
            let matcher = Matcher::new(kind, text, &patterns).unwrap();
            assert_eq!(matcher.matches(&topic), expected, "{kind:?} {text}");
            if let Target::Pattern(pattern) = matcher.target() {
                assert_eq!(pattern.matches_candidate(&candidate), expected, "{kind:?} {text}");
            }
        }
        for text in ["{invalid", "a/{id}"] {
            let itself = Matcher::new(MatchType::Legacy, text, &patterns).unwrap();
            assert!(itself.matches(&Topic::new(text).unwrap()), "{text}");
        }
        assert_eq!(Matcher::new(MatchType::UrlPattern, "{invalid", &patterns), Err(InvalidMatcher));
    }
}
