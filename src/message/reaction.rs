//! Reactions: one emoji of one person on one message.

use crate::chatroom::{self, Member};
use crate::clock::Micros;
use crate::db::{Reader, Value, Writer};
use crate::error::{Error, Result, Text};
use crate::id::{MessageId, UserId};
use crate::message::{self, Shown, system};
use crate::user::Name;
use crate::{params, sql};
use serde::Serialize;

/// Distinct emoji on one message, at most.
pub const DISTINCT_MAX: usize = 20;

/// The quick four, by the names that addresses may use for them.
pub const QUICK: [(&str, &str); 4] = [("like", "👍"), ("clap", "👏"), ("fire", "🔥"), ("heart", "❤️")];

/// One emoji of Unicode, skin tones included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emoji(&'static str);

impl Emoji {
    /// The emoji of a text: itself, the name of a quick one, or a shortcode such as `tada`. With or without the selector that asks for
    /// colours (U+FE0F) it is the same one.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some((_, quick)) = QUICK.iter().find(|(name, _)| *name == text) {
            return Some(Self(quick));
        }
        let found = emojis::get(text).or_else(|| emojis::get_by_shortcode(text.trim_matches(':')))?;
        Some(Self(found.as_str()))
    }

    /// As written.
    pub fn as_str(&self) -> &'static str {
        self.0
    }
}

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
            order by message_id, created_at, user_id, emoji
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

/// Who put an emoji on a message, by name.
#[derive(Debug, Clone, Serialize)]
pub struct Named {
    /// The emoji.
    pub emoji: String,
    /// Who, the first one first.
    pub users: Vec<Name>,
}

/// The reactions of a message with the names of who put them there: those who have left are told by name too.
///
/// # Errors
/// `NotFound` outside of the room.
pub fn named(db: &mut Reader<'_>, member: &Member, id: MessageId) -> Result<Vec<Named>> {
    message::find(db, member, id)?.ok_or(Error::NotFound)?;
    let rows: Vec<(String, Name)> = db.all(
        sql!(
            r#"
            select
                r.emoji, r.user_id,
                (select u.first_name from "user" u where u.id = r.user_id) as first_name,
                (select u.last_name from "user" u where u.id = r.user_id) as last_name
            from message_reaction r
            where r.message_id = $1
            order by r.created_at, r.user_id, r.emoji
            "#
        ),
        params![id],
        |row| Ok((row.get("emoji")?, Name::from_row(row, "user_id", "first_name", "last_name")?)),
    )?;
    let mut named: Vec<Named> = Vec::new();
    for (emoji, user) in rows {
        match named.iter_mut().find(|known| known.emoji == emoji) {
            Some(known) => known.users.push(user),
            None => named.push(Named { emoji, users: vec![user] }),
        }
    }
    Ok(named)
}

/// Puts one's emoji on a message, or takes it away. What is so already changes nothing.
///
/// # Errors
/// `NotFound` outside of the room, `Conflict` for a deleted or a system message, or when it has too many different ones.
pub fn set(
    tx: &mut Writer<'_>,
    member: &Member,
    id: MessageId,
    emoji: &Emoji,
    on: Option<bool>,
    now: Micros,
) -> Result<(bool, Shown)> {
    let present = message::of_room(tx, member, id)?;
    if present.message.is_deleted() {
        return Err(Error::Conflict(Text::new("message-deleted")));
    }
    system::refuse(&present.message)?;
    let reactions = &present.message.reactions;
    let known = reactions.iter().find(|reaction| reaction.emoji == emoji.as_str());
    let is_on = known.is_some_and(|reaction| reaction.users.contains(&member.user()));
    // Without a wish it is a switch: the button of a page that runs no script.
    let on = on.unwrap_or(!is_on);
    if on == is_on {
        return Ok((false, present));
    }
    if on && known.is_none() && reactions.len() >= DISTINCT_MAX {
        return Err(Error::Conflict(Text::new("reaction-too-many").with("max", DISTINCT_MAX as i64)));
    }
    let revision = chatroom::advance(tx, member)?;
    if on {
        tx.execute(
            sql!("insert into message_reaction (message_id, user_id, emoji, created_at) values ($1, $2, $3, $4)"),
            params![id, member.user(), emoji.as_str(), now],
        )?;
    } else {
        tx.execute(
            sql!("delete from message_reaction where message_id = $1 and user_id = $2 and emoji = $3"),
            params![id, member.user(), emoji.as_str()],
        )?;
    }
    message::touch(tx, id, revision)?;
    Ok((true, message::shown(tx, member, id)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emoji_has_several_names() {
        for text in ["❤️", "❤", "heart", ":heart:"] {
            assert_eq!(Emoji::parse(text).map(|emoji| emoji.as_str()), Some("❤️"), "{text}");
        }
        assert_eq!(Emoji::parse("like").unwrap().as_str(), "👍");
        assert_eq!(Emoji::parse("🏳️‍🌈").unwrap().as_str(), "🏳️‍🌈");
        assert!(Emoji::parse("👍🏽").is_some(), "with a skin tone");
        for text in ["", "zz", "👍👍", "<b>", "%", "like "] {
            assert_eq!(Emoji::parse(text), None, "{text}");
        }
    }
}
