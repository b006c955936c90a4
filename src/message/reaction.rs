//! Reactions: one emoji of one person on one message.

use crate::db::{Reader, Value};
use crate::error::Result;
use crate::id::{MessageId, UserId};
use crate::{params, sql};
use serde::Serialize;

/// An emoji on a message, and who put it there, the first one first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// Who.
    pub users: Vec<UserId>,
}

/// The reactions of some messages: by message, each emoji where it was first used.
pub fn of_messages(db: &mut Reader<'_>, messages: &[i64]) -> Result<Vec<(MessageId, Vec<Reaction>)>> {
    let rows: Vec<(MessageId, String, UserId)> = db.all(
        sql!(
            r#"
            select message_id, emoji, user_id
            from message_reaction
            where message_id in {ids:$1}
            order by message_id, created_at, user_id
            "#
        ),
        params![Value::ids(messages)],
        |row| Ok((row.get("message_id")?, row.get("emoji")?, row.get("user_id")?)),
    )?;
    let mut found: Vec<(MessageId, Vec<Reaction>)> = Vec::new();
    for (message, emoji, user) in rows {
        if found.last().is_none_or(|(last, _)| *last != message) {
            found.push((message, Vec::new()));
        }
        let Some((_, reactions)) = found.last_mut() else { continue };
        match reactions.iter_mut().find(|reaction| reaction.emoji == emoji) {
            Some(reaction) => reaction.users.push(user),
            None => reactions.push(Reaction { emoji, users: vec![user] }),
        }
    }
    Ok(found)
}
