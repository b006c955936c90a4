//! Delivery: from the line into the queues and sockets of the subscribers, without a lock held across the walk.

use std::{cell::OnceCell, collections::VecDeque, sync::Arc};

use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    engine::ending::Ending,
    engine::index::{Entry, Readers},
    engine::queue::{MAX_JOIN, Pushed},
    engine::subscriber::Subscriber,
    event::{self, Class, Event, Wire},
    metrics::Meter,
};

/// How many subscribers are fetched from memory together: one after the other, each write would wait for its own. Takes a twentieth off a calm delivery.
const AHEAD: usize = 16;

/// Something to be delivered.
#[derive(Debug)]
pub(crate) enum Dispatch {
    /// To the readers as they were when the update was published, which was then.
    Event(Arc<Event>, Vec<Readers>, Instant),
    /// A frame each. In the line like all else, so that its id is a place in the history.
    Beat(Vec<(Arc<Subscriber>, Bytes)>),
    /// Endings that come after what was published before.
    End(Vec<(Arc<Subscriber>, Ending)>),
}

/// Updates in a row that go to the same lists: joined once, for each wire that somebody listens on, and so one write a socket.
struct Run {
    events: Vec<Arc<Event>>,
    readers: Vec<Readers>,
    published: Vec<Instant>,
    class: Class,
    joined: [OnceCell<Bytes>; 4],
}

impl Run {
    /// Takes the next run from the front of the batch.
    fn take(event: Arc<Event>, readers: Vec<Readers>, at: Instant, batch: &mut VecDeque<Dispatch>) -> Self {
        let (class, mut bytes) = (event.class, event.weight());
        let (mut events, mut published) = (vec![event], vec![at]);
        let fits = |next: &mut Dispatch| match next {
            Dispatch::Event(event, lists, _) if event.class == class && is_same(lists, &readers) => {
                bytes += event.weight();
                bytes <= MAX_JOIN
            }
            Dispatch::Event(..) | Dispatch::Beat(_) | Dispatch::End(_) => false,
        };
        let mut fits = fits;
        while let Some(Dispatch::Event(event, _, at)) = batch.pop_front_if(&mut fits) {
            events.push(event);
            published.push(at);
        }
        Self { events, readers, published, class, joined: Default::default() }
    }

    fn on(&self, wire: Wire) -> &Bytes {
        let [sse, chunked, socket, json] = &self.joined;
        let joined = match wire {
            Wire::Sse => sse,
            Wire::Chunked => chunked,
            Wire::Socket => socket,
            Wire::Json => json,
        };
        joined.get_or_init(|| event::join(wire, self.events.iter().map(AsRef::as_ref)))
    }

    /// Everybody once, in the order of the ids; readable for whom it is so on one of the lists.
    fn audience(&self) -> Vec<Entry> {
        let mut all: Vec<Entry> = self.readers.iter().flat_map(|list| list.iter()).cloned().collect();
        // Lists in order one after the other: that is what this sort is quick at.
        all.sort_by_key(|entry| entry.subscriber.id);
        all.dedup_by(|next, entry| {
            let same = next.subscriber.id == entry.subscriber.id;
            entry.readable |= same && next.readable;
            same
        });
        all
    }

    fn deliver(&self, round: &mut Round, last: bool) {
        let secret = self.events.iter().any(|event| event.private);
        match self.readers.as_slice() {
            [] => {}
            [only] => {
                for some in only.chunks(AHEAD) {
                    some.iter().for_each(|entry| entry.subscriber.look_ahead());
                    some.iter().for_each(|entry| self.deliver_to(entry, secret, round, last));
                }
            }
            [..] => self.audience().iter().for_each(|entry| self.deliver_to(entry, secret, round, last)),
        }
    }

    fn deliver_to(&self, entry: &Entry, secret: bool, round: &mut Round, last: bool) {
        let subscriber = &entry.subscriber;
        // What the authorizer said about the topics that were named stands in the entry, as it was when the update was published; what the token grants
        // does not change.
        let may_read = |event: &Event| !event.private || entry.readable || subscriber.is_granted_any(&event.topics);
        if !secret || entry.readable || self.events.iter().all(|event| may_read(event)) {
            round.push(subscriber, self.on(subscriber.wire), self.class, last);
            return;
        }
        for event in self.events.iter().filter(|event| may_read(event)) {
            round.push(subscriber, &event::join(subscriber.wire, std::iter::once(event.as_ref())), self.class, false);
        }
    }
}

fn is_same(one: &[Readers], other: &[Readers]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| Arc::ptr_eq(one, other))
}

/// What one walk leaves to be done at its end.
#[derive(Default)]
struct Round {
    corked: Vec<Arc<Subscriber>>,
    overflown: Vec<u64>,
}

impl Round {
    fn push(&mut self, subscriber: &Arc<Subscriber>, frame: &Bytes, class: Class, last: bool) {
        let pushed = if last { subscriber.queue.push(frame, class) } else { subscriber.queue.cork(frame, class) };
        match pushed {
            Pushed::Corked => self.corked.push(Arc::clone(subscriber)),
            Pushed::Overflow => self.overflown.push(subscriber.id),
            Pushed::Queued | Pushed::Dropped | Pushed::Ended => {}
        }
    }
}

/// Delivers a batch, with one write for each socket where that is possible. Returns the ids of those whose queue was full.
pub(crate) fn deliver(batch: &mut VecDeque<Dispatch>, meter: &Meter) -> Vec<u64> {
    let mut round = Round::default();
    while let Some(dispatch) = batch.pop_front() {
        match dispatch {
            Dispatch::Event(event, readers, at) => {
                let run = Run::take(event, readers, at, batch);
                // After the last one nothing is to be joined any more.
                run.deliver(&mut round, batch.is_empty());
                let now = Instant::now();
                run.published.iter().for_each(|at| meter.fanned_out(now - *at));
            }
            Dispatch::Beat(frames) => {
                for (subscriber, frame) in frames {
                    round.push(&subscriber, &frame, Class::Ephemeral, true);
                }
            }
            Dispatch::End(endings) => endings.into_iter().for_each(|(subscriber, ending)| subscriber.queue.end(ending)),
        }
    }
    round.corked.iter().for_each(|subscriber| subscriber.queue.flush());
    round.overflown
}
#[cfg(test)]
mod tests {
    use std::{
        task::{Context, Poll},
        thread,
        time::Duration,
    };

    use futures_util::task::noop_waker_ref;

    use super::*;
    use crate::{
        engine::Engine,
        engine::Limits,
        engine::admission::Start,
        engine::queue::Taken,
        engine::subscriber::Interest,
        engine::subscriber::Traits,
        event::Wire,
        history::{Bounds, History},
        topic::{
            matcher::{MatchType, Matcher},
            pattern::Patterns,
        },
        update::Update,
    };

    fn engine() -> Arc<Engine> {
        let limits = Limits {
            queue_bytes: usize::MAX,
            connections: 0,
            connections_per_subject: 0,
            revocation: Duration::ZERO,
            unique_ids: false,
            write_timeout: Duration::ZERO,
            initial_id: false,
        };
        let bounds = Bounds { events: 0, bytes: 0, age: Duration::ZERO };
        Arc::new(Engine::new(limits, History::new(bounds, Arc::new(|| 0.0)), None, None))
    }

    fn subscribe(engine: &Arc<Engine>, topics: &[&str]) -> Start {
        let matchers =
            topics.iter().map(|topic| Matcher::new(MatchType::Exact, topic, &Patterns::new(None)).unwrap()).collect();
        let interest = Interest::new(matchers);
        let grants = Default::default();
        let traits = Traits {
            subject: None,
            token_id: None,
            session: None,
            key: Default::default(),
            wire: Wire::Sse,
            beats: false,
            deadline: None,
            grants,
            interest,
            visible: None,
            seats: None,
        };
        engine.admit(traits, None, None).unwrap()
    }

    fn received(start: &Start) -> Vec<u8> {
        let (mut all, mut context) = (Vec::new(), Context::from_waker(noop_waker_ref()));
        while let Poll::Ready(Taken::Bytes(bytes)) = start.registration.subscriber().queue.poll_take(&mut context) {
            all.extend_from_slice(&bytes);
        }
        all
    }

    /// So many readers that the line fills up and publishers take turns at it.
    #[test]
    fn publishers_that_wait_for_each_other_lose_nothing() {
        const PUBLISHERS: usize = 6;
        const EACH: usize = 1_000;
        let engine = engine();
        let streams: Vec<_> =
            (0..100).map(|n| subscribe(&engine, if n % 2 == 0 { &["a", "b"] } else { &["*"] })).collect();
        thread::scope(|scope| {
            for publisher in 0..PUBLISHERS {
                let engine = &engine;
                scope.spawn(move || {
                    for n in 0..EACH {
                        let update =
                            Update::new(if n % 3 == 0 { "a" } else { "b" }, format!("{publisher}/{n}")).unwrap();
                        engine.publish(Arc::new(Event::new(update))).unwrap();
                    }
                });
            }
        });
        engine.line.settle();
        let first = received(&streams[0]);
        assert_eq!(first.windows(6).filter(|bytes| bytes == b"data: ").count(), PUBLISHERS * EACH);
        assert!(streams[1..].iter().all(|stream| received(stream) == first), "one order for all");
    }
}
