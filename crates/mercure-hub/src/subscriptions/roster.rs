//! The roster: all active subscriptions, found by matcher and by stream, and listed as they were at one moment.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use serde_json::Value;

use crate::{
    subscriptions::presence::Change,
    topic::matcher::{MatchType, Matcher},
    update::UpdateId,
};

/// Subscriptions that are copied together when a listing still holds them as they were.
const CHUNK: usize = 256;
/// A list up to this length is gathered under the engine's lock; a longer one is sifted from all, without the lock.
const GATHERED: usize = 1_024;

/// One matcher of one stream.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) kind: MatchType,
    /// The matcher's text.
    pub(crate) text: Arc<str>,
    /// The name of the stream.
    pub(crate) subscriber: UpdateId,
    pub(crate) payload: Option<Value>,
    /// Where it stands in the roster, and in the list of its matcher. Read and written under the engine's lock only.
    slot: AtomicU32,
    rank: AtomicU32,
}

impl Subscription {
    pub(crate) fn new(kind: MatchType, text: &str, subscriber: UpdateId, payload: Option<Value>) -> Self {
        let nowhere = || AtomicU32::new(u32::MAX);
        Self { kind, text: text.into(), subscriber, payload, slot: nowhere(), rank: nowhere() }
    }

    /// Whether it is one with this matcher.
    pub(crate) fn is(&self, matcher: &Matcher) -> bool {
        self.kind == matcher.kind() && *self.text == *matcher.text()
    }
}

type Chunk = Vec<Option<Arc<Subscription>>>;

/// Which subscriptions a listing shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Those of one generation: draft-07's, or draft-08's.
    Generation { legacy: bool },
    /// Those with one matcher.
    Matcher(MatchType, Arc<str>),
}

impl Choice {
    fn takes(&self, subscription: &Subscription) -> bool {
        match self {
            Self::Generation { legacy } => (subscription.kind == MatchType::Legacy) == *legacy,
            Self::Matcher(kind, text) => subscription.kind == *kind && subscription.text == *text,
        }
    }
}

/// A listing, as it was at one moment. To take one costs a pointer for every 256 subscriptions; what changes while it is held is copied by the chunk.
#[derive(Debug)]
pub(crate) struct Listing {
    chunks: Vec<Arc<Chunk>>,
    choice: Choice,
}

impl Listing {
    /// The subscriptions of the next chunk; nothing at the end. Each chunk is let go of when it was taken.
    pub(crate) fn next_chunk(&mut self) -> Option<Vec<Arc<Subscription>>> {
        let chunk = self.chunks.pop()?;
        Some(chunk.iter().flatten().filter(|subscription| self.choice.takes(subscription)).cloned().collect())
    }
}

/// All active subscriptions.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    chunks: Vec<Arc<Chunk>>,
    free: Vec<u32>,
    lists: HashMap<(MatchType, Arc<str>), Vec<u32>>,
    streams: HashMap<UpdateId, Vec<u32>>,
}

impl Roster {
    /// Enters or strikes out what an update tells of.
    pub(crate) fn apply(&mut self, change: &Change) {
        if change.active { self.enter(&change.subscription) } else { self.leave(&change.subscription) }
    }

    fn enter(&mut self, subscription: &Arc<Subscription>) {
        let slot = self.free.pop().unwrap_or_else(|| self.grow());
        self.put(slot, Some(Arc::clone(subscription)));
        let list = self.lists.entry((subscription.kind, Arc::clone(&subscription.text))).or_default();
        subscription.slot.store(slot, Ordering::Relaxed);
        subscription.rank.store(index(list.len()), Ordering::Relaxed);
        list.push(slot);
        self.streams.entry(subscription.subscriber.clone()).or_default().push(slot);
    }

    fn leave(&mut self, subscription: &Arc<Subscription>) {
        let slot = subscription.slot.swap(u32::MAX, Ordering::Relaxed);
        if self.get(slot).is_none() {
            return;
        }
        self.put(slot, None);
        self.free.push(slot);
        let key = (subscription.kind, Arc::clone(&subscription.text));
        let rank = subscription.rank.load(Ordering::Relaxed) as usize;
        if let Some(list) = self.lists.get_mut(&key) {
            if rank < list.len() {
                list.swap_remove(rank);
            }
            let moved = list.get(rank).copied();
            if list.is_empty() {
                self.lists.remove(&key);
                shrink(&mut self.lists);
            }
            if let Some(moved) = moved.and_then(|slot| self.get(slot)) {
                moved.rank.store(index(rank), Ordering::Relaxed);
            }
        }
        if let Some(slots) = self.streams.get_mut(&subscription.subscriber) {
            slots.retain(|other| *other != slot);
            if slots.is_empty() {
                self.streams.remove(&subscription.subscriber);
                shrink(&mut self.streams);
            }
        }
    }

    /// A place in a new chunk; its other places are free.
    fn grow(&mut self) -> u32 {
        let first = index(self.chunks.len() * CHUNK);
        self.chunks.push(Arc::new(vec![None; CHUNK]));
        self.free.extend((first + 1..first + index(CHUNK)).rev());
        first
    }

    fn get(&self, slot: u32) -> Option<&Arc<Subscription>> {
        let slot = slot as usize;
        self.chunks.get(slot / CHUNK)?.get(slot % CHUNK)?.as_ref()
    }

    fn put(&mut self, slot: u32, subscription: Option<Arc<Subscription>>) {
        let slot = slot as usize;
        if let Some(chunk) = self.chunks.get_mut(slot / CHUNK)
            && let Some(place) = Arc::make_mut(chunk).get_mut(slot % CHUNK)
        {
            *place = subscription;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.chunks.len() * CHUNK - self.free.len()
    }

    /// One subscription, looked up by its stream.
    pub(crate) fn find(&self, kind: MatchType, text: &str, subscriber: &str) -> Option<Arc<Subscription>> {
        let mut found = self.streams.get(subscriber)?.iter().filter_map(|slot| self.get(*slot));
        found.find(|subscription| subscription.kind == kind && *subscription.text == *text).cloned()
    }

    /// The chosen subscriptions as they are now.
    pub(crate) fn list(&self, choice: Choice) -> Listing {
        let all = || self.chunks.iter().rev().cloned().collect();
        let chunks = match &choice {
            Choice::Generation { .. } => all(),
            Choice::Matcher(kind, text) => match self.lists.get(&(*kind, Arc::clone(text))) {
                None => Vec::new(),
                Some(slots) if slots.len() > GATHERED => all(),
                Some(slots) => vec![Arc::new(slots.iter().map(|slot| self.get(*slot).cloned()).collect())],
            },
        };
        Listing { chunks, choice }
    }
}

/// 2^32 subscriptions do not fit into memory.
fn index(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn shrink<K: std::hash::Hash + Eq, V>(map: &mut HashMap<K, V>) {
    if map.len() < map.capacity() / 8 {
        map.shrink_to(map.len() * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription(kind: MatchType, text: &str, subscriber: &UpdateId) -> Arc<Subscription> {
        Arc::new(Subscription::new(kind, text, subscriber.clone(), None))
    }

    fn everything(listing: Listing) -> Vec<(Arc<str>, UpdateId)> {
        let mut listing = listing;
        let mut all: Vec<_> = std::iter::from_fn(|| listing.next_chunk())
            .flatten()
            .map(|subscription| (Arc::clone(&subscription.text), subscription.subscriber.clone()))
            .collect();
        all.sort();
        all
    }

    fn apply(roster: &mut Roster, subscription: &Arc<Subscription>, active: bool) {
        roster.apply(&Change { subscription: Arc::clone(subscription), active });
    }

    #[test]
    fn what_came_and_went_is_the_same_as_what_is_listed() {
        let mut roster = Roster::default();
        let topics = ["a", "b", "c"];
        let mut there: Vec<Arc<Subscription>> = Vec::new();
        for round in 0_usize..4_000 {
            if round % 3 == 2 {
                let gone = there.swap_remove(round * 7 % there.len());
                apply(&mut roster, &gone, false);
                apply(&mut roster, &gone, false);
            } else {
                let new = subscription(MatchType::Exact, topics[round % 3], &UpdateId::random());
                apply(&mut roster, &new, true);
                there.push(new);
            }
        }
        for topic in topics {
            let mut expected: Vec<_> = there.iter().filter(|one| *one.text == *topic).collect();
            expected.sort_by_key(|one| one.subscriber.clone());
            let listed = everything(roster.list(Choice::Matcher(MatchType::Exact, topic.into())));
            assert!(listed.iter().map(|(_, name)| name).eq(expected.iter().map(|one| &one.subscriber)), "{topic}");
        }
        for one in &there {
            let found = roster.find(MatchType::Exact, &one.text, one.subscriber.as_str()).unwrap();
            assert!(Arc::ptr_eq(&found, one));
            assert!(roster.find(MatchType::Legacy, &one.text, one.subscriber.as_str()).is_none());
            apply(&mut roster, one, false);
        }
        assert!(roster.lists.is_empty() && roster.streams.is_empty() && roster.chunks.len() < 16);
        assert_eq!(everything(roster.list(Choice::Generation { legacy: false })), []);
    }

    #[test]
    fn a_listing_stays_as_it_was_and_shows_one_generation() {
        let mut roster = Roster::default();
        let name = UpdateId::random();
        let all: Vec<_> = (0..600).map(|n| subscription(MatchType::Exact, &format!("{n:03}"), &name)).collect();
        all.iter().for_each(|one| apply(&mut roster, one, true));
        apply(&mut roster, &subscription(MatchType::Legacy, "old", &name), true);
        let listing = roster.list(Choice::Generation { legacy: false });
        all.iter().for_each(|one| apply(&mut roster, one, false));
        let texts: Vec<_> = everything(listing).into_iter().map(|(text, _)| text.to_string()).collect();
        assert_eq!(texts, (0..600).map(|n| format!("{n:03}")).collect::<Vec<_>>());
        assert_eq!(everything(roster.list(Choice::Generation { legacy: true })).len(), 1);
    }

    #[test]
    fn a_long_list_is_complete_too() {
        let mut roster = Roster::default();
        for n in 0..2 * GATHERED {
            let text = if n % 8 == 0 { "other" } else { "popular" };
            apply(&mut roster, &subscription(MatchType::Exact, text, &UpdateId::random()), true);
        }
        let listed = everything(roster.list(Choice::Matcher(MatchType::Exact, "popular".into())));
        assert_eq!(listed.len(), 2 * GATHERED * 7 / 8);
    }
}
