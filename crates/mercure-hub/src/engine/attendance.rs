//! Attendance: telling the application how many streams a person has open.

use std::fmt;

use crate::{
    config::Attendance,
    engine::{Engine, subscriber::Subscriber},
    sync::{Mutex, lock},
};

/// The application's hook, one call at a time: the count is taken while the hook is held, so the last call tells the last count.
pub(crate) struct Attended(Option<Mutex<Attendance>>);

impl Attended {
    pub(crate) fn new(hook: Option<Attendance>) -> Self {
        Self(hook.map(Mutex::new))
    }
}

impl fmt::Debug for Attended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Attended").field(&self.0.is_some()).finish()
    }
}

impl Engine {
    /// A stream of this subscriber's person has begun or is over. Not to be called under the engine's lock.
    pub(crate) fn attend(&self, subscriber: &Subscriber) {
        if let Some(hook) = &self.attended.0
            && let Some(subject) = subscriber.subject.as_deref()
        {
            let hook = lock(hook);
            let streams = self.state().roll.of_subject(subject).len();
            hook(subject, streams);
        }
    }
}
