//! Makes contents of what people type: beside the runtime's threads and before any transaction, a few at once, one of each person.

use crate::chatroom::Member;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::id::{MessageId, UserId};
use crate::message::Content;
use crate::message::mention::Snapshot;
use crate::message::search::{Hits, Query, Results};
use crate::turns::{Rules, Turns};
use std::time::Duration;

/// A person's outbox sends one message after the other; so many at once come from programs, and from several tabs.
const RULES: Rules = Rules { at_once: 2, waiting_each: 32, waiting: 512, patience: Duration::from_secs(5) };

/// Renders. A cheap clone.
#[derive(Clone)]
pub struct Renderer {
    turns: Turns,
    db: Db,
}

/// The same where messages have no rate (tests, benchmarks): one account may bring the load of many.
const UNLIMITED: Rules = Rules { waiting_each: 16_384, waiting: 16_384, patience: Duration::from_secs(60), ..RULES };

impl Renderer {
    /// A renderer that looks people up in this store, for messages that have a rate or none.
    pub fn new(db: Db, has_rate: bool) -> Self {
        Self { turns: Turns::new(if has_rate { RULES } else { UNLIMITED }), db }
    }

    /// Whose turn it is, for the end of the program.
    pub fn turns(&self) -> &Turns {
        &self.turns
    }

    /// What a member typed, for a new message or in place of what a message says. It may be empty.
    ///
    /// # Errors
    /// `Invalid` for a text that is too long; `TooMany`, `Unavailable` when others or the person's own texts take too long; those of
    /// the store.
    pub async fn content(&self, member: &Member, typed: &str, edits: Option<MessageId>) -> Result<Content> {
        if typed.is_empty() {
            return Ok(Content::default());
        }
        let (typed, who) = (typed.to_owned(), member.clone());
        let turn = self.turns.turn(member.user()).await?;
        let (turn, content) = aside(move || (turn, Content::new_or_empty(&typed))).await?;
        let content = content?;
        if !content.may_name() {
            return Ok(content);
        }
        let people = self.db.read(move |db| Snapshot::read(db, &who, edits)).await?;
        let (_turn, content) = aside(move || {
            let naming = people.naming(&content);
            (turn, content.with_naming(naming))
        })
        .await?;
        Ok(content)
    }

    /// What a person has found, with the excerpts of the texts, in the person's turn.
    ///
    /// # Errors
    /// `TooMany`, `Unavailable` when others or the person's own texts take too long.
    pub async fn results(&self, user: UserId, hits: Hits, query: Query) -> Result<Results> {
        if hits.is_empty() {
            return Ok(hits.results(&query));
        }
        let turn = self.turns.turn(user).await?;
        let (_turn, results) = aside(move || (turn, hits.results(&query))).await?;
        Ok(results)
    }
}

/// The turn goes along: it ends when the work does, even when nobody waits for it any more.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}
