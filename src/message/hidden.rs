//! Hidden for me: a message that one person does not want to see, on any device. Nobody else learns of it.

use crate::chatroom::Member;
use crate::db::{Reader, Value, Writer};
use crate::error::{Error, Result};
use crate::id::MessageId;
use crate::message::{Message, Quoted, from_row};
use crate::{params, sql};

/// Hidden messages that are listed, at most.
const LIST_MAX: i64 = 200;

/// Hides a message for its reader, or shows it again: whether that changed anything.
///
/// # Errors
/// `NotFound` outside of the room.
pub fn set(tx: &mut Writer<'_>, member: &Member, id: MessageId, on: bool) -> Result<bool> {
    super::find(tx, member, id)?.ok_or(Error::NotFound)?;
    let changed = if on {
        tx.execute(
            sql!(
                r#"
                insert into message_hidden (user_id, message_id, chatroom_id)
                values ($1, $2, $3)
                on conflict (user_id, message_id) do nothing
                "#
            ),
            params![member.user(), id, member.room()],
        )?
    } else {
        tx.execute(
            sql!("delete from message_hidden where user_id = $1 and message_id = $2"),
            params![member.user(), id],
        )?
    };
    if changed > 0 {
        tx.execute(
            sql!("update chatroom_member set hides = hides + 1 where chatroom_id = $1 and user_id = $2"),
            params![member.room(), member.user()],
        )?;
    }
    Ok(changed > 0)
}

/// Everything that the person has hidden in a room, the latest message first.
pub fn list(db: &mut Reader<'_>, member: &Member) -> Result<Vec<Quoted>> {
    let ids: Vec<i64> = db.all(
        sql!(
            r#"
            select message_id
            from message_hidden
            where user_id = $1 and chatroom_id = $2
            order by message_id desc
            limit $3
            "#
        ),
        params![member.user(), member.room(), LIST_MAX],
        |row| row.get("message_id"),
    )?;
    let hidden = db.all(
        sql!(
            r#"
            select *
            from message_view
            where id in {ids:$1} and deleted_at is null and position + 0 > $2
            order by id desc
            "#
        ),
        params![Value::ids(&ids), member.first_position()],
        from_row,
    )?;
    Ok(hidden.iter().map(Message::as_quoted).collect())
}

/// Which of these messages the person has hidden.
pub fn among(db: &mut Reader<'_>, member: &Member, messages: &[i64]) -> Result<Vec<MessageId>> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    Ok(db.all(
        sql!(
            r#"
            select m.id
            from message m
            where m.id in {ids:$2}
                and (select count(*) from message_hidden h where h.user_id = $1 and h.message_id = m.id) = 1
            order by m.id
            "#
        ),
        params![member.user(), Value::ids(messages)],
        |row| row.get("id"),
    )?)
}
