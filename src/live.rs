//! What is said to whom: a committed change becomes one JSON, rung on the room's topic in commit order.
//!
//! A hub that keeps a history would replay it to whoever may read the topic later: a newcomer, somebody after a deletion. Our own keeps none;
//! another one gets changes without their content unless its operator promises that it keeps none either.
//!
//! The handler composes: the model makes the change, [`Live::announce`] renders it inside the same transaction and leaves
//! the ringing for after the commit. So nothing can be told that was not kept, and the poster's answer is the same bytes.

pub mod awareness;
pub mod bell;
pub mod change;
pub mod courier;
pub mod postman;
pub mod receipts;
pub mod revocations;
pub mod rights;
pub mod sessions;
pub mod unfurl;

use crate::chatroom::{MemberState, Room, member};
use crate::clock::{Clock, Micros};
use crate::config::Realtime;
use crate::db::Writer;
use crate::error::{Error, Result};
use crate::goal;
use crate::goal::participation::Outcome;
use crate::id::{RoomId, UserId};
use crate::message::system::{self, What};
use crate::message::{Quoted, Shown, pin};
use crate::tops::Tops;
use crate::user::notification::Event;
use crate::user::session::Session;
use crate::view::Views;
use awareness::Awareness;
use bell::{Bell, History};
use change::{Change, Item, MessageObject, RoomObject};
use courier::Courier;
use mercure_hub::Update;
use rights::{Members, Topics};
use serde_json::json;
use sessions::Sessions;
use std::sync::Arc;
use tokio::sync::watch;

/// The event type of a person's own events on the live link.
const USER_EVENT: &str = "user";

/// Everything that telling needs. A cheap clone.
#[derive(Clone)]
pub struct Live {
    /// Rings: the embedded hub, or another one.
    pub bell: Bell,
    /// The rooms' top revisions.
    pub tops: Tops,
    /// Who is in which room, as recently asked.
    pub members: Members,
    /// Who is signed in, as recently asked.
    pub sessions: Sessions,
    /// Names of topics.
    pub topics: Topics,
    /// The id of this history of the database.
    pub epoch: Arc<str>,
    /// Tells browsers whose pages are closed.
    pub courier: Courier,
    /// Receipts, typing, presence.
    pub aware: Awareness,
    /// The time.
    pub clock: Clock,
    views: Views,
    mode: Arc<watch::Sender<Realtime>>,
}

impl Live {
    /// Puts the parts together.
    #[expect(clippy::too_many_arguments, reason = "each is a part of its own, put together once")]
    pub fn new(
        bell: Bell,
        tops: Tops,
        members: Members,
        sessions: Sessions,
        topics: Topics,
        epoch: Arc<str>,
        courier: Courier,
        views: Views,
        aware: Awareness,
        clock: Clock,
    ) -> Self {
        let mode = Arc::new(watch::Sender::new(Realtime::Hybrid));
        Self { bell, tops, members, sessions, topics, epoch, courier, aware, clock, views, mode }
    }

    /// How pages are to hear of news, now.
    pub fn mode(&self) -> Realtime {
        *self.mode.borrow()
    }

    /// Changes how pages hear of news, while they are open. Who polls finds it in the next answer, who waits for one is answered now,
    /// streams of our own hub end, and another hub tells it to its streams, which we cannot end.
    pub fn change_mode(&self, mode: Realtime) {
        self.set_mode(mode);
        if !self.bell.is_embedded() {
            self.whisper(self.topics.mode(), "mode", &json!({ "mode": mode }));
        }
        self.bell.recall();
    }

    /// Waits until pages are to hear of news in another way than somebody knows.
    pub async fn mode_differs(&self, known: Realtime) {
        let mut watch = self.mode.subscribe();
        if watch.wait_for(|mode| *mode != known).await.is_err() {
            std::future::pending().await
        }
    }

    /// Sets how pages hear of news.
    pub fn set_mode(&self, mode: Realtime) {
        self.mode.send_replace(mode);
    }

    /// A message's JSON object, its fragment inside.
    ///
    /// # Errors
    /// `Internal`.
    pub fn message_object(&self, message: crate::message::Message) -> Result<MessageObject> {
        let html = self.views.message(&message)?;
        Ok(MessageObject::new(message, html))
    }

    /// The JSON of a message's latest change: what the poster is answered, whether it was told just now or long ago.
    ///
    /// # Errors
    /// `Internal`.
    pub fn render(&self, shown: Shown) -> Result<String> {
        let (room, revision) = (shown.message.chatroom, shown.message.revision);
        let item = Some(Item::Message(Box::new(self.message_object(shown.message)?)));
        Change { epoch: &self.epoch, chatroom: room, revision, item, quoted: shown.quoted }.to_json()
    }

    /// Tells the room of a message's change once it is committed; the JSON is what the poster gets too.
    ///
    /// # Errors
    /// `Internal`.
    pub fn announce(&self, tx: &mut Writer<'_>, shown: Shown) -> Result<String> {
        let (room, revision) = (shown.message.chatroom, shown.message.revision);
        let is_for_all = is_for_all(tx, &shown)?;
        shown.events.iter().try_for_each(|event| self.announce_event(tx, event))?;
        let is_news = shown.message.position == shown.message.revision || !shown.events.is_empty();
        if is_news && shown.message.kind != "system" {
            let (courier, id) = (self.courier.clone(), shown.message.id);
            tx.after_commit(move || courier.tell(id));
        }
        let json = self.render(shown)?;
        let told = is_for_all.then(|| json.clone());
        self.after_commit(tx, room, revision, told)?;
        Ok(json)
    }

    /// A change that says no more than that there is one: each page fetches what it may see.
    fn thin(&self, room: RoomId, revision: i64) -> Result<String> {
        Change { epoch: &self.epoch, chatroom: room, revision, item: None, quoted: None }.to_json()
    }

    /// The JSON of a room's latest change of itself.
    ///
    /// # Errors
    /// `Internal`.
    pub fn render_room(&self, room: Room, pins: Vec<Quoted>) -> Result<String> {
        let (id, revision) = (room.id, room.revision);
        let item = Some(Item::Room(Box::new(RoomObject { room, pins })));
        Change { epoch: &self.epoch, chatroom: id, revision, item, quoted: None }.to_json()
    }

    /// Tells a room that it changed itself. The JSON is what who changed it gets too, with the pins above a position, which that
    /// person may see.
    ///
    /// # Errors
    /// `Internal`.
    pub fn announce_room(&self, tx: &mut Writer<'_>, room: Room, above: i64) -> Result<String> {
        let (id, revision) = (room.id, room.revision);
        let pins = pin::above(tx, id, 0)?;
        let oldest = pins.iter().map(|pin| pin.position).min();
        let mine = pins.iter().filter(|pin| pin.position > above).cloned().collect();
        let answer = self.render_room(room.clone(), mine)?;
        let json = self.render_room(room, pins)?;
        // A newcomer must not see what was pinned of the talk before.
        let hides = match oldest {
            Some(oldest) => oldest <= member::seen_by_all_above(tx, id)?,
            None => false,
        };
        self.after_commit(tx, id, revision, (!hides).then_some(json))?;
        Ok(answer)
    }

    /// Tells a room that it is deleted, then ends the streams of who was in it: nothing of it is answered from then on.
    ///
    /// # Errors
    /// `Internal`.
    pub fn announce_deleted(&self, tx: &mut Writer<'_>, room: Room) -> Result<()> {
        let id = room.id;
        let people: Vec<UserId> = member::list(tx, id)?.into_iter().map(|member| member.user.id).collect();
        let members = self.members.clone();
        tx.after_commit(move || members.forget_where(|(room, _), _| *room == id));
        self.announce_room(tx, room, 0)?;
        let bell = self.bell.clone();
        tx.after_commit(move || people.into_iter().for_each(|user| bell.disconnect(user)));
        Ok(())
    }

    /// Writes into a room what happened to it, and tells it once that is committed.
    ///
    /// # Errors
    /// `Internal`.
    pub fn tell(&self, tx: &mut Writer<'_>, room: RoomId, what: What<'_>, actor: UserId, now: Micros) -> Result<()> {
        let shown = system::tell(tx, room, what, actor, now)?;
        self.announce(tx, shown).map(drop)
    }

    /// Tells a room that somebody's standing in it changed, once that is committed.
    ///
    /// # Errors
    /// `Internal`.
    pub fn announce_member(&self, tx: &mut Writer<'_>, member: MemberState) -> Result<()> {
        let (room, revision) = (member.room, member.revision);
        let item = Some(Item::Member(Box::new(member)));
        let json = Change { epoch: &self.epoch, chatroom: room, revision, item, quoted: None }.to_json()?;
        self.after_commit(tx, room, revision, Some(json))
    }

    /// Tells everybody concerned what became of a participation, once it is committed. Whoever was removed hears it, then
    /// the streams end, and only then the room learns of it.
    ///
    /// # Errors
    /// `Internal`.
    pub fn announce_outcome(&self, tx: &mut Writer<'_>, outcome: Outcome) -> Result<()> {
        for event in outcome.events {
            self.announce_event(tx, &event)?;
        }
        for member in &outcome.members {
            let (members, key) = (self.members.clone(), (member.room, member.user.id));
            tx.after_commit(move || members.forget(&key));
        }
        if let Some(user) = outcome.removed {
            let bell = self.bell.clone();
            tx.after_commit(move || bell.disconnect(user));
        }
        outcome.members.into_iter().try_for_each(|member| self.announce_member(tx, member))
    }

    /// Tells a person that everything up to a position was read, so that the mark clears on all devices. Missed, it is made
    /// good by the next poll.
    pub fn tell_read(&self, user: UserId, room: RoomId, position: i64) {
        let data = json!({ "user": user, "event": { "kind": "read", "chatroom": room, "position": position } });
        self.whisper(self.topics.user(user), USER_EVENT, &data);
    }

    /// Tells a person that a room was marked as unread from a position on.
    pub fn tell_unread(&self, user: UserId, room: RoomId, position: i64) {
        let data = json!({ "user": user, "event": { "kind": "unread", "chatroom": room, "position": position } });
        self.whisper(self.topics.user(user), USER_EVENT, &data);
    }

    /// Tells what is kept nowhere: missed, it is made good by the next poll, or was true for a moment only.
    fn whisper(&self, topic: String, kind: &str, data: &serde_json::Value) {
        let update =
            Update::new(topic, data.to_string()).and_then(|update| update.private().ephemeral().event_type(kind));
        if let Ok(update) = update {
            self.bell.ring(update);
        }
    }

    /// Tells a person of an own event once it is committed.
    ///
    /// # Errors
    /// `Internal`.
    pub fn announce_event(&self, tx: &mut Writer<'_>, event: &Event) -> Result<()> {
        let data = match self.bell.history() {
            History::None | History::Promised => serde_json::to_string(event).map_err(Error::internal)?,
            // It names goals and people as they were called: the page fetches what they are called now.
            History::Kept => json!({ "user": event.user, "revision": event.revision }).to_string(),
        };
        let id = format!("urn:user:{}:{}:{}", event.user, self.epoch, event.revision);
        let update = Update::new(self.topics.user(event.user), data)
            .and_then(|update| update.private().id(id)?.event_type(USER_EVENT))
            .map_err(Error::internal)?;
        let bell = self.bell.clone();
        tx.after_commit(move || bell.ring(update));
        Ok(())
    }

    /// Rings a change once it is committed: with its content, if every member may see that, and as far as the hub may have it.
    fn after_commit(&self, tx: &mut Writer<'_>, room: RoomId, revision: i64, json: Option<String>) -> Result<()> {
        let is_open = match self.bell.history() {
            History::None => true,
            History::Promised => !goal::hides_past(tx, room)?,
            History::Kept => false,
        };
        let json = match json.filter(|_| is_open) {
            Some(json) => json,
            None => self.thin(room, revision)?,
        };
        let Self { bell, tops, topics, epoch, .. } = self.clone();
        tx.after_commit(move || {
            let id = format!("urn:chatroom:{room}:{epoch}:{revision}");
            let update = Update::new(topics.room(room), json).and_then(|update| update.private().id(id));
            tops.committed(
                room,
                revision,
                Box::new(move || {
                    if let Ok(update) = update {
                        bell.ring(update);
                    }
                }),
            );
        });
        Ok(())
    }
}

/// Whether every member may see a message and what it quotes: a newcomer may have come after either.
fn is_for_all(tx: &mut Writer<'_>, shown: &Shown) -> Result<bool> {
    let source = shown.message.reply_to.map(|source| source.position);
    let oldest = source.into_iter().chain([shown.message.position]).min();
    if oldest == Some(shown.message.revision) {
        return Ok(true);
    }
    Ok(oldest > Some(member::seen_by_all_above(tx, shown.message.chatroom)?))
}

/// The token with which a page opens its streams.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// The signed token, for the cookie.
    pub token: String,
    /// The topics that the page should ask for.
    pub topics: Vec<String>,
    /// When the streams opened with it end, in microseconds.
    pub expires_at: i64,
}

impl Live {
    /// A token for the pages of a session whose person is in these rooms. The embedded hub is asked about rooms each time a stream opens, so its
    /// token grants only the person's own topic and lives long; another hub knows nothing of rooms, so its token lists
    /// them and dies within a minute. None outlives its session.
    ///
    /// `issued_at` is taken before the session was asked for the last time: who ends all of a person's tokens by their time ends this one too.
    pub fn ticket(&self, session: &Session, rooms: &[RoomId], issued_at: Micros) -> Ticket {
        let own = self.topics.user(session.user.id);
        let mut topics: Vec<String> = rooms.iter().map(|room| self.topics.room(*room)).collect();
        topics.push(own.clone());
        let granted = if self.bell.is_embedded() {
            vec![own]
        } else {
            topics.push(self.topics.mode());
            topics.clone()
        };
        let expires_at = session.expires_at.min(issued_at + self.bell.ticket_lifetime());
        let token = self.bell.mint_ticket((session.user.id, session.id), granted, issued_at, expires_at);
        Ticket { token, topics, expires_at }
    }
}
