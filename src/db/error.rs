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
    /// The statement took longer than one may, and was ended.
    #[error("the statement took too long and was ended (in: {0})")]
    TooSlow(&'static str),
    /// Another process has this SQLite file open.
    #[error("another server is using {}: stop it first, or use another file", .0.display())]
    Locked(PathBuf),
    /// Another server holds this PostgreSQL database; the text says where it is connected from.
    #[error(
        "another server is using this PostgreSQL database{0}: stop it first, or use another database; several servers on one are not supported"
    )]
    Taken(String),
}

/// Why the same job may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Temporary {
    /// Too many jobs wait.
    Busy,
    /// The server is gone, going, or not there yet; or this store is closing.
    Unreachable,
    /// A statement or a transaction took longer than it may.
    Slow,
    /// Somebody else holds a row, a table or the file.
    Locked,
    /// The database takes no writes.
    ReadOnly,
    /// No room on the disk.
    Full,
    /// Connections, memory or another means of the server has run out.
    Short,
    /// The disk fails.
    Io,
}

impl Temporary {
    /// The kind, for counting.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Unreachable => "unreachable",
            Self::Slow => "slow",
            Self::Locked => "locked",
            Self::ReadOnly => "read-only",
            Self::Full => "full",
            Self::Short => "short",
            Self::Io => "io",
        }
    }

    /// By PostgreSQL's code (its manual's appendix A): single ones first, then whole classes.
    fn of_state(code: &str) -> Option<Self> {
        Some(match code {
            "57014" | "25P03" | "25P04" => Self::Slow,
            "55P03" | "40001" | "40P01" => Self::Locked,
            "25006" => Self::ReadOnly,
            "53100" => Self::Full,
            _ => match code.get(..2)? {
                "08" | "57" => Self::Unreachable,
                "53" => Self::Short,
                "58" => Self::Io,
                _ => return None,
            },
        })
    }

    fn of_sqlite(error: &rusqlite::Error) -> Option<Self> {
        use rusqlite::ffi;
        // The low byte is the primary code (https://www.sqlite.org/rescode.html).
        Some(match error.sqlite_error()?.extended_code & 0xff {
            ffi::SQLITE_INTERRUPT => Self::Slow,
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_PROTOCOL => Self::Locked,
            ffi::SQLITE_READONLY => Self::ReadOnly,
            ffi::SQLITE_FULL => Self::Full,
            ffi::SQLITE_NOMEM | ffi::SQLITE_CANTOPEN => Self::Short,
            ffi::SQLITE_IOERR => Self::Io,
            _ => return None,
        })
    }

    fn of_postgres(error: &postgres::Error, doing: &'static str) -> Option<Self> {
        if let Some(code) = error.code() {
            let known = Self::of_state(code.code());
            return if doing == CONNECT { known.or(Some(Self::Unreachable)) } else { known };
        }
        let is_cut = error.is_closed() || doing == CONNECT || has_io(error);
        is_cut.then_some(Self::Unreachable)
    }
}

/// The step that opens a connection.
pub(super) const CONNECT: &str = "connect";

fn has_io(error: &postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
}

impl DbError {
    /// Whether the same job may succeed later: nothing is wrong with the job itself.
    pub fn is_temporary(&self) -> bool {
        self.temporary().is_some()
    }

    pub(super) fn temporary(&self) -> Option<Temporary> {
        match self {
            Self::Busy => Some(Temporary::Busy),
            // Who asks again with the same nonce learns the outcome.
            Self::Closed | Self::Taken(_) | Self::OutcomeUnknown => Some(Temporary::Unreachable),
            Self::TooSlow(_) => Some(Temporary::Slow),
            Self::Sqlite(error, _) => Temporary::of_sqlite(error),
            Self::Postgres(error, doing) => Temporary::of_postgres(error, doing),
            Self::Missing
            | Self::Panicked
            | Self::Aborted
            | Self::Column { .. }
            | Self::Statement { .. }
            | Self::Migration(_)
            | Self::Open(_)
            | Self::Locked(_) => None,
        }
    }

    /// Whether a server that starts may reach the database a moment later: nobody answers yet, or it is not ready.
    pub(super) fn is_worth_waiting(&self) -> bool {
        match self {
            Self::Postgres(error, _) => match error.code() {
                Some(code) => Temporary::of_state(code.code())
                    .is_some_and(|cause| matches!(cause, Temporary::Unreachable | Temporary::Short)),
                None => has_io(error) || error.is_closed(),
            },
            Self::Taken(_) => true,
            Self::Missing
            | Self::Busy
            | Self::Closed
            | Self::Panicked
            | Self::Aborted
            | Self::OutcomeUnknown
            | Self::Column { .. }
            | Self::Statement { .. }
            | Self::Sqlite(..)
            | Self::Migration(_)
            | Self::Open(_)
            | Self::TooSlow(_)
            | Self::Locked(_) => false,
        }
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
            | Self::TooSlow(_)
            | Self::Locked(_)
            | Self::Taken(_) => false,
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
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => causes(error),
    }
}

/// What an error says, with what its causes add.
pub(super) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_stays() {
        let cases = [
            ("57014", Some(Temporary::Slow)),
            ("55P03", Some(Temporary::Locked)),
            ("25006", Some(Temporary::ReadOnly)),
            ("53100", Some(Temporary::Full)),
            ("53200", Some(Temporary::Short)),
            ("53300", Some(Temporary::Short)),
            ("57P01", Some(Temporary::Unreachable)),
            ("57P03", Some(Temporary::Unreachable)),
            ("08006", Some(Temporary::Unreachable)),
            ("58030", Some(Temporary::Io)),
            ("23505", None),
            ("42601", None),
            ("22P02", None),
            ("", None),
        ];
        for (code, expected) in cases {
            assert_eq!(Temporary::of_state(code), expected, "{code}");
        }
        use rusqlite::ffi;
        let cases = [
            (ffi::SQLITE_FULL, true),
            (ffi::SQLITE_BUSY, true),
            (ffi::SQLITE_BUSY_SNAPSHOT, true),
            (ffi::SQLITE_INTERRUPT, true),
            (ffi::SQLITE_READONLY_DBMOVED, true),
            (ffi::SQLITE_IOERR_FSYNC, true),
            (ffi::SQLITE_CANTOPEN, true),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, false),
            (ffi::SQLITE_CORRUPT, false),
            (ffi::SQLITE_ERROR, false),
        ];
        for (code, expected) in cases {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(DbError::sqlite(error, "commit").is_temporary(), expected, "{code}");
        }
        for error in [DbError::Busy, DbError::Closed, DbError::OutcomeUnknown, DbError::TooSlow("select 1")] {
            assert!(error.is_temporary(), "{error}");
        }
        for error in [DbError::Missing, DbError::Panicked, DbError::Aborted, DbError::Open(String::new())] {
            assert!(!error.is_temporary(), "{error}");
        }
    }
}
