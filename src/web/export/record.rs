//! What stands in an archive: a message as JSON and as a part of the page, the names of its files.

use crate::clock::{Micros, rfc3339};
use crate::files::label;
use crate::id::{AttachmentId, MessageId};
use crate::message::export::Exported;
use crate::message::{Attachment, Reaction, ReplyTo};
use crate::user::Name;
use serde::Serialize;

/// The longest name in the archive, in characters, its number not counted.
const NAME_MAX: usize = 80;

/// A message as it is exported.
#[derive(Debug, Serialize)]
pub(super) struct Record {
    pub(super) id: MessageId,
    position: i64,
    kind: String,
    author: Name,
    content: String,
    created_at: String,
    edited_at: Option<String>,
    pinned_at: Option<String>,
    deleted_at: Option<String>,
    reply_to: Option<ReplyTo>,
    system: Option<String>,
    attachments: Vec<FileRecord>,
    reactions: Vec<Reaction>,
    versions: Vec<VersionRecord>,
}

/// A file of it.
#[derive(Debug, Serialize)]
struct FileRecord {
    #[serde(flatten)]
    attachment: Attachment,
    /// Where it lies in the archive.
    path: String,
}

/// What it said before.
#[derive(Debug, Serialize)]
struct VersionRecord {
    content: String,
    written_at: String,
}

/// The same for the page.
#[derive(Debug, Serialize)]
pub(super) struct Printed {
    #[serde(flatten)]
    pub(super) record: Record,
    at: Micros,
    edited: Option<Micros>,
    body_html: String,
    author_name: String,
}

impl From<Exported> for Record {
    fn from(Exported { message, versions }: Exported) -> Self {
        let file = |attachment: Attachment| FileRecord { path: path(attachment.id, &attachment.name), attachment };
        Self {
            id: message.id,
            position: message.position,
            kind: message.kind,
            author: message.author,
            content: message.content,
            created_at: rfc3339(message.created_at),
            edited_at: message.edited_at.map(rfc3339),
            pinned_at: message.pinned_at.map(rfc3339),
            deleted_at: message.deleted_at.map(rfc3339),
            reply_to: message.reply_to,
            system: message.system,
            attachments: message.attachments.into_iter().map(file).collect(),
            reactions: message.reactions,
            versions: versions
                .into_iter()
                .map(|version| VersionRecord { content: version.content, written_at: rfc3339(version.written_at) })
                .collect(),
        }
    }
}

impl From<Exported> for Printed {
    fn from(exported: Exported) -> Self {
        let message = &exported.message;
        let (at, edited, body_html) = (message.created_at, message.edited_at, message.body_html.clone());
        let author_name = message.author.full();
        Self { record: exported.into(), at, edited, body_html, author_name }
    }
}

/// Where a file lies in the archive. The number makes it unique; what is left of its name is safe on every file system: letters,
/// digits, `-`, `_` and dots that neither begin it nor end it.
pub(super) fn path(id: AttachmentId, name: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let clean: Vec<char> = label::clean(name).chars().map(safe).collect();
    // Its end says what it is.
    let tail: String = clean[clean.len().saturating_sub(NAME_MAX)..].iter().collect();
    format!("files/{id}-{}", tail.trim_matches('.').replace("..", "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_its_folder() {
        for (name, expected) in [
            ("plan.pdf", "files/7-plan.pdf"),
            ("../../etc/passwd", "files/7-passwd"),
            ("..\\..\\boot.ini", "files/7-boot.ini"),
            ("C:", "files/7-C_"),
            ("été à la mer.jpg", "files/7-été_à_la_mer.jpg"),
            ("a..b", "files/7-a_b"),
            ("...", "files/7-file"),
            ("", "files/7-file"),
            ("con", "files/7-con"),
            ("<script>\"&'.html", "files/7-_script____.html"),
        ] {
            assert_eq!(path(AttachmentId(7), name), expected, "{name}");
        }
        let long = path(AttachmentId(7), &format!("{}.tar.gz", "x".repeat(300)));
        assert!(long.ends_with(".gz") && long.chars().count() <= "files/7-".len() + NAME_MAX, "{long}");
    }
}
