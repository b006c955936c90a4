//! What an export reads of a room, a page at a time. Each page asks anew whether the person may: who is removed while the archive is
//! written gets no further. Only this room, and of it only what the person sees in it.

use crate::chatroom::{self, Member, MemberState, Room};
use crate::clock::Micros;
use crate::db::{Reader, Value};
use crate::error::{Error, Result, Text};
use crate::files::Name;
use crate::id::{AttachmentId, MessageId, RoomId, UserId};
use crate::message::version::Version;
use crate::message::{self, Message, from_row};
use crate::{params, sql};

/// Messages in a page.
const MESSAGES: i64 = 200;
/// Messages whose files are in a page of files.
const MESSAGES_OF_FILES: i64 = 1_000;

/// Who exports which room, up to where.
#[derive(Debug, Clone, Copy)]
pub struct Export {
    /// The room.
    pub room: RoomId,
    /// The person.
    pub user: UserId,
    /// The room's top when the export began.
    pub up_to: i64,
}

/// What stands at the head of an export.
#[derive(Debug)]
pub struct Beginning {
    /// What is exported.
    pub export: Export,
    /// The room.
    pub room: Room,
    /// Who is in it.
    pub members: Vec<MemberState>,
}

/// A message with what it said before.
#[derive(Debug)]
pub struct Exported {
    /// As it is.
    pub message: Message,
    /// When it was pinned and so on stands in it; here what it said before its edits, oldest first.
    pub versions: Vec<Version>,
}

/// A file, and where its bytes are.
#[derive(Debug)]
pub struct File {
    /// Which.
    pub id: AttachmentId,
    /// As the sender's computer called it.
    pub name: String,
    /// Where.
    pub storage: Name,
    /// When its message was posted.
    pub created_at: Micros,
}

/// Begins an export.
///
/// # Errors
/// `NotFound` outside of the room, `Forbidden` for a member who does not moderate.
pub fn begin(db: &mut Reader<'_>, room: RoomId, user: UserId) -> Result<Beginning> {
    let member = exporter(db, room, user)?;
    let room = chatroom::find(db, member.room())?.ok_or(Error::NotFound)?;
    let export = Export { room: room.id, user, up_to: room.top };
    Ok(Beginning { export, members: chatroom::member::list(db, room.id)?, room })
}

fn exporter(db: &mut Reader<'_>, room: RoomId, user: UserId) -> Result<Member> {
    let member = Member::find(db, room, user)?.ok_or(Error::NotFound)?;
    if member.role().may_moderate() { Ok(member) } else { Err(Error::Forbidden(Text::new("export-admins-only"))) }
}

/// The messages next after a position, in the order of reading; none at the end.
///
/// # Errors
/// As [`begin`].
pub fn messages(db: &mut Reader<'_>, export: Export, after: i64) -> Result<Vec<Exported>> {
    let member = exporter(db, export.room, export.user)?;
    let mut messages = db.all(
        sql!(
            r#"
            select *
            from message_view
            where chatroom_id = $1 and position > $2 and position <= $3
            order by position
            limit $4
            "#
        ),
        params![export.room, after.max(member.first_position()), export.up_to, MESSAGES],
        from_row,
    )?;
    message::complete(db, &mut messages)?;
    let edited: Vec<i64> =
        messages.iter().filter(|message| message.edited_at.is_some()).map(|message| message.id.0).collect();
    let mut versions = versions(db, &edited)?.into_iter().peekable();
    let mut exported: Vec<Exported> =
        messages.into_iter().map(|message| Exported { message, versions: Vec::new() }).collect();
    exported.sort_by_key(|exported| exported.message.id.0);
    for one in &mut exported {
        while let Some((_, version)) = versions.next_if(|(id, _)| *id == one.message.id) {
            one.versions.push(version);
        }
    }
    exported.sort_by_key(|exported| exported.message.position);
    Ok(exported)
}

/// What some messages said before, by message and time.
fn versions(db: &mut Reader<'_>, messages: &[i64]) -> Result<Vec<(MessageId, Version)>> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    Ok(db.all(
        sql!(
            r#"
            select message_id, content, revision, written_at
            from message_version
            where message_id in {ids:$1}
            order by message_id, revision
            "#
        ),
        params![Value::ids(messages)],
        |row| {
            let (content, revision) = (row.get("content")?, row.get("revision")?);
            Ok((row.get("message_id")?, Version { content, revision, written_at: row.get("written_at")? }))
        },
    )?)
}

/// The files of the messages next after a position, in the order of the messages, and the position to go on from; none at the end.
///
/// # Errors
/// As [`begin`].
pub fn files(db: &mut Reader<'_>, export: Export, after: i64) -> Result<(Vec<File>, Option<i64>)> {
    let member = exporter(db, export.room, export.user)?;
    let messages: Vec<(i64, i64)> = db.all(
        sql!(
            r#"
            select id, position
            from message
            where chatroom_id = $1 and position > $2 and position <= $3
            order by position
            limit $4
            "#
        ),
        params![export.room, after.max(member.first_position()), export.up_to, MESSAGES_OF_FILES],
        |row| Ok((row.get("id")?, row.get("position")?)),
    )?;
    let Some((_, last)) = messages.last().copied() else { return Ok((Vec::new(), None)) };
    let ids: Vec<i64> = messages.into_iter().map(|(id, _)| id).collect();
    let files = db.all(
        sql!(
            r#"
            select a.id, a.name, a.storage_name, m.created_at
            from message m
            cross join attachment a
            where m.id in {ids:$1} and m.deleted_at is null and a.message_id = m.id
            order by a.id
            "#
        ),
        params![Value::ids(&ids)],
        |row| {
            Ok(File {
                id: row.get("id")?,
                name: row.get("name")?,
                storage: row.get("storage_name")?,
                created_at: row.get("created_at")?,
            })
        },
    )?;
    Ok((files, Some(last)))
}
