//! Earlier versions of an edited message: for those who moderate, and for its author.

use crate::chatroom::Member;
use crate::clock::Micros;
use crate::db::{Reader, Writer};
use crate::error::{Error, Result, Text};
use crate::id::MessageId;
use crate::message::{self, Message};
use crate::{params, sql};

/// Earlier versions of one message that are kept: the first, and the newest of the others.
pub const KEPT: i64 = 50;
/// Versions of a page: of the longest messages they are half a megabyte.
pub const PAGE: i64 = 10;

/// What a message once said.
#[derive(Debug, Clone)]
pub struct Version {
    /// Markdown as typed.
    pub content: String,
    /// Its place among the versions, for [`list`].
    pub revision: i64,
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
    tx.execute(
        sql!(
            r#"
            delete from message_version
            where message_id = $1
                and revision > (select min(revision) from message_version where message_id = $1)
                and revision not in (
                    select revision
                    from message_version
                    where message_id = $1
                    order by revision desc
                    limit $2
                )
            "#
        ),
        params![present.id, KEPT - 1],
    )?;
    Ok(())
}

/// What a message said before its edits, oldest first, at most [`PAGE`] of those after a revision.
///
/// # Errors
/// `NotFound` outside of the room, `Forbidden` for who neither wrote it nor moderates.
pub fn list(db: &mut Reader<'_>, member: &Member, id: MessageId, after: i64) -> Result<Vec<Version>> {
    let present = message::find(db, member, id)?.ok_or(Error::NotFound)?;
    if present.author.id != member.user() && !member.role().may_moderate() {
        return Err(Error::Forbidden(Text::new("error-forbidden")));
    }
    Ok(db.all(
        sql!(
            r#"
            select content, revision, written_at
            from message_version
            where message_id = $1 and revision > $2
            order by revision
            limit $3
            "#
        ),
        params![id, after, PAGE],
        |row| {
            let (content, revision) = (row.get("content")?, row.get("revision")?);
            Ok(Version { content, revision, written_at: row.get("written_at")? })
        },
    )?)
}
