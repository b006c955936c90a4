//! Who is told of a message by an event of their own: whom it names, and whose message it answers. In the message's transaction, and in a
//! number of statements that does not grow with the number of people.

use crate::chatroom::Member;
use crate::clock::Micros;
use crate::db::{Value, Writer};
use crate::error::Result;
use crate::id::{MessageId, UserId};
use crate::message::mention::{self, Named};
use crate::message::{Message, Quoted};
use crate::user::notification::{self, Event, Kind, OnMessage};
use crate::{params, sql};

/// A message was posted: its rows of mentions, and the events of those concerned.
pub(super) fn posted(
    tx: &mut Writer<'_>,
    member: &Member,
    message: &Message,
    answered: Option<&Quoted>,
    named: &Named,
    now: Micros,
) -> Result<Vec<Event>> {
    let mentioned = mention::keep(tx, member, message.id, message.position, named)?;
    let answered = answered.map(|source| source.author.id);
    tell(tx, member, message, &mentioned, answered, now)
}

/// A message was edited: who is named only now is told, who is named no more is taken back.
pub(super) fn edited(
    tx: &mut Writer<'_>,
    member: &Member,
    message: &Message,
    named: &Named,
    now: Micros,
) -> Result<Vec<Event>> {
    mention::forget_others(tx, message.id, named)?;
    let mentioned = mention::keep(tx, member, message.id, message.position, named)?;
    tell(tx, member, message, &mentioned, None, now)
}

fn tell(
    tx: &mut Writer<'_>,
    member: &Member,
    message: &Message,
    mentioned: &[UserId],
    answered: Option<UserId>,
    now: Micros,
) -> Result<Vec<Event>> {
    let mut concerned: Vec<i64> = mentioned.iter().chain(&answered).map(|user| user.0).collect();
    concerned.retain(|user| *user != member.user().0);
    if concerned.is_empty() {
        return Ok(Vec::new());
    }
    let listening = listening(tx, member, message.id, message.position, &concerned)?;
    let about = OnMessage { chatroom: member.room(), message: message.id, actor: &message.author };
    let (named, others): (Vec<UserId>, Vec<UserId>) = listening.into_iter().partition(|user| mentioned.contains(user));
    notification::create_on_message(tx, &about, &[(Kind::Mention, named), (Kind::Reply, others)], now)
}

/// Those who want to hear of it, can see it, and have not heard of it yet.
fn listening(
    tx: &mut Writer<'_>,
    member: &Member,
    message: MessageId,
    position: i64,
    concerned: &[i64],
) -> Result<Vec<UserId>> {
    Ok(tx.all(
        sql!(
            r#"
            select u.id
            from "user" u
            where u.id in {ids:$2}
                and (
                    select m.first_position
                    from chatroom_member m
                    where m.chatroom_id = $1
                        and m.user_id = u.id
                        and m.left_at is null
                        and m.notification_level <> 'none'
                ) < $3
                and (
                    select count(*)
                    from notification n
                    where n.message_id = $4 and n.user_id = u.id and n.kind in ('mention', 'reply')
                ) = 0
            order by u.id
            "#
        ),
        params![member.room(), Value::ids(concerned), position, message],
        |row| row.get("id"),
    )?)
}
