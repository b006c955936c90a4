//! The hand-over: from many threads that must not wait to one that takes all there is.

use std::{collections::VecDeque, mem};

use crate::sync::{Condvar, Mutex, lock, wait};

/// A line between threads.
#[derive(Debug)]
pub(crate) struct Handover<T> {
    /// From this length on, who asks for room waits.
    length: usize,
    waiting: Mutex<Waiting<T>>,
    /// There is something to take.
    work: Condvar,
    /// There is room again, or nothing left to do.
    room: Condvar,
}

#[derive(Debug)]
struct Waiting<T> {
    items: VecDeque<T>,
    /// Whether the taker sleeps.
    idle: bool,
    closed: bool,
}

impl<T> Handover<T> {
    pub(crate) fn new(length: usize) -> Self {
        let waiting = Waiting { items: VecDeque::new(), idle: false, closed: false };
        Self { length, waiting: Mutex::new(waiting), work: Condvar::new(), room: Condvar::new() }
    }

    /// Adds to the end. Never waits.
    pub(crate) fn push(&self, item: T) {
        let mut waiting = lock(&self.waiting);
        waiting.items.push_back(item);
        let wake = mem::take(&mut waiting.idle);
        drop(waiting);
        if wake {
            self.work.notify_one();
        }
    }

    /// Waits while the line is long.
    pub(crate) fn wait_for_room(&self) {
        let mut waiting = lock(&self.waiting);
        while waiting.items.len() >= self.length && !waiting.closed {
            waiting = wait(&self.room, waiting);
        }
    }

    /// Waits for something, and takes all there is. `false` at the end.
    pub(crate) fn take(&self, into: &mut VecDeque<T>) -> bool {
        let mut waiting = lock(&self.waiting);
        while waiting.items.is_empty() {
            if waiting.closed {
                return false;
            }
            waiting.idle = true;
            self.room.notify_all();
            waiting = wait(&self.work, waiting);
        }
        waiting.idle = false;
        mem::swap(&mut waiting.items, into);
        drop(waiting);
        self.room.notify_all();
        true
    }

    /// Lets the taker end, once it has taken what is there.
    pub(crate) fn close(&self) {
        lock(&self.waiting).closed = true;
        self.work.notify_one();
        self.room.notify_all();
    }

    /// Waits until the taker has nothing left to do.
    #[cfg(test)]
    pub(crate) fn settle(&self) {
        let mut waiting = lock(&self.waiting);
        while !waiting.idle || !waiting.items.is_empty() {
            waiting = wait(&self.room, waiting);
        }
    }
}
