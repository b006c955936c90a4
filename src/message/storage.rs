//! What files take of the store, by person and in all: counted as they come and go, so that it costs the same however much there is.

use crate::clock::Micros;
use crate::db::{Reader, Row, Writer};
use crate::error::{Error, Result, Text};
use crate::id::{MessageId, UserId};
use crate::{params, sql};

const DAY: Micros = 24 * 3_600 * 1_000_000;
/// The row of everybody together.
const EVERYBODY: UserId = UserId(0);

/// Bytes, at most; none is no limit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Of one person in a day of UTC.
    pub day: Option<u64>,
    /// Of one person, in messages that are there.
    pub person: Option<u64>,
    /// Of everybody.
    pub everybody: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Use {
    bytes: i64,
    day: i64,
    day_bytes: i64,
}

impl Use {
    fn from_row(row: &Row<'_>) -> std::result::Result<Self, crate::db::DbError> {
        Ok(Self { bytes: row.get("bytes")?, day: row.get("day")?, day_bytes: row.get("day_bytes")? })
    }
}

/// Whether a person may upload at all: asked before the first byte of a file is read.
///
/// # Errors
/// `TooMany` until the next day, `Full` until something is deleted.
pub fn check(db: &mut Reader<'_>, user: UserId, limits: Limits, now: Micros) -> Result<()> {
    let mine = of(db, user)?;
    let today = if mine.day == day(now) { mine.day_bytes } else { 0 };
    // What comes has one byte at least.
    judge(today + 1, mine.bytes + 1, limits, now)?;
    judge_all(of(db, EVERYBODY)?.bytes + 1, limits)
}

/// Counts what a person has uploaded with a message.
///
/// # Errors
/// As [`check`]: then nothing of the transaction may stay.
pub fn add(tx: &mut Writer<'_>, user: UserId, bytes: u64, limits: Limits, now: Micros) -> Result<()> {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    if bytes == 0 {
        return Ok(());
    }
    let mine = count(tx, user, bytes, now)?;
    judge(mine.day_bytes, mine.bytes, limits, now)?;
    // The last row that is locked: everybody who uploads waits for it.
    judge_all(count(tx, EVERYBODY, bytes, now)?.bytes, limits)
}

/// Gives back what the files of a message took, before their rows go.
pub(super) fn release(tx: &mut Writer<'_>, message: MessageId) -> Result<()> {
    tx.execute(
        sql!(
            r#"
            update storage_use
            set bytes = bytes - (select coalesce(sum(size), 0) from attachment where message_id = $1)
            where (user_id = 0 or user_id = (select author_id from message where id = $1))
                and exists (select 1 from attachment where message_id = $1)
            "#
        ),
        params![message],
    )?;
    Ok(())
}

fn of(db: &mut Reader<'_>, user: UserId) -> Result<Use> {
    let found = db.first(
        sql!("select bytes, day, day_bytes from storage_use where user_id = $1"),
        params![user],
        Use::from_row,
    )?;
    Ok(found.unwrap_or_default())
}

fn count(tx: &mut Writer<'_>, user: UserId, bytes: i64, now: Micros) -> Result<Use> {
    Ok(tx.one(
        sql!(
            r#"
            insert into storage_use (user_id, bytes, day, day_bytes)
            values ($1, $2, $3, $2)
            on conflict (user_id) do update
            set bytes = storage_use.bytes + excluded.bytes,
                day_bytes = excluded.day_bytes + case when storage_use.day = excluded.day then storage_use.day_bytes else 0 end,
                day = excluded.day
            returning bytes, day, day_bytes
            "#
        ),
        params![user, bytes, day(now)],
        Use::from_row,
    )?)
}

fn day(now: Micros) -> i64 {
    now.div_euclid(DAY)
}

fn judge(today: i64, all: i64, limits: Limits, now: Micros) -> Result<()> {
    let is_over = |bytes: i64, most: Option<u64>| most.is_some_and(|most| u64::try_from(bytes).unwrap_or(0) > most);
    if is_over(all, limits.person) {
        let megabytes = limits.person.unwrap_or(0) >> 20;
        return Err(Error::Full(Text::new("file-person-full").with("max", megabytes)));
    }
    if is_over(today, limits.day) {
        let left = DAY - now.rem_euclid(DAY);
        return Err(Error::TooMany { retry_after: u64::try_from(left / 1_000_000).unwrap_or(0) + 1 });
    }
    Ok(())
}

fn judge_all(bytes: i64, limits: Limits) -> Result<()> {
    let is_over = limits.everybody.is_some_and(|most| u64::try_from(bytes).unwrap_or(0) > most);
    if is_over { Err(Error::Full(Text::new("file-storage-full"))) } else { Ok(()) }
}
