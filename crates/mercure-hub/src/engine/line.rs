//! The line: what is to be delivered, in the one order, and the thread that delivers it.
//!
//! The order of updates is fixed under the engine's lock, where each enters the history and the line. One thread empties the line: it takes all that
//! has come since it last looked, and brings it to the subscribers, so that the more comes the fewer writes it takes. So every subscriber sees one
//! order, that of the history, also across topics: otherwise the id it saw last would not tell what it has seen. Nobody who publishes waits for it,
//! except when the line is long, and then for processor time only.

use std::{
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, PoisonError, Weak},
    thread,
};

use crate::{
    engine::Engine,
    engine::dispatch::{self, Dispatch},
    engine::subscriber::lock,
    metrics::Meter,
};

/// How long the line may get before publishers wait for it.
const MAX_PENDING: usize = 1_024;

/// The line of what is to be delivered.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pending: Mutex<Pending>,
    /// There is something to do.
    work: Condvar,
    /// There is room again, or nothing left to do.
    room: Condvar,
}

#[derive(Debug, Default)]
struct Pending {
    dispatches: VecDeque<Dispatch>,
    /// Whether the thread exists.
    running: bool,
    /// Whether it has nothing to do.
    idle: bool,
    closed: bool,
}

impl Line {
    /// Starts the thread, if there is none yet. It ends with the engine.
    pub(crate) fn start(self: &Arc<Self>, engine: Weak<Engine>, meter: &Arc<Meter>) -> io::Result<()> {
        let mut pending = lock(&self.pending);
        if !pending.running {
            let (line, meter) = (Arc::clone(self), Arc::clone(meter));
            thread::Builder::new().name("mercure-line".to_owned()).spawn(move || line.run(&engine, &meter))?;
            pending.running = true;
        }
        Ok(())
    }

    pub(crate) fn push(&self, dispatch: Dispatch) {
        let mut pending = lock(&self.pending);
        pending.dispatches.push_back(dispatch);
        let wake = std::mem::take(&mut pending.idle);
        drop(pending);
        if wake {
            self.work.notify_one();
        }
    }

    /// Waits while the line is long.
    pub(crate) fn wait_for_room(&self) {
        let pending = lock(&self.pending);
        if pending.dispatches.len() >= MAX_PENDING {
            drop(self.room.wait_while(pending, |pending| !pending.closed && pending.dispatches.len() >= MAX_PENDING));
        }
    }

    /// Ends the thread.
    pub(crate) fn close(&self) {
        lock(&self.pending).closed = true;
        self.work.notify_one();
        self.room.notify_all();
    }

    /// Waits until all is delivered.
    #[cfg(test)]
    pub(crate) fn settle(&self) {
        let pending = lock(&self.pending);
        let settled = |pending: &Pending| pending.running && pending.idle && pending.dispatches.is_empty();
        drop(self.room.wait_while(pending, |pending| !settled(pending)));
    }

    fn run(&self, engine: &Weak<Engine>, meter: &Meter) {
        let mut batch = VecDeque::new();
        while self.take(&mut batch) {
            // A panic would be a mistake of ours: it costs the updates of this round their readers, and not those of all times.
            let delivered = catch_unwind(AssertUnwindSafe(|| dispatch::deliver(&mut batch, meter)));
            match delivered {
                Ok(overflown) if overflown.is_empty() => {}
                Ok(overflown) => {
                    if let Some(engine) = engine.upgrade() {
                        engine.strike_out(&overflown);
                    }
                }
                Err(_) => {
                    tracing::error!("a delivery failed, all streams are ended");
                    batch.clear();
                    if let Some(engine) = engine.upgrade() {
                        engine.recall();
                    }
                }
            }
        }
    }

    /// Takes all that waits. `false` at the end.
    fn take(&self, batch: &mut VecDeque<Dispatch>) -> bool {
        let mut pending = lock(&self.pending);
        while pending.dispatches.is_empty() {
            if pending.closed {
                return false;
            }
            pending.idle = true;
            self.room.notify_all();
            pending = self.work.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
        pending.idle = false;
        std::mem::swap(&mut pending.dispatches, batch);
        drop(pending);
        self.room.notify_all();
        true
    }
}
