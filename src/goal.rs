//! Goals: what a community pursues together. A goal is founded with its room and its owner, in one transaction.

pub mod edit;
pub mod list;
pub mod participation;

use crate::chatroom::member::{self, History};
use crate::chatroom::{self, MemberState, Role};
use crate::clock::Micros;
use crate::db::{DbError, Reader, Row, Writer};
use crate::error::{Error, Fields, Result, Text};
use crate::id::{GoalId, RoomId, UserId};
use crate::{params, sql, text};
use time::Date;
use time::macros::format_description;

/// The shortest title, in characters.
pub const TITLE_MIN: usize = 3;
/// The longest title, in characters.
pub const TITLE_MAX: usize = 255;
/// The longest description, in characters.
pub const DESCRIPTION_MAX: usize = 1_000;

/// A goal, as everybody may see it.
#[derive(Debug, Clone)]
pub struct Goal {
    /// Which.
    pub id: GoalId,
    /// What is pursued, in a line.
    pub title: String,
    /// And in a few.
    pub description: String,
    /// YYYY-MM-DD.
    pub start_date: Option<String>,
    /// YYYY-MM-DD.
    pub end_date: Option<String>,
    /// `active`, `completed`, `paused` or `cancelled`.
    pub status: String,
    /// 0 to 100.
    pub progress: i64,
    /// The goal's own room.
    pub chatroom: RoomId,
    /// Approved members.
    pub member_count: i64,
    /// What newcomers see of the talk before them.
    pub history: History,
    /// What the person who asks is in it; none for a stranger.
    pub my: Option<Standing>,
}

/// What somebody is in a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Has asked to join.
    Pending,
    /// Is in it.
    Approved(Role),
}

impl Standing {
    /// The word in templates and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved(role) => role.as_str(),
        }
    }

    fn new(role: Option<Role>, status: Option<String>) -> Option<Self> {
        let role = role?;
        Some(if status.as_deref() == Some("approved") { Self::Approved(role) } else { Self::Pending })
    }
}

/// What a person types to found a goal.
#[derive(Debug, Clone, Default)]
pub struct GoalForm {
    /// 3 to 255 characters.
    pub title: String,
    /// At most 1,000 characters.
    pub description: String,
    /// YYYY-MM-DD or empty.
    pub start_date: String,
    /// YYYY-MM-DD or empty.
    pub end_date: String,
    /// `all`, `none` or empty, which is `all`.
    pub history: String,
}

impl GoalForm {
    /// Takes away what is not seen of what was typed, and says what is wrong with the rest.
    ///
    /// # Errors
    /// `Invalid`, every field at once.
    pub fn checked(mut self) -> Result<Self> {
        let mut fields = Fields::default();
        for part in [&mut self.title, &mut self.start_date, &mut self.end_date] {
            *part = part.trim().to_owned();
        }
        let has_controls = self.title.chars().any(char::is_control);
        self.title = text::line(&self.title);
        self.description = text::lines(&self.description);
        let length = self.title.chars().count();
        if !(TITLE_MIN..=TITLE_MAX).contains(&length) || has_controls || text::is_blank(&self.title) {
            let text = Text::new("field-title-length").with("min", TITLE_MIN as i64).with("max", TITLE_MAX as i64);
            fields.add("title", text);
        }
        if self.description.chars().count() > DESCRIPTION_MAX {
            fields.add("description", Text::new("field-description-long").with("max", DESCRIPTION_MAX as i64));
        }
        if self.history.is_empty() {
            History::All.as_str().clone_into(&mut self.history);
        } else if History::parse(&self.history).is_none() {
            fields.add("history", Text::new("error-invalid"));
        }
        let start = date("start_date", &self.start_date, &mut fields);
        let end = date("end_date", &self.end_date, &mut fields);
        if let (Some(start), Some(end)) = (start, end)
            && end < start
        {
            fields.add("end_date", Text::new("field-end-before-start"));
        }
        fields.check().map(|()| self)
    }
}

/// A date as a form gives it; noted as a fault when it is none.
fn date(field: &'static str, text: &str, fields: &mut Fields) -> Option<Date> {
    if text.is_empty() {
        return None;
    }
    let date = Date::parse(text, format_description!("[year]-[month]-[day]")).ok();
    if date.is_none() {
        fields.add(field, Text::new("field-date"));
    }
    date
}

/// What a new goal brought about.
#[derive(Debug, Clone)]
pub struct Founded {
    /// The goal.
    pub goal: GoalId,
    /// Its room.
    pub chatroom: RoomId,
    /// The founder, in the room.
    pub member: MemberState,
}

/// Founds a goal, its room and its owner's participation.
pub fn create(tx: &mut Writer<'_>, owner: UserId, form: &GoalForm, now: Micros) -> Result<Founded> {
    let or_none = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let goal: GoalId = tx.one(
        sql!(
            r#"
            insert into goal (title, description, start_date, end_date, created_by, created_at, history, member_count)
            values ($1, $2, $3, $4, $5, $6, $7, 1)
            returning id
            "#
        ),
        params![
            &form.title,
            &form.description,
            or_none(&form.start_date),
            or_none(&form.end_date),
            owner,
            now,
            &form.history
        ],
        |row| row.get("id"),
    )?;
    tx.execute(
        sql!(
            r#"
            insert into goal_participation (goal_id, user_id, role, status, asked_at, decided_at)
            values ($1, $2, 'owner', 'approved', $3, $3)
            "#
        ),
        params![goal, owner, now],
    )?;
    let chatroom = chatroom::create(tx, goal, &form.title, now)?;
    list::index(tx, chatroom, &form.title, &form.description)?;
    let member = member::join(tx, chatroom, owner, Role::Owner, History::All, now)?;
    Ok(Founded { goal, chatroom, member })
}

/// Whether somebody may own one goal more.
///
/// # Errors
/// `Conflict` when it is enough.
pub fn check_owned(db: &mut Reader<'_>, owner: UserId, most: u64) -> Result<()> {
    let owned: i64 = db.one(
        sql!(
            r#"
            select count(*) as owned
            from goal_participation p
            where p.user_id = $1
                and p.role = 'owner'
                and (
                    select count(*)
                    from chatroom c
                    where c.goal_id = p.goal_id and c.kind = 'goal' and c.state <> 'deleted'
                ) > 0
            "#
        ),
        params![owner],
        |row| row.get("owned"),
    )?;
    let is_enough = u64::try_from(owned).unwrap_or(0) >= most;
    if is_enough { Err(Error::Conflict(Text::new("goals-too-many").with("max", most))) } else { Ok(()) }
}

/// A goal, as the person who asks (or nobody) sees it.
///
/// # Errors
/// `NotFound`.
pub fn find(db: &mut Reader<'_>, id: GoalId, viewer: Option<UserId>) -> Result<Goal> {
    db.first(
        sql!(
            r#"
            select g.*, p.role as my_role, p.status as my_status
            from goal_view g
            left join goal_participation p on p.goal_id = g.id and p.user_id = $2
            where g.id = $1
            "#
        ),
        params![id, viewer.map_or(0, |user| user.0)],
        from_row,
    )?
    .ok_or(Error::NotFound)
}

/// Whether a room belongs to a goal that shows newcomers nothing of the talk before them.
pub fn hides_past(db: &mut Reader<'_>, room: RoomId) -> Result<bool> {
    let found = db.first(
        sql!("select g.id from chatroom c join goal g on g.id = c.goal_id where c.id = $1 and g.history = 'none'"),
        params![room],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

fn from_row(row: &Row<'_>) -> std::result::Result<Goal, DbError> {
    Ok(Goal {
        id: row.get("id")?,
        title: row.get("title")?,
        description: row.get("description")?,
        start_date: row.get("start_date")?,
        end_date: row.get("end_date")?,
        status: row.get("status")?,
        progress: row.get("progress")?,
        chatroom: row.get("chatroom_id")?,
        member_count: row.get("member_count")?,
        history: row.get("history")?,
        my: Standing::new(row.get("my_role")?, row.get("my_status")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(form: GoalForm) -> Vec<String> {
        match form.checked() {
            Err(Error::Invalid(fields)) => fields.0.into_iter().map(|(name, _)| name.into_owned()).collect(),
            Ok(_) | Err(_) => Vec::new(),
        }
    }

    fn form(title: &str, start: &str, end: &str) -> GoalForm {
        GoalForm { title: title.into(), start_date: start.into(), end_date: end.into(), ..GoalForm::default() }
    }

    #[test]
    fn limits_count_characters_not_bytes() {
        assert!(faults(form(&"é".repeat(255), "", "")).is_empty());
        assert_eq!(faults(form(&"é".repeat(256), "", "")), ["title"]);
        assert_eq!(faults(form("  é ", "", "")), ["title"]);
        for nothing in ["\u{200b}\u{200b}\u{200b}", "\u{301}\u{301}\u{301}", "\u{2800} \u{3164}", "a\u{200b}b", "a\nbc"]
        {
            assert_eq!(faults(form(nothing, "", "")), ["title"], "{nothing:?}");
        }
    }

    #[test]
    fn dates_are_dates_and_in_order() {
        assert!(faults(form("Marathon", "2026-02-28", "2026-02-28")).is_empty());
        assert_eq!(faults(form("Marathon", "2026-02-30", "demain")), ["start_date", "end_date"]);
        assert_eq!(faults(form("Marathon", "2026-03-01", "2026-02-28")), ["end_date"]);
    }
}
