//! The subscriber: what one stream wants, and what it may read.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
};

use tokio::time::Instant;

use crate::{
    engine::ending::Ending,
    engine::queue::Queue,
    event::{Event, Wire},
    topic::{
        Topic,
        matcher::{Grants, Matcher, Target},
        pattern::Pattern,
    },
};

/// Signs of life in a row that a WebSocket may leave unanswered.
const MAX_SILENCE: u8 = 2;

/// Locks; a panic elsewhere does not make the data unusable, for no critical section here leaves it half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one stream is subscribed to. For each named topic: whether the authorizer lets this person read it.
#[derive(Debug, Default)]
pub(crate) struct Interest {
    pub(crate) everything: bool,
    pub(crate) named: HashMap<Topic, bool>,
    pub(crate) patterns: Vec<Arc<Pattern>>,
    /// Whether the index of the engine knows this subscriber: not before its replay has reached the present.
    pub(crate) live: bool,
}

impl Interest {
    pub(crate) fn new(matchers: Vec<Matcher>) -> Self {
        let mut interest = Self::default();
        for matcher in matchers {
            match matcher.target() {
                Target::Everything => interest.everything = true,
                Target::Exact(topic) => {
                    interest.named.insert(topic.clone(), false);
                }
                Target::Pattern(pattern) => interest.patterns.push(Arc::clone(pattern)),
            }
        }
        interest
    }

    /// Whether all that is wanted was named.
    pub(crate) fn is_named(&self) -> bool {
        !self.everything && self.patterns.is_empty()
    }

    pub(crate) fn wants(&self, event: &Event) -> bool {
        self.wants_any(&event.topics)
    }

    pub(crate) fn wants_any(&self, topics: &[Topic]) -> bool {
        let wanted =
            |topic| self.named.contains_key(topic) || self.patterns.iter().any(|pattern| pattern.matches(topic));
        self.everything || topics.iter().any(wanted)
    }
}

/// One open stream.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) id: u64,
    pub(crate) subject: Option<Arc<str>>,
    pub(crate) wire: Wire,
    /// Whether it asked for `heartbeat` events.
    pub(crate) beats: bool,
    pub(crate) deadline: Option<(Instant, Ending)>,
    grants: Grants,
    interest: Mutex<Interest>,
    pub(crate) queue: Queue,
    unanswered: AtomicU8,
}

/// What a stream is made of.
#[derive(Debug)]
pub(crate) struct Traits {
    pub(crate) subject: Option<Arc<str>>,
    pub(crate) wire: Wire,
    pub(crate) beats: bool,
    pub(crate) deadline: Option<(Instant, Ending)>,
    pub(crate) grants: Grants,
    pub(crate) interest: Interest,
}

impl Subscriber {
    pub(crate) fn new(id: u64, budget: usize, traits: Traits) -> Self {
        let Traits { subject, wire, beats, deadline, grants, interest } = traits;
        let (interest, queue) = (Mutex::new(interest), Queue::new(budget));
        Self { id, subject, wire, beats, deadline, grants, interest, queue, unanswered: AtomicU8::new(0) }
    }

    /// The interest. Changed under the engine's lock only, so that it and the index agree.
    pub(crate) fn interest(&self) -> MutexGuard<'_, Interest> {
        lock(&self.interest)
    }

    pub(crate) fn is_granted(&self, topic: &Topic) -> bool {
        self.grants.cover(topic)
    }

    /// Whether this event may be shown here: a private one needs the right to read at least one of its topics, whichever was subscribed to.
    pub(crate) fn may_receive(&self, event: &Event) -> bool {
        if !event.private || self.grants.cover_any(&event.topics) {
            return true;
        }
        let interest = self.interest();
        event.topics.iter().any(|topic| interest.named.get(topic) == Some(&true))
    }

    /// The topics that were asked for by name and may be read: those whose cursors a heartbeat tells.
    pub(crate) fn readable_topics(&self) -> Vec<Topic> {
        let interest = self.interest();
        interest
            .named
            .iter()
            .filter(|(topic, allowed)| **allowed || self.grants.cover(topic))
            .map(|(topic, _)| topic.clone())
            .collect()
    }

    /// The peer gave a sign of life.
    pub(crate) fn heard(&self) {
        self.unanswered.store(0, Ordering::Relaxed);
    }

    /// Counts a sign of life that was sent; `true` when the peer has left too many unanswered. Only a WebSocket can answer.
    pub(crate) fn is_silent(&self) -> bool {
        match self.wire {
            Wire::Sse => false,
            Wire::Socket => self.unanswered.fetch_add(1, Ordering::Relaxed) >= MAX_SILENCE,
        }
    }
}
