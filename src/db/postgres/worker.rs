//! The threads of PostgreSQL: each with a connection of its own, opened at its first job and whenever it broke.

use super::super::connection::{Link, Reader, Trouble, Writer};
use super::super::error::Temporary;
use super::super::job::{self, Read, Write};
use super::cancel::Slot;
use super::guard::Guard;
use super::scheduler::Work;
use super::{Common, DbError, Scheduler, Server, Session};
use rand::RngExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::{Duration, Instant};

/// Tries of one transaction that the engine wants repeated.
const TRIES: u32 = 8;

pub(super) struct Worker {
    pub(super) server: Server,
    pub(super) guard: Option<Arc<Guard>>,
    pub(super) scheduler: Arc<Scheduler>,
    pub(super) common: Common,
    pub(super) slot: Slot,
    session: Option<Session>,
    /// Whether the session takes no writes: it stays so when the database takes them again.
    is_read_only: bool,
}

/// How a transaction ended that was not committed.
enum Stop {
    /// Nothing of it counts; another try may succeed.
    Again(DbError),
    /// The commit failed for good, or its outcome is unknown.
    Failed(DbError),
    /// Nothing of it counts, and there is no connection to try again on.
    Disconnected,
}

impl Worker {
    pub(super) fn new(
        server: &Server,
        guard: Option<&Arc<Guard>>,
        scheduler: &Arc<Scheduler>,
        common: &Common,
    ) -> Self {
        Self {
            server: server.clone(),
            guard: guard.cloned(),
            scheduler: Arc::clone(scheduler),
            common: common.clone(),
            slot: Slot::default(),
            session: None,
            is_read_only: false,
        }
    }

    /// Serves until the scheduler is closed and empty. It takes a task only while it holds a connection: those who hold one do the work,
    /// however many others the server refuses.
    pub(super) fn work(&mut self) {
        let mut attempt = 0;
        loop {
            if self.session.is_none() {
                if !self.scheduler.needs_connection() {
                    return;
                }
                let started = Instant::now();
                if let Err(error) = self.connect() {
                    self.scheduler.unreachable(started, &error);
                    attempt += 1;
                    thread::sleep(jitter(attempt));
                    continue;
                }
                attempt = 0;
            }
            let Some(work) = self.scheduler.next() else {
                return self.disconnect();
            };
            let ticket = work.ticket();
            // Jobs catch their own panics: this is one of the driver's. The room must not stay taken because of it.
            match catch_unwind(AssertUnwindSafe(|| self.run_task(work))) {
                Ok(None) => self.scheduler.done(ticket),
                Ok(Some(rest)) => self.scheduler.give_back(rest),
                Err(_) => {
                    tracing::error!("the database driver panicked");
                    self.disconnect();
                    self.scheduler.done(ticket);
                }
            }
        }
    }

    /// Does the task; what could not be begun comes back.
    fn run_task(&mut self, work: Work) -> Option<Work> {
        match work {
            Work::Read(read) => self.read(read).map(Work::Read),
            Work::Write(write) => self.write(vec![write]).pop().map(Work::Write),
            Work::Room(room, writes) => {
                let rest = self.write(writes);
                (!rest.is_empty()).then_some(Work::Room(room, rest))
            }
        }
    }

    fn read(&mut self, mut read: Read) -> Option<Read> {
        if self.common.closing.is_over() {
            read.task.refuse(DbError::Closed);
            return None;
        }
        if let Err(error) = self.step("begin isolation level repeatable read, read only") {
            // Nothing has run yet: a connection that broke while it was idle costs another try and no more.
            tracing::debug!(%error, "a connection broke while it was idle");
            self.disconnect();
            read.tries += 1;
            if read.tries < TRIES {
                return Some(read);
            }
            self.common.health.log.job(&error);
            read.task.refuse(error);
            return None;
        }
        let Some(session) = &mut self.session else { return Some(read) };
        let left = read.left.clone();
        self.slot.begin(session.client().cancel_token(), Some(left.clone()));
        let uncounted = AtomicU64::new(0);
        let counter = if read.is_counted { &self.common.statements } else { &uncounted };
        let mut reader = Reader::new(Link::Postgres(session), counter);
        read.task.run(&mut reader);
        let trouble = reader.into_trouble();
        let is_cancelled = self.slot.end();
        if let Some(Trouble::Failed(error) | Trouble::Retry(error) | Trouble::Lost(error)) = &trouble
            && !left.is_set()
        {
            self.common.health.log.job(error);
        }
        if is_cancelled || matches!(trouble, Some(Trouble::Lost(_))) || self.step("rollback").is_err() {
            self.disconnect();
        }
        None
    }

    /// Runs writes in one transaction; if that does not succeed, each in its own, so that one cannot fail the others. Gives back those for
    /// which there was no connection.
    fn write(&mut self, mut batch: Vec<Write>) -> Vec<Write> {
        if batch.len() > 1 {
            match self.attempt(&mut batch) {
                Ok(()) => job::committed(&mut batch),
                Err(Stop::Failed(error)) => job::failed(&mut batch, &error),
                Err(Stop::Disconnected) => return batch,
                Err(Stop::Again(error)) => {
                    tracing::debug!(%error, jobs = batch.len(), "a batch is run one by one")
                }
            }
        }
        let mut rest = batch.into_iter();
        while let Some(write) = rest.next() {
            if let Some(write) = self.write_alone(write) {
                return std::iter::once(write).chain(rest).collect();
            }
        }
        Vec::new()
    }

    fn write_alone(&mut self, write: Write) -> Option<Write> {
        let mut batch = vec![write];
        let mut last = DbError::Aborted;
        for attempt in 0..TRIES {
            if attempt > 0 {
                thread::sleep(jitter(attempt));
            }
            match self.attempt(&mut batch) {
                Ok(()) => job::committed(&mut batch),
                Err(Stop::Failed(error)) => {
                    self.common.health.log.commit(&error, 1);
                    job::failed(&mut batch, &error);
                }
                Err(Stop::Disconnected) => return batch.pop(),
                Err(Stop::Again(error)) => {
                    tracing::debug!(%error, attempt, "a transaction is tried again");
                    last = error;
                    continue;
                }
            }
            return None;
        }
        self.common.health.log.job(&last);
        job::refused(&mut batch, &last);
        None
    }

    fn attempt(&mut self, batch: &mut [Write]) -> Result<(), Stop> {
        // Should the connection fail for good, every job counts as one that it should have kept.
        batch.iter_mut().for_each(|write| write.keep(Vec::new()));
        if self.common.closing.is_over() {
            return Err(Stop::Failed(DbError::Closed));
        }
        if self.session.is_none() {
            self.connect().map_err(|_| Stop::Disconnected)?;
        }
        if let Some(session) = &mut self.session {
            self.slot.begin(session.client().cancel_token(), None);
        }
        let result = self.transaction(batch);
        if self.slot.end() || std::mem::take(&mut self.is_read_only) {
            self.disconnect();
        }
        if result.is_ok() && batch.iter().any(|write| write.is_kept() && !write.is_probe) {
            self.common.health.write_succeeded();
        }
        result
    }

    fn transaction(&mut self, batch: &mut [Write]) -> Result<(), Stop> {
        let has_many = batch.len() > 1;
        let begin = if has_many {
            "begin isolation level read committed; savepoint job"
        } else {
            "begin isolation level read committed"
        };
        self.step(begin).map_err(|error| self.give_up(error))?;
        let mut runs = batch.iter_mut().peekable();
        while let Some(write) = runs.next() {
            let is_ok = self.run(write)?;
            let step = match (has_many, is_ok, runs.peek().is_some()) {
                (true, true, true) => "release job; savepoint job",
                (true, false, _) => "rollback to job",
                (true, true, false) | (false, _, _) => continue,
            };
            self.step(step).map_err(|error| self.give_up(error))?;
        }
        if !batch.iter().any(Write::is_kept) {
            // The jobs have their own errors; whether this arrives does not matter to them.
            if self.step("rollback").is_err() {
                self.disconnect();
            }
            return Ok(());
        }
        self.step("commit").map_err(|error| self.uncommitted(error, batch))
    }

    fn run(&mut self, write: &mut Write) -> Result<bool, Stop> {
        let Some(session) = &mut self.session else {
            return Err(Stop::Disconnected);
        };
        let mut writer = Writer::new(Link::Postgres(session), &self.common.statements);
        let is_ok = write.task.run(&mut writer);
        let (after_commit, trouble) = writer.into_parts();
        match trouble {
            Some(Trouble::Retry(error) | Trouble::Lost(error)) => return Err(self.give_up(error)),
            Some(Trouble::Failed(error)) => self.note(&error, write.is_probe),
            None => {}
        }
        if is_ok {
            write.keep(after_commit);
        } else {
            write.reset();
        }
        Ok(is_ok)
    }

    /// Tells of what stopped a job.
    fn note(&mut self, error: &DbError, is_probe: bool) {
        self.is_read_only |= error.temporary() == Some(Temporary::ReadOnly);
        self.common.health.log.job(error);
        if !is_probe {
            self.common.health.write_failed(error);
        }
    }

    /// Leaves a transaction that has not been sent to COMMIT.
    fn give_up(&mut self, error: DbError) -> Stop {
        if self.step("rollback").is_err() {
            self.disconnect();
        }
        Stop::Again(error)
    }

    /// What a failed COMMIT means: the engine's own refusal is final or repeatable, silence leaves everything open.
    fn uncommitted(&mut self, error: DbError, batch: &[Write]) -> Stop {
        let trouble = self.session.as_ref().map(|session| session.trouble(&error));
        let is_refusal = matches!(&error, DbError::Postgres(cause, _) if cause.as_db_error().is_some());
        self.note(&error, batch.iter().all(|write| write.is_probe));
        match trouble {
            Some(Trouble::Retry(error)) => self.give_up(error),
            Some(Trouble::Failed(_)) if is_refusal => {
                self.give_up(error.clone());
                Stop::Failed(error)
            }
            Some(Trouble::Failed(_) | Trouble::Lost(_)) | None => {
                self.disconnect();
                Stop::Failed(DbError::OutcomeUnknown)
            }
        }
    }

    fn step(&mut self, sql: &'static str) -> Result<(), DbError> {
        self.session.as_mut().map_or(Err(DbError::Closed), |session| session.step(sql))
    }

    /// Opens a connection, while the lock of the database is this server's.
    fn connect(&mut self) -> Result<(), DbError> {
        let opened = match &self.guard {
            Some(guard) => guard.confirm().and_then(|()| self.server.connect()),
            None => self.server.connect(),
        };
        match opened {
            Ok(session) => self.session = Some(session),
            Err(error) => {
                self.common.health.log.connect(&error);
                self.common.health.write_failed(&error);
                return Err(error);
            }
        }
        self.scheduler.connected();
        Ok(())
    }

    fn disconnect(&mut self) {
        if self.session.take().is_some() {
            self.scheduler.disconnected();
        }
    }
}

/// Between two tries: longer each time, and different for each, so that those who collided do not meet again.
pub(super) fn jitter(attempt: u32) -> Duration {
    let most = 5_u64 << attempt.min(7);
    Duration::from_millis(rand::rng().random_range(most / 2..=most))
}
