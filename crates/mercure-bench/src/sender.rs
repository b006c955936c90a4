//! One publisher's connection: kept alive, one request at a time.

use crate::head;
use crate::reader::Ending;
use mio::net::TcpStream;
use std::io::{self, ErrorKind, Read, Write};

/// What a publisher's event has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing that counts.
    Nothing,
    /// The message with this number was answered with success.
    Answered(u32),
    /// It was refused with this status.
    Refused(u16),
    /// The connection is gone; it has to be made anew.
    Gone(Ending),
}

/// One publisher.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) socket: TcpStream,
    /// The message that is waiting for its answer.
    waiting: Option<u32>,
    /// The request as far as the socket has not taken it.
    unsent: Vec<u8>,
    answer: Vec<u8>,
}

impl Sender {
    /// A publisher whose connection is being made.
    pub(crate) fn new(socket: TcpStream) -> Self {
        Self { socket, waiting: None, unsent: Vec::new(), answer: Vec::new() }
    }

    /// Sends a request; what does not fit goes out as soon as it does.
    pub(crate) fn send(&mut self, sequence: u32, request: &[u8]) -> Outcome {
        self.waiting = Some(sequence);
        self.unsent.extend_from_slice(request);
        self.writable()
    }

    /// The socket takes bytes again.
    pub(crate) fn writable(&mut self) -> Outcome {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(0) => return Outcome::Gone(Ending::Closed),
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(error) if is_early(&error) => break,
                Err(error) => return Outcome::Gone(Ending::Failed(error.kind())),
            }
        }
        Outcome::Nothing
    }

    /// Something can be read.
    pub(crate) fn readable(&mut self, buffer: &mut [u8]) -> Outcome {
        loop {
            match self.socket.read(buffer) {
                Ok(0) => return Outcome::Gone(Ending::Closed),
                Ok(read) => self.answer.extend_from_slice(&buffer[..read]),
                Err(error) if is_early(&error) => break,
                Err(error) => return Outcome::Gone(Ending::Failed(error.kind())),
            }
        }
        match head::whole(&self.answer) {
            Ok(None) => Outcome::Nothing,
            Ok(Some((status, length))) => {
                self.answer.drain(..length);
                match self.waiting.take() {
                    Some(sequence) if (200..300).contains(&status) => Outcome::Answered(sequence),
                    Some(_) => Outcome::Refused(status),
                    None => Outcome::Nothing,
                }
            }
            Err(end) => Outcome::Gone(end.into()),
        }
    }
}

fn is_early(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected | ErrorKind::Interrupted)
}
