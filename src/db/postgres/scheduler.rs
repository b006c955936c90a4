//! Who works on what: jobs in their order of arrival, and the writes of one room in one pair of hands.

use super::super::job::{Read, Write};
use super::super::kind::{Kind, Shares};
use super::DbError;
use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Jobs of one room in one transaction. They hold the room's row all the while, against other nodes too.
const BATCH: usize = 64;

/// The waiting jobs of one database.
pub(in super::super) struct Scheduler {
    state: Mutex<State>,
    /// Wakes a worker that holds a connection.
    filled: Condvar,
    /// Wakes a worker without one, when none of the others is free.
    short: Condvar,
    capacity: usize,
    patience: Duration,
}

struct State {
    ready: VecDeque<Ready>,
    shares: Shares<Ready>,
    /// The writes of a room. A room is here from its first waiting write until a worker has finished with it and nothing new has come.
    rooms: HashMap<i64, VecDeque<Write>>,
    waiting: usize,
    /// Workers that hold a connection, and those of them that have nothing to do.
    connected: usize,
    idle: usize,
    /// Since when no worker could connect.
    unreachable_since: Option<Instant>,
    /// Why nothing is served any more.
    refusal: Option<DbError>,
    is_closed: bool,
}

enum Ready {
    Read(Read),
    Write(Write),
    Room(i64),
}

impl Ready {
    fn kind(&self) -> Kind {
        match self {
            Self::Read(read) => read.kind,
            Self::Write(write) => write.kind,
            Self::Room(_) => Kind::Rooms,
        }
    }
}

/// A worker's next task. [`Scheduler::done`] or [`Scheduler::give_back`] must follow.
pub(super) enum Work {
    Read(Read),
    Write(Write),
    /// The waiting writes of a room.
    Room(i64, Vec<Write>),
}

impl Work {
    pub(super) fn ticket(&self) -> Ticket {
        match self {
            Self::Read(read) => Ticket { kind: read.kind, room: None },
            Self::Write(write) => Ticket { kind: write.kind, room: None },
            Self::Room(room, _) => Ticket { kind: Kind::Rooms, room: Some(*room) },
        }
    }
}

/// What a task takes part in, for when it has ended.
#[derive(Clone, Copy)]
pub(super) struct Ticket {
    kind: Kind,
    room: Option<i64>,
}

impl Scheduler {
    pub(super) fn new(capacity: usize, threads: usize, patience: Duration) -> Self {
        let state = State {
            ready: VecDeque::new(),
            shares: Shares::new(threads),
            rooms: HashMap::new(),
            waiting: 0,
            connected: 0,
            idle: 0,
            unreachable_since: None,
            refusal: None,
            is_closed: false,
        };
        Self { state: Mutex::new(state), filled: Condvar::new(), short: Condvar::new(), capacity, patience }
    }

    pub(in super::super) fn read(&self, read: Read) -> Result<(), DbError> {
        let mut state = self.admit()?;
        state.ready.push_back(Ready::Read(read));
        self.wake(&state);
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
        self.wake(&state);
        Ok(())
    }

    fn admit(&self) -> Result<MutexGuard<'_, State>, DbError> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(DbError::Closed);
        }
        if let Some(refusal) = &state.refusal {
            return Err(refusal.clone());
        }
        if state.waiting >= self.capacity {
            return Err(DbError::Busy);
        }
        state.waiting += 1;
        Ok(state)
    }

    fn wake(&self, state: &State) {
        if state.idle > 0 {
            self.filled.notify_one();
        } else {
            self.short.notify_one();
        }
    }

    /// Waits for work, for a worker that holds a connection. `None` when closed and nothing is left.
    pub(super) fn next(&self) -> Option<Work> {
        let mut state = self.lock();
        loop {
            if let Some(work) = state.pop() {
                // Whoever was woken for the next one may have been this worker.
                if !state.ready.is_empty() {
                    self.wake(&state);
                }
                return Some(work);
            }
            if state.is_closed {
                return None;
            }
            state.idle += 1;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Waits until one connection more is of use. False when closed and nothing is left.
    pub(super) fn needs_connection(&self) -> bool {
        let mut state = self.lock();
        loop {
            if !state.ready.is_empty() && state.idle == 0 {
                return true;
            }
            if state.is_closed {
                return false;
            }
            state = self.short.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A worker has a connection.
    pub(super) fn connected(&self) {
        let mut state = self.lock();
        state.connected += 1;
        state.unreachable_since = None;
    }

    /// A worker's connection is gone.
    pub(super) fn disconnected(&self) {
        self.lock().connected -= 1;
    }

    /// A worker has tried to connect since a moment, in vain. While another one holds a connection, the jobs are its; otherwise those that
    /// have waited long enough are told why.
    pub(super) fn unreachable(&self, since: Instant, error: &DbError) {
        let mut state = self.lock();
        if state.connected > 0 {
            return;
        }
        let since = *state.unreachable_since.get_or_insert(since);
        let is_closed = state.is_closed;
        let is_over = |queued_at: Instant| is_closed || queued_at.max(since).elapsed() >= self.patience;
        let expired = state.take_expired(is_over);
        drop(state);
        refuse(expired, error);
    }

    /// Answers all that waits, and all that comes, with this error.
    pub(super) fn refuse_all(&self, error: &DbError) {
        let mut state = self.lock();
        state.refusal = Some(error.clone());
        let all = state.take_expired(|_| true);
        drop(state);
        refuse(all, error);
    }

    /// A task is finished: what came for its room meanwhile queues up behind the others.
    pub(super) fn done(&self, ticket: Ticket) {
        let mut state = self.lock();
        state.end(ticket.kind);
        if let Some(room) = ticket.room {
            if state.rooms.get(&room).is_none_or(VecDeque::is_empty) {
                state.rooms.remove(&room);
            } else {
                state.ready.push_back(Ready::Room(room));
            }
        }
        if !state.ready.is_empty() {
            self.wake(&state);
        }
    }

    /// A task, or what is left of it, that nothing has been done for: it comes next.
    pub(super) fn give_back(&self, work: Work) {
        let mut state = self.lock();
        state.end(work.ticket().kind);
        let ready = match work {
            Work::Read(read) => Ready::Read(read),
            Work::Write(write) => Ready::Write(write),
            Work::Room(room, batch) => {
                state.waiting += batch.len() - 1;
                let waiting = state.rooms.entry(room).or_default();
                batch.into_iter().rev().for_each(|write| waiting.push_front(write));
                Ready::Room(room)
            }
        };
        state.waiting += 1;
        state.ready.push_front(ready);
        self.wake(&state);
    }

    /// Takes nothing more in; what waits is still served.
    pub(in super::super) fn close(&self) {
        self.lock().is_closed = true;
        self.filled.notify_all();
        self.short.notify_all();
    }

    pub(in super::super) fn waiting(&self) -> usize {
        self.lock().waiting
    }

    // Nothing under this lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refuse((reads, writes): (Vec<Read>, Vec<Write>), error: &DbError) {
    reads.into_iter().for_each(|read| read.task.refuse(error.clone()));
    writes.into_iter().for_each(|write| write.task.refuse(error.clone()));
}

impl State {
    fn pop(&mut self) -> Option<Work> {
        while let Some(ready) = self.ready.pop_front() {
            let Some(ready) = self.shares.admit(ready.kind(), ready) else { continue };
            let work = match ready {
                Ready::Read(read) => Work::Read(read),
                Ready::Write(write) => Work::Write(write),
                Ready::Room(room) => {
                    let mut batch = Vec::new();
                    if let Some(waiting) = self.rooms.get_mut(&room) {
                        batch.extend(waiting.drain(..BATCH.min(waiting.len())));
                    }
                    self.waiting -= batch.len();
                    return Some(Work::Room(room, batch));
                }
            };
            self.waiting -= 1;
            return Some(work);
        }
        None
    }

    fn end(&mut self, kind: Kind) {
        if let Some(next) = self.shares.end(kind) {
            self.ready.push_front(next);
        }
    }

    /// Takes out the jobs that came at a moment which `is_over`.
    fn take_expired(&mut self, is_over: impl Fn(Instant) -> bool) -> (Vec<Read>, Vec<Write>) {
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        let held: Vec<_> = self.shares.release().collect();
        for ready in std::mem::take(&mut self.ready).into_iter().chain(held) {
            match ready {
                Ready::Read(read) if is_over(read.queued_at) => reads.push(read),
                Ready::Write(write) if is_over(write.queued_at) => writes.push(write),
                Ready::Room(room) => {
                    let waiting = self.rooms.entry(room).or_default();
                    while waiting.front().is_some_and(|write| is_over(write.queued_at)) {
                        writes.extend(waiting.pop_front());
                    }
                    if waiting.is_empty() {
                        self.rooms.remove(&room);
                    } else {
                        self.ready.push_back(Ready::Room(room));
                    }
                }
                Ready::Read(_) | Ready::Write(_) => self.ready.push_back(ready),
            }
        }
        self.waiting -= reads.len() + writes.len();
        (reads, writes)
    }
}
