//! A client's memory of one room, by the rules of the promise: seen before → ignored, next → applied, a hole → held and a
//! fetch. Nothing else touches the messages.

use crate::harness::{Browser, Goal};
use serde_json::Value;
use std::collections::BTreeMap;

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    Seen,
    Next,
    Hole,
}

/// A room as a client knows it.
#[derive(Debug, Clone, Default)]
pub struct Reducer {
    pub epoch: String,
    pub revision: i64,
    /// What people said, by id.
    pub messages: BTreeMap<i64, Value>,
    /// What the room said itself, by id.
    pub told: BTreeMap<i64, Value>,
    /// The room itself, with its pins, as of its own last change.
    pub info: Value,
    held: BTreeMap<i64, Value>,
}

impl Reducer {
    /// A client that has loaded everything.
    pub async fn load(browser: &Browser, goal: &Goal) -> Self {
        let mut room = Self::default();
        room.catch_up(browser, goal).await;
        room
    }

    /// A client that has everything up to a revision.
    pub fn at(epoch: &str, revision: i64) -> Self {
        Self { epoch: epoch.to_owned(), revision, ..Self::default() }
    }

    pub fn apply(&mut self, change: &Value) -> Applied {
        let revision = change["revision"].as_i64().unwrap();
        if change["epoch"] != self.epoch.as_str() {
            return Applied::Hole;
        }
        if revision <= self.revision {
            return Applied::Seen;
        }
        if revision > self.revision + 1 {
            self.held.insert(revision, change.clone());
            return Applied::Hole;
        }
        self.take(change);
        while let Some(next) = self.held.remove(&(self.revision + 1)) {
            self.take(&next);
        }
        Applied::Next
    }

    /// How far the room has come, as a heartbeat says; true when something is missing.
    pub fn is_behind(&self, top: i64) -> bool {
        top > self.revision
    }

    /// An answer of `…/fetch`.
    pub fn apply_page(&mut self, page: &Value) {
        if page["reset"] == true || page["epoch"] != self.epoch.as_str() {
            *self = Self { epoch: page["epoch"].as_str().unwrap().to_owned(), ..Self::default() };
        }
        assert_eq!(page["count"].as_u64().unwrap(), page["messages"].as_array().unwrap().len() as u64);
        for message in page["messages"].as_array().unwrap() {
            self.put(message);
        }
        self.put_room(&page["room"]);
        self.revision = self.revision.max(page["revision"].as_i64().unwrap());
        self.held.retain(|revision, _| *revision > self.revision);
        while let Some(next) = self.held.remove(&(self.revision + 1)) {
            self.take(&next);
        }
    }

    /// Fetches from the cursor until there is no more; after a reset, the history too.
    pub async fn catch_up(&mut self, browser: &Browser, goal: &Goal) {
        loop {
            let cursor = format!("since={}&epoch={}&limit=100", self.revision, self.epoch);
            let page = browser.fetch(goal, &cursor).await;
            self.apply_page(&page);
            if page["reset"] == true {
                for message in history(browser, goal).await {
                    self.put(&message);
                }
            }
            if page["has_more"] == false {
                return;
            }
        }
    }

    /// The room as it is shown: position, id, fragment, whether deleted.
    pub fn shown(&self) -> Vec<Shown> {
        let mut shown: Vec<Shown> = self.messages.values().chain(self.told.values()).map(shown).collect();
        shown.sort();
        shown
    }

    pub fn nonces(&self) -> Vec<String> {
        let mut messages: Vec<_> = self.messages.values().collect();
        messages.sort_by_key(|message| message["position"].as_i64());
        messages.into_iter().map(|message| message["client_nonce"].as_str().unwrap().to_owned()).collect()
    }

    fn take(&mut self, change: &Value) {
        if change["message"].is_object() {
            self.put(&change["message"]);
        }
        self.put_room(&change["room"]);
        self.revision = change["revision"].as_i64().unwrap();
    }

    fn put(&mut self, message: &Value) {
        let id = message["id"].as_i64().unwrap();
        let list = if message["kind"] == "system" { &mut self.told } else { &mut self.messages };
        let known = list.get(&id).map_or(0, |known| known["revision"].as_i64().unwrap());
        if message["revision"].as_i64().unwrap() > known {
            list.insert(id, message.clone());
        }
    }

    fn put_room(&mut self, room: &Value) {
        if room.is_object() && room["revision"].as_i64() > self.info["revision"].as_i64() {
            self.info = room.clone();
        }
    }
}

/// Position, id, revision, fragment.
pub type Shown = (i64, i64, i64, String);

fn shown(message: &Value) -> Shown {
    let number = |name: &str| message[name].as_i64().unwrap();
    (number("position"), number("id"), number("revision"), message["html"].as_str().unwrap().to_owned())
}

/// All messages of a room, read upwards page by page with no cursor.
pub async fn history(browser: &Browser, goal: &Goal) -> Vec<Value> {
    let mut all = Vec::new();
    let mut page = browser.fetch(goal, "limit=100").await;
    loop {
        let messages = page["messages"].as_array().unwrap().clone();
        let above = messages.first().map(|first| first["position"].as_i64().unwrap());
        all.splice(0..0, messages);
        match (page["has_earlier"] == true, above) {
            (true, Some(above)) => page = browser.fetch(goal, &format!("before={above}&limit=100")).await,
            _ => return all,
        }
    }
}

/// What people said in a room, without what the room said itself.
pub async fn talk(browser: &Browser, goal: &Goal) -> Vec<Value> {
    let all = history(browser, goal).await;
    all.into_iter().filter(|message| message["kind"] != "system").collect()
}

/// All messages of a room as they are shown.
pub async fn fresh(browser: &Browser, goal: &Goal) -> Vec<Shown> {
    history(browser, goal).await.iter().map(shown).collect()
}
