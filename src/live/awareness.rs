//! Awareness: who types and who is here, told while it is so and written nowhere but for "last seen".
//!
//! The hub's hooks must not wait, so they leave words; one task takes them, and looks once a second at what time alone has
//! changed.

use crate::chatroom::{Member, State, company, people};
use crate::clock::{Clock, Micros, rfc3339};
use crate::db::{Db, Lane};
use crate::error::{Error, Result, Text};
use crate::id::{RoomId, UserId};
use crate::live::{Live, rights};
use crate::presence::{Presence, Status};
use crate::quiet::Quiet;
use crate::recent::Recent;
use crate::typing::{Told, Typing};
use crate::user::sharing::{self, Sharing};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// What a socket says that is more than the task can take is not heard.
const WORDS_MAX: usize = 4_096;
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// People whose choices are kept in memory.
const RECENT: usize = 20_000;

/// What is known of people from moment to moment. A cheap clone.
#[derive(Clone)]
pub struct Awareness {
    /// Counters that a poll compares.
    pub quiet: Quiet,
    /// Who types.
    pub typing: Typing,
    /// Who is here.
    pub presence: Presence,
    /// Who shows what, as recently asked.
    pub sharing: Recent<UserId, Sharing>,
    words: mpsc::Sender<Word>,
}

/// What a hook of the hub leaves for the task.
#[derive(Debug, Clone, Copy)]
pub enum Word {
    /// A socket says whether its person types.
    Typing {
        /// Whose socket.
        user: UserId,
        /// In which room, as the socket says.
        room: RoomId,
        /// Types, or has stopped.
        on: bool,
    },
    /// The person's last stream is over.
    Gone(UserId),
}

impl Awareness {
    /// Nobody is here yet; the words go to [`run`].
    pub fn new(quiet: Quiet, now: Micros) -> (Self, mpsc::Receiver<Word>) {
        let (words, heard) = mpsc::channel(WORDS_MAX);
        let presence = Presence::new(now);
        (Self { quiet, typing: Typing::default(), presence, sharing: Recent::new(RECENT), words }, heard)
    }

    /// A person has so many streams open: called by the hub.
    pub fn attend(&self, user: UserId, streams: usize, now: Micros) {
        self.presence.streams(user, streams, now);
        if streams == 0 {
            let _ = self.words.try_send(Word::Gone(user));
        }
    }

    /// Takes `{"typing": room, "on": true|false}`, called by the hub; false for anything else.
    pub fn take_frame(&self, user: UserId, frame: &Value) -> bool {
        let Some(object) = frame.as_object().filter(|object| object.len() == 2) else { return false };
        let room = object.get("typing").and_then(Value::as_i64).filter(|room| *room > 0);
        let on = object.get("on").and_then(Value::as_bool);
        let (Some(room), Some(on)) = (room, on) else { return false };
        let _ = self.words.try_send(Word::Typing { user, room: RoomId(room), on });
        true
    }

    /// What a person shows.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn sharing_of(&self, db: &Db, user: UserId) -> Result<Sharing> {
        let found = self.sharing.get(user, db.read(move |db| sharing::find(db, user))).await?;
        Ok(found.unwrap_or(Sharing { reads: false, presence: false }))
    }
}

/// One person's presence as it is told; without a status the person shows it no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Here {
    /// Who.
    pub user: UserId,
    /// Online, away or offline.
    pub status: Option<Status>,
    /// When the person was last seen, to the minute, for who is offline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<String>,
}

impl Live {
    /// A person's presence as it may be told.
    pub fn here(&self, user: UserId, written: Option<Micros>, now: Micros) -> Here {
        let (status, seen) = self.aware.presence.of(user, now);
        let seen = seen.max(written).filter(|_| status == Status::Offline);
        Here { user, status: Some(status), seen_at: seen.map(|at| rfc3339(at - at.rem_euclid(60_000_000))) }
    }

    /// Tells a room that somebody types, or has stopped.
    ///
    /// # Errors
    /// `Conflict` where nothing can be written.
    pub async fn type_in(&self, db: &Db, member: &Member, on: bool, now: Micros) -> Result<()> {
        let (room, user) = (member.room(), member.user());
        let mut name = None;
        if on {
            let (state, known) = db.read(move |db| people::typist(db, room, user)).await?.ok_or(Error::NotFound)?;
            match state {
                State::Active => name = known,
                State::Locked => return Err(Error::Conflict(Text::new("room-locked"))),
                State::Archived => return Err(Error::Conflict(Text::new("room-archived"))),
                State::Deleted => return Err(Error::NotFound),
            }
        }
        match self.aware.typing.set(room, user, on, now) {
            Told::Nothing => {}
            Told::Again => self.tell_typing(room, user, on),
            Told::Change => {
                if let Some(name) = name {
                    self.aware.typing.call(room, user, json!(name));
                }
                self.change_typing(room, user, on);
            }
        }
        Ok(())
    }

    /// Who sends has stopped typing.
    pub fn stop_typing(&self, member: &Member) {
        if self.aware.typing.set(member.room(), member.user(), false, 0) == Told::Change {
            self.change_typing(member.room(), member.user(), false);
        }
    }

    fn change_typing(&self, room: RoomId, user: UserId, on: bool) {
        self.aware.quiet.change(room, |counts| counts.typing += 1);
        self.tell_typing(room, user, on);
    }

    fn tell_typing(&self, room: RoomId, user: UserId, on: bool) {
        let mut data = json!({ "chatroom": room, "typing": { "user": user, "on": on } });
        if let Some(name) = self.aware.typing.name(room, user) {
            data["typing"]["name"] = name;
        }
        self.whisper(self.topics.room(room), "typing", &data);
    }

    /// Tells rooms who is here now: one event a room, whoever has changed.
    pub fn tell_presence(&self, news: BTreeMap<RoomId, Vec<Here>>) {
        for (room, people) in news {
            self.whisper(self.topics.presence(room), "presence", &json!({ "chatroom": room, "people": people }));
        }
    }

    /// Tells the pages of a person that one of them says nobody looks: the one that is looked at objects.
    pub fn tell_away(&self, user: UserId) {
        let data = json!({ "user": user, "event": { "kind": "away" } });
        self.whisper(self.topics.user(user), super::USER_EVENT, &data);
    }
}

/// Takes the words of the hub's hooks and looks at what time has changed, until the program ends.
pub async fn run(live: Live, db: Db, clock: Clock, mut words: mpsc::Receiver<Word>, mut stop: watch::Receiver<bool>) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            word = words.recv() => match word {
                Some(word) => hear(&live, &db, word, clock.now()).await,
                None => return,
            },
            _ = looks.tick() => look(&live, &db, clock.now()).await,
            () = stopped(&mut stop) => return,
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|is_stopping| *is_stopping).await;
}

async fn hear(live: &Live, db: &Db, word: Word, now: Micros) {
    match word {
        Word::Gone(user) => {
            for room in live.aware.typing.leave(user) {
                live.change_typing(room, user, false);
            }
        }
        // Who is not in the room, or may not write in it, is not heard, and learns nothing by it.
        Word::Typing { user, room, on } => {
            if let Ok(Some(member)) = rights::member(&live.members, db, room, user).await {
                let _ = live.type_in(db, &member, on, now).await;
            }
        }
    }
}

async fn look(live: &Live, db: &Db, now: Micros) {
    for (room, user) in live.aware.typing.expire(now) {
        live.change_typing(room, user, false);
    }
    let changed = live.aware.presence.settle(now);
    // Where nobody listens nothing has to be looked up.
    let is_heard = live.bell.hub().is_none_or(|hub| hub.subscribers() > 0);
    if !changed.is_empty() && is_heard {
        match db.look(move |db| company::rooms_of(db, &changed)).await {
            Ok(rooms) => {
                let mut news: BTreeMap<RoomId, Vec<Here>> = BTreeMap::new();
                for (room, user) in rooms {
                    news.entry(room).or_default().push(live.here(user, None, now));
                }
                live.tell_presence(news);
            }
            Err(error) => tracing::warn!(%error, "who is here could not be told"),
        }
    }
    write_seen(live, db, now, false).await;
}

/// Writes down when people were last seen: those who are due, or everybody when the program ends.
pub async fn write_seen(live: &Live, db: &Db, now: Micros, is_end: bool) {
    let due = live.aware.presence.unwritten(now, is_end);
    if due.is_empty() {
        return;
    }
    let write = move |tx: &mut crate::db::Writer<'_>| -> Result<()> {
        due.iter().try_for_each(|(minute, users)| sharing::mark_seen(tx, users, *minute))
    };
    if let Err(error) = db.write(Lane::None, write).await {
        tracing::warn!(%error, "when people were last seen could not be written");
    }
}
