//! The mark that every published payload begins with, and how it is found again in what a server sends.
//!
//! A mark is `~`, ten digits (the message's number in this run) and sixteen digits (when it should have been sent, in nanoseconds since the
//! client began). It needs no escaping in a form, in JSON or in an event stream, so that it looks the same behind every server.

/// Bytes of a mark.
pub(crate) const LENGTH: usize = 27;
const SEQUENCE_DIGITS: usize = 10;

/// What a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The message's number, from zero.
    pub(crate) sequence: u32,
    /// The moment for which the message was planned, in nanoseconds since the client began.
    pub(crate) due: u64,
}

impl Stamp {
    /// Appends the mark, and filling up to `size` bytes in all. A size below that of the mark counts as the mark's.
    pub(crate) fn write(self, out: &mut Vec<u8>, size: usize) {
        out.push(b'~');
        digits(out, u64::from(self.sequence), SEQUENCE_DIGITS);
        digits(out, self.due, LENGTH - 1 - SEQUENCE_DIGITS);
        out.resize(out.len() + size.saturating_sub(LENGTH), b'x');
    }

    fn read(mark: &[u8]) -> Option<Self> {
        let (sequence, due) = mark.get(1..LENGTH)?.split_at(SEQUENCE_DIGITS);
        Some(Self { sequence: u32::try_from(number(sequence)?).ok()?, due: number(due)? })
    }
}

fn digits(out: &mut Vec<u8>, mut value: u64, width: usize) {
    let from = out.len();
    out.resize(from + width, b'0');
    for digit in out[from..].iter_mut().rev() {
        *digit += (value % 10) as u8;
        value /= 10;
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))
}

/// Finds marks in a stream of bytes that arrives in pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    /// The beginning of a mark at the end of the piece before.
    held: [u8; LENGTH],
    length: usize,
}

impl Scanner {
    /// Calls `found` for each mark that ends in this piece.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], found: &mut impl FnMut(Stamp)) {
        if self.length > 0 {
            let missing = (LENGTH - self.length).min(bytes.len());
            self.held[self.length..self.length + missing].copy_from_slice(&bytes[..missing]);
            self.length += missing;
            bytes = &bytes[missing..];
            if self.length < LENGTH {
                return;
            }
            self.length = 0;
            if let Some(stamp) = Stamp::read(&self.held) {
                found(stamp);
            }
        }
        while let Some(at) = memchr::memchr(b'~', bytes) {
            bytes = &bytes[at..];
            if bytes.len() < LENGTH {
                self.held[..bytes.len()].copy_from_slice(bytes);
                self.length = bytes.len();
                return;
            }
            match Stamp::read(bytes) {
                Some(stamp) => {
                    found(stamp);
                    bytes = &bytes[LENGTH..];
                }
                None => bytes = &bytes[1..],
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Stamp> {
        let (mut scanner, mut stamps) = (Scanner::default(), Vec::new());
        for piece in pieces {
            scanner.feed(piece, &mut |stamp| stamps.push(stamp));
        }
        stamps
    }

    #[test]
    fn marks_are_found_however_the_stream_is_cut() {
        let stamps =
            [Stamp { sequence: 7, due: 123_456_789 }, Stamp { sequence: u32::MAX, due: 9_999_999_999_999_999 }];
        let mut stream = Vec::new();
        for stamp in stamps {
            stream.extend_from_slice(b"id: urn:uuid:1\ndata: ");
            stamp.write(&mut stream, 60);
            stream.extend_from_slice(b"\n\n");
        }
        for size in 1..stream.len() {
            assert_eq!(scanned(stream.chunks(size)), stamps, "pieces of {size}");
        }
    }

    #[test]
    fn a_payload_has_the_size_that_was_asked_for() {
        for (asked, given) in [(0, LENGTH), (LENGTH, LENGTH), (200, 200)] {
            let mut out = Vec::new();
            Stamp { sequence: 1, due: 2 }.write(&mut out, asked);
            assert_eq!(out.len(), given);
        }
    }

    #[test]
    fn a_stray_tilde_is_no_mark() {
        assert_eq!(scanned([&b"~user ~~ and much more text than one mark has"[..]]), []);
    }
}
