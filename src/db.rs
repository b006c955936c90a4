//! The store: SQLite in a file, or a PostgreSQL server, behind one door. The only place that names an engine.
//!
//! A job is a plain synchronous closure. [`Db::read`] gives it one moment of the database; [`Db::write`] runs it in a transaction and
//! answers after the commit. Jobs that wait at the same time share a commit where they can, so a durable write costs little.

mod connection;
mod error;
mod health;
mod job;
mod kind;
mod limit;
mod log;
mod migrate;
mod postgres;
mod queue;
mod record;
mod row;
mod sql;
mod sqlite;
mod value;

#[cfg(test)]
mod tests;

pub use connection::{Reader, Writer};
pub use error::DbError;
#[doc(hidden)]
pub use record::{Cost, Recorder};
pub use row::{Cell, FromColumn, Row};
pub use sql::Sql;
pub use value::Value;

pub use crate::{params, sql};

use health::Health;
use job::{Read, ReadJob, Write, WriteJob};
use kind::Kind;
use limit::{Closing, Left};
use std::fmt;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// Where the data is.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// A file, created when missing. Its folder must exist.
    Sqlite(PathBuf),
    /// A server, by its URL.
    Postgres(String),
}

impl Target {
    /// Reads `sqlite:path`, `sqlite://path`, `postgres://…` or `postgresql://…`.
    ///
    /// # Errors
    /// A sentence for the administrator.
    pub fn parse(url: &str) -> Result<Self, String> {
        match url.split_once(':') {
            Some(("sqlite", path)) => {
                let path = path.strip_prefix("//").unwrap_or(path);
                if path.is_empty() || path == ":memory:" {
                    return Err("a sqlite: URL needs the path of a file, as in sqlite:data/palabre.db".to_owned());
                }
                if path.contains('?') {
                    return Err("a sqlite: URL takes no options after a question mark".to_owned());
                }
                Ok(Self::Sqlite(PathBuf::from(path)))
            }
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(url.to_owned())),
            Some(_) | None => Err("a database URL begins with sqlite: or postgres:".to_owned()),
        }
    }
}

// The URL may hold a password.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.write_str("Postgres(…)"),
        }
    }
}

/// The two engines, for the few places outside that must know (backup, the administrator's page).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Engine {
    /// SQLite, in this process.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// Sizes and patience of the store.
#[derive(Clone, Debug)]
pub struct Options {
    /// Reading threads on SQLite. One kind of read holds a third of them at most.
    pub readers: usize,
    /// Threads, and so connections at most, on PostgreSQL, where one more connection holds the lock of the database.
    pub workers: usize,
    /// Jobs that may wait; on SQLite, reads and writes each. The next one is told [`DbError::Busy`].
    pub queue: usize,
    /// Page cache of each SQLite connection, in KiB.
    pub cache_kib: u32,
    /// How long one statement may take. A read's ends earlier when nobody waits for it any more.
    pub statement_timeout: Duration,
    /// How long a job may wait for PostgreSQL to become reachable, and a statement for what another transaction has locked there.
    pub patience: Duration,
    /// How long the start may wait for PostgreSQL to become reachable, and for a server before this one to be gone.
    pub start_patience: Duration,
    /// How long statements may go on once the store is to close.
    pub grace: Duration,
    /// Whether this server must be the only one of a PostgreSQL database. A SQLite file never has two.
    pub is_alone: bool,
    /// For tests: what each statement costs is written there.
    #[doc(hidden)]
    pub recorder: Option<Recorder>,
}

impl Default for Options {
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(2, NonZero::get);
        Self {
            readers: processors.clamp(8, 16),
            workers: 16,
            queue: 8192,
            cache_kib: 4096,
            statement_timeout: Duration::from_secs(15),
            patience: Duration::from_secs(5),
            start_patience: Duration::from_secs(10),
            grace: Duration::from_secs(2),
            is_alone: true,
            recorder: None,
        }
    }
}

/// How long [`Db::close`] waits for threads after their statements have been ended.
const ENDING: Duration = Duration::from_secs(1);

/// Which writes belong together. Those of one room are committed in the order in which they came, several at once when they wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Lane {
    /// Writes to one room's log.
    Room(i64),
    /// Everything else, and what concerns several rooms.
    None,
}

/// Held by every thread of the store; when the last one is gone, `close` returns.
type Done = watch::Sender<()>;

/// The handle of the store: a cheap clone. When the last clone is gone, the threads finish what waits and end.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    target: Target,
    options: Options,
    threads: Threads,
    common: Common,
    done: watch::Receiver<()>,
}

/// What all threads of a store share. A cheap clone.
#[derive(Clone)]
struct Common {
    statements: Arc<AtomicU64>,
    health: Arc<Health>,
    closing: Closing,
}

enum Threads {
    Sqlite(Arc<sqlite::Queues>),
    Postgres(Arc<postgres::Scheduler>),
}

impl Threads {
    fn close(&self) {
        match self {
            Self::Sqlite(queues) => queues.close(),
            Self::Postgres(scheduler) => scheduler.close(),
        }
    }
}

impl Inner {
    fn close(&self) {
        self.common.closing.begin();
        self.threads.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl Db {
    /// Connects, brings the schema up to date and starts the threads. Blocks meanwhile.
    ///
    /// # Errors
    /// When the database cannot be reached or opened, is served by another process, or has a schema that this program does not know.
    pub fn open(target: &Target, options: Options) -> Result<Self, DbError> {
        let (done, all_done) = watch::channel(());
        let closing = Closing::new(options.grace);
        let common = Common { statements: Arc::default(), health: Arc::default(), closing };
        let threads = on_own_thread(|| match target {
            Target::Sqlite(path) => sqlite::open(path, &options, &common, &done).map(Threads::Sqlite),
            Target::Postgres(url) => {
                let server = postgres::Server::new(url, &options)?;
                postgres::open(&server, &options, &common, &done).map(Threads::Postgres)
            }
        })?;
        let inner = Inner { target: target.clone(), options, threads, common, done: all_done };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Runs `job` on one consistent moment of the database.
    ///
    /// # Errors
    /// Those of the job, and [`DbError`] as `E`.
    pub async fn read<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&mut Reader<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.read_as(job, true).await
    }

    /// The same for a task of the program's own that looks again and again: it is left out of [`Db::statements`], which tells what
    /// requests cost.
    ///
    /// # Errors
    /// Those of the job, and [`DbError`] as `E`.
    pub async fn look<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&mut Reader<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.read_as(job, false).await
    }

    async fn read_as<T, E, F>(&self, job: F, is_counted: bool) -> Result<T, E>
    where
        F: FnOnce(&mut Reader<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        let left = Left::default();
        let _leaving = left.on_drop();
        let task = Box::new(ReadJob { job, answer });
        let read = Read { task, kind: Kind::of::<F>(), queued_at: Instant::now(), is_counted, left, tries: 0 };
        let pushed = match &self.inner.threads {
            Threads::Sqlite(queues) => queues.reads.push(read),
            Threads::Postgres(scheduler) => scheduler.read(read),
        };
        pushed.inspect_err(|error| self.inner.common.health.log.job(error))?;
        result.await.unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// Runs `job` in a transaction of its own and answers after the commit. The job runs to its end even when the caller leaves, and may
    /// be run again from its beginning when the engine asks for it: it must not do anything but talk to its [`Writer`].
    ///
    /// # Errors
    /// Those of the job, whose changes are then undone, and [`DbError`] as `E`.
    pub async fn write<T, E, F>(&self, lane: Lane, job: F) -> Result<T, E>
    where
        F: FnMut(&mut Writer<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.write_as(lane, job, false).await
    }

    /// Writes only to see whether the store takes writes. The outcome is not that of [`Db::last_write`].
    ///
    /// # Errors
    /// Those of the job, and [`DbError`] as `E`.
    pub async fn probe<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnMut(&mut Writer<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let done = self.write_as(Lane::None, job, true).await?;
        self.inner.common.health.probe_succeeded();
        Ok(done)
    }

    async fn write_as<T, E, F>(&self, lane: Lane, job: F, is_probe: bool) -> Result<T, E>
    where
        F: FnMut(&mut Writer<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        let write = Write::new(Box::new(WriteJob { job, answer, result: None }), Kind::of::<F>(), is_probe);
        let pushed = match &self.inner.threads {
            Threads::Sqlite(queues) => queues.writes.push(write),
            Threads::Postgres(scheduler) => {
                let room = match lane {
                    Lane::Room(room) => Some(room),
                    Lane::None => None,
                };
                scheduler.write(room, write)
            }
        };
        pushed.inspect_err(|error| self.inner.common.health.log.job(error))?;
        result.await.unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// Empties the log in which SQLite keeps what it has not moved into the file yet, and with it the former content of what was changed or
    /// deleted. False when somebody reads from it just now: try again. PostgreSQL sees to its own.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub async fn empty_log(&self) -> Result<bool, DbError> {
        let Target::Sqlite(path) = &self.inner.target else { return Ok(true) };
        let path = path.clone();
        tokio::task::spawn_blocking(move || sqlite::empty_log(&path)).await.unwrap_or(Err(DbError::Panicked))
    }

    /// Why the last write was not kept, when the reason would stop the next one too: a full disk, a database that takes no writes or
    /// cannot be reached.
    pub fn last_write(&self) -> Option<DbError> {
        self.inner.common.health.last_write()
    }

    /// Whether the store closes, or has closed.
    pub fn is_closed(&self) -> bool {
        self.inner.common.closing.has_begun()
    }

    /// The engine behind the door.
    pub fn engine(&self) -> Engine {
        match self.inner.target {
            Target::Sqlite(_) => Engine::Sqlite,
            Target::Postgres(_) => Engine::Postgres,
        }
    }

    /// Statements that jobs have run so far, without those of [`Db::look`].
    pub fn statements(&self) -> u64 {
        self.inner.common.statements.load(Ordering::Relaxed)
    }

    /// Jobs that wait for a thread now.
    pub fn waiting(&self) -> usize {
        match &self.inner.threads {
            Threads::Sqlite(queues) => queues.reads.waiting() + queues.writes.waiting(),
            Threads::Postgres(scheduler) => scheduler.waiting(),
        }
    }

    /// Finishes what waits, ends the threads and lets go of the file. Every later job answers [`DbError::Closed`]. Statements that go on
    /// for longer than [`Options::grace`] are ended, and nothing is waited for much longer than that.
    pub async fn close(&self) {
        self.inner.close();
        let mut done = self.inner.done.clone();
        // Nobody ever sends: this ends when the last thread drops its sender.
        let ended = async { while done.changed().await.is_ok() {} };
        if tokio::time::timeout(self.inner.options.grace + ENDING, ended).await.is_err() {
            tracing::warn!("the database was still at work and is left");
        }
    }

    /// Prepares texts without running them and answers those that the engine refuses, with its reason. For tests.
    ///
    /// # Errors
    /// When no connection can be made.
    #[doc(hidden)]
    pub fn prepare_all(&self, texts: &[&str]) -> Result<Vec<(String, String)>, DbError> {
        on_own_thread(|| match &self.inner.target {
            Target::Sqlite(path) => sqlite::prepare(path, texts),
            Target::Postgres(url) => postgres::prepare(&postgres::Server::new(url, &self.inner.options)?, texts),
        })
    }
}

/// The PostgreSQL driver brings its own runtime, which cannot start inside another one: callers may well be in one.
fn on_own_thread<T: Send>(run: impl FnOnce() -> Result<T, DbError> + Send) -> Result<T, DbError> {
    thread::scope(|scope| scope.spawn(run).join()).unwrap_or(Err(DbError::Panicked))
}
