//! Who types in which room, in memory only: a mark stays while its page says so again, and goes by itself when that stops.

use crate::clock::Micros;
use crate::id::{RoomId, UserId};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long a mark stays after its page said so last; pages say it every three seconds.
pub const LASTS: Micros = 6_000_000;
/// A mark that is renewed sooner than this is not told again.
const TOLD_EVERY: Micros = 1_500_000;
/// The most people of one room who are remembered; nobody reads more names.
const PEOPLE_MAX: usize = 32;

/// What the room has to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nothing.
    Nothing,
    /// The same as before, so that it does not expire on the pages.
    Again,
    /// Who types is not who typed.
    Change,
}

/// All marks. A cheap clone.
#[derive(Debug, Clone, Default)]
pub struct Typing(Arc<Mutex<HashMap<RoomId, BTreeMap<UserId, Mark>>>>);

#[derive(Debug, Clone)]
struct Mark {
    until: Micros,
    told_at: Micros,
    /// How the person is called, where pages need not know it.
    name: Option<Value>,
}

impl Typing {
    /// A page says whether its person types.
    pub fn set(&self, room: RoomId, user: UserId, on: bool, now: Micros) -> Told {
        let mut rooms = self.lock();
        let people = rooms.entry(room).or_default();
        if !on {
            let was_there = people.remove(&user).is_some();
            if people.is_empty() {
                rooms.remove(&room);
            }
            return if was_there { Told::Change } else { Told::Nothing };
        }
        if let Some(mark) = people.get_mut(&user) {
            mark.until = now + LASTS;
            if now - mark.told_at < TOLD_EVERY {
                return Told::Nothing;
            }
            mark.told_at = now;
            return Told::Again;
        }
        if people.len() >= PEOPLE_MAX {
            return Told::Nothing;
        }
        people.insert(user, Mark { until: now + LASTS, told_at: now, name: None });
        Told::Change
    }

    /// How somebody who types is called, for pages that do not list everybody.
    pub fn call(&self, room: RoomId, user: UserId, name: Value) {
        if let Some(mark) = self.lock().get_mut(&room).and_then(|people| people.get_mut(&user)) {
            mark.name = Some(name);
        }
    }

    /// That name.
    pub fn name(&self, room: RoomId, user: UserId) -> Option<Value> {
        self.lock().get(&room)?.get(&user)?.name.clone()
    }

    /// The names of who types in a room, as far as they were given.
    pub fn names(&self, room: RoomId, now: Micros) -> Vec<Value> {
        let rooms = self.lock();
        let people = rooms.get(&room).into_iter().flatten();
        people.filter(|(_, mark)| mark.until > now).filter_map(|(_, mark)| mark.name.clone()).collect()
    }

    /// Who types in a room.
    pub fn list(&self, room: RoomId, now: Micros) -> Vec<UserId> {
        let rooms = self.lock();
        let people = rooms.get(&room).into_iter().flatten();
        people.filter(|(_, mark)| mark.until > now).map(|(user, _)| *user).collect()
    }

    /// The person's pages are gone: the rooms in which that ends a mark.
    pub fn leave(&self, user: UserId) -> Vec<RoomId> {
        self.take(|who, _| who == user).into_iter().map(|(room, _)| room).collect()
    }

    /// Takes away the marks that nobody renewed.
    pub fn expire(&self, now: Micros) -> Vec<(RoomId, UserId)> {
        self.take(|_, mark| mark.until <= now)
    }

    fn take(&self, is_over: impl Fn(UserId, &Mark) -> bool) -> Vec<(RoomId, UserId)> {
        let mut over = Vec::new();
        self.lock().retain(|room, people| {
            people.retain(|user, mark| {
                let goes = is_over(*user, mark);
                if goes {
                    over.push((*room, *user));
                }
                !goes
            });
            !people.is_empty()
        });
        over
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomId, BTreeMap<UserId, Mark>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId(1);
    const ALICE: UserId = UserId(1);
    const BOB: UserId = UserId(2);

    /// Known ways of getting this wrong, 19: a mark that expires while the person still types.
    #[test]
    fn a_mark_stays_as_long_as_it_is_renewed() {
        let typing = Typing::default();
        assert_eq!(typing.set(ROOM, ALICE, true, 0), Told::Change);
        for second in 1..30 {
            let now = second * 3_000_000;
            assert_eq!(typing.expire(now), []);
            assert_eq!(typing.set(ROOM, ALICE, true, now), Told::Again, "never said to have stopped in between");
            assert_eq!(typing.list(ROOM, now), [ALICE]);
        }
        assert_eq!(typing.expire(29 * 3_000_000 + LASTS), [(ROOM, ALICE)]);
        assert_eq!(typing.list(ROOM, i64::MAX), []);
    }

    #[test]
    fn a_mark_goes_at_once_when_it_is_taken_back() {
        let typing = Typing::default();
        typing.set(ROOM, ALICE, true, 0);
        typing.set(ROOM, BOB, true, 0);
        assert_eq!(typing.set(ROOM, ALICE, false, 1), Told::Change);
        assert_eq!(typing.set(ROOM, ALICE, false, 1), Told::Nothing);
        assert_eq!(typing.list(ROOM, 1), [BOB]);
        typing.set(RoomId(2), BOB, true, 1);
        let mut rooms = typing.leave(BOB);
        rooms.sort();
        assert_eq!(rooms, [ROOM, RoomId(2)]);
    }

    #[test]
    fn who_says_it_too_often_is_not_heard_more_often() {
        let typing = Typing::default();
        typing.set(ROOM, ALICE, true, 0);
        let told = (1..1_000).filter(|n| typing.set(ROOM, ALICE, true, n * 10_000) != Told::Nothing).count();
        assert!(told <= 7, "{told} in ten seconds");
        for n in 0..1_000 {
            typing.set(ROOM, UserId(n), true, 0);
        }
        assert_eq!(typing.list(ROOM, 1).len(), PEOPLE_MAX);
    }
}
