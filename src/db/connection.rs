//! What a job holds: a connection inside its transaction, and the statements it may run there.

use super::DbError;
use super::postgres::Session;
use super::row::Row;
use super::sql::Sql;
use super::sqlite::Connection;
use super::value::Value;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};

/// Something to do once the change is durable.
pub(super) type Action = Box<dyn FnOnce() + Send>;

pub(super) enum Link<'a> {
    Sqlite(&'a mut Connection),
    Postgres(&'a mut Session),
}

/// Why a job cannot be kept, whatever it answers itself.
#[derive(Debug)]
pub(super) enum Trouble {
    /// A statement failed. PostgreSQL takes nothing more in this transaction then, and neither do we on SQLite.
    Failed(DbError),
    /// The engine asks to try the whole transaction again.
    Retry(DbError),
    /// The connection is gone.
    Lost(DbError),
}

/// Reads in one transaction: everything it sees belongs to one moment.
pub struct Reader<'a> {
    link: Link<'a>,
    statements: &'a AtomicU64,
    trouble: Option<Trouble>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(link: Link<'a>, statements: &'a AtomicU64) -> Self {
        Self { link, statements, trouble: None }
    }

    pub(super) fn into_trouble(self) -> Option<Trouble> {
        self.trouble
    }

    pub(super) fn is_in_trouble(&self) -> bool {
        self.trouble.is_some()
    }

    /// All rows.
    ///
    /// # Errors
    /// Those of the engine and of `map`. After an error of the engine the job is lost: its changes are rolled back, and every further
    /// statement answers [`DbError::Aborted`]. Write `on conflict` rather than trying.
    pub fn all<T>(
        &mut self,
        sql: Sql,
        params: &[Value<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<Vec<T>, DbError> {
        let mut found = Vec::new();
        self.rows(sql, params, &mut |row| {
            found.push(map(row)?);
            Ok(true)
        })?;
        Ok(found)
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// As [`Reader::all`].
    pub fn first<T>(
        &mut self,
        sql: Sql,
        params: &[Value<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<Option<T>, DbError> {
        let mut found = None;
        self.rows(sql, params, &mut |row| {
            found = Some(map(row)?);
            Ok(false)
        })?;
        Ok(found)
    }

    /// The first row, which must be there.
    ///
    /// # Errors
    /// [`DbError::Missing`] without a row, otherwise as [`Reader::all`].
    pub fn one<T>(
        &mut self,
        sql: Sql,
        params: &[Value<'_>],
        map: impl FnMut(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        self.first(sql, params, map)?.ok_or(DbError::Missing)
    }

    /// Visits rows until `visit` answers false. An error of `visit` ends the statement but does not spoil the transaction.
    fn rows(
        &mut self,
        sql: Sql,
        params: &[Value<'_>],
        visit: &mut dyn FnMut(&Row<'_>) -> Result<bool, DbError>,
    ) -> Result<(), DbError> {
        let mut refused = None;
        let mut each = |row: &Row<'_>| {
            visit(row).unwrap_or_else(|error| {
                refused = Some(error);
                false
            })
        };
        self.run(|link| match link {
            Link::Sqlite(connection) => connection.rows(sql, params, &mut each),
            Link::Postgres(session) => session.rows(sql, params, &mut each),
        })?;
        refused.map_or(Ok(()), Err)
    }

    fn run<T>(&mut self, statement: impl FnOnce(&mut Link<'a>) -> Result<T, DbError>) -> Result<T, DbError> {
        if self.trouble.is_some() {
            return Err(DbError::Aborted);
        }
        self.statements.fetch_add(1, Ordering::Relaxed);
        let result = statement(&mut self.link);
        if let Err(error) = &result {
            self.trouble = Some(match &self.link {
                Link::Sqlite(_) => Trouble::Failed(error.clone()),
                Link::Postgres(session) => session.trouble(error),
            });
        }
        result
    }
}

/// Reads and writes in one transaction, committed after the job returns `Ok`.
pub struct Writer<'a> {
    reader: Reader<'a>,
    after_commit: Vec<Action>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(link: Link<'a>, statements: &'a AtomicU64) -> Self {
        Self { reader: Reader::new(link, statements), after_commit: Vec::new() }
    }

    pub(super) fn into_parts(self) -> (Vec<Action>, Option<Trouble>) {
        (self.after_commit, self.reader.trouble)
    }

    /// Changes rows and answers how many.
    ///
    /// # Errors
    /// As [`Reader::all`].
    pub fn execute(&mut self, sql: Sql, params: &[Value<'_>]) -> Result<u64, DbError> {
        self.reader.run(|link| match link {
            Link::Sqlite(connection) => connection.execute(sql, params),
            Link::Postgres(session) => session.execute(sql, params),
        })
    }

    /// Runs once the change is durable and before the caller has its answer; the actions of several jobs run in the order of their commits.
    /// Dropped when the job fails or is tried again. Runs on the store's own thread: it must be quick and must not wait.
    pub fn after_commit(&mut self, action: impl FnOnce() + Send + 'static) {
        self.after_commit.push(Box::new(action));
    }
}

impl<'a> Deref for Writer<'a> {
    type Target = Reader<'a>;
    fn deref(&self) -> &Reader<'a> {
        &self.reader
    }
}

impl<'a> DerefMut for Writer<'a> {
    fn deref_mut(&mut self) -> &mut Reader<'a> {
        &mut self.reader
    }
}
