//! SQLite: one writer thread with group commit, some readers, one file that nobody else may serve.

mod reads;
mod watch;

use super::connection::{Link, Reader, Trouble, Writer};
use super::job::{self, Write};
use super::limit::Closing;
use super::queue::Queue;
use super::record::{Cost, Recorder};
use super::row::{Cell, Columns, Row, Source};
use super::sql::{Sql, Texts, place};
use super::value::Value;
use super::{Common, DbError, Done, Engine, Options, migrate};
use crate::files::private;
use reads::Reads;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, StatementStatus};
use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::Duration;
use watch::Watch;

/// Jobs of one commit. More would only make the first of them wait longer.
const BATCH: usize = 256;
/// Prepared statements kept per connection; the program has fewer.
const PREPARED: usize = 256;

/// The queues that the threads of one file serve.
pub(super) struct Queues {
    pub(super) reads: Reads,
    pub(super) writes: Queue<Write>,
}

impl Queues {
    pub(super) fn close(&self) {
        self.reads.close();
        self.writes.close();
    }
}

/// Opens the file, brings its schema up to date and starts the threads.
pub(super) fn open(path: &Path, options: &Options, common: &Common, done: &Done) -> Result<Arc<Queues>, DbError> {
    let lock = Arc::new(lock(path)?);
    create(path)?;
    prepare_file(path, options)?;
    let mut writer = connect(path, options, &common.closing)?;
    let mut readers = Vec::new();
    for _ in 0..options.readers.max(1) {
        let reader = connect(path, options, &common.closing)?;
        reader.batch("pragma query_only = on")?;
        readers.push(reader);
    }
    let reads = Reads::new(options.queue, readers.len());
    let queues = Arc::new(Queues { reads, writes: Queue::new(options.queue) });
    for (index, mut reader) in readers.into_iter().enumerate() {
        let (queues, common) = (Arc::clone(&queues), common.clone());
        let held = (Arc::clone(&lock), done.clone());
        spawn(format!("db-reader-{index}"), move || {
            read_all(&mut reader, &queues.reads, &common);
            drop((reader, held));
        })?;
    }
    let (served, common, held) = (Arc::clone(&queues), common.clone(), (lock, done.clone()));
    spawn("db-writer".to_owned(), move || {
        write_all(&mut writer, &served, &common);
        writer.leave();
        drop((writer, held));
    })?;
    Ok(queues)
}

/// Brings the schema up to date and forgets what was ever measured of the tables: figures of another day lead the planner through whole
/// tables, and every statement here is written for the plan without any. On a connection of its own, since statistics that were once read
/// stay with their connection.
fn prepare_file(path: &Path, options: &Options) -> Result<(), DbError> {
    let mut connection = connect(path, options, &Closing::new(options.grace))?;
    migrate::sqlite(&mut connection.raw)?;
    connection.batch("drop table if exists sqlite_stat1; drop table if exists sqlite_stat4")
}

pub(super) fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<(), DbError> {
    let started = thread::Builder::new().name(name).spawn(run);
    started.map(drop).map_err(|error| DbError::Open(format!("cannot start a thread: {error}")))
}

/// Locks `<file>.lock` for as long as the threads live. The file itself stays: deleting it would race with the next server.
fn lock(path: &Path) -> Result<File, DbError> {
    let name = beside(path, ".lock");
    let fail = |error| DbError::Open(format!("cannot lock {}: {error}", name.display()));
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).mode(private::FILE).open(&name).map_err(fail)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DbError::Locked(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(fail(error)),
    }
}

/// Creates a missing file readable by its owner only: it holds sessions and keys. SQLite gives its journals the same mode; those of an
/// earlier day are closed too.
fn create(path: &Path) -> Result<(), DbError> {
    let fail = |error| DbError::Open(format!("cannot open {}: {error}", path.display()));
    let options = OpenOptions::new().create(true).truncate(false).write(true).mode(private::FILE).open(path);
    options.map(drop).map_err(fail)?;
    for journal in ["", "-wal", "-shm", ".lock"] {
        private::close(&beside(path, journal), private::FILE).map_err(fail)?;
    }
    Ok(())
}

/// The file of this name with something at its end.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn connect(path: &Path, options: &Options, closing: &Closing) -> Result<Connection, DbError> {
    let mut raw = rusqlite::Connection::open(path).map_err(|error| DbError::sqlite(error, "open"))?;
    raw.busy_timeout(Duration::from_secs(5)).map_err(|error| DbError::sqlite(error, "busy_timeout"))?;
    raw.set_prepared_statement_cache_capacity(PREPARED);
    let mode: String = raw
        .query_row("pragma journal_mode = wal", [], |row| row.get(0))
        .map_err(|error| DbError::sqlite(error, "pragma journal_mode"))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(DbError::Open(format!(
            "{}: SQLite's write-ahead log does not work on this file system",
            path.display()
        )));
    }
    let (texts, recorder) = (Texts::new(Engine::Sqlite), options.recorder.clone());
    let watch = Watch::new(options.statement_timeout, closing.clone());
    watch.install(&mut raw)?;
    let connection = Connection { raw, texts, columns: HashMap::new(), recorder, watch };
    connection.batch(
        // What is deleted is overwritten, in the pages that become free too: `fast` would leave those as they are.
        "pragma synchronous = full; pragma foreign_keys = on; pragma trusted_schema = off; pragma secure_delete = on;
         pragma temp_store = memory; pragma journal_size_limit = 67108864",
    )?;
    connection
        .raw
        .pragma_update(None, "cache_size", -i64::from(options.cache_kib))
        .map_err(|error| DbError::sqlite(error, "pragma cache_size"))?;
    Ok(connection)
}

fn read_all(connection: &mut Connection, reads: &Reads, common: &Common) {
    let uncounted = AtomicU64::new(0);
    while let Some(read) = reads.next() {
        let (kind, left) = (read.kind, read.left.clone());
        match connection.step("begin deferred") {
            Err(error) => read.task.refuse(error),
            Ok(()) if common.closing.is_over() => read.task.refuse(DbError::Closed),
            Ok(()) => {
                connection.watch.begin_job(Some(left.clone()));
                let counter = if read.is_counted { &common.statements } else { &uncounted };
                let mut reader = Reader::new(Link::Sqlite(connection), counter);
                read.task.run(&mut reader);
                let trouble = reader.into_trouble();
                connection.watch.begin_job(None);
                if let Some(Trouble::Failed(error)) = trouble
                    && !left.is_set()
                {
                    common.health.log.job(&error);
                }
            }
        }
        connection.roll_back();
        reads.done(kind);
    }
}

fn write_all(connection: &mut Connection, queues: &Queues, common: &Common) {
    let mut batch = Vec::with_capacity(BATCH);
    while queues.writes.take(BATCH, &mut batch) {
        match commit(connection, &mut batch, common) {
            Ok(()) => job::committed(&mut batch),
            Err(Stop::Spoiled) => {
                connection.roll_back();
                // The one that spoiled it fails by itself, and nobody else with it.
                for write in batch.drain(..) {
                    write_alone(connection, write, common);
                }
            }
            Err(Stop::Failed(error)) => {
                connection.roll_back();
                common.health.log.commit(&error, batch.len());
                job::failed(&mut batch, &error);
            }
        }
    }
}

fn write_alone(connection: &mut Connection, write: Write, common: &Common) {
    let mut alone = vec![write];
    match commit(connection, &mut alone, common) {
        Ok(()) => job::committed(&mut alone),
        Err(stop) => {
            connection.roll_back();
            let error = match stop {
                Stop::Spoiled => DbError::Aborted,
                Stop::Failed(error) => error,
            };
            common.health.log.commit(&error, 1);
            job::failed(&mut alone, &error);
        }
    }
}

/// How a transaction ended that was not committed.
enum Stop {
    /// A job made SQLite roll everything back by itself, as a full disk and an interrupted write do: the jobs before it are gone as well.
    Spoiled,
    /// A step of the transaction failed.
    Failed(DbError),
}

/// Runs a batch in one transaction, each job between savepoints of its own.
fn commit(connection: &mut Connection, batch: &mut [Write], common: &Common) -> Result<(), Stop> {
    // Should the transaction not even begin, every job counts as one that it should have kept.
    batch.iter_mut().for_each(|write| write.keep(Vec::new()));
    let is_probe = batch.iter().all(|write| write.is_probe);
    let fail = |error: DbError| {
        if !is_probe {
            common.health.write_failed(&error);
        }
        Stop::Failed(error)
    };
    if common.closing.is_over() {
        return Err(Stop::Failed(DbError::Closed));
    }
    connection.step("begin immediate").map_err(fail)?;
    for write in batch.iter_mut() {
        connection.step("savepoint job").map_err(fail)?;
        let mut writer = Writer::new(Link::Sqlite(connection), &common.statements);
        let is_ok = write.task.run(&mut writer);
        let (after_commit, trouble) = writer.into_parts();
        connection.watch.begin_job(None);
        if let Some(Trouble::Failed(error)) = trouble {
            common.health.log.job(&error);
            if !write.is_probe {
                common.health.write_failed(&error);
            }
        }
        if is_ok {
            write.keep(after_commit);
        } else {
            write.reset();
        }
        if connection.raw.is_autocommit() {
            return Err(Stop::Spoiled);
        }
        if !is_ok {
            connection.step("rollback to job").map_err(fail)?;
        }
        connection.step("release job").map_err(fail)?;
    }
    connection.step("commit").map_err(fail)?;
    if batch.iter().any(|write| write.is_kept() && !write.is_probe) {
        common.health.write_succeeded();
    }
    Ok(())
}

/// One connection with what it has prepared.
pub(super) struct Connection {
    raw: rusqlite::Connection,
    texts: Texts,
    columns: HashMap<(usize, usize), Columns>,
    recorder: Option<Recorder>,
    watch: Watch,
}

impl Connection {
    /// Runs the statement and hands its rows over until `each` answers false.
    pub(super) fn rows(
        &mut self,
        sql: Sql,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> bool,
    ) -> Result<(), DbError> {
        self.watched(sql, |connection| connection.run(sql, params, each))
    }

    /// Runs one statement within its limits.
    fn watched<T>(&mut self, sql: Sql, run: impl FnOnce(&mut Self) -> Result<T, DbError>) -> Result<T, DbError> {
        self.watch.begin_statement();
        let result = run(self);
        self.watch.end_statement();
        let is_cut = |cause: &rusqlite::Error| cause.sqlite_error_code() == Some(ErrorCode::OperationInterrupted);
        match result {
            Err(DbError::Sqlite(cause, _)) if is_cut(&cause) => Err(self.watch.explain(sql.text())),
            other => other,
        }
    }

    fn run(&mut self, sql: Sql, params: &[Value<'_>], each: &mut dyn FnMut(&Row<'_>) -> bool) -> Result<(), DbError> {
        let fail = |error| DbError::sqlite(error, sql.text());
        let text = self.texts.get(sql)?;
        let mut statement = self.raw.prepare_cached(&text).map_err(fail)?;
        let columns = match self.columns.get(&place(sql)) {
            Some(columns) if columns.len() == statement.column_count() => columns.clone(),
            Some(_) | None => {
                let columns = Columns::new(statement.column_names())?;
                self.columns.insert(place(sql), columns.clone());
                columns
            }
        };
        let mut rows = statement.query(rusqlite::params_from_iter(params)).map_err(fail)?;
        let mut given = 0;
        while let Some(row) = rows.next().map_err(fail)? {
            given += 1;
            if !each(&Row::new(Source::Sqlite(row), &columns)) {
                break;
            }
        }
        drop(rows);
        if let Some(recorder) = &self.recorder {
            recorder.add(sql, Cost { rows: given, ..cost(&statement) });
        }
        Ok(())
    }

    pub(super) fn execute(&mut self, sql: Sql, params: &[Value<'_>]) -> Result<u64, DbError> {
        self.watched(sql, |connection| connection.change(sql, params))
    }

    fn change(&mut self, sql: Sql, params: &[Value<'_>]) -> Result<u64, DbError> {
        let fail = |error| DbError::sqlite(error, sql.text());
        let text = self.texts.get(sql)?;
        let mut statement = self.raw.prepare_cached(&text).map_err(fail)?;
        let changed = statement.execute(rusqlite::params_from_iter(params)).map_err(fail)?;
        let changed = u64::try_from(changed).unwrap_or(u64::MAX);
        if let Some(recorder) = &self.recorder {
            recorder.add(sql, Cost { rows: changed, ..cost(&statement) });
        }
        Ok(changed)
    }

    /// A step of the transaction itself.
    fn step(&self, sql: &'static str) -> Result<(), DbError> {
        let run = || self.raw.prepare_cached(sql)?.execute([]).map(drop);
        run().map_err(|error| DbError::sqlite(error, sql))
    }

    fn roll_back(&self) {
        if self.raw.is_autocommit() {
            return;
        }
        if let Err(error) = self.step("rollback") {
            tracing::error!(%error, "cannot roll back");
        }
    }

    fn batch(&self, sql: &'static str) -> Result<(), DbError> {
        self.raw.execute_batch(sql).map_err(|error| DbError::sqlite(error, sql))
    }

    /// The last thing the writer does: empties the log into the file, which is then complete by itself.
    fn leave(&self) {
        if let Err(error) = self.batch("pragma wal_checkpoint(truncate)") {
            tracing::warn!(%error, "cannot empty the write-ahead log");
        }
    }
}

/// What the statement's last run took.
fn cost(statement: &rusqlite::Statement<'_>) -> Cost {
    let take = |status| u64::try_from(statement.reset_status(status)).unwrap_or(0);
    Cost {
        runs: 1,
        rows: 0,
        work: take(StatementStatus::VmStep),
        scanned: take(StatementStatus::FullscanStep),
        sorts: take(StatementStatus::Sort) + take(StatementStatus::AutoIndex),
    }
}

/// Moves what the write-ahead log holds into the file and cuts the log to nothing: until then it has the former content of changed pages.
/// False when somebody reads from it just now.
pub(super) fn empty_log(path: &Path) -> Result<bool, DbError> {
    use rusqlite::OpenFlags;
    let fail = |error| DbError::sqlite(error, "pragma wal_checkpoint");
    // A connection of its own, which creates nothing and waits for nobody: the writer goes on meanwhile.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let raw = rusqlite::Connection::open_with_flags(path, flags).map_err(fail)?;
    raw.busy_timeout(Duration::from_millis(50)).map_err(fail)?;
    let is_busy = raw.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get::<_, i64>(0)).map_err(fail)?;
    Ok(is_busy == 0)
}

/// Prepares a text without running it, for the test that checks every statement of the program.
pub(super) fn prepare(path: &Path, texts: &[&str]) -> Result<Vec<(String, String)>, DbError> {
    let options = Options::default();
    let connection = connect(path, &options, &Closing::new(options.grace))?;
    let errors = texts.iter().filter_map(|text| {
        let expanded = super::sql::expand(text, Engine::Sqlite);
        let result =
            expanded.and_then(|text| connection.raw.prepare(&text).map(drop).map_err(|error| error.to_string()));
        result.err().map(|error| ((*text).to_owned(), error))
    });
    Ok(errors.collect())
}

pub(super) fn cell<'a>(row: &'a rusqlite::Row<'_>, index: usize) -> Cell<'a> {
    match row.get_ref(index) {
        Ok(ValueRef::Null) => Cell::Null,
        Ok(ValueRef::Integer(number)) => Cell::Int(number),
        Ok(ValueRef::Text(text)) => std::str::from_utf8(text).map_or(Cell::Other("text that is not UTF-8"), Cell::Text),
        Ok(ValueRef::Blob(bytes)) => Cell::Blob(bytes),
        Ok(ValueRef::Real(_)) => Cell::Other("real"),
        Err(_) => Cell::Other("nothing"),
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
