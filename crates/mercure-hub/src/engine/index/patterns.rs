//! The readers by pattern. Each distinct pattern is held once with its readers, and tested once against each topic: what was found is remembered.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::Arc,
};

use crate::{
    engine::index::{Readers, strike},
    topic::{
        Topic,
        pattern::{Candidate, Pattern},
    },
};

/// How many topics one half of the memory holds at most.
const MAX_TOPICS: usize = 4_096;
/// How many matches one half of the memory holds at most.
const MAX_MATCHES: usize = 1 << 18;

/// Patterns are numbered as they come; a number is never used again.
type Number = u64;

#[derive(Debug, Default)]
pub(crate) struct ByPattern {
    next: Number,
    lists: BTreeMap<Number, (Arc<Pattern>, Readers)>,
    /// By address: the same text is the same pattern for as long as anybody holds it, and the list above does.
    numbers: HashMap<usize, Number>,
    /// What the topics of late match, in two halves: when the young half is full it becomes the old one, and what was old and not asked for is forgotten.
    young: HashMap<Topic, Known>,
    old: HashMap<Topic, Known>,
    /// Matches in the young half.
    matches: usize,
}

/// What is known about a topic.
#[derive(Debug, Default)]
struct Known {
    /// The patterns below this number have been tested.
    tested: Number,
    /// Those that match. Some may have gone meanwhile.
    matching: Vec<Number>,
}

fn address(pattern: &Arc<Pattern>) -> usize {
    Arc::as_ptr(pattern).addr()
}

impl ByPattern {
    /// Adds the readers of all patterns that match.
    pub(crate) fn readers(&mut self, topic: &Topic, into: &mut Vec<Readers>) {
        if self.lists.is_empty() {
            return;
        }
        if !self.young.contains_key(topic) {
            self.rejuvenate(topic);
        }
        let Some(known) = self.young.get_mut(topic) else { return };
        let before = known.matching.len();
        known.matching.retain(|number| self.lists.contains_key(number));
        let candidate = Candidate::new(topic);
        let new = self.lists.range(known.tested..).filter(|(_, (pattern, _))| pattern.matches_candidate(&candidate));
        known.matching.extend(new.map(|(number, _)| *number));
        known.tested = self.next;
        self.matches = (self.matches + known.matching.len()).saturating_sub(before);
        let lists = known.matching.iter().filter_map(|number| self.lists.get(number));
        into.extend(lists.map(|(_, readers)| Arc::clone(readers)));
    }

    /// Moves a topic into the young half.
    fn rejuvenate(&mut self, topic: &Topic) {
        let known = self.old.remove(topic).unwrap_or_default();
        if self.young.len() >= MAX_TOPICS || self.matches >= MAX_MATCHES {
            self.old = mem::take(&mut self.young);
            self.matches = 0;
        }
        self.matches += known.matching.len();
        self.young.insert(topic.clone(), known);
    }

    /// The readers of a pattern, which is held from now on.
    pub(crate) fn entry(&mut self, pattern: &Arc<Pattern>) -> &mut Readers {
        let number = *self.numbers.entry(address(pattern)).or_insert_with(|| {
            self.next += 1;
            self.next - 1
        });
        &mut self.lists.entry(number).or_insert_with(|| (Arc::clone(pattern), Readers::default())).1
    }

    /// Strikes a subscriber out; with the last one the pattern goes.
    pub(crate) fn strike(&mut self, pattern: &Arc<Pattern>, id: u64) {
        let Some(number) = self.numbers.get(&address(pattern)).copied() else { return };
        let Some((_, readers)) = self.lists.get_mut(&number) else { return };
        strike(readers, id);
        if readers.is_empty() {
            self.lists.remove(&number);
            self.numbers.remove(&address(pattern));
        }
        if self.lists.is_empty() {
            (self.young, self.old, self.matches) = (HashMap::new(), HashMap::new(), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::index::{Index, Under},
        engine::subscriber::{Interest, Subscriber, Traits},
        event::Wire,
        topic::{
            matcher::{Grants, MatchType, Matcher},
            pattern::Patterns,
        },
    };

    /// An index with subscribers that can be entered and struck out.
    struct Fixture {
        patterns: Patterns,
        index: Index,
    }

    impl Fixture {
        fn new() -> Self {
            Self { patterns: Patterns::new(None), index: Index::default() }
        }

        fn interest(&self, matchers: &[&str]) -> Interest {
            Interest::new(
                matchers.iter().map(|text| Matcher::new(MatchType::Legacy, text, &self.patterns).unwrap()).collect(),
            )
        }

        fn enter(&mut self, id: u64, matchers: &[&str]) {
            let interest = self.interest(matchers);
            let traits = Traits {
                subject: None,
                token_id: None,
                session: None,
                key: Default::default(),
                wire: Wire::Sse,
                beats: false,
                deadline: None,
                grants: Grants::default(),
                interest: Interest::default(),
                visible: None,
                seats: None,
            };
            let subscriber = Arc::new(Subscriber::new(id, 0, traits));
            for (under, readable) in interest.places() {
                self.index.insert(under, crate::engine::index::Entry { subscriber: Arc::clone(&subscriber), readable });
            }
        }

        fn strike(&mut self, id: u64, matchers: &[&str]) {
            let interest = self.interest(matchers);
            interest.places().for_each(|(under, _)| self.index.remove(under, id));
        }

        /// The ids on each list.
        fn readers(&mut self, topics: &[&str]) -> Vec<Vec<u64>> {
            let topics: Vec<_> = topics.iter().map(|topic| Topic::new(topic).unwrap()).collect();
            let lists = self.index.readers(&topics);
            let mut lists: Vec<Vec<u64>> =
                lists.iter().map(|list| list.iter().map(|entry| entry.subscriber.id).collect()).collect();
            lists.sort();
            lists
        }
    }

    #[test]
    fn a_topic_finds_the_patterns_that_came_before_and_after_it_was_seen() {
        let mut fixture = Fixture::new();
        fixture.enter(1, &["/rooms/{id}"]);
        fixture.enter(2, &["/rooms/{id}", "/rooms/1"]);
        fixture.enter(3, &["/users/{id}", "*"]);
        assert_eq!(fixture.readers(&["/rooms/1"]), [vec![1, 2], vec![2], vec![3]]);
        assert_eq!(fixture.readers(&["/rooms/2"]), [vec![1, 2], vec![3]]);
        fixture.enter(4, &["/{kind}/1"]);
        assert_eq!(fixture.readers(&["/rooms/1"]), [vec![1, 2], vec![2], vec![3], vec![4]]);
        fixture.strike(4, &["/{kind}/1"]);
        fixture.strike(1, &["/rooms/{id}"]);
        assert_eq!(fixture.readers(&["/rooms/1"]), [vec![2], vec![2], vec![3]]);
        fixture.strike(3, &["/users/{id}", "*"]);
        fixture.strike(2, &["/rooms/{id}", "/rooms/1"]);
        assert_eq!(fixture.readers(&["/rooms/1"]), Vec::<Vec<u64>>::new());
        let patterns = &fixture.index.patterns;
        assert!(patterns.lists.is_empty() && patterns.numbers.is_empty() && patterns.young.is_empty());
    }

    #[test]
    fn one_pattern_that_matches_two_topics_of_an_update_is_one_list() {
        let mut fixture = Fixture::new();
        fixture.enter(1, &["/rooms/{id}"]);
        assert_eq!(fixture.readers(&["/rooms/1", "/rooms/2"]), [vec![1]]);
    }

    #[test]
    fn a_pattern_is_tested_once_against_a_topic() {
        let mut fixture = Fixture::new();
        fixture.enter(1, &["/rooms/{id}", "/users/{id}"]);
        fixture.readers(&["/rooms/1"]);
        let topic = Topic::new("/rooms/1").unwrap();
        let known = fixture.index.patterns.young.get(&topic).map(|known| (known.tested, known.matching.clone()));
        assert_eq!(known, Some((2, vec![0])), "the next time begins behind both");
        assert!(matches!(fixture.interest(&["/rooms/{id}"]).places().next(), Some((Under::Pattern(_), false))));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_what_is_used_stays() {
        let mut fixture = Fixture::new();
        fixture.enter(1, &["/rooms/{id}"]);
        for n in 0..4 * MAX_TOPICS {
            assert_eq!(fixture.readers(&[&format!("/rooms/{n}")]), [vec![1]]);
            if n % 1_000 == 0 {
                assert_eq!(fixture.readers(&["/rooms/often"]), [vec![1]]);
            }
        }
        let patterns = &fixture.index.patterns;
        assert!(patterns.young.len() <= MAX_TOPICS && patterns.old.len() <= MAX_TOPICS);
        let often = Topic::new("/rooms/often").unwrap();
        assert!(patterns.young.contains_key(&often) || patterns.old.contains_key(&often));
    }
}
