//! What a deletion leaves nothing of: the text of messages, what belonged to them, and in time everything of a deleted room.

use crate::clock::Micros;
use crate::db::{Reader, Writer};
use crate::error::Result;
use crate::id::{GoalId, MessageId, RoomId};
use crate::message::{self, search};
use crate::{params, sql};

/// Messages that are erased in one transaction.
const BATCH: i64 = 200;
/// Rooms that one round takes on.
const ROOMS: i64 = 50;
/// Pages of the search's index that one step writes anew.
const PAGES: i64 = 256;

/// A deleted room whose content is to go.
#[derive(Debug, Clone, Copy)]
pub struct Due {
    /// Which.
    pub room: RoomId,
    /// Its goal, when it is the goal's own room.
    pub goal: Option<GoalId>,
}

/// Rooms that were deleted before the program noted when: their time begins now.
pub fn note_deleted(tx: &mut Writer<'_>, now: Micros) -> Result<()> {
    tx.execute(
        sql!("update chatroom set deleted_at = $1 where state = 'deleted' and deleted_at is null"),
        params![now],
    )?;
    Ok(())
}

/// Rooms that were deleted up to a moment and hold something still.
pub fn due(db: &mut Reader<'_>, until: Micros) -> Result<Vec<Due>> {
    Ok(db.all(
        sql!(
            r#"
            select id, case when kind = 'goal' then goal_id end as goal
            from chatroom
            where state = 'deleted' and erased_at is null and deleted_at <= $1
            order by id
            limit $2
            "#
        ),
        params![until, ROOMS],
        |row| Ok(Due { room: row.get("id")?, goal: row.get("goal")? }),
    )?)
}

/// Erases the next messages of a deleted room, above a position: where the next batch begins, or nothing when that were all.
///
/// # Errors
/// Those of the store.
pub fn next_batch(tx: &mut Writer<'_>, room: RoomId, above: i64, now: Micros) -> Result<Option<i64>> {
    let batch: Vec<(MessageId, i64)> = tx.all(
        sql!(
            r#"
            select id, position
            from message
            where chatroom_id = $1 and position > $2
            order by position
            limit $3
            "#
        ),
        params![room, above, BATCH],
        |row| Ok((row.get("id")?, row.get("position")?)),
    )?;
    for (id, _) in &batch {
        tx.execute(
            sql!(
                r#"
                update message
                set content = '', body_html = '', excerpt = '', sent_hash = $2, pinned_at = null, pinned_by = null,
                    deleted_at = coalesce(deleted_at, $3)
                where id = $1
                "#
            ),
            params![*id, [].as_slice(), now],
        )?;
        message::forget_parts(tx, *id)?;
        search::forget(tx, *id)?;
        tx.execute(sql!("delete from message_hidden where message_id = $1"), params![*id])?;
    }
    Ok(batch.last().map(|(_, position)| *position))
}

/// Erases what a deleted room and its goal were called, and what people were told of them.
///
/// # Errors
/// Those of the store.
pub fn finish(tx: &mut Writer<'_>, due: Due, now: Micros) -> Result<()> {
    tx.execute(sql!("delete from message_read_receipt where chatroom_id = $1"), params![due.room])?;
    tx.execute(sql!("delete from notification where chatroom_id = $1"), params![due.room])?;
    if let Some(goal) = due.goal {
        tx.execute(sql!("delete from notification where goal_id = $1"), params![goal])?;
        tx.execute(sql!("update goal set title = '', description = '' where id = $1"), params![goal])?;
    }
    tx.execute(
        sql!("update chatroom set title = '', title_key = '', folded = '', erased_at = $2 where id = $1"),
        params![due.room, now],
    )?;
    Ok(())
}

/// Writes a part of the search's index anew, so that what it marked as deleted is gone from it (SQLite; PostgreSQL does so when it vacuums).
///
/// # Errors
/// Those of the store.
pub fn compact_index(tx: &mut Writer<'_>) -> Result<()> {
    tx.execute(sql!("{compact_grams:$1}"), params![-PAGES])?;
    Ok(())
}

/// Forgets what was found behind the addresses that a message shows, unless another message shows it. Addresses that it holds and does not show are
/// forgotten within the hour ([`link::forget_unshown`](super::link::forget_unshown)): to find them, its text would have to be parsed here.
pub(super) fn forget_links(tx: &mut Writer<'_>, id: MessageId) -> Result<()> {
    let addresses: Vec<String> =
        tx.all(sql!("select url from message_link where message_id = $1"), params![id], |row| row.get("url"))?;
    tx.execute(sql!("delete from message_link where message_id = $1"), params![id])?;
    for address in &addresses {
        tx.execute(
            sql!(
                r#"
                delete from link_preview
                where url = $1 and not exists (select 1 from message_link l where l.url = link_preview.url)
                "#
            ),
            params![address],
        )?;
    }
    Ok(())
}
