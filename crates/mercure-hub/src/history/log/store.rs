//! The file: its tables, and every statement on them.

use std::{path::Path, time::Duration};

use aws_lc_rs::digest;
use rusqlite::{Connection, OptionalExtension, Row, config::DbConfig, params};

use crate::{
    event::Event,
    history::{Cursor, log::OpenError},
    topic::Topic,
    update::{Update, UpdateId},
};

/// Marks the file as ours: "Merc" in ASCII.
const APPLICATION: i32 = 0x4D65_7263;
/// The version of the tables.
const VERSION: i32 = 1;

/// Settings that only work before the first table is made stand before it. `strict` makes wrong types an error.
const TABLES: &str = "
    create table update_ (
        place integer primary key,
        id text not null,
        -- One a line, the canonical one first: a topic holds no line break.
        topics text not null,
        data text not null,
        type text,
        retry integer,
        private integer not null,
        -- When it came, in seconds since 1970.
        time real not null,
        -- The bytes of all updates before it, those included that were discarded: the difference of two rows is what lies between.
        before integer not null
    ) strict;
    create index update_id on update_ (id);
    create table topic_place (
        topic integer not null,
        place integer not null,
        primary key (topic, place)
    ) strict, without rowid;
";

pub(super) const INSERT: &str = "insert into update_ values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const INSERT_TOPIC: &str = "insert or ignore into topic_place values (?1, ?2)";
pub(super) const FIND: &str = "select place from update_ where id = ?1 and place >= ?2 order by place limit 1";
pub(super) const OF_TOPIC: &str =
    "select place from topic_place where topic = ?1 and place >= ?2 and place < ?3 order by place limit ?4";
pub(super) const FROM: &str =
    "select place, id, topics, data, type, retry, private from update_ where place >= ?1 and place < ?2 order by place";
pub(super) const AT: &str = "select place, id, topics, data, type, retry, private from update_ where place = ?1";
pub(super) const OLDEST: &str = "select place from update_ order by place limit 1";
pub(super) const NEWEST: &str = "select * from update_ order by place desc limit 1";
pub(super) const LAST: &str = "select place from update_ order by place desc limit 1";
pub(super) const EDGE: &str =
    "select place, topics, time, before from update_ where place >= ?1 order by place limit 1";
pub(super) const TIME: &str = "select time from update_ where place = ?1";
pub(super) const DELETE: &str = "delete from update_ where place = ?1";
pub(super) const DELETE_TOPIC: &str = "delete from topic_place where topic = ?1 and place = ?2";

/// What the file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    /// The place of the oldest update, or the next place when there is none.
    pub(super) floor: Cursor,
    pub(super) next: Cursor,
    /// The bytes of all updates that were ever written.
    pub(super) bytes: u64,
}

/// The oldest update.
pub(super) struct Edge {
    pub(super) place: Cursor,
    pub(super) topics: String,
    pub(super) time: f64,
    pub(super) before: u64,
}

/// One connection.
pub(super) struct Store {
    pub(super) raw: Connection,
}

/// SQLite's integers have a sign; places and sizes never reach it.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(index).map(|number| u64::try_from(number).unwrap_or(0))
}

/// The first eight bytes of the digest: the same on every machine and in every version. Two topics that share them are told apart by the row.
pub(super) fn hash(topic: &str) -> i64 {
    let digest = digest::digest(&digest::SHA256, topic.as_bytes());
    digest.as_ref().iter().take(8).fold(0, |hash, byte| hash << 8 | i64::from(*byte))
}

/// What an update counts for: its texts, twice those that are in an index, and the numbers.
fn weight(id: &str, topics: &str, data: &str, kind: Option<&str>) -> u64 {
    const NUMBERS: usize = 64;
    (2 * id.len() + 2 * topics.len() + data.len() + kind.map_or(0, str::len) + NUMBERS) as u64
}

impl Store {
    /// The writer's connection. Makes the file if there is none.
    pub(super) fn create(path: &Path) -> Result<Self, OpenError> {
        create(path)?;
        let store = Self::open(path)?;
        let fail = |error| OpenError::io(path, error);
        let tables: i64 =
            store.raw.query_row("select count(*) from sqlite_schema", [], |row| row.get(0)).map_err(fail)?;
        if tables == 0 {
            store.raw.execute_batch("pragma auto_vacuum = incremental; vacuum").map_err(fail)?;
            let marks = format!("pragma application_id = {APPLICATION}; pragma user_version = {VERSION}");
            store.raw.execute_batch(&format!("begin; {TABLES} {marks}; commit")).map_err(fail)?;
        }
        let number = |pragma| store.raw.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0)).map_err(fail);
        if number("application_id")? != APPLICATION || number("user_version")? != VERSION {
            return Err(OpenError::Foreign(path.to_owned()));
        }
        Ok(store)
    }

    /// A reader's connection to a file that is there.
    pub(super) fn reader(path: &Path) -> Result<Self, OpenError> {
        let store = Self::open(path)?;
        store.raw.execute_batch("pragma query_only = on").map_err(|error| OpenError::io(path, error))?;
        Ok(store)
    }

    fn open(path: &Path) -> Result<Self, OpenError> {
        let fail = |error: rusqlite::Error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => OpenError::Foreign(path.to_owned()),
            _ => OpenError::io(path, error),
        };
        let raw = Connection::open(path).map_err(fail)?;
        raw.busy_timeout(Duration::from_secs(1)).map_err(fail)?;
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false).map_err(fail)?;
        // Otherwise a look-up by another value counts as another question, and is planned anew each time.
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(fail)?;
        raw.set_prepared_statement_cache_capacity(32);
        let mode: String = raw.query_row("pragma journal_mode = wal", [], |row| row.get(0)).map_err(fail)?;
        if !mode.eq_ignore_ascii_case("wal") {
            return Err(OpenError::io(path, "SQLite's write-ahead log does not work on this file system"));
        }
        raw.execute_batch(
            "pragma synchronous = full; pragma temp_store = memory; pragma cache_size = -4096; pragma journal_size_limit = 67108864",
        )
        .map_err(fail)?;
        Ok(Self { raw })
    }

    pub(super) fn step(&self, sql: &'static str) -> rusqlite::Result<()> {
        self.raw.prepare_cached(sql)?.execute([]).map(drop)
    }

    /// Undoes what is not committed. After a full disk SQLite has done so by itself.
    pub(super) fn roll_back(&self) {
        if !self.raw.is_autocommit()
            && let Err(error) = self.step("rollback")
        {
            tracing::error!(%error, "cannot roll the history back");
        }
    }

    /// Writes so many bytes and takes them back. The pages are used again by what is written next.
    pub(super) fn probe(&self, bytes: usize) -> rusqlite::Result<()> {
        self.step("begin immediate")?;
        // Left behind by a crash, or by a disk that was full again in between.
        self.raw.execute_batch("drop table if exists probe; create table probe (filler blob) strict")?;
        self.raw.execute("insert into probe values (zeroblob(?1))", [signed(bytes as u64)])?;
        self.step("commit")?;
        self.raw.execute_batch("drop table probe")
    }

    pub(super) fn ends(&self) -> rusqlite::Result<Ends> {
        let newest = |row: &Row<'_>| {
            let text = |index: usize| row.get::<_, String>(index);
            let weight = weight(&text(1)?, &text(2)?, &text(3)?, row.get::<_, Option<String>>(4)?.as_deref());
            Ok((unsigned(row, 0)? + 1, unsigned(row, 8)? + weight))
        };
        let (next, bytes) = self.raw.query_row(NEWEST, [], newest).optional()?.unwrap_or_default();
        Ok(Ends { floor: self.oldest()?.unwrap_or(next), next, bytes })
    }

    /// The id of the newest update.
    pub(super) fn last_id(&self) -> rusqlite::Result<Option<UpdateId>> {
        self.raw
            .query_row(NEWEST, [], |row| row.get::<_, String>(1))
            .optional()
            .map(|id| id.as_deref().map(UpdateId::stored))
    }

    pub(super) fn oldest(&self) -> rusqlite::Result<Option<Cursor>> {
        self.raw.prepare_cached(OLDEST)?.query_row([], |row| unsigned(row, 0)).optional()
    }

    pub(super) fn newest(&self) -> rusqlite::Result<Option<Cursor>> {
        self.raw.prepare_cached(LAST)?.query_row([], |row| unsigned(row, 0)).optional()
    }

    pub(super) fn time(&self, place: Cursor) -> rusqlite::Result<Option<f64>> {
        self.raw.prepare_cached(TIME)?.query_row([signed(place)], |row| row.get(0)).optional()
    }

    /// The earliest place of an id, from `floor` on.
    pub(super) fn find(&self, id: &str, floor: Cursor) -> rusqlite::Result<Option<Cursor>> {
        self.raw.prepare_cached(FIND)?.query_row(params![id, signed(floor)], |row| unsigned(row, 0)).optional()
    }

    /// The places of a topic from here to there, `count` at most.
    pub(super) fn of_topic(
        &self,
        topic: &Topic,
        from: Cursor,
        until: Cursor,
        count: usize,
        places: &mut Vec<Cursor>,
    ) -> rusqlite::Result<()> {
        let mut statement = self.raw.prepare_cached(OF_TOPIC)?;
        let mut rows =
            statement.query(params![hash(topic.as_str()), signed(from), signed(until), signed(count as u64)])?;
        while let Some(row) = rows.next()? {
            places.push(unsigned(row, 0)?);
        }
        Ok(())
    }

    /// The updates from here to there, until `each` answers false. It may refuse one by its topics before the rest is read.
    pub(super) fn walk(
        &self,
        from: Cursor,
        until: Cursor,
        mut each: impl FnMut(Cursor, Found<'_, '_>) -> rusqlite::Result<bool>,
    ) -> rusqlite::Result<()> {
        let mut statement = self.raw.prepare_cached(FROM)?;
        let mut rows = statement.query(params![signed(from), signed(until)])?;
        while let Some(row) = rows.next()? {
            if !each(unsigned(row, 0)?, Found(row))? {
                break;
            }
        }
        Ok(())
    }

    /// The update at this place.
    pub(super) fn at(&self, place: Cursor) -> rusqlite::Result<Option<Update>> {
        self.raw.prepare_cached(AT)?.query_row([signed(place)], |row| Found(row).update()).optional()
    }

    /// Writes an update at the next place.
    pub(super) fn insert(&self, ends: &mut Ends, event: &Event, time: f64) -> rusqlite::Result<()> {
        let mut topics = String::new();
        for topic in &event.topics {
            if !topics.is_empty() {
                topics.push('\n');
            }
            topics.push_str(topic.as_str());
        }
        let (place, before, retry) = (signed(ends.next), signed(ends.bytes), event.retry.map(signed));
        let kind = Some(event.kind.as_ref()).filter(|kind| !kind.is_empty());
        let (id, data) = (event.id.as_str(), event.data.as_ref());
        let row = params![place, id, topics, data, kind, retry, event.private, time, before];
        self.raw.prepare_cached(INSERT)?.execute(row)?;
        let mut statement = self.raw.prepare_cached(INSERT_TOPIC)?;
        for topic in &event.topics {
            statement.execute(params![hash(topic.as_str()), place])?;
        }
        ends.next += 1;
        ends.bytes += weight(id, &topics, data, kind);
        Ok(())
    }

    /// The oldest update from this place on.
    pub(super) fn edge(&self, floor: Cursor) -> rusqlite::Result<Option<Edge>> {
        let edge = |row: &Row<'_>| {
            Ok(Edge { place: unsigned(row, 0)?, topics: row.get(1)?, time: row.get(2)?, before: unsigned(row, 3)? })
        };
        self.raw.prepare_cached(EDGE)?.query_row([signed(floor)], edge).optional()
    }

    pub(super) fn delete(&self, edge: &Edge) -> rusqlite::Result<()> {
        let place = signed(edge.place);
        let mut statement = self.raw.prepare_cached(DELETE_TOPIC)?;
        for topic in edge.topics.split('\n') {
            statement.execute(params![hash(topic), place])?;
        }
        self.raw.prepare_cached(DELETE)?.execute([place]).map(drop)
    }

    /// How many pages the file has, and how many of them are free.
    pub(super) fn pages(&self) -> rusqlite::Result<(u64, u64)> {
        let count = |sql: &'static str| self.raw.prepare_cached(sql)?.query_row([], |row| unsigned(row, 0));
        Ok((count("pragma page_count")?, count("pragma freelist_count")?))
    }
}

/// An update in the file.
pub(super) struct Found<'a, 'b>(&'a Row<'b>);

impl Found<'_, '_> {
    pub(super) fn topics(&self) -> rusqlite::Result<Vec<Topic>> {
        Ok(self.0.get_ref(2)?.as_str()?.split('\n').map(Topic::stored).collect())
    }

    pub(super) fn update(&self) -> rusqlite::Result<Update> {
        self.update_of(self.topics()?)
    }

    pub(super) fn update_of(&self, topics: Vec<Topic>) -> rusqlite::Result<Update> {
        let row = self.0;
        Ok(Update {
            topics,
            data: row.get(3)?,
            id: Some(UpdateId::stored(row.get_ref(1)?.as_str()?)),
            kind: row.get(4)?,
            retry: row.get::<_, Option<i64>>(5)?.and_then(|retry| u64::try_from(retry).ok()),
            private: row.get(6)?,
            ephemeral: false,
        })
    }
}

/// Creates a missing file readable by its owner only: it holds private updates. SQLite gives its journals the same mode.
fn create(path: &Path) -> Result<(), OpenError> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|error| OpenError::io(path, error))
}
