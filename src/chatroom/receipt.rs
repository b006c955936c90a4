//! Read receipts: a watermark a member, "has seen everything up to here", and a row for each advance of it.
//!
//! None of this takes the room's revision or its row: a thousand readers do not make one sender wait.

use crate::chatroom::Member;
use crate::clock::{Micros, rfc3339};
use crate::db::{DbError, Reader, Row, Writer};
use crate::error::Result;
use crate::id::{RoomId, UserId};
use crate::{params, sql};
use serde::Serialize;

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

/// When somebody read a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Who.
    pub user: UserId,
    /// RFC 3339.
    pub at: String,
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

/// The watermarks of a room's present members who share theirs.
pub fn list(db: &mut Reader<'_>, room: RoomId) -> Result<Vec<Mark>> {
    let mut marks = since(db, room, -1)?;
    marks.retain(|mark| mark.position.is_some());
    Ok(marks)
}

/// What has changed after a count of receipts, those who tell nothing any more included.
pub fn since(db: &mut Reader<'_>, room: RoomId, reads: i64) -> Result<Vec<Mark>> {
    Ok(db.all(
        sql!(
            r#"
            select
                m.user_id, m.seen_position, m.seen_from, m.seen_at,
                (select u.shows_reads from "user" u where u.id = m.user_id) as shows_reads
            from chatroom_member m
            where m.chatroom_id = $1 and m.left_at is null and m.reads > $2
            order by m.user_id
            "#
        ),
        params![room, reads],
        mark,
    )?)
}

/// Who of those who share it has seen the message at a position, and when: the time of the first advance that reached it.
pub fn of_message(db: &mut Reader<'_>, room: RoomId, position: i64) -> Result<Vec<Seen>> {
    Ok(db.all(
        sql!(
            r#"
            select s.user_id, s.read_at
            from (
                select
                    m.user_id,
                    (
                        select r.read_at
                        from message_read_receipt r
                        where r.chatroom_id = m.chatroom_id and r.user_id = m.user_id and r.position >= $2
                        order by r.position
                        limit 1
                    ) as read_at
                from chatroom_member m
                where m.chatroom_id = $1
                    and m.left_at is null
                    and m.seen_from < $2
                    and m.seen_position >= $2
                    and (select u.shows_reads from "user" u where u.id = m.user_id) = 1
            ) s
            where s.read_at is not null
            order by s.read_at, s.user_id
            "#
        ),
        params![room, position],
        |row| Ok(Seen { user: row.get("user_id")?, at: rfc3339(row.get("read_at")?) }),
    )?)
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
