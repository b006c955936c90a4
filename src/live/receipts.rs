//! Receipts on their way: what many readers say at the same moment becomes one transaction and one event a room.

use crate::chatroom::receipt::{self, Advance, Mark, Moved};
use crate::db::{Db, Lane, Writer};
use crate::error::{Error, Result};
use crate::id::{RoomId, UserId};
use crate::live::Live;
use crate::live::awareness::Here;
use crate::user::sharing::{self, Sharing};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// The next batch begins no sooner than this after the last.
const PACE: Duration = Duration::from_millis(100);
/// Wishes in one transaction: on SQLite who sends waits for it.
const BATCH: usize = 128;
const WAITING_MAX: usize = 8_192;

/// Where readers say how far they have come. A cheap clone.
#[derive(Clone)]
pub struct Receipts(mpsc::Sender<Wish>);

struct Wish {
    what: What,
    done: oneshot::Sender<Result<()>>,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Read(Advance),
    Share(UserId, Sharing),
}

impl Receipts {
    /// Starts the task that writes; it ends with the last handle.
    pub fn start(live: Live, db: Db) -> Self {
        let (wishes, waiting) = mpsc::channel(WAITING_MAX);
        tokio::spawn(run(live, db, waiting));
        Self(wishes)
    }

    /// Somebody has read on; kept when this returns.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn advance(&self, advance: Advance) -> Result<()> {
        self.wish(What::Read(advance)).await
    }

    /// Somebody chose what to show; kept and told when this returns.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn share(&self, user: UserId, sharing: Sharing) -> Result<()> {
        self.wish(What::Share(user, sharing)).await
    }

    async fn wish(&self, what: What) -> Result<()> {
        let (done, kept) = oneshot::channel();
        self.0.try_send(Wish { what, done }).map_err(|_| Error::Unavailable)?;
        kept.await.unwrap_or(Err(Error::Unavailable))
    }
}

async fn run(live: Live, db: Db, mut waiting: mpsc::Receiver<Wish>) {
    let mut wishes = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut wishes, BATCH).await > 0 {
        let begun = Instant::now();
        let batch = Batch::of(wishes.iter().map(|wish| wish.what));
        let result = batch.write(&live, &db).await;
        for wish in wishes.drain(..) {
            // Who left needs no answer.
            let _ = wish.done.send(if result.is_ok() { Ok(()) } else { Err(Error::Unavailable) });
        }
        if let Err(error) = result {
            tracing::warn!(%error, "receipts could not be written");
        }
        tokio::time::sleep_until(begun + PACE).await;
    }
}

/// What is written together: of each reader in each room only the last word, in the order in which rows are locked.
#[derive(Debug, Clone, Default)]
struct Batch {
    advances: BTreeMap<(RoomId, UserId), Advance>,
    choices: BTreeMap<UserId, Sharing>,
}

/// What is told when it is kept.
#[derive(Default)]
struct News {
    bookmarks: Vec<(RoomId, UserId, i64)>,
    marks: Vec<(RoomId, i64, Vec<Mark>)>,
    people: BTreeMap<RoomId, Vec<UserId>>,
    choices: BTreeMap<UserId, Sharing>,
}

impl Batch {
    fn of(wishes: impl Iterator<Item = What>) -> Self {
        let mut batch = Self::default();
        for wish in wishes {
            match wish {
                What::Read(advance) => {
                    let last = batch.advances.entry((advance.room, advance.user)).or_insert(advance);
                    if advance.position > last.position {
                        *last = advance;
                    }
                }
                What::Share(user, sharing) => {
                    batch.choices.insert(user, sharing);
                }
            }
        }
        batch
    }

    async fn write(self, live: &Live, db: &Db) -> Result<()> {
        let live = live.clone();
        db.write(Lane::None, move |tx| {
            let news = self.apply(&live, tx)?;
            let live = live.clone();
            tx.after_commit(move || news.tell(&live));
            Ok(())
        })
        .await
    }

    fn apply(&self, live: &Live, tx: &mut Writer<'_>) -> Result<News> {
        // This task alone raises the counts, so the next one is known before the rows are.
        let next = |room: RoomId| live.aware.quiet.get(room).reads + 1;
        let mut news = News { choices: self.choices.clone(), ..News::default() };
        let mut rooms = BTreeSet::new();
        for advance in self.advances.values() {
            match receipt::advance(tx, advance, next(advance.room))? {
                Moved::Nothing => continue,
                Moved::Bookmark => {}
                Moved::Receipt => {
                    rooms.insert(advance.room);
                }
            }
            news.bookmarks.push((advance.room, advance.user, advance.position));
        }
        for (user, sharing) in &self.choices {
            sharing::update(tx, *user, *sharing)?;
            for room in receipt::touch(tx, *user, next)? {
                news.people.entry(room).or_default().push(*user);
                rooms.insert(room);
            }
        }
        for room in rooms {
            let known = next(room) - 1;
            news.marks.push((room, known, receipt::since(tx, room, known)?.marks));
        }
        Ok(news)
    }
}

impl News {
    fn tell(self, live: &Live) {
        for (room, known, marks) in self.marks {
            live.aware.quiet.change(room, |counts| counts.reads = known + 1);
            let data = json!({ "chatroom": room, "reads": known + 1, "since": known, "marks": marks });
            live.whisper(live.topics.reads(room), "reads", &data);
        }
        for (room, user, position) in self.bookmarks {
            live.tell_read(user, room, position);
        }
        for user in self.choices.keys() {
            live.aware.sharing.forget(user);
            // Streams are asked for anew: who shows nothing sees nothing.
            live.bell.disconnect(*user);
        }
        let choices = self.choices;
        let hidden = |user: UserId| Here { user, status: None, seen_at: None };
        let here = |user: UserId| match choices.get(&user) {
            Some(sharing) if sharing.presence => live.here(user, None, live.clock.now()),
            Some(_) | None => hidden(user),
        };
        live.tell_presence(
            self.people.into_iter().map(|(room, users)| (room, users.into_iter().map(here).collect())).collect(),
        );
    }
}
