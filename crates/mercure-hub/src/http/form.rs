//! The `application/x-www-form-urlencoded` parser (WHATWG URL, section 5.1), without its leniency about broken UTF-8.

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
