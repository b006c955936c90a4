//! Pins: what those who moderate put above the talk. They belong to the room, so a pin is a change of the room.

use crate::chatroom::{self, Member, Room};
use crate::clock::Micros;
use crate::db::{Reader, Writer};
use crate::error::{Error, Result, Text};
use crate::id::{MessageId, RoomId};
use crate::message::{self, Quoted, from_row, system};
use crate::{params, sql};

/// Messages pinned at the same time in one room, at most.
pub const MAX: i64 = 50;

/// What is pinned in the member's room and may be seen, the latest pin first.
pub fn list(db: &mut Reader<'_>, member: &Member) -> Result<Vec<Quoted>> {
    above(db, member.room(), member.first_position())
}

/// What is pinned in a room and stands above a position, the latest pin first.
pub fn above(db: &mut Reader<'_>, room: RoomId, position: i64) -> Result<Vec<Quoted>> {
    let pinned = db.all(
        sql!(
            r#"
            select *
            from message_view
            where chatroom_id = $1 and pinned_at is not null and deleted_at is null and position + 0 > $2
            order by pinned_at desc, id desc
            limit $3
            "#
        ),
        params![room, position, MAX],
        from_row,
    )?;
    Ok(pinned.iter().map(message::Message::as_quoted).collect())
}

/// Pins a message, or takes the pin away. What is so already changes nothing: then there is nothing to tell.
///
/// # Errors
/// `NotFound` outside of the room, `Forbidden` for who does not moderate, `Conflict` for a deleted message or too many pins.
pub fn set(tx: &mut Writer<'_>, member: &Member, id: MessageId, on: bool, now: Micros) -> Result<Option<Room>> {
    let present = message::of_room(tx, member, id)?.message;
    if !member.role().may_moderate() {
        return Err(Error::Forbidden(Text::new("error-forbidden")));
    }
    system::refuse(&present)?;
    if present.is_deleted() {
        return Err(Error::Conflict(Text::new("message-deleted")));
    }
    if present.pinned_at.is_some() == on {
        return Ok(None);
    }
    if on && i64::try_from(above(tx, member.room(), 0)?.len()).is_ok_and(|count| count >= MAX) {
        return Err(Error::Conflict(Text::new("pin-too-many").with("max", MAX)));
    }
    let revision = chatroom::advance(tx, member)?;
    tx.execute(
        sql!("update message set pinned_at = $2, pinned_by = $3 where id = $1"),
        params![id, on.then_some(now), on.then_some(member.user())],
    )?;
    chatroom::touch(tx, member.room(), revision)?;
    chatroom::find(tx, member.room())?.ok_or(Error::NotFound).map(Some)
}
