//! The load client: one thread, one `epoll`, all connections. It has to be cheaper than what it measures.

mod run;

pub(crate) use run::{Load, Observed, Pace, Watch};

use crate::ledger::Ledger;
use crate::reader::{Ending, Reader};
use crate::sender::{Outcome, Sender};
use crate::target::{Target, Transport};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io;
use std::time::{Duration, Instant};

/// Connections that are being made at the same time: below every server's backlog.
const CONNECTING: usize = 64;
/// How long one connection may take to become a stream.
const PATIENCE: Duration = Duration::from_secs(20);
/// A stalled reader that gets nothing for so long once it reads has got all there was.
const SILENCE: Duration = Duration::from_millis(500);
/// Scratch space for reading: more than one socket's worth, little enough to stay in the cache.
const BUFFER: usize = 128 << 10;
/// The receive buffer of a reader that will never read: the least that the kernel gives.
const STALLED_BUFFER: usize = 4 << 10;
/// Publishers are told from readers by their token.
const SENDERS: usize = 1 << 32;

/// Why a run can't go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The system refused something to the client itself.
    #[error("the client's own machine: {0}")]
    System(#[from] io::Error),
    /// A subscriber never got its stream.
    #[error("subscriber {number} of {of} got no stream: {why:?}")]
    Subscriber { number: usize, of: usize, why: Ending },
    /// Too slow to become ready.
    #[error("{missing} of {of} subscribers had no stream after {PATIENCE:?} without progress")]
    Slow { missing: usize, of: usize },
    /// A publication was refused.
    #[error("a publication was answered with {0}")]
    Publisher(u16),
    /// A publisher can't be connected.
    #[error("a publisher lost its connection: {0:?}")]
    Connection(Ending),
}

/// The subscribers that a case asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Audience {
    pub(crate) count: usize,
    /// Reader number `i` listens to topic `i % topics`.
    pub(crate) topics: usize,
    pub(crate) transport: Transport,
    /// They never read.
    pub(crate) stalled: bool,
}

/// All connections to one target.
pub(crate) struct Client {
    target: Target,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    began: Instant,
    readers: Vec<Reader>,
    /// Connected and served by the hub, never read by us.
    stalled: Vec<Reader>,
    senders: Vec<Sender>,
    idle: Vec<usize>,
    /// Open readers of each topic.
    audience: Vec<u32>,
    ledger: Ledger,
    received: u64,
}

impl Client {
    /// A client without connections.
    pub(crate) fn new(target: Target) -> Result<Self, Failure> {
        Ok(Self {
            target,
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            buffer: vec![0; BUFFER],
            began: Instant::now(),
            readers: Vec::new(),
            stalled: Vec::new(),
            senders: Vec::new(),
            idle: Vec::new(),
            audience: Vec::new(),
            ledger: Ledger::new(),
            received: 0,
        })
    }

    /// Opens the subscribers, and returns when each has its stream. `progress` hears how many have.
    pub(crate) fn subscribe(&mut self, audience: Audience, mut progress: impl FnMut(usize)) -> Result<(), Failure> {
        if audience.stalled {
            return self.subscribe_stalled(audience, progress);
        }
        let first = self.readers.len();
        let last = first + audience.count;
        self.audience.resize(self.audience.len().max(audience.topics), 0);
        let (mut done, mut pending): (usize, Vec<usize>) = (0, Vec::new());
        let mut moved = Instant::now();
        while done < audience.count {
            while pending.len() < CONNECTING && self.readers.len() < last {
                let number = self.readers.len();
                let topic = number % audience.topics;
                let mut socket = TcpStream::connect(self.target.address)?;
                self.poll.registry().register(&mut socket, Token(number), Interest::READABLE | Interest::WRITABLE)?;
                let poll = (audience.transport == Transport::Poll).then(|| self.target.poll(topic));
                self.readers.push(Reader::new(socket, topic, self.request(topic, audience.transport), poll));
                pending.push(number);
            }
            self.turn(Duration::from_millis(100))?;
            let before = pending.len();
            for number in std::mem::take(&mut pending) {
                let reader = &self.readers[number];
                if let Some(why) = reader.ending() {
                    return Err(Failure::Subscriber { number: number - first, of: audience.count, why });
                }
                match reader.is_open() {
                    true => self.audience[reader.topic] += 1,
                    false => pending.push(number),
                }
            }
            if pending.len() < before {
                done += before - pending.len();
                moved = Instant::now();
                progress(done);
            } else if moved.elapsed() > PATIENCE {
                return Err(Failure::Slow { missing: audience.count - done, of: audience.count });
            }
        }
        Ok(())
    }

    /// Readers that stop reading as soon as the head of their stream is there.
    fn subscribe_stalled(&mut self, audience: Audience, mut progress: impl FnMut(usize)) -> Result<(), Failure> {
        for number in 0..audience.count {
            let domain = socket2::Domain::for_address(self.target.address);
            let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
            socket.set_recv_buffer_size(STALLED_BUFFER)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            socket.connect_timeout(&self.target.address.into(), PATIENCE)?;
            let mut socket = std::net::TcpStream::from(socket);
            let topic = number % audience.topics;
            io::Write::write_all(&mut socket, &self.request(topic, audience.transport))?;
            let begun = io::Read::read(&mut socket, &mut self.buffer)?;
            socket.set_nonblocking(true)?;
            let reader = Reader::stalled(TcpStream::from_std(socket), topic, &self.buffer[..begun]);
            if let Some(why) = reader.ending() {
                return Err(Failure::Subscriber { number, of: audience.count, why });
            }
            self.stalled.push(reader);
            progress(number + 1);
        }
        Ok(())
    }

    /// Opens the publishers' connections, as many as there are to be in all.
    pub(crate) fn connect_senders(&mut self, count: usize) -> Result<(), Failure> {
        while self.senders.len() < count {
            let number = self.senders.len();
            let sender = self.sender(number)?;
            self.senders.push(sender);
            self.idle.push(number);
        }
        Ok(())
    }

    /// Serves all connections for a while: answers pings, publishes nothing.
    pub(crate) fn wait(&mut self, time: Duration) -> Result<(), Failure> {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            self.turn(left.min(Duration::from_millis(100)))?;
        }
        Ok(())
    }

    /// How many subscribers have lost their stream.
    pub(crate) fn ended(&self) -> usize {
        self.readers.iter().filter(|reader| reader.ending().is_some()).count()
    }

    /// Reads what the stalled readers have left, and tells how many of them the server has cut off.
    pub(crate) fn stalled_cut(&mut self) -> usize {
        // Their windows are tiny, so what the server's kernel still holds comes in sips.
        let (begun, mut moved) = (Instant::now(), Instant::now());
        while begun.elapsed() < PATIENCE && moved.elapsed() < SILENCE {
            for reader in &mut self.stalled {
                if reader.readable(&mut self.buffer, true, &mut |_| {}) > 0 {
                    moved = Instant::now();
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.stalled.iter().filter(|reader| reader.ending().is_some()).count()
    }

    fn request(&self, topic: usize, transport: Transport) -> Vec<u8> {
        let mut request = Vec::new();
        self.target.subscribe(&mut request, topic, transport);
        request
    }

    fn sender(&self, number: usize) -> Result<Sender, Failure> {
        let mut socket = TcpStream::connect(self.target.address)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut socket, Token(SENDERS + number), interest)?;
        Ok(Sender::new(socket))
    }

    /// Nanoseconds since the client began: the clock of all stamps.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Waits for events once, at most this long, and handles them.
    fn turn(&mut self, wait: Duration) -> Result<(), Failure> {
        // The kernel counts in milliseconds and rounds up: less than one is waited for by asking again.
        let wait = Duration::from_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        if let Err(error) = self.poll.poll(&mut self.events, Some(wait)) {
            return if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error.into()) };
        }
        let mut senders = Vec::new();
        for event in &self.events {
            let Some(number) = event.token().0.checked_sub(SENDERS) else {
                let reader = &mut self.readers[event.token().0];
                let was_open = reader.is_open();
                if event.is_writable() {
                    reader.writable();
                }
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
                    let ledger = &mut self.ledger;
                    let found = &mut |stamp| ledger.deliver(stamp, now);
                    self.received += reader.readable(&mut self.buffer, event.is_read_closed(), found) as u64;
                }
                if was_open && !reader.is_open() {
                    self.audience[reader.topic] -= 1;
                }
                continue;
            };
            senders.push((number, event.is_writable()));
        }
        for (number, is_writable) in senders {
            let sender = &mut self.senders[number];
            let mut outcome = if is_writable { sender.writable() } else { Outcome::Nothing };
            if outcome == Outcome::Nothing {
                outcome = sender.readable(&mut self.buffer);
            }
            self.settle(number, outcome)?;
        }
        Ok(())
    }

    fn settle(&mut self, number: usize, outcome: Outcome) -> Result<(), Failure> {
        match outcome {
            Outcome::Nothing => {}
            Outcome::Answered(sequence) => {
                self.ledger.answer(sequence, self.now());
                self.idle.push(number);
            }
            Outcome::Refused(status) => return Err(Failure::Publisher(status)),
            // An idle connection that the server has closed is made anew; one that owes an answer is a failure.
            Outcome::Gone(ending) => match self.idle.contains(&number) {
                true => self.senders[number] = self.sender(number)?,
                false => return Err(Failure::Connection(ending)),
            },
        }
        Ok(())
    }
}
