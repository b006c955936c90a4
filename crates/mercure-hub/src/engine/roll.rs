//! The roll: all open streams, by id, by person, by deadline, and dealt to the spokes of the heartbeat's wheel.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use tokio::time::Instant;

use crate::engine::subscriber::Subscriber;

/// Spokes of the wheel: each heartbeat period is cut into so many steps, and each step serves the streams of one spoke.
pub(crate) const SPOKES: u64 = 16;

#[derive(Debug, Default)]
pub(crate) struct Roll {
    spokes: [HashMap<u64, Arc<Subscriber>>; SPOKES as usize],
    subjects: BTreeSet<(Arc<str>, u64)>,
    deadlines: BTreeSet<(Instant, u64)>,
}

fn spoke_of(id: u64) -> usize {
    (id % SPOKES) as usize
}

impl Roll {
    pub(crate) fn insert(&mut self, subscriber: Arc<Subscriber>) {
        let id = subscriber.id;
        if let Some(subject) = &subscriber.subject {
            self.subjects.insert((Arc::clone(subject), id));
        }
        if let Some((at, _)) = subscriber.deadline {
            self.deadlines.insert((at, id));
        }
        if let Some(spoke) = self.spokes.get_mut(spoke_of(id)) {
            spoke.insert(id, subscriber);
        }
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<Arc<Subscriber>> {
        let subscriber = self.spokes.get_mut(spoke_of(id))?.remove(&id)?;
        if let Some((at, _)) = subscriber.deadline {
            self.deadlines.remove(&(at, id));
        }
        if let Some(subject) = &subscriber.subject {
            self.subjects.remove(&(Arc::clone(subject), id));
        }
        Some(subscriber)
    }

    pub(crate) fn contains(&self, id: u64) -> bool {
        self.spokes.get(spoke_of(id)).is_some_and(|spoke| spoke.contains_key(&id))
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Arc<Subscriber>> {
        self.spokes.get(spoke_of(id))?.get(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.spokes.iter().map(HashMap::len).sum()
    }

    pub(crate) fn all(&self) -> Vec<u64> {
        self.spokes.iter().flat_map(HashMap::keys).copied().collect()
    }

    pub(crate) fn of_subject(&self, subject: &str) -> Vec<u64> {
        let all = (Arc::from(subject), 0)..=(Arc::from(subject), u64::MAX);
        self.subjects.range(all).map(|(_, id)| *id).collect()
    }

    pub(crate) fn on_spoke(&self, spoke: u64) -> Vec<Arc<Subscriber>> {
        self.spokes.get(spoke_of(spoke)).into_iter().flat_map(HashMap::values).cloned().collect()
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    pub(crate) fn due(&self, now: Instant) -> Vec<u64> {
        self.deadlines.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| *id).collect()
    }
}
