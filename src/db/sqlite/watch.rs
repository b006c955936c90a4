//! Ends a statement of SQLite from within: the engine asks every few thousand steps whether it may go on.

use super::super::limit::{Closing, Left};
use crate::db::DbError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Steps of SQLite's virtual machine between two questions: some ten microseconds.
const STEPS: i32 = 2_000;

/// One connection's statement, as the engine's question sees it. A cheap clone.
#[derive(Clone)]
pub(super) struct Watch {
    state: Arc<Mutex<State>>,
    closing: Closing,
    limit: Duration,
}

#[derive(Default)]
struct State {
    /// None between statements: the steps of the transaction itself are never cut off.
    until: Option<Instant>,
    left: Option<Left>,
}

impl Watch {
    pub(super) fn new(limit: Duration, closing: Closing) -> Self {
        Self { state: Arc::default(), closing, limit }
    }

    pub(super) fn install(&self, raw: &mut rusqlite::Connection) -> Result<(), DbError> {
        let watch = self.clone();
        let handler = raw.progress_handler(STEPS, Some(move || watch.must_end()));
        handler.map_err(|error| DbError::sqlite(error, "progress handler"))
    }

    /// Who waits for the job that begins; nobody in particular for a write, which goes on without its caller, and between two jobs.
    pub(super) fn begin_job(&self, left: Option<Left>) {
        // A job that panicked has not said that its statement ended.
        *self.lock() = State { until: None, left };
    }

    pub(super) fn begin_statement(&self) {
        self.lock().until = Some(Instant::now() + self.limit);
    }

    pub(super) fn end_statement(&self) {
        self.lock().until = None;
    }

    /// What an interrupted statement means.
    pub(super) fn explain(&self, sql: &'static str) -> DbError {
        if self.closing.is_over() { DbError::Closed } else { DbError::TooSlow(sql) }
    }

    fn must_end(&self) -> bool {
        let state = self.lock();
        let Some(until) = state.until else { return false };
        Instant::now() >= until || state.left.as_ref().is_some_and(Left::is_set) || self.closing.is_over()
    }

    // Nothing under this lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
