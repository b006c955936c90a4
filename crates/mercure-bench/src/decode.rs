//! From the bytes of one subscriber's connection to the marks in its messages: the chunks of HTTP/1.1 (RFC 9112 section 7.1) and the frames of
//! WebSocket (RFC 6455 section 5.2), read in pieces of any size and never collected.

use crate::stamp::{Scanner, Stamp};

/// Why a stream can't be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The server said that this was all: the last chunk, or a close frame.
    Closed,
    /// The bytes break the protocol.
    Malformed,
}

/// How the bytes after a response's head are wrapped.
#[derive(Debug)]
pub(crate) enum Wrapping {
    /// Not at all: up to the end of the connection.
    Plain,
    /// `Transfer-Encoding: chunked`.
    Chunked(Chunks),
    /// WebSocket frames.
    Socket(Frames),
}

/// One subscriber's stream after its head.
#[derive(Debug)]
pub(crate) struct Stream {
    wrapping: Wrapping,
    scanner: Scanner,
}

impl Stream {
    /// A stream whose first byte is the next to come.
    pub(crate) fn new(wrapping: Wrapping) -> Self {
        Self { wrapping, scanner: Scanner::default() }
    }

    /// Takes the next piece. `pongs` gets the frames that are to be sent back.
    pub(crate) fn feed(&mut self, bytes: &[u8], pongs: &mut Vec<u8>, found: &mut impl FnMut(Stamp)) -> Result<(), End> {
        let scanner = &mut self.scanner;
        match &mut self.wrapping {
            Wrapping::Plain => {
                scanner.feed(bytes, found);
                Ok(())
            }
            Wrapping::Chunked(chunks) => chunks.feed(bytes, |data| scanner.feed(data, found)),
            Wrapping::Socket(frames) => frames.feed(bytes, pongs, |data| scanner.feed(data, found)),
        }
    }
}

/// Where a chunked body has come to.
#[derive(Debug, Default)]
pub(crate) enum Chunks {
    /// In the digits of a size.
    #[default]
    Size,
    /// In a size of which this much is known.
    Digits(usize),
    /// Behind the digits, before the line's end.
    Extension(usize),
    /// So many bytes of data are still to come.
    Data(usize),
    /// In the line end behind the data.
    Behind,
}

impl Chunks {
    /// Calls `data` for each piece of the body.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut data: impl FnMut(&[u8])) -> Result<(), End> {
        while let Some((&byte, rest)) = bytes.split_first() {
            match *self {
                Self::Data(left) => {
                    let (now, later) = bytes.split_at(left.min(bytes.len()));
                    data(now);
                    bytes = later;
                    *self = if left == now.len() { Self::Behind } else { Self::Data(left - now.len()) };
                    continue;
                }
                Self::Behind if byte == b'\r' => {}
                Self::Behind if byte == b'\n' => *self = Self::Size,
                Self::Size => *self = Self::Digits(hex(byte).ok_or(End::Malformed)?),
                Self::Digits(size) | Self::Extension(size) if byte == b'\n' => {
                    if size == 0 {
                        return Err(End::Closed);
                    }
                    *self = Self::Data(size);
                }
                Self::Digits(size) => {
                    *self = match hex(byte) {
                        Some(digit) if size < 1 << 32 => Self::Digits(size << 4 | digit),
                        Some(_) => return Err(End::Malformed),
                        None => Self::Extension(size),
                    }
                }
                Self::Extension(_) => {}
                Self::Behind => return Err(End::Malformed),
            }
            bytes = rest;
        }
        Ok(())
    }
}

fn hex(byte: u8) -> Option<usize> {
    char::from(byte).to_digit(16).map(|digit| digit as usize)
}

const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// The longest head of a server's frame: two bytes, and eight of length.
const HEAD_MAX: usize = 10;
/// The longest payload of a control frame.
const CONTROL_MAX: usize = 125;

/// Where a sequence of WebSocket frames has come to.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    head: [u8; HEAD_MAX],
    /// Bytes of the head that are there.
    read: usize,
    /// Bytes of the payload that are still to come; the head is whole when this is known.
    left: Option<u64>,
    /// The payload of a ping so far.
    ping: Vec<u8>,
}

impl Frames {
    /// Calls `data` for each piece of a message's payload, and answers pings.
    pub(crate) fn feed(
        &mut self,
        mut bytes: &[u8],
        pongs: &mut Vec<u8>,
        mut data: impl FnMut(&[u8]),
    ) -> Result<(), End> {
        loop {
            let Some(left) = self.left else {
                let Some((&byte, rest)) = bytes.split_first() else { return Ok(()) };
                self.head[self.read] = byte;
                self.read += 1;
                bytes = rest;
                self.left = self.length()?;
                continue;
            };
            let opcode = self.head[0] & 0x0f;
            let (now, later) = bytes.split_at(usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len()));
            match opcode {
                CLOSE => return Err(End::Closed),
                PING => self.ping.extend_from_slice(now),
                PONG => {}
                _ => data(now),
            }
            bytes = later;
            let left = left - now.len() as u64;
            if left > 0 {
                self.left = Some(left);
                return Ok(());
            }
            if opcode == PING {
                pong(pongs, &self.ping);
                self.ping.clear();
            }
            (self.left, self.read) = (None, 0);
        }
    }

    /// The payload's length once the head is whole.
    fn length(&self) -> Result<Option<u64>, End> {
        let [first, second, extended @ ..] = self.head;
        if self.read < 2 {
            return Ok(None);
        }
        let control = first & 0x08 != 0;
        // A server's frame is never masked; no extension was agreed upon.
        if second & 0x80 != 0 || first & 0x70 != 0 || (control && usize::from(second) > CONTROL_MAX) {
            return Err(End::Malformed);
        }
        Ok(match (second, self.read) {
            (126, 4) => Some(u64::from(u16::from_be_bytes([extended[0], extended[1]]))),
            (127, 10) => Some(u64::from_be_bytes(extended)),
            (126 | 127, _) => None,
            (short, _) => Some(u64::from(short)),
        })
    }
}

/// A client's frames must be masked; with a mask of zeros the payload stays as it is.
fn pong(out: &mut Vec<u8>, payload: &[u8]) {
    let length = payload.len().min(CONTROL_MAX);
    out.extend_from_slice(&[0x80 | PONG, 0x80 | length as u8, 0, 0, 0, 0]);
    out.extend_from_slice(&payload[..length]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(wrapping: fn() -> Wrapping, stream: &[u8], size: usize) -> (Vec<u32>, Vec<u8>, Result<(), End>) {
        let mut decoder = Stream::new(wrapping());
        let (mut sequences, mut pongs) = (Vec::new(), Vec::new());
        let result = stream
            .chunks(size)
            .try_for_each(|piece| decoder.feed(piece, &mut pongs, &mut |stamp| sequences.push(stamp.sequence)));
        (sequences, pongs, result)
    }

    fn mark(sequence: u32, size: usize) -> Vec<u8> {
        let mut out = Vec::new();
        Stamp { sequence, due: 1 }.write(&mut out, size);
        out
    }

    #[test]
    fn chunks_are_read_however_they_are_cut_even_through_a_mark() {
        let body = [b"data: ".to_vec(), mark(1, 40), b"\n\ndata: ".to_vec(), mark(2, 90), b"\n\n".to_vec()].concat();
        let mut stream = Vec::new();
        for piece in body.chunks(19) {
            stream.extend_from_slice(format!("{:X};note=1\r\n", piece.len()).as_bytes());
            stream.extend_from_slice(piece);
            stream.extend_from_slice(b"\r\n");
        }
        for size in 1..=stream.len() {
            let (found, _, result) = collected(|| Wrapping::Chunked(Chunks::default()), &stream, size);
            assert_eq!((found, result), (vec![1, 2], Ok(())), "pieces of {size}");
        }
    }

    #[test]
    fn the_last_chunk_is_the_end_and_nonsense_is_told_apart() {
        let read = |stream: &[u8]| collected(|| Wrapping::Chunked(Chunks::default()), stream, 1).2;
        assert_eq!(read(b"1\r\nx\r\n0\r\n\r\n"), Err(End::Closed));
        assert_eq!(read(b"hello"), Err(End::Malformed));
        assert_eq!(read(b"1\r\nxy"), Err(End::Malformed));
    }

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let length = match payload.len() {
            short @ 0..=125 => vec![short as u8],
            long => [vec![126], (long as u16).to_be_bytes().to_vec()].concat(),
        };
        [vec![first], length, payload.to_vec()].concat()
    }

    #[test]
    fn frames_of_every_length_are_read_however_they_are_cut_and_pings_answered() {
        let huge = mark(3, 70_000);
        let stream = [
            frame(0x81, &mark(1, 100)),
            frame(0x89, b"ok?"),
            frame(0x82, &mark(2, 300)),
            [vec![0x81, 127], (huge.len() as u64).to_be_bytes().to_vec(), huge].concat(),
            frame(0x8a, b""),
        ]
        .concat();
        for size in [1, 2, 3, 5, 64, 1_000, stream.len()] {
            let (found, pongs, result) = collected(|| Wrapping::Socket(Frames::default()), &stream, size);
            assert_eq!((found, result), (vec![1, 2, 3], Ok(())), "pieces of {size}");
            assert_eq!(pongs, [&[0x8a, 0x83, 0, 0, 0, 0][..], b"ok?"].concat());
        }
    }

    #[test]
    fn a_close_frame_ends_and_a_masked_frame_is_refused() {
        let read = |stream: &[u8]| collected(|| Wrapping::Socket(Frames::default()), stream, 2).2;
        assert_eq!(read(&frame(0x88, b"\x03\xe9")), Err(End::Closed));
        assert_eq!(read(&[0x81, 0x80, 0, 0, 0, 0]), Err(End::Malformed));
    }
}
