//! Names of topics, and who may read them now: what the embedded hub asks each time a stream opens.

use crate::chatroom::Member;
use crate::db::Db;
use crate::error::Error;
use crate::id::{RoomId, UserId};
use crate::recent::Recent;
use crate::tops::Tops;
use crate::user::sharing::{self, Sharing};
use futures_util::future::BoxFuture;
use mercure_hub::{Authorizer, Cursors};
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
}

impl Rights {
    async fn may_read_one(&self, user: UserId, topic: &str) -> bool {
        let (of_room, asks): (&str, fn(&Sharing) -> bool) = match topic.strip_suffix(READS) {
            Some(of_room) => (of_room, |sharing| sharing.reads),
            None => match topic.strip_suffix(PRESENCE) {
                Some(of_room) => (of_room, |sharing| sharing.presence),
                None => (topic, |_| true),
            },
        };
        let Some(room) = self.topics.parse_room(of_room) else { return false };
        // A database that cannot be asked is a no: the page polls on.
        let Ok(Some(member)) = member(&self.members, &self.db, room, user).await else { return false };
        // What was said before a newcomer came may be committed and still on its way to the hub.
        self.tops.rung(room, member.first_position()).await;
        let is_room = of_room.len() == topic.len();
        let ask = self.sharing.get(user, self.db.read(move |db| sharing::find(db, user)));
        is_room || matches!(ask.await, Ok(Some(sharing)) if asks(&sharing))
    }
}

impl Authorizer for Rights {
    fn may_read<'a>(&'a self, subject: &'a str, topics: &'a [String]) -> BoxFuture<'a, Vec<bool>> {
        Box::pin(async move {
            let Ok(user) = subject.parse().map(UserId) else { return Vec::new() };
            let mut answers = Vec::with_capacity(topics.len());
            for topic in topics {
                answers.push(self.may_read_one(user, topic).await);
            }
            answers
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
