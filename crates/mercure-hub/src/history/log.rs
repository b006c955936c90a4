//! The history on disk: every stored update in one SQLite file, written by one thread in batches, read by a few others.
//!
//! # How it works
//!
//! * **Group commit.** Who publishes leaves the update in a queue. The writer takes all that has come meanwhile, writes it in one transaction and syncs it to the
//!   disk (`synchronous=full`); only then the updates enter the engine's order, in the order of the queue, and their publishers are answered. So nobody sees an update that a
//!   power cut could take back, and a sync is shared by all who publish at the same time.
//! * **Failure.** A batch that can't be written is given back whole: nobody sees it, and its publishers are told. The next batch is tried like any other. Meanwhile an idle
//!   writer tries once a second to write as much as has failed, so that it is known when there is room again; and once at the start.
//! * **Places** are dense numbers, the primary key. An index finds an id's earliest place; another one, by the first eight bytes of the topic's SHA-256, the places of a topic.
//! * **Replay.** Pages are read by threads of their own, each page in a transaction of its own: no reader holds the write-ahead log back, and a connection
//!   that takes no bytes asks for no page.
//! * **Retention** goes with the batches: each deletes about twice as many old rows as it brings new ones, and an idle writer deletes in steps. Freed pages are used again by
//!   what is written next, so the file stays as large as it has been at most. When more than a quarter of it is free (a bound was lowered), an idle writer gives the pages back, also in steps
//!   (`incremental_vacuum`); it never copies the whole file.

mod reader;
mod store;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, OnceLock, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use crate::{
    config::Clock,
    engine::Engine,
    event::{Class, Event},
    history::{Cursor, Log, NoPage, Page, Reading, log::store::Store},
    publication::Answer,
    sync::lock,
    update::{PublishError, UpdateId},
};

/// Threads that read pages.
const READERS: usize = 4;
/// How many bytes may wait for the writer.
const MAX_WAITING: usize = 64 << 20;

/// A history on disk. `LogConfig::at("updates.db")` is the way to make one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogConfig {
    /// The file; SQLite puts two more beside it, and the hub one named `….lock`, which keeps a second hub away.
    pub path: PathBuf,
    /// How many updates are kept; zero for no limit.
    pub events: u64,
    /// How many bytes of updates are kept; zero for no limit. The file is about half as large again.
    pub bytes: u64,
}

impl LogConfig {
    /// A history in this file, without limits.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), events: 0, bytes: 0 }
    }
}

/// Why a history on disk can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another hub serves this file.
    #[error("{} is in use by another hub", .0.display())]
    InUse(PathBuf),
    /// The file is a database of something else, or of a newer version.
    #[error("{} is not a history of this hub", .0.display())]
    Foreign(PathBuf),
    /// The file or its folder can't be read or written.
    #[error("cannot open {}: {reason}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system or SQLite says.
        reason: String,
    },
}

impl OpenError {
    fn io(path: &Path, reason: impl ToString) -> Self {
        Self::Io { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// What is kept on disk.
#[derive(Clone)]
struct Retention {
    events: u64,
    bytes: u64,
    age: Duration,
    clock: Clock,
}

impl Retention {
    fn now(&self) -> f64 {
        (self.clock)()
    }

    /// The time before which nothing is kept.
    fn oldest(&self) -> Option<f64> {
        (!self.age.is_zero()).then(|| self.now() - self.age.as_secs_f64())
    }
}

/// An update on its way to the disk, or an ephemeral one on its way past it.
struct Job {
    event: Arc<Event>,
    /// Whether its publisher chose the id, which may then have been there before.
    named: bool,
    answer: Answer,
}

type Read = Box<dyn FnOnce(&mut Store) + Send>;

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    bytes: usize,
    /// The writer is at work on what it has taken.
    busy: bool,
    stopped: bool,
}

#[derive(Default)]
struct Reads {
    reads: VecDeque<Read>,
    stopped: bool,
}

/// What the threads share.
#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    to_write: Condvar,
    reads: Mutex<Reads>,
    to_read: Condvar,
    floor: AtomicU64,
    /// Whether the last attempt to write has failed.
    failing: AtomicBool,
    engine: OnceLock<Weak<Engine>>,
}

impl Shared {
    fn engine(&self) -> Option<Arc<Engine>> {
        self.engine.get().and_then(Weak::upgrade)
    }

    /// Gives what is not stored its place at once.
    fn publish(&self, event: Arc<Event>) -> Result<UpdateId, PublishError> {
        let id = event.id.clone();
        let engine = self.engine().ok_or(PublishError::Closed)?;
        engine.line.wait_for_room();
        engine.publish(event).map(|()| id)
    }

    fn stop(&self) {
        lock(&self.waiting).stopped = true;
        self.to_write.notify_all();
        lock(&self.reads).stopped = true;
        self.to_read.notify_all();
    }
}

/// The handle that the engine holds. When it is dropped, what was taken is still written.
pub(crate) struct DiskLog {
    shared: Arc<Shared>,
    retention: Retention,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What is opened before the engine is there.
pub(crate) struct Opened {
    pub(crate) log: Arc<DiskLog>,
    /// The place of the next update.
    pub(crate) next: Cursor,
    /// The id of the newest update.
    pub(crate) last: Option<UpdateId>,
    start: Starting,
}

struct Starting {
    file: File,
    writer: writer::Writer,
    readers: Vec<Store>,
}

impl Opened {
    pub(crate) fn new(config: &LogConfig, age: Duration, clock: Clock) -> Result<Self, OpenError> {
        let path = &config.path;
        let file = hold(path)?;
        let store = Store::create(path)?;
        let readers = (0..READERS).map(|_| Store::reader(path)).collect::<Result<_, _>>()?;
        let ends = store.ends().map_err(|error| OpenError::io(path, error))?;
        let last = store.last_id().map_err(|error| OpenError::io(path, error))?;
        let shared = Arc::new(Shared { floor: AtomicU64::new(ends.floor), ..Shared::default() });
        let retention = Retention { events: config.events, bytes: config.bytes, age, clock };
        let writer = writer::Writer::new(store, ends, retention.clone(), Arc::clone(&shared));
        let log = Arc::new(DiskLog { shared, retention, threads: Mutex::default() });
        Ok(Self { log, next: ends.next, last, start: Starting { file, writer, readers } })
    }

    /// Starts the threads. The file stays locked until the last of them has ended.
    pub(crate) fn start(self, path: &Path, engine: &Arc<Engine>) -> Result<(), OpenError> {
        let Self { log, start: Starting { file, writer, readers }, .. } = self;
        // Nothing was there before: this is the only call.
        let _ = log.shared.engine.set(Arc::downgrade(engine));
        let file = Arc::new(file);
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let held = Arc::clone(&file);
            let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
                run();
                drop(held);
            });
            lock(&log.threads).push(thread.map_err(|error| OpenError::io(path, error))?);
            Ok(())
        };
        spawn("hub-writer", Box::new(move || writer.run()))?;
        for mut store in readers {
            let shared = Arc::clone(&log.shared);
            spawn("hub-reader", Box::new(move || reader::run(&mut store, &shared)))?;
        }
        Ok(())
    }
}

/// Locks `<file>.lock`. The file itself stays: to delete it would race with the next hub.
fn hold(path: &Path) -> Result<File, OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&name);
    let file = opened.map_err(|error| OpenError::io(Path::new(&name), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(OpenError::io(Path::new(&name), error)),
    }
}

impl DiskLog {
    fn ask<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Store) -> Result<T, NoPage> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, NoPage>> {
        let (sender, receiver) = oneshot::channel();
        let read: Read = Box::new(move |store| drop(sender.send(read(store))));
        let mut reads = lock(&self.shared.reads);
        if !reads.stopped {
            reads.reads.push_back(read);
        }
        drop(reads);
        self.shared.to_read.notify_one();
        Box::pin(async move { receiver.await.unwrap_or(Err(NoPage::Unreadable)) })
    }
}

impl Log for DiskLog {
    fn floor(&self) -> Cursor {
        self.shared.floor.load(Ordering::Acquire)
    }

    fn find(&self, id: String) -> BoxFuture<'static, Result<Option<Cursor>, NoPage>> {
        let retention = self.retention.clone();
        self.ask(move |store| reader::find(store, &id, retention.oldest()))
    }

    fn page(&self, reading: Reading) -> BoxFuture<'static, Result<Page, NoPage>> {
        let retention = self.retention.clone();
        self.ask(move |store| reader::page(store, &reading, retention.oldest()))
    }

    fn append(&self, event: Arc<Event>, named: bool, answer: Answer) {
        let mut waiting = lock(&self.shared.waiting);
        if waiting.stopped {
            return answer.send(Err(PublishError::Closed));
        }
        if event.class == Class::Ephemeral && waiting.jobs.is_empty() && !waiting.busy {
            // Nothing stands before it that it could overtake.
            drop(waiting);
            return answer.send(self.shared.publish(event));
        }
        // What the hub says of a subscription's end is lost for good if it is not said. There is no more of it than there are streams.
        if waiting.bytes > MAX_WAITING && event.change.is_none() {
            return answer.send(Err(PublishError::Busy));
        }
        waiting.bytes += event.weight();
        waiting.jobs.push_back(Job { event, named, answer });
        let first = waiting.jobs.len() == 1;
        drop(waiting);
        if first {
            self.shared.to_write.notify_one();
        }
    }

    fn can_store(&self) -> bool {
        !self.shared.failing.load(Ordering::Relaxed)
    }

    fn stop(&self) {
        self.shared.stop();
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

impl Drop for DiskLog {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl std::fmt::Debug for DiskLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiskLog").field("floor", &self.floor()).finish_non_exhaustive()
    }
}
