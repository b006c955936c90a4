//! The subscriber: what one stream wants, and what it may read.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use tokio::{net::TcpStream, time::Instant};

use crate::{
    auth::key::KeyId,
    engine::ending::Ending,
    engine::queue::Queue,
    event::{Event, Wire},
    limits::Seats,
    subscriptions::presence::Visible,
    sync::{Mutex, MutexGuard, lock},
    topic::{
        Topic,
        matcher::{Grants, Matcher, Target},
        pattern::{self, Pattern},
    },
};

/// Signs of life in a row that a WebSocket may leave unanswered.
const MAX_SILENCE: u8 = 2;

/// The topics that one stream named, each with whether the authorizer lets this person read it. A short sorted list: most streams name one or two.
#[derive(Debug, Default)]
pub(crate) struct Named(Vec<(Topic, bool)>);

impl Named {
    fn find(&self, topic: &Topic) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.cmp(topic))
    }

    pub(crate) fn get(&self, topic: &Topic) -> Option<bool> {
        self.find(topic).ok().and_then(|at| self.0.get(at)).map(|(_, allowed)| *allowed)
    }

    pub(crate) fn contains(&self, topic: &Topic) -> bool {
        self.find(topic).is_ok()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &Topic> {
        self.0.iter().map(|(topic, _)| topic)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Topic, bool)> {
        self.0.iter().map(|(topic, allowed)| (topic, *allowed))
    }

    pub(crate) fn remove(&mut self, topic: &Topic) {
        if let Ok(at) = self.find(topic) {
            self.0.remove(at);
        }
    }

    /// Renews what is known about a topic that was named.
    pub(crate) fn renew(&mut self, topic: &Topic, allowed: bool) {
        if let Ok(at) = self.find(topic)
            && let Some((_, known)) = self.0.get_mut(at)
        {
            *known = allowed;
        }
    }
}

impl Extend<(Topic, bool)> for Named {
    /// Adds topics, or renews them: the last word counts.
    fn extend<T: IntoIterator<Item = (Topic, bool)>>(&mut self, topics: T) {
        let before = self.0.len();
        self.0.extend(topics);
        if self.0.len() == before {
            return;
        }
        self.0.reverse();
        self.0.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.0.dedup_by(|(later, _), (first, _)| later == first);
        self.0.shrink_to_fit();
    }
}

/// What one stream is subscribed to.
#[derive(Debug, Default)]
pub(crate) struct Interest {
    pub(crate) everything: bool,
    pub(crate) named: Named,
    pub(crate) patterns: Box<[Arc<Pattern>]>,
    /// Whether the index of the engine knows this subscriber: not before its replay has reached the present.
    pub(crate) live: bool,
    /// As they were asked for when the stream opened, each once.
    pub(crate) matchers: Vec<Matcher>,
}

impl Interest {
    pub(crate) fn new(mut matchers: Vec<Matcher>) -> Self {
        let mut seen = HashSet::new();
        matchers.retain(|matcher| seen.insert((matcher.kind(), Arc::<str>::from(matcher.text()))));
        let (mut everything, mut named, mut patterns) = (false, Named::default(), Vec::<Arc<Pattern>>::new());
        for matcher in &matchers {
            match matcher.target() {
                Target::Everything => everything = true,
                Target::Exact(_) => {}
                Target::Pattern(pattern) if patterns.iter().any(|known| Arc::ptr_eq(known, pattern)) => {}
                Target::Pattern(pattern) => patterns.push(Arc::clone(pattern)),
            }
        }
        named.extend(matchers.iter().filter_map(|matcher| match matcher.target() {
            Target::Exact(topic) => Some((topic.clone(), false)),
            Target::Everything | Target::Pattern(_) => None,
        }));
        Self { everything, named, patterns: patterns.into(), live: false, matchers }
    }

    /// Whether all that is wanted was named.
    pub(crate) fn is_named(&self) -> bool {
        !self.everything && self.patterns.is_empty()
    }

    pub(crate) fn wants(&self, event: &Event) -> bool {
        self.wants_any(&event.topics)
    }

    pub(crate) fn wants_any(&self, topics: &[Topic]) -> bool {
        let wanted = |topic| self.named.contains(topic) || pattern::any_matches(&self.patterns, topic);
        self.everything || topics.iter().any(wanted)
    }
}

/// One open stream.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) id: u64,
    pub(crate) subject: Option<Arc<str>>,
    /// The token's `jti`.
    pub(crate) token_id: Option<Arc<str>>,
    /// The token's `sid`.
    pub(crate) session: Option<Arc<str>>,
    /// The key that verified the token.
    pub(crate) key: KeyId,
    pub(crate) wire: Wire,
    /// Whether it asked for `heartbeat` events.
    pub(crate) beats: bool,
    pub(crate) deadline: Option<(Instant, Ending)>,
    /// What others see of it; nothing when the hub shows no subscriptions.
    pub(crate) visible: Option<Box<Visible>>,
    /// Given back when the connection is gone, however long that takes after the stream's end.
    _seats: Option<Box<Seats>>,
    grants: Grants,
    interest: Mutex<Interest>,
    pub(crate) queue: Queue<TcpStream>,
    unanswered: AtomicU8,
}

/// What a stream is made of.
#[derive(Debug)]
pub(crate) struct Traits {
    pub(crate) subject: Option<Arc<str>>,
    pub(crate) token_id: Option<Arc<str>>,
    pub(crate) session: Option<Arc<str>>,
    pub(crate) key: KeyId,
    pub(crate) wire: Wire,
    pub(crate) beats: bool,
    pub(crate) deadline: Option<(Instant, Ending)>,
    pub(crate) grants: Grants,
    pub(crate) interest: Interest,
    pub(crate) visible: Option<Box<Visible>>,
    pub(crate) seats: Option<Box<Seats>>,
}

impl Subscriber {
    pub(crate) fn new(id: u64, budget: usize, traits: Traits) -> Self {
        let Traits { subject, token_id, session, key, wire, beats, deadline, grants, interest, visible, seats } =
            traits;
        Self {
            id,
            subject,
            token_id,
            session,
            key,
            wire,
            beats,
            deadline,
            visible,
            _seats: seats,
            grants,
            interest: Mutex::new(interest),
            queue: Queue::new(wire, budget),
            unanswered: AtomicU8::new(0),
        }
    }

    /// The interest. Changed under the engine's lock only, so that it and the index agree.
    pub(crate) fn interest(&self) -> MutexGuard<'_, Interest> {
        lock(&self.interest)
    }

    /// Touches what a delivery is going to need, so that it is near by then.
    pub(crate) fn look_ahead(&self) {
        std::hint::black_box(self.wire);
        self.queue.look_ahead();
    }

    pub(crate) fn is_granted(&self, topic: &Topic) -> bool {
        self.grants.cover(topic)
    }

    pub(crate) fn is_granted_any(&self, topics: &[Topic]) -> bool {
        self.grants.cover_any(topics)
    }

    /// Whether this event may be shown here: a private one needs the right to read at least one of its topics, whichever was subscribed to.
    pub(crate) fn may_receive(&self, event: &Event) -> bool {
        if !event.private || self.is_granted_any(&event.topics) {
            return true;
        }
        let interest = self.interest();
        event.topics.iter().any(|topic| interest.named.get(topic) == Some(true))
    }

    /// The topics that were asked for by name and may be read: those whose cursors a heartbeat tells.
    pub(crate) fn readable_topics(&self) -> Vec<Topic> {
        let interest = self.interest();
        interest
            .named
            .iter()
            .filter(|(topic, allowed)| *allowed || self.grants.cover(topic))
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
            Wire::Sse | Wire::Chunked | Wire::Json => false,
            Wire::Socket => self.unanswered.fetch_add(1, Ordering::Relaxed) >= MAX_SILENCE,
        }
    }
}
