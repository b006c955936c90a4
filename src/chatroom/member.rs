//! Membership: the one place that answers "may this person see this room?".

use crate::chatroom::{advance_any, people};
use crate::clock::Micros;
use crate::db::{Cell, DbError, FromColumn, Reader, Row, Value, Writer};
use crate::error::{Error, Result};
use crate::id::{RoomId, UserId};
use crate::user::{self, Name};
use crate::{params, sql};
use serde::Serialize;

/// A person's role, in a goal and in its rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads and writes.
    Member,
    /// Decides on requests, moderates.
    Admin,
    /// Everything; always exactly one.
    Owner,
}

impl Role {
    /// The word in the database, in JSON and in templates.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// The role of a word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Member, Self::Admin, Self::Owner].into_iter().find(|role| role.as_str() == text)
    }

    /// Admin or owner.
    pub fn may_moderate(self) -> bool {
        self >= Self::Admin
    }
}

impl FromColumn for Role {
    const EXPECTED: &'static str = "a role";

    fn from_column(cell: Cell<'_>) -> Option<Self> {
        Self::parse(&String::from_column(cell)?)
    }
}

/// Proof that somebody is in a room. It can only be had by looking.
#[derive(Debug, Clone)]
pub struct Member {
    room: RoomId,
    user: UserId,
    role: Role,
    first_position: i64,
    hides: i64,
}

impl Member {
    /// Looks whether a person is in a room that is not deleted.
    pub fn find(db: &mut Reader<'_>, room: RoomId, user: UserId) -> Result<Option<Self>> {
        Ok(db.first(
            sql!(
                r#"
                select m.role, m.first_position, m.hides
                from chatroom_member m
                where m.chatroom_id = $1
                    and m.user_id = $2
                    and m.left_at is null
                    and (select c.state from chatroom c where c.id = m.chatroom_id) <> 'deleted'
                "#
            ),
            params![room, user],
            |row| {
                let (role, first_position) = (row.get("role")?, row.get("first_position")?);
                Ok(Self { room, user, role, first_position, hides: row.get("hides")? })
            },
        )?)
    }

    /// The same for several rooms of one person: those where the person is, in one statement.
    pub fn find_all(db: &mut Reader<'_>, rooms: &[i64], user: UserId) -> Result<Vec<Self>> {
        Ok(db.all(
            sql!(
                r#"
                select m.chatroom_id, m.role, m.first_position, m.hides
                from chatroom_member m
                cross join chatroom c
                where m.chatroom_id in {ids:$1}
                    and m.user_id = $2
                    and c.id = m.chatroom_id
                    and m.left_at is null
                    and c.state <> 'deleted'
                "#
            ),
            params![Value::ids(rooms), user],
            |row| {
                let (room, role, first_position) =
                    (row.get("chatroom_id")?, row.get("role")?, row.get("first_position")?);
                Ok(Self { room, user, role, first_position, hides: row.get("hides")? })
            },
        )?)
    }

    /// The room.
    pub fn room(&self) -> RoomId {
        self.room
    }

    /// The person.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// The person's role in it.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The person sees the messages above this position: everything, or what was said since the arrival.
    pub fn first_position(&self) -> i64 {
        self.first_position
    }

    /// How often the person has hidden something here, or shown it again.
    pub fn hides(&self) -> i64 {
        self.hides
    }
}

/// A person's standing in a room, as the room's log tells it.
#[derive(Debug, Clone, Serialize)]
pub struct MemberState {
    /// Which room.
    #[serde(skip)]
    pub room: RoomId,
    /// Who.
    pub user: Name,
    /// In which role.
    pub role: Role,
    /// `joined` or `left`.
    pub state: &'static str,
    /// The room's revision of this change.
    pub revision: i64,
    /// Whether the change is that the person came: one more is in the room.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_new: bool,
    /// Since when.
    #[serde(skip)]
    pub joined_at: Micros,
}

/// Everybody who is in a room, by name: for what concerns each of them. What is shown are pages of [`people`].
pub fn list(db: &mut Reader<'_>, room: RoomId) -> Result<Vec<MemberState>> {
    Ok(db.all(
        sql!(
            r#"
            select *
            from member_view
            where chatroom_id = $1 and coalesce(left_at, 0) = 0
            order by name_key, user_id
            "#
        ),
        params![room],
        from_row,
    )?)
}

/// Whose standing changed after one revision and up to another.
pub fn changed_between(db: &mut Reader<'_>, room: RoomId, after: i64, up_to: i64) -> Result<Vec<MemberState>> {
    Ok(db.all(
        sql!(
            r#"
            select *
            from member_view
            where chatroom_id = $1 and revision > $2 and revision <= $3
            order by revision
            "#
        ),
        params![room, after, up_to],
        from_row,
    )?)
}

/// How much of a room a person wants to be told when not looking at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Every message.
    All,
    /// What names the person or answers them.
    Mentions,
    /// Nothing.
    None,
}

impl Level {
    /// The word in the database, in forms and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Mentions => "mentions",
            Self::None => "none",
        }
    }

    /// The level of a word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::All, Self::Mentions, Self::None].into_iter().find(|level| level.as_str() == text)
    }
}

impl FromColumn for Level {
    const EXPECTED: &'static str = "a level of notifications";

    fn from_column(cell: Cell<'_>) -> Option<Self> {
        Self::parse(&String::from_column(cell)?)
    }
}

/// How much of a room its member wants to be told.
pub fn level(db: &mut Reader<'_>, member: &Member) -> Result<Level> {
    Ok(db.one(
        sql!("select notification_level from chatroom_member where chatroom_id = $1 and user_id = $2"),
        params![member.room(), member.user()],
        |row| row.get("notification_level"),
    )?)
}

/// Chooses how much of a room one wants to be told. Nobody else learns of it.
pub fn set_level(tx: &mut Writer<'_>, member: &Member, level: Level) -> Result<()> {
    tx.execute(
        sql!("update chatroom_member set notification_level = $3 where chatroom_id = $1 and user_id = $2"),
        params![member.room(), member.user(), level.as_str()],
    )?;
    Ok(())
}

/// What a newcomer sees of what was said before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Everything.
    All,
    /// Nothing.
    None,
}

impl History {
    /// The word in the database and in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::None => "none",
        }
    }

    /// The meaning of a word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::All, Self::None].into_iter().find(|history| history.as_str() == text)
    }
}

impl FromColumn for History {
    const EXPECTED: &'static str = "a choice of history";

    fn from_column(cell: Cell<'_>) -> Option<Self> {
        Self::parse(&String::from_column(cell)?)
    }
}

/// Lets a person into a room. What was said before counts as read.
pub fn join(
    tx: &mut Writer<'_>,
    room: RoomId,
    user: UserId,
    role: Role,
    history: History,
    now: Micros,
) -> Result<MemberState> {
    let name = user::find_name(tx, user)?.ok_or(Error::NotFound)?;
    let revision = advance_any(tx, room)?;
    let first_position = match history {
        History::All => 0,
        History::None => revision,
    };
    tx.execute(
        sql!(
            r#"
            insert into chatroom_member
                (chatroom_id, user_id, role, revision, first_position, read_position, seen_from, joined_at,
                 name_key)
            values ($1, $2, $3, $4, $5, $4, $4, $6, $7)
            on conflict (chatroom_id, user_id) do update
            set role = excluded.role,
                revision = excluded.revision,
                first_position = excluded.first_position,
                read_position = excluded.read_position,
                seen_position = 0,
                seen_from = excluded.seen_from,
                seen_at = null,
                joined_at = excluded.joined_at,
                name_key = excluded.name_key,
                left_at = null
            "#
        ),
        params![room, user, role.as_str(), revision, first_position, now, people::key(&name.full())],
    )?;
    one(tx, room, user)
}

/// Gives another role to a person who is in a room; nothing when the person is not.
pub fn change_role(tx: &mut Writer<'_>, room: RoomId, user: UserId, role: Role) -> Result<Option<MemberState>> {
    if Member::find(tx, room, user)?.is_none() {
        return Ok(None);
    }
    let revision = advance_any(tx, room)?;
    tx.execute(
        sql!("update chatroom_member set role = $3, revision = $4 where chatroom_id = $1 and user_id = $2"),
        params![room, user, role.as_str(), revision],
    )?;
    one(tx, room, user).map(Some)
}

/// What every present member may see: the messages above this position.
pub fn seen_by_all_above(db: &mut Reader<'_>, room: RoomId) -> Result<i64> {
    let highest = db.first(
        sql!(
            r#"
            select first_position
            from chatroom_member
            where chatroom_id = $1 and coalesce(left_at, 0) = 0
            order by first_position desc
            limit 1
            "#
        ),
        params![room],
        |row| row.get("first_position"),
    )?;
    Ok(highest.unwrap_or(0))
}

/// Takes a person out of a room; nothing when the person was not in it.
pub fn remove(tx: &mut Writer<'_>, room: RoomId, user: UserId, now: Micros) -> Result<Option<MemberState>> {
    if Member::find(tx, room, user)?.is_none() {
        return Ok(None);
    }
    let revision = advance_any(tx, room)?;
    tx.execute(
        sql!("update chatroom_member set left_at = $3, revision = $4 where chatroom_id = $1 and user_id = $2"),
        params![room, user, now, revision],
    )?;
    one(tx, room, user).map(Some)
}

fn one(db: &mut Reader<'_>, room: RoomId, user: UserId) -> Result<MemberState> {
    Ok(db.one(
        sql!("select * from member_view where chatroom_id = $1 and user_id = $2"),
        params![room, user],
        from_row,
    )?)
}

pub(super) fn from_row(row: &Row<'_>) -> std::result::Result<MemberState, DbError> {
    let has_left = row.get::<Option<i64>>("left_at")?.is_some();
    let revision: i64 = row.get("revision")?;
    Ok(MemberState {
        room: row.get("chatroom_id")?,
        user: Name::from_row(row, "user_id", "first_name", "last_name")?,
        role: row.get("role")?,
        state: if has_left { "left" } else { "joined" },
        is_new: !has_left && revision == row.get::<i64>("seen_from")?,
        revision,
        joined_at: row.get("joined_at")?,
    })
}
