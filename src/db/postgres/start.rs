//! How the store on PostgreSQL starts: it waits for the server, takes the lock of the database, asks how many connections there may be.

use super::super::{migrate, sqlite};
use super::cancel::{Slot, TICK};
use super::guard::Guard;
use super::worker::{Worker, jitter};
use super::{Common, DbError, Done, Options, Scheduler, Server, Session};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Connections that this role may have here, as the server's settings say; none means no limit of its own. What others hold of
/// `max_connections` is not known beforehand.
const LIMIT: &str = "select least( \
    (select case when rolsuper or rolconnlimit < 0 then null else rolconnlimit end from pg_roles where rolname = current_user), \
    (select case when datconnlimit < 0 then null else datconnlimit end from pg_database where datname = current_database()), \
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int)";
/// How often the lock is looked after.
const GUARDED: Duration = Duration::from_secs(1);

/// Brings the schema up to date and starts the threads. Not from an async context.
pub(in super::super) fn open(
    server: &Server,
    options: &Options,
    common: &Common,
    done: &Done,
) -> Result<Arc<Scheduler>, DbError> {
    let until = Instant::now() + options.start_patience;
    let workers = workers(&mut wait_for(until, common, || server.connect())?, options)?;
    // Before the migrations: another program's version may be at work.
    let guard = match options.is_alone {
        true => Some(Arc::new(wait_for(until, common, || Guard::take(server))?)),
        false => None,
    };
    migrate::postgres(wait_for(until, common, || server.connect())?.client())?;
    let scheduler = Arc::new(Scheduler::new(options.queue, workers, options.patience));
    let (alive, ended) = channel::<Infallible>();
    let mut slots = Vec::new();
    for index in 0..workers {
        let mut worker = Worker::new(server, guard.as_ref(), &scheduler, common);
        slots.push(worker.slot.clone());
        let held = (done.clone(), alive.clone());
        sqlite::spawn(format!("db-worker-{index}"), move || {
            worker.work();
            drop((worker, held));
        })?;
    }
    let (server, common, done) = (server.clone(), common.clone(), done.clone());
    let (served, closed) = (Arc::clone(&scheduler), guard);
    sqlite::spawn("db-watch".to_owned(), move || {
        watch(&server, &slots, closed.as_deref(), (&common, &served), &ended);
        // The lock is let go when nobody writes any more.
        drop((closed, done));
    })?;
    Ok(scheduler)
}

/// Tries until it succeeds, fails for good, or the moment has come.
fn wait_for<T>(until: Instant, common: &Common, attempt: impl Fn() -> Result<T, DbError>) -> Result<T, DbError> {
    let mut tries = 0;
    loop {
        match attempt() {
            Err(error) if error.is_worth_waiting() && Instant::now() < until => {
                common.health.log.start(&error);
                tries += 1;
                thread::sleep(jitter(tries).min(until.saturating_duration_since(Instant::now())));
            }
            result => return result,
        }
    }
}

/// How many workers there may be: one connection less than the server grants, since the lock has one of its own.
fn workers(session: &mut Session, options: &Options) -> Result<usize, DbError> {
    let limit: Option<i32> = session
        .client()
        .query_one(LIMIT, &[])
        .and_then(|row| row.try_get(0))
        .map_err(|error| DbError::postgres(error, "limit of connections"))?;
    let others = usize::from(options.is_alone);
    let granted = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let wanted = options.workers.max(1);
    let workers = wanted.min(granted.saturating_sub(others));
    if workers == 0 {
        return Err(DbError::Open(format!("the database grants {granted} connections, and this server needs two")));
    }
    if workers < wanted {
        tracing::warn!(wanted = wanted + others, granted, "the database grants fewer connections than it is asked for");
    }
    Ok(workers)
}

/// Ends statements that must not go on and looks after the lock, until the last worker is gone.
fn watch(
    server: &Server,
    slots: &[Slot],
    guard: Option<&Guard>,
    (common, scheduler): (&Common, &Scheduler),
    ended: &Receiver<Infallible>,
) {
    let mut guarded_at = Instant::now();
    loop {
        match ended.recv_timeout(TICK) {
            Ok(never) => match never {},
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        for slot in slots {
            slot.cancel_if_due(server, &common.closing);
        }
        if let Some(guard) = guard
            && guarded_at.elapsed() >= GUARDED
            && !common.closing.has_begun()
        {
            guarded_at = Instant::now();
            match guard.confirm() {
                Err(error @ DbError::Taken(_)) => {
                    common.health.log.taken(&error);
                    common.health.write_failed(&error);
                    scheduler.refuse_all(&error);
                }
                Err(error) => common.health.log.connect(&error),
                Ok(()) => {}
            }
        }
    }
}
