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
    sync::{Arc, Weak},
    thread,
};

use crate::{
    engine::Engine,
    engine::dispatch::{self, Dispatch},
    engine::handover::Handover,
    metrics::Meter,
    sync::{Mutex, lock},
};

/// How long the line may get before publishers wait for it.
const MAX_PENDING: usize = 1_024;

/// The line of what is to be delivered.
#[derive(Debug)]
pub(crate) struct Line {
    pending: Arc<Handover<Dispatch>>,
    /// Whether the thread exists.
    running: Mutex<bool>,
}

impl Line {
    pub(crate) fn new() -> Self {
        Self { pending: Arc::new(Handover::new(MAX_PENDING)), running: Mutex::new(false) }
    }

    /// Starts the thread, if there is none yet. It ends with the engine.
    pub(crate) fn start(&self, engine: Weak<Engine>, meter: &Arc<Meter>) -> io::Result<()> {
        let mut running = lock(&self.running);
        if !*running {
            let (pending, meter) = (Arc::clone(&self.pending), Arc::clone(meter));
            thread::Builder::new().name("mercure-line".to_owned()).spawn(move || run(&pending, &engine, &meter))?;
            *running = true;
        }
        Ok(())
    }

    /// Adds to the end. Called under the engine's lock; never waits.
    pub(crate) fn push(&self, dispatch: Dispatch) {
        self.pending.push(dispatch);
    }

    /// Waits while the line is long. Never to be called by what delivers.
    pub(crate) fn wait_for_room(&self) {
        self.pending.wait_for_room();
    }

    /// Waits until all is delivered.
    #[cfg(test)]
    pub(crate) fn settle(&self) {
        self.pending.settle();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.pending.close();
    }
}

fn run(pending: &Handover<Dispatch>, engine: &Weak<Engine>, meter: &Meter) {
    let mut batch = VecDeque::new();
    while pending.take(&mut batch) {
        // A panic would be a mistake of ours. What it has kept from somebody must not go unnoticed: all come back, with their cursors.
        let delivered = catch_unwind(AssertUnwindSafe(|| dispatch::deliver(&mut batch, meter)));
        let Some(engine) = engine.upgrade() else { return };
        match delivered {
            Ok(overflown) => engine.strike_out(&overflown),
            Err(_) => {
                tracing::error!("a delivery failed, all streams are ended");
                batch.clear();
                engine.recall();
            }
        }
    }
}
