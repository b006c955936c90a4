//! The list behind the bell: what a person was told and still concerns them, and how much of it is new.

use crate::clock::Micros;
use crate::db::{DbError, Reader, Row, Writer};
use crate::error::Result;
use crate::id::{GoalId, MessageId, RoomId, UserId};
use crate::user::{Name, notification};
use crate::{params, sql};

/// Lines of a page.
pub const SHOWN: i64 = 50;
/// More new ones than this are counted as this many.
pub const UNSEEN_MAX: i64 = 100;
/// Of so many newest events the new ones are counted: what is older and unseen does not grow the cost of every page.
pub(super) const COUNTED: i64 = 200;
/// Of so many events a page of the list is made.
const LISTED: i64 = 1_000;

/// A line of the list.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Its number among the person's own events.
    pub revision: i64,
    /// A word of [`crate::user::notification::Kind`].
    pub kind: String,
    /// The goal, with its title.
    pub goal: Option<(GoalId, String)>,
    /// The room, with its title.
    pub chatroom: Option<(RoomId, String)>,
    /// The message.
    pub message: Option<MessageId>,
    /// The message's beginning.
    pub excerpt: Option<String>,
    /// Who did it.
    pub actor: Option<Name>,
    /// The new role, when that is what changed.
    pub role: Option<String>,
    /// When.
    pub created_at: Micros,
    /// Whether the person has seen it, here or in the room.
    pub is_seen: bool,
}

/// A page of the list.
#[derive(Debug, Default)]
pub struct Page {
    /// The newest lines first.
    pub notices: Vec<Notice>,
    /// The list goes on before this revision; a page of events that concern nobody any more may have few lines, and go on all the same.
    pub next: Option<i64>,
}

/// The lines before a revision, or the newest.
pub fn list(db: &mut Reader<'_>, user: UserId, before: Option<i64>) -> Result<Page> {
    let before = match before {
        Some(before) => before,
        None => notification::top(db, user)?.saturating_add(1),
    };
    let lowest = before.saturating_sub(LISTED).max(1);
    let mut notices = db.all(
        sql!(
            r#"
            select *
            from notice_view
            where user_id = $1 and revision < $2 and revision >= $3
            order by revision desc
            limit $4
            "#
        ),
        params![user, before, lowest, SHOWN + 1],
        from_row,
    )?;
    let has_more = i64::try_from(notices.len()).is_ok_and(|found| found > SHOWN);
    if has_more {
        notices.pop();
    }
    let next = if has_more { notices.last().map(|last| last.revision) } else { (lowest > 1).then_some(lowest) };
    Ok(Page { notices, next })
}

/// How many lines are new, at most [`UNSEEN_MAX`].
pub fn unseen(db: &mut Reader<'_>, user: UserId) -> Result<i64> {
    Ok(db.one(
        sql!(
            r#"
            select count(*) as unseen
            from (
                select 1
                from notice_view
                where user_id = $1
                    and revision > (select {greatest:noticed_revision, revision - $3} from "user" where id = $1)
                    and seen = 0
                limit $2
            ) new
            "#
        ),
        params![user, UNSEEN_MAX, COUNTED],
        |row| row.get("unseen"),
    )?)
}

/// Everything up to a revision was seen in the list.
pub fn mark_seen(tx: &mut Writer<'_>, user: UserId, up_to: i64) -> Result<()> {
    tx.execute(
        sql!(
            r#"
            update "user"
            set noticed_revision = case when $2 > revision then revision else $2 end
            where id = $1 and noticed_revision < $2
            "#
        ),
        params![user, up_to],
    )?;
    Ok(())
}

/// A row of the list.
pub fn from_row(row: &Row<'_>) -> std::result::Result<Notice, DbError> {
    let with_title = |id: Option<i64>, title: Option<String>| id.zip(title);
    let goal = with_title(row.get("goal_id")?, row.get("goal_title")?);
    let chatroom = with_title(row.get("chatroom_id")?, row.get("chatroom_title")?);
    let actor = match row.get::<Option<i64>>("actor_id")? {
        Some(_) => Some(Name::from_row(row, "actor_id", "first_name", "last_name")?),
        None => None,
    };
    Ok(Notice {
        revision: row.get("revision")?,
        kind: row.get("kind")?,
        goal: goal.map(|(id, title)| (GoalId(id), title)),
        chatroom: chatroom.map(|(id, title)| (RoomId(id), title)),
        message: row.get("message_id")?,
        excerpt: row.get("excerpt")?,
        actor,
        role: row.get("role")?,
        created_at: row.get("created_at")?,
        is_seen: row.get::<i64>("seen")? != 0,
    })
}
