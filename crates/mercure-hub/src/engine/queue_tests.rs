//! Tests of the queue, without a socket and with one that takes as much as it is told.

use std::{
    cell::{Cell, RefCell},
    io::{self, IoSlice},
    rc::Rc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::task::noop_waker_ref;

use crate::{
    engine::ending::Ending,
    engine::queue::{Flushed, MAX_JOIN, Pushed, Queue, Sink, Taken},
    event::{Class, Wire},
};

/// A socket that takes as much as it is told.
#[derive(Clone, Debug, Default)]
struct Fake {
    room: Rc<Cell<usize>>,
    taken: Rc<RefCell<Vec<u8>>>,
    broken: Rc<Cell<bool>>,
}

impl Sink for Fake {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write_vectored(&[IoSlice::new(bytes)])
    }

    fn try_write_vectored(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.broken.get() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let all: Vec<u8> = bytes.iter().flat_map(|slice| slice.iter()).copied().collect();
        let fits = all.len().min(self.room.get());
        if fits == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.room.set(self.room.get() - fits);
        self.taken.borrow_mut().extend_from_slice(&all[..fits]);
        Ok(fits)
    }

    fn poll_room(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.room.get() > 0 || self.broken.get() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

impl Fake {
    fn takes(&self, more: usize) {
        self.room.set(self.room.get() + more);
    }

    fn text(&self) -> String {
        String::from_utf8(self.taken.borrow().clone()).unwrap()
    }
}

fn queue(budget: usize) -> Queue<Fake> {
    Queue::new(Wire::Sse, budget)
}

fn with_socket(budget: usize) -> (Queue<Fake>, Fake) {
    let (queue, fake) = (queue(budget), Fake::default());
    queue.attach(fake.clone());
    (queue, fake)
}

fn flush(queue: &Queue<Fake>) -> Flushed {
    queue.poll_flush(&mut Context::from_waker(noop_waker_ref()))
}

fn take(queue: &Queue<Fake>) -> Poll<Taken> {
    queue.poll_take(&mut Context::from_waker(noop_waker_ref()))
}

fn frame(byte: u8, length: usize) -> Bytes {
    vec![byte; length].into()
}

#[test]
fn what_waits_is_joined_in_order() {
    let queue = queue(100);
    assert_eq!(take(&queue), Poll::Pending);
    for byte in b"abc" {
        assert_eq!(queue.push(&frame(*byte, 2), Class::Durable), Pushed::Queued);
    }
    assert_eq!(take(&queue), Poll::Ready(Taken::Bytes(Bytes::from_static(b"aabbcc"))));
    assert_eq!(take(&queue), Poll::Pending);
}

#[test]
fn one_frame_is_shared_and_large_ones_are_not_joined() {
    let queue = queue(1 << 20);
    let large = frame(b'x', MAX_JOIN);
    queue.push(&large, Class::Durable);
    queue.push(&frame(b'y', 1), Class::Durable);
    let Poll::Ready(Taken::Bytes(first)) = take(&queue) else { panic!("a frame waits") };
    assert_eq!(first.as_ptr(), large.as_ptr(), "the same memory");
    assert_eq!(take(&queue), Poll::Ready(Taken::Bytes(Bytes::from_static(b"y"))));
}

#[test]
fn ephemeral_frames_make_room_first() {
    let queue = queue(10);
    assert_eq!(queue.push(&frame(b'e', 4), Class::Ephemeral), Pushed::Queued);
    assert_eq!(queue.push(&frame(b'a', 5), Class::Durable), Pushed::Queued);
    assert_eq!(queue.push(&frame(b'f', 2), Class::Ephemeral), Pushed::Dropped);
    assert_eq!(queue.push(&frame(b'b', 5), Class::Durable), Pushed::Queued);
    assert_eq!(take(&queue), Poll::Ready(Taken::Bytes(Bytes::from_static(b"aaaaabbbbb"))));
}

#[test]
fn a_full_queue_ends_the_stream_and_frees_its_memory() {
    let queue = queue(10);
    assert_eq!(queue.push(&frame(b'a', 10), Class::Durable), Pushed::Queued);
    assert_eq!(queue.push(&frame(b'b', 1), Class::Durable), Pushed::Overflow);
    assert_eq!(queue.push(&frame(b'c', 1), Class::Durable), Pushed::Ended);
    assert_eq!(take(&queue), Poll::Ready(Taken::Ended(Ending::Slow)));
    assert_eq!(queue.bytes(), 0);
}

#[test]
fn an_empty_queue_takes_a_frame_of_any_size() {
    let queue = queue(10);
    assert_eq!(queue.push(&frame(b'a', 50), Class::Durable), Pushed::Queued);
    assert_eq!(queue.push(&frame(b'b', 1), Class::Durable), Pushed::Overflow);
}

#[test]
fn a_gentle_ending_comes_after_what_waits_and_an_abrupt_one_instead() {
    for (ending, first) in
        [(Ending::Expired, Taken::Bytes(frame(b'a', 3))), (Ending::Revoked, Taken::Ended(Ending::Revoked))]
    {
        let queue = queue(10);
        queue.push(&frame(b'a', 3), Class::Durable);
        queue.end(ending);
        queue.end(Ending::Silent);
        assert_eq!(take(&queue), Poll::Ready(first));
        assert_eq!(take(&queue), Poll::Ready(Taken::Ended(ending)), "the first reason stays");
    }
}

#[test]
fn a_sign_of_life_is_for_the_idle() {
    let queue = queue(10);
    queue.push_if_idle(&frame(b':', 1));
    queue.push_if_idle(&frame(b':', 1));
    assert_eq!(take(&queue), Poll::Ready(Taken::Bytes(Bytes::from_static(b":"))));
}

#[test]
fn what_a_socket_takes_is_written_at_once() {
    let (queue, socket) = with_socket(10);
    socket.takes(5);
    assert_eq!(queue.push(&frame(b'a', 3), Class::Durable), Pushed::Queued);
    assert_eq!(socket.text(), "aaa");
    assert_eq!(flush(&queue), Flushed::Idle);
    queue.push(&frame(b'b', 3), Class::Ephemeral);
    assert_eq!(socket.text(), "aaabb", "as much as fits");
    queue.push(&frame(b'c', 3), Class::Ephemeral);
    assert_eq!(flush(&queue), Flushed::Stuck { moved: false });
    socket.takes(2);
    assert_eq!(flush(&queue), Flushed::Stuck { moved: true });
    socket.takes(2);
    assert_eq!(flush(&queue), Flushed::Idle);
    assert_eq!(socket.text(), "aaabbbccc");
}

#[test]
fn what_is_corked_goes_out_as_one_write() {
    let (queue, socket) = with_socket(100);
    socket.takes(100);
    assert_eq!(queue.cork(&frame(b'a', 2), Class::Durable), Pushed::Corked);
    assert_eq!(queue.cork(&frame(b'b', 2), Class::Durable), Pushed::Queued, "told once");
    assert_eq!(queue.push(&frame(b'c', 2), Class::Durable), Pushed::Queued);
    assert_eq!(socket.text(), "");
    queue.flush();
    assert_eq!(socket.text(), "aabbcc");
    queue.flush();
    assert_eq!(socket.text(), "aabbcc");
}

#[test]
fn a_frame_that_has_begun_is_finished_whatever_happens() {
    let (queue, socket) = with_socket(10);
    socket.takes(1);
    queue.push(&frame(b'e', 4), Class::Ephemeral);
    queue.push(&frame(b'f', 4), Class::Ephemeral);
    assert_eq!(queue.push(&frame(b'a', 7), Class::Durable), Pushed::Queued, "the second one made room");
    assert_eq!(queue.push(&frame(b'b', 1), Class::Durable), Pushed::Overflow);
    assert_eq!(queue.push(&frame(b'c', 1), Class::Durable), Pushed::Ended);
    socket.takes(100);
    assert_eq!(flush(&queue), Flushed::Ended(Ending::Slow));
    assert_eq!(socket.text(), "eeee: slow reader\n\n");
}

#[test]
fn every_way_to_cut_the_bytes_gives_the_same_bytes() {
    for step in 1..40 {
        let (queue, socket) = with_socket(1_000);
        let mut expected = String::new();
        for (n, letter) in (b'a'..=b'z').enumerate() {
            let next = frame(letter, n % 7 + 1);
            expected.push_str(std::str::from_utf8(&next).unwrap());
            let pushed = if n % 3 == 0 { queue.cork(&next, Class::Durable) } else { queue.push(&next, Class::Durable) };
            assert!(matches!(pushed, Pushed::Queued | Pushed::Corked));
            socket.takes(step % 5);
            if n % 4 == 0 {
                queue.flush();
            }
        }
        while flush(&queue) != Flushed::Idle {
            socket.takes(step);
        }
        assert_eq!(socket.text(), expected, "in steps of {step}");
    }
}

#[test]
fn a_socket_gets_the_farewell_even_if_it_comes_late() {
    let late = queue(10);
    late.push(&frame(b'a', 1), Class::Durable);
    late.end(Ending::Expired);
    let socket = Fake::default();
    socket.takes(100);
    late.attach(socket.clone());
    assert_eq!(flush(&late), Flushed::Ended(Ending::Expired));
    assert_eq!(socket.text(), "a: token expired\n\n");
    let (queue, socket) = with_socket(10);
    socket.broken.set(true);
    assert_eq!(queue.push(&frame(b'a', 1), Class::Durable), Pushed::Queued);
    assert_eq!(flush(&queue), Flushed::Ended(Ending::Lost));
    assert!(queue.detach().is_some());
    assert_eq!(queue.push(&frame(b'a', 1), Class::Durable), Pushed::Ended);
}
