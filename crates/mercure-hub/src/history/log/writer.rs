//! Writing: batches, each one transaction and one sync; then into the engine's order; then the answers.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use crate::{
    engine::Engine,
    event::Class,
    history::log::{
        Job, Retention, Shared,
        store::{Ends, Store},
    },
    sync::lock,
    update::PublishError,
};

/// How many updates one batch takes.
const BATCH: usize = 1_024;
/// How many rows an idle writer deletes in one step, and how many each batch may delete at least.
const STEP: u64 = 256;
/// How many pages an idle writer gives back in one step.
const VACUUM: &str = "pragma incremental_vacuum(512)";
/// How often an idle writer looks for what has become too old.
const ROUND: Duration = Duration::from_secs(1);
/// Bytes that are tried to be written at the start: about a usual update with its indices.
const PROBE: usize = 16 << 10;
/// Bytes that are tried at most.
const MAX_PROBE: usize = 4 << 20;

pub(super) struct Writer {
    store: Store,
    ends: Ends,
    retention: Retention,
    shared: Arc<Shared>,
    /// How many bytes the last write had, if it failed.
    failed: Option<usize>,
    /// Whether there may be something to delete or to give back.
    untidy: bool,
}

/// Whether an update's id stands in the log already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Never,
    Before,
}

fn is_stored(job: &Job) -> bool {
    job.event.class == Class::Durable
}

/// What the writer has to do next.
enum Next {
    Write,
    Tidy,
    /// Nothing has come, and the last write failed.
    Probe,
    Stop,
}

impl Writer {
    pub(super) fn new(store: Store, ends: Ends, retention: Retention, shared: Arc<Shared>) -> Self {
        Self { store, ends, retention, shared, failed: None, untidy: true }
    }

    /// Runs until the log is stopped and all that it has taken is written.
    pub(super) fn run(mut self) {
        // Should this thread panic, nobody is left to wait for it.
        let _stop = StopOnDrop(Arc::clone(&self.shared));
        // A hub that starts on a full disk is not ready.
        self.probe(PROBE);
        let mut batch = VecDeque::new();
        loop {
            match self.take(&mut batch) {
                Next::Write => self.write(&mut batch),
                Next::Tidy => self.tidy(),
                Next::Probe => self.probe(self.failed.unwrap_or_default().clamp(PROBE, MAX_PROBE)),
                Next::Stop => break,
            }
        }
        if let Err(error) = self.store.raw.execute_batch("pragma optimize; pragma wal_checkpoint(truncate)") {
            tracing::warn!(%error, "cannot empty the write-ahead log of the history");
        }
    }

    fn take(&mut self, batch: &mut VecDeque<Job>) -> Next {
        let mut waiting = lock(&self.shared.waiting);
        waiting.busy = false;
        loop {
            if !waiting.jobs.is_empty() {
                let count = waiting.jobs.len().min(BATCH);
                batch.extend(waiting.jobs.drain(..count));
                waiting.bytes -= batch.iter().map(|job| job.event.weight()).sum::<usize>();
                waiting.busy = true;
                return Next::Write;
            }
            if waiting.stopped {
                return Next::Stop;
            }
            if self.untidy {
                return Next::Tidy;
            }
            if self.retention.age.is_zero() && self.failed.is_none() {
                waiting = self.shared.to_write.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            } else {
                let waited = self.shared.to_write.wait_timeout(waiting, ROUND).unwrap_or_else(PoisonError::into_inner);
                waiting = waited.0;
                if waited.1.timed_out() && waiting.jobs.is_empty() && !waiting.stopped && self.failed.is_some() {
                    self.untidy = !self.retention.age.is_zero();
                    return Next::Probe;
                }
                self.untidy |= waited.1.timed_out();
            }
        }
    }

    fn write(&mut self, batch: &mut VecDeque<Job>) {
        let engine = self.shared.engine();
        let stored = batch.iter().filter(|job| is_stored(job)).map(|job| job.event.weight());
        let (count, bytes) = stored.fold((0, 0), |(count, bytes), weight| (count + 1, bytes + weight));
        let written = if count > 0 { self.commit(batch, engine.as_deref()) } else { Ok(VecDeque::new()) };
        if count > 0 {
            self.tell(written.as_ref().err(), bytes);
        }
        let mut written = written.ok();
        if let Some(engine) = &engine {
            engine.line.wait_for_room();
        }
        for job in batch.drain(..) {
            let outcome = match &mut written {
                _ if !is_stored(&job) => self.shared.publish(job.event),
                Some(written) => written.pop_front().unwrap_or(Err(PublishError::NotWritten)).map(|seen| {
                    let id = job.event.id.clone();
                    // On disk it is, even if the hub has gone meanwhile and nobody is there to see it.
                    if let Some(engine) = &engine {
                        engine.publish_logged(job.event, seen == Seen::Before);
                    }
                    id
                }),
                None => {
                    if let Some(engine) = engine.as_ref().filter(|_| job.event.change.is_some()) {
                        engine.publish_unkept(job.event);
                    }
                    Err(PublishError::NotWritten)
                }
            };
            job.answer.send(outcome);
        }
    }

    /// Looks whether the disk takes so many bytes.
    fn probe(&mut self, bytes: usize) {
        let probed = self.store.probe(bytes);
        self.tell(probed.as_ref().err(), bytes);
    }

    /// Remembers whether a write of so many bytes has failed, and says so once.
    fn tell(&mut self, error: Option<&rusqlite::Error>, bytes: usize) {
        let failed = error.map(|_| bytes);
        if error.is_some() {
            self.store.roll_back();
        }
        match (error, self.failed.is_some()) {
            (Some(error), false) => tracing::error!(%error, "cannot write the history: updates are refused"),
            (None, true) => tracing::info!("the history can be written again"),
            (Some(_), true) | (None, false) => {}
        }
        self.failed = failed;
        self.shared.failing.store(failed.is_some(), Ordering::Relaxed);
    }

    /// Writes the batch, and deletes some of what is too much. Says what became of each update that is to be stored.
    fn commit(
        &mut self,
        batch: &VecDeque<Job>,
        engine: Option<&Engine>,
    ) -> rusqlite::Result<VecDeque<Result<Seen, PublishError>>> {
        let (store, mut ends) = (&self.store, self.ends);
        let now = self.retention.now();
        let unique = engine.is_some_and(|engine| engine.limits.unique_ids);
        store.step("begin immediate")?;
        let mut written = VecDeque::with_capacity(batch.len());
        for Job { event, named, .. } in batch.iter().filter(|job| is_stored(job)) {
            // Only an id that its publisher chose can have been there before.
            let seen = if *named && store.find(event.id.as_str(), 0)?.is_some() { Seen::Before } else { Seen::Never };
            let is_known = || engine.is_some_and(|engine| engine.state().history.knows(&event.id));
            if unique && *named && (seen == Seen::Before || is_known()) {
                written.push_back(Err(PublishError::Duplicate));
                continue;
            }
            store.insert(&mut ends, event, now)?;
            written.push_back(Ok(seen));
        }
        let untidy = trim(store, &mut ends, &self.retention, STEP.max(2 * written.len() as u64))?;
        store.step("commit")?;
        self.settle(ends, untidy);
        Ok(written)
    }

    fn settle(&mut self, ends: Ends, untidy: bool) {
        self.ends = ends;
        self.untidy = untidy;
        self.shared.floor.store(ends.floor, Ordering::Release);
    }

    /// One step of tidying up, while nobody waits.
    fn tidy(&mut self) {
        let mut ends = self.ends;
        let mut step = || {
            self.store.step("begin immediate")?;
            let untidy = trim(&self.store, &mut ends, &self.retention, STEP)?;
            self.store.step("commit")?;
            Ok(untidy)
        };
        let trimmed = step().map(|untidy| self.settle(ends, untidy));
        match trimmed.and_then(|()| give_back(&self.store)) {
            Ok(much) => self.untidy |= much,
            Err(error) => {
                self.store.roll_back();
                tracing::warn!(%error, "cannot tidy the history up");
                self.untidy = false;
            }
        }
    }
}

/// Deletes the oldest updates that are too many, too large or too old, so many at most. Says whether some are left.
pub(super) fn trim(store: &Store, ends: &mut Ends, retention: &Retention, most: u64) -> rusqlite::Result<bool> {
    let oldest = retention.oldest();
    if retention.events == 0 && retention.bytes == 0 && oldest.is_none() {
        return Ok(false);
    }
    let exceeds = |value: u64, limit: u64| limit > 0 && value > limit;
    for _ in 0..most {
        let Some(edge) = store.edge(ends.floor)? else {
            ends.floor = ends.next;
            return Ok(false);
        };
        ends.floor = edge.place;
        let is_kept = !exceeds(ends.next - edge.place, retention.events)
            && !exceeds(ends.bytes - edge.before, retention.bytes)
            && oldest.is_none_or(|oldest| edge.time >= oldest);
        if is_kept {
            return Ok(false);
        }
        store.delete(&edge)?;
        ends.floor = edge.place + 1;
    }
    Ok(true)
}

/// Gives some free pages back to the file system, if they are many. Says whether they still are.
pub(super) fn give_back(store: &Store) -> rusqlite::Result<bool> {
    let is_much = || store.pages().map(|(all, free)| free > 4_096 && free > all / 4);
    if !is_much()? {
        return Ok(false);
    }
    store.raw.execute_batch(VACUUM)?;
    is_much()
}

struct StopOnDrop(Arc<Shared>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
        // Whoever waits for an answer gets none, which says that the hub is closed.
        lock(&self.0.waiting).jobs.clear();
    }
}
