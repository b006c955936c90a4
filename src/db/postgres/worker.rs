//! The threads of PostgreSQL: each with a connection of its own, opened at its first job and whenever it broke.

use super::super::connection::{Link, Reader, Trouble, Writer};
use super::super::job::{self, Read, Write};
use super::super::{Done, migrate, sqlite};
use super::scheduler::Work;
use super::{DbError, Options, Scheduler, Server, Session};
use rand::RngExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::{Duration, Instant};

/// Tries of one transaction that the engine wants repeated.
const TRIES: u32 = 8;

/// Brings the schema up to date and starts the threads. Not from an async context.
pub(in super::super) fn open(
    server: &Server,
    options: &Options,
    statements: &Arc<AtomicU64>,
    done: &Done,
) -> Result<Arc<Scheduler>, DbError> {
    migrate::postgres(server.connect()?.client())?;
    let scheduler = Arc::new(Scheduler::new(options.queue));
    for index in 0..options.workers.max(1) {
        let mut worker = Worker {
            server: server.clone(),
            session: None,
            patience: options.patience,
            scheduler: Arc::clone(&scheduler),
            statements: Arc::clone(statements),
        };
        let done = done.clone();
        sqlite::spawn(format!("db-worker-{index}"), move || {
            worker.work();
            drop((worker, done));
        })?;
    }
    Ok(scheduler)
}

struct Worker {
    server: Server,
    session: Option<Session>,
    patience: Duration,
    scheduler: Arc<Scheduler>,
    statements: Arc<AtomicU64>,
}

/// How a transaction ended that was not committed.
enum Stop {
    /// Nothing of it counts; another try may succeed.
    Again(DbError),
    /// The commit failed for good, or its outcome is unknown.
    Failed(DbError),
}

impl Worker {
    fn work(&mut self) {
        while let Some(work) = self.scheduler.next() {
            let room = if let Work::Room(room, _) = &work { Some(*room) } else { None };
            let run = AssertUnwindSafe(|| match work {
                Work::Read(read) => self.read(read),
                Work::Write(write) => self.write(vec![write]),
                Work::Room(_, writes) => self.write(writes),
            });
            // Jobs catch their own panics: this is one of the driver's. The room must not stay taken because of it.
            if catch_unwind(run).is_err() {
                tracing::error!("the database driver panicked");
                self.session = None;
            }
            if let Some(room) = room {
                self.scheduler.done(room);
            }
        }
    }

    fn read(&mut self, read: Read) {
        let until = read.queued_at + self.patience;
        for _ in 0..TRIES {
            if let Err(error) = self.connect(until) {
                return read.task.refuse(error);
            }
            if let Err(error) = self.step("begin isolation level repeatable read, read only") {
                // Nothing has run yet: a connection that broke while it was idle costs another try and no more.
                tracing::debug!(%error, "a connection broke while it was idle");
                self.session = None;
                continue;
            }
            let Some(session) = &mut self.session else {
                continue;
            };
            let uncounted = AtomicU64::new(0);
            let counter = if read.is_counted { &self.statements } else { &uncounted };
            let mut reader = Reader::new(Link::Postgres(session), counter);
            read.task.run(&mut reader);
            let trouble = reader.into_trouble();
            if matches!(trouble, Some(Trouble::Lost(_))) || self.step("rollback").is_err() {
                self.session = None;
            }
            return;
        }
        read.task.refuse(DbError::Open("the database closes every connection".to_owned()));
    }

    /// Runs writes in one transaction; if that does not succeed, each in its own, so that one cannot fail the others.
    fn write(&mut self, mut batch: Vec<Write>) {
        if batch.len() > 1 {
            match self.attempt(&mut batch) {
                Ok(()) => job::committed(&mut batch),
                Err(Stop::Failed(error)) => job::failed(&mut batch, &error),
                Err(Stop::Again(error)) => {
                    tracing::debug!(%error, jobs = batch.len(), "a batch is run one by one")
                }
            }
        }
        for write in batch {
            self.write_alone(write);
        }
    }

    fn write_alone(&mut self, write: Write) {
        let mut batch = vec![write];
        let mut last = DbError::Aborted;
        for attempt in 0..TRIES {
            if attempt > 0 {
                thread::sleep(jitter(attempt));
            }
            match self.attempt(&mut batch) {
                Ok(()) => return job::committed(&mut batch),
                Err(Stop::Failed(error)) => return job::failed(&mut batch, &error),
                Err(Stop::Again(error)) => {
                    tracing::debug!(%error, attempt, "a transaction is tried again");
                    last = error;
                }
            }
        }
        tracing::warn!(error = %last, "a transaction failed at every try");
        job::refused(&mut batch, &last);
    }

    fn attempt(&mut self, batch: &mut [Write]) -> Result<(), Stop> {
        // Should the connection fail for good, every job counts as one that it should have kept.
        batch.iter_mut().for_each(|write| write.keep(Vec::new()));
        let until = batch.iter().map(|write| write.queued_at).max().unwrap_or_else(Instant::now) + self.patience;
        self.connect(until).map_err(Stop::Failed)?;
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
                self.session = None;
            }
            return Ok(());
        }
        self.step("commit").map_err(|error| self.uncommitted(error))
    }

    fn run(&mut self, write: &mut Write) -> Result<bool, Stop> {
        let Some(session) = &mut self.session else {
            return Err(Stop::Failed(DbError::Closed));
        };
        let mut writer = Writer::new(Link::Postgres(session), &self.statements);
        let is_ok = write.task.run(&mut writer);
        let (after_commit, trouble) = writer.into_parts();
        match trouble {
            Some(Trouble::Retry(error) | Trouble::Lost(error)) => return Err(self.give_up(error)),
            Some(Trouble::Failed) | None => {}
        }
        if is_ok {
            write.keep(after_commit);
        } else {
            write.reset();
        }
        Ok(is_ok)
    }

    /// Leaves a transaction that has not been sent to COMMIT.
    fn give_up(&mut self, error: DbError) -> Stop {
        if self.step("rollback").is_err() {
            self.session = None;
        }
        Stop::Again(error)
    }

    /// What a failed COMMIT means: the engine's own refusal is final or repeatable, silence leaves everything open.
    fn uncommitted(&mut self, error: DbError) -> Stop {
        let trouble = self.session.as_ref().map(|session| session.trouble(&error));
        let is_refusal = matches!(&error, DbError::Postgres(cause, _) if cause.as_db_error().is_some());
        match trouble {
            Some(Trouble::Retry(error)) => self.give_up(error),
            Some(Trouble::Failed) if is_refusal => {
                self.give_up(error.clone());
                Stop::Failed(error)
            }
            Some(Trouble::Failed | Trouble::Lost(_)) | None => {
                tracing::error!(%error, "the connection broke during COMMIT");
                self.session = None;
                Stop::Failed(DbError::OutcomeUnknown)
            }
        }
    }

    fn step(&mut self, sql: &'static str) -> Result<(), DbError> {
        self.session.as_mut().map_or(Err(DbError::Closed), |session| session.step(sql))
    }

    /// Opens a new connection if need be: at least one try, and more until the given moment.
    fn connect(&mut self, until: Instant) -> Result<(), DbError> {
        if self.session.as_mut().is_some_and(|session| session.client().is_closed()) {
            self.session = None;
        }
        let mut attempt = 1;
        while self.session.is_none() {
            match self.server.connect() {
                Ok(session) => self.session = Some(session),
                Err(error) if Instant::now() >= until => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "cannot connect to the database, trying again");
                    thread::sleep(jitter(attempt).min(until.saturating_duration_since(Instant::now())));
                    attempt += 1;
                }
            }
        }
        Ok(())
    }
}

/// Between two tries: longer each time, and different for each, so that those who collided do not meet again.
fn jitter(attempt: u32) -> Duration {
    let most = 5_u64 << attempt.min(7);
    Duration::from_millis(rand::rng().random_range(most / 2..=most))
}
