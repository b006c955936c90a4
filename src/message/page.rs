//! What a page or a poll reads of a room: the newest, what changed after a revision, the history upwards.
//!
//! Each runs in one snapshot, so that the cursor it returns is true of the items beside it.

use crate::chatroom::people::{self, First};
use crate::chatroom::{self, Member, MemberState, Room};
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::id::{MessageId, UserId};
use crate::message::{self, Message, Quoted, from_row, hidden, pin};
use crate::{params, sql};

/// Messages in the page that opens a room, and in a page of history.
pub const NEWEST: i64 = 50;
/// The most items that one answer holds.
pub const LIMIT_MAX: i64 = 100;

/// Where a reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// Knows nothing: wants the newest page.
    Newest,
    /// Has everything up to this revision.
    Since(i64),
    /// Has seen this message last (the seed's `lastMessageId`).
    LastMessage(MessageId),
    /// Wants the history above this position.
    Before(i64),
}

/// What a reader gets.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The cursor to continue from (not for history).
    pub revision: i64,
    /// More has changed than this page holds.
    pub has_more: bool,
    /// Older messages stand above this page (newest and history only).
    pub has_earlier: bool,
    /// The reader's cursor means nothing here: start over from this page.
    pub is_reset: bool,
    /// In the order of their revisions (changes) or positions (newest, history).
    pub messages: Vec<Message>,
    /// What they quote.
    pub quoted: Vec<Quoted>,
    /// The room, when it changed.
    pub room: Option<Room>,
    /// What is pinned in it, when it changed.
    pub pins: Vec<Quoted>,
    /// Messages of this page that the reader has hidden.
    pub hidden: Vec<MessageId>,
    /// Whose standing changed; with the newest page those whom a page lists.
    pub members: Vec<MemberState>,
    /// How many are in the room (newest only).
    pub member_count: Option<i64>,
}

/// Reads what a member's cursor asks for.
///
/// # Errors
/// `NotFound` when the room went away meanwhile.
pub fn read(db: &mut Reader<'_>, member: &Member, cursor: Cursor, limit: i64) -> Result<Page> {
    read_with(db, member, cursor, limit, &[])
}

/// The same; of a large room those are listed first who are here, as far as the reader may know it.
///
/// # Errors
/// Those of [`read`].
pub fn read_with(db: &mut Reader<'_>, member: &Member, cursor: Cursor, limit: i64, here: &[UserId]) -> Result<Page> {
    let room = chatroom::find(db, member.room())?.ok_or(Error::NotFound)?;
    let limit = limit.clamp(1, LIMIT_MAX);
    match cursor {
        Cursor::Before(position) => before(db, member, room, position, limit),
        Cursor::Newest => newest(db, member, room, limit, (false, here)),
        Cursor::Since(revision) if revision < 0 || revision > room.top => newest(db, member, room, limit, (true, here)),
        Cursor::Since(revision) => changed_since(db, member, room, revision, limit),
        Cursor::LastMessage(MessageId(0)) => newest(db, member, room, limit, (false, here)),
        Cursor::LastMessage(id) => match message::find(db, member, id)? {
            Some(message) => changed_since(db, member, room, message.position, limit),
            None => newest(db, member, room, limit, (true, here)),
        },
    }
}

fn newest(
    db: &mut Reader<'_>,
    member: &Member,
    room: Room,
    limit: i64,
    (is_reset, here): (bool, &[UserId]),
) -> Result<Page> {
    let (messages, has_earlier) = above(db, member, i64::MAX, limit)?;
    let authors: Vec<UserId> =
        messages.iter().rev().filter(|message| !message.is_system()).map(|message| message.author.id).collect();
    let people = people::shown(db, room.id, First { viewer: Some(member.user()), authors: &authors, here })?;
    let page = Page {
        revision: room.top,
        has_earlier,
        is_reset,
        messages,
        members: people.members,
        member_count: Some(people.count),
        room: Some(room),
        ..Page::default()
    };
    with_quotes(db, member, page)
}

fn before(db: &mut Reader<'_>, member: &Member, room: Room, position: i64, limit: i64) -> Result<Page> {
    let (messages, has_earlier) = above(db, member, position, limit)?;
    with_quotes(db, member, Page { revision: room.top, has_earlier, messages, ..Page::default() })
}

fn changed_since(db: &mut Reader<'_>, member: &Member, room: Room, after: i64, limit: i64) -> Result<Page> {
    if after == room.top {
        return Ok(Page { revision: room.top, ..Page::default() });
    }
    // The limit in each part is for PostgreSQL, which would sort everything since then: 26 ms in a room of 100,000.
    let mut revisions: Vec<i64> = db.all(
        sql!(
            r#"
            select revision
            from (
                select revision
                from (
                    select revision
                    from message
                    where chatroom_id = $1 and revision > $2
                    order by revision
                    limit $3
                ) newer
                union all
                select revision
                from (
                    select revision
                    from chatroom_member
                    where chatroom_id = $1 and revision > $2
                    order by revision
                    limit $3
                ) moved
                union all
                select room_revision as revision from chatroom where id = $1 and room_revision > $2
            ) item
            order by revision
            limit $3
            "#
        ),
        params![room.id, after, limit + 1],
        |row| row.get("revision"),
    )?;
    let has_more = i64::try_from(revisions.len()).is_ok_and(|found| found > limit);
    if has_more {
        revisions.pop();
    }
    let up_to = if has_more { revisions.last().copied().unwrap_or(room.top) } else { room.top };
    let messages = db.all(
        sql!(
            r#"
            select *
            from message_view
            where chatroom_id = $1 and revision > $2 and revision <= $3 and position + 0 > $4
            order by revision
            limit $5
            "#
        ),
        // There are no more: the limit tells PostgreSQL, which takes room and revision for independent and expects half the room.
        params![room.id, after, up_to, member.first_position(), limit],
        from_row,
    )?;
    let page = Page {
        revision: up_to,
        has_more,
        messages,
        members: chatroom::member::changed_between(db, room.id, after, up_to)?,
        room: (room.revision > after && room.revision <= up_to).then_some(room),
        ..Page::default()
    };
    with_quotes(db, member, page)
}

/// The messages next above a position, in the order of reading, and whether more stand above them.
fn above(db: &mut Reader<'_>, member: &Member, position: i64, limit: i64) -> Result<(Vec<Message>, bool)> {
    let mut messages = db.all(
        sql!(
            r#"
            select *
            from message_view
            where chatroom_id = $1 and position < $2 and position > $3
            order by position desc
            limit $4
            "#
        ),
        params![member.room(), position, member.first_position(), limit + 1],
        from_row,
    )?;
    let has_earlier = i64::try_from(messages.len()).is_ok_and(|found| found > limit);
    if has_earlier {
        messages.pop();
    }
    messages.reverse();
    Ok((messages, has_earlier))
}

fn with_quotes(db: &mut Reader<'_>, member: &Member, mut page: Page) -> Result<Page> {
    message::complete(db, &mut page.messages)?;
    let ids: Vec<i64> = page.messages.iter().map(|message| message.id.0).collect();
    page.hidden = hidden::among(db, member, &ids)?;
    if page.room.is_some() {
        page.pins = pin::list(db, member)?;
    }
    let mut sources: Vec<i64> =
        page.messages.iter().filter_map(|message| message.reply_to).map(|source| source.id.0).collect();
    sources.sort_unstable();
    sources.dedup();
    page.quoted = message::quoted(db, &sources, member.first_position())?;
    Ok(page)
}
