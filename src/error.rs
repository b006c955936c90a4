//! What can go wrong, named by what the person asking can do about it. Knows nothing of HTTP.
//!
//! Which one to use where: `Invalid` for what was typed, `Conflict` for what the present state forbids, `Forbidden` for
//! a member without the right, `NotFound` for everything that is not there *or not yours* (the two must look alike),
//! `Internal` for our own faults. What people read (a [`Text`]) and what the log reads (the source) are two texts.

use crate::db::DbError;
use std::borrow::Cow;
use std::fmt;

/// The result of anything that a person asked for.
pub type Result<T> = std::result::Result<T, Error>;

/// An outcome other than success.
#[derive(Debug)]
pub enum Error {
    /// Nobody is signed in.
    Unauthenticated,
    /// Signed in, of the room, but without the right.
    Forbidden(Text),
    /// Not there, or not yours.
    NotFound,
    /// The present state of things forbids it.
    Conflict(Text),
    /// What was sent is not right, field by field.
    Invalid(Fields),
    /// More bytes than we take.
    TooLarge,
    /// An attached file has more bytes than we take.
    FileTooLarge(Text),
    /// Too often; try again after so many seconds.
    TooMany {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// The installation has no more of something just now; try again after so many seconds.
    Busy {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// There is no room for more bytes, with a sentence that says whose room it was.
    Full(Text),
    /// Overloaded or stopping; try again.
    Unavailable,
    /// Our own fault; the source is for the log alone.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

/// A text of the interface, not yet in anybody's language: a Fluent key and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The message's key in `locales/*/*.ftl`.
    pub key: &'static str,
    /// Its arguments.
    pub args: Vec<(&'static str, i64)>,
}

impl Text {
    /// A text without arguments.
    pub const fn new(key: &'static str) -> Self {
        Self { key, args: Vec::new() }
    }

    /// With one more argument.
    pub fn with(mut self, name: &'static str, value: impl TryInto<i64>) -> Self {
        self.args.push((name, value.try_into().unwrap_or(i64::MAX)));
        self
    }
}

/// What is wrong with which field; the field `form` stands for the form as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(Cow<'static, str>, Text)>);

impl Fields {
    /// Notes a fault of a field.
    pub fn add(&mut self, field: &'static str, text: Text) {
        self.0.push((Cow::Borrowed(field), text));
    }

    /// `Ok` when nothing was noted.
    pub fn check(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self)) }
    }
}

impl Error {
    /// One field is wrong.
    pub fn field(field: &'static str, text: Text) -> Self {
        Self::Invalid(Fields(vec![(Cow::Borrowed(field), text)]))
    }

    /// Our own fault, with its source.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }
}

/// A fault of the store is ours, unless it only says "later".
impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        if error.is_temporary() { Self::Unavailable } else { Self::internal(error) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthenticated => f.write_str("not signed in"),
            Self::Forbidden(text) => write!(f, "forbidden: {}", text.key),
            Self::NotFound => f.write_str("not found"),
            Self::Conflict(text) => write!(f, "conflict: {}", text.key),
            Self::Invalid(fields) => {
                f.write_str("invalid:")?;
                fields.0.iter().try_for_each(|(field, text)| write!(f, " {field}: {}", text.key))
            }
            Self::TooLarge => f.write_str("too large"),
            Self::FileTooLarge(text) => write!(f, "too large: {}", text.key),
            Self::TooMany { retry_after } => write!(f, "too many, retry after {retry_after} s"),
            Self::Busy { retry_after } => write!(f, "busy, retry after {retry_after} s"),
            Self::Full(text) => write!(f, "full: {}", text.key),
            Self::Unavailable => f.write_str("unavailable"),
            Self::Internal(source) => write!(f, "internal: {source}"),
        }
    }
}

impl std::error::Error for Error {}
