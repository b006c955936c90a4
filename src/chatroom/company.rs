//! Who of a room may be seen to be here: the people who share it.

use crate::clock::Micros;
use crate::db::{Reader, Value};
use crate::error::Result;
use crate::id::{RoomId, UserId};
use crate::{params, sql};

/// The members who show whether they are here, with when they were last seen: so many at most.
pub fn of_room(db: &mut Reader<'_>, room: RoomId, limit: i64) -> Result<Vec<(UserId, Option<Micros>)>> {
    Ok(db.all(
        sql!(
            r#"
            select m.user_id, (select u.seen_at from "user" u where u.id = m.user_id) as seen_at
            from chatroom_member m
            where m.chatroom_id = $1
                and m.left_at is null
                and (select u.shows_presence from "user" u where u.id = m.user_id) = 1
            order by m.user_id
            limit $2
            "#
        ),
        params![room, limit],
        |row| Ok((row.get("user_id")?, row.get("seen_at")?)),
    )?)
}

/// The same of some people: who is not in the room, or does not show it, is left out.
pub fn some_of_room(db: &mut Reader<'_>, room: RoomId, users: &[UserId]) -> Result<Vec<(UserId, Option<Micros>)>> {
    let ids: Vec<i64> = users.iter().map(|user| user.0).collect();
    Ok(db.all(
        sql!(
            r#"
            select u.id, u.seen_at
            from "user" u
            where u.id in {ids:$2}
                and u.shows_presence = 1
                and (
                    select count(*)
                    from chatroom_member m
                    where m.chatroom_id = $1 and m.user_id = u.id and m.left_at is null
                ) = 1
            order by u.id
            "#
        ),
        params![room, Value::ids(&ids)],
        |row| Ok((row.get("id")?, row.get("seen_at")?)),
    )?)
}

/// The rooms in which some people are seen: those of the people who share it.
pub fn rooms_of(db: &mut Reader<'_>, users: &[UserId]) -> Result<Vec<(RoomId, UserId)>> {
    let ids: Vec<i64> = users.iter().map(|user| user.0).collect();
    Ok(db.all(
        sql!(
            r#"
            select m.chatroom_id, m.user_id
            from chatroom_member m
            where m.user_id in {ids:$1}
                and m.left_at is null
                and (select u.shows_presence from "user" u where u.id = m.user_id) = 1
                and (select c.state from chatroom c where c.id = m.chatroom_id) <> 'deleted'
            order by m.chatroom_id, m.user_id
            "#
        ),
        params![Value::ids(&ids)],
        |row| Ok((row.get("chatroom_id")?, row.get("user_id")?)),
    )?)
}
