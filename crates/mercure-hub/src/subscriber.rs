//! The subscriber: what one stream wants, what it may read, and the bounded queue between the publishers and its connection.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Waker},
};

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use crate::{
    ending::Ending,
    event::{Class, Event, Wire},
    matcher::{Grants, Matcher},
    topic::Topic,
};

/// Frames that wait are joined up to this size, so that one write carries them.
const MAX_JOIN: usize = 64 << 10;
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
    /// Whether the index of the engine knows this subscriber: not before its replay has reached the present.
    pub(crate) live: bool,
}

impl Interest {
    pub(crate) fn new(matchers: Vec<Matcher>) -> Self {
        let mut interest = Self::default();
        for matcher in matchers {
            match matcher {
                Matcher::Everything => interest.everything = true,
                Matcher::Exact(topic) => {
                    interest.named.insert(topic, false);
                }
            }
        }
        interest
    }

    pub(crate) fn wants(&self, event: &Event) -> bool {
        self.everything
            || event
                .topics
                .iter()
                .any(|topic| self.named.contains_key(topic))
    }
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    Queued,
    /// It was ephemeral, and there was no room.
    Dropped,
    /// There was no room for something that must not be lost: the stream ends.
    Overflow,
    /// The stream has ended.
    Ended,
}

/// What a connection finds in its queue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Bytes(Bytes),
    Ended(Ending),
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<(Bytes, Class)>,
    bytes: usize,
    ephemeral: usize,
    ending: Option<Ending>,
    waker: Option<Waker>,
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
    budget: usize,
    interest: Mutex<Interest>,
    queue: Mutex<Queue>,
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
        let Traits {
            subject,
            wire,
            beats,
            deadline,
            grants,
            interest,
        } = traits;
        let (interest, queue) = (Mutex::new(interest), Mutex::default());
        Self {
            id,
            subject,
            wire,
            beats,
            deadline,
            grants,
            budget,
            interest,
            queue,
            unanswered: AtomicU8::new(0),
        }
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
        event
            .topics
            .iter()
            .any(|topic| interest.named.get(topic) == Some(&true))
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

    /// Queues a frame. Never waits.
    pub(crate) fn push(&self, frame: &Bytes, class: Class) -> Pushed {
        let mut queue = lock(&self.queue);
        if queue.ending.is_some() {
            return Pushed::Ended;
        }
        // A single frame may be larger than the budget: to a subscriber that has read all before it, it is no sign of being slow.
        let fits =
            |queue: &Queue| queue.bytes + frame.len() <= self.budget || queue.frames.is_empty();
        if !fits(&queue) {
            match class {
                Class::Ephemeral => return Pushed::Dropped,
                Class::Durable => queue.drop_ephemeral(),
            }
        }
        let pushed = if fits(&queue) {
            queue.bytes += frame.len();
            queue.ephemeral += usize::from(class == Class::Ephemeral);
            queue.frames.push_back((frame.clone(), class));
            Pushed::Queued
        } else {
            queue.end(Ending::Slow);
            Pushed::Overflow
        };
        wake(queue);
        pushed
    }

    /// Queues a sign of life, unless something else waits already and will be one.
    pub(crate) fn push_if_idle(&self, frame: &Bytes) {
        let mut queue = lock(&self.queue);
        if queue.ending.is_none() && queue.frames.is_empty() {
            queue.bytes += frame.len();
            queue.ephemeral += 1;
            queue.frames.push_back((frame.clone(), Class::Ephemeral));
            wake(queue);
        }
    }

    /// Ends the stream. The first reason counts.
    pub(crate) fn end(&self, ending: Ending) {
        let mut queue = lock(&self.queue);
        if queue.ending.is_none() {
            queue.end(ending);
            wake(queue);
        }
    }

    /// Takes what waits, joined; then the ending.
    pub(crate) fn poll_take(&self, context: &mut Context<'_>) -> Poll<Taken> {
        let mut queue = lock(&self.queue);
        match (queue.take(), queue.ending) {
            (Some(bytes), _) => Poll::Ready(Taken::Bytes(bytes)),
            (None, Some(ending)) => Poll::Ready(Taken::Ended(ending)),
            (None, None) => {
                queue.wait(context);
                Poll::Pending
            }
        }
    }

    /// The ending alone, for one that still replays or still writes.
    pub(crate) fn poll_end(&self, context: &mut Context<'_>) -> Poll<Ending> {
        let mut queue = lock(&self.queue);
        match queue.ending {
            Some(ending) => Poll::Ready(ending),
            None => {
                queue.wait(context);
                Poll::Pending
            }
        }
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

/// Unlocks, then wakes the connection, which so does not wake into a locked queue.
fn wake(mut queue: MutexGuard<'_, Queue>) {
    let waker = queue.waker.take();
    drop(queue);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Queue {
    fn wait(&mut self, context: &Context<'_>) {
        if !self
            .waker
            .as_ref()
            .is_some_and(|waker| waker.will_wake(context.waker()))
        {
            self.waker = Some(context.waker().clone());
        }
    }

    fn end(&mut self, ending: Ending) {
        self.ending = Some(ending);
        if ending.is_abrupt() {
            (self.frames, self.bytes, self.ephemeral) = (VecDeque::new(), 0, 0);
        }
    }

    fn drop_ephemeral(&mut self) {
        if self.ephemeral > 0 {
            self.frames.retain(|(_, class)| *class == Class::Durable);
            self.bytes = self.frames.iter().map(|(frame, _)| frame.len()).sum();
            self.ephemeral = 0;
        }
    }

    fn take(&mut self) -> Option<Bytes> {
        let first = self.pop()?;
        let mut size = first.len();
        let more = self.frames.iter().take_while(|(frame, _)| {
            size += frame.len();
            size <= MAX_JOIN
        });
        let (more, size) = more.fold((0, first.len()), |(count, size), (frame, _)| {
            (count + 1, size + frame.len())
        });
        let joined = if more == 0 {
            first
        } else {
            let mut joined = BytesMut::with_capacity(size);
            joined.extend_from_slice(&first);
            (0..more)
                .filter_map(|_| self.pop())
                .for_each(|frame| joined.extend_from_slice(&frame));
            joined.freeze()
        };
        if self.frames.is_empty() {
            // An idle stream keeps no memory for its queue.
            self.frames = VecDeque::new();
        }
        Some(joined)
    }

    fn pop(&mut self) -> Option<Bytes> {
        let (frame, class) = self.frames.pop_front()?;
        self.bytes -= frame.len();
        self.ephemeral -= usize::from(class == Class::Ephemeral);
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::task::noop_waker_ref;

    use super::*;

    fn subscriber(budget: usize) -> Subscriber {
        let traits = Traits {
            subject: None,
            wire: Wire::Sse,
            beats: false,
            deadline: None,
            grants: Grants::default(),
            interest: Interest::default(),
        };
        Subscriber::new(1, budget, traits)
    }

    fn take(subscriber: &Subscriber) -> Poll<Taken> {
        subscriber.poll_take(&mut Context::from_waker(noop_waker_ref()))
    }

    fn frame(byte: u8, length: usize) -> Bytes {
        vec![byte; length].into()
    }

    #[test]
    fn what_waits_is_joined_in_order() {
        let subscriber = subscriber(100);
        assert_eq!(take(&subscriber), Poll::Pending);
        for byte in b"abc" {
            assert_eq!(
                subscriber.push(&frame(*byte, 2), Class::Durable),
                Pushed::Queued
            );
        }
        assert_eq!(
            take(&subscriber),
            Poll::Ready(Taken::Bytes(Bytes::from_static(b"aabbcc")))
        );
        assert_eq!(take(&subscriber), Poll::Pending);
    }

    #[test]
    fn one_frame_is_shared_and_large_ones_are_not_joined() {
        let subscriber = subscriber(1 << 20);
        let large = frame(b'x', MAX_JOIN);
        subscriber.push(&large, Class::Durable);
        subscriber.push(&frame(b'y', 1), Class::Durable);
        let Poll::Ready(Taken::Bytes(first)) = take(&subscriber) else {
            panic!("a frame waits")
        };
        assert_eq!(first.as_ptr(), large.as_ptr(), "the same memory");
        assert_eq!(
            take(&subscriber),
            Poll::Ready(Taken::Bytes(Bytes::from_static(b"y")))
        );
    }

    #[test]
    fn ephemeral_frames_make_room_first() {
        let subscriber = subscriber(10);
        assert_eq!(
            subscriber.push(&frame(b'e', 4), Class::Ephemeral),
            Pushed::Queued
        );
        assert_eq!(
            subscriber.push(&frame(b'a', 5), Class::Durable),
            Pushed::Queued
        );
        assert_eq!(
            subscriber.push(&frame(b'f', 2), Class::Ephemeral),
            Pushed::Dropped
        );
        assert_eq!(
            subscriber.push(&frame(b'b', 5), Class::Durable),
            Pushed::Queued
        );
        assert_eq!(
            take(&subscriber),
            Poll::Ready(Taken::Bytes(Bytes::from_static(b"aaaaabbbbb")))
        );
    }

    #[test]
    fn a_full_queue_ends_the_stream_and_frees_its_memory() {
        let subscriber = subscriber(10);
        assert_eq!(
            subscriber.push(&frame(b'a', 10), Class::Durable),
            Pushed::Queued
        );
        assert_eq!(
            subscriber.push(&frame(b'b', 1), Class::Durable),
            Pushed::Overflow
        );
        assert_eq!(
            subscriber.push(&frame(b'c', 1), Class::Durable),
            Pushed::Ended
        );
        assert_eq!(take(&subscriber), Poll::Ready(Taken::Ended(Ending::Slow)));
        assert_eq!(lock(&subscriber.queue).bytes, 0);
    }

    #[test]
    fn an_empty_queue_takes_a_frame_of_any_size() {
        let subscriber = subscriber(10);
        assert_eq!(
            subscriber.push(&frame(b'a', 50), Class::Durable),
            Pushed::Queued
        );
        assert_eq!(
            subscriber.push(&frame(b'b', 1), Class::Durable),
            Pushed::Overflow
        );
    }

    #[test]
    fn a_gentle_ending_comes_after_what_waits_and_an_abrupt_one_instead() {
        for (ending, first) in [
            (Ending::Expired, Taken::Bytes(frame(b'a', 3))),
            (Ending::Revoked, Taken::Ended(Ending::Revoked)),
        ] {
            let subscriber = subscriber(10);
            subscriber.push(&frame(b'a', 3), Class::Durable);
            subscriber.end(ending);
            subscriber.end(Ending::Silent);
            assert_eq!(take(&subscriber), Poll::Ready(first));
            assert_eq!(
                take(&subscriber),
                Poll::Ready(Taken::Ended(ending)),
                "the first reason stays"
            );
        }
    }

    #[test]
    fn a_sign_of_life_is_for_the_idle() {
        let subscriber = subscriber(10);
        subscriber.push_if_idle(&frame(b':', 1));
        subscriber.push_if_idle(&frame(b':', 1));
        assert_eq!(
            take(&subscriber),
            Poll::Ready(Taken::Bytes(Bytes::from_static(b":")))
        );
    }
}
