//! The lower bound: a program that does nothing but write the same bytes to as many sockets, one thread, one `epoll`. It knows no rights, no history and no topics.

use super::READY;
use clap::Args;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

const LISTENER: Token = Token(usize::MAX);
/// The head of an event, as long as that of the hub with its id.
const EVENT_HEAD: &[u8] = b"id: urn:uuid:00000000-0000-4000-8000-000000000000\ndata: ";
const STREAM_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n:\n\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// How the lower bound writes.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Limit {
    /// Messages that came together go out as one write
    #[arg(long)]
    joined: bool,
}

struct Connection {
    socket: TcpStream,
    input: Vec<u8>,
    /// What the socket would not take.
    pending: Vec<u8>,
    is_reader: bool,
}

/// Serves until the process is ended.
pub(crate) fn serve(limit: Limit) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("{READY}{}", listener.local_addr()?.port());
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        if let Err(error) = poll.poll(&mut events, None) {
            if error.kind() == ErrorKind::Interrupted {
                continue;
            }
            return Err(error);
        }
        let mut messages: Vec<Vec<u8>> = Vec::new();
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut connections)?;
                continue;
            }
            let Some(slot) = connections.get_mut(event.token().0) else { continue };
            let Some(connection) = slot else { continue };
            if event.is_writable() {
                connection.flush();
            }
            if event.is_readable() && connection.read(&mut buffer, &mut messages).is_err() {
                *slot = None;
            }
        }
        let joined = if limit.joined { vec![messages.concat()] } else { messages };
        for bytes in joined.iter().filter(|bytes| !bytes.is_empty()) {
            for reader in connections.iter_mut().flatten().filter(|connection| connection.is_reader) {
                reader.write(bytes);
            }
        }
    }
}

fn accept(listener: &TcpListener, poll: &Poll, connections: &mut Vec<Option<Connection>>) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((mut socket, _)) => {
                socket.set_nodelay(true)?;
                let token = Token(connections.len());
                poll.registry().register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
                let (input, pending) = (Vec::new(), Vec::new());
                connections.push(Some(Connection { socket, input, pending, is_reader: false }));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

impl Connection {
    /// Reads requests: a reader's makes it a reader, a publisher's is answered and adds its message.
    fn read(&mut self, buffer: &mut [u8], messages: &mut Vec<Vec<u8>>) -> io::Result<()> {
        loop {
            match self.socket.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.input.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        while let Some(length) = self.request(messages)? {
            self.input.drain(..length);
        }
        Ok(())
    }

    fn request(&mut self, messages: &mut Vec<Vec<u8>>) -> io::Result<Option<usize>> {
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut fields);
        let parsed = request.parse(&self.input).map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
        let httparse::Status::Complete(head) = parsed else { return Ok(None) };
        if request.method == Some("GET") {
            self.is_reader = true;
            self.input = Vec::new();
            self.write(STREAM_HEAD);
            return Ok(None);
        }
        let length = request.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
        let length = length.and_then(|field| std::str::from_utf8(field.value).ok()?.parse::<usize>().ok());
        let end = head + length.unwrap_or_default();
        let Some(body) = self.input.get(head..end) else { return Ok(None) };
        messages.push([EVENT_HEAD, body, b"\n\n"].concat());
        self.write(ANSWER);
        Ok(Some(end))
    }

    fn write(&mut self, bytes: &[u8]) {
        let written = match self.pending.is_empty() {
            true => self.socket.write(bytes).unwrap_or(0),
            false => 0,
        };
        self.pending.extend_from_slice(&bytes[written..]);
    }

    fn flush(&mut self) {
        while !self.pending.is_empty() {
            match self.socket.write(&self.pending) {
                Ok(written) if written > 0 => drop(self.pending.drain(..written)),
                _ => return,
            }
        }
    }
}
