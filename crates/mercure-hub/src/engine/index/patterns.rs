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
