//! The two structures that threads share by hand, under every order in which the threads may run: the hand-over to the thread that delivers, and the queue of a
//! connection between that thread and the connection's task.
//!
//! The files of the library are compiled here once more, with the locks of `loom` in place of the ordinary ones.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

use std::{
    collections::VecDeque,
    future::poll_fn,
    io::{self, IoSlice},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use loom::{future::block_on, sync::Arc, thread};

#[expect(dead_code, reason = "not everything is looked at")]
#[path = "../src/engine/handover.rs"]
mod handover;
#[expect(dead_code, reason = "not everything is looked at")]
#[path = "../src/engine/queue.rs"]
mod queue;

mod engine {
    /// The endings that matter here.
    pub(crate) mod ending {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Ending {
            Expired,
            Slow,
            Lost,
        }

        impl Ending {
            pub(crate) fn is_abrupt(self) -> bool {
                self != Self::Expired
            }

            pub(crate) fn farewell(self, _: crate::event::Wire) -> bytes::Bytes {
                bytes::Bytes::from_static(b".")
            }
        }
    }
}

mod event {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Wire;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Class {
        Durable,
        Ephemeral,
    }
}

mod sync {
    pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap()
    }

    pub(crate) fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        condition.wait(guard).unwrap()
    }

    pub(crate) fn touch<T>(_: &Mutex<T>) {}
}

use engine::ending::Ending;
use event::{Class, Wire};
use handover::Handover;
use queue::{Flushed, Queue, Sink};
use sync::{Condvar, Mutex, lock, wait};

/// More switches than these between threads at a time find nothing that fewer don't, and take for ever.
const SWITCHES: usize = 3;

fn model(check: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(SWITCHES);
    model.check(check);
}

#[test]
fn nothing_is_lost_between_those_who_push_and_the_one_who_takes() {
    model(|| {
        let line = Arc::new(Handover::new(1));
        let publisher = {
            let line = Arc::clone(&line);
            thread::spawn(move || {
                line.wait_for_room();
                line.push(1);
            })
        };
        let taker = {
            let line = Arc::clone(&line);
            thread::spawn(move || {
                let (mut all, mut batch) = (Vec::new(), VecDeque::new());
                while line.take(&mut batch) {
                    all.extend(batch.drain(..));
                }
                all.sort_unstable();
                all
            })
        };
        line.push(2);
        publisher.join().unwrap();
        line.close();
        assert_eq!(taker.join().unwrap(), [1, 2], "and nobody waits for ever");
    });
}

/// What the peer is to get.
const ALL: &[u8] = b"abcd";

/// A socket with little room, until its peer reads.
#[derive(Clone)]
struct Narrow(Arc<Peer>);

struct Peer {
    state: Mutex<State>,
    complete: Condvar,
}

#[derive(Default)]
struct State {
    room: usize,
    taken: Vec<u8>,
    waker: Option<Waker>,
}

impl Narrow {
    fn new(room: usize) -> Self {
        Self(Arc::new(Peer { state: Mutex::new(State { room, ..State::default() }), complete: Condvar::new() }))
    }

    /// Reads until all has come.
    fn read(&self) {
        let mut peer = lock(&self.0.state);
        peer.room = 100;
        let waker = peer.waker.take();
        drop(peer);
        if let Some(waker) = waker {
            waker.wake();
        }
        let mut peer = lock(&self.0.state);
        while peer.taken.len() < ALL.len() {
            peer = wait(&self.0.complete, peer);
        }
    }
}

impl Sink for Narrow {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut peer = lock(&self.0.state);
        let fits = bytes.len().min(peer.room);
        if fits == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        peer.room -= fits;
        peer.taken.extend_from_slice(&bytes[..fits]);
        if peer.taken.len() >= ALL.len() {
            self.0.complete.notify_one();
        }
        Ok(fits)
    }

    fn try_write_vectored(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_write(&bytes.iter().flat_map(|slice| slice.iter()).copied().collect::<Vec<_>>())
    }

    fn poll_room(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut peer = lock(&self.0.state);
        if peer.room > 0 {
            return Poll::Ready(Ok(()));
        }
        peer.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

/// Pushes into the queue of a running connection whose peer takes one byte at first, and the rest later. The stream is ended when all has come: nothing
/// but what is pushed wakes the connection before.
fn converse(push: fn(&Queue<Narrow>)) {
    model(move || {
        let (queue, socket) = (Arc::new(Queue::new(Wire, 100)), Narrow::new(1));
        queue.attach(socket.clone());
        let pushing = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || push(&queue))
        };
        let reading = {
            let (queue, socket) = (Arc::clone(&queue), socket.clone());
            thread::spawn(move || {
                socket.read();
                queue.end(Ending::Expired);
            })
        };
        // What the task of a connection does.
        let link = poll_fn(|context| match queue.poll_flush(context) {
            Flushed::Ended(ending) => Poll::Ready(ending),
            Flushed::Idle | Flushed::Stuck { .. } => Poll::Pending,
        });
        assert_eq!(block_on(link), Ending::Expired);
        pushing.join().unwrap();
        reading.join().unwrap();
        assert_eq!(lock(&socket.0.state).taken, [ALL, b"."].concat());
    });
}

fn frame(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[test]
fn what_is_pushed_arrives_whole_and_in_order() {
    converse(|queue| {
        queue.push(&frame("ab"), Class::Durable);
        queue.push(&frame("cd"), Class::Durable);
    });
}

#[test]
fn what_is_corked_arrives_whole_and_in_order() {
    converse(|queue| {
        queue.cork(&frame("ab"), Class::Durable);
        queue.push(&frame("cd"), Class::Durable);
        queue.flush();
    });
}
