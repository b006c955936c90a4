//! Search: any substring in any script, in the rooms where a person is. The index is written in the transaction that writes the message.
//!
//! Both engines find the same: the index (which one, two and three letters in a row a text holds) proposes, the folded text itself decides.
//! Results come newest first, in the order of the messages' ids: within a room that is the order of their places, since the room's lock is
//! held when an id is given out.

mod excerpt;
pub mod fold;
mod gram;
mod query;

use crate::db::{Reader, Value, Writer};
use crate::error::Result;
use crate::id::{MessageId, RoomId, UserId};
use crate::message::{self, Message, from_row, markdown};
use crate::setting;
use crate::{params, sql};
pub use excerpt::Segment;
pub use query::{Filter, LONGEST, Query, SHORTEST};
use std::collections::BTreeSet;

/// Results on a page.
pub const PAGE: i64 = 20;
/// Messages of a room that are looked at before the index is asked.
const NEWEST: i64 = 500;
/// Messages that are indexed in one transaction, of those that are older than the index.
const BATCH: i64 = 200;
/// The setting that says up to which message that is still to be done.
const BACKLOG: &str = "search_backlog";

/// A message that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The message.
    pub message: Message,
    /// What its room is called.
    pub room_title: String,
    /// Its text around what was looked for.
    pub excerpt: Vec<Segment>,
}

/// A page of what was found, newest first.
#[derive(Debug, Clone, Default)]
pub struct Results {
    /// The messages.
    pub found: Vec<Found>,
    /// Where the next page begins, when there is one.
    pub next: Option<MessageId>,
}

/// What a person may see and looks for. The rooms of the index only propose; the membership is asked in the same statement.
///
/// # Errors
/// Those of the store.
pub fn find(db: &mut Reader<'_>, user: UserId, query: &Query) -> Result<Results> {
    let rooms = match query.filter.room {
        Some(room) => vec![room],
        None => rooms_of(db, user)?,
    };
    if rooms.is_empty() {
        return Ok(Results::default());
    }
    let mut found = match query.filter.room {
        Some(room) => recent(db, user, query, room)?,
        None => Vec::new(),
    };
    if i64::try_from(found.len()).is_ok_and(|count| count <= PAGE) {
        found = candidates(db, user, query, &rooms)?;
    }
    let has_more = i64::try_from(found.len()).is_ok_and(|count| count > PAGE);
    if has_more {
        found.pop();
    }
    let next = found.last().filter(|_| has_more).map(|(message, _)| message.id);
    let (mut messages, titles): (Vec<Message>, Vec<String>) = found.into_iter().unzip();
    message::complete(db, &mut messages)?;
    let found = messages.into_iter().zip(titles).map(|(message, room_title)| {
        let excerpt = excerpt::around(&markdown::to_text(&message.content), &query.words);
        Found { message, room_title, excerpt }
    });
    Ok(Results { found: found.collect(), next })
}

fn rooms_of(db: &mut Reader<'_>, user: UserId) -> Result<Vec<RoomId>> {
    Ok(db.all(
        sql!("select chatroom_id from chatroom_member where user_id = $1 and left_at is null order by chatroom_id"),
        params![user],
        |row| row.get("chatroom_id"),
    )?)
}

fn candidates(db: &mut Reader<'_>, user: UserId, query: &Query, rooms: &[RoomId]) -> Result<Vec<(Message, String)>> {
    let filter = &query.filter;
    let words = serde_json::to_string(&query.words).map_err(crate::error::Error::internal)?;
    Ok(db.all(
        sql!(
            r#"
            select v.*, c.title as room_title
            from message_gram
            join message_text t on t.message_id = message_gram.rowid
            join message_view v on v.id = t.message_id
            join chatroom c on c.id = v.chatroom_id and c.state <> 'deleted'
            join chatroom_member m on m.chatroom_id = c.id and m.user_id = $1 and m.left_at is null
            where {has_grams:$2}
                and message_gram.rowid < $3
                and not exists (select 1 from {texts:$4} word where {place:t.folded, word.value} = 0)
                and v.deleted_at is null
                and v.position > m.first_position
                and v.created_at >= $5
                and v.created_at < $6
                and not exists (
                    select 1
                    from message_hidden h
                    where h.user_id = $1 and h.message_id = v.id
                )
            order by message_gram.rowid desc
            limit $7
            "#
        ),
        params![
            user,
            query.tokens(rooms),
            filter.before.map_or(i64::MAX, |id| id.0),
            words,
            filter.from.unwrap_or(i64::MIN),
            filter.until.unwrap_or(i64::MAX),
            PAGE + 1
        ],
        |row| Ok((from_row(row)?, row.get("room_title")?)),
    )?)
}

/// What the newest messages of a room answer, without the index. A word that stands in most messages fills its page here: PostgreSQL would
/// fetch and sort all of them (373 ms in a room of 100,000), since its index knows no order.
fn recent(db: &mut Reader<'_>, user: UserId, query: &Query, room: RoomId) -> Result<Vec<(Message, String)>> {
    let filter = &query.filter;
    let words = serde_json::to_string(&query.words).map_err(crate::error::Error::internal)?;
    Ok(db.all(
        sql!(
            r#"
            select v.*, c.title as room_title
            from (
                select n.id
                from message n
                where n.chatroom_id = $2
                    and n.id < $3
                    and n.position < coalesce((select b.position from message b where b.id = $3), 9223372036854775807)
                order by n.position desc
                limit $7
            ) newest
            join message_text t on t.message_id = newest.id
            join message_view v on v.id = newest.id
            join chatroom c on c.id = v.chatroom_id and c.state <> 'deleted'
            join chatroom_member m on m.chatroom_id = c.id and m.user_id = $1 and m.left_at is null
            where not exists (select 1 from {texts:$4} word where {place:t.folded, word.value} = 0)
                and v.deleted_at is null
                and v.position > m.first_position
                and v.created_at >= $5
                and v.created_at < $6
                and ($8 = 0 or v.author_id = $8)
                and ($9 = 0 or exists (select 1 from attachment a where a.message_id = v.id))
                and not exists (
                    select 1
                    from message_hidden h
                    where h.user_id = $1 and h.message_id = v.id
                )
            order by newest.id desc
            limit $10
            "#
        ),
        params![
            user,
            room,
            filter.before.map_or(i64::MAX, |id| id.0),
            words,
            filter.from.unwrap_or(i64::MIN),
            filter.until.unwrap_or(i64::MAX),
            NEWEST,
            filter.author.map_or(0, |author| author.0),
            filter.has_file,
            PAGE + 1
        ],
        |row| Ok((from_row(row)?, row.get("room_title")?)),
    )?)
}

/// Makes a changed message findable as it is now, or no longer when only a tombstone is left. In the transaction that changes it.
pub(super) fn renew(tx: &mut Writer<'_>, message: &Message) -> Result<()> {
    let was_there = tx.execute(sql!("delete from message_text where message_id = $1"), params![message.id])?;
    if was_there > 0 {
        tx.execute(sql!("delete from message_gram where rowid = $1"), params![message.id])?;
    }
    if message.is_deleted() { Ok(()) } else { add(tx, message) }
}

/// Makes a new message findable. In the transaction that writes it.
pub(super) fn add(tx: &mut Writer<'_>, message: &Message) -> Result<()> {
    let mut text = markdown::to_text(&message.content);
    for attachment in &message.attachments {
        text.push('\n');
        text.push_str(&attachment.name);
    }
    let folded = fold::fold(&text);
    let mut tokens: BTreeSet<String> = gram::of_text(&folded);
    tokens.insert(query::room_token(message.chatroom));
    tokens.insert(query::author_token(message.author.id));
    if !message.attachments.is_empty() {
        tokens.insert(query::FILE_TOKEN.to_owned());
    }
    let tokens = tokens.into_iter().collect::<Vec<_>>().join(" ");
    tx.execute(sql!("insert into message_text (message_id, folded) values ($1, $2)"), params![message.id, folded])?;
    tx.execute(sql!("insert into message_gram (rowid, grams) values ($1, {grams:$2})"), params![message.id, tokens])?;
    Ok(())
}

/// Indexes a batch of messages that were written before there was an index, the newest first: whether more are left.
///
/// # Errors
/// Those of the store.
pub fn catch_up(tx: &mut Writer<'_>) -> Result<bool> {
    let backlog: i64 = setting::find(tx, BACKLOG)?.and_then(|text| text.parse().ok()).unwrap_or(0);
    if backlog <= 0 {
        return Ok(false);
    }
    let mut messages = tx.all(
        sql!("select * from message_view where id <= $1 order by id desc limit $2"),
        params![backlog, BATCH],
        from_row,
    )?;
    message::complete(tx, &mut messages)?;
    let ids: Vec<i64> = messages.iter().map(|message| message.id.0).collect();
    // An edit since the start has indexed its message already.
    let known: BTreeSet<i64> = tx
        .all(
            sql!("select message_id from message_text where message_id in {ids:$1}"),
            params![Value::ids(&ids)],
            |row| row.get("message_id"),
        )?
        .into_iter()
        .collect();
    for message in &messages {
        if !known.contains(&message.id.0) && !message.is_deleted() && message.system.is_none() {
            add(tx, message)?;
        }
    }
    let left = messages.last().map_or(0, |last| last.id.0 - 1);
    setting::put(tx, BACKLOG, &left.to_string())?;
    Ok(left > 0)
}
