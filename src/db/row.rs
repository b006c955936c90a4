//! What comes out of a statement: one row, read by the names of its columns.

use super::DbError;
use super::sqlite;
use std::cell::Cell as Hint;
use std::sync::Arc;

/// One value of a row, as both engines give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cell<'a> {
    /// Nothing.
    Null,
    /// Any whole number, and PostgreSQL's booleans as 0 and 1.
    Int(i64),
    /// Any text.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
    /// A type that the two engines do not share; the field is its name. Cast it in the statement.
    Other(&'static str),
}

impl Cell<'_> {
    fn kind(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Int(_) => "bigint",
            Self::Text(_) => "text",
            Self::Blob(_) => "blob",
            Self::Other(name) => name,
        }
    }
}

/// What [`Row::get`] can read. Newtypes of ids implement it on top of `i64`.
pub trait FromColumn: Sized {
    /// The type's name in an error.
    const EXPECTED: &'static str;
    /// The value, or `None` when the cell holds something else.
    fn from_column(cell: Cell<'_>) -> Option<Self>;
}

impl FromColumn for i64 {
    const EXPECTED: &'static str = "bigint";
    fn from_column(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Int(number) = cell { Some(number) } else { None }
    }
}

impl FromColumn for bool {
    const EXPECTED: &'static str = "0 or 1";
    fn from_column(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(0) => Some(false),
            Cell::Int(1) => Some(true),
            Cell::Null | Cell::Int(_) | Cell::Text(_) | Cell::Blob(_) | Cell::Other(_) => None,
        }
    }
}

impl FromColumn for String {
    const EXPECTED: &'static str = "text";
    fn from_column(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Text(text) = cell { Some(text.to_owned()) } else { None }
    }
}

impl FromColumn for Vec<u8> {
    const EXPECTED: &'static str = "blob";
    fn from_column(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Blob(bytes) = cell { Some(bytes.to_vec()) } else { None }
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    fn from_column(cell: Cell<'_>) -> Option<Self> {
        if cell == Cell::Null { Some(None) } else { T::from_column(cell).map(Some) }
    }
}

/// The names of a statement's columns, looked at once per prepared statement.
#[derive(Clone)]
pub(super) struct Columns(Arc<[Box<str>]>);

impl Columns {
    /// Refuses a name that stands twice: `get` could not tell which one is meant.
    pub(super) fn new<'n>(names: impl Iterator<Item = &'n str>) -> Result<Self, DbError> {
        let names: Vec<Box<str>> = names.map(Box::from).collect();
        for (index, name) in names.iter().enumerate() {
            if names[..index].contains(name) {
                let found = "two columns of that name (rename one with `as`)".to_owned();
                return Err(DbError::Column { name: name.to_string(), expected: "one column", found });
            }
        }
        Ok(Self(names.into()))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

pub(super) enum Source<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a postgres::Row),
}

/// One row of an answer.
pub struct Row<'a> {
    source: Source<'a>,
    columns: &'a Columns,
    /// Columns are mostly read in their order: where to look first.
    next: Hint<usize>,
}

impl<'a> Row<'a> {
    pub(super) fn new(source: Source<'a>, columns: &'a Columns) -> Self {
        Self { source, columns, next: Hint::new(0) }
    }

    /// The value of a column, by the name that the statement gives it (`as`).
    ///
    /// # Errors
    /// [`DbError::Column`] when there is no such column or its value is of another type.
    pub fn get<T: FromColumn>(&self, name: &str) -> Result<T, DbError> {
        let wrong =
            |found: &str| DbError::Column { name: name.to_owned(), expected: T::EXPECTED, found: found.to_owned() };
        let index = self.position(name).ok_or_else(|| wrong("no such column"))?;
        let cell = match self.source {
            Source::Sqlite(row) => sqlite::cell(row, index),
            Source::Postgres(row) => super::postgres::cell(row, index),
        };
        T::from_column(cell).ok_or_else(|| wrong(cell.kind()))
    }

    fn position(&self, name: &str) -> Option<usize> {
        let names = &self.columns.0;
        let next = self.next.get();
        let index = match names.get(next) {
            Some(candidate) if **candidate == *name => next,
            Some(_) | None => names.iter().position(|candidate| **candidate == *name)?,
        };
        self.next.set(index + 1);
        Some(index)
    }
}
