//! The list of goals in pages: in one of three orders, all or one's own, with words to be found. What one answer looks at is bounded, whatever
//! there is: keys are read from an index, in the order of the list, and only what is shown is read whole.

use crate::db::{DbError, Reader, Row, Value, Writer};
use crate::error::{Error, Fields, Result, Text};
use crate::goal::{self, Goal};
use crate::id::{GoalId, RoomId, UserId};
use crate::text::cursor;
use crate::text::fold::fold;
use crate::{params, sql};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

/// Goals of a page.
pub const PAGE: usize = 30;
/// Goals that one search looks at; the next page goes on from there.
pub const LOOKED_AT: usize = STEP * STEPS;
const STEP: usize = 200;
const STEPS: usize = 10;
/// A person's own goals beyond these are not listed as such.
pub const OWN_MAX: i64 = 1_000;
/// The longest text to look for, in characters.
pub const WORDS_MAX: usize = 200;

/// In which order goals stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Where something was said last, by the hour.
    #[default]
    Activity,
    /// The newest first.
    Newest,
    /// By title.
    Title,
}

impl Order {
    /// All, as a form offers them.
    pub const ALL: [Self; 3] = [Self::Activity, Self::Newest, Self::Title];

    /// The word in addresses and forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Activity => "activity",
            Self::Newest => "newest",
            Self::Title => "title",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        if word.is_empty() { Some(Self::default()) } else { Self::ALL.into_iter().find(|order| order.as_str() == word) }
    }
}

/// A place in the list: the number that orders it, or the title, and the room's id where those are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cursor {
    at: i64,
    title: String,
    room: i64,
}

impl Cursor {
    fn start() -> Self {
        Self { at: i64::MAX, title: String::new(), room: 0 }
    }

    /// `{number}.{room}`, or as [`cursor`] writes a title.
    fn write(&self, order: Order) -> String {
        match order {
            Order::Activity | Order::Newest => format!("{}.{}", self.at, self.room),
            Order::Title => cursor::write(&self.title, self.room),
        }
    }

    fn read(text: &str, order: Order) -> Option<Self> {
        match order {
            Order::Activity | Order::Newest => {
                let (at, room) = text.split_once('.')?;
                let room = room.parse().ok().filter(|room| *room >= 0)?;
                Some(Self { at: at.parse().ok()?, title: String::new(), room })
            }
            Order::Title => cursor::read(text).map(|(title, room)| Self { at: 0, title, room }),
        }
    }
}

/// What is asked of the list.
#[derive(Debug, Clone)]
pub struct Query {
    order: Order,
    words: Vec<String>,
    is_mine: bool,
    /// Whether those are left out that the person is in.
    is_others: bool,
    after: Option<Cursor>,
}

impl Query {
    /// Reads what was typed; `after` is a cursor of [`Page::next`] in the same order.
    ///
    /// # Errors
    /// `Invalid`, every field at once.
    pub fn new(order: &str, words: &str, is_mine: bool, after: &str) -> Result<Self> {
        let mut faults = Fields::default();
        let known = Order::parse(order);
        if known.is_none() {
            faults.add("order", Text::new("error-invalid"));
        }
        let order = known.unwrap_or_default();
        if words.chars().count() > WORDS_MAX {
            faults.add("q", Text::new("goals-search-long").with("max", WORDS_MAX as i64));
        }
        let cursor = (!after.is_empty()).then(|| Cursor::read(after, order));
        if matches!(cursor, Some(None)) {
            faults.add("after", Text::new("error-invalid"));
        }
        faults.check()?;
        let mut words: Vec<String> =
            fold(words).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        words.sort_unstable();
        words.dedup();
        Ok(Self { order, words, is_mine, is_others: false, after: cursor.flatten() })
    }

    /// The same; where nothing else is asked for, without the goals that the person is in: a page shows these above.
    #[must_use]
    pub fn of_others(mut self) -> Self {
        self.is_others = self.words.is_empty() && !self.is_mine;
        self
    }

    /// In which order.
    pub fn order(&self) -> Order {
        self.order
    }

    /// Whether this is how the list begins: all goals from the first on, nothing looked for.
    pub fn is_first(&self) -> bool {
        self.after.is_none() && self.words.is_empty() && !self.is_mine
    }
}

/// A page of the list.
#[derive(Debug, Default)]
pub struct Page {
    /// In the order that was asked for.
    pub goals: Vec<Goal>,
    /// Where it goes on; a search that found little may go on all the same.
    pub next: Option<String>,
    /// How many goals the person is in, at most [`OWN_MAX`]; known when those were asked for.
    pub count: usize,
}

/// A goal's place and whether it has all words.
struct Key {
    goal: GoalId,
    place: Cursor,
    is_hit: bool,
}

/// A page of the list as the person who asks (or nobody) sees it.
pub fn page(db: &mut Reader<'_>, viewer: Option<UserId>, query: &Query) -> Result<Page> {
    let left_out = match viewer.filter(|_| query.is_others) {
        Some(viewer) => own(db, viewer, query)?.into_iter().map(|key| key.goal).collect(),
        None => HashSet::new(),
    };
    let mut taken = Taken { left_out, hits: Vec::new(), last: query.after.clone().unwrap_or_else(Cursor::start) };
    let mut count = 0;
    let next = match viewer.filter(|_| query.is_mine) {
        Some(viewer) => {
            let keys = own(db, viewer, query)?;
            count = keys.len();
            let is_after =
                |key: &Key| query.after.as_ref().is_none_or(|after| compare(query.order, &key.place, after).is_gt());
            taken.take(keys.into_iter().filter(is_after)).then(|| taken.last.clone())
        }
        None if query.is_mine => None,
        None => walk(db, query, &mut taken)?,
    };
    let goals = read(db, viewer, &taken.hits)?;
    Ok(Page { goals, next: next.map(|next| next.write(query.order)), count })
}

/// Looks on, a step at a time, until a page is full or enough was looked at: where it goes on.
fn walk(db: &mut Reader<'_>, query: &Query, taken: &mut Taken) -> Result<Option<Cursor>> {
    // What is left out must not make more steps.
    let step = if query.words.is_empty() { PAGE + 1 + taken.left_out.len() } else { STEP };
    for _ in 0..STEPS {
        let keys = keys(db, query, &taken.last, step)?;
        let is_end = keys.len() < step;
        if taken.take(keys.into_iter()) {
            return Ok(Some(taken.last.clone()));
        }
        if is_end {
            return Ok(None);
        }
    }
    Ok(Some(taken.last.clone()))
}

/// What a page has of the list so far.
struct Taken {
    left_out: HashSet<GoalId>,
    hits: Vec<GoalId>,
    /// The last place that was looked at.
    last: Cursor,
}

impl Taken {
    /// Takes hits until the page is full: whether there is one more.
    fn take(&mut self, keys: impl Iterator<Item = Key>) -> bool {
        for key in keys {
            let is_hit = key.is_hit && !self.left_out.contains(&key.goal);
            if is_hit && self.hits.len() == PAGE {
                return true;
            }
            self.last = key.place;
            if is_hit {
                self.hits.push(key.goal);
            }
        }
        false
    }
}

fn keys(db: &mut Reader<'_>, query: &Query, after: &Cursor, limit: usize) -> Result<Vec<Key>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let words = texts(&query.words)?;
    Ok(match query.order {
        Order::Activity => db.all(
            sql!(
                r#"
                select c.id, c.goal_id, c.active_at as moment, '' as title_key,
                    (select count(*) from {texts:$4} w where {place:c.folded, w.value} = 0) as missing
                from (
                    select id, goal_id, active_at, folded
                    from chatroom
                    where kind = 'goal' and state <> 'deleted' and (active_at, id) < ($1, $2)
                    order by active_at desc, id desc
                    limit $3
                ) c
                order by c.active_at desc, c.id desc
                "#
            ),
            params![after.at, after.room, limit, words],
            key,
        )?,
        Order::Newest => db.all(
            sql!(
                r#"
                select c.id, c.goal_id, c.created_at as moment, '' as title_key,
                    (select count(*) from {texts:$4} w where {place:c.folded, w.value} = 0) as missing
                from (
                    select id, goal_id, created_at, folded
                    from chatroom
                    where kind = 'goal' and state <> 'deleted' and (created_at, id) < ($1, $2)
                    order by created_at desc, id desc
                    limit $3
                ) c
                order by c.created_at desc, c.id desc
                "#
            ),
            params![after.at, after.room, limit, words],
            key,
        )?,
        Order::Title => db.all(
            sql!(
                r#"
                select c.id, c.goal_id, c.created_at as moment, c.title_key,
                    (select count(*) from {texts:$4} w where {place:c.folded, w.value} = 0) as missing
                from (
                    select id, goal_id, created_at, title_key, folded
                    from chatroom
                    where kind = 'goal' and state <> 'deleted' and (title_key, id) > ($1, $2)
                    order by title_key, id
                    limit $3
                ) c
                order by c.title_key, c.id
                "#
            ),
            params![&after.title, after.room, limit, words],
            key,
        )?,
    })
}

/// The goals that a person is in, in the order of the list.
fn own(db: &mut Reader<'_>, viewer: UserId, query: &Query) -> Result<Vec<Key>> {
    let order = query.order;
    let mut keys = db.all(
        sql!(
            r#"
            select c.id, c.goal_id, c.title_key,
                case when $2 = 'newest' then c.created_at else c.active_at end as moment,
                (select count(*) from {texts:$3} w where {place:c.folded, w.value} = 0) as missing
            from goal_participation p
            cross join chatroom c
            where p.user_id = $1
                and p.status = 'approved'
                and c.goal_id = p.goal_id
                and c.kind = 'goal'
                and c.state <> 'deleted'
            limit $4
            "#
        ),
        params![viewer, order.as_str(), texts(&query.words)?, OWN_MAX],
        key,
    )?;
    keys.sort_by(|a, b| compare(order, &a.place, &b.place));
    Ok(keys)
}

fn compare(order: Order, place: &Cursor, other: &Cursor) -> Ordering {
    match order {
        Order::Activity | Order::Newest => (other.at, other.room).cmp(&(place.at, place.room)),
        Order::Title => (&place.title, place.room).cmp(&(&other.title, other.room)),
    }
}

fn texts(words: &[String]) -> Result<String> {
    serde_json::to_string(words).map_err(Error::internal)
}

fn read(db: &mut Reader<'_>, viewer: Option<UserId>, ids: &[GoalId]) -> Result<Vec<Goal>> {
    let wanted: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let goals = db.all(
        sql!(
            r#"
            select
                g.id, g.title, g.description, g.start_date, g.end_date, g.status, g.progress, g.history, g.member_count,
                (
                    select c.id
                    from chatroom c
                    where c.goal_id = g.id and c.kind = 'goal' and c.state <> 'deleted'
                ) as chatroom_id,
                (select p.role from goal_participation p where p.goal_id = g.id and p.user_id = $2) as my_role,
                (select p.status from goal_participation p where p.goal_id = g.id and p.user_id = $2) as my_status
            from goal g
            where g.id in {ids:$1}
            "#
        ),
        params![Value::ids(&wanted), viewer.map_or(0, |user| user.0)],
        goal::from_row,
    )?;
    let mut goals: HashMap<GoalId, Goal> = goals.into_iter().map(|goal| (goal.id, goal)).collect();
    Ok(ids.iter().filter_map(|id| goals.remove(id)).collect())
}

/// Says how the list finds and orders a goal. In the transaction that founds it or changes its words.
pub(super) fn index(tx: &mut Writer<'_>, room: RoomId, title: &str, description: &str) -> Result<()> {
    let folded = fold(&format!("{title}\n{description}"));
    let title_key = cursor::key(&fold(title));
    tx.execute(
        sql!("update chatroom set title_key = $2, folded = $3 where id = $1"),
        params![room, title_key, folded],
    )?;
    Ok(())
}

/// Does so for a batch of goals that were founded before there was a list in pages: whether more are left.
///
/// # Errors
/// Those of the store.
pub fn catch_up(tx: &mut Writer<'_>) -> Result<bool> {
    const BATCH: usize = 200;
    let rooms: Vec<(RoomId, String, String)> = tx.all(
        sql!(
            r#"
            select c.id, g.title, g.description
            from (select id, goal_id from chatroom where kind = 'goal' and title_key is null order by id limit 200) c
            cross join goal g
            where g.id = c.goal_id
            "#
        ),
        params![],
        |row| Ok((row.get("id")?, row.get("title")?, row.get("description")?)),
    )?;
    for (room, title, description) in &rooms {
        index(tx, *room, title, description)?;
    }
    Ok(rooms.len() == BATCH)
}

fn key(row: &Row<'_>) -> std::result::Result<Key, DbError> {
    let title: Option<String> = row.get("title_key")?;
    let place = Cursor { at: row.get("moment")?, title: title.unwrap_or_default(), room: row.get("id")? };
    Ok(Key { goal: row.get("goal_id")?, place, is_hit: row.get::<i64>("missing")? == 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_they_were_written_and_nothing_else_is() {
        for order in Order::ALL {
            let cursor = Cursor { at: 3_600_000_000, title: "l'ete a velo".into(), room: 7 };
            let read = Cursor::read(&cursor.write(order), order).unwrap();
            assert_eq!(read.write(order), cursor.write(order));
            for wrong in ["7", ".", "1.x", "1.-7", "!!.7", "1.7.7"] {
                assert!(Cursor::read(wrong, order).is_none(), "{order:?} {wrong}");
            }
        }
    }

    #[test]
    fn every_fault_is_told_at_once_and_words_are_folded() {
        let Err(Error::Invalid(faults)) = Query::new("size", &"x".repeat(201), false, "x") else { panic!("a fault") };
        assert_eq!(faults.0.iter().map(|(name, _)| name.as_ref()).collect::<Vec<_>>(), ["order", "q", "after"]);
        let query = Query::new("", " Vélo  ÉTÉ vélo ", false, "").unwrap();
        assert_eq!((query.words, query.order), (vec!["ete".to_owned(), "velo".to_owned()], Order::Activity));
    }
}
