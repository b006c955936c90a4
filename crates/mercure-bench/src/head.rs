//! The head of an HTTP/1.1 response, and where a whole response ends.

use crate::decode::{Chunks, End, Frames, Wrapping};

/// Header fields that are looked at; more than any server under test sends.
const FIELDS: usize = 64;
/// The longest head that is waited for.
const HEAD_MAX: usize = 32 << 10;

/// What matters in a response's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The status code.
    pub(crate) status: u16,
    /// Bytes of the head, the empty line included.
    pub(crate) length: usize,
    chunked: bool,
    content_length: Option<usize>,
}

impl Head {
    /// Reads the head at the beginning of `bytes`; nothing as long as its end is missing.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<Self>, End> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let httparse::Status::Complete(length) = response.parse(bytes).map_err(|_| End::Malformed)? else {
            return if bytes.len() > HEAD_MAX { Err(End::Malformed) } else { Ok(None) };
        };
        let mut head = Self { status: response.code.unwrap_or_default(), length, chunked: false, content_length: None };
        for field in response.headers.iter() {
            let value = field.value.trim_ascii();
            if field.name.eq_ignore_ascii_case("transfer-encoding") {
                head.chunked = value.eq_ignore_ascii_case(b"chunked");
            } else if field.name.eq_ignore_ascii_case("content-length") {
                head.content_length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            }
        }
        Ok(Some(head))
    }

    /// How the subscriber's stream behind this head is wrapped; nothing when it is no stream but a refusal.
    pub(crate) fn stream(&self) -> Option<Wrapping> {
        match self.status {
            101 => Some(Wrapping::Socket(Frames::default())),
            200 if self.chunked => Some(Wrapping::Chunked(Chunks::default())),
            200 => Some(Wrapping::Plain),
            _ => None,
        }
    }
}

/// Reads one response to its end: the status, and how many bytes it took. Nothing as long as it is not whole.
pub(crate) fn whole(bytes: &[u8]) -> Result<Option<(u16, usize)>, End> {
    let Some(head) = Head::read(bytes)? else { return Ok(None) };
    let body = &bytes[head.length..];
    let bodyless = head.status == 204 || head.status == 304;
    if !head.chunked || bodyless {
        let length = head.length + if bodyless { 0 } else { head.content_length.unwrap_or_default() };
        return Ok((length <= bytes.len()).then_some((head.status, length)));
    }
    // A chunked answer of a few bytes: its end is the empty last chunk.
    match Chunks::default().feed(body, |_| {}) {
        Err(End::Closed) => Ok(body.ends_with(b"\r\n\r\n").then_some((head.status, bytes.len()))),
        Err(End::Malformed) => Err(End::Malformed),
        Ok(()) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_length_or_its_last_chunk_says_so() {
        let sized = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        for answer in [&sized[..], &chunked[..], b"HTTP/1.1 204 No Content\r\n\r\n"] {
            for end in 0..answer.len() {
                assert_eq!(whole(&answer[..end]), Ok(None), "{end} bytes of {}", answer.escape_ascii());
            }
            assert_eq!(whole(answer).unwrap().unwrap().1, answer.len());
        }
        assert_eq!(whole(b"SSH-2.0\r\n"), Err(End::Malformed));
    }

    #[test]
    fn a_head_tells_how_the_stream_is_wrapped() {
        let stream = |text: &[u8]| Head::read(text).unwrap().unwrap().stream();
        assert!(matches!(stream(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), Some(Wrapping::Socket(_))));
        assert!(matches!(stream(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), Some(Wrapping::Chunked(_))));
        assert!(matches!(stream(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"), Some(Wrapping::Plain)));
        assert!(stream(b"HTTP/1.1 401 Unauthorized\r\n\r\n").is_none());
    }
}
