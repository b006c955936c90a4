//! Names of topics, and who may read them now: what the embedded hub asks each time a stream opens.

use crate::budget::{Budget, Budgets, Key};
use crate::chatroom::Member;
use crate::db::Db;
use crate::error::Error;
use crate::id::{RoomId, UserId};
use crate::recent::Recent;
use crate::tops::Tops;
use crate::user::sharing::{self, Sharing};
use futures_util::future::{BoxFuture, join_all};
use mercure_hub::{Authorizer, Cursors};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Who is in which room, as recently asked.
pub type Members = Recent<(RoomId, UserId), Member>;

/// The room's proof for a person, from memory or the database.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub async fn member(members: &Members, db: &Db, room: RoomId, user: UserId) -> Result<Option<Member>, Error> {
    members.get((room, user), db.read(move |db| Member::find(db, room, user))).await
}

const READS: &str = "/reads";
const PRESENCE: &str = "/presence";

/// Topics by name: `chatroom/{id}`, `user/{id}`, behind the prefix that a shared hub may need.
#[derive(Debug, Clone)]
pub struct Topics(Arc<str>);

impl Topics {
    /// Topics behind a prefix.
    pub fn new(prefix: &str) -> Self {
        Self(Arc::from(prefix))
    }

    /// A room's topic.
    pub fn room(&self, room: RoomId) -> String {
        format!("{}chatroom/{room}", self.0)
    }

    /// A person's own topic.
    pub fn user(&self, user: UserId) -> String {
        format!("{}user/{user}", self.0)
    }

    /// Where a room's receipts are told, to those who share theirs.
    pub fn reads(&self, room: RoomId) -> String {
        self.room(room) + READS
    }

    /// Where it is told who of a room is here, to those who share it.
    pub fn presence(&self, room: RoomId) -> String {
        self.room(room) + PRESENCE
    }

    /// Where another hub tells that pages are to hear of news otherwise; our own ends the streams instead.
    pub fn mode(&self) -> String {
        format!("{}mode", self.0)
    }

    /// The room of a topic.
    pub fn parse_room(&self, topic: &str) -> Option<RoomId> {
        let number = topic.strip_prefix(&*self.0)?.strip_prefix("chatroom/")?;
        number.parse().ok().filter(|id: &i64| id.to_string() == number).map(RoomId)
    }
}

/// Decides for the embedded hub.
pub struct Rights {
    /// The database.
    pub db: Db,
    /// What was asked recently.
    pub members: Members,
    /// Names of topics.
    pub topics: Topics,
    /// Who shows what, as recently asked.
    pub sharing: Recent<UserId, Sharing>,
    /// How far the rooms' changes have been rung.
    pub tops: Tops,
    /// What a person may have looked up.
    pub budgets: Budgets,
}

/// What a topic below a room's asks of a person.
type Asks = fn(&Sharing) -> bool;

impl Rights {
    /// The room of a topic, and what else it asks; none when it is no room's.
    fn asked(&self, topic: &str) -> Option<(RoomId, Option<Asks>)> {
        let (of_room, asks): (&str, Option<Asks>) = match (topic.strip_suffix(READS), topic.strip_suffix(PRESENCE)) {
            (Some(of_room), _) => (of_room, Some(|sharing| sharing.reads)),
            (None, Some(of_room)) => (of_room, Some(|sharing| sharing.presence)),
            (None, None) => (topic, None),
        };
        Some((self.topics.parse_room(of_room)?, asks))
    }

    /// In which of some rooms a person is. Those that memory does not know are looked up at once, as far as the budget goes. A database that cannot be
    /// asked is a no: the page polls on.
    async fn members_of(&self, user: UserId, rooms: BTreeSet<RoomId>) -> HashMap<(RoomId, UserId), Member> {
        let look_up = async |unknown: Vec<(RoomId, UserId)>| {
            let count = u32::try_from(unknown.len()).unwrap_or(u32::MAX);
            if self.budgets.spend_many(Budget::Rights, Key::Person(user), count).is_err() {
                return Vec::new();
            }
            let rooms: Vec<i64> = unknown.iter().map(|(room, _)| room.0).collect();
            let found = self.db.read(move |db| Member::find_all(db, &rooms, user)).await.unwrap_or_default();
            found.into_iter().map(|member| ((member.room(), user), member)).collect()
        };
        self.members.get_all(rooms.into_iter().map(|room| (room, user)).collect(), look_up).await
    }
}

impl Authorizer for Rights {
    fn may_read<'a>(&'a self, subject: &'a str, topics: &'a [String]) -> BoxFuture<'a, Vec<bool>> {
        Box::pin(async move {
            let Ok(user) = subject.parse().map(UserId) else { return Vec::new() };
            let asked: Vec<_> = topics.iter().map(|topic| self.asked(topic)).collect();
            let members = self.members_of(user, asked.iter().flatten().map(|(room, _)| *room).collect()).await;
            // What was said before a newcomer came may be committed and still on its way to the hub.
            join_all(members.values().map(|member| self.tops.rung(member.room(), member.first_position()))).await;
            let sharing = match asked.iter().flatten().any(|(_, asks)| asks.is_some()) {
                true => self.sharing.get(user, self.db.read(move |db| sharing::find(db, user))).await.ok().flatten(),
                false => None,
            };
            let may = |(room, asks): (RoomId, Option<Asks>)| {
                members.contains_key(&(room, user)) && asks.is_none_or(|asks| sharing.as_ref().is_some_and(asks))
            };
            asked.into_iter().map(|asked| asked.is_some_and(may)).collect()
        })
    }
}

/// Tells the embedded hub's heartbeat how far each room has come.
pub struct RoomTops {
    /// The rooms' tops.
    pub tops: Tops,
    /// Names of topics.
    pub topics: Topics,
}

impl Cursors for RoomTops {
    fn top(&self, topic: &str) -> Option<u64> {
        let room = self.topics.parse_room(topic)?;
        self.tops.get(room).and_then(|top| u64::try_from(top).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_names_one_room() {
        let topics = Topics::new("palabre/");
        assert_eq!(topics.room(RoomId(7)), "palabre/chatroom/7");
        assert_eq!(topics.parse_room("palabre/chatroom/7"), Some(RoomId(7)));
        for foreign in
            ["chatroom/7", "palabre/chatroom/07", "palabre/chatroom/+7", "palabre/user/7", "palabre/chatroom/"]
        {
            assert_eq!(topics.parse_room(foreign), None, "{foreign}");
        }
    }
}
