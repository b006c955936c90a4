//! Whose request it is: the peer, or whom a trusted proxy names.

use std::{borrow::Cow, net::IpAddr};

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

use crate::Scheme;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientOrigin {
    /// The client's address: canonical, so an IPv4 address is never written as an IPv6 one.
    pub address: IpAddr,
    /// How it came: as the trusted proxy says, or in clear from whom is none.
    pub scheme: Option<Scheme>,
}

/// Which fields the trusted proxies write. The others are not looked at: a proxy passes on what it does not write itself as the client sent it, so nothing
/// in the request can tell which of the two is true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedFields {
    /// `X-Forwarded-For` and `X-Forwarded-Proto`.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The client's address. Of the chain that the proxies wrote, the last one that is not a trusted proxy itself counts: what stands before it, the client
/// may have made up. An entry that names nobody (`unknown`, an obfuscated name, rubbish) ends the chain there: the last proxy that is known answers for the request.
pub fn client_origin(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet], fields: ForwardedFields) -> ClientOrigin {
    let peer = peer.to_canonical();
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(&peer) {
        // Where the proxies are known, who is none of them has come in clear. Where none is named there may be one all the same, and nothing is known.
        return ClientOrigin { address: peer, scheme: (!trusted.is_empty()).then_some(Scheme::Http) };
    }
    let hops = match fields {
        ForwardedFields::XForwarded => x_forwarded(headers),
        ForwardedFields::Forwarded => forwarded(headers),
    };
    let mut origin = ClientOrigin { address: peer, scheme: None };
    for (address, scheme) in hops.into_iter().rev() {
        origin.scheme = scheme.or(origin.scheme);
        // A proxy that names nobody ("unknown"): the last one known has to answer for the request.
        let Some(address) = address else { break };
        origin.address = address;
        if !is_trusted(&address) {
            break;
        }
    }
    origin
}

/// Whom a proxy has heard, and how.
type Hop = (Option<IpAddr>, Option<Scheme>);

/// One scheme for all hops, or one for each.
fn x_forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let schemes: Vec<_> = values(headers, &X_FORWARDED_PROTO).iter().map(|text| scheme(text)).collect();
    let addresses: Vec<_> = values(headers, &X_FORWARDED_FOR).iter().map(|text| parse(text.trim())).collect();
    if addresses.is_empty() {
        return schemes.last().map(|scheme| (None, *scheme)).into_iter().collect();
    }
    let is_each = schemes.len() == addresses.len();
    let scheme_of = |place: usize| if is_each { schemes[place] } else { schemes.last().copied().flatten() };
    addresses.into_iter().enumerate().map(|(place, address)| (address, scheme_of(place))).collect()
}

fn forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let hop = |element: &String| {
        let pair = |wanted: &str| {
            let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
            let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
            Some(value.trim_matches('"').to_owned())
        };
        (pair("for").and_then(|text| parse(&text)), pair("proto").and_then(|text| scheme(&text)))
    };
    values(headers, &header::FORWARDED).iter().map(hop).collect()
}

fn scheme(text: &str) -> Option<Scheme> {
    match text.trim().to_ascii_lowercase().as_str() {
        "https" | "wss" => Some(Scheme::Https),
        "http" | "ws" => Some(Scheme::Http),
        _ => None,
    }
}

/// The elements of all lines of a field. Bytes that are no text are an element like any other: were the line skipped for them, a client could make the
/// proxy's own words vanish.
fn values(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let lines = headers.get_all(name).into_iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    lines.flat_map(|line: Cow<'_, str>| line.split(',').map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn parse(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok().or_else(|| {
        let host = match text.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?.0,
            None => text.split_once(':')?.0,
        };
        host.parse().ok()
    })?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(peer: &str, headers: &[(HeaderName, &str)]) -> String {
        of(peer, headers).address.to_string()
    }

    fn of(peer: &str, headers: &[(HeaderName, &str)]) -> ClientOrigin {
        with(peer, headers, ForwardedFields::XForwarded)
    }

    fn with(peer: &str, headers: &[(HeaderName, &str)], fields: ForwardedFields) -> ClientOrigin {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            // A byte for each character: the field's values need not be text.
            let bytes: Vec<u8> = value.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
            map.append(name, HeaderValue::from_bytes(&bytes).unwrap());
        }
        client_origin(peer.parse().unwrap(), &map, &trusted, fields)
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let forged = [(X_FORWARDED_FOR, "192.0.2.9")];
        assert_eq!(client("198.51.100.1", &forged), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &forged), "192.0.2.9");
        assert_eq!(client("::ffff:10.0.0.1", &forged), "192.0.2.9");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_last_stranger_of_the_chain_counts() {
        assert_eq!(client("10.0.0.1", &[(X_FORWARDED_FOR, "1.1.1.1, 192.0.2.9, 10.0.0.7")]), "192.0.2.9");
        let twice = [(X_FORWARDED_FOR, "1.1.1.1"), (X_FORWARDED_FOR, "192.0.2.9")];
        assert_eq!(client("10.0.0.1", &twice), "192.0.2.9");
        assert_eq!(client("10.0.0.1", &[(X_FORWARDED_FOR, "10.0.0.3, 10.0.0.2")]), "10.0.0.3");
        assert_eq!(client("10.0.0.1", &[(X_FORWARDED_FOR, "1.1.1.1, unknown, 10.0.0.7")]), "10.0.0.7");
        assert_eq!(client("10.0.0.1", &[(X_FORWARDED_FOR, "rubbish")]), "10.0.0.1");
    }

    #[test]
    fn the_standard_header_is_read_too() {
        let of = |peer, text| with(peer, &[(header::FORWARDED, text)], ForwardedFields::Forwarded).address.to_string();
        assert_eq!(of("10.0.0.1", "for=192.0.2.9;proto=https, for=10.0.0.2"), "192.0.2.9");
        assert_eq!(of("10.0.0.1", "proto=https;For=\"[2001:db8::1]:4711\""), "2001:db8::1");
        assert_eq!(of("fd00::1", "for=192.0.2.9:80"), "192.0.2.9");
        for unreadable in
            ["for=198.51.100.7, for=unknown", "for=198.51.100.7, proto=http", "for=198.51.100.7, ", "\u{ff}"]
        {
            assert_eq!(of("10.0.0.1", unreadable), "10.0.0.1", "{unreadable}");
        }
    }

    #[test]
    fn what_the_client_wrote_never_outlives_what_the_proxy_wrote() {
        for (written, expected) in [
            ("198.51.100.7, 203.0.113.6:4711", "203.0.113.6"),
            ("198.51.100.7, [2001:db8::1]:4711", "2001:db8::1"),
            ("198.51.100.7, 2001:db8::1", "2001:db8::1"),
            ("198.51.100.7, ::ffff:203.0.113.6", "203.0.113.6"),
            ("198.51.100.7, unknown", "10.0.0.1"),
            ("198.51.100.7, _hidden", "10.0.0.1"),
            ("198.51.100.7, ", "10.0.0.1"),
            ("198.51.100.7, 203.0.113.6:4711, 10.0.0.9:80", "203.0.113.6"),
            ("\u{ff}, 203.0.113.6", "203.0.113.6"),
        ] {
            assert_eq!(client("10.0.0.1", &[(X_FORWARDED_FOR, written)]), expected, "{written}");
        }
        let lines = [(X_FORWARDED_FOR, "198.51.100.7"), (X_FORWARDED_FOR, "\u{ff}, 203.0.113.6")];
        assert_eq!(client("10.0.0.1", &lines), "203.0.113.6", "a line that is no text");
    }

    #[test]
    fn a_field_that_no_proxy_writes_is_the_clients() {
        let (x, standard) = (ForwardedFields::XForwarded, ForwardedFields::Forwarded);
        let https = (X_FORWARDED_PROTO, "https");
        for (fields, written, forged) in [
            (x, (X_FORWARDED_FOR, "203.0.113.6"), vec![(header::FORWARDED, "for=198.51.100.7;proto=https")]),
            (standard, (header::FORWARDED, "for=203.0.113.6"), vec![(X_FORWARDED_FOR, "198.51.100.7"), https]),
        ] {
            for headers in [vec![written.clone()], [vec![written], forged.clone()].concat()] {
                let expected = ClientOrigin { address: "203.0.113.6".parse().unwrap(), scheme: None };
                assert_eq!(with("10.0.0.1", &headers, fields), expected, "{headers:?}");
            }
            let alone = with("10.0.0.1", &forged, fields);
            assert_eq!(alone, ClientOrigin { address: "10.0.0.1".parse().unwrap(), scheme: None }, "{forged:?}");
        }
    }

    #[test]
    fn the_proxy_says_how_it_was_reached() {
        let scheme = |peer, headers: &[(HeaderName, &str)]| of(peer, headers).scheme;
        let https = (X_FORWARDED_PROTO, "https");
        assert_eq!(scheme("10.0.0.1", std::slice::from_ref(&https)), Some(Scheme::Https));
        let stranger = scheme("198.51.100.1", std::slice::from_ref(&https));
        assert_eq!(stranger, Some(Scheme::Http), "anybody can write that");
        let peer = "198.51.100.1".parse().unwrap();
        let nothing_known = client_origin(peer, &HeaderMap::new(), &[], ForwardedFields::XForwarded);
        assert_eq!(nothing_known.scheme, None, "there may be a proxy that was not named");
        assert_eq!(scheme("10.0.0.1", &[https.clone(), (X_FORWARDED_FOR, "192.0.2.9, 10.0.0.7")]), Some(Scheme::Https));
        let chain = [(X_FORWARDED_PROTO, "https, http"), (X_FORWARDED_FOR, "192.0.2.9, 10.0.0.7")];
        assert_eq!(scheme("10.0.0.1", &chain), Some(Scheme::Https), "the browser spoke TLS, the inner proxy did not");
        let forged = [(header::FORWARDED, "for=1.1.1.1;proto=https, for=192.0.2.9;proto=http")];
        assert_eq!(with("10.0.0.1", &forged, ForwardedFields::Forwarded).scheme, Some(Scheme::Http));
        assert_eq!(scheme("10.0.0.1", &[]), None);
    }
}
