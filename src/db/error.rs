//! What can go wrong in the store, for the model to translate and for the log to read.

use std::path::PathBuf;
use std::sync::Arc;

/// An error of the store. Cheap to clone: one failed commit answers a whole batch.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// `one` found no row.
    #[error("no such row")]
    Missing,
    /// Too many jobs are waiting; the caller should try again later (503).
    #[error("the database is busy: too many jobs are waiting")]
    Busy,
    /// The store is shutting down, or has.
    #[error("the database is closed")]
    Closed,
    /// The job panicked. Its changes are rolled back; the panic itself is in the log.
    #[error("a database job panicked")]
    Panicked,
    /// A statement of this job failed earlier and the job went on all the same: its changes are rolled back.
    #[error("an earlier statement of this database job failed")]
    Aborted,
    /// The connection broke between COMMIT and its answer: the change is either there or not.
    #[error("the connection broke during COMMIT: the outcome is unknown")]
    OutcomeUnknown,
    /// A column is missing from the row or has another type than was asked for.
    #[error("column {name:?}: expected {expected}, found {found}")]
    Column {
        /// The name that was asked for.
        name: String,
        /// What `get` was asked to read.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A text or a parameter that the store cannot pass on: an unknown token, a number that does not fit.
    #[error("statement {sql:?}: {reason}")]
    Statement {
        /// The text as written in the source.
        sql: String,
        /// What is wrong with it.
        reason: String,
    },
    /// SQLite refused; the second field is the statement, or the step, that failed.
    #[error("SQLite: {0} (in: {1})")]
    Sqlite(#[source] Arc<rusqlite::Error>, &'static str),
    /// PostgreSQL refused or could not be reached; the second field is the statement, or the step, that failed.
    #[error("PostgreSQL: {reason} (in: {1})", reason = describe(.0))]
    Postgres(#[source] Arc<postgres::Error>, &'static str),
    /// The schema could not be brought up to date.
    #[error("migrations: {0}")]
    Migration(String),
    /// The store could not be opened.
    #[error("{0}")]
    Open(String),
    /// Another process has this SQLite file open.
    #[error("another server is using {}: stop it first, or use another file", .0.display())]
    Locked(PathBuf),
}

impl DbError {
    /// Whether the same job may succeed a moment later: the store is too busy, or going away.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Busy | Self::Closed)
    }

    /// Whether a unique index or a primary key refused the row.
    pub fn is_unique_violation(&self) -> bool {
        use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
        match self {
            Self::Sqlite(error, _) => error.sqlite_error().is_some_and(|e| {
                e.extended_code == SQLITE_CONSTRAINT_UNIQUE || e.extended_code == SQLITE_CONSTRAINT_PRIMARYKEY
            }),
            Self::Postgres(error, _) => error.code() == Some(&postgres::error::SqlState::UNIQUE_VIOLATION),
            Self::Missing
            | Self::Busy
            | Self::Closed
            | Self::Panicked
            | Self::Aborted
            | Self::OutcomeUnknown
            | Self::Column { .. }
            | Self::Statement { .. }
            | Self::Migration(_)
            | Self::Open(_)
            | Self::Locked(_) => false,
        }
    }

    pub(super) fn sqlite(error: rusqlite::Error, doing: &'static str) -> Self {
        Self::Sqlite(Arc::new(error), doing)
    }

    pub(super) fn postgres(error: postgres::Error, doing: &'static str) -> Self {
        Self::Postgres(Arc::new(error), doing)
    }
}

/// The driver's own text is only "db error" or "error connecting to server": the reason is in its sources.
fn describe(error: &postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        return format!("{} ({})", db.message(), db.code().code());
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}
