//! The link: one connection that the hub has taken over, served without an HTTP library.
//!
//! Updates are written to the socket by the thread that delivers them. The link's task only reads: what the peer says, and that it has gone; and writes
//! when the socket was full. It keeps no buffer and no timer while nothing is stuck, so that ten thousand idle streams cost little.

use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::BytesMut;
use futures_util::future::BoxFuture;
#[cfg(target_os = "linux")]
use rustix::{io::Errno, net::SendFlags};
use tokio::{
    io::AsyncWrite,
    net::TcpStream,
    time::{Sleep, sleep},
};

use crate::{
    Hub,
    engine::admission::Registration,
    engine::ending::Ending,
    engine::queue::{Flushed, Sink},
    event::{Class, Wire},
    http::request::{Answer, Requests},
    wire::socket::frame::{self, Incoming},
};

/// How long the peer of a WebSocket may take to say goodbye after us.
const GOODBYE: Duration = Duration::from_secs(1);
/// How much is read at once. Subscribers say little.
const READ: usize = 1_024;

impl Sink for TcpStream {
    /// Past the runtime, whose notes about the socket lie far away in memory: they are needed only when the socket is full. And past the C library, whose
    /// points of cancellation cost a hundredth of a calm delivery.
    #[cfg(target_os = "linux")]
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match rustix::net::send(self, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Err(Errno::AGAIN) => Self::try_write(self, bytes),
            written => Ok(written?),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        Self::try_write(self, bytes)
    }

    fn try_write_vectored(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        Self::try_write_vectored(self, bytes)
    }

    fn poll_room(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_ready(context)
    }
}

/// Serves a connection whose head and replay have been written, on a task of its own.
pub(crate) fn start(hub: &Hub, registration: Registration, socket: TcpStream, read: BytesMut) {
    registration.subscriber().queue.attach(socket);
    let talk = (registration.subscriber().wire == Wire::Socket)
        .then(|| Box::new(Talk { hub: hub.clone(), buffer: read, asking: None }));
    tokio::spawn(Link { registration, talk, timer: None, phase: Phase::Open });
}

/// How far the connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// The socket takes nothing; the timer says for how long.
    Stuck,
    /// All is said, and the peer's goodbye may still come.
    Leaving,
}

/// What only a WebSocket has.
struct Talk {
    hub: Hub,
    /// The beginning of a frame. Empty, and without memory, most of the time.
    buffer: BytesMut,
    /// A message of the peer's that is being answered. The next one waits in the socket.
    asking: Option<BoxFuture<'static, Answer>>,
}

struct Link {
    registration: Registration,
    talk: Option<Box<Talk>>,
    timer: Option<Pin<Box<Sleep>>>,
    phase: Phase,
}

impl Future for Link {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let link = &mut *self;
        if link.phase == Phase::Leaving {
            return link.poll_leave(context);
        }
        loop {
            match link.registration.subscriber().queue.poll_flush(context) {
                Flushed::Ended(ending) => return link.leave(ending, context),
                Flushed::Idle => {
                    (link.phase, link.timer) = (Phase::Open, None);
                }
                Flushed::Stuck { moved } => {
                    if moved || link.phase == Phase::Open {
                        let patience = link.registration.engine().limits.write_timeout;
                        link.timer = (!patience.is_zero()).then(|| Box::pin(sleep(patience)));
                        link.phase = Phase::Stuck;
                    }
                    if let Some(timer) = &mut link.timer
                        && timer.as_mut().poll(context).is_ready()
                    {
                        return Poll::Ready(());
                    }
                }
            }
            // What was read may have put something into the queue, an answer or an ending.
            match link.poll_read(context) {
                Poll::Ready(Read::Some) => {}
                Poll::Ready(Read::End) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// What a look at the socket brought.
enum Read {
    /// Something was read and dealt with.
    Some,
    /// The peer has gone.
    End,
}

impl Link {
    /// The farewell has been written. Closing a socket that still has unread bytes would reset it, and the peer might lose the reason: so a WebSocket's
    /// goodbye is waited for. What the reader of an event stream sends was read along the way.
    fn leave(&mut self, ending: Ending, context: &mut Context<'_>) -> Poll<()> {
        if self.talk.is_none() || matches!(ending, Ending::Goodbye(_) | Ending::Lost) {
            let queue = &self.registration.subscriber().queue;
            let _ = queue.with_socket(|socket| Pin::new(socket).poll_shutdown(context));
            return Poll::Ready(());
        }
        (self.phase, self.timer) = (Phase::Leaving, Some(Box::pin(sleep(GOODBYE))));
        self.poll_leave(context)
    }

    fn poll_leave(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.timer.as_mut().is_none_or(|timer| timer.as_mut().poll(context).is_ready()) {
            return Poll::Ready(());
        }
        loop {
            let buffer = self.talk.as_mut().map(|talk| &mut talk.buffer);
            if let Some(Ok(Some(Incoming::Close(_))) | Err(_)) = buffer.map(frame::decode) {
                return Poll::Ready(());
            }
            if ready!(self.poll_fill(context)) == 0 {
                return Poll::Ready(());
            }
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Read> {
        if let Some(talk) = &mut self.talk {
            if let Some(asking) = &mut talk.asking {
                let answer = ready!(asking.as_mut().poll(context));
                talk.asking = None;
                if let Answer::Refused(reason) = answer {
                    self.end(Ending::Peer(1008, reason));
                }
                return Poll::Ready(Read::Some);
            }
            if !talk.buffer.is_empty() {
                match frame::decode(&mut talk.buffer) {
                    Ok(Some(incoming)) => {
                        self.hear(incoming);
                        return Poll::Ready(Read::Some);
                    }
                    Ok(None) => {}
                    Err(frame::Violation(code, reason)) => {
                        talk.buffer = BytesMut::new();
                        self.end(Ending::Peer(code, reason));
                        return Poll::Ready(Read::Some);
                    }
                }
            }
            if talk.buffer.is_empty() {
                // An idle connection keeps no memory for what it may read.
                talk.buffer = BytesMut::new();
            }
        }
        Poll::Ready(if ready!(self.poll_fill(context)) == 0 { Read::End } else { Read::Some })
    }

    /// Reads into the buffer; zero at the end. The reader of an event stream has nothing to say: it is read so that its going is noticed.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<usize> {
        let mut scratch = [0; READ];
        let queue = &self.registration.subscriber().queue;
        let read = queue.with_socket(|socket| {
            loop {
                ready!(socket.poll_read_ready(context))?;
                match socket.try_read(&mut scratch) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return Poll::Ready(read),
                }
            }
        });
        let count = ready!(read.unwrap_or(Poll::Ready(Ok(0)))).unwrap_or_default();
        if let Some(talk) = &mut self.talk {
            talk.buffer.extend_from_slice(scratch.get(..count).unwrap_or_default());
        }
        Poll::Ready(count)
    }

    /// Deals with a frame of the peer's.
    fn hear(&mut self, incoming: Incoming) {
        let subscriber = self.registration.subscriber();
        subscriber.heard();
        match incoming {
            Incoming::Pong => {}
            Incoming::Ping(content) => {
                subscriber.queue.push(&frame::pong(&content), Class::Ephemeral);
            }
            Incoming::Close(code) => self.end(Ending::Goodbye(code)),
            Incoming::Text(text) => {
                if let Some(talk) = &mut self.talk {
                    let requests = Requests::new(&talk.hub, &self.registration);
                    talk.asking = Some(Box::pin(async move { requests.take(&text).await }));
                }
            }
        }
    }

    fn end(&self, ending: Ending) {
        self.registration.engine().end(self.registration.subscriber().id, ending);
    }
}

impl Drop for Link {
    /// The socket closes now, whoever still knows the subscriber.
    fn drop(&mut self) {
        self.registration.subscriber().queue.detach();
    }
}
