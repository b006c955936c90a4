//! A caller's closure on its way: run by a thread of the store, then answered. Knows no engine.

use super::DbError;
use super::connection::{Action, Reader, Writer};
use super::kind::Kind;
use super::limit::Left;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;
use tokio::sync::oneshot;

/// A read that waits for its turn.
pub(super) trait ReadTask: Send {
    /// Runs the job and answers its caller; does nothing when nobody waits any more.
    fn run(self: Box<Self>, reader: &mut Reader<'_>);
    /// Answers with an error instead of running.
    fn refuse(self: Box<Self>, error: DbError);
}

/// A write that waits for its turn. It may be run several times; it is answered once.
pub(super) trait WriteTask: Send {
    /// Runs the job and keeps its result. True when the job wants its changes committed.
    fn run(&mut self, writer: &mut Writer<'_>) -> bool;
    /// Gives the caller the result of the last run. That nobody waits for it any more changes nothing.
    fn answer(self: Box<Self>);
    /// Answers with an error in place of the result.
    fn refuse(self: Box<Self>, error: DbError);
}

type Answer<T, E> = oneshot::Sender<Result<T, E>>;

pub(super) struct ReadJob<T, E, F> {
    pub(super) job: F,
    pub(super) answer: Answer<T, E>,
}

impl<T, E, F> ReadTask for ReadJob<T, E, F>
where
    F: FnOnce(&mut Reader<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<DbError> + Send,
{
    fn run(self: Box<Self>, reader: &mut Reader<'_>) {
        let Self { job, answer } = *self;
        if answer.is_closed() {
            return;
        }
        let result = catch_unwind(AssertUnwindSafe(|| job(reader))).unwrap_or_else(|_| Err(DbError::Panicked.into()));
        // A caller that left needs no answer.
        drop(answer.send(result));
    }

    fn refuse(self: Box<Self>, error: DbError) {
        drop(self.answer.send(Err(error.into())));
    }
}

pub(super) struct WriteJob<T, E, F> {
    pub(super) job: F,
    pub(super) answer: Answer<T, E>,
    pub(super) result: Option<Result<T, E>>,
}

impl<T, E, F> WriteTask for WriteJob<T, E, F>
where
    F: FnMut(&mut Writer<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<DbError> + Send,
{
    fn run(&mut self, writer: &mut Writer<'_>) -> bool {
        let job = &mut self.job;
        let mut result =
            catch_unwind(AssertUnwindSafe(|| job(writer))).unwrap_or_else(|_| Err(DbError::Panicked.into()));
        if result.is_ok() && writer.is_in_trouble() {
            result = Err(DbError::Aborted.into());
        }
        let is_ok = result.is_ok();
        self.result = Some(result);
        is_ok
    }

    fn answer(self: Box<Self>) {
        if let Some(result) = self.result {
            drop(self.answer.send(result));
        }
    }

    fn refuse(self: Box<Self>, error: DbError) {
        drop(self.answer.send(Err(error.into())));
    }
}

/// A read in a queue.
pub(super) struct Read {
    pub(super) task: Box<dyn ReadTask>,
    pub(super) kind: Kind,
    pub(super) queued_at: Instant,
    /// Whether its statements count among those that requests have caused.
    pub(super) is_counted: bool,
    /// Whether nobody waits for the answer any more.
    pub(super) left: Left,
    /// How often it met a connection that was broken already.
    pub(super) tries: u32,
}

/// A write in a queue, then in a batch.
pub(super) struct Write {
    pub(super) task: Box<dyn WriteTask>,
    pub(super) kind: Kind,
    /// Whether it only tests the store: its outcome is not that of somebody's write.
    pub(super) is_probe: bool,
    pub(super) queued_at: Instant,
    /// Whether the last run belongs to the transaction about to be committed.
    kept: bool,
    after_commit: Vec<Action>,
}

impl Write {
    pub(super) fn new(task: Box<dyn WriteTask>, kind: Kind, is_probe: bool) -> Self {
        Self { task, kind, is_probe, queued_at: Instant::now(), kept: false, after_commit: Vec::new() }
    }

    /// Forgets an earlier run.
    pub(super) fn reset(&mut self) {
        self.kept = false;
        self.after_commit.clear();
    }

    pub(super) fn keep(&mut self, after_commit: Vec<Action>) {
        self.kept = true;
        self.after_commit = after_commit;
    }

    pub(super) fn is_kept(&self) -> bool {
        self.kept
    }
}

/// Ends a batch after its COMMIT: first every after-commit action in the order of the jobs, then the answers, so that nobody holds its
/// answer before the others could hear of the change.
pub(super) fn committed(batch: &mut Vec<Write>) {
    for write in batch.iter_mut() {
        for action in write.after_commit.drain(..) {
            if catch_unwind(AssertUnwindSafe(action)).is_err() {
                tracing::error!("an after-commit action panicked");
            }
        }
    }
    for write in batch.drain(..) {
        write.task.answer();
    }
}

/// Ends a batch whose COMMIT failed: the jobs that it should have kept get its error, the others the error they chose themselves.
pub(super) fn failed(batch: &mut Vec<Write>, error: &DbError) {
    for write in batch.drain(..) {
        if write.kept {
            write.task.refuse(error.clone());
        } else {
            write.task.answer();
        }
    }
}

/// Ends a batch that never ran, or whose runs count for nothing.
pub(super) fn refused(batch: &mut Vec<Write>, error: &DbError) {
    for write in batch.drain(..) {
        write.task.refuse(error.clone());
    }
}
