//! The engine: one short lock around history, index and roll, so that publishing, subscribing, replaying and disconnecting have one order.

pub(crate) mod admission;
pub(crate) mod dispatch;
pub(crate) mod ending;
pub(crate) mod feed;
pub(crate) mod index;
pub(crate) mod line;
pub(crate) mod queue;
pub(crate) mod replay;
pub(crate) mod roll;
pub(crate) mod subscriber;
pub(crate) mod ticker;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::{
    auth::revocation::Revocations,
    engine::dispatch::Dispatch,
    engine::ending::Ending,
    engine::index::{Entry, Index, Under},
    engine::line::Line,
    engine::roll::Roll,
    engine::subscriber::{Subscriber, lock},
    event::{Class, Event},
    history::{History, Log},
    topic::Topic,
    update::{PublishError, UpdateId},
};

/// The bounds of an engine.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) queue_bytes: usize,
    pub(crate) connections: usize,
    pub(crate) connections_per_subject: usize,
    pub(crate) revocation: Duration,
    /// Whether an id that the history knows is refused.
    pub(crate) unique_ids: bool,
    pub(crate) write_timeout: Duration,
}

#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) limits: Limits,
    /// Where durable updates go first.
    pub(crate) log: Option<Arc<dyn Log>>,
    state: Mutex<State>,
    /// Filled under the lock, so that it has the history's order.
    pub(crate) line: Arc<Line>,
    /// A stream has ended for good.
    pub(crate) left: Notify,
    /// The ticker has something new to wait for.
    pub(crate) alarm: Arc<Notify>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) closed: bool,
    pub(crate) next_id: u64,
    /// Registrations that still exist, those of ended streams included.
    pub(crate) open: usize,
    pub(crate) roll: Roll,
    pub(crate) index: Index,
    pub(crate) history: History,
    pub(crate) revocations: Revocations,
}

impl Engine {
    pub(crate) fn new(limits: Limits, history: History) -> Self {
        let log = history.log().cloned();
        let state = State {
            closed: false,
            next_id: 0,
            open: 0,
            roll: Roll::default(),
            index: Index::default(),
            history,
            revocations: Revocations::new(limits.revocation.as_secs_f64()),
        };
        let line = Arc::default();
        Self { limits, log, state: Mutex::new(state), line, left: Notify::new(), alarm: Arc::default() }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Gives an event its place and sends it on its way. Never waits; who publishes much looks first whether there is room in the line.
    pub(crate) fn publish(&self, event: Arc<Event>) -> Result<(), PublishError> {
        let mut state = self.state();
        if state.closed {
            return Err(PublishError::Closed);
        }
        if self.limits.unique_ids && state.history.knows(&event.id) {
            return Err(PublishError::Duplicate);
        }
        self.enter(&mut state, event, false);
        Ok(())
    }

    /// The same for one that is in the log. `again` says that the log has an older one with the same id.
    #[cfg(feature = "durable")]
    pub(crate) fn publish_logged(&self, event: Arc<Event>, again: bool) {
        let mut state = self.state();
        if !state.closed {
            self.enter(&mut state, event, again);
        }
    }

    fn enter(&self, state: &mut State, event: Arc<Event>, again: bool) {
        match event.class {
            Class::Durable => state.history.store(Arc::clone(&event), again),
            Class::Ephemeral => state.history.mark(&event.id),
        }
        let readers = state.index.readers(&event.topics);
        if !readers.is_empty() {
            self.line.push(Dispatch::Event(event, readers));
        }
    }

    /// Sends heartbeats, in the order of all else. Those whose replay still runs get none.
    pub(crate) fn beat(&self, id: &UpdateId, frames: Vec<(Arc<Subscriber>, bytes::Bytes)>) {
        let mut state = self.state();
        if !state.closed {
            state.history.mark(id);
            self.line.push(Dispatch::Beat(frames));
        }
    }

    /// Subscribes an open stream to more topics, or renews what the authorizer said about them. `false` when they would be too many.
    pub(crate) fn subscribe(
        &self,
        subscriber: &Arc<Subscriber>,
        everything: bool,
        verdicts: HashMap<Topic, bool>,
        max: usize,
    ) -> bool {
        let mut state = self.state();
        let mut interest = subscriber.interest();
        let new = verdicts.keys().filter(|topic| !interest.named.contains(topic)).count();
        if interest.named.len() + new > max {
            return false;
        }
        interest.everything |= everything;
        interest.named.extend(verdicts);
        let live = interest.live;
        drop(interest);
        if live {
            state.enter(subscriber);
        }
        true
    }

    pub(crate) fn unsubscribe(&self, subscriber: &Subscriber, everything: bool, topics: &[Topic]) {
        let mut state = self.state();
        let mut interest = subscriber.interest();
        if everything {
            interest.everything = false;
            state.index.remove(Under::Everything, subscriber.id);
        }
        for topic in topics {
            interest.named.remove(topic);
            state.index.remove(Under::Name(topic), subscriber.id);
        }
    }

    /// What the authorizer said during a replay.
    pub(crate) fn renew(&self, subscriber: &Subscriber, verdicts: impl IntoIterator<Item = (Topic, bool)>) {
        let _order = self.state();
        let mut interest = subscriber.interest();
        for (topic, allowed) in verdicts {
            interest.named.renew(&topic, allowed);
        }
    }

    pub(crate) fn is_revoked(&self, subject: Option<&str>, issued_at: Option<f64>) -> bool {
        subject.is_some_and(|subject| self.state().revocations.cover(subject, issued_at))
    }

    /// Ends the streams of a person and refuses the tokens made until now.
    pub(crate) fn disconnect(&self, subject: &str, now: impl FnOnce() -> f64) -> usize {
        let mut state = self.state();
        state.revocations.revoke(subject, now());
        let ids = state.roll.of_subject(subject);
        self.end_all(state, &ids, |_| Ending::Revoked)
    }

    /// Ends the streams whose time has come.
    pub(crate) fn expire(&self, now: Instant) {
        let state = self.state();
        let ids = state.roll.due(now);
        self.end_all(state, &ids, |subscriber| subscriber.deadline.map_or(Ending::Lifetime, |(_, ending)| ending));
    }

    /// Ends all streams; they may come back at once.
    pub(crate) fn recall(&self) -> usize {
        let state = self.state();
        let ids = state.roll.all();
        self.end_all(state, &ids, |_| Ending::Lifetime)
    }

    pub(crate) fn end(&self, id: u64, ending: Ending) {
        self.end_all(self.state(), &[id], |_| ending);
    }

    /// Forgets streams that have been given their ending already.
    pub(crate) fn strike_out(&self, ids: &[u64]) {
        let mut state = self.state();
        for id in ids {
            state.remove(*id);
        }
    }

    /// Ends all streams and admits no more.
    pub(crate) fn close(&self, retry: impl Fn() -> u64) {
        let mut state = self.state();
        state.closed = true;
        let ids = state.roll.all();
        self.end_all(state, &ids, |_| Ending::Shutdown { retry: retry() });
    }

    /// Takes streams out of the state. Those that end gently are told in their turn, after what was published before; the others at once, outside of the lock.
    fn end_all(&self, mut state: MutexGuard<'_, State>, ids: &[u64], ending: impl Fn(&Subscriber) -> Ending) -> usize {
        let ended = ids.iter().filter_map(|id| state.remove(*id));
        let ended: Vec<_> = ended.map(|subscriber| (Arc::clone(&subscriber), ending(&subscriber))).collect();
        let count = ended.len();
        let (now, in_turn): (Vec<_>, Vec<_>) = ended.into_iter().partition(|(_, ending)| ending.is_abrupt());
        if !in_turn.is_empty() {
            self.line.push(Dispatch::End(in_turn));
        }
        drop(state);
        for (subscriber, ending) in now {
            subscriber.queue.end(ending);
        }
        count
    }

    /// Returns when the last registration has gone.
    pub(crate) async fn emptied(&self) {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            if self.state().open == 0 {
                return;
            }
            left.await;
        }
    }

    pub(crate) fn subscribers(&self) -> usize {
        self.state().roll.len()
    }

    pub(crate) fn topics(&self) -> usize {
        self.state().index.topics()
    }

    pub(crate) fn on_spoke(&self, spoke: u64) -> Vec<Arc<Subscriber>> {
        self.state().roll.on_spoke(spoke)
    }

    /// The next deadline. Outer `None` = there is nobody to wait for at all.
    pub(crate) fn next_deadline(&self) -> Option<Option<Instant>> {
        let state = self.state();
        (state.roll.len() > 0).then(|| state.roll.next_deadline())
    }
}

impl Drop for Engine {
    /// The ticker and the line sleep until something happens; this is the last thing that does.
    fn drop(&mut self) {
        self.alarm.notify_one();
        self.line.close();
    }
}

impl State {
    /// Writes a subscriber into the index, for all that it wants. One that has ended meanwhile stays out.
    pub(crate) fn enter(&mut self, subscriber: &Arc<Subscriber>) {
        if !self.roll.contains(subscriber.id) {
            return;
        }
        let mut interest = subscriber.interest();
        interest.live = true;
        for (under, allowed) in interest.places() {
            let readable = allowed || matches!(under, Under::Name(topic) if subscriber.is_granted(topic));
            self.index.insert(under, Entry { subscriber: Arc::clone(subscriber), readable });
        }
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<Arc<Subscriber>> {
        let subscriber = self.roll.remove(id)?;
        let interest = subscriber.interest();
        if interest.live {
            interest.places().for_each(|(under, _)| self.index.remove(under, id));
        }
        drop(interest);
        Some(subscriber)
    }
}
