//! What those who moderate do to a room as a whole: lock, archive, delete, and back.

use crate::chatroom::{self, Member, Role, Room, State};
use crate::clock::Micros;
use crate::db::Writer;
use crate::error::{Error, Result, Text};
use crate::id::{GoalId, RoomId};
use crate::{params, sql};

/// What is done to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Makes it read only.
    Lock,
    /// Lets people write again.
    Unlock,
    /// Makes it read only and puts it out of the way.
    Archive,
    /// Brings it back.
    Restore,
}

impl Verb {
    /// What the room is afterwards; none when it is so already.
    fn applied(self, present: State) -> Result<Option<State>> {
        Ok(match (self, present) {
            (Self::Lock, State::Active) => Some(State::Locked),
            (Self::Archive, State::Active | State::Locked) => Some(State::Archived),
            (Self::Unlock, State::Locked) | (Self::Restore, State::Archived) => Some(State::Active),
            (Self::Lock, State::Locked)
            | (Self::Archive, State::Archived)
            | (Self::Unlock | Self::Restore, State::Active) => None,
            (Self::Lock | Self::Unlock, State::Archived) => {
                return Err(Error::Conflict(Text::new("room-archived")));
            }
            (Self::Restore, State::Locked) => return Err(Error::Conflict(Text::new("room-locked"))),
            (_, State::Deleted) => return Err(Error::NotFound),
        })
    }
}

/// Changes what may be done in a room: the room as it is then, and whether that is new.
///
/// # Errors
/// `NotFound` for who is not in it, `Forbidden` for who does not moderate, `Conflict` where the verb means nothing.
pub fn change(tx: &mut Writer<'_>, member: &Member, verb: Verb) -> Result<(bool, Room)> {
    let present = lock(tx, member.room())?;
    require(tx, member, Role::Admin)?;
    let Some(state) = verb.applied(present.state)? else { return Ok((false, present)) };
    set(tx, member.room(), state)?;
    let room = chatroom::find(tx, member.room())?.ok_or(Error::NotFound)?;
    Ok((true, room))
}

/// Makes a room invisible for ever: what its page is told last.
///
/// # Errors
/// `NotFound` for who is not in it, `Forbidden` for everybody but the owner.
pub fn delete(tx: &mut Writer<'_>, member: &Member, now: Micros) -> Result<Room> {
    let room = lock(tx, member.room())?;
    require(tx, member, Role::Owner)?;
    bury(tx, room, now)
}

/// Makes all rooms of a goal invisible for ever, in the order of their ids. Who may is asked by who calls.
pub fn delete_all(tx: &mut Writer<'_>, goal: GoalId, now: Micros) -> Result<Vec<Room>> {
    let mut gone = Vec::new();
    for id in chatroom::of_goal(tx, goal)? {
        if let Some(room) = chatroom::find(tx, id)? {
            gone.push(bury(tx, room, now)?);
        }
    }
    Ok(gone)
}

/// Gives a goal's room the goal's title: the room as it is then.
pub fn rename(tx: &mut Writer<'_>, room: RoomId, title: &str) -> Result<Room> {
    let revision = chatroom::advance_any(tx, room)?;
    tx.execute(sql!("update chatroom set title = $2 where id = $1"), params![room, title])?;
    chatroom::touch(tx, room, revision)?;
    chatroom::find(tx, room)?.ok_or(Error::NotFound)
}

fn bury(tx: &mut Writer<'_>, room: Room, now: Micros) -> Result<Room> {
    let revision = set(tx, room.id, State::Deleted)?;
    tx.execute(sql!("update chatroom set deleted_at = $2 where id = $1"), params![room.id, now])?;
    Ok(Room { state: State::Deleted, revision, top: revision, ..room })
}

fn set(tx: &mut Writer<'_>, room: RoomId, state: State) -> Result<i64> {
    let revision = chatroom::advance_any(tx, room)?;
    tx.execute(sql!("update chatroom set state = $2 where id = $1"), params![room, state.as_str()])?;
    chatroom::touch(tx, room, revision)?;
    Ok(revision)
}

fn lock(tx: &mut Writer<'_>, room: RoomId) -> Result<Room> {
    tx.first(sql!("select id from chatroom where id = $1 {for_update}"), params![room], |_| Ok(()))?;
    chatroom::find(tx, room)?.ok_or(Error::NotFound)
}

/// The role as it is now: the proof may be of a moment ago.
fn require(tx: &mut Writer<'_>, member: &Member, least: Role) -> Result<()> {
    match Member::find(tx, member.room(), member.user())? {
        Some(now) if now.role() >= least => Ok(()),
        Some(_) => Err(Error::Forbidden(Text::new("error-forbidden"))),
        None => Err(Error::NotFound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verb_means_something_in_some_states_only() {
        let state = |verb: Verb, present| verb.applied(present).ok().map(|state| state.unwrap_or(present));
        assert_eq!(state(Verb::Lock, State::Active), Some(State::Locked));
        assert_eq!(state(Verb::Lock, State::Locked), Some(State::Locked));
        assert_eq!(state(Verb::Archive, State::Locked), Some(State::Archived));
        assert_eq!(state(Verb::Restore, State::Archived), Some(State::Active));
        for (verb, present) in [
            (Verb::Unlock, State::Archived),
            (Verb::Lock, State::Archived),
            (Verb::Restore, State::Locked),
            (Verb::Restore, State::Deleted),
        ] {
            assert_eq!(state(verb, present), None, "{verb:?} {present:?}");
        }
    }
}
