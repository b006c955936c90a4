//! Who is told of a message outside of the page: a browser of somebody who is in the room now, wants to hear of it, is signed in there, and
//! has not read it.

use crate::clock::Micros;
use crate::db::{DbError, Reader, Row, Value};
use crate::error::Result;
use crate::id::{MessageId, RoomId, UserId};
use crate::user::Name;
use crate::user::push::Subscription;
use crate::{params, sql};
use std::collections::HashMap;
use std::sync::Arc;

/// A message as a notification shows it.
#[derive(Debug, Clone)]
pub struct Told {
    /// Which.
    pub message: MessageId,
    /// Where.
    pub room: RoomId,
    /// The room's title.
    pub title: String,
    /// Whose.
    pub author: Name,
    /// Its beginning.
    pub excerpt: String,
}

/// A browser that is told.
#[derive(Clone)]
pub struct Listener {
    /// Whose.
    pub user: UserId,
    /// `fr` or `en`.
    pub locale: String,
    /// Whether the text may stand in the notification.
    pub shows_text: bool,
    /// `mention`, `reply`, or none for a message like any other.
    pub kind: Option<String>,
    /// Where to post.
    pub browser: Subscription,
}

/// Some messages with the browsers that they are told to, now.
pub fn of(db: &mut Reader<'_>, messages: &[i64], now: Micros) -> Result<Vec<(Arc<Told>, Listener)>> {
    let listeners = listeners(db, messages, now)?;
    if listeners.is_empty() {
        return Ok(Vec::new());
    }
    let told: HashMap<MessageId, Arc<Told>> =
        told(db, messages)?.into_iter().map(|told| (told.message, Arc::new(told))).collect();
    let together = |(id, listener)| Some((told.get(&id)?.clone(), listener));
    Ok(listeners.into_iter().filter_map(together).collect())
}

/// What there is to tell; nothing of a tombstone, of what a room says itself, or of a deleted room.
fn told(db: &mut Reader<'_>, messages: &[i64]) -> Result<Vec<Told>> {
    Ok(db.all(
        sql!(
            r#"
            select
                t.id as message_id, t.chatroom_id, t.excerpt, t.author_id, t.author_first_name, t.author_last_name,
                (select c.title from chatroom c where c.id = t.chatroom_id) as title
            from message_view t
            where t.id in {ids:$1}
                and t.deleted_at is null
                and t.kind <> 'system'
                and (select c.state from chatroom c where c.id = t.chatroom_id) <> 'deleted'
            "#
        ),
        params![Value::ids(messages)],
        |row| {
            Ok(Told {
                message: row.get("message_id")?,
                room: row.get("chatroom_id")?,
                title: row.get("title")?,
                author: Name::from_row(row, "author_id", "author_first_name", "author_last_name")?,
                excerpt: row.get("excerpt")?,
            })
        },
    )?)
}

fn listeners(db: &mut Reader<'_>, messages: &[i64], now: Micros) -> Result<Vec<(MessageId, Listener)>> {
    Ok(db.all(
        sql!(
            r#"
            select
                t.id as message_id, m.user_id, s.endpoint, s.p256dh, s.auth,
                (
                    select n.kind
                    from notification n
                    where n.message_id = t.id and n.user_id = m.user_id and n.kind in ('mention', 'reply')
                    limit 1
                ) as kind,
                (select u.locale from "user" u where u.id = m.user_id) as locale,
                (select u.push_text from "user" u where u.id = m.user_id) as push_text
            from message t
            cross join chatroom_member m
            cross join push_subscription s
            where t.id in {ids:$1}
                and m.chatroom_id = t.chatroom_id
                and s.user_id = m.user_id
                and m.left_at is null
                and m.user_id <> t.author_id
                and m.first_position < t.position
                and m.read_position < t.position
                and (select u.status from "user" u where u.id = m.user_id) = 'active'
                and (select e.expires_at from session e where e.token_hash = s.session_hash and e.user_id + 0 = m.user_id) > $2
                and (
                    m.notification_level = 'all'
                    or m.notification_level = 'mentions'
                    and (
                        select count(*)
                        from notification n
                        where n.message_id = t.id and n.user_id = m.user_id and n.kind in ('mention', 'reply')
                    ) > 0
                )
            order by t.id, s.id
            "#
        ),
        params![Value::ids(messages), now],
        |row| Ok((row.get("message_id")?, listener(row)?)),
    )?)
}

fn listener(row: &Row<'_>) -> std::result::Result<Listener, DbError> {
    Ok(Listener {
        user: row.get("user_id")?,
        locale: row.get("locale")?,
        shows_text: row.get::<i64>("push_text")? != 0,
        kind: row.get("kind")?,
        browser: Subscription::from_row(row)?,
    })
}
