//! The top revision of every room, in memory: what answers an empty poll without the database, wakes the long polls, and
//! lets the bell ring in commit order.
//!
//! Trusted only while this process sees every write to the database.

use crate::id::RoomId;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// How long a change waits for an earlier one that has not been rung: another process may have made that one.
const PATIENCE: Duration = Duration::from_millis(100);

/// The act of telling the world about one change.
pub type Ring = Box<dyn FnOnce() + Send>;

/// All rooms' tops. A cheap clone.
#[derive(Clone)]
pub struct Tops {
    rooms: Arc<RwLock<HashMap<RoomId, Arc<Top>>>>,
    runtime: Handle,
}

struct Top {
    revision: watch::Sender<i64>,
    sequence: Mutex<Sequence>,
}

/// Changes of one room that wait for their turn.
struct Sequence {
    rung: watch::Sender<i64>,
    waiting: BTreeMap<i64, Ring>,
}

impl Tops {
    /// The tops as the database holds them.
    pub fn new(rooms: impl IntoIterator<Item = (RoomId, i64)>, runtime: Handle) -> Self {
        let rooms = rooms.into_iter().map(|(room, revision)| (room, Arc::new(Top::new(revision)))).collect();
        Self { rooms: Arc::new(RwLock::new(rooms)), runtime }
    }

    /// A room's top revision; none for a room that nobody has written to.
    pub fn get(&self, room: RoomId) -> Option<i64> {
        self.find(room).map(|top| *top.revision.borrow())
    }

    /// Waits until a room's top is above a revision. Never returns for a room that there is not.
    pub async fn above(&self, room: RoomId, revision: i64) {
        let Some(top) = self.find(room) else { return std::future::pending().await };
        let mut watch = top.revision.subscribe();
        if watch.wait_for(|now| *now > revision).await.is_err() {
            std::future::pending().await
        }
    }

    /// Waits until every change up to a revision has been rung, no longer than a change is waited for. One that another process made never is.
    pub async fn rung(&self, room: RoomId, revision: i64) {
        let Some(top) = self.find(room) else { return };
        let mut rung = lock(&top.sequence).rung.subscribe();
        let _ = tokio::time::timeout(2 * PATIENCE, rung.wait_for(|now| *now >= revision)).await;
    }

    /// A change was committed: raises the top, and rings in the order of revisions. To be called right after the commit,
    /// by the writer.
    pub fn committed(&self, room: RoomId, revision: i64, ring: Ring) {
        let top = self.find(room).unwrap_or_else(|| self.insert(room, revision - 1));
        top.revision.send_if_modified(|now| {
            let is_higher = revision > *now;
            *now = revision.max(*now);
            is_higher
        });
        let mut sequence = lock(&top.sequence);
        sequence.waiting.insert(revision, ring);
        sequence.ring_next();
        if !sequence.waiting.is_empty() {
            drop(sequence);
            self.runtime.spawn(async move {
                tokio::time::sleep(PATIENCE).await;
                lock(&top.sequence).ring_up_to(revision);
            });
        }
    }

    fn find(&self, room: RoomId) -> Option<Arc<Top>> {
        self.rooms.read().unwrap_or_else(PoisonError::into_inner).get(&room).cloned()
    }

    fn insert(&self, room: RoomId, revision: i64) -> Arc<Top> {
        let mut rooms = self.rooms.write().unwrap_or_else(PoisonError::into_inner);
        rooms.entry(room).or_insert_with(|| Arc::new(Top::new(revision))).clone()
    }
}

impl Top {
    fn new(revision: i64) -> Self {
        let sequence = Sequence { rung: watch::Sender::new(revision), waiting: BTreeMap::new() };
        Self { revision: watch::Sender::new(revision), sequence: Mutex::new(sequence) }
    }
}

impl Sequence {
    /// Rings what is next in line. Rings under the lock: they are short and never wait, and two that ran side by side
    /// would undo the order.
    fn ring_next(&mut self) {
        while let Some(entry) = self.waiting.first_entry() {
            let revision = *entry.key();
            if revision > *self.rung.borrow() + 1 {
                break;
            }
            entry.remove()();
            self.has_rung(revision);
        }
    }

    /// Gives up waiting for what should have come before.
    fn ring_up_to(&mut self, revision: i64) {
        while let Some(entry) = self.waiting.first_entry()
            && *entry.key() <= revision
        {
            let revision = *entry.key();
            entry.remove()();
            self.has_rung(revision);
        }
        self.ring_next();
    }

    fn has_rung(&self, revision: i64) {
        self.rung.send_if_modified(|rung| {
            let is_higher = revision > *rung;
            *rung = revision.max(*rung);
            is_higher
        });
    }
}

fn lock(sequence: &Mutex<Sequence>) -> MutexGuard<'_, Sequence> {
    sequence.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tops() -> (Tops, Arc<Mutex<Vec<i64>>>) {
        (Tops::new([(RoomId(1), 40)], Handle::current()), Arc::default())
    }

    fn commit(tops: &Tops, heard: &Arc<Mutex<Vec<i64>>>, revision: i64) {
        let heard = heard.clone();
        tops.committed(RoomId(1), revision, Box::new(move || heard.lock().unwrap().push(revision)));
    }

    #[tokio::test]
    async fn the_bell_rings_in_the_order_of_revisions() {
        let (tops, heard) = tops();
        commit(&tops, &heard, 42);
        assert_eq!(tops.get(RoomId(1)), Some(42), "a poll sees at once what is committed");
        assert!(heard.lock().unwrap().is_empty());
        commit(&tops, &heard, 43);
        commit(&tops, &heard, 41);
        assert_eq!(*heard.lock().unwrap(), [41, 42, 43]);
    }

    #[tokio::test]
    async fn a_change_of_another_process_holds_nothing_up() {
        let (tops, heard) = tops();
        let (rung, hears) = tokio::sync::oneshot::channel();
        let ring = {
            let heard = heard.clone();
            move || {
                heard.lock().unwrap().push(42);
                rung.send(()).unwrap();
            }
        };
        tops.committed(RoomId(1), 42, Box::new(ring));
        hears.await.unwrap();
        commit(&tops, &heard, 43);
        assert_eq!(*heard.lock().unwrap(), [42, 43]);
    }

    #[tokio::test]
    async fn who_asks_how_far_it_has_rung_waits_for_what_is_under_way() {
        let (tops, heard) = tops();
        tops.rung(RoomId(1), 40).await;
        tops.rung(RoomId(2), 7).await;
        commit(&tops, &heard, 42);
        let waiter = tokio::spawn({
            let (tops, heard) = (tops.clone(), heard.clone());
            async move {
                tops.rung(RoomId(1), 42).await;
                heard.lock().unwrap().clone()
            }
        });
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished());
        commit(&tops, &heard, 41);
        assert_eq!(waiter.await.unwrap(), [41, 42]);
        // What another process did is not waited for without end.
        tops.rung(RoomId(1), 50).await;
    }

    #[tokio::test]
    async fn a_long_poll_wakes_for_its_own_room() {
        let (tops, heard) = tops();
        let waiter = tokio::spawn({
            let tops = tops.clone();
            async move { tops.above(RoomId(1), 40).await }
        });
        commit(&tops, &heard, 41);
        waiter.await.unwrap();
        tops.above(RoomId(1), 40).await;
    }
}
