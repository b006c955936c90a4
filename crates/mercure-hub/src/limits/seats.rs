//! Seats: how many streams each key has open.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex},
};

use crate::sync::lock;

/// Counts by key; a key with nothing open is forgotten.
#[derive(Debug)]
pub(crate) struct Tally<K> {
    limit: usize,
    counts: Mutex<HashMap<K, usize>>,
}

/// All seats are taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// One of a key's seats, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat<K: Hash + Eq> {
    tally: Arc<Tally<K>>,
    key: K,
}

impl<K: Hash + Eq + Copy> Tally<K> {
    /// So many seats for each key; zero counts nothing.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, counts: Mutex::default() })
    }

    pub(crate) fn sit(self: &Arc<Self>, key: K) -> Result<Option<Seat<K>>, Full> {
        if self.limit == 0 {
            return Ok(None);
        }
        let mut counts = lock(&self.counts);
        let count = counts.entry(key).or_default();
        if *count >= self.limit {
            return Err(Full);
        }
        *count += 1;
        Ok(Some(Seat { tally: Arc::clone(self), key }))
    }
}

impl<K: Hash + Eq> Drop for Seat<K> {
    fn drop(&mut self) {
        let mut counts = lock(&self.tally.counts);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
                if counts.len() < counts.capacity() / 8 {
                    let room = counts.len() * 2;
                    counts.shrink_to(room);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_given_back() {
        let tally = Tally::new(2);
        let first = tally.sit(1).unwrap();
        let _second = tally.sit(1).unwrap();
        assert_eq!(tally.sit(1).unwrap_err(), Full);
        assert!(tally.sit(2).is_ok(), "another key; its seat is dropped at once");
        drop(first);
        assert!(tally.sit(1).is_ok());
        assert_eq!(lock(&tally.counts).len(), 1);
        assert!(Tally::new(0).sit(1).unwrap().is_none());
    }
}
