//! Read receipts: a watermark a member, "has seen everything up to here", and a row for each advance of it,
//! of which the latest are kept ([`reader`]).
//!
//! None of this takes the room's revision or its row: a thousand readers do not make one sender wait.

use crate::chatroom::{Member, reader};
use crate::clock::{Micros, rfc3339};
use crate::db::{DbError, Reader, Row, Writer};
use crate::error::Result;
use crate::id::{RoomId, UserId};
use crate::{params, sql};
use serde::Serialize;

/// Marks that one answer or event holds: more than change in one batch of receipts.
pub const MARKS: i64 = 200;

/// How far one member has read, as the others are told. Without a position the person tells nothing any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// Who.
    pub user: UserId,
    /// Has seen every message up to here.
    pub position: Option<i64>,
    /// What stands up to here was said before the person came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// When the watermark last rose, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// Somebody has read on.
#[derive(Debug, Clone, Copy)]
pub struct Advance {
    /// In which room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// Everything up to here.
    pub position: i64,
    /// Whether the others are told.
    pub is_shared: bool,
    /// When.
    pub at: Micros,
}

/// What an advance changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Nothing: that far it had come before.
    Nothing,
    /// The person's own bookmark.
    Bookmark,
    /// That, and what the others are told.
    Receipt,
}

/// Moves a member's bookmark and, when it is shared, the receipt. `reads` is the room's next count of receipts.
pub fn advance(tx: &mut Writer<'_>, advance: &Advance, reads: i64) -> Result<Moved> {
    let seen = if advance.is_shared { advance.position } else { 0 };
    let count: Option<i64> = tx.first(
        sql!(
            r#"
            update chatroom_member
            set read_position = {greatest:read_position, $3},
                reads = case when seen_position < $4 then $6 else reads end,
                seen_at = case when seen_position < $4 then $5 else seen_at end,
                seen_position = {greatest:seen_position, $4}
            where chatroom_id = $1
                and user_id = $2
                and left_at is null
                and (read_position < $3 or seen_position < $4)
            returning reads
            "#
        ),
        params![advance.room, advance.user, advance.position, seen, advance.at, reads],
        |row| row.get("reads"),
    )?;
    match count {
        None => Ok(Moved::Nothing),
        Some(count) if count != reads => Ok(Moved::Bookmark),
        Some(_) => {
            if reads % reader::TRIM_EVERY == 0 {
                reader::trim(tx, advance.room, advance.user)?;
            }
            tx.execute(
                sql!(
                    r#"
                    insert into message_read_receipt (chatroom_id, user_id, position, read_at)
                    values ($1, $2, $3, $4)
                    on conflict (chatroom_id, user_id, position) do nothing
                    "#
                ),
                params![advance.room, advance.user, seen, advance.at],
            )?;
            Ok(Moved::Receipt)
        }
    }
}

/// Lays the person's own bookmark back before a message. What the others were told stays told.
pub fn mark_unread(tx: &mut Writer<'_>, member: &Member, position: i64) -> Result<()> {
    tx.execute(
        sql!(
            r#"
            update chatroom_member
            set read_position = $3
            where chatroom_id = $1 and user_id = $2 and left_at is null
            "#
        ),
        params![member.room(), member.user(), position - 1],
    )?;
    Ok(())
}

/// Watermarks of a room, those that moved last; `is_partial` where there are more.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// By person.
    pub marks: Vec<Mark>,
    /// Whether others were left out.
    pub is_partial: bool,
}

/// The watermarks of a room's present members who share theirs.
pub fn list(db: &mut Reader<'_>, room: RoomId) -> Result<Marks> {
    let mut marks = since(db, room, -1)?;
    marks.marks.retain(|mark| mark.position.is_some());
    Ok(marks)
}

/// What has changed after a count of receipts, those who tell nothing any more included; at most [`MARKS`], the latest.
pub fn since(db: &mut Reader<'_>, room: RoomId, reads: i64) -> Result<Marks> {
    let mut marks = db.all(
        sql!(
            r#"
            select
                m.user_id, m.seen_position, m.seen_from, m.seen_at,
                (select u.shows_reads from "user" u where u.id = m.user_id) as shows_reads
            from chatroom_member m
            where m.chatroom_id = $1 and coalesce(m.left_at, 0) = 0 and m.reads > $2
            order by m.reads desc, m.user_id desc
            limit $3
            "#
        ),
        params![room, reads, MARKS + 1],
        mark,
    )?;
    let is_partial = i64::try_from(marks.len()).is_ok_and(|found| found > MARKS);
    if is_partial {
        marks.pop();
    }
    marks.sort_unstable_by_key(|mark| mark.user);
    Ok(Marks { marks, is_partial })
}

/// Says in each of a person's rooms that something about the person's receipts changed; those rooms. `next` gives a room's
/// next count of receipts.
pub fn touch(tx: &mut Writer<'_>, user: UserId, next: impl Fn(RoomId) -> i64) -> Result<Vec<RoomId>> {
    let rooms: Vec<RoomId> = tx.all(
        sql!("select chatroom_id from chatroom_member where user_id = $1 and left_at is null order by chatroom_id"),
        params![user],
        |row| row.get("chatroom_id"),
    )?;
    for room in &rooms {
        tx.execute(
            sql!("update chatroom_member set reads = $3 where chatroom_id = $1 and user_id = $2"),
            params![*room, user, next(*room)],
        )?;
    }
    Ok(rooms)
}

/// Each room's count of receipts: what the program keeps in memory from its start on.
pub fn counts(db: &mut Reader<'_>) -> Result<Vec<(RoomId, i64)>> {
    Ok(db.all(
        sql!("select chatroom_id, max(reads) as reads from chatroom_member group by chatroom_id"),
        params![],
        |row| Ok((row.get("chatroom_id")?, row.get("reads")?)),
    )?)
}

fn mark(row: &Row<'_>) -> std::result::Result<Mark, DbError> {
    let user = row.get("user_id")?;
    if !row.get::<bool>("shows_reads")? {
        return Ok(Mark { user, position: None, from: None, at: None });
    }
    Ok(Mark {
        user,
        position: Some(row.get("seen_position")?),
        from: Some(row.get("seen_from")?),
        at: row.get::<Option<Micros>>("seen_at")?.map(rfc3339),
    })
}
