//! A subscriber that asks again and again: long poll, where a hub has it. Each answer ends with the id to go on from, so that nothing is lost between two.

use crate::head;
use crate::reader::Ending;
use crate::stamp::{Scanner, Stamp};

/// What stands before the id in an answer.
const LAST_ID: &[u8] = b"\"last_event_id\":\"";

/// One subscriber's polls, on one kept-alive connection.
#[derive(Debug)]
pub(crate) struct Polling {
    /// A request up to the id to go on from.
    ask: Vec<u8>,
    answer: Vec<u8>,
    /// Whether an answer has come yet: from then on nothing can be missed.
    pub(crate) is_open: bool,
}

impl Polling {
    /// The first request was sent; the next ones begin like this.
    pub(crate) fn new(ask: Vec<u8>) -> Self {
        Self { ask, answer: Vec::new(), is_open: false }
    }

    /// Takes the next piece; the next request, if an answer has become whole.
    pub(crate) fn feed(&mut self, bytes: &[u8], found: &mut impl FnMut(Stamp)) -> Result<Option<Vec<u8>>, Ending> {
        self.answer.extend_from_slice(bytes);
        let Some((status, length)) = head::whole(&self.answer)? else { return Ok(None) };
        if status != 200 {
            return Err(Ending::Refused(status));
        }
        let answer = &self.answer[..length];
        Scanner::default().feed(answer, found);
        let id = memchr::memmem::find(answer, LAST_ID).map(|at| &answer[at + LAST_ID.len()..]);
        let id = id.and_then(|rest| rest.split(|byte| *byte == b'"').next()).ok_or(Ending::Malformed)?;
        let request = [&self.ask[..], id, b"\r\n\r\n"].concat();
        self.answer.drain(..length);
        self.is_open = true;
        Ok(Some(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_poll_goes_on_from_the_last_answer_however_it_is_cut() {
        let mut body = b"{\"last_event_id\":\"urn:uuid:7\",\"events\":[{\"data\":\"".to_vec();
        Stamp { sequence: 7, due: 1 }.write(&mut body, 40);
        body.extend_from_slice(b"\"}]}");
        let answer = [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat();
        for size in 1..=answer.len() {
            let mut polling = Polling::new(b"GET / HTTP/1.1\r\nLast-Event-ID: ".to_vec());
            let mut found = Vec::new();
            let asked = answer
                .chunks(size)
                .filter_map(|piece| polling.feed(piece, &mut |stamp| found.push(stamp.sequence)).unwrap());
            assert_eq!(asked.collect::<Vec<_>>(), [b"GET / HTTP/1.1\r\nLast-Event-ID: urn:uuid:7\r\n\r\n"]);
            assert_eq!(found, [7], "pieces of {size}");
        }
        let refused =
            Polling::new(Vec::new()).feed(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", &mut |_| {});
        assert_eq!(refused, Err(Ending::Refused(401)));
    }
}
