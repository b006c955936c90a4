//! The reads that wait for a thread. No kind of read is given to all threads at once.

use super::super::job::Read;
use super::super::kind::{Kind, Shares};
use crate::db::DbError;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(in super::super) struct Reads {
    state: Mutex<State>,
    filled: Condvar,
    capacity: usize,
}

struct State {
    ready: VecDeque<Read>,
    shares: Shares<Read>,
    waiting: usize,
    is_closed: bool,
}

impl Reads {
    pub(super) fn new(capacity: usize, threads: usize) -> Self {
        let state = State { ready: VecDeque::new(), shares: Shares::new(threads), waiting: 0, is_closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), capacity }
    }

    pub(in super::super) fn push(&self, read: Read) -> Result<(), DbError> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(DbError::Closed);
        }
        if state.waiting >= self.capacity {
            return Err(DbError::Busy);
        }
        state.waiting += 1;
        state.ready.push_back(read);
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for a read. None when closed and nothing is left; otherwise [`Reads::done`] must follow.
    pub(super) fn next(&self) -> Option<Read> {
        let mut state = self.lock();
        loop {
            while let Some(read) = state.ready.pop_front() {
                if let Some(read) = state.shares.admit(read.kind, read) {
                    state.waiting -= 1;
                    return Some(read);
                }
            }
            // What is kept back is taken by the thread that ends one of its kind.
            if state.is_closed {
                return None;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A read of this kind has ended.
    pub(super) fn done(&self, kind: Kind) {
        let mut state = self.lock();
        if let Some(next) = state.shares.end(kind) {
            state.ready.push_front(next);
        }
    }

    /// Takes nothing more in; what waits is still served.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.filled.notify_all();
    }

    pub(in super::super) fn waiting(&self) -> usize {
        self.lock().waiting
    }

    // Nothing under this lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
