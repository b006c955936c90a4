//! Rooms: who is in them, and the one number that orders everything they show. Knows nothing of messages' content.

pub mod company;
pub mod member;
pub mod people;
pub mod reader;
pub mod receipt;
pub mod state;

use crate::clock::Micros;
use crate::db::{Cell, DbError, FromColumn, Reader, Row, Value, Writer};
use crate::error::{Error, Result, Text};
use crate::id::{GoalId, RoomId, UserId};
use crate::{params, sql};
pub use member::{Member, MemberState, Role};
use serde::Serialize;

/// More unread messages than this are counted as this many.
pub const UNREAD_MAX: i64 = 100;

/// What may be done in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Everything.
    Active,
    /// Read only, until unlocked.
    Locked,
    /// Read only and out of the way, until restored.
    Archived,
    /// Invisible, for ever.
    Deleted,
}

impl State {
    /// The word in the database, in JSON and in templates.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Locked => "locked",
            Self::Archived => "archived",
            Self::Deleted => "deleted",
        }
    }
}

impl FromColumn for State {
    const EXPECTED: &'static str = "the state of a room";

    fn from_column(cell: Cell<'_>) -> Option<Self> {
        let word = String::from_column(cell)?;
        [Self::Active, Self::Locked, Self::Archived, Self::Deleted].into_iter().find(|state| state.as_str() == word)
    }
}

/// A room, as its members see it.
#[derive(Debug, Clone, Serialize)]
pub struct Room {
    /// Which.
    pub id: RoomId,
    /// `goal`, `group` or `direct`.
    pub kind: String,
    /// What stands above it.
    pub title: String,
    /// What may be done in it.
    pub state: State,
    /// The goal that it belongs to.
    pub goal_id: Option<GoalId>,
    /// The room's revision of the last change of what stands here.
    pub revision: i64,
    /// The top of the room's log.
    #[serde(skip)]
    pub top: i64,
}

/// A room in somebody's list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The room.
    pub room: Room,
    /// Messages of others that the person has not read, at most [`UNREAD_MAX`]; none in a room that is muted.
    pub unread: i64,
    /// Unread messages that name the person, counted alike.
    pub mentions: i64,
    /// Whether the person wants to hear nothing of it.
    pub is_muted: bool,
    /// The person has read everything up to here.
    pub read_position: i64,
    /// The person's role.
    pub role: Role,
}

/// Founds a goal's room; its members are put in one by one.
pub fn create(tx: &mut Writer<'_>, goal: GoalId, title: &str, now: Micros) -> Result<RoomId> {
    Ok(tx.one(
        sql!(
            r#"
            insert into chatroom (kind, goal_id, title, revision, room_revision, created_at, active_at)
            values ('goal', $1, $2, 1, 1, $3, $4)
            returning id
            "#
        ),
        params![goal, title, now, hour(now)],
        |row| row.get("id"),
    )?)
}

/// A room that is not deleted.
pub fn find(db: &mut Reader<'_>, id: RoomId) -> Result<Option<Room>> {
    Ok(db.first(
        sql!(
            r#"
            select id, kind, title, state, goal_id, revision, room_revision
            from chatroom
            where id = $1 and state <> 'deleted'
            "#
        ),
        params![id],
        from_row,
    )?)
}

/// The rooms of a goal, in the order of their ids: the order in which a transaction that changes several locks them.
pub fn of_goal(db: &mut Reader<'_>, goal: GoalId) -> Result<Vec<RoomId>> {
    Ok(db.all(sql!("select id from chatroom where goal_id = $1 order by id"), params![goal], |row| row.get("id"))?)
}

/// A person's rooms beyond so many, the most active, are not listed beside a room.
pub const LISTED: i64 = 100;

/// The rooms that a person is in, oldest first, with what is unread; of very many the most active.
pub fn of_user(db: &mut Reader<'_>, user: UserId) -> Result<Vec<Listed>> {
    of_user_beside(db, user, RoomId(0))
}

/// The same, with one of them in any case.
pub fn of_user_beside(db: &mut Reader<'_>, user: UserId, room: RoomId) -> Result<Vec<Listed>> {
    let ids: Vec<i64> = db.all(
        sql!(
            r#"
            select m.chatroom_id
            from chatroom_member m
            where m.user_id = $1
                and m.left_at is null
                and (select c.state from chatroom c where c.id = m.chatroom_id) <> 'deleted'
            order by
                case when m.chatroom_id = $2 then 0 else 1 end,
                (select c.active_at from chatroom c where c.id = m.chatroom_id) desc,
                m.chatroom_id desc
            limit $3
            "#
        ),
        params![user, room, LISTED],
        |row| row.get("chatroom_id"),
    )?;
    Ok(db.all(
        sql!(
            r#"
            select
                c.id, c.kind, c.title, c.state, c.goal_id, c.revision, c.room_revision,
                m.role, m.read_position, m.notification_level,
                (
                    select count(*)
                    from (
                        select 1
                        from message t
                        where t.chatroom_id = c.id
                            and t.position > m.read_position
                            and t.author_id <> $1
                            and t.kind <> 'system'
                            and t.deleted_at is null
                            and m.notification_level <> 'none'
                        limit $2
                    ) unread
                ) as unread,
                (
                    select count(*)
                    from (
                        select 1
                        from message_mention n
                        where n.user_id = $1
                            and n.chatroom_id = c.id
                            and n.position > m.read_position
                            and m.notification_level <> 'none'
                        limit $2
                    ) named
                ) as mentions
            from chatroom_member m
            cross join chatroom c
            where m.user_id = $1 and m.chatroom_id in {ids:$3} and c.id = m.chatroom_id
            order by c.id
            "#
        ),
        params![user, UNREAD_MAX, Value::ids(&ids)],
        |row| {
            Ok(Listed {
                room: from_row(row)?,
                unread: row.get("unread")?,
                mentions: row.get("mentions")?,
                is_muted: row.get::<String>("notification_level")? == "none",
                read_position: row.get("read_position")?,
                role: row.get("role")?,
            })
        },
    )?)
}

/// The top revision of every room: what the program keeps in memory from its start on.
pub fn tops(db: &mut Reader<'_>) -> Result<Vec<(RoomId, i64)>> {
    Ok(db.all(sql!("select id, revision from chatroom"), params![], |row| Ok((row.get("id")?, row.get("revision")?)))?)
}

/// Takes the next revision of an active room for a member who writes in it. The row stays locked until the commit, so
/// that revision order is commit order; a rollback gives the number back.
///
/// # Errors
/// `NotFound` for somebody who is no member any more, `Conflict` for a room that is read only.
pub fn advance(tx: &mut Writer<'_>, member: &Member) -> Result<i64> {
    advance_to(tx, member, 0)
}

/// The same for a member who says something new: the room counts among the active ones.
///
/// # Errors
/// Those of [`advance`].
pub fn advance_said(tx: &mut Writer<'_>, member: &Member, now: Micros) -> Result<i64> {
    advance_to(tx, member, hour(now))
}

/// The hour of a moment: a room's place among the active ones changes once an hour, so that an index of it is not written with every message.
fn hour(at: Micros) -> Micros {
    at - at.rem_euclid(3_600_000_000)
}

fn advance_to(tx: &mut Writer<'_>, member: &Member, active_at: Micros) -> Result<i64> {
    let next = tx.first(
        sql!(
            r#"
            update chatroom
            set revision = revision + 1, active_at = {greatest:active_at, $3}
            where id = $1
                and state = 'active'
                and exists (
                    select 1
                    from chatroom_member m
                    where m.chatroom_id = $1 and m.user_id = $2 and m.left_at is null
                )
            returning revision
            "#
        ),
        params![member.room(), member.user(), active_at],
        |row| row.get("revision"),
    )?;
    match next {
        Some(revision) => Ok(revision),
        None => Err(why_read_only(tx, member)?),
    }
}

/// Gives back a revision taken by [`advance`] in this same transaction.
pub fn give_back(tx: &mut Writer<'_>, room: RoomId) -> Result<()> {
    tx.execute(sql!("update chatroom set revision = revision - 1 where id = $1"), params![room])?;
    Ok(())
}

/// Says that a revision was about the room itself: its name, its state, its pins.
pub fn touch(tx: &mut Writer<'_>, room: RoomId, revision: i64) -> Result<()> {
    tx.execute(sql!("update chatroom set room_revision = $2 where id = $1"), params![room, revision])?;
    Ok(())
}

/// Takes the next revision of a room for a change that no state of the room forbids: of its membership, of its state, of what
/// it says itself.
pub fn advance_any(tx: &mut Writer<'_>, room: RoomId) -> Result<i64> {
    Ok(tx.one(
        sql!("update chatroom set revision = revision + 1 where id = $1 returning revision"),
        params![room],
        |row| row.get("revision"),
    )?)
}

/// Whether a room takes messages.
///
/// # Errors
/// `Conflict` for a room that is read only; `NotFound` for one that is gone.
pub fn check_open(db: &mut Reader<'_>, room: RoomId) -> Result<()> {
    match find(db, room)?.map(|room| room.state) {
        Some(State::Active) => Ok(()),
        Some(State::Locked) => Err(Error::Conflict(Text::new("room-locked"))),
        Some(State::Archived) => Err(Error::Conflict(Text::new("room-archived"))),
        Some(State::Deleted) | None => Err(Error::NotFound),
    }
}

fn why_read_only(tx: &mut Writer<'_>, member: &Member) -> Result<Error> {
    let is_member = Member::find(tx, member.room(), member.user())?.is_some();
    let state = find(tx, member.room())?.map(|room| room.state);
    Ok(match (is_member, state) {
        (true, Some(State::Locked)) => Error::Conflict(Text::new("room-locked")),
        (true, Some(State::Archived)) => Error::Conflict(Text::new("room-archived")),
        (true, Some(State::Active)) => Error::Unavailable,
        (true, Some(State::Deleted) | None) | (false, _) => Error::NotFound,
    })
}

fn from_row(row: &Row<'_>) -> std::result::Result<Room, DbError> {
    Ok(Room {
        id: row.get("id")?,
        kind: row.get("kind")?,
        title: row.get("title")?,
        state: row.get("state")?,
        goal_id: row.get("goal_id")?,
        revision: row.get("room_revision")?,
        top: row.get("revision")?,
    })
}
