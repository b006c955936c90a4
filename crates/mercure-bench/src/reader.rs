//! One subscriber's connection: connecting, waiting for the head, then a stream of marks.

use crate::decode::{End, Stream};
use crate::head::Head;
use crate::poll::Polling;
use crate::stamp::Stamp;
use mio::net::TcpStream;
use std::io::{self, ErrorKind, Read, Write};

/// How far a subscriber has come.
#[derive(Debug)]
pub(crate) enum State {
    /// The request is to be sent as soon as the connection stands. A poll also has what its next requests begin with.
    Connecting(Vec<u8>, Option<Vec<u8>>),
    /// What has come of the response's head.
    Head(Vec<u8>),
    /// Updates arrive.
    Open(Stream),
    /// Updates arrive with the answers.
    Polling(Polling),
    /// Nothing more comes.
    Ended(Ending),
}

/// Why a subscriber has no stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The server ended the stream or the connection.
    Closed,
    /// The server answered with this status.
    Refused(u16),
    /// The bytes break the protocol.
    Malformed,
    /// The connection failed.
    Failed(ErrorKind),
}

impl From<End> for Ending {
    fn from(end: End) -> Self {
        match end {
            End::Closed => Self::Closed,
            End::Malformed => Self::Malformed,
        }
    }
}

/// One subscriber.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) socket: TcpStream,
    /// The number of its topic.
    pub(crate) topic: usize,
    pub(crate) state: State,
}

impl Reader {
    /// A subscriber whose connection is being made, and what it will ask.
    pub(crate) fn new(socket: TcpStream, topic: usize, request: Vec<u8>, poll: Option<Vec<u8>>) -> Self {
        Self { socket, topic, state: State::Connecting(request, poll) }
    }

    /// One that has read so much of its answer, and reads no more for now.
    pub(crate) fn stalled(socket: TcpStream, topic: usize, begun: &[u8]) -> Self {
        let mut reader = Self { socket, topic, state: State::Head(Vec::new()) };
        if let Err(ending) = reader.take(begun, &mut |_| {}) {
            reader.state = State::Ended(ending);
        }
        reader
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(&self.state, State::Open(_)) || matches!(&self.state, State::Polling(polling) if polling.is_open)
    }

    /// Why it has ended, if it has.
    pub(crate) fn ending(&self) -> Option<Ending> {
        if let State::Ended(ending) = self.state { Some(ending) } else { None }
    }

    /// The connection stands, or has failed.
    pub(crate) fn writable(&mut self) {
        let State::Connecting(request, poll) = &mut self.state else { return };
        let asked = match self.socket.take_error() {
            Ok(None) => match self.socket.peer_addr() {
                Ok(_) => self.socket.write_all(request),
                Err(error) if error.kind() == ErrorKind::NotConnected => return,
                Err(error) => Err(error),
            },
            Ok(Some(error)) | Err(error) => Err(error),
        };
        self.state = match asked {
            Ok(()) => poll.take().map_or(State::Head(Vec::new()), |ask| State::Polling(Polling::new(ask))),
            Err(error) => State::Ended(Ending::Failed(error.kind())),
        };
    }

    /// Something can be read. `buffer` is scratch space shared by all; `to_the_end` when the peer is known to have finished.
    pub(crate) fn readable(&mut self, buffer: &mut [u8], to_the_end: bool, found: &mut impl FnMut(Stamp)) -> usize {
        let mut total = 0;
        while !matches!(self.state, State::Connecting(..) | State::Ended(_)) {
            match self.socket.read(buffer) {
                Ok(0) => self.state = State::Ended(Ending::Closed),
                Ok(read) => {
                    total += read;
                    if let Err(ending) = self.take(&buffer[..read], found) {
                        self.state = State::Ended(ending);
                    }
                    // A short read has emptied the socket: the next event tells of more. Only an end would go unnoticed.
                    if read < buffer.len() && !to_the_end {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.state = State::Ended(Ending::Failed(error.kind())),
            }
        }
        total
    }

    fn take(&mut self, bytes: &[u8], found: &mut impl FnMut(Stamp)) -> Result<(), Ending> {
        match &mut self.state {
            State::Head(text) => {
                text.extend_from_slice(bytes);
                let Some(head) = Head::read(text)? else { return Ok(()) };
                let mut stream = Stream::new(head.stream().ok_or(Ending::Refused(head.status))?);
                let rest = text.split_off(head.length);
                self.socket.set_nodelay(true).map_err(|error| Ending::Failed(error.kind()))?;
                answer(&mut self.socket, &mut stream, &rest, found)?;
                self.state = State::Open(stream);
            }
            State::Open(stream) => answer(&mut self.socket, stream, bytes, found)?,
            State::Polling(polling) => {
                if let Some(request) = polling.feed(bytes, found)? {
                    // Fits always: the last request was answered, so it has left the socket.
                    self.socket.write_all(&request).map_err(|error| Ending::Failed(error.kind()))?;
                }
            }
            State::Connecting(..) | State::Ended(_) => {}
        }
        Ok(())
    }
}

/// Feeds the stream, and sends the pongs that it asks for.
fn answer(
    socket: &mut TcpStream,
    stream: &mut Stream,
    bytes: &[u8],
    found: &mut impl FnMut(Stamp),
) -> Result<(), Ending> {
    let mut pongs = Vec::new();
    stream.feed(bytes, &mut pongs, found)?;
    if pongs.is_empty() {
        return Ok(());
    }
    // A few bytes on a connection that is never written to otherwise: they always fit.
    socket.write_all(&pongs).map_err(|error: io::Error| Ending::Failed(error.kind()))
}
