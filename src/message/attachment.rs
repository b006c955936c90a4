//! Files of messages, as rows: what everybody in the room may know of them. The bytes are the file store's business.

use crate::chatroom::Member;
use crate::db::{DbError, Reader, Row, Value, Writer};
use crate::error::Result;
use crate::files::Name;
use crate::files::intake::Kept;
use crate::id::{AttachmentId, MessageId, RoomId};
use crate::message::storage;
use crate::{params, sql};
use serde::Serialize;
use std::collections::HashSet;

/// Files of one message, at most.
pub const MAX: usize = 10;
/// Names that are forgotten at a time.
const FORGOTTEN: i64 = 500;

/// A file of a message.
#[derive(Debug, Clone, Serialize)]
pub struct Attachment {
    /// Which.
    pub id: AttachmentId,
    /// Whose.
    #[serde(skip)]
    pub message: MessageId,
    /// `image`, `video`, `audio`, `voice` or `file`.
    pub kind: String,
    /// As the sender's computer called it.
    pub name: String,
    /// Judged from the bytes.
    pub media_type: String,
    /// In bytes.
    pub size: i64,
    /// In pixels, upright.
    pub width: Option<i64>,
    /// In pixels, upright.
    pub height: Option<i64>,
    /// In milliseconds.
    pub duration_ms: Option<i64>,
    /// 64 peaks, each two hexadecimal digits.
    pub waveform: Option<String>,
    /// The smaller picture's size in pixels, when there is one.
    pub thumbnail: Option<Thumbnail>,
}

/// A smaller picture.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Thumbnail {
    /// In pixels.
    pub width: i64,
    /// In pixels.
    pub height: i64,
}

/// A file on its way into a message; its bytes are complete in the store.
#[derive(Debug, Clone)]
pub struct New {
    /// As the sender's computer called it.
    pub name: String,
    /// What the store has.
    pub kept: Kept,
    /// In milliseconds.
    pub duration_ms: Option<i64>,
    /// 64 peaks, each two hexadecimal digits.
    pub waveform: Option<String>,
}

impl New {
    /// A file that has no duration.
    pub fn of(name: String, kept: Kept) -> Self {
        Self { name, kept, duration_ms: None, waveform: None }
    }
}

/// What is served of a file.
#[derive(Debug, Clone)]
pub struct Stored {
    /// As the sender's computer called it.
    pub name: String,
    /// `image`, `video`, `audio`, `voice` or `file`.
    pub kind: String,
    /// Judged from the bytes.
    pub media_type: String,
    /// In bytes.
    pub size: u64,
    /// Of the bytes.
    pub sha256: Vec<u8>,
    /// Where the bytes are.
    pub storage: Name,
    /// Where the smaller picture is.
    pub thumbnail: Option<Name>,
}

/// What stands in place of the text where a message that has none is quoted: the first file's name, and how many more.
pub(super) fn excerpt<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let Some(first) = names.next() else { return String::new() };
    match names.count() {
        0 => format!("📎 {first}"),
        more => format!("📎 {first} +{more}"),
    }
}

/// What stands in place of the text of a recording, without a word of any language: how long it is.
pub(super) fn voice_excerpt(duration_ms: Option<i64>) -> String {
    let seconds = duration_ms.unwrap_or(0) / 1_000;
    format!("🎤 {}:{:02}", seconds / 60, seconds % 60)
}

/// Writes down the files of a new message.
pub(super) fn insert(tx: &mut Writer<'_>, message: MessageId, files: &[New]) -> Result<()> {
    for (ordinal, New { name, kept, duration_ms, waveform }) in files.iter().enumerate() {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let (width, height) = kept.sides.unzip();
        let small = kept.small.as_ref();
        tx.execute(
            sql!(
                r#"
                insert into attachment
                    (message_id, ordinal, kind, name, media_type, size, sha256, storage_name, width, height,
                     duration_ms, waveform, thumbnail_name, thumbnail_width, thumbnail_height)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
                "#
            ),
            params![
                message,
                number(ordinal as u64),
                kept.kind.as_str(),
                name,
                kept.media_type,
                number(kept.size),
                kept.sha256.as_slice(),
                kept.name.as_str(),
                width,
                height,
                *duration_ms,
                waveform.as_deref(),
                small.map(|(name, ..)| name.as_str()),
                small.map(|(_, width, _)| *width),
                small.map(|(.., height)| *height)
            ],
        )?;
    }
    Ok(())
}

/// Lets the files of a message go: their rows now, their bytes after the commit.
pub(super) fn forget(tx: &mut Writer<'_>, message: MessageId) -> Result<()> {
    storage::release(tx, message)?;
    tx.execute(
        sql!(
            r#"
            insert into forgotten_file (name)
            select storage_name from attachment where message_id = $1
            union all
            select thumbnail_name from attachment where message_id = $1 and thumbnail_name is not null
            "#
        ),
        params![message],
    )?;
    tx.execute(sql!("delete from attachment where message_id = $1"), params![message])?;
    Ok(())
}

/// The room of a file, whoever asks: the first step of every route that names a file.
pub fn room_of(db: &mut Reader<'_>, id: AttachmentId) -> Result<Option<RoomId>> {
    Ok(db.first(
        sql!("select chatroom_id from message where id = (select message_id from attachment where id = $1)"),
        params![id],
        |row| row.get("chatroom_id"),
    )?)
}

/// A file that a member may see.
pub fn find(db: &mut Reader<'_>, member: &Member, id: AttachmentId) -> Result<Option<Stored>> {
    Ok(db.first(
        sql!(
            r#"
            select a.name, a.kind, a.media_type, a.size, a.sha256, a.storage_name, a.thumbnail_name
            from attachment a
            cross join message m
            where a.id = $1
                and m.id = a.message_id
                and m.chatroom_id = $2
                and m.position + 0 > $3
                and m.deleted_at is null
            "#
        ),
        params![id, member.room(), member.first_position()],
        |row| {
            let size: i64 = row.get("size")?;
            Ok(Stored {
                name: row.get("name")?,
                kind: row.get("kind")?,
                media_type: row.get("media_type")?,
                size: u64::try_from(size).unwrap_or(0),
                sha256: row.get("sha256")?,
                storage: row.get("storage_name")?,
                thumbnail: row.get("thumbnail_name")?,
            })
        },
    )?)
}

/// The names that rows hold of files whose names begin so: what the sweep must leave.
pub fn named(db: &mut Reader<'_>, prefix: &str) -> Result<HashSet<String>> {
    // Names are hexadecimal: nothing of a shelf stands behind "g".
    let end = format!("{prefix}g");
    let names: Vec<String> = db.all(
        sql!(
            r#"
            select storage_name as name from attachment where storage_name >= $1 and storage_name < $2
            union all
            select thumbnail_name as name from attachment where thumbnail_name >= $1 and thumbnail_name < $2
            "#
        ),
        params![prefix, &end],
        |row| row.get("name"),
    )?;
    Ok(names.into_iter().collect())
}

/// Files whose bytes may go.
pub fn forgotten(db: &mut Reader<'_>) -> Result<Vec<String>> {
    Ok(db.all(sql!("select name from forgotten_file order by name limit $1"), params![FORGOTTEN], |row| {
        row.get("name")
    })?)
}

/// The bytes of these files are gone.
pub fn is_gone(tx: &mut Writer<'_>, names: &[String]) -> Result<()> {
    for name in names {
        tx.execute(sql!("delete from forgotten_file where name = $1"), params![name])?;
    }
    Ok(())
}

/// The files of some messages, by message and place.
pub fn of_messages(db: &mut Reader<'_>, messages: &[i64]) -> Result<Vec<Attachment>> {
    Ok(db.all(
        sql!("select * from attachment where message_id in {ids:$1} order by message_id, ordinal"),
        params![Value::ids(messages)],
        from_row,
    )?)
}

fn from_row(row: &Row<'_>) -> std::result::Result<Attachment, DbError> {
    let thumbnail = match (row.get("thumbnail_width")?, row.get("thumbnail_height")?) {
        (Some(width), Some(height)) => Some(Thumbnail { width, height }),
        (None, _) | (_, None) => None,
    };
    Ok(Attachment {
        id: row.get("id")?,
        message: row.get("message_id")?,
        kind: row.get("kind")?,
        name: row.get("name")?,
        media_type: row.get("media_type")?,
        size: row.get("size")?,
        width: row.get("width")?,
        height: row.get("height")?,
        duration_ms: row.get("duration_ms")?,
        waveform: row.get("waveform")?,
        thumbnail,
    })
}
