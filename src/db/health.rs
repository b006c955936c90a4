//! Whether the database takes writes, as those of late have shown.

use super::DbError;
use super::error::Temporary;
use super::log::Log;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a refused write counts when only tests of the store have succeeded since: a small one may find room where others do not.
const HOLD: Duration = Duration::from_secs(10);

/// The outcome of the last write, and what was told about the others.
#[derive(Default)]
pub(super) struct Health {
    pub(super) log: Log,
    failed: Mutex<Option<(Instant, DbError)>>,
}

impl Health {
    /// Notes what stopped a job that writes; only what would stop the next one too counts.
    pub(super) fn write_failed(&self, error: &DbError) {
        let counts = match error.temporary() {
            Some(Temporary::Unreachable | Temporary::ReadOnly | Temporary::Full | Temporary::Io | Temporary::Short) => {
                true
            }
            Some(Temporary::Busy | Temporary::Slow | Temporary::Locked) | None => false,
        };
        if counts {
            *self.failed() = Some((Instant::now(), error.clone()));
        }
    }

    pub(super) fn write_succeeded(&self) {
        *self.failed() = None;
    }

    /// A test of the store has succeeded.
    pub(super) fn probe_succeeded(&self) {
        let mut failed = self.failed();
        if failed.as_ref().is_some_and(|(at, _)| at.elapsed() >= HOLD) {
            *failed = None;
        }
    }

    /// Why the last write was not kept, when it was not.
    pub(super) fn last_write(&self) -> Option<DbError> {
        self.failed().as_ref().map(|(_, error)| error.clone())
    }

    fn failed(&self) -> MutexGuard<'_, Option<(Instant, DbError)>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
