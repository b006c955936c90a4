//! The queue: what waits for one connection, bounded in bytes. Full, it first gives up what may be lost, and then the stream.
//!
//! With a socket of its own it is hardly ever used: what is pushed while nothing waits is written at once, by the one who pushes. Only what the
//! socket does not take waits here, and the connection's task writes it when there is room again. Both write under the queue's lock, so bytes of
//! two frames never mix. Without a socket somebody else's connection takes the frames from here.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    task::{Context, Poll, Waker},
};

use bytes::{Buf, Bytes, BytesMut};

use crate::{
    engine::ending::Ending,
    event::{Class, Wire},
    sync::{Mutex, MutexGuard, lock, touch},
};

/// Frames that wait are joined up to this size, so that one write carries them.
pub(crate) const MAX_JOIN: usize = 64 << 10;
/// How many frames go into one write.
const MAX_SLICES: usize = 32;

/// A socket that is written to without waiting.
pub(crate) trait Sink {
    /// Writes what fits; `WouldBlock` when nothing does.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// The same for several pieces in a row.
    fn try_write_vectored(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Ready when there may be room.
    fn poll_room(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It is written, or will be without anybody's doing.
    Queued,
    /// It waits for [`Queue::flush`].
    Corked,
    /// It was ephemeral, and there was no room.
    Dropped,
    /// There was no room for something that must not be lost: the stream ends.
    Overflow,
    /// The stream has ended.
    Ended,
}

/// What a connection finds in its queue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Bytes(Bytes),
    Ended(Ending),
}

/// What a connection with a socket of its own finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// All is written.
    Idle,
    /// The socket is full; whether it took anything before.
    Stuck { moved: bool },
    /// All is written, the farewell too.
    Ended(Ending),
}

#[derive(Debug, Default)]
struct Backlog {
    frames: VecDeque<(Bytes, Class)>,
    bytes: usize,
    ephemeral: usize,
    /// Whether a part of the first frame has been written. The rest must follow, whatever happens.
    begun: bool,
}

#[derive(Debug)]
struct State<S> {
    socket: Option<S>,
    /// Nothing at all when nothing waits: most streams are idle most of the time.
    backlog: Option<Box<Backlog>>,
    ending: Option<Ending>,
    waker: Option<Waker>,
}

/// The queue between the publishers, who never wait, and one connection, which takes what it can.
#[derive(Debug)]
pub(crate) struct Queue<S> {
    wire: Wire,
    budget: usize,
    state: Mutex<State<S>>,
}

impl<S: Sink> Queue<S> {
    pub(crate) fn new(wire: Wire, budget: usize) -> Self {
        let state = State { socket: None, backlog: None, ending: None, waker: None };
        Self { wire, budget, state: Mutex::new(state) }
    }

    /// Gives the queue a socket, to which nobody else writes from now on.
    pub(crate) fn attach(&self, socket: S) {
        let mut state = lock(&self.state);
        state.socket = Some(socket);
        if let Some(ending) = state.ending {
            state.append(ending.farewell(self.wire), Class::Durable);
        }
    }

    /// Takes the socket away. What is pushed afterwards goes nowhere.
    pub(crate) fn detach(&self) -> Option<S> {
        let mut state = lock(&self.state);
        state.ending.get_or_insert(Ending::Lost);
        state.backlog = None;
        state.socket.take()
    }

    /// Something to be done with the socket while nobody writes to it.
    pub(crate) fn with_socket<T>(&self, what: impl FnOnce(&mut S) -> T) -> Option<T> {
        lock(&self.state).socket.as_mut().map(what)
    }

    /// Touches what [`Queue::push`] is going to need, so that it is near by then.
    pub(crate) fn look_ahead(&self) {
        touch(&self.state);
    }

    /// Writes or queues a frame. Never waits.
    pub(crate) fn push(&self, frame: &Bytes, class: Class) -> Pushed {
        let mut state = lock(&self.state);
        if state.backlog.is_none() && state.ending.is_none() && state.socket.is_some() {
            if state.write_new(frame, class) {
                return Pushed::Queued;
            }
            wake(state);
            return Pushed::Queued;
        }
        let pushed = self.enqueue(&mut state, frame, class);
        if state.socket.is_none() || pushed == Pushed::Overflow {
            wake(state);
        }
        pushed
    }

    /// Queues a frame that is not the last one for now: whoever pushes calls [`Queue::flush`] at the end, if told so.
    pub(crate) fn cork(&self, frame: &Bytes, class: Class) -> Pushed {
        let mut state = lock(&self.state);
        let first = state.backlog.is_none() && state.socket.is_some();
        let pushed = self.enqueue(&mut state, frame, class);
        if state.socket.is_none() || pushed == Pushed::Overflow {
            wake(state);
        } else if first && pushed == Pushed::Queued {
            return Pushed::Corked;
        }
        pushed
    }

    /// Writes what waits, as far as the socket takes it.
    pub(crate) fn flush(&self) {
        let mut state = lock(&self.state);
        if !matches!(state.write(), Ok(true)) {
            wake(state);
        }
    }

    fn enqueue(&self, state: &mut State<S>, frame: &Bytes, class: Class) -> Pushed {
        if state.ending.is_some() {
            return Pushed::Ended;
        }
        // A single frame may be larger than the budget: to a subscriber that has read all before it, it is no sign of being slow.
        let fits = |state: &State<S>| state.backlog.as_ref().is_none_or(|log| log.bytes + frame.len() <= self.budget);
        if !fits(state) {
            match class {
                Class::Ephemeral => return Pushed::Dropped,
                Class::Durable => state.drop_ephemeral(),
            }
        }
        if fits(state) {
            state.append(frame.clone(), class);
            Pushed::Queued
        } else {
            state.end(Ending::Slow, self.wire);
            Pushed::Overflow
        }
    }

    /// Writes or queues a sign of life, unless something else waits already and will be one.
    pub(crate) fn push_if_idle(&self, frame: &Bytes) {
        if lock(&self.state).backlog.is_none() {
            self.push(frame, Class::Ephemeral);
        }
    }

    /// Ends the stream. The first reason counts.
    pub(crate) fn end(&self, ending: Ending) {
        let mut state = lock(&self.state);
        if state.ending.is_none() {
            state.end(ending, self.wire);
            wake(state);
        }
    }

    /// Why the stream ends, if it does.
    pub(crate) fn ending(&self) -> Option<Ending> {
        lock(&self.state).ending
    }

    /// How many bytes wait.
    pub(crate) fn bytes(&self) -> usize {
        lock(&self.state).waiting()
    }

    /// Takes what waits, joined; then the ending.
    pub(crate) fn poll_take(&self, context: &mut Context<'_>) -> Poll<Taken> {
        let mut state = lock(&self.state);
        match (state.take(), state.ending) {
            (Some(bytes), _) => Poll::Ready(Taken::Bytes(bytes)),
            (None, Some(ending)) => Poll::Ready(Taken::Ended(ending)),
            (None, None) => {
                state.wait(context);
                Poll::Pending
            }
        }
    }

    /// The ending alone, for one that still replays or still writes.
    pub(crate) fn poll_end(&self, context: &mut Context<'_>) -> Poll<Ending> {
        let mut state = lock(&self.state);
        match state.ending {
            Some(ending) => Poll::Ready(ending),
            None => {
                state.wait(context);
                Poll::Pending
            }
        }
    }

    /// Writes what waits. The context is woken when there is more to write, or room for it.
    pub(crate) fn poll_flush(&self, context: &mut Context<'_>) -> Flushed {
        let mut state = lock(&self.state);
        let before = state.waiting();
        loop {
            let full = matches!(state.write(), Ok(false));
            if let (true, Some(socket)) = (full, &state.socket) {
                if socket.poll_room(context).is_pending() {
                    return Flushed::Stuck { moved: state.waiting() != before };
                }
            } else if let Some(ending) = state.ending {
                return Flushed::Ended(ending);
            } else {
                state.wait(context);
                return Flushed::Idle;
            }
        }
    }
}

/// Unlocks, then wakes the connection, which so does not wake into a locked queue.
fn wake<S>(mut state: MutexGuard<'_, State<S>>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl<S: Sink> State<S> {
    /// Writes a frame before which nothing waits. `false` when the connection has something to do about it.
    fn write_new(&mut self, frame: &Bytes, class: Class) -> bool {
        let Some(socket) = &self.socket else { return false };
        match socket.try_write(frame) {
            Ok(written) if written == frame.len() => return true,
            Ok(written) => {
                // A part is on its way: the rest can't be given up any more.
                self.append(frame.slice(written..), Class::Durable);
                if let Some(log) = &mut self.backlog {
                    log.begun = true;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.append(frame.clone(), class),
            Err(_) => self.lose(),
        }
        false
    }

    /// Writes what waits; `true` when nothing is left.
    fn write(&mut self) -> io::Result<bool> {
        while let (Some(log), Some(socket)) = (&mut self.backlog, &self.socket) {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            for (slice, (frame, _)) in slices.iter_mut().zip(&log.frames) {
                *slice = IoSlice::new(frame);
            }
            let count = log.frames.len().min(MAX_SLICES);
            match socket.try_write_vectored(slices.get(..count).unwrap_or_default()) {
                Ok(written) => {
                    if log.advance(written) {
                        self.backlog = None;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => {
                    self.lose();
                    return Err(error);
                }
            }
        }
        Ok(self.backlog.is_none())
    }

    /// The connection is gone.
    fn lose(&mut self) {
        (self.ending, self.backlog) = (Some(Ending::Lost), None);
    }
}

impl<S> State<S> {
    fn waiting(&self) -> usize {
        self.backlog.as_ref().map_or(0, |log| log.bytes)
    }

    fn wait(&mut self, context: &Context<'_>) {
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            self.waker = Some(context.waker().clone());
        }
    }

    fn append(&mut self, frame: Bytes, class: Class) {
        let log = self.backlog.get_or_insert_default();
        log.bytes += frame.len();
        log.ephemeral += usize::from(class == Class::Ephemeral);
        log.frames.push_back((frame, class));
    }

    fn end(&mut self, ending: Ending, wire: Wire) {
        self.ending = Some(ending);
        if ending.is_abrupt() {
            let begun = self.backlog.take().filter(|log| log.begun).and_then(|mut log| log.frames.pop_front());
            if let Some((rest, class)) = begun {
                self.append(rest, class);
                if let Some(log) = &mut self.backlog {
                    log.begun = true;
                }
            }
        }
        if self.socket.is_some() {
            self.append(ending.farewell(wire), Class::Durable);
        }
    }

    fn drop_ephemeral(&mut self) {
        let Some(log) = self.backlog.as_mut().filter(|log| log.ephemeral > 0) else { return };
        log.frames.retain(|(_, class)| *class == Class::Durable);
        log.bytes = log.frames.iter().map(|(frame, _)| frame.len()).sum();
        log.ephemeral = 0;
        if log.frames.is_empty() {
            self.backlog = None;
        }
    }

    fn take(&mut self) -> Option<Bytes> {
        let log = self.backlog.as_mut()?;
        let (first, _) = log.pop()?;
        let mut size = first.len();
        let more = log.frames.iter().take_while(|(frame, _)| {
            size += frame.len();
            size <= MAX_JOIN
        });
        let (more, size) = more.fold((0, first.len()), |(count, size), (frame, _)| (count + 1, size + frame.len()));
        let joined = if more == 0 {
            first
        } else {
            let mut joined = BytesMut::with_capacity(size);
            joined.extend_from_slice(&first);
            (0..more).filter_map(|_| log.pop()).for_each(|(frame, _)| joined.extend_from_slice(&frame));
            joined.freeze()
        };
        if log.frames.is_empty() {
            self.backlog = None;
        }
        Some(joined)
    }
}

impl Backlog {
    fn pop(&mut self) -> Option<(Bytes, Class)> {
        let (frame, class) = self.frames.pop_front()?;
        self.bytes -= frame.len();
        self.ephemeral -= usize::from(class == Class::Ephemeral);
        Some((frame, class))
    }

    /// So many bytes have been written. `true` when nothing is left.
    fn advance(&mut self, mut written: usize) -> bool {
        self.bytes -= written;
        while let Some((frame, class)) = self.frames.front_mut() {
            if written < frame.len() {
                if written > 0 {
                    frame.advance(written);
                    self.ephemeral -= usize::from(*class == Class::Ephemeral);
                    (*class, self.begun) = (Class::Durable, true);
                }
                return false;
            }
            written -= frame.len();
            self.ephemeral -= usize::from(*class == Class::Ephemeral);
            self.frames.pop_front();
            self.begun = false;
        }
        true
    }
}
