//! What the store tells the operator: a line a second for each kind of trouble, however many requests it meets.

use super::DbError;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(1);

/// Counts what is not told.
#[derive(Default)]
pub(super) struct Log(Mutex<HashMap<&'static str, Told>>);

#[derive(Default)]
struct Told {
    last: Option<Instant>,
    untold: u64,
}

impl Log {
    /// A job could not be done for now.
    pub(super) fn job(&self, error: &DbError) {
        let Some(cause) = error.temporary() else { return };
        if let Some(count) = self.count(cause.as_str(), Instant::now()) {
            tracing::warn!(%error, count, "the database could not do what it was asked for");
        }
    }

    /// The server cannot be reached.
    pub(super) fn connect(&self, error: &DbError) {
        if let Some(count) = self.count("connect", Instant::now()) {
            tracing::warn!(%error, count, "cannot connect to the database, trying again");
        }
    }

    /// The server cannot be reached, or not served, yet.
    pub(super) fn start(&self, error: &DbError) {
        if let Some(count) = self.count("start", Instant::now()) {
            tracing::warn!(%error, count, "the start waits for the database");
        }
    }

    /// A transaction of so many jobs could not be committed.
    pub(super) fn commit(&self, error: &DbError, jobs: usize) {
        if let Some(count) = self.count("commit", Instant::now()) {
            tracing::error!(%error, jobs, count, "a batch of writes failed");
        }
    }

    /// Another server holds the database that this one served.
    pub(super) fn taken(&self, error: &DbError) {
        if let Some(count) = self.count("taken", Instant::now()) {
            tracing::error!(%error, count, "this server answers nothing any more: it must be started again");
        }
    }

    /// Counts one more; how many there were since the last line of this kind, when it is time for another.
    fn count(&self, kind: &'static str, now: Instant) -> Option<u64> {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told = kinds.entry(kind).or_default();
        told.untold += 1;
        if told.last.is_some_and(|last| now.duration_since(last) < EVERY) {
            return None;
        }
        told.last = Some(now);
        Some(std::mem::take(&mut told.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_second_says_how_many_it_stands_for() {
        let (log, start) = (Log::default(), Instant::now());
        let told: Vec<_> = (0..250).filter_map(|_| log.count("connect", start)).collect();
        assert_eq!(told, [1]);
        assert_eq!(log.count("commit", start), Some(1), "another kind has lines of its own");
        assert_eq!(log.count("connect", start + EVERY), Some(250));
    }
}
