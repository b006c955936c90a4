//! Whose request it is: the peer, or whom a trusted proxy names.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address. Of the chain that the proxies wrote, the last one that is not a trusted proxy itself counts: what stands before it, the client
/// may have made up. `Forwarded` (RFC 7239) wins over `X-Forwarded-For`.
pub(crate) fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(&peer) {
        return peer;
    }
    let named = if headers.contains_key(header::FORWARDED) {
        forwarded(headers)
    } else {
        values(headers, &X_FORWARDED_FOR).map(|text| parse(text.trim())).collect()
    };
    let mut client = peer;
    for address in named.into_iter().rev() {
        // A proxy that names nobody ("unknown"): the last one known has to answer for the request.
        let Some(address) = address else { break };
        client = address;
        if !is_trusted(&client) {
            break;
        }
    }
    client
}

fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','))
}

fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let address = |element: &str| {
        let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
        parse(value.trim_matches('"'))
    };
    values(headers, &header::FORWARDED).map(address).collect()
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
    use super::*;

    fn client(peer: &str, headers: &[(HeaderName, &str)]) -> String {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value.parse().unwrap());
        }
        address(peer.parse().unwrap(), &map, &trusted).to_string()
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
        let header = |text| [(header::FORWARDED, text)];
        assert_eq!(client("10.0.0.1", &header("for=192.0.2.9;proto=https, for=10.0.0.2")), "192.0.2.9");
        assert_eq!(client("10.0.0.1", &header("proto=https;For=\"[2001:db8::1]:4711\"")), "2001:db8::1");
        assert_eq!(client("fd00::1", &header("for=192.0.2.9:80")), "192.0.2.9");
        let both = [(header::FORWARDED, "for=192.0.2.9"), (X_FORWARDED_FOR, "192.0.2.8")];
        assert_eq!(client("10.0.0.1", &both), "192.0.2.9");
    }
}
