//! Who has read a message, and when: in pages, from the rows of advances; and how many of these are kept.

use crate::clock::{Micros, rfc3339};
use crate::db::{Reader, Value, Writer};
use crate::error::Result;
use crate::id::{RoomId, UserId};
use crate::user::Name;
use crate::{params, sql};
use serde::Serialize;
use std::collections::BTreeMap;

/// Readers of a page.
pub const PAGE: usize = 50;
/// Readers of a message are counted up to this many.
pub const COUNTED: i64 = 1_000;
/// Rows that one page looks at, a step at a time; the next page goes on from there.
const STEPS: [i64; 3] = [100, 900, 1_000];

/// Advances of one person in one room that are kept, and a few more: for who reads along with everything a week or two.
pub const KEPT: i64 = 500;
/// Whose advance takes such a number of the room's count of receipts forgets the older ones.
pub(super) const TRIM_EVERY: i64 = 16;
/// Advances older than this are forgotten: 90 days.
pub const KEPT_FOR: Micros = 90 * 24 * 3_600 * 1_000_000;
/// Advances that one step of that looks at.
const BATCH: i64 = 500;

/// When somebody read a message; nobody knows any more when the time was long ago.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Who.
    pub user: UserId,
    /// RFC 3339.
    pub at: Option<String>,
}

/// A page of a message's readers.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Of those who moved last first; in a page by the time of reading.
    pub reads: Vec<Seen>,
    /// The same people by name.
    pub people: Vec<Name>,
    /// All readers, at most [`COUNTED`].
    pub count: i64,
    /// Where the list goes on: the `after` of the next page.
    pub next: Option<Place>,
}

/// A place in the list: a member's count of receipts, and the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(i64, i64);

impl Place {
    /// Reads what [`Place::write`] wrote.
    pub fn read(text: &str) -> Option<Self> {
        let (reads, user) = text.split_once('.')?;
        Some(Self(reads.parse().ok()?, user.parse().ok()?))
    }

    /// As it stands in an address.
    pub fn write(self) -> String {
        format!("{}.{}", self.0, self.1)
    }
}

/// Who of those who share it has seen the message at a position, and when: the time of the first advance that reached it.
pub fn of_message(db: &mut Reader<'_>, room: RoomId, position: i64, after: Option<Place>) -> Result<Page> {
    let mut place = after.unwrap_or(Place(i64::MAX, i64::MAX));
    let (mut hits, mut next, mut looked_at) = (Vec::new(), None, 0);
    'steps: for size in STEPS {
        let rows = step(db, room, position, place, size)?;
        let is_end = i64::try_from(rows.len()).is_ok_and(|found| found < size);
        looked_at += size;
        for (at, is_hit) in rows {
            if is_hit && hits.len() == PAGE {
                next = Some(place);
                break 'steps;
            }
            place = at;
            if is_hit {
                hits.push(at.1);
            }
        }
        if is_end {
            break;
        }
        next = (looked_at == STEPS.iter().sum::<i64>()).then_some(place);
    }
    let count = count(db, room, position)?;
    let (reads, people) = times(db, room, position, &hits)?;
    Ok(Page { reads, people, count, next })
}

fn step(db: &mut Reader<'_>, room: RoomId, position: i64, after: Place, size: i64) -> Result<Vec<(Place, bool)>> {
    Ok(db.all(
        sql!(
            r#"
            select m.user_id, m.reads,
                case
                    when m.seen_from < $2
                        and m.seen_position >= $2
                        and (select u.shows_reads from "user" u where u.id = m.user_id) = 1 then 1
                    else 0
                end as is_hit
            from (
                select user_id, reads, seen_from, seen_position
                from chatroom_member
                where chatroom_id = $1 and coalesce(left_at, 0) = 0 and (reads, user_id) < ($3, $4)
                order by reads desc, user_id desc
                limit $5
            ) m
            order by m.reads desc, m.user_id desc
            "#
        ),
        params![room, position, after.0, after.1, size],
        |row| Ok((Place(row.get("reads")?, row.get("user_id")?), row.get::<bool>("is_hit")?)),
    )?)
}

fn count(db: &mut Reader<'_>, room: RoomId, position: i64) -> Result<i64> {
    Ok(db.one(
        sql!(
            r#"
            select count(*) as seen
            from (
                select 1
                from chatroom_member m
                where m.chatroom_id = $1
                    and m.left_at is null
                    and m.seen_from < $2
                    and m.seen_position >= $2
                    and (select u.shows_reads from "user" u where u.id = m.user_id) = 1
                limit $3
            ) reader
            "#
        ),
        params![room, position, COUNTED],
        |row| row.get("seen"),
    )?)
}

fn times(db: &mut Reader<'_>, room: RoomId, position: i64, users: &[i64]) -> Result<(Vec<Seen>, Vec<Name>)> {
    let mut rows: Vec<(Option<Micros>, Name)> = db.all(
        sql!(
            r#"
            select
                m.user_id,
                (select u.first_name from "user" u where u.id = m.user_id) as first_name,
                (select u.last_name from "user" u where u.id = m.user_id) as last_name,
                case
                    when m.receipts_from >= $2 then null
                    else (
                        select r.read_at
                        from message_read_receipt r
                        where r.chatroom_id = m.chatroom_id and r.user_id = m.user_id and r.position >= $2
                        order by r.position
                        limit 1
                    )
                end as read_at
            from chatroom_member m
            where m.chatroom_id = $1 and m.user_id in {ids:$3}
            "#
        ),
        params![room, position, Value::ids(users)],
        |row| Ok((row.get("read_at")?, Name::from_row(row, "user_id", "first_name", "last_name")?)),
    )?;
    rows.sort_unstable_by_key(|(at, name)| (at.unwrap_or(Micros::MIN), name.id));
    let reads = rows.iter().map(|(at, name)| Seen { user: name.id, at: at.map(rfc3339) }).collect();
    Ok((reads, rows.into_iter().map(|(_, name)| name).collect()))
}

/// Forgets all but a person's latest advances in a room.
pub(super) fn trim(tx: &mut Writer<'_>, room: RoomId, user: UserId) -> Result<()> {
    let oldest: Option<i64> = tx.first(
        sql!(
            r#"
            select position
            from message_read_receipt
            where chatroom_id = $1 and user_id = $2
            order by position desc
            limit 1 offset $3
            "#
        ),
        params![room, user, KEPT],
        |row| row.get("position"),
    )?;
    match oldest {
        Some(position) => forget(tx, room, user, position),
        None => Ok(()),
    }
}

/// Forgets a batch of advances from before a moment, the oldest first: whether more are left.
///
/// # Errors
/// Those of the store.
pub fn forget_old(tx: &mut Writer<'_>, before: Micros) -> Result<bool> {
    let rows: Vec<(RoomId, UserId, i64)> = tx.all(
        sql!(
            r#"
            select chatroom_id, user_id, position
            from message_read_receipt
            where read_at < $1
            order by read_at
            limit $2
            "#
        ),
        params![before, BATCH],
        |row| Ok((row.get("chatroom_id")?, row.get("user_id")?, row.get("position")?)),
    )?;
    let mut latest: BTreeMap<(RoomId, UserId), i64> = BTreeMap::new();
    for (room, user, position) in &rows {
        let known = latest.entry((*room, *user)).or_default();
        *known = (*known).max(*position);
    }
    for ((room, user), position) in latest {
        forget(tx, room, user, position)?;
    }
    Ok(i64::try_from(rows.len()).is_ok_and(|found| found == BATCH))
}

/// Forgets when a person read what stands up to a position; that it was read stays known.
fn forget(tx: &mut Writer<'_>, room: RoomId, user: UserId, position: i64) -> Result<()> {
    tx.execute(
        sql!(
            r#"
            update chatroom_member
            set receipts_from = $3
            where chatroom_id = $1 and user_id = $2 and receipts_from < $3
            "#
        ),
        params![room, user, position],
    )?;
    tx.execute(
        sql!("delete from message_read_receipt where chatroom_id = $1 and user_id = $2 and position <= $3"),
        params![room, user, position],
    )?;
    Ok(())
}
