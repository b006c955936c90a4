//! Delivery: from the engine's one order into the queues of the subscribers, without a lock held across the walk.
//!
//! The order of updates is fixed under the engine's lock, where each enters the history and the line of pending dispatches. Whoever finds nobody at
//! work takes the turn and empties the line; the others leave their update there and go. So every subscriber sees one order, that of the history, also
//! across topics: otherwise the id it saw last would not tell what it has seen.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, MutexGuard},
};

use bytes::Bytes;

use crate::{
    engine::index::Readers,
    engine::queue::Pushed,
    engine::subscriber::Subscriber,
    engine::{Engine, State},
    event::{Class, Event},
};

/// How long the line may get before publishers wait for it. Only processor time stands before its end, never a subscriber.
const MAX_PENDING: usize = 1_024;

/// Something to be delivered.
#[derive(Debug)]
pub(crate) enum Dispatch {
    /// To the readers as they were when the update was published.
    Event(Arc<Event>, Vec<Readers>),
    /// A frame each. In the line like all else, so that its id is a place in the history.
    Beat(Vec<(Arc<Subscriber>, Bytes)>),
}

/// The line of what is to be delivered.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pending: VecDeque<Dispatch>,
    busy: bool,
    waiting: usize,
}

impl Line {
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.pending.clear();
    }
}

impl Dispatch {
    /// Puts it into the queues. Returns the ids of those whose queue was full.
    fn deliver(self) -> Vec<u64> {
        match self {
            Self::Event(event, readers) => deliver_event(&event, &readers),
            Self::Beat(frames) => {
                for (subscriber, frame) in frames {
                    subscriber.queue.push(&frame, Class::Ephemeral);
                }
                Vec::new()
            }
        }
    }
}

fn deliver_event(event: &Event, readers: &[Readers]) -> Vec<u64> {
    let mut overflown = Vec::new();
    // On one list nobody stands twice.
    let mut served = (readers.len() > 1).then(HashSet::new);
    for entry in readers.iter().flat_map(|list| list.iter()) {
        let subscriber = &entry.subscriber;
        let first = served.as_mut().is_none_or(|served| served.insert(subscriber.id));
        if first && (!event.private || entry.readable || subscriber.may_receive(event)) {
            match subscriber.queue.push(event.on(subscriber.wire), event.class) {
                Pushed::Overflow => overflown.push(subscriber.id),
                Pushed::Queued | Pushed::Dropped | Pushed::Ended => {}
            }
        }
    }
    overflown
}

/// The turn at the line. A panic gives it back.
struct Turn<'a> {
    engine: &'a Engine,
    over: bool,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.engine.state().line.busy = false;
            self.engine.room.notify_one();
        }
    }
}

impl Engine {
    /// The engine's state, once there is room in the line.
    pub(crate) fn state_with_room(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        while state.line.busy && state.line.pending.len() >= MAX_PENDING {
            state.line.waiting += 1;
            state = self.room.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
            state.line.waiting -= 1;
        }
        state
    }

    /// Puts something at the end of the line, and works the line off if nobody does.
    pub(crate) fn enqueue(&self, mut state: MutexGuard<'_, State>, dispatch: Dispatch) {
        state.line.pending.push_back(dispatch);
        if !state.line.busy {
            state.line.busy = true;
            drop(state);
            self.work(Turn { engine: self, over: false });
        }
    }

    fn work(&self, mut turn: Turn<'_>) {
        let mut batch = VecDeque::new();
        for round in 0_usize.. {
            let mut state = self.state();
            // Who waits for room will find the turn free and take it: nobody serves the others for ever.
            if state.line.is_empty() || (round > 0 && state.line.waiting > 0) {
                (state.line.busy, turn.over) = (false, true);
                drop(state);
                self.room.notify_one();
                return;
            }
            std::mem::swap(&mut state.line.pending, &mut batch);
            drop(state);
            self.room.notify_all();
            let overflown: Vec<u64> = batch.drain(..).flat_map(Dispatch::deliver).collect();
            if !overflown.is_empty() {
                self.strike_out(&overflown);
            }
        }
    }
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
        let limits =
            Limits { queue_bytes: usize::MAX, connections: 0, connections_per_subject: 0, revocation: Duration::ZERO };
        let bounds = Bounds { events: 0, bytes: 0, age: Duration::ZERO };
        Arc::new(Engine::new(limits, History::new(bounds, Arc::new(|| 0.0))))
    }

    fn subscribe(engine: &Arc<Engine>, topics: &[&str]) -> Start {
        let matchers =
            topics.iter().map(|topic| Matcher::new(MatchType::Exact, topic, &Patterns::new(None)).unwrap()).collect();
        let interest = Interest::new(matchers);
        let grants = Default::default();
        let traits = Traits { subject: None, wire: Wire::Sse, beats: false, deadline: None, grants, interest };
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
                        assert!(engine.publish(Arc::new(Event::new(update))));
                    }
                });
            }
        });
        let first = received(&streams[0]);
        assert_eq!(first.windows(6).filter(|bytes| bytes == b"data: ").count(), PUBLISHERS * EACH);
        assert!(streams[1..].iter().all(|stream| received(stream) == first), "one order for all");
        assert!(engine.state().line.is_empty() && !engine.state().line.busy);
    }
}
