//! What a person shows of reading and being here. Who does not show it does not see it of others either.

use crate::clock::Micros;
use crate::db::{Reader, Value, Writer};
use crate::error::Result;
use crate::id::UserId;
use crate::{params, sql};
use serde::Serialize;

/// The two choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sharing {
    /// Receipts: which messages the person has read, and when.
    pub reads: bool,
    /// Whether the person is here, and when the person last was.
    pub presence: bool,
}

/// A person's choices.
pub fn find(db: &mut Reader<'_>, user: UserId) -> Result<Option<Sharing>> {
    Ok(db.first(sql!(r#"select shows_reads, shows_presence from "user" where id = $1"#), params![user], |row| {
        Ok(Sharing { reads: row.get("shows_reads")?, presence: row.get("shows_presence")? })
    })?)
}

/// Keeps what a person chose.
pub fn update(tx: &mut Writer<'_>, user: UserId, sharing: Sharing) -> Result<()> {
    tx.execute(
        sql!(r#"update "user" set shows_reads = $2, shows_presence = $3 where id = $1"#),
        params![user, i64::from(sharing.reads), i64::from(sharing.presence)],
    )?;
    Ok(())
}

/// Writes down when people were last seen.
pub fn mark_seen(tx: &mut Writer<'_>, users: &[UserId], at: Micros) -> Result<()> {
    let ids: Vec<i64> = users.iter().map(|user| user.0).collect();
    tx.execute(
        sql!(r#"update "user" set seen_at = $2 where id in {ids:$1} and (seen_at is null or seen_at < $2)"#),
        params![Value::ids(&ids), at],
    )?;
    Ok(())
}
