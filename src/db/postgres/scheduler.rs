//! Who works on what: jobs in their order of arrival, and the writes of one room in one pair of hands.

use super::super::job::{Read, Write};
use super::DbError;
use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Jobs of one room in one transaction. They hold the room's row all the while, against other nodes too.
const BATCH: usize = 64;

/// The waiting jobs of one database.
pub(in super::super) struct Scheduler {
    state: Mutex<State>,
    filled: Condvar,
    capacity: usize,
}

struct State {
    ready: VecDeque<Ready>,
    /// The writes of a room. A room is here from its first waiting write until a worker has finished with it and nothing new has come.
    rooms: HashMap<i64, VecDeque<Write>>,
    waiting: usize,
    is_closed: bool,
}

enum Ready {
    Read(Read),
    Write(Write),
    Room(i64),
}

/// A worker's next task.
pub(super) enum Work {
    Read(Read),
    Write(Write),
    /// The waiting writes of a room; [`Scheduler::done`] must follow.
    Room(i64, Vec<Write>),
}

impl Scheduler {
    pub(super) fn new(capacity: usize) -> Self {
        let state = State { ready: VecDeque::new(), rooms: HashMap::new(), waiting: 0, is_closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), capacity }
    }

    pub(in super::super) fn read(&self, read: Read) -> Result<(), DbError> {
        let mut state = self.admit()?;
        state.ready.push_back(Ready::Read(read));
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    pub(in super::super) fn write(&self, room: Option<i64>, write: Write) -> Result<(), DbError> {
        let mut state = self.admit()?;
        match room {
            None => state.ready.push_back(Ready::Write(write)),
            Some(room) => {
                if let Some(waiting) = state.rooms.get_mut(&room) {
                    waiting.push_back(write);
                    return Ok(());
                }
                state.rooms.insert(room, VecDeque::from([write]));
                state.ready.push_back(Ready::Room(room));
            }
        }
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    fn admit(&self) -> Result<MutexGuard<'_, State>, DbError> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(DbError::Closed);
        }
        if state.waiting >= self.capacity {
            return Err(DbError::Busy);
        }
        state.waiting += 1;
        Ok(state)
    }

    /// Waits for work. `None` when closed and nothing is left.
    pub(super) fn next(&self) -> Option<Work> {
        let mut state = self.lock();
        loop {
            match state.ready.pop_front() {
                Some(Ready::Read(read)) => {
                    state.waiting -= 1;
                    return Some(Work::Read(read));
                }
                Some(Ready::Write(write)) => {
                    state.waiting -= 1;
                    return Some(Work::Write(write));
                }
                Some(Ready::Room(room)) => {
                    let mut batch = Vec::new();
                    if let Some(waiting) = state.rooms.get_mut(&room) {
                        batch.extend(waiting.drain(..BATCH.min(waiting.len())));
                    }
                    state.waiting -= batch.len();
                    return Some(Work::Room(room, batch));
                }
                None if state.is_closed => return None,
                None => state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// A room's batch is finished: what came meanwhile queues up behind the others.
    pub(super) fn done(&self, room: i64) {
        let mut state = self.lock();
        if state.rooms.get(&room).is_none_or(VecDeque::is_empty) {
            state.rooms.remove(&room);
        } else {
            state.ready.push_back(Ready::Room(room));
            drop(state);
            self.filled.notify_one();
        }
    }

    /// Takes nothing more in; what waits is still served.
    pub(in super::super) fn close(&self) {
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
