//! Search: any substring in any script, in the rooms where a person is. The index is written in the transaction that writes the message.
//!
//! Both engines find the same: the index (which one, two and three letters in a row a text holds) proposes, the folded text itself decides.
//! Results come newest first, in the order of the messages' ids: within a room that is the order of their places, since the room's lock is
//! held when an id is given out.
//!
//! Ids first, of a range of ids at a time (`range`), then texts and rights by these ids: no plan of either engine begins elsewhere. What one
//! request looks at is bounded, so a page may have fewer results than there are, or none, and still say where to go on.

mod excerpt;
mod gram;
mod index;
mod indexed;
mod query;
mod range;
mod scope;

use crate::db::{Reader, Value};
use crate::error::{Error, Result};
use crate::id::{MessageId, UserId};
use crate::message::{self, Message, from_row, markdown};
use crate::{params, sql};
pub use excerpt::Segment;
pub use index::{BATCH, Progress, catch_up, catch_up_some, progress};
pub(super) use index::{add, forget, renew};
pub use indexed::Indexed;
pub use query::{Filter, LONGEST, Query, SHORTEST};
use range::{MOST, READ_MAX, Walk};
use scope::Scope;

/// Results on a page.
pub const PAGE: usize = 20;
/// Candidates whose texts are read in one statement.
const CHUNK: usize = 100;
/// Parts that the index is asked in (`{has_grams}` knows the same number); the first is what stands beside the words.
const PARTS: usize = 7;

/// A message that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The message.
    pub message: Message,
    /// What its room is called.
    pub room_title: String,
    /// Its text around what was looked for.
    pub excerpt: Vec<Segment>,
}

/// The messages of a page, newest first, before their excerpts are made: that is work on texts, and has no business on a thread of the store.
#[derive(Debug, Clone, Default)]
pub struct Hits {
    /// With what their rooms are called.
    messages: Vec<(Message, String)>,
    next: Option<MessageId>,
}

impl Hits {
    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The page with its excerpts. Blocks: each text is parsed.
    pub fn results(self, query: &Query) -> Results {
        let found = self.messages.into_iter().map(|(message, room_title)| {
            let excerpt = excerpt::around(&markdown::to_text(&message.content), &query.words);
            Found { message, room_title, excerpt }
        });
        Results { found: found.collect(), next: self.next }
    }
}

/// A page of what was found, newest first.
#[derive(Debug, Clone, Default)]
pub struct Results {
    /// The messages.
    pub found: Vec<Found>,
    /// Where the next page begins, when not everything was looked at.
    pub next: Option<MessageId>,
}

/// What a person may see and looks for.
///
/// # Errors
/// Those of the store.
pub fn find(db: &mut Reader<'_>, user: UserId, query: &Query) -> Result<Hits> {
    let Some(scope) = Scope::read(db, user, query)? else { return Ok(Hits::default()) };
    let mut search = Search { user, query, parts: Parts::new(&scope, query), ids: Vec::new(), read: 0 };
    let next = search.run(db, &scope)?;
    search.ids.truncate(PAGE);
    Ok(Hits { messages: shown(db, &search.ids)?, next: next.map(MessageId) })
}

/// What the index is asked: the part beside the words, and the words' tokens in the others.
struct Parts(Vec<String>);

impl Parts {
    fn new(scope: &Scope, query: &Query) -> Self {
        let tokens = query.tokens();
        let mut parts: Vec<String> = vec![scope.tokens(query)];
        // Neighbours stay together: tokens of one word occur together, so that a part's next hit is near.
        let size = tokens.len().div_ceil(PARTS - 1).max(1);
        parts.extend(tokens.chunks(size).map(|chunk| chunk.join(" AND ")));
        parts.retain(|part| !part.is_empty());
        parts.dedup();
        Self(parts)
    }

    /// How many tokens there are.
    fn tokens(&self) -> usize {
        self.0.iter().map(|part| part.split(' ').filter(|word| !matches!(*word, "AND" | "OR")).count()).sum()
    }

    /// What stands beside the words, and a token of each other part.
    fn samples(&self) -> impl Iterator<Item = &str> {
        let (first, others) = self.0.split_first().map_or(("", &[][..]), |(first, others)| (first.as_str(), others));
        let others = others.iter().map(|part| part.split(' ').next().unwrap_or(part));
        std::iter::once(first).chain(others)
    }

    /// As `{has_grams}` takes them: as many as it wants, the last one again for those that there are not.
    fn joined(parts: &[String]) -> String {
        let mut all = parts.to_vec();
        all.resize(PARTS, parts.last().cloned().unwrap_or_default());
        all.join(";")
    }
}

struct Search<'a> {
    user: UserId,
    query: &'a Query,
    parts: Parts,
    /// Found so far, newest first.
    ids: Vec<i64>,
    /// Candidates read so far.
    read: usize,
}

impl Search<'_> {
    /// Fills the page; where the next one goes on, when not everything was looked at.
    fn run(&mut self, db: &mut Reader<'_>, scope: &Scope) -> Result<Option<i64>> {
        if self.parts.0.is_empty() {
            return Ok(None);
        }
        if scope.is_small {
            let all = self.candidates(db, scope.oldest, scope.newest, &self.parts.0[0], usize::MAX)?;
            return self.read(db, &all);
        }
        let mut walk = Walk::new(scope.oldest, scope.newest, self.parts.tokens());
        while let Some(range) = walk.range() {
            let most = if range.is_smallest() { usize::MAX } else { MOST };
            let candidates = self.candidates(db, range.low, range.high, &range.tokens(), most)?;
            if candidates.len() > most {
                walk.shrink(range);
            } else {
                if let Some(next) = self.read(db, &candidates)? {
                    return Ok(Some(next));
                }
                walk.pass(range, candidates.len());
            }
            if walk.is_spent(self.read) {
                break;
            }
            if walk.needs_density() {
                self.measure(db, &mut walk)?;
            }
        }
        Ok(walk.rest())
    }

    /// Ids that the index proposes between two, newest first; one more than `most` when there are more.
    fn candidates(&self, db: &mut Reader<'_>, low: i64, high: i64, range: &str, most: usize) -> Result<Vec<i64>> {
        let most = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
        let mut ids: Vec<i64> = db.all(
            sql!(
                r#"
                select message_gram.rowid as id
                from message_gram
                where {has_grams:$1} and {gram_range:$3, $4, $2}
                limit $5
                "#
            ),
            params![Parts::joined(&self.parts.0), range, low, high, most],
            |row| row.get("id"),
        )?;
        ids.sort_unstable_by(|one, other| other.cmp(one));
        Ok(ids)
    }

    /// Looks at candidates until the page is full or the request has read enough; where the next one goes on then.
    fn read(&mut self, db: &mut Reader<'_>, candidates: &[i64]) -> Result<Option<i64>> {
        for chunk in candidates.chunks(CHUNK) {
            if self.read >= READ_MAX {
                return Ok(chunk.first().map(|id| id + 1));
            }
            self.read += chunk.len();
            let found = self.allowed(db, chunk)?;
            self.ids.extend(found);
            if self.ids.len() > PAGE {
                return Ok(self.ids.get(PAGE - 1).copied());
            }
        }
        Ok(None)
    }

    /// Those of some messages that the person may see and that hold the words.
    fn allowed(&self, db: &mut Reader<'_>, ids: &[i64]) -> Result<Vec<i64>> {
        let filter = &self.query.filter;
        let words = serde_json::to_string(&self.query.words).map_err(Error::internal)?;
        Ok(db.all(
            sql!(
                r#"
                select m.id
                from message m
                where m.id in {ids:$1}
                    and m.deleted_at is null
                    and m.created_at + 0 >= $2
                    and m.created_at + 0 < $3
                    and m.position + 0 > (
                        select v.first_position
                        from chatroom_member v
                        where v.chatroom_id = m.chatroom_id and v.user_id = $4 and v.left_at is null
                    )
                    and (select c.state from chatroom c where c.id = m.chatroom_id) <> 'deleted'
                    and (select count(*) from message_hidden h where h.user_id = $4 and h.message_id = m.id) = 0
                    and (
                        select count(*)
                        from message_text t
                        where t.message_id = m.id
                            and not exists (select 1 from {texts:$5} word where {place:t.folded, word.value} = 0)
                    ) = 1
                order by m.id desc
                "#
            ),
            params![
                Value::ids(ids),
                filter.from.unwrap_or(i64::MIN),
                filter.until.unwrap_or(i64::MAX),
                self.user,
                words
            ],
            |row| row.get("id"),
        )?)
    }

    /// Tells the walk how common the rarest part of the query is, counted in the range that comes next.
    fn measure(&self, db: &mut Reader<'_>, walk: &mut Walk) -> Result<()> {
        let Some(near) = walk.sample() else { return Ok(()) };
        let mut rarest = i64::MAX;
        for part in self.parts.samples() {
            let count = db.one(
                sql!("select count(*) as messages from message_gram where {has_grams:$1} and {gram_range:$3, $4, $2}"),
                params![Parts::joined(&[part.to_owned()]), near.tokens(), near.low, near.high],
                |row| row.get("messages"),
            )?;
            rarest = rarest.min(count);
        }
        walk.set_density(rarest, near);
        Ok(())
    }
}

/// The messages of some ids, newest first, with what their rooms are called.
fn shown(db: &mut Reader<'_>, ids: &[i64]) -> Result<Vec<(Message, String)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (mut messages, titles): (Vec<Message>, Vec<String>) = db
        .all(
            sql!(
                r#"
                select v.*, (select c.title from chatroom c where c.id = v.chatroom_id) as room_title
                from message_view v
                where v.id in {ids:$1}
                order by v.id desc
                "#
            ),
            params![Value::ids(ids)],
            |row| Ok((from_row(row)?, row.get::<String>("room_title")?)),
        )?
        .into_iter()
        .unzip();
    message::complete(db, &mut messages)?;
    Ok(messages.into_iter().zip(titles).collect())
}
