//! Taking part in a goal: asking, deciding, leaving, roles. Each verb begins by locking the goal, so that what it checks
//! still holds when it commits; the proofs ([`Decider`], [`Owner`]) can only be had inside such a transaction.

use crate::chatroom::{self, MemberState, Role, member};
use crate::clock::Micros;
use crate::db::{Reader, Row, Writer};
use crate::error::{Error, Result, Text};
use crate::goal::{self, Goal, Standing};
use crate::id::{GoalId, UserId};
use crate::user::Name;
use crate::user::notification::{self, Event, Kind, Notice};
use crate::{params, sql};

/// Everything that one act brought about, to be told after the commit.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// What the rooms' logs now say, in the order of the rooms' ids.
    pub members: Vec<MemberState>,
    /// What people hear on their own topics.
    pub events: Vec<Event>,
    /// Who lost the rooms: their streams end.
    pub removed: Option<UserId>,
}

/// Proof that somebody is admin or owner of a goal that this transaction has locked.
pub struct Decider {
    goal: Goal,
    user: UserId,
    role: Role,
}

impl Decider {
    /// The goal as it was when it was locked.
    pub fn goal(&self) -> &Goal {
        &self.goal
    }

    /// Who it is.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// Locks the goal and looks.
    ///
    /// # Errors
    /// `NotFound` for a stranger (and one whose request is pending), `Forbidden` for a member.
    pub fn of(tx: &mut Writer<'_>, goal: GoalId, user: UserId) -> Result<Self> {
        let goal = lock(tx, goal, user)?;
        match goal.my {
            Some(Standing::Approved(role)) if role.may_moderate() => Ok(Self { goal, user, role }),
            Some(Standing::Approved(_)) => Err(Error::Forbidden(Text::new("error-forbidden"))),
            Some(Standing::Pending) | None => Err(Error::NotFound),
        }
    }
}

/// Proof that somebody is the owner of a goal that this transaction has locked.
pub struct Owner(Decider);

impl Owner {
    /// The goal as it was when it was locked.
    pub fn goal(&self) -> &Goal {
        &self.0.goal
    }

    /// Locks the goal and looks.
    ///
    /// # Errors
    /// `NotFound` for a stranger, `Forbidden` for everybody else but the owner.
    pub fn of(tx: &mut Writer<'_>, goal: GoalId, user: UserId) -> Result<Self> {
        let decider = Decider::of(tx, goal, user)?;
        if decider.role == Role::Owner {
            Ok(Self(decider))
        } else {
            Err(Error::Forbidden(Text::new("error-forbidden")))
        }
    }
}

/// A request to join.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who asks.
    pub user: Name,
    /// Since when.
    pub asked_at: Micros,
}

/// Of the requests that wait for a decision so many stand in a list; the others follow as these are decided.
pub const REQUESTS: i64 = 100;

/// The requests that wait for a decision, oldest first.
pub fn requests(db: &mut Reader<'_>, goal: GoalId) -> Result<Vec<Request>> {
    Ok(db.all(
        sql!(
            r#"
            select
                p.user_id, p.asked_at,
                (select u.first_name from "user" u where u.id = p.user_id) as first_name,
                (select u.last_name from "user" u where u.id = p.user_id) as last_name
            from goal_participation p
            where p.goal_id = $1 and p.status = 'pending'
            order by p.asked_at, p.user_id
            limit $2
            "#
        ),
        params![goal, REQUESTS],
        |row| {
            Ok(Request {
                user: Name::from_row(row, "user_id", "first_name", "last_name")?,
                asked_at: row.get("asked_at")?,
            })
        },
    )?)
}

/// Asks to join. Asking twice is asking once.
///
/// # Errors
/// `Conflict` for one who is in it already.
pub fn join(tx: &mut Writer<'_>, goal: GoalId, user: UserId, now: Micros) -> Result<Outcome> {
    let goal = lock(tx, goal, user)?;
    match goal.my {
        Some(Standing::Approved(_)) => return Err(Error::Conflict(Text::new("already-member"))),
        Some(Standing::Pending) => return Ok(Outcome::default()),
        None => {}
    }
    tx.execute(
        sql!(
            r#"
            insert into goal_participation (goal_id, user_id, role, status, asked_at)
            values ($1, $2, 'member', 'pending', $3)
            "#
        ),
        params![goal.id, user, now],
    )?;
    let notices = deciders(tx, goal.id)?
        .into_iter()
        .map(|decider| notice(&goal, decider, Kind::ParticipationAsked, user))
        .collect();
    Ok(Outcome { events: notification::create_all(tx, notices, now)?, ..Outcome::default() })
}

/// Lets somebody in who asked; approving twice is approving once.
///
/// # Errors
/// `NotFound` when that person did not ask.
pub fn approve(tx: &mut Writer<'_>, by: &Decider, user: UserId, now: Micros) -> Result<Outcome> {
    match standing(tx, by.goal.id, user)? {
        Some(Standing::Approved(_)) => return Ok(Outcome::default()),
        Some(Standing::Pending) => {}
        None => return Err(Error::NotFound),
    }
    tx.execute(
        sql!(
            r#"
            update goal_participation
            set status = 'approved', decided_at = $3
            where goal_id = $1 and user_id = $2
            "#
        ),
        params![by.goal.id, user, now],
    )?;
    count(tx, by.goal.id, 1)?;
    let joined = member::join(tx, by.goal.chatroom, user, Role::Member, by.goal.history, now)?;
    let notices = vec![notice(&by.goal, user, Kind::ParticipationApproved, by.user)];
    Ok(Outcome { members: vec![joined], events: notification::create_all(tx, notices, now)?, removed: None })
}

/// Turns a request down; it may be asked again.
///
/// # Errors
/// `NotFound` when that person did not ask, `Conflict` for a member.
pub fn refuse(tx: &mut Writer<'_>, by: &Decider, user: UserId, now: Micros) -> Result<Outcome> {
    match standing(tx, by.goal.id, user)? {
        Some(Standing::Pending) => {}
        Some(Standing::Approved(_)) => return Err(Error::Conflict(Text::new("already-member"))),
        None => return Err(Error::NotFound),
    }
    delete(tx, by.goal.id, user)?;
    let notices = vec![notice(&by.goal, user, Kind::ParticipationRefused, by.user)];
    Ok(Outcome { events: notification::create_all(tx, notices, now)?, ..Outcome::default() })
}

/// Leaves a goal and all its rooms, or takes back a request.
///
/// # Errors
/// `NotFound` for a stranger, `Conflict` for the owner, who hands over first.
pub fn leave(tx: &mut Writer<'_>, goal: GoalId, user: UserId, now: Micros) -> Result<Outcome> {
    let goal = lock(tx, goal, user)?;
    match goal.my {
        None => Err(Error::NotFound),
        Some(Standing::Approved(Role::Owner)) => Err(Error::Conflict(Text::new("owner-must-hand-over"))),
        Some(Standing::Pending) => delete(tx, goal.id, user).map(|()| Outcome::default()),
        Some(Standing::Approved(Role::Member | Role::Admin)) => {
            delete(tx, goal.id, user)?;
            count(tx, goal.id, -1)?;
            Ok(Outcome { members: leave_rooms(tx, goal.id, user, now)?, events: Vec::new(), removed: Some(user) })
        }
    }
}

/// Removes somebody from a goal and all its rooms.
///
/// # Errors
/// `NotFound` for one who is not in it, `Forbidden` where the remover's role does not reach, `Conflict` for oneself as owner.
pub fn remove(tx: &mut Writer<'_>, by: &Decider, user: UserId, now: Micros) -> Result<Outcome> {
    let role = match standing(tx, by.goal.id, user)? {
        Some(Standing::Approved(role)) => role,
        Some(Standing::Pending) | None => return Err(Error::NotFound),
    };
    match (by.role, role) {
        (Role::Owner, Role::Owner) => return Err(Error::Conflict(Text::new("owner-must-hand-over"))),
        (Role::Owner, Role::Member | Role::Admin) | (Role::Admin, Role::Member) => {}
        (Role::Admin, Role::Admin | Role::Owner) | (Role::Member, _) => {
            return Err(Error::Forbidden(Text::new("error-forbidden")));
        }
    }
    delete(tx, by.goal.id, user)?;
    count(tx, by.goal.id, -1)?;
    let members = leave_rooms(tx, by.goal.id, user, now)?;
    let notices = vec![notice(&by.goal, user, Kind::Removed, by.user)];
    Ok(Outcome { members, events: notification::create_all(tx, notices, now)?, removed: Some(user) })
}

/// Gives a member another role; `Owner` hands the goal over, and the former owner becomes admin.
///
/// # Errors
/// `NotFound` for one who is not in it, `Conflict` for the owner's own role (which only a hand-over changes).
pub fn change_role(tx: &mut Writer<'_>, by: &Owner, user: UserId, role: Role, now: Micros) -> Result<Outcome> {
    let Owner(by) = by;
    match standing(tx, by.goal.id, user)? {
        Some(Standing::Approved(present)) if present == role => return Ok(Outcome::default()),
        Some(Standing::Approved(Role::Owner)) => return Err(Error::Conflict(Text::new("owner-must-hand-over"))),
        Some(Standing::Approved(Role::Member | Role::Admin)) => {}
        Some(Standing::Pending) | None => return Err(Error::NotFound),
    }
    let mut changes = vec![(user, role)];
    if role == Role::Owner {
        // The former owner steps down first: the index knows no moment with two.
        changes.insert(0, (by.user, Role::Admin));
    }
    let mut outcome = Outcome::default();
    let mut notices = Vec::new();
    for &(who, new) in &changes {
        tx.execute(
            sql!("update goal_participation set role = $3 where goal_id = $1 and user_id = $2"),
            params![by.goal.id, who, new.as_str()],
        )?;
        let mut event = notice(&by.goal, who, Kind::RoleChanged, by.user);
        event.role = Some(new.as_str());
        notices.push(event);
    }
    for room in chatroom::of_goal(tx, by.goal.id)? {
        for &(who, new) in &changes {
            outcome.members.extend(member::change_role(tx, room, who, new)?);
        }
    }
    outcome.events = notification::create_all(tx, notices, now)?;
    Ok(outcome)
}

/// Who decides on requests.
fn deciders(db: &mut Reader<'_>, goal: GoalId) -> Result<Vec<UserId>> {
    Ok(db.all(
        sql!(
            r#"
            select user_id
            from goal_participation
            where goal_id = $1 and status = 'approved' and role <> 'member'
            order by user_id
            "#
        ),
        params![goal],
        |row| row.get("user_id"),
    )?)
}

/// Locks the goal's row: all that changes who takes part in it happens one after the other.
fn lock(tx: &mut Writer<'_>, goal: GoalId, user: UserId) -> Result<Goal> {
    tx.first(sql!("select id from goal where id = $1 {for_update}"), params![goal], |_| Ok(()))?;
    goal::find(tx, goal, Some(user))
}

/// What somebody is in a goal.
pub fn standing(db: &mut Reader<'_>, goal: GoalId, user: UserId) -> Result<Option<Standing>> {
    let read = |row: &Row<'_>| Ok(Standing::new(row.get("role")?, row.get("status")?));
    let found = db.first(
        sql!("select role, status from goal_participation where goal_id = $1 and user_id = $2"),
        params![goal, user],
        read,
    )?;
    Ok(found.flatten())
}

fn delete(tx: &mut Writer<'_>, goal: GoalId, user: UserId) -> Result<()> {
    tx.execute(sql!("delete from goal_participation where goal_id = $1 and user_id = $2"), params![goal, user])?;
    Ok(())
}

/// So many approved members more than before.
fn count(tx: &mut Writer<'_>, goal: GoalId, more: i64) -> Result<()> {
    tx.execute(sql!("update goal set member_count = member_count + $2 where id = $1"), params![goal, more])?;
    Ok(())
}

fn leave_rooms(tx: &mut Writer<'_>, goal: GoalId, user: UserId, now: Micros) -> Result<Vec<MemberState>> {
    let mut left = Vec::new();
    for room in chatroom::of_goal(tx, goal)? {
        left.extend(member::remove(tx, room, user, now)?);
    }
    Ok(left)
}

fn notice(goal: &Goal, user: UserId, kind: Kind, actor: UserId) -> Notice {
    Notice { user, kind, goal: Some(goal.id), chatroom: Some(goal.chatroom), message: None, actor, role: None }
}
