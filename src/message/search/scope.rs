//! Where a search looks: the person's rooms, and the ids that can be meant there. It narrows only; who may see a message is asked of each.

use super::query::{self, Query};
use crate::clock::Micros;
use crate::db::Reader;
use crate::error::Result;
use crate::id::{RoomId, UserId};
use crate::{params, sql};

/// Rooms that the index is asked for by name. Of more, it proposes what stands in any room.
const ROOMS_MAX: usize = 100;
/// So few messages are looked at in one go.
const SMALL: i64 = 512;
/// A clock that is set back by less does not hide a message from a search between two days.
const CLOCK_STEP: Micros = 24 * 3_600 * 1_000_000;

/// What is looked at.
#[derive(Debug)]
pub(super) struct Scope {
    rooms: Vec<RoomId>,
    /// The lowest id.
    pub(super) oldest: i64,
    /// The highest id.
    pub(super) newest: i64,
    /// Whether its rooms hold no more messages than can be looked at at once.
    pub(super) is_small: bool,
}

impl Scope {
    /// What a person can mean with a query; none when that is nothing.
    pub(super) fn read(db: &mut Reader<'_>, user: UserId, query: &Query) -> Result<Option<Self>> {
        let filter = &query.filter;
        let (rooms, oldest, newest, count) = match filter.room {
            Some(room) => match first_position(db, room, user)? {
                Some(first) => {
                    let Some((oldest, newest, count)) = of_room(db, room, first)? else { return Ok(None) };
                    (vec![room], oldest, newest, count)
                }
                None => return Ok(None),
            },
            None => {
                let (rooms, counts): (Vec<RoomId>, Vec<i64>) = rooms_of(db, user)?.into_iter().unzip();
                (rooms, 1, last_id(db)?, counts.into_iter().fold(0, i64::saturating_add))
            }
        };
        if rooms.is_empty() {
            return Ok(None);
        }
        let is_small = count <= SMALL && rooms.len() <= ROOMS_MAX;
        let mut scope = Self { rooms, oldest, newest, is_small };
        if let Some(before) = filter.before {
            scope.newest = scope.newest.min(before.0.saturating_sub(1));
        }
        if let Some(from) = filter.from {
            scope.oldest = scope.oldest.max(last_before(db, from.saturating_sub(CLOCK_STEP))?.map_or(1, |id| id + 1));
        }
        if let Some(until) = filter.until {
            scope.newest =
                scope.newest.min(first_from(db, until.saturating_add(CLOCK_STEP))?.map_or(i64::MAX, |id| id - 1));
        }
        Ok((scope.oldest <= scope.newest).then_some(scope))
    }

    /// What the index is asked beside the words: rooms, author, file.
    pub(super) fn tokens(&self, query: &Query) -> String {
        let mut all = Vec::new();
        if self.rooms.len() <= ROOMS_MAX {
            let rooms: Vec<String> = self.rooms.iter().map(|room| query::room_token(*room)).collect();
            all.push(if rooms.len() == 1 { rooms.concat() } else { format!("({})", rooms.join(" OR ")) });
        }
        all.extend(query.filter.author.map(query::author_token));
        all.extend(query.filter.has_file.then(|| query::FILE_TOKEN.to_owned()));
        all.join(" AND ")
    }
}

/// From where on a person sees a room; none outside of it.
fn first_position(db: &mut Reader<'_>, room: RoomId, user: UserId) -> Result<Option<i64>> {
    Ok(db.first(
        sql!("select first_position from chatroom_member where chatroom_id = $1 and user_id = $2 and left_at is null"),
        params![room, user],
        |row| row.get("first_position"),
    )?)
}

/// The first and the last id above a position of a room, and how many there can be; none where there is none.
fn of_room(db: &mut Reader<'_>, room: RoomId, first: i64) -> Result<Option<(i64, i64, i64)>> {
    let oldest: Option<(i64, i64)> = db.first(
        sql!("select id, position from message where chatroom_id = $1 and position > $2 order by position limit 1"),
        params![room, first],
        |row| Ok((row.get("id")?, row.get("position")?)),
    )?;
    let newest: Option<(i64, i64)> = db.first(
        sql!("select id, position from message where chatroom_id = $1 order by position desc limit 1"),
        params![room],
        |row| Ok((row.get("id")?, row.get("position")?)),
    )?;
    Ok(oldest.zip(newest).map(|((low, from), (high, to))| (low, high, to - from + 1)))
}

/// A person's rooms, with how many messages there can be in each.
fn rooms_of(db: &mut Reader<'_>, user: UserId) -> Result<Vec<(RoomId, i64)>> {
    Ok(db.all(
        sql!(
            r#"
            select m.chatroom_id, c.revision - m.first_position as messages
            from chatroom_member m
            cross join chatroom c
            where m.user_id = $1 and c.id = m.chatroom_id and m.left_at is null and c.state <> 'deleted'
            order by m.chatroom_id
            "#
        ),
        params![user],
        |row| Ok((row.get("chatroom_id")?, row.get("messages")?)),
    )?)
}

fn last_id(db: &mut Reader<'_>) -> Result<i64> {
    let last = db.first(sql!("select id from message order by id desc limit 1"), params![], |row| row.get("id"))?;
    Ok(last.unwrap_or(0))
}

/// The last message before a moment.
fn last_before(db: &mut Reader<'_>, at: Micros) -> Result<Option<i64>> {
    Ok(db.first(
        sql!("select id from message where created_at < $1 order by created_at desc limit 1"),
        params![at],
        |row| row.get("id"),
    )?)
}

/// The first message at a moment or later.
fn first_from(db: &mut Reader<'_>, at: Micros) -> Result<Option<i64>> {
    Ok(db.first(
        sql!("select id from message where created_at >= $1 order by created_at limit 1"),
        params![at],
        |row| row.get("id"),
    )?)
}
