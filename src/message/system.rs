//! What the room says itself: somebody came or went, the goal was reached, the room was locked. A message like any other in the
//! log, but nobody's: it cannot be answered, edited, deleted, pinned or reacted to, and counts as unread with nobody.
//!
//! The words are the page's, in the reader's language; here stands only what happened, who did it, and about whom or what.

use crate::chatroom;
use crate::clock::Micros;
use crate::db::Writer;
use crate::error::{Error, Result, Text};
use crate::id::{MessageId, RoomId, UserId};
use crate::message::{Message, Shown, from_row};
use crate::{params, sql};

/// What happened. A name or a title is told as it was then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What<'a> {
    /// The actor came in.
    Joined,
    /// The actor left.
    Left,
    /// The actor removed the person of this name.
    Removed(&'a str),
    /// The goal was reached.
    GoalDone,
    /// The room is read only.
    RoomLocked,
    /// The room can be written in again.
    RoomUnlocked,
    /// The room is read only and out of the way.
    RoomArchived,
    /// The room is back.
    RoomRestored,
    /// The goal has this title now.
    TitleChanged(&'a str),
}

impl<'a> What<'a> {
    /// The word in the database, in JSON and in the names of texts (`js-system-…`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Left => "left",
            Self::Removed(_) => "removed",
            Self::GoalDone => "goal_done",
            Self::RoomLocked => "room_locked",
            Self::RoomUnlocked => "room_unlocked",
            Self::RoomArchived => "room_archived",
            Self::RoomRestored => "room_restored",
            Self::TitleChanged(_) => "title_changed",
        }
    }

    /// About whom or what, as the message's content.
    fn about(self) -> &'a str {
        match self {
            Self::Removed(text) | Self::TitleChanged(text) => text,
            Self::Joined
            | Self::Left
            | Self::GoalDone
            | Self::RoomLocked
            | Self::RoomUnlocked
            | Self::RoomArchived
            | Self::RoomRestored => "",
        }
    }
}

/// Writes into the room what happened to it, right after the change itself and in the same transaction. No state of the room
/// forbids it.
pub fn tell(tx: &mut Writer<'_>, room: RoomId, what: What<'_>, actor: UserId, now: Micros) -> Result<Shown> {
    let revision = chatroom::advance_any(tx, room)?;
    let about = what.about();
    let id: MessageId = tx.one(
        sql!(
            r#"
            insert into message
                (chatroom_id, author_id, kind, system, content, body_html, excerpt, client_nonce, sent_hash,
                 position, revision, created_at)
            values ($1, $2, 'system', $3, $4, $5, $4, $6, $7, $8, $8, $9)
            returning id
            "#
        ),
        params![
            room,
            actor,
            what.as_str(),
            about,
            escape(about),
            // No browser's nonce has a colon.
            format!("system:{revision}"),
            [].as_slice(),
            revision,
            now
        ],
        |row| row.get("id"),
    )?;
    let message = tx.one(sql!("select * from message_view where id = $1"), params![id], from_row)?;
    Ok(Shown { message, quoted: None, events: Vec::new() })
}

/// What the room said itself is nobody's to change.
///
/// # Errors
/// `Conflict` for a system message.
pub(super) fn refuse(message: &Message) -> Result<()> {
    if message.is_system() { Err(Error::Conflict(Text::new("message-system"))) } else { Ok(()) }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
