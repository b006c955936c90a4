//! Earlier versions of an edited message: for those who moderate, and for its author.

use crate::chatroom::Member;
use crate::clock::Micros;
use crate::db::{Reader, Writer};
use crate::error::{Error, Result, Text};
use crate::id::MessageId;
use crate::message::{self, Message};
use crate::{params, sql};

/// What a message once said.
#[derive(Debug, Clone)]
pub struct Version {
    /// Markdown as typed.
    pub content: String,
    /// Since when it said so.
    pub written_at: Micros,
}

/// Keeps what a message says before something else takes its place.
pub(super) fn keep(tx: &mut Writer<'_>, present: &Message) -> Result<()> {
    tx.execute(
        sql!(
            r#"
            insert into message_version (message_id, revision, content, written_at)
            values ($1, $2, $3, $4)
            on conflict (message_id, revision) do nothing
            "#
        ),
        params![present.id, present.revision, &present.content, present.edited_at.unwrap_or(present.created_at)],
    )?;
    Ok(())
}

/// What a message said before its edits, oldest first.
///
/// # Errors
/// `NotFound` outside of the room, `Forbidden` for who neither wrote it nor moderates.
pub fn list(db: &mut Reader<'_>, member: &Member, id: MessageId) -> Result<Vec<Version>> {
    let present = message::find(db, member, id)?.ok_or(Error::NotFound)?;
    if present.author.id != member.user() && !member.role().may_moderate() {
        return Err(Error::Forbidden(Text::new("error-forbidden")));
    }
    Ok(db.all(
        sql!("select content, written_at from message_version where message_id = $1 order by revision"),
        params![id],
        |row| Ok(Version { content: row.get("content")?, written_at: row.get("written_at")? }),
    )?)
}
