//! Presence: from a stream's coming and going to the updates that tell of it.
//!
//! Under the engine's lock a change only joins a queue, so that no stream waits for documents to be written. Whoever made it empties the queue afterwards, unless somebody is at it already.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Condvar, Mutex, PoisonError},
};

use tokio::sync::Notify;

use crate::{
    auth::details::Payloads,
    engine::Engine,
    engine::subscriber::Subscriber,
    event::{Class, Event},
    publication::Answer,
    subscriptions::document,
    subscriptions::path,
    subscriptions::roster::{Roster, Subscription},
    sync::lock,
    topic::Topic,
    topic::matcher::{MatchType, Matcher, Target},
    update::{Update, UpdateId},
};

/// Changes that are taken from the queue at a time.
const BATCH: usize = 64;

/// A subscription that began or ended.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) subscription: Arc<Subscription>,
    pub(crate) active: bool,
}

/// What others see of one stream.
pub(crate) struct Visible {
    /// Random, so that nobody can choose it; the same for all subscriptions of the stream.
    name: UpdateId,
    payloads: Payloads,
    /// Changed under the engine's lock only.
    shown: Mutex<Vec<Arc<Subscription>>>,
}

impl Visible {
    /// A stream with these matchers, each of which stands here once.
    pub(crate) fn new(matchers: &[Matcher], payloads: Payloads) -> Self {
        let name = UpdateId::random();
        let shown = matchers.iter().map(|matcher| subscription(matcher, &name, &payloads)).collect();
        Self { name, payloads, shown: Mutex::new(shown) }
    }
}

fn subscription(matcher: &Matcher, name: &UpdateId, payloads: &Payloads) -> Arc<Subscription> {
    Arc::new(Subscription::new(matcher.kind(), matcher.text(), name.clone(), payloads.of(matcher).cloned()))
}

impl fmt::Debug for Visible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visible").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The engine's part: who is there, and what of it was not told yet.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    pub(crate) roster: Roster,
    /// The last update that took its place and is stored, so that one can continue from it; nothing before the first one.
    pub(crate) last: Option<UpdateId>,
    pending: VecDeque<Change>,
    /// Some change has become true.
    news: Arc<Notify>,
    /// How many changes there ever were, and how many of them have been handed on.
    made: u64,
    told: u64,
    /// How many of them are true for those who ask: all that were handed on, unless they still have to be written.
    applied: u64,
    busy: bool,
}

impl Presence {
    /// A stream was admitted.
    pub(crate) fn entered(&mut self, subscriber: &Subscriber) {
        if let Some(visible) = &subscriber.visible {
            self.push(lock(&visible.shown).iter().cloned(), true);
        }
    }

    /// A stream has ended.
    pub(crate) fn left(&mut self, subscriber: &Subscriber) {
        if let Some(visible) = &subscriber.visible {
            self.push(std::mem::take(&mut *lock(&visible.shown)), false);
        }
    }

    /// An update takes its place in the order; what it tells is true from here on.
    pub(crate) fn sequenced(&mut self, event: &Event) {
        if event.class == Class::Durable {
            self.last = Some(event.id.clone());
        }
        if let Some(change) = &event.change {
            self.roster.apply(change);
            self.applied += 1;
            self.news.notify_waiters();
        }
    }

    /// The number of the last change, for [`Engine::announce_all`].
    pub(crate) fn made(&self) -> u64 {
        self.made
    }

    fn push(&mut self, subscriptions: impl IntoIterator<Item = Arc<Subscription>>, active: bool) {
        for subscription in subscriptions {
            self.pending.push_back(Change { subscription, active });
            self.made += 1;
        }
    }
}

/// Publishes the changes.
#[derive(Debug)]
pub(crate) struct Announcer {
    /// The hub's path.
    path: Box<str>,
    /// Some changes have been handed on.
    settled: Condvar,
}

impl Announcer {
    pub(crate) fn new(path: &str) -> Self {
        Self { path: path.into(), settled: Condvar::new() }
    }

    /// The update about a change: private, and named `mercure` for the newer generation alone (draft-08 section "Subscription Events").
    fn event(&self, change: Change) -> Option<Event> {
        let Change { subscription, active } = &change;
        let id = path::of_subscription(&self.path, subscription);
        let update = Update {
            topics: vec![Topic::new(&id).ok()?],
            data: document::event(subscription, &id, *active),
            id: None,
            kind: (subscription.kind != MatchType::Legacy).then(|| "mercure".to_owned()),
            retry: None,
            private: true,
            ephemeral: false,
        };
        let mut event = Event::new(update);
        event.change = Some(change);
        Some(event)
    }
}

/// The turn at the queue of changes. A panic gives it back.
struct Turn<'a> {
    engine: &'a Engine,
    announcer: &'a Announcer,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let presence = &mut self.engine.state().presence;
        presence.busy = false;
        presence.told = presence.made - presence.pending.len() as u64;
        self.announcer.settled.notify_all();
    }
}

impl Engine {
    /// Publishes what has changed, unless somebody else is at it. Never called by who is at work on the line of deliveries, for publishing may wait for that.
    pub(crate) fn announce(&self) {
        let Some(announcer) = &self.announcer else { return };
        loop {
            let mut state = self.state();
            let presence = &mut state.presence;
            if presence.busy || presence.pending.is_empty() {
                return;
            }
            presence.busy = true;
            let count = presence.pending.len().min(BATCH);
            let batch: Vec<_> = presence.pending.drain(..count).collect();
            drop(state);
            let _turn = Turn { engine: self, announcer };
            for event in batch.into_iter().filter_map(|change| announcer.event(change)).map(Arc::new) {
                match &self.log {
                    // It is true, and told, when it is on disk.
                    Some(log) => log.append(event, false, Answer::nobody()),
                    // Ids of the hub's own are new, and a closed engine takes what the hub says of its closing: this can't fail.
                    None => drop(self.publish(event)),
                }
            }
        }
    }

    /// Returns when the changes up to this one have been published.
    pub(crate) fn announce_all(&self, made: u64) {
        let Some(announcer) = &self.announcer else { return };
        self.announce();
        let mut state = self.state();
        while state.presence.told < made {
            if state.presence.busy {
                state = announcer.settled.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else {
                drop(state);
                self.announce();
                state = self.state();
            }
        }
    }

    /// Returns when the changes up to now are true for those who ask.
    pub(crate) async fn up_to_date(&self) {
        let made = self.state().presence.made;
        self.announce_all(made);
        loop {
            let news = Arc::clone(&self.state().presence.news);
            let news = news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            if self.state().presence.applied >= made {
                return;
            }
            news.await;
        }
    }

    /// An open stream has subscribed to more.
    pub(crate) fn show(&self, subscriber: &Subscriber, matchers: &[Matcher]) {
        let Some(visible) = &subscriber.visible else { return };
        let mut state = self.state();
        if !state.roll.contains(subscriber.id) {
            return;
        }
        let mut shown = lock(&visible.shown);
        for matcher in matchers {
            if !shown.iter().any(|known| known.is(matcher)) {
                let new = subscription(matcher, &visible.name, &visible.payloads);
                shown.push(Arc::clone(&new));
                state.presence.push([new], true);
            }
        }
        drop(shown);
        let made = state.presence.made();
        drop(state);
        self.announce_all(made);
    }

    /// An open stream has given up these topics, in whichever generation's words it had named them.
    pub(crate) fn hide(&self, subscriber: &Subscriber, matchers: &[Matcher]) {
        let Some(visible) = &subscriber.visible else { return };
        let mut state = self.state();
        let gone = |known: &Subscription| {
            matchers.iter().any(|matcher| match matcher.target() {
                Target::Everything => &*known.text == "*",
                Target::Exact(topic) => known.kind != MatchType::UrlPattern && *known.text == *topic.as_str(),
                Target::Pattern(_) => known.is(matcher),
            })
        };
        let ended: Vec<_> = lock(&visible.shown).extract_if(.., |known| gone(known)).collect();
        state.presence.push(ended, false);
        let made = state.presence.made();
        drop(state);
        self.announce_all(made);
    }
}
