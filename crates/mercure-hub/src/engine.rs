//! The engine: one short lock around history, index and roll, so that publishing, subscribing, replaying and disconnecting have one order.

pub(crate) mod admission;
pub(crate) mod attendance;
pub(crate) mod dispatch;
pub(crate) mod ending;
pub(crate) mod feed;
pub(crate) mod handover;
pub(crate) mod index;
pub(crate) mod line;
pub(crate) mod queue;
#[cfg(test)]
mod queue_tests;
pub(crate) mod replay;
pub(crate) mod roll;
pub(crate) mod subscriber;
pub(crate) mod ticker;

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{sync::Notify, time::Instant};

use crate::{
    auth::revocation::{Credentials, Revocations},
    config::Attendance,
    engine::attendance::Attended,
    engine::dispatch::Dispatch,
    engine::ending::Ending,
    engine::index::{Entry, Index, Under},
    engine::line::Line,
    engine::roll::{Roll, SPOKES},
    engine::subscriber::Subscriber,
    event::{self, Class, Event},
    history::{History, Log},
    metrics::Meter,
    subscriptions::presence::{Announcer, Presence},
    sync::{Mutex, MutexGuard, lock},
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
    /// Whether each event stream begins with an id to resume from.
    pub(crate) initial_id: bool,
}

/// How much one stream may be subscribed to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    pub(crate) names: usize,
    pub(crate) patterns: usize,
}

#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) limits: Limits,
    /// Where durable updates go first.
    pub(crate) log: Option<Arc<dyn Log>>,
    state: Mutex<State>,
    /// Filled under the lock, so that it has the history's order.
    pub(crate) line: Line,
    /// A stream has ended for good.
    pub(crate) left: Notify,
    /// The ticker has something new to wait for.
    pub(crate) alarm: Arc<Notify>,
    /// Tells who subscribes; nothing when the hub shows no subscriptions.
    pub(crate) announcer: Option<Announcer>,
    pub(crate) meter: Arc<Meter>,
    attended: Attended,
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
    pub(crate) presence: Presence,
}

impl Engine {
    pub(crate) fn new(
        limits: Limits,
        history: History,
        announcer: Option<Announcer>,
        attendance: Option<Attendance>,
    ) -> Self {
        let log = history.log().cloned();
        let state = State {
            closed: false,
            next_id: 0,
            open: 0,
            roll: Roll::default(),
            index: Index::default(),
            history,
            revocations: Revocations::new(limits.revocation.as_secs_f64()),
            presence: Presence::default(),
        };
        Self {
            limits,
            log,
            state: Mutex::new(state),
            line: Line::new(),
            left: Notify::new(),
            alarm: Arc::default(),
            announcer,
            meter: Arc::default(),
            attended: Attended::new(attendance),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Gives an event its place and sends it on its way. Never waits; who publishes much looks first whether there is room in the line.
    pub(crate) fn publish(&self, event: Arc<Event>) -> Result<(), PublishError> {
        let mut state = self.state();
        // What the hub says about streams that its closing has ended still belongs into the history.
        if state.closed && event.change.is_none() {
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
        if !state.closed || event.change.is_some() {
            self.enter(&mut state, event, again);
        }
    }

    /// The hub's own word about a subscription that could not be written: those who are there hear it all the same.
    #[cfg(feature = "durable")]
    pub(crate) fn publish_unkept(&self, event: Arc<Event>) {
        let mut state = self.state();
        state.history.mark(&event.id);
        self.deliver(&mut state, event);
    }

    fn enter(&self, state: &mut State, event: Arc<Event>, again: bool) {
        match event.class {
            Class::Durable => state.history.store(Arc::clone(&event), again),
            Class::Ephemeral => state.history.mark(&event.id),
        }
        self.deliver(state, event);
    }

    fn deliver(&self, state: &mut State, event: Arc<Event>) {
        if self.announcer.is_some() {
            state.presence.sequenced(&event);
        }
        let readers = state.index.readers(&event.topics);
        if !readers.is_empty() {
            self.line.push(Dispatch::Event(event, readers, Instant::now()));
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
        most: Most,
    ) -> bool {
        let mut state = self.state();
        let mut interest = subscriber.interest();
        let new = verdicts.keys().filter(|topic| !interest.named.contains(topic)).count();
        let has_no_room = everything && !interest.everything && interest.patterns.len() >= most.patterns;
        if interest.named.len() + new > most.names || has_no_room {
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

    pub(crate) fn is_revoked(&self, who: Credentials<'_>) -> bool {
        self.state().revocations.cover(who)
    }

    /// Ends a stream that has heard enough. It still gets what was published until now; returns the id of the last of that, whoever it was for, if anything is
    /// kept at all. So a client that saw nothing newer can continue from there without having missed anything.
    pub(crate) fn retire(&self, id: u64) -> Option<UpdateId> {
        let state = self.state();
        let last = state.history.last_id().cloned();
        self.end_all(state, &[id], |_| Ending::Lifetime);
        last
    }

    /// Ends the streams of a person and refuses the tokens made until now.
    pub(crate) fn disconnect(&self, subject: &str, now: impl FnOnce() -> f64) -> usize {
        let mut state = self.state();
        state.revocations.revoke_subject(subject, now());
        let ids = state.roll.of_subject(subject);
        let count = self.end_all(state, &ids, |_| Ending::Revoked);
        self.announce();
        count
    }

    /// Ends the streams of one session of a person, and refuses the session's tokens, whenever they are made.
    pub(crate) fn disconnect_session(&self, subject: &str, session: &str, now: f64) -> usize {
        let mut state = self.state();
        state.revocations.revoke_session(session, now);
        let mut ids = state.roll.of_subject(subject);
        ids.retain(|id| state.roll.get(*id).is_some_and(|stream| stream.session.as_deref() == Some(session)));
        let count = self.end_all(state, &ids, |_| Ending::Revoked);
        self.announce();
        count
    }

    /// Ends the streams that some revocation covers from now on. They are looked for step by step, with the lock given back in between: whoever comes meanwhile is found
    /// by the mark.
    pub(crate) fn revoke(&self, mark: impl FnOnce(&mut Revocations), covers: impl Fn(&Subscriber) -> bool) -> usize {
        mark(&mut self.state().revocations);
        let mut ended = 0;
        for spoke in 0..SPOKES {
            let covered = self.on_spoke(spoke).into_iter().filter(|subscriber| covers(subscriber));
            let ids: Vec<_> = covered.map(|subscriber| subscriber.id).collect();
            if !ids.is_empty() {
                ended += self.end_all(self.state(), &ids, |_| Ending::Revoked);
            }
        }
        self.announce();
        ended
    }

    /// Ends the streams whose time has come.
    pub(crate) fn expire(&self, now: Instant) {
        let state = self.state();
        let ids = state.roll.due(now);
        self.end_all(state, &ids, |subscriber| subscriber.deadline.map_or(Ending::Lifetime, |(_, ending)| ending));
        self.announce();
    }

    /// Ends all streams; they may come back at once.
    pub(crate) fn recall(&self) -> usize {
        let state = self.state();
        let ids = state.roll.all();
        self.end_all(state, &ids, |_| Ending::Lifetime)
    }

    pub(crate) fn end(&self, id: u64, ending: Ending) {
        self.end_all(self.state(), &[id], |_| ending);
        self.announce();
    }

    /// Forgets streams that have been given their ending already.
    pub(crate) fn strike_out(&self, ids: &[u64]) {
        if ids.is_empty() {
            return;
        }
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

    /// Takes streams out of the state. Those that end gently are told in their turn, after what was published before; the others at once, outside of the lock. Who
    /// watches subscriptions learns of it at the next [`announce`](Self::announce): that of the connections that are closed, if nobody does it before.
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

    /// The ids of all open streams.
    pub(crate) fn open_streams(&self) -> Vec<u64> {
        self.state().roll.all()
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
    /// The ticker sleeps until something happens; this is the last thing that does.
    fn drop(&mut self) {
        self.alarm.notify_one();
    }
}

impl State {
    /// Lets a subscriber hear what comes from now on, perhaps after an id to resume from.
    pub(crate) fn begin(&mut self, subscriber: &Arc<Subscriber>, initial_id: bool) {
        if initial_id && let Some(frame) = event::cursor(subscriber.wire, &self.history.bookmark()) {
            subscriber.queue.push(&frame, Class::Durable);
        }
        self.enter(subscriber);
    }

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
        self.presence.left(&subscriber);
        Some(subscriber)
    }
}
