//! The identities of things: a newtype each, so that a room's number cannot be given where a person's is meant.

use crate::db::{Cell, FromColumn, Value};
use serde::Serialize;
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$name> for Value<'_> {
            fn from(id: $name) -> Self {
                Value::Int(id.0)
            }
        }

        impl From<i64> for $name {
            fn from(id: i64) -> Self {
                $name(id)
            }
        }

        impl FromColumn for $name {
            const EXPECTED: &'static str = i64::EXPECTED;

            fn from_column(cell: Cell<'_>) -> Option<Self> {
                i64::from_column(cell).map($name)
            }
        }
    };
}

id!(
    /// A person.
    UserId
);
id!(
    /// A goal.
    GoalId
);
id!(
    /// A chatroom of any kind.
    RoomId
);
id!(
    /// A message.
    MessageId
);
id!(
    /// A signed-in browser's session.
    SessionId
);
id!(
    /// A file of a message.
    AttachmentId
);
