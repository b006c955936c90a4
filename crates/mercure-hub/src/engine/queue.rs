//! The queue: what waits for one connection, bounded in bytes. Full, it first gives up what may be lost, and then the stream.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use bytes::{Bytes, BytesMut};

use crate::{engine::ending::Ending, engine::subscriber::lock, event::Class};

/// Frames that wait are joined up to this size, so that one write carries them.
const MAX_JOIN: usize = 64 << 10;

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    Queued,
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

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<(Bytes, Class)>,
    bytes: usize,
    ephemeral: usize,
    ending: Option<Ending>,
    waker: Option<Waker>,
}

/// The queue between the publishers, who never wait, and one connection, which takes what it can.
#[derive(Debug)]
pub(crate) struct Queue {
    budget: usize,
    waiting: Mutex<Waiting>,
}

impl Queue {
    pub(crate) fn new(budget: usize) -> Self {
        Self { budget, waiting: Mutex::default() }
    }

    /// Queues a frame. Never waits.
    pub(crate) fn push(&self, frame: &Bytes, class: Class) -> Pushed {
        let mut queue = lock(&self.waiting);
        if queue.ending.is_some() {
            return Pushed::Ended;
        }
        // A single frame may be larger than the budget: to a subscriber that has read all before it, it is no sign of being slow.
        let fits = |queue: &Waiting| queue.bytes + frame.len() <= self.budget || queue.frames.is_empty();
        if !fits(&queue) {
            match class {
                Class::Ephemeral => return Pushed::Dropped,
                Class::Durable => queue.drop_ephemeral(),
            }
        }
        let pushed = if fits(&queue) {
            queue.bytes += frame.len();
            queue.ephemeral += usize::from(class == Class::Ephemeral);
            queue.frames.push_back((frame.clone(), class));
            Pushed::Queued
        } else {
            queue.end(Ending::Slow);
            Pushed::Overflow
        };
        wake(queue);
        pushed
    }

    /// Queues a sign of life, unless something else waits already and will be one.
    pub(crate) fn push_if_idle(&self, frame: &Bytes) {
        let mut queue = lock(&self.waiting);
        if queue.ending.is_none() && queue.frames.is_empty() {
            queue.bytes += frame.len();
            queue.ephemeral += 1;
            queue.frames.push_back((frame.clone(), Class::Ephemeral));
            wake(queue);
        }
    }

    /// Ends the stream. The first reason counts.
    pub(crate) fn end(&self, ending: Ending) {
        let mut queue = lock(&self.waiting);
        if queue.ending.is_none() {
            queue.end(ending);
            wake(queue);
        }
    }

    /// Why the stream ends, if it does.
    pub(crate) fn ending(&self) -> Option<Ending> {
        lock(&self.waiting).ending
    }

    /// How many bytes wait.
    pub(crate) fn bytes(&self) -> usize {
        lock(&self.waiting).bytes
    }

    /// Takes what waits, joined; then the ending.
    pub(crate) fn poll_take(&self, context: &mut Context<'_>) -> Poll<Taken> {
        let mut queue = lock(&self.waiting);
        match (queue.take(), queue.ending) {
            (Some(bytes), _) => Poll::Ready(Taken::Bytes(bytes)),
            (None, Some(ending)) => Poll::Ready(Taken::Ended(ending)),
            (None, None) => {
                queue.wait(context);
                Poll::Pending
            }
        }
    }

    /// The ending alone, for one that still replays or still writes.
    pub(crate) fn poll_end(&self, context: &mut Context<'_>) -> Poll<Ending> {
        let mut queue = lock(&self.waiting);
        match queue.ending {
            Some(ending) => Poll::Ready(ending),
            None => {
                queue.wait(context);
                Poll::Pending
            }
        }
    }
}

/// Unlocks, then wakes the connection, which so does not wake into a locked queue.
fn wake(mut queue: MutexGuard<'_, Waiting>) {
    let waker = queue.waker.take();
    drop(queue);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Waiting {
    fn wait(&mut self, context: &Context<'_>) {
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            self.waker = Some(context.waker().clone());
        }
    }

    fn end(&mut self, ending: Ending) {
        self.ending = Some(ending);
        if ending.is_abrupt() {
            (self.frames, self.bytes, self.ephemeral) = (VecDeque::new(), 0, 0);
        }
    }

    fn drop_ephemeral(&mut self) {
        if self.ephemeral > 0 {
            self.frames.retain(|(_, class)| *class == Class::Durable);
            self.bytes = self.frames.iter().map(|(frame, _)| frame.len()).sum();
            self.ephemeral = 0;
        }
    }

    fn take(&mut self) -> Option<Bytes> {
        let first = self.pop()?;
        let mut size = first.len();
        let more = self.frames.iter().take_while(|(frame, _)| {
            size += frame.len();
            size <= MAX_JOIN
        });
        let (more, size) = more.fold((0, first.len()), |(count, size), (frame, _)| (count + 1, size + frame.len()));
        let joined = if more == 0 {
            first
        } else {
            let mut joined = BytesMut::with_capacity(size);
            joined.extend_from_slice(&first);
            (0..more).filter_map(|_| self.pop()).for_each(|frame| joined.extend_from_slice(&frame));
            joined.freeze()
        };
        if self.frames.is_empty() {
            // An idle stream keeps no memory for its queue.
            self.frames = VecDeque::new();
        }
        Some(joined)
    }

    fn pop(&mut self) -> Option<Bytes> {
        let (frame, class) = self.frames.pop_front()?;
        self.bytes -= frame.len();
        self.ephemeral -= usize::from(class == Class::Ephemeral);
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::task::noop_waker_ref;

    use super::*;

    fn take(queue: &Queue) -> Poll<Taken> {
        queue.poll_take(&mut Context::from_waker(noop_waker_ref()))
    }

    fn frame(byte: u8, length: usize) -> Bytes {
        vec![byte; length].into()
    }

    #[test]
    fn what_waits_is_joined_in_order() {
        let queue = Queue::new(100);
        assert_eq!(take(&queue), Poll::Pending);
        for byte in b"abc" {
            assert_eq!(queue.push(&frame(*byte, 2), Class::Durable), Pushed::Queued);
        }
        assert_eq!(take(&queue), Poll::Ready(Taken::Bytes(Bytes::from_static(b"aabbcc"))));
        assert_eq!(take(&queue), Poll::Pending);
    }

    #[test]
    fn one_frame_is_shared_and_large_ones_are_not_joined() {
        let queue = Queue::new(1 << 20);
        let large = frame(b'x', MAX_JOIN);
        queue.push(&large, Class::Durable);
        queue.push(&frame(b'y', 1), Class::Durable);
        let Poll::Ready(Taken::Bytes(first)) = take(&queue) else { panic!("a frame waits") };
        assert_eq!(first.as_ptr(), large.as_ptr(), "the same memory");
        assert_eq!(take(&queue), Poll::Ready(Taken::Bytes(Bytes::from_static(b"y"))));
    }

    #[test]
    fn ephemeral_frames_make_room_first() {
        let queue = Queue::new(10);
        assert_eq!(queue.push(&frame(b'e', 4), Class::Ephemeral), Pushed::Queued);
        assert_eq!(queue.push(&frame(b'a', 5), Class::Durable), Pushed::Queued);
        assert_eq!(queue.push(&frame(b'f', 2), Class::Ephemeral), Pushed::Dropped);
        assert_eq!(queue.push(&frame(b'b', 5), Class::Durable), Pushed::Queued);
        assert_eq!(take(&queue), Poll::Ready(Taken::Bytes(Bytes::from_static(b"aaaaabbbbb"))));
    }

    #[test]
    fn a_full_queue_ends_the_stream_and_frees_its_memory() {
        let queue = Queue::new(10);
        assert_eq!(queue.push(&frame(b'a', 10), Class::Durable), Pushed::Queued);
        assert_eq!(queue.push(&frame(b'b', 1), Class::Durable), Pushed::Overflow);
        assert_eq!(queue.push(&frame(b'c', 1), Class::Durable), Pushed::Ended);
        assert_eq!(take(&queue), Poll::Ready(Taken::Ended(Ending::Slow)));
        assert_eq!(lock(&queue.waiting).bytes, 0);
    }

    #[test]
    fn an_empty_queue_takes_a_frame_of_any_size() {
        let queue = Queue::new(10);
        assert_eq!(queue.push(&frame(b'a', 50), Class::Durable), Pushed::Queued);
        assert_eq!(queue.push(&frame(b'b', 1), Class::Durable), Pushed::Overflow);
    }

    #[test]
    fn a_gentle_ending_comes_after_what_waits_and_an_abrupt_one_instead() {
        for (ending, first) in
            [(Ending::Expired, Taken::Bytes(frame(b'a', 3))), (Ending::Revoked, Taken::Ended(Ending::Revoked))]
        {
            let queue = Queue::new(10);
            queue.push(&frame(b'a', 3), Class::Durable);
            queue.end(ending);
            queue.end(Ending::Silent);
            assert_eq!(take(&queue), Poll::Ready(first));
            assert_eq!(take(&queue), Poll::Ready(Taken::Ended(ending)), "the first reason stays");
        }
    }

    #[test]
    fn a_sign_of_life_is_for_the_idle() {
        let queue = Queue::new(10);
        queue.push_if_idle(&frame(b':', 1));
        queue.push_if_idle(&frame(b':', 1));
        assert_eq!(take(&queue), Poll::Ready(Taken::Bytes(Bytes::from_static(b":"))));
    }
}
