//! `SERVER_NAME`: names as the reference image reads them, into ports and kinds of certificates.

use std::net::IpAddr;

/// One name to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// The host, when one is named.
    pub(crate) host: Option<String>,
    pub(crate) port: u16,
    pub(crate) is_secure: bool,
}

/// All names of the setting.
pub(crate) fn sites(text: &str) -> Result<Vec<Site>, String> {
    let names = text.split(|char: char| char == ',' || char.is_whitespace()).filter(|name| !name.is_empty());
    names.map(site).collect()
}

fn site(name: &str) -> Result<Site, String> {
    let wrong =
        |why: &str| format!("{name:?} {why}; write :80, localhost, hub.example.com or http://hub.example.com:8080");
    let (scheme, rest) = match name.split_once("://") {
        Some(("http", rest)) => (Some(false), rest),
        Some(("https", rest)) => (Some(true), rest),
        Some(_) => return Err(wrong("has a scheme that is neither http nor https")),
        None => (None, name),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#', '@', '{', '}']) {
        return Err(wrong("is more than a name and a port"));
    }
    let (host, port) = host_and_port(rest).ok_or_else(|| wrong("has a port that is none"))?;
    let host = Some(host.to_ascii_lowercase()).filter(|host| !host.is_empty());
    let is_secure = match (scheme, port, &host) {
        (Some(is_secure), ..) => is_secure,
        (None, Some(80), _) => false,
        (None, Some(443), _) => true,
        // A port alone: there is no name to certify.
        (None, _, None) => false,
        (None, _, Some(_)) => true,
    };
    if host.is_none() && port.is_none() {
        return Err(wrong("names nothing"));
    }
    if host.as_ref().is_some_and(|host| !is_host(host)) {
        return Err(wrong("has a host that is none"));
    }
    Ok(Site { host, port: port.unwrap_or(if is_secure { 443 } else { 80 }), is_secure })
}

/// `host`, `host:80`, `:80`, `[::1]:80`, `::1`. `None` when the port is no number.
fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    if text.parse::<IpAddr>().is_ok() {
        return Some((text, None));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (host, behind) = rest.split_once(']')?;
        return match behind.strip_prefix(':') {
            Some(port) => Some((host, Some(port.parse().ok()?))),
            None => behind.is_empty().then_some((host, None)),
        };
    }
    match text.rsplit_once(':') {
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((text, None)),
    }
}

fn is_host(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
        || host.strip_prefix("*.").unwrap_or(host).split('.').all(|label| {
            !label.is_empty() && label.chars().all(|char| char.is_ascii_alphanumeric() || char == '-' || char == '_')
        })
}

/// Names that no public authority certifies: the machine itself, addresses, private networks.
pub(crate) fn is_local(host: &str) -> bool {
    let tld = host.rsplit('.').next().unwrap_or_default();
    host.parse::<IpAddr>().is_ok()
        || !host.contains('.')
        || matches!(tld, "localhost" | "local" | "internal" | "test" | "lan")
        || host.ends_with(".home.arpa")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> (Option<String>, u16, bool) {
        let sites = sites(text).unwrap();
        let [site] = sites.as_slice() else { panic!("{sites:?}") };
        (site.host.clone(), site.port, site.is_secure)
    }

    #[test]
    fn names_are_read_as_the_reference_reads_them() {
        for (text, host, port, is_secure) in [
            (":80", None, 80, false),
            (":8080", None, 8080, false),
            (":443", None, 443, true),
            ("localhost", Some("localhost"), 443, true),
            ("localhost:8443", Some("localhost"), 8443, true),
            ("localhost:80", Some("localhost"), 80, false),
            ("http://localhost", Some("localhost"), 80, false),
            ("http://Hub.example.com:3000", Some("hub.example.com"), 3000, false),
            ("https://hub.example.com/", Some("hub.example.com"), 443, true),
            ("http://:9080", None, 9080, false),
            ("[::1]:8080", Some("::1"), 8080, true),
            ("::1", Some("::1"), 443, true),
            ("*.example.com", Some("*.example.com"), 443, true),
        ] {
            assert_eq!(one(text), (host.map(str::to_owned), port, is_secure), "{text}");
        }
        assert_eq!(sites("a.example, b.example :80").unwrap().len(), 3);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["ftp://x", "x:port", "x/y", "http://", "a b/c", "x:99999", "ex ample..com", "[::1", "{$NAME}"] {
            assert!(sites(text).is_err(), "{text}");
        }
    }

    #[test]
    fn local_names_are_known() {
        for host in ["localhost", "127.0.0.1", "::1", "mercure", "hub.localhost", "hub.internal"] {
            assert!(is_local(host), "{host}");
        }
        assert!(!is_local("hub.example.com"));
    }
}
