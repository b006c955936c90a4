//! Messages: sent, edited, deleted, each in one transaction with the room's next revision.

pub mod attachment;
pub mod audience;
pub mod draft;
pub mod erase;
pub mod export;
pub mod hidden;
pub mod link;
pub mod markdown;
pub mod mention;
mod notice;
pub mod page;
pub mod pin;
pub mod reaction;
pub mod renderer;
pub mod search;
pub mod storage;
pub mod system;
pub mod version;

use crate::chatroom::{self, Member};
use crate::clock::Micros;
use crate::db::{DbError, Reader, Row, Value, Writer};
use crate::error::{Error, Result, Text};
use crate::id::{MessageId, RoomId};
use crate::user::Name;
use crate::user::notification::Event;
use crate::{params, sql};
pub use attachment::Attachment;
pub use draft::{Content, Draft, Kind};
use mention::{Place, Resolved};
pub use reaction::Reaction;
use serde::Serialize;
use std::collections::HashMap;

/// A message as everybody in its room sees it.
#[derive(Debug, Clone)]
pub struct Message {
    /// Which.
    pub id: MessageId,
    /// In which room.
    pub chatroom: RoomId,
    /// Whose.
    pub author: Name,
    /// `text`, `voice` or `system`.
    pub kind: String,
    /// Markdown as typed; empty in a tombstone.
    pub content: String,
    /// The same as safe HTML.
    pub body_html: String,
    /// The same as plain text, shortened.
    pub excerpt: String,
    /// What it answers.
    pub reply_to: Option<ReplyTo>,
    /// The browser's own name for it.
    pub client_nonce: String,
    /// Its place in the room: the room's revision when it was posted.
    pub position: i64,
    /// The room's revision of its last change.
    pub revision: i64,
    /// When it was posted.
    pub created_at: Micros,
    /// When it was last edited.
    pub edited_at: Option<Micros>,
    /// When it was deleted.
    pub deleted_at: Option<Micros>,
    /// When it was pinned.
    pub pinned_at: Option<Micros>,
    /// What a system message tells: `joined`, `left`, …
    pub system: Option<String>,
    /// Its files.
    pub attachments: Vec<Attachment>,
    /// What people put on it.
    pub reactions: Vec<Reaction>,
    /// What stands behind its links.
    pub links: Vec<link::Preview>,
}

impl Message {
    /// Whether only a tombstone is left.
    pub fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// Whether the room said it itself.
    pub fn is_system(&self) -> bool {
        self.kind == "system"
    }

    /// Whether it is still early enough to edit it.
    pub fn is_editable(&self, window: Option<Micros>, now: Micros) -> bool {
        window.is_none_or(|window| now - self.created_at <= window)
    }

    /// What the message looks like where another quotes it.
    pub fn as_quoted(&self) -> Quoted {
        Quoted {
            id: self.id,
            position: self.position,
            author: self.author.clone(),
            excerpt: self.excerpt.clone(),
            deleted: self.is_deleted(),
        }
    }
}

/// The message that another answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ReplyTo {
    /// Which.
    pub id: MessageId,
    /// Where it stands.
    pub position: i64,
}

/// What is shown of a message where another quotes it.
#[derive(Debug, Clone, Serialize)]
pub struct Quoted {
    /// Which.
    pub id: MessageId,
    /// Where it stands.
    pub position: i64,
    /// Whose.
    pub author: Name,
    /// Its beginning as plain text; empty when it is deleted.
    pub excerpt: String,
    /// Whether only a tombstone is left.
    pub deleted: bool,
}

/// A message with what it quotes: all that a change of it needs.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The message.
    pub message: Message,
    /// What it answers.
    pub quoted: Option<Quoted>,
    /// What people hear of it on their own topics, when it has just been written.
    pub events: Vec<Event>,
}

/// What became of a sent draft.
#[derive(Debug, Clone)]
pub enum Sent {
    /// It is in the room.
    New(Shown),
    /// It was already: this is its present state.
    Repeated(Shown),
}

/// Puts a message into the room, once per nonce.
///
/// # Errors
/// `Invalid` for a nonce that was used for something else, or an answer to no message of this room; `Conflict` for a room
/// that is read only; `NotFound` for somebody who is no member any more.
pub fn create(tx: &mut Writer<'_>, member: &Member, draft: &Draft, now: Micros) -> Result<Sent> {
    if let Some(sent) = find_sent(tx, member, draft)? {
        return Ok(sent);
    }
    if let Some(source) = draft.reply_to {
        let source = find(tx, member, source)?.filter(|source| !source.is_system());
        source.ok_or_else(|| Error::field("reply_to", Text::new("field-reply-unknown")))?;
    }
    let revision = chatroom::advance_said(tx, member, now)?;
    let Resolved { html, excerpt, named } = mention::resolve(tx, member, &draft.content, Place::New)?;
    let id: Option<MessageId> = tx.first(
        sql!(
            r#"
            insert into message
                (chatroom_id, author_id, content, body_html, excerpt, reply_to, client_nonce, sent_hash,
                 position, revision, created_at, kind)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)
            on conflict (chatroom_id, author_id, client_nonce) do nothing
            returning id
            "#
        ),
        params![
            member.room(),
            member.user(),
            draft.content.markdown(),
            &*html,
            draft.excerpt(&excerpt),
            draft.reply_to,
            &draft.client_nonce,
            draft.hash().as_slice(),
            revision,
            now,
            draft.kind.as_str()
        ],
        |row| row.get("id"),
    )?;
    match id {
        Some(id) => {
            attachment::insert(tx, id, &draft.files)?;
            let mut sent = shown(tx, member, id)?;
            search::add(tx, &sent.message, draft.content.indexed())?;
            sent.events = notice::posted(tx, member, &sent.message, sent.quoted.as_ref(), &named, now)?;
            Ok(Sent::New(sent))
        }
        // Another tab's retry of the same item committed between our look and the room's lock.
        None => {
            chatroom::give_back(tx, member.room())?;
            find_sent(tx, member, draft)?.ok_or(Error::Unavailable)
        }
    }
}

/// Replaces the content of one's own message, within a time after it was sent when there is such a limit. The same content again
/// changes nothing.
///
/// # Errors
/// `NotFound` outside of the room, `Forbidden` for another's, `Conflict` for a deleted one or when the time is over.
pub fn edit(
    tx: &mut Writer<'_>,
    member: &Member,
    id: MessageId,
    content: &Content,
    window: Option<Micros>,
    now: Micros,
) -> Result<(bool, Shown)> {
    let present = of_room(tx, member, id)?;
    system::refuse(&present.message)?;
    if present.message.author.id != member.user() {
        return Err(Error::Forbidden(Text::new("error-forbidden")));
    }
    if present.message.is_deleted() {
        return Err(Error::Conflict(Text::new("message-deleted")));
    }
    if present.message.kind == Kind::Voice.as_str() {
        return Err(Error::Conflict(Text::new("message-voice")));
    }
    if present.message.content == content.markdown() {
        return Ok((false, present));
    }
    let files = &present.message.attachments;
    if content.is_empty() && files.is_empty() {
        return Err(Error::field("content", Text::new("field-message-empty")));
    }
    let of_files = attachment::excerpt(files.iter().map(|file| file.name.as_str()));
    if !present.message.is_editable(window, now) {
        return Err(Error::Conflict(Text::new("message-edit-late")));
    }
    let revision = chatroom::advance(tx, member)?;
    version::keep(tx, &present.message)?;
    link::keep_only(tx, &present.message, content.links())?;
    let Message { position, body_html, .. } = &present.message;
    let Resolved { html, excerpt, named } = mention::resolve(tx, member, content, Place::Of(*position, body_html))?;
    let excerpt = if excerpt.is_empty() { of_files.into() } else { excerpt };
    tx.execute(
        sql!(
            r#"
            update message
            set content = $2, body_html = $3, excerpt = $4, edited_at = $5, revision = $6
            where id = $1
            "#
        ),
        params![id, content.markdown(), &*html, &*excerpt, now, revision],
    )?;
    let mut edited = shown(tx, member, id)?;
    search::renew(tx, &edited.message, content.indexed())?;
    edited.events = notice::edited(tx, member, &edited.message, &named, now)?;
    Ok((true, edited))
}

/// Leaves a tombstone with no content. Deleting twice is deleting once.
///
/// # Errors
/// `NotFound` outside of the room, `Forbidden` for another's unless one moderates.
pub fn delete(tx: &mut Writer<'_>, member: &Member, id: MessageId, now: Micros) -> Result<(bool, Shown)> {
    let present = of_room(tx, member, id)?;
    system::refuse(&present.message)?;
    if present.message.author.id != member.user() && !member.role().may_moderate() {
        return Err(Error::Forbidden(Text::new("error-forbidden")));
    }
    if present.message.is_deleted() {
        return Ok((false, present));
    }
    let revision = chatroom::advance(tx, member)?;
    tx.execute(
        sql!(
            r#"
            update message
            set content = '', body_html = '', excerpt = '', pinned_at = null, pinned_by = null, deleted_at = $2, revision = $3
            where id = $1
            "#
        ),
        params![id, now, revision],
    )?;
    forget_parts(tx, id)?;
    search::forget(tx, id)?;
    Ok((true, shown(tx, member, id)?))
}

/// A tombstone has nothing: what belonged to the message goes with it.
fn forget_parts(tx: &mut Writer<'_>, id: MessageId) -> Result<()> {
    attachment::forget(tx, id)?;
    tx.execute(sql!("delete from message_reaction where message_id = $1"), params![id])?;
    tx.execute(sql!("delete from message_version where message_id = $1"), params![id])?;
    tx.execute(sql!("delete from message_mention where message_id = $1"), params![id])?;
    erase::forget_links(tx, id)
}

/// Gives a message the revision of a change that stands in another table.
fn touch(tx: &mut Writer<'_>, id: MessageId, revision: i64) -> Result<()> {
    tx.execute(sql!("update message set revision = $2 where id = $1"), params![id, revision])?;
    Ok(())
}

/// Whether a member may send now, asked before large files are read: the room is open, or the message is in it already and its
/// answer was lost.
///
/// # Errors
/// `Conflict` for a room that is read only; `NotFound` for one that is gone.
pub fn check_sending(db: &mut Reader<'_>, member: &Member, client_nonce: &str) -> Result<()> {
    let known: Option<i64> = db.first(
        sql!("select id from message where chatroom_id = $1 and author_id = $2 and client_nonce = $3"),
        params![member.room(), member.user(), client_nonce],
        |row| row.get("id"),
    )?;
    if known.is_some() { Ok(()) } else { chatroom::check_open(db, member.room()) }
}

/// The room of a message, whoever asks: the first step of every route that names a message.
pub fn room_of(db: &mut Reader<'_>, id: MessageId) -> Result<Option<RoomId>> {
    Ok(db.first(sql!("select chatroom_id from message where id = $1"), params![id], |row| row.get("chatroom_id"))?)
}

/// A message that a member may see, tombstone included.
pub fn find(db: &mut Reader<'_>, member: &Member, id: MessageId) -> Result<Option<Message>> {
    Ok(db.first(
        sql!("select * from message_view where id = $1 and chatroom_id = $2 and position > $3"),
        params![id, member.room(), member.first_position()],
        from_row,
    )?)
}

/// What is shown of some messages where others quote them, above a position.
pub fn quoted(db: &mut Reader<'_>, ids: &[i64], first_position: i64) -> Result<Vec<Quoted>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sources = db.all(
        sql!("select * from message_view where id in {ids:$1} and position > $2 order by id"),
        params![Value::ids(ids), first_position],
        from_row,
    )?;
    Ok(sources.iter().map(Message::as_quoted).collect())
}

/// What stands under the draft's nonce already.
fn find_sent(tx: &mut Writer<'_>, member: &Member, draft: &Draft) -> Result<Option<Sent>> {
    let found: Option<(MessageId, Vec<u8>)> = tx.first(
        sql!(
            r#"
            select id, sent_hash
            from message
            where chatroom_id = $1 and author_id = $2 and client_nonce = $3
            "#
        ),
        params![member.room(), member.user(), &draft.client_nonce],
        |row| Ok((row.get("id")?, row.get("sent_hash")?)),
    )?;
    match found {
        None => Ok(None),
        Some((id, hash)) if hash == draft.hash() => Ok(Some(Sent::Repeated(shown(tx, member, id)?))),
        Some(_) => Err(Error::field("client_nonce", Text::new("field-nonce-reused"))),
    }
}

/// A message with what it quotes, for a member who may see it.
///
/// # Errors
/// `NotFound` outside of the room.
pub fn look(db: &mut Reader<'_>, member: &Member, id: MessageId) -> Result<Shown> {
    find(db, member, id)?.ok_or(Error::NotFound)?;
    shown(db, member, id)
}

fn of_room(tx: &mut Writer<'_>, member: &Member, id: MessageId) -> Result<Shown> {
    // Locks the room first: what is read here still holds when the change commits.
    tx.first(sql!("select id from chatroom where id = $1 {for_update}"), params![member.room()], |_| Ok(()))?;
    look(tx, member, id)
}

/// A message with what it quotes, as far as a member may see that: the answer to an act shows no more than a page does.
fn shown(db: &mut Reader<'_>, member: &Member, id: MessageId) -> Result<Shown> {
    let message = db.one(sql!("select * from message_view where id = $1"), params![id], from_row)?;
    let mut messages = [message];
    complete(db, &mut messages)?;
    let [message] = messages;
    let source: Vec<i64> = message.reply_to.iter().map(|source| source.id.0).collect();
    let quoted = quoted(db, &source, member.first_position())?.pop();
    Ok(Shown { message, quoted, events: Vec::new() })
}

/// Adds to messages what stands in tables of its own: a statement each, however many messages there are.
fn complete(db: &mut Reader<'_>, messages: &mut [Message]) -> Result<()> {
    let ids: Vec<i64> = messages.iter().filter(|message| !message.is_deleted()).map(|message| message.id.0).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let places: HashMap<MessageId, usize> =
        messages.iter().enumerate().map(|(place, message)| (message.id, place)).collect();
    let place = |id: MessageId| places.get(&id).copied().unwrap_or(usize::MAX);
    for attachment in attachment::of_messages(db, &ids)? {
        if let Some(message) = messages.get_mut(place(attachment.message)) {
            message.attachments.push(attachment);
        }
    }
    for (id, preview) in link::of_messages(db, &ids)? {
        if let Some(message) = messages.get_mut(place(id)) {
            message.links.push(preview);
        }
    }
    for (id, reactions) in reaction::of_messages(db, &ids)? {
        if let Some(message) = messages.get_mut(place(id)) {
            message.reactions = reactions;
        }
    }
    Ok(())
}

fn from_row(row: &Row<'_>) -> std::result::Result<Message, DbError> {
    let reply_to = match (row.get("reply_to")?, row.get("reply_position")?) {
        (Some(id), Some(position)) => Some(ReplyTo { id: MessageId(id), position }),
        (None, _) | (_, None) => None,
    };
    Ok(Message {
        id: row.get("id")?,
        chatroom: row.get("chatroom_id")?,
        author: Name::from_row(row, "author_id", "author_first_name", "author_last_name")?,
        kind: row.get("kind")?,
        content: row.get("content")?,
        body_html: row.get("body_html")?,
        excerpt: row.get("excerpt")?,
        reply_to,
        client_nonce: row.get("client_nonce")?,
        position: row.get("position")?,
        revision: row.get("revision")?,
        created_at: row.get("created_at")?,
        edited_at: row.get("edited_at")?,
        deleted_at: row.get("deleted_at")?,
        pinned_at: row.get("pinned_at")?,
        system: row.get("system")?,
        attachments: Vec::new(),
        reactions: Vec::new(),
        links: Vec::new(),
    })
}
