//! One shape: the change. The poster's answer, the broadcast, the poll and the page carry the same objects.

use crate::chatroom::receipt::Mark;
use crate::chatroom::{MemberState, Room};
use crate::clock::rfc3339;
use crate::error::{Error, Result};
use crate::id::{MessageId, RoomId, UserId};
use crate::message::link::Preview;
use crate::message::page::Page;
use crate::message::{Attachment, Message, Quoted, Reaction, ReplyTo};
use crate::user::Name;
use serde::Serialize;
use serde_json::Value;

/// A message as JSON, its fragment inside.
#[derive(Debug, Clone, Serialize)]
pub struct MessageObject {
    id: MessageId,
    position: i64,
    revision: i64,
    kind: String,
    client_nonce: String,
    author: Name,
    content: String,
    excerpt: String,
    created_at: String,
    edited_at: Option<String>,
    deleted: bool,
    reply_to: Option<ReplyTo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    attachments: Vec<Attachment>,
    reactions: Vec<Reaction>,
    links: Vec<Preview>,
    html: String,
}

impl MessageObject {
    /// A message and its fragment.
    pub fn new(message: Message, html: String) -> Self {
        let deleted = message.is_deleted();
        Self {
            id: message.id,
            position: message.position,
            revision: message.revision,
            kind: message.kind,
            client_nonce: message.client_nonce,
            author: message.author,
            content: message.content,
            excerpt: message.excerpt,
            created_at: rfc3339(message.created_at),
            edited_at: message.edited_at.map(rfc3339),
            deleted,
            reply_to: message.reply_to,
            system: message.system,
            attachments: message.attachments,
            reactions: message.reactions,
            links: message.links,
            html,
        }
    }
}

/// A room as JSON, with what is pinned in it.
#[derive(Debug, Serialize)]
pub struct RoomObject {
    /// The room.
    #[serde(flatten)]
    pub room: Room,
    /// The latest pin first.
    pub pins: Vec<Quoted>,
}

/// What a change is about: one of the three.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Item {
    /// A message was posted, edited or deleted.
    Message(Box<MessageObject>),
    /// The room itself changed.
    Room(Box<RoomObject>),
    /// Somebody's standing changed.
    Member(Box<MemberState>),
}

/// One revision of a room.
#[derive(Debug, Serialize)]
pub struct Change<'a> {
    /// The history that the revision belongs to.
    pub epoch: &'a str,
    /// The room.
    pub chatroom: RoomId,
    /// Its number: dense in its room.
    pub revision: i64,
    /// What changed; nothing where not everybody may see it: each page fetches what it may.
    #[serde(flatten)]
    pub item: Option<Item>,
    /// What the message answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted: Option<Quoted>,
}

impl Change<'_> {
    /// The bytes that go everywhere.
    ///
    /// # Errors
    /// `Internal`.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(Error::internal)
    }
}

/// The answer of `…/fetch`.
#[derive(Debug, Serialize)]
pub struct Fetched<'a> {
    /// The history that the revision belongs to.
    pub epoch: &'a str,
    /// The room.
    pub chatroom: RoomId,
    /// The cursor to continue from.
    pub revision: i64,
    /// More has changed than this answer holds.
    pub has_more: bool,
    /// Older messages stand above these.
    pub has_earlier: bool,
    /// Messages in this answer.
    pub count: usize,
    /// The reader's cursor means nothing: start over from here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
    /// How pages are to hear of news.
    pub mode: &'static str,
    /// The messages.
    pub messages: Vec<MessageObject>,
    /// What they quote.
    pub quoted: Vec<Quoted>,
    /// The room, when it changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomObject>,
    /// Whose standing changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<MemberState>,
    /// How many are in the room, where the answer begins anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_count: Option<i64>,
    /// Messages of this answer that the reader has hidden.
    pub hidden: Vec<MessageId>,
}

impl<'a> Fetched<'a> {
    /// The answer that holds a page.
    ///
    /// # Errors
    /// `Internal`.
    pub fn new(live: &'a super::Live, room: RoomId, page: Page) -> Result<Self> {
        let messages: Vec<MessageObject> =
            page.messages.into_iter().map(|message| live.message_object(message)).collect::<Result<_>>()?;
        Ok(Self {
            epoch: &live.epoch,
            chatroom: room,
            revision: page.revision,
            has_more: page.has_more,
            has_earlier: page.has_earlier,
            count: messages.len(),
            reset: page.is_reset,
            mode: live.mode().as_str(),
            messages,
            quoted: page.quoted,
            room: page.room.map(|room| RoomObject { room, pins: page.pins }),
            members: page.members,
            member_count: page.member_count,
            hidden: page.hidden,
        })
    }
}

/// What a poll is told besides the room's log, as far as it asks for that: the last word counts.
#[derive(Debug, Serialize)]
pub struct Beside {
    /// The room's count of receipts, to continue from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reads: Option<i64>,
    /// The receipts that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marks: Option<Vec<Mark>>,
    /// Whether more have changed than these: the count of who has read is at least what they say.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub marks_partial: bool,
    /// The count of changes of who types.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typing: Option<u64>,
    /// Who types now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typists: Option<Vec<UserId>>,
    /// How those are called whom a page need not know: in a large room.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub typist_names: Vec<Value>,
}

/// The answer of `…/fetch`, whole.
#[derive(Debug, Serialize)]
pub struct Polled<'a> {
    /// The room's log.
    #[serde(flatten)]
    pub fetched: Fetched<'a>,
    /// And the rest.
    #[serde(flatten)]
    pub beside: Beside,
}
