//! WebSocket frames (RFC 6455 section 5): the server's are written whole and shared, the client's are read within a hard limit.

use bytes::{BufMut, Bytes, BytesMut};

/// The longest message a client may send.
pub(crate) const MAX_MESSAGE: usize = 4_096;

const FIN: u8 = 0x80;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
const MASKED: u8 = 0x80;

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    Text(String),
    Ping(Bytes),
    Pong,
    /// With the code to be echoed, if one was given.
    Close(Option<u16>),
}

/// What a client must not send, as the close code that it earns (RFC 6455 section 7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Violation(pub(crate) u16, pub(crate) &'static str);

/// A whole text message.
pub(crate) fn text(message: &str) -> Bytes {
    encode(TEXT, message.as_bytes())
}

/// A ping without content.
pub(crate) fn ping() -> Bytes {
    Bytes::from_static(&[FIN | PING, 0])
}

/// The answer to a ping, with the same content.
pub(crate) fn pong(content: &[u8]) -> Bytes {
    encode(PONG, content)
}

/// A close frame. The reason is cut to what a control frame holds.
pub(crate) fn close(code: Option<u16>, reason: &str) -> Bytes {
    let Some(code) = code else {
        return encode(CLOSE, &[]);
    };
    let mut content = code.to_be_bytes().to_vec();
    content.extend(reason.bytes().take(123));
    encode(CLOSE, &content)
}

fn encode(opcode: u8, content: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(content.len() + 10);
    out.put_u8(FIN | opcode);
    match (u8::try_from(content.len()), u16::try_from(content.len())) {
        (Ok(short), _) if short < 126 => out.put_u8(short),
        (_, Ok(medium)) => {
            out.put_u8(126);
            out.put_u16(medium);
        }
        (_, Err(_)) => {
            out.put_u8(127);
            out.put_u64(content.len() as u64);
        }
    }
    out.put_slice(content);
    out.freeze()
}

/// Takes one frame from the front of the buffer, if it is complete. What breaks a rule is reported as soon as the head shows it, so that
/// a length of 2^63 costs nothing.
pub(crate) fn decode(buffer: &mut BytesMut) -> Result<Option<Incoming>, Violation> {
    let &[first, second, ..] = buffer.as_ref() else {
        return Ok(None);
    };
    let opcode = first & 0x0F;
    if first & 0x70 != 0 {
        return Err(Violation(1002, "reserved bits"));
    }
    if second & MASKED == 0 {
        return Err(Violation(1002, "not masked"));
    }
    let short = usize::from(second & 0x7F);
    match opcode {
        TEXT if first & FIN == 0 => return Err(Violation(1003, "fragments are not taken")),
        TEXT => {}
        BINARY => return Err(Violation(1003, "text only")),
        CLOSE | PING | PONG if first & FIN == 0 || short > 125 => {
            return Err(Violation(1002, "bad control frame"));
        }
        CLOSE | PING | PONG => {}
        _ => return Err(Violation(1002, "unexpected opcode")),
    }
    let (extra, length) = match (short, buffer.as_ref()) {
        (126, &[_, _, a, b, ..]) => (2, usize::from(u16::from_be_bytes([a, b]))),
        (127, &[_, _, a, b, c, d, e, f, g, h, ..]) => {
            (8, usize::try_from(u64::from_be_bytes([a, b, c, d, e, f, g, h])).unwrap_or(usize::MAX))
        }
        (126 | 127, _) => return Ok(None),
        (_, _) => (0, short),
    };
    if length > MAX_MESSAGE {
        return Err(Violation(1009, "message too long"));
    }
    let head = 2 + extra + 4;
    if buffer.len() < head + length {
        return Ok(None);
    }
    let head = buffer.split_to(head);
    let mut content = buffer.split_to(length);
    let mask = head.get(head.len() - 4..).unwrap_or_default();
    for (byte, key) in content.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
    read(opcode, content.freeze()).map(Some)
}

fn read(opcode: u8, content: Bytes) -> Result<Incoming, Violation> {
    match opcode {
        PING => Ok(Incoming::Ping(content)),
        PONG => Ok(Incoming::Pong),
        CLOSE => match content.as_ref() {
            [] => Ok(Incoming::Close(None)),
            &[a, b, ref reason @ ..]
                if is_close_code(u16::from_be_bytes([a, b])) && std::str::from_utf8(reason).is_ok() =>
            {
                Ok(Incoming::Close(Some(u16::from_be_bytes([a, b]))))
            }
            _ => Err(Violation(1002, "bad close frame")),
        },
        _ => String::from_utf8(content.into()).map(Incoming::Text).map_err(|_| Violation(1007, "not UTF-8")),
    }
}

/// Whether a peer may send this code (RFC 6455 section 7.4).
fn is_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client's frame, masked.
    fn client(first: u8, content: &[u8]) -> BytesMut {
        let server = encode(first & 0x0F, content);
        let head = server.len() - content.len();
        let mask = [7, 0, 255, 42];
        let mut out = BytesMut::from(&server[..head]);
        out[0] = first;
        out[1] |= MASKED;
        out.extend_from_slice(&mask);
        out.extend(content.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
        out
    }

    fn violation(bytes: &[u8]) -> u16 {
        decode(&mut BytesMut::from(bytes)).unwrap_err().0
    }

    #[test]
    fn lengths_take_the_shortest_form() {
        for (length, head) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            assert_eq!(encode(TEXT, &vec![b'a'; length]).len(), head + length);
        }
    }

    #[test]
    fn every_text_comes_back_however_the_bytes_arrive() {
        for text in ["", "a", "é名👩", &"x".repeat(125), &"x".repeat(126), &"y".repeat(MAX_MESSAGE)] {
            let whole = client(FIN | TEXT, text.as_bytes());
            let mut buffer = BytesMut::new();
            for (at, byte) in whole.iter().enumerate() {
                assert_eq!(decode(&mut buffer), Ok(None), "after {at} bytes");
                buffer.put_u8(*byte);
            }
            assert_eq!(decode(&mut buffer), Ok(Some(Incoming::Text(text.to_owned()))));
            assert!(buffer.is_empty());
        }
    }

    #[test]
    fn frames_are_taken_one_by_one() {
        let mut buffer = client(FIN | PING, b"now");
        buffer.unsplit(client(FIN | PONG, b""));
        buffer.unsplit(client(FIN | CLOSE, &[0x03, 0xE8, b'o', b'k']));
        buffer.unsplit(client(FIN | CLOSE, &[]));
        assert_eq!(decode(&mut buffer), Ok(Some(Incoming::Ping(Bytes::from_static(b"now")))));
        assert_eq!(decode(&mut buffer), Ok(Some(Incoming::Pong)));
        assert_eq!(decode(&mut buffer), Ok(Some(Incoming::Close(Some(1000)))));
        assert_eq!(decode(&mut buffer), Ok(Some(Incoming::Close(None))));
        assert_eq!(decode(&mut buffer), Ok(None));
    }

    #[test]
    fn hostile_frames_are_refused_at_their_head() {
        assert_eq!(violation(&[FIN | TEXT, 0x05]), 1002, "not masked");
        assert_eq!(violation(&[FIN | 0x40 | TEXT, MASKED]), 1002, "reserved bit");
        assert_eq!(violation(&[TEXT, MASKED]), 1003, "fragment");
        assert_eq!(violation(&[FIN, MASKED]), 1002, "continuation of nothing");
        assert_eq!(violation(&[FIN | BINARY, MASKED]), 1003, "binary");
        assert_eq!(violation(&[FIN | 0x3, MASKED]), 1002, "unknown opcode");
        assert_eq!(violation(&[PING, MASKED]), 1002, "fragmented ping");
        assert_eq!(violation(&[FIN | PING, MASKED | 126]), 1002, "long ping");
        assert_eq!(violation(&[FIN | TEXT, MASKED | 126, 0x10, 0x01]), 1009, "4,097 bytes");
        assert_eq!(
            violation(&[FIN | TEXT, MASKED | 127, 255, 255, 255, 255, 255, 255, 255, 255]),
            1009,
            "2^64 - 1 bytes"
        );
        assert_eq!(violation(&[FIN | TEXT, MASKED | 127, 0x80, 0, 0, 0, 0, 0, 0, 0]), 1009, "2^63 bytes");
        assert_eq!(violation(&client(FIN | TEXT, b"\xff")), 1007);
        assert_eq!(violation(&client(FIN | CLOSE, b"\x03")), 1002, "half a code");
        assert_eq!(violation(&client(FIN | CLOSE, &1005_u16.to_be_bytes())), 1002, "a code that is never sent");
        assert_eq!(violation(&client(FIN | CLOSE, b"\x03\xe8\xff")), 1002, "a reason that is not UTF-8");
    }

    #[test]
    fn a_long_reason_is_cut() {
        assert_eq!(close(Some(1008), &"r".repeat(500)).len(), 2 + 125);
    }
}
