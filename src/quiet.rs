//! Counters beside a room's revision, in memory: receipts, and who types. They say that a poll has to look, and in nobody's
//! order; an empty poll compares them and asks no database.
//!
//! Trusted only while this process sees every write to the database.

use crate::id::RoomId;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::watch;

/// What a poll compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Receipts that changed so far; never less after a restart.
    pub reads: i64,
    /// Changes of who types, since the program's start.
    pub typing: u64,
}

/// All rooms' counters. A cheap clone.
#[derive(Debug, Clone, Default)]
pub struct Quiet(Arc<RwLock<HashMap<RoomId, watch::Sender<Counts>>>>);

impl Quiet {
    /// The counts of receipts as the database holds them.
    pub fn new(reads: impl IntoIterator<Item = (RoomId, i64)>) -> Self {
        let start = |(room, reads)| (room, watch::Sender::new(Counts { reads, typing: 0 }));
        Self(Arc::new(RwLock::new(reads.into_iter().map(start).collect())))
    }

    /// A room's counters.
    pub fn get(&self, room: RoomId) -> Counts {
        let rooms = self.0.read().unwrap_or_else(PoisonError::into_inner);
        rooms.get(&room).map(|counts| *counts.borrow()).unwrap_or_default()
    }

    /// Changes a room's counters and wakes who waits for that.
    pub fn change(&self, room: RoomId, change: impl FnOnce(&mut Counts)) {
        let mut rooms = self.0.write().unwrap_or_else(PoisonError::into_inner);
        rooms.entry(room).or_default().send_modify(change);
    }

    /// Waits until a room's counters are no longer what somebody knows.
    pub async fn differ(&self, room: RoomId, is_known: impl Fn(Counts) -> bool) {
        let mut watch = {
            let mut rooms = self.0.write().unwrap_or_else(PoisonError::into_inner);
            rooms.entry(room).or_default().subscribe()
        };
        if watch.wait_for(|counts| !is_known(*counts)).await.is_err() {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_is_woken_by_its_own_room() {
        let quiet = Quiet::new([(RoomId(1), 40)]);
        assert_eq!(quiet.get(RoomId(1)).reads, 40);
        assert_eq!(quiet.get(RoomId(2)), Counts::default());
        let waiter = tokio::spawn({
            let quiet = quiet.clone();
            async move { quiet.differ(RoomId(1), |counts| counts.reads == 40).await }
        });
        quiet.change(RoomId(2), |counts| counts.reads = 41);
        quiet.change(RoomId(1), |counts| counts.typing += 1);
        assert!(!waiter.is_finished());
        quiet.change(RoomId(1), |counts| counts.reads += 1);
        waiter.await.unwrap();
    }
}
