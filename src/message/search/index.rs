//! The index: written in the transaction that writes a message, and filled in batches with what is older than it.

use super::{Indexed, query};
use crate::db::{Reader, Value, Writer};
use crate::error::{Error, Result};
use crate::id::MessageId;
use crate::message::{self, Message, from_row, markdown};
use crate::setting;
use crate::{params, sql};
use serde::Serialize;
use std::collections::BTreeSet;

/// Messages that are indexed in one transaction at most, of those that are older than the index.
pub const BATCH: i64 = 200;
/// The setting that says up to which message that is still to be done.
const BACKLOG: &str = "search_backlog";
/// The setting that says up to which message it was when it began.
const BACKLOG_BEGAN: &str = "search_backlog_began";

/// How far the index is filled, in ids of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Messages that were looked at.
    pub done: i64,
    /// Messages that were older than the index when it began; none when nothing was.
    pub total: i64,
}

impl Progress {
    /// Whether every message can be found.
    pub fn is_complete(self) -> bool {
        self.done >= self.total
    }
}

/// What the index holds of a message: its folded text, and its tokens.
fn held(message: &Message, text: &Indexed) -> (String, String) {
    let mut indexed = text.clone();
    for attachment in &message.attachments {
        indexed.push(&attachment.name);
    }
    let Indexed { folded, mut tokens } = indexed;
    tokens.insert(query::room_token(message.chatroom));
    tokens.insert(query::author_token(message.author.id));
    if !message.attachments.is_empty() {
        tokens.insert(query::FILE_TOKEN.to_owned());
    }
    (folded, tokens.into_iter().collect::<Vec<_>>().join(" "))
}

/// Makes a changed message findable as it is now. In the transaction that changes it.
pub(in crate::message) fn renew(tx: &mut Writer<'_>, message: &Message, text: &Indexed) -> Result<()> {
    forget(tx, message.id)?;
    add(tx, message, text)
}

/// Makes a message findable no longer.
pub(in crate::message) fn forget(tx: &mut Writer<'_>, id: MessageId) -> Result<()> {
    let was_there = tx.execute(sql!("delete from message_text where message_id = $1"), params![id])?;
    if was_there > 0 {
        tx.execute(sql!("delete from message_gram where rowid = $1"), params![id])?;
    }
    Ok(())
}

/// Makes a new message findable. In the transaction that writes it.
pub(in crate::message) fn add(tx: &mut Writer<'_>, message: &Message, text: &Indexed) -> Result<()> {
    let (folded, tokens) = held(message, text);
    tx.execute(sql!("insert into message_text (message_id, folded) values ($1, $2)"), params![message.id, folded])?;
    tx.execute(sql!("insert into message_gram (rowid, grams) values ($1, {grams:$2})"), params![message.id, tokens])?;
    Ok(())
}

/// Indexes a batch of messages that were written before there was an index, the newest first: whether more are left.
///
/// # Errors
/// Those of the store.
pub fn catch_up(tx: &mut Writer<'_>) -> Result<bool> {
    catch_up_some(tx, BATCH)
}

/// The same with so many messages at most.
///
/// # Errors
/// Those of the store.
pub fn catch_up_some(tx: &mut Writer<'_>, most: i64) -> Result<bool> {
    let backlog: i64 = setting::find(tx, BACKLOG)?.and_then(|text| text.parse().ok()).unwrap_or(0);
    if backlog <= 0 {
        return Ok(false);
    }
    setting::find_or_put(tx, BACKLOG_BEGAN, &backlog.to_string())?;
    // Locked, so that none is edited or deleted before its text stands in the index.
    let ids: Vec<i64> = tx.all(
        sql!("select id from message where id <= $1 order by id desc limit $2 {for_update}"),
        params![backlog, most.clamp(1, BATCH)],
        |row| row.get("id"),
    )?;
    let mut messages =
        tx.all(sql!("select * from message_view where id in {ids:$1}"), params![Value::ids(&ids)], from_row)?;
    messages.retain(|message| !message.is_deleted() && message.system.is_none());
    message::complete(tx, &mut messages)?;
    add_all(tx, &messages)?;
    let left = ids.last().map_or(0, |last| last - 1);
    setting::put(tx, BACKLOG, &left.to_string())?;
    Ok(left > 0)
}

/// Adds those messages that are not in the index yet: an edit since the start has indexed its message already.
fn add_all(tx: &mut Writer<'_>, messages: &[Message]) -> Result<()> {
    let held = |message: &Message| held(message, &Indexed::new(&markdown::to_text(&message.content)));
    let indexed: Vec<(i64, (String, String))> = messages.iter().map(|message| (message.id.0, held(message))).collect();
    let texts: Vec<(i64, &str)> = indexed.iter().map(|(id, (folded, _))| (*id, folded.as_str())).collect();
    let texts = serde_json::to_string(&texts).map_err(Error::internal)?;
    let added: BTreeSet<i64> = tx
        .all(
            // `where true` tells SQLite's grammar that `on` begins no join.
            sql!(
                r#"
                insert into message_text (message_id, folded)
                select cast({item:value, 0} as bigint), {item:value, 1}
                from {rows:$1}
                where true
                on conflict (message_id) do nothing
                returning message_id
                "#
            ),
            params![texts],
            |row| row.get("message_id"),
        )?
        .into_iter()
        .collect();
    let grams: Vec<(i64, &str)> =
        indexed.iter().filter(|(id, _)| added.contains(id)).map(|(id, (_, tokens))| (*id, tokens.as_str())).collect();
    let grams = serde_json::to_string(&grams).map_err(Error::internal)?;
    tx.execute(
        sql!(
            r#"
            insert into message_gram (rowid, grams)
            select cast({item:value, 0} as bigint), {grams:{item:value, 1}}
            from {rows:$1}
            "#
        ),
        params![grams],
    )?;
    Ok(())
}

/// How far the index is filled.
///
/// # Errors
/// Those of the store.
pub fn progress(db: &mut Reader<'_>) -> Result<Progress> {
    let mut read =
        |name| -> Result<i64> { Ok(setting::find(db, name)?.and_then(|text| text.parse().ok()).unwrap_or(0)) };
    let left = read(BACKLOG)?.max(0);
    let total = read(BACKLOG_BEGAN)?.max(left);
    Ok(Progress { done: total - left, total })
}
