//! The people of a room as lists show them: some of a large room and how many there are, all of it in pages, with words to be found. What
//! one answer looks at is bounded, whatever there is.

use crate::chatroom::State;
use crate::chatroom::member::{self, MemberState};
use crate::db::{Reader, Value, Writer};
use crate::error::{Error, Fields, Result, Text};
use crate::id::{RoomId, UserId};
use crate::text::cursor;
use crate::text::fold::fold;
use crate::user::Name;
use crate::{params, sql};
use std::collections::BTreeSet;

/// People that the page of a room lists, and a page of the whole list.
pub const LISTED: i64 = 50;
/// Of a large room, how many of each kind come before others: who moderates, who is here.
const OF_A_KIND: i64 = 15;
/// People who are looked for one by one: who is here, of the whole site.
pub const HERE_MAX: usize = 200;
/// People that one search looks at; the next page goes on from there.
pub const LOOKED_AT: i64 = STEP * STEPS;
const STEP: i64 = 250;
const STEPS: i64 = 8;
/// The longest text to look for, in characters.
pub const WORDS_MAX: usize = 100;

/// Some people of a room, and how many there are.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// By name.
    pub members: Vec<MemberState>,
    /// All of the room.
    pub count: i64,
}

/// Who is put before others in the list of a large room.
#[derive(Debug, Clone, Copy, Default)]
pub struct First<'a> {
    /// The one who looks.
    pub viewer: Option<UserId>,
    /// Who spoke lately.
    pub authors: &'a [UserId],
    /// Who is here, as far as the one who looks may know it.
    pub here: &'a [UserId],
}

/// How many are in a room: counted as they come and go.
pub fn count(db: &mut Reader<'_>, room: RoomId) -> Result<i64> {
    Ok(db.one(
        sql!("select (select g.member_count from goal g where g.id = c.goal_id) as members from chatroom c where c.id = $1"),
        params![room],
        |row| row.get::<Option<i64>>("members").map(Option::unwrap_or_default),
    )?)
}

/// The people of a room that its page lists: all of a small one; of a large one the viewer, who moderates, who is here, who spoke lately, and
/// who came last.
pub fn shown(db: &mut Reader<'_>, room: RoomId, first: First<'_>) -> Result<Shown> {
    let members = by_name(db, room, LISTED + 1)?;
    let count = i64::try_from(members.len()).unwrap_or(LISTED);
    if count <= LISTED {
        return Ok(Shown { members, count });
    }
    let count = self::count(db, room)?;
    let moderators: Vec<i64> = db.all(
        sql!(
            r#"
            select user_id
            from chatroom_member
            where chatroom_id = $1 and coalesce(left_at, 0) = 0 and role <> 'member'
            order by user_id
            limit $2
            "#
        ),
        params![room, OF_A_KIND],
        |row| row.get("user_id"),
    )?;
    let here = here(db, room, first.here)?;
    let newest: Vec<i64> = db.all(
        sql!(
            r#"
            select m.user_id
            from (
                select user_id, left_at
                from chatroom_member
                where chatroom_id = $1
                order by revision desc
                limit $2
            ) m
            where m.left_at is null
            "#
        ),
        params![room, LISTED],
        |row| row.get("user_id"),
    )?;
    let authors = first.authors.iter().map(|user| user.0);
    let wanted = first.viewer.map(|user| user.0).into_iter().chain(moderators).chain(here).chain(authors).chain(newest);
    let mut chosen = BTreeSet::new();
    for user in wanted {
        if i64::try_from(chosen.len()).is_ok_and(|chosen| chosen >= LISTED) {
            break;
        }
        chosen.insert(user);
    }
    let chosen: Vec<i64> = chosen.into_iter().collect();
    Ok(Shown { members: named(db, room, &chosen)?, count })
}

/// Those of some people who are in a room and show that they are here.
fn here(db: &mut Reader<'_>, room: RoomId, here: &[UserId]) -> Result<Vec<i64>> {
    if here.is_empty() {
        return Ok(Vec::new());
    }
    let looked_for: Vec<i64> = here.iter().take(HERE_MAX).map(|user| user.0).collect();
    Ok(db.all(
        sql!(
            r#"
            select u.id
            from "user" u
            where u.id in {ids:$2}
                and u.shows_presence = 1
                and (
                    select count(*)
                    from chatroom_member m
                    where m.chatroom_id = $1 and m.user_id = u.id and m.left_at is null
                ) = 1
            limit $3
            "#
        ),
        params![room, Value::ids(&looked_for), OF_A_KIND],
        |row| row.get("id"),
    )?)
}

/// The first of a room by name.
pub fn by_name(db: &mut Reader<'_>, room: RoomId, limit: i64) -> Result<Vec<MemberState>> {
    Ok(db.all(
        sql!(
            r#"
            select *
            from member_view
            where chatroom_id = $1 and coalesce(left_at, 0) = 0
            order by name_key, user_id
            limit $2
            "#
        ),
        params![room, limit],
        member::from_row,
    )?)
}

/// Some of a room by name; who is not in it is left out.
fn named(db: &mut Reader<'_>, room: RoomId, users: &[i64]) -> Result<Vec<MemberState>> {
    Ok(db.all(
        sql!(
            r#"
            select *
            from member_view
            where chatroom_id = $1 and user_id in {ids:$2} and left_at is null
            order by name_key, user_id
            "#
        ),
        params![room, Value::ids(users)],
        member::from_row,
    )?)
}

/// What may be done in a room where somebody types; and how the person is called, where the pages of the room do not list everybody.
pub fn typist(db: &mut Reader<'_>, room: RoomId, user: UserId) -> Result<Option<(State, Option<Name>)>> {
    Ok(db.first(
        sql!(
            r#"
            select c.state, cast($2 as bigint) as user_id,
                (select u.first_name from "user" u where u.id = $2) as first_name,
                (select u.last_name from "user" u where u.id = $2) as last_name,
                (select g.member_count from goal g where g.id = c.goal_id) as members
            from chatroom c
            where c.id = $1 and c.state <> 'deleted'
            "#
        ),
        params![room, user],
        |row| {
            let name = Name::from_row(row, "user_id", "first_name", "last_name")?;
            let is_large = row.get::<Option<i64>>("members")?.is_some_and(|members| members > LISTED);
            Ok((row.get("state")?, is_large.then_some(name)))
        },
    )?)
}

/// One of a room, if the person is in it.
pub fn one(db: &mut Reader<'_>, room: RoomId, user: UserId) -> Result<Option<MemberState>> {
    Ok(named(db, room, &[user.0])?.pop())
}

/// What is asked of the whole list.
#[derive(Debug, Clone, Default)]
pub struct Query {
    words: Vec<String>,
    after: Option<(String, i64)>,
}

impl Query {
    /// Reads what was typed: beginnings of names; `after` is what [`Page::next`] says.
    ///
    /// # Errors
    /// `Invalid`, every field at once.
    pub fn new(words: &str, after: &str) -> Result<Self> {
        let mut faults = Fields::default();
        if words.chars().count() > WORDS_MAX {
            faults.add("q", Text::new("people-search-long").with("max", WORDS_MAX as i64));
        }
        let place = (!after.is_empty()).then(|| cursor::read(after));
        if matches!(place, Some(None)) {
            faults.add("after", Text::new("error-invalid"));
        }
        faults.check()?;
        let mut words: Vec<String> = key(words).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        words.sort_unstable();
        words.dedup();
        Ok(Self { words, after: place.flatten() })
    }
}

/// A page of the whole list.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// By name.
    pub members: Vec<MemberState>,
    /// Where it goes on; a search that found few may go on all the same.
    pub next: Option<String>,
    /// All of the room, found or not.
    pub count: i64,
}

/// A page of everybody who is in a room, of at most so many.
pub fn page(db: &mut Reader<'_>, room: RoomId, query: &Query, limit: i64) -> Result<Page> {
    let limit = usize::try_from(limit.clamp(1, LISTED)).unwrap_or(1);
    let words = serde_json::to_string(&query.words).map_err(Error::internal)?;
    let step = if query.words.is_empty() { i64::try_from(limit).unwrap_or(0) + 1 } else { STEP };
    let (mut place, mut hits, mut next) = (query.after.clone().unwrap_or_default(), Vec::new(), None);
    'steps: for number in 0..STEPS {
        let keys = keys(db, room, &place, step, &words)?;
        let is_end = i64::try_from(keys.len()).is_ok_and(|found| found < step);
        for (user, name, is_hit) in keys {
            if is_hit && hits.len() == limit {
                next = Some(cursor::write(&place.0, place.1));
                break 'steps;
            }
            place = (name, user);
            if is_hit {
                hits.push(user);
            }
        }
        if is_end {
            break;
        }
        if number + 1 == STEPS {
            next = Some(cursor::write(&place.0, place.1));
        }
    }
    Ok(Page { members: named(db, room, &hits)?, next, count: count(db, room)? })
}

/// The next of a room by name, and whether each has all words at the beginnings of words.
fn keys(
    db: &mut Reader<'_>,
    room: RoomId,
    (name, user): &(String, i64),
    limit: i64,
    words: &str,
) -> Result<Vec<(i64, String, bool)>> {
    Ok(db.all(
        sql!(
            r#"
            select m.user_id, m.name_key,
                (select count(*) from {texts:$5} w where {place:' ' || m.name_key, ' ' || w.value} = 0) as missing
            from (
                select user_id, name_key
                from chatroom_member
                where chatroom_id = $1 and coalesce(left_at, 0) = 0 and (name_key, user_id) > ($2, $3)
                order by name_key, user_id
                limit $4
            ) m
            order by m.name_key, m.user_id
            "#
        ),
        params![room, name, *user, limit, words],
        |row| Ok((row.get("user_id")?, row.get("name_key")?, row.get::<i64>("missing")? == 0)),
    )?)
}

/// What a list compares of a name: a word that stands behind a hyphen is found too.
pub(super) fn key(name: &str) -> String {
    cursor::key(&fold(&name.replace(['-', '‐', '‑'], " ")))
}

/// Says how lists find people, for a batch of those who came before there were pages: whether more are left.
///
/// # Errors
/// Those of the store.
pub fn catch_up(tx: &mut Writer<'_>) -> Result<bool> {
    const BATCH: usize = 500;
    let members: Vec<(RoomId, UserId, String)> = tx.all(
        sql!(
            r#"
            select m.chatroom_id, m.user_id,
                (select u.first_name from "user" u where u.id = m.user_id) as first_name,
                (select u.last_name from "user" u where u.id = m.user_id) as last_name
            from chatroom_member m
            where m.name_key is null
            limit 500
            "#
        ),
        params![],
        |row| {
            let (first, last): (String, String) = (row.get("first_name")?, row.get("last_name")?);
            Ok((row.get("chatroom_id")?, row.get("user_id")?, format!("{first} {last}")))
        },
    )?;
    for (room, user, name) in &members {
        tx.execute(
            sql!("update chatroom_member set name_key = $3 where chatroom_id = $1 and user_id = $2"),
            params![*room, *user, key(name)],
        )?;
    }
    Ok(members.len() == BATCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_by_the_beginnings_of_their_words() {
        assert_eq!(key("Jean-Luc  D’Été"), "jean luc d'ete");
        let query = Query::new(" Étienne LUC étienne ", "").unwrap();
        assert_eq!(query.words, ["etienne", "luc"]);
        let Err(Error::Invalid(faults)) = Query::new(&"x".repeat(101), "x") else { panic!("a fault") };
        assert_eq!(faults.0.iter().map(|(name, _)| name.as_ref()).collect::<Vec<_>>(), ["q", "after"]);
    }
}
