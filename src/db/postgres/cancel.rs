//! Ends statements of PostgreSQL from outside: of callers who have left, and of a store that is to close. The limit of time is the server's.

use super::super::limit::{Closing, Left};
use super::Server;
use ::postgres::CancelToken;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often the running statements are looked at, and how long one runs before its end is worth a connection of its own.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// What a worker's connection does now. A cheap clone.
#[derive(Clone, Default)]
pub(super) struct Slot(Arc<Mutex<Option<Running>>>);

struct Running {
    token: CancelToken,
    since: Instant,
    /// None for a write, which goes on without its caller.
    left: Option<Left>,
    is_cancelled: bool,
}

impl Slot {
    pub(super) fn begin(&self, token: CancelToken, left: Option<Left>) {
        *self.lock() = Some(Running { token, since: Instant::now(), left, is_cancelled: false });
    }

    /// Whether its end was asked for. Then the connection must not be used again: the request may arrive late and hit another statement.
    pub(super) fn end(&self) -> bool {
        self.lock().take().is_some_and(|running| running.is_cancelled)
    }

    /// Asks the server to end what must not go on.
    pub(super) fn cancel_if_due(&self, server: &Server, closing: &Closing) {
        let token = {
            let mut slot = self.lock();
            let Some(running) = slot.as_mut() else { return };
            let is_left = running.left.as_ref().is_some_and(Left::is_set) && running.since.elapsed() >= TICK;
            if running.is_cancelled || !(is_left || closing.is_over()) {
                return;
            }
            running.is_cancelled = true;
            running.token.clone()
        };
        if let Err(error) = token.cancel_query(server.tls.clone()) {
            tracing::debug!(%error, "a statement could not be ended");
        }
    }

    // Nothing under this lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, Option<Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
