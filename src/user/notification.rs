//! A person's own events, counted like a room's: `"user".revision` is taken in the transaction that makes the event, so
//! its order is commit order and a page that was away asks for what came after its number.

use crate::clock::Micros;
use crate::db::{DbError, Reader, Row, Value, Writer};
use crate::error::Result;
use crate::id::{GoalId, MessageId, RoomId, UserId};
use crate::user::Name;
use crate::{params, sql};
use serde::Serialize;
use std::collections::HashMap;

/// At most so many events are told to a page that was away; the lists that it loads anew hold the rest.
pub const PAGE: i64 = 100;

/// Events of one person that are kept; the oldest go.
pub const KEPT: i64 = 1_000;
/// Of so many newest events of a person one that comes again is renewed.
const RENEWED: i64 = 200;

/// What happened to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Somebody asks to join a goal that this person decides for.
    ParticipationAsked,
    /// The person's request was approved.
    ParticipationApproved,
    /// The person's request was refused.
    ParticipationRefused,
    /// The person was removed from a goal.
    Removed,
    /// The person's role in a goal changed.
    RoleChanged,
    /// A message names the person.
    Mention,
    /// A message answers one of the person's.
    Reply,
    /// The person hid a message.
    Hidden,
    /// The person shows a hidden message again.
    Shown,
}

impl Kind {
    /// The word in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ParticipationAsked => "participation_asked",
            Self::ParticipationApproved => "participation_approved",
            Self::ParticipationRefused => "participation_refused",
            Self::Removed => "removed",
            Self::RoleChanged => "role_changed",
            Self::Mention => "mention",
            Self::Reply => "reply",
            Self::Hidden => "hidden",
            Self::Shown => "shown",
        }
    }
}

impl Kind {
    /// The kind that it takes the place of, besides its own: one cannot be true with the other.
    fn other(self) -> Self {
        match self {
            Self::Hidden => Self::Shown,
            Self::Shown => Self::Hidden,
            Self::ParticipationAsked
            | Self::ParticipationApproved
            | Self::ParticipationRefused
            | Self::Removed
            | Self::RoleChanged
            | Self::Mention
            | Self::Reply => self,
        }
    }
}

/// An event to be told to one person.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Whom it concerns.
    pub user: UserId,
    /// What happened.
    pub kind: Kind,
    /// In which goal.
    pub goal: Option<GoalId>,
    /// In which room.
    pub chatroom: Option<RoomId>,
    /// About which message.
    pub message: Option<MessageId>,
    /// Who did it.
    pub actor: UserId,
    /// The new role, when that is what changed.
    pub role: Option<&'static str>,
}

/// An event as the person's page hears it.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// Whose event.
    pub user: UserId,
    /// Its number among the person's own.
    pub revision: i64,
    /// What happened.
    pub event: Happening,
}

/// The inside of an [`Event`].
#[derive(Debug, Clone, Serialize)]
pub struct Happening {
    /// A word of [`Kind`].
    pub kind: String,
    /// The goal.
    pub goal: Option<GoalRef>,
    /// The goal's room.
    pub chatroom: Option<RoomId>,
    /// The message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// Who did it.
    pub actor: Option<Name>,
    /// The new role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// A goal as an event names it.
#[derive(Debug, Clone, Serialize)]
pub struct GoalRef {
    /// Which.
    pub id: GoalId,
    /// Its title.
    pub title: String,
}

/// Takes away what a new event says again: the same kind by the same person about the same thing is renewed, not repeated.
fn renew(tx: &mut Writer<'_>, notice: &Notice) -> Result<()> {
    tx.execute(
        sql!(
            r#"
            delete from notification
            where user_id = $1
                and kind in ($2, $3)
                and actor_id = $4
                and coalesce(goal_id, 0) = $5
                and coalesce(message_id, 0) = $6
                and revision > (select u.revision - $7 from "user" u where u.id = $1)
            "#
        ),
        params![
            notice.user,
            notice.kind.as_str(),
            notice.kind.other().as_str(),
            notice.actor,
            notice.goal.map_or(0, |goal| goal.0),
            notice.message.map_or(0, |message| message.0),
            RENEWED
        ],
    )?;
    Ok(())
}

/// Forgets the oldest events of people who have more than [`KEPT`]: of one person all of them, of many those that this moment makes too many.
fn forget_oldest(tx: &mut Writer<'_>, users: &[i64]) -> Result<()> {
    if let [user] = users {
        tx.execute(
            sql!(
                r#"
                delete from notification
                where user_id = $1 and revision <= (select u.revision - $2 from "user" u where u.id = $1)
                "#
            ),
            params![*user, KEPT],
        )?;
        return Ok(());
    }
    tx.execute(
        sql!(
            r#"
            delete from notification
            where (user_id, revision) in (select u.id, u.revision - $2 from "user" u where u.id in {ids:$1})
            "#
        ),
        params![Value::ids(users), KEPT],
    )?;
    Ok(())
}

/// Writes events down, in the order of people's ids (two transactions that each wait for the other's row would not end).
pub fn create_all(tx: &mut Writer<'_>, mut notices: Vec<Notice>, now: Micros) -> Result<Vec<Event>> {
    notices.sort_by_key(|notice| notice.user);
    let mut events = Vec::with_capacity(notices.len());
    for notice in notices {
        let revision: i64 = tx.one(
            sql!(r#"update "user" set revision = revision + 1 where id = $1 returning revision"#),
            params![notice.user],
            |row| row.get("revision"),
        )?;
        renew(tx, &notice)?;
        forget_oldest(tx, &[notice.user.0])?;
        tx.execute(
            sql!(
                r#"
                insert into notification
                    (user_id, revision, kind, goal_id, chatroom_id, message_id, actor_id, role, created_at)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                "#
            ),
            params![
                notice.user,
                revision,
                notice.kind.as_str(),
                notice.goal,
                notice.chatroom,
                notice.message,
                notice.actor,
                notice.role,
                now
            ],
        )?;
        events.extend(since(tx, notice.user, revision - 1)?);
    }
    Ok(events)
}

/// The message that people are told of.
#[derive(Debug)]
pub struct OnMessage<'a> {
    /// Its room.
    pub chatroom: RoomId,
    /// Which.
    pub message: MessageId,
    /// Who wrote it.
    pub actor: &'a Name,
}

/// Tells many people of one message, in as many statements as there are kinds, however many people there are.
pub fn create_on_message(
    tx: &mut Writer<'_>,
    about: &OnMessage<'_>,
    concerned: &[(Kind, Vec<UserId>)],
    now: Micros,
) -> Result<Vec<Event>> {
    let everybody: Vec<i64> = concerned.iter().flat_map(|(_, users)| users).map(|user| user.0).collect();
    if everybody.is_empty() {
        return Ok(Vec::new());
    }
    // Locked in the order of their ids: two transactions that each wait for the other's row would not end.
    tx.all(
        sql!(r#"select id from "user" where id in {ids:$1} order by id {for_update}"#),
        params![Value::ids(&everybody)],
        |_| Ok(()),
    )?;
    let revisions: HashMap<UserId, i64> = tx
        .all(
            sql!(r#"update "user" set revision = revision + 1 where id in {ids:$1} returning id, revision"#),
            params![Value::ids(&everybody)],
            |row| Ok((row.get("id")?, row.get("revision")?)),
        )?
        .into_iter()
        .collect();
    forget_oldest(tx, &everybody)?;
    let mut events = Vec::with_capacity(everybody.len());
    for (kind, users) in concerned.iter().filter(|(_, users)| !users.is_empty()) {
        let ids: Vec<i64> = users.iter().map(|user| user.0).collect();
        tx.execute(
            sql!(
                r#"
                insert into notification (user_id, revision, kind, chatroom_id, message_id, actor_id, created_at)
                select u.id, u.revision, $2, $3, $4, $5, $6
                from "user" u
                where u.id in {ids:$1}
                "#
            ),
            params![Value::ids(&ids), kind.as_str(), about.chatroom, about.message, about.actor.id, now],
        )?;
        let event = |user: &UserId| Some(about.event(*user, *revisions.get(user)?, *kind));
        events.extend(users.iter().filter_map(event));
    }
    Ok(events)
}

impl OnMessage<'_> {
    /// What [`since`] reads of the row later.
    fn event(&self, user: UserId, revision: i64, kind: Kind) -> Event {
        let event = Happening {
            kind: kind.as_str().to_owned(),
            goal: None,
            chatroom: Some(self.chatroom),
            message: Some(self.message),
            actor: Some(self.actor.clone()),
            role: None,
        };
        Event { user, revision, event }
    }
}

/// A person's events after a revision, oldest first, at most [`PAGE`].
pub fn since(db: &mut Reader<'_>, user: UserId, revision: i64) -> Result<Vec<Event>> {
    Ok(db.all(
        sql!(
            r#"
            select
                n.user_id, n.revision, n.kind, n.chatroom_id, n.message_id, n.role, n.goal_id, n.actor_id,
                (select g.title from goal g where g.id = n.goal_id) as goal_title,
                (select a.first_name from "user" a where a.id = n.actor_id) as first_name,
                (select a.last_name from "user" a where a.id = n.actor_id) as last_name
            from notification n
            where n.user_id = $1 and n.revision > $2
            order by n.revision
            limit $3
            "#
        ),
        params![user, revision, PAGE],
        event,
    )?)
}

/// The person's own top revision.
pub fn top(db: &mut Reader<'_>, user: UserId) -> Result<i64> {
    Ok(db.one(sql!(r#"select revision from "user" where id = $1"#), params![user], |row| row.get("revision"))?)
}

fn event(row: &Row<'_>) -> std::result::Result<Event, DbError> {
    let goal = match (row.get("goal_id")?, row.get("goal_title")?) {
        (Some(id), Some(title)) => Some(GoalRef { id: GoalId(id), title }),
        (None, _) | (_, None) => None,
    };
    let actor = match row.get::<Option<i64>>("actor_id")? {
        Some(_) => Some(Name::from_row(row, "actor_id", "first_name", "last_name")?),
        None => None,
    };
    Ok(Event {
        user: row.get("user_id")?,
        revision: row.get("revision")?,
        event: Happening {
            kind: row.get("kind")?,
            goal,
            chatroom: row.get("chatroom_id")?,
            message: row.get("message_id")?,
            actor,
            role: row.get("role")?,
        },
    })
}
