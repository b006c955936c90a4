//! Files of messages, as rows: what everybody in the room may know of them. The bytes are the file store's business.

use crate::db::{DbError, Reader, Row, Value};
use crate::error::Result;
use crate::id::{AttachmentId, MessageId};
use crate::{params, sql};
use serde::Serialize;

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
