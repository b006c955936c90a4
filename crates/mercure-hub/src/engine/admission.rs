//! Admission: how a stream gets its place in the engine, and gives it back.

use std::sync::Arc;

use crate::{
    auth::revocation::Credentials,
    engine::Engine,
    engine::subscriber::{Subscriber, Traits},
    history::Position,
};

/// Why a stream can't be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Closed,
    Revoked,
    TooMany,
    TooManyOfSubject,
}

/// What a stream starts with.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) registration: Registration,
    /// Where its replay begins, if there is one.
    pub(crate) begin: Option<Position>,
}

/// The place of one stream in the engine, given back when the connection lets go of it.
#[derive(Debug)]
pub(crate) struct Registration {
    engine: Arc<Engine>,
    subscriber: Arc<Subscriber>,
}

impl Registration {
    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    pub(crate) fn subscriber(&self) -> &Arc<Subscriber> {
        &self.subscriber
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut state = self.engine.state();
        state.remove(self.subscriber.id);
        state.open -= 1;
        drop(state);
        self.engine.meter.ended(self.subscriber.queue.ending());
        self.engine.announce();
        self.engine.attend(&self.subscriber);
        self.engine.left.notify_waiters();
    }
}

impl Engine {
    /// Opens a stream. What was decided about its rights before must still hold: a disconnect that came between is found here.
    pub(crate) fn admit(
        self: &Arc<Self>,
        traits: Traits,
        issued_at: Option<f64>,
        begin: Option<Position>,
    ) -> Result<Start, Refused> {
        if let Err(error) = self.line.start(Arc::downgrade(self), &self.meter) {
            tracing::error!(%error, "the thread that delivers could not be started");
            return Err(Refused::TooMany);
        }
        let mut guard = self.state();
        let state = &mut *guard;
        if state.closed {
            return Err(Refused::Closed);
        }
        let (subject, token_id, session) =
            (traits.subject.as_deref(), traits.token_id.as_deref(), traits.session.as_deref());
        if state.revocations.cover(Credentials { subject, issued_at, token_id, session, key: traits.key }) {
            return Err(Refused::Revoked);
        }
        if let Some(subject) = subject
            && reached(self.limits.connections_per_subject, state.roll.of_subject(subject).len())
        {
            return Err(Refused::TooManyOfSubject);
        }
        if reached(self.limits.connections, state.open) {
            return Err(Refused::TooMany);
        }
        state.next_id += 1;
        state.open += 1;
        let subscriber = Arc::new(Subscriber::new(state.next_id, self.limits.queue_bytes, traits));
        let first = state.roll.next_deadline();
        state.roll.insert(Arc::clone(&subscriber));
        if begin.is_none() {
            state.begin(&subscriber, self.limits.initial_id);
        }
        if state.roll.next_deadline() != first || state.roll.len() == 1 {
            self.alarm.notify_one();
        }
        state.presence.entered(&subscriber);
        let made = state.presence.made();
        drop(guard);
        self.announce_all(made);
        self.meter.admitted();
        self.attend(&subscriber);
        Ok(Start { registration: Registration { engine: Arc::clone(self), subscriber }, begin })
    }
}

fn reached(limit: usize, count: usize) -> bool {
    limit > 0 && count >= limit
}
