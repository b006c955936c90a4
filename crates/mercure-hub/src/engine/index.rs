//! The index: from a topic straight to those who named it, so that a publish costs as much as it has readers.

use std::{collections::HashMap, sync::Arc};

use crate::{engine::subscriber::Subscriber, topic::Topic};

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

#[derive(Debug, Default)]
pub(crate) struct Index {
    everything: Readers,
    named: HashMap<Topic, Readers>,
}

impl Index {
    /// The lists that an update of these topics goes to; none of them is empty.
    pub(crate) fn readers(&self, topics: &[Topic]) -> Vec<Readers> {
        let named = topics.iter().filter_map(|topic| self.named.get(topic));
        named.chain((!self.everything.is_empty()).then_some(&self.everything)).cloned().collect()
    }

    /// Enters a subscriber for a topic, or for everything; or renews its entry.
    pub(crate) fn insert(&mut self, topic: Option<&Topic>, entry: Entry) {
        let readers = match topic {
            Some(topic) => self.named.entry(topic.clone()).or_default(),
            None => &mut self.everything,
        };
        let readers = Arc::make_mut(readers);
        match readers.binary_search_by_key(&entry.subscriber.id, |entry| entry.subscriber.id) {
            Ok(at) => {
                if let Some(old) = readers.get_mut(at) {
                    *old = entry;
                }
            }
            Err(at) => readers.insert(at, entry),
        }
    }

    /// Strikes a subscriber out. A topic without readers is forgotten.
    pub(crate) fn remove(&mut self, topic: Option<&Topic>, id: u64) {
        let readers = match topic {
            Some(topic) => self.named.get_mut(topic),
            None => Some(&mut self.everything),
        };
        let Some(readers) = readers else { return };
        if let Ok(at) = readers.binary_search_by_key(&id, |entry| entry.subscriber.id) {
            Arc::make_mut(readers).remove(at);
        }
        if readers.is_empty()
            && let Some(topic) = topic
        {
            self.named.remove(topic);
            if self.named.len() < self.named.capacity() / 8 {
                self.named.shrink_to(self.named.len() * 2);
            }
        }
    }

    pub(crate) fn topics(&self) -> usize {
        self.named.len()
    }
}
