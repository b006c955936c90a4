//! Forms: bodies of bounded size, and the `application/x-www-form-urlencoded` parser (WHATWG URL, section 5.1), without its leniency about broken UTF-8.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::http::reply::Refusal;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// What a request says that its body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    Form,
    Missing,
    Other,
}

pub(crate) fn media_type(headers: &HeaderMap) -> MediaType {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return MediaType::Missing;
    };
    let name = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if name.eq_ignore_ascii_case("application/x-www-form-urlencoded") { MediaType::Form } else { MediaType::Other }
}

/// The whole body, of `limit` bytes at most; zero is no limit.
pub(crate) async fn read_body(body: Body, limit: usize) -> Result<Vec<u8>, Refusal> {
    let limit = if limit == 0 { usize::MAX } else { limit };
    let read = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, limit).collect());
    match read.await {
        Err(_) => Err(Refusal::Timeout),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge),
        Ok(Err(_)) => Err(Refusal::Bad("Unreadable body")),
        Ok(Ok(body)) => Ok(body.to_bytes().into()),
    }
}

/// The pairs of a query or a body, decoded to bytes. A name without `=` has an empty value.
pub(crate) fn pairs(input: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    input.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let mut parts = pair.splitn(2, |&byte| byte == b'=');
        let name = decode(parts.next().unwrap_or_default());
        (name, decode(parts.next().unwrap_or_default()))
    })
}

fn decode(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len());
    let mut rest = input;
    loop {
        rest = match rest {
            [] => return out,
            [b'+', tail @ ..] => {
                out.push(b' ');
                tail
            }
            [b'%', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(hex(*high) << 4 | hex(*low));
                tail
            }
            [byte, tail @ ..] => {
                out.push(*byte);
                tail
            }
        };
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_as_browsers_do() {
        let read = |input: &str| {
            pairs(input.as_bytes())
                .map(|(name, value)| format!("{}|{}", String::from_utf8_lossy(&name), String::from_utf8_lossy(&value)))
                .collect::<Vec<_>>()
        };
        assert_eq!(read("a=1&b=2"), ["a|1", "b|2"]);
        assert_eq!(read("&&a&=b&c==&"), ["a|", "|b", "c|="]);
        assert_eq!(read("a+b=%2B+%26%3d"), ["a b|+ &="]);
        assert_eq!(read("%74opic=caf%C3%A9"), ["topic|café"]);
        assert_eq!(read("a=100%&b=%zz%4&c=%%41"), ["a|100%", "b|%zz%4", "c|%A"]);
        assert_eq!(read(""), Vec::<String>::new());
        assert_eq!(pairs(b"a=%ff").next(), Some((b"a".to_vec(), vec![0xff])));
    }
}
