//! The index: from a topic straight to those who want it, so that a publish costs as much as it has readers.

mod patterns;

use std::{collections::HashMap, sync::Arc};

use crate::{
    engine::index::patterns::ByPattern,
    engine::subscriber::{Interest, Subscriber},
    topic::{Topic, pattern::Pattern},
};

/// A reader of one topic.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) subscriber: Arc<Subscriber>,
    /// Whether it may read private updates of this topic.
    pub(crate) readable: bool,
}

/// The readers of one topic in the order of their ids. Who publishes takes the list as it is at that moment and walks it without a lock; a change
/// meanwhile is made to a copy.
pub(crate) type Readers = Arc<Vec<Entry>>;

/// Under what a subscriber stands in the index.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Under<'a> {
    Everything,
    Name(&'a Topic),
    Pattern(&'a Arc<Pattern>),
}

impl Interest {
    /// All that this subscriber stands under, and for a name what the authorizer said about it.
    pub(crate) fn places(&self) -> impl Iterator<Item = (Under<'_>, bool)> {
        let everything = self.everything.then_some((Under::Everything, false));
        let names = self.named.iter().map(|(topic, allowed)| (Under::Name(topic), allowed));
        everything.into_iter().chain(names).chain(self.patterns.iter().map(|pattern| (Under::Pattern(pattern), false)))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Index {
    everything: Readers,
    named: HashMap<Topic, Readers>,
    patterns: ByPattern,
}

impl Index {
    /// The lists that an update of these topics goes to, each once; none of them is empty.
    pub(crate) fn readers(&mut self, topics: &[Topic]) -> Vec<Readers> {
        let mut lists = Vec::new();
        lists.extend((!self.everything.is_empty()).then(|| Arc::clone(&self.everything)));
        for topic in topics {
            lists.extend(self.named.get(topic).cloned());
            self.patterns.readers(topic, &mut lists);
        }
        if topics.len() > 1 {
            // One pattern may match several of them.
            lists.sort_unstable_by_key(Arc::as_ptr);
            lists.dedup_by(|a, b| Arc::ptr_eq(a, b));
        }
        lists
    }

    /// Enters a subscriber, or renews its entry.
    pub(crate) fn insert(&mut self, under: Under<'_>, entry: Entry) {
        let readers = match under {
            Under::Everything => &mut self.everything,
            Under::Name(topic) => self.named.entry(topic.clone()).or_default(),
            Under::Pattern(pattern) => self.patterns.entry(pattern),
        };
        put(readers, entry);
    }

    /// Strikes a subscriber out. A topic or pattern without readers is forgotten.
    pub(crate) fn remove(&mut self, under: Under<'_>, id: u64) {
        match under {
            Under::Everything => strike(&mut self.everything, id),
            Under::Name(topic) => {
                let Some(readers) = self.named.get_mut(topic) else { return };
                strike(readers, id);
                if readers.is_empty() {
                    self.named.remove(topic);
                    if self.named.len() < self.named.capacity() / 8 {
                        self.named.shrink_to(self.named.len() * 2);
                    }
                }
            }
            Under::Pattern(pattern) => self.patterns.strike(pattern, id),
        }
    }

    pub(crate) fn topics(&self) -> usize {
        self.named.len()
    }
}

fn put(readers: &mut Readers, entry: Entry) {
    let readers = Arc::make_mut(readers);
    match readers.binary_search_by_key(&entry.subscriber.id, |entry| entry.subscriber.id) {
        Ok(at) => {
            if let Some(old) = readers.get_mut(at) {
                *old = entry;
            }
        }
        Err(at) => {
            if readers.is_empty() {
                // Most topics have one reader: the first one does not reserve room for four.
                readers.reserve_exact(1);
            }
            readers.insert(at, entry);
        }
    }
}

fn strike(readers: &mut Readers, id: u64) {
    if let Ok(at) = readers.binary_search_by_key(&id, |entry| entry.subscriber.id) {
        Arc::make_mut(readers).remove(at);
    }
}
