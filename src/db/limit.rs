//! When a statement must end: it took too long, nobody waits for it any more, or the store is closing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Whether the caller of a job has left.
#[derive(Clone, Default)]
pub(super) struct Left(Arc<AtomicBool>);

impl Left {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets it when the value is dropped: the caller's future holds it.
    pub(super) fn on_drop(&self) -> Leaving {
        Leaving(self.clone())
    }
}

pub(super) struct Leaving(Left);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// When the store began to close, and how long statements may go on after that. A cheap clone.
#[derive(Clone)]
pub(super) struct Closing {
    since: Arc<OnceLock<Instant>>,
    grace: Duration,
}

impl Closing {
    pub(super) fn new(grace: Duration) -> Self {
        Self { since: Arc::default(), grace }
    }

    pub(super) fn begin(&self) {
        let _ = self.since.set(Instant::now());
    }

    pub(super) fn has_begun(&self) -> bool {
        self.since.get().is_some()
    }

    /// Whether nothing may run any more.
    pub(super) fn is_over(&self) -> bool {
        self.since.get().is_some_and(|since| since.elapsed() >= self.grace)
    }
}
