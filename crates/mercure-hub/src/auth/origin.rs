//! Origins: which pages may do what with the hub from a browser.

use axum::http::{HeaderMap, HeaderValue, header};
use url::Url;

/// A list of allowed origins: exact, `https://*.example.org` for the subdomains of a host, or `*`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(Vec<String>);

impl Origins {
    /// What is no origin is left out: it could never be one that a browser sends.
    pub(crate) fn new(list: &[String]) -> Self {
        Self(list.iter().filter(|origin| is_origin(origin)).map(|origin| normal(origin)).collect())
    }

    pub(crate) fn any(&self) -> bool {
        self.0.iter().any(|allowed| allowed == "*")
    }

    pub(crate) fn allow(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        self.0.iter().any(|allowed| {
            allowed == "*"
                || *allowed == origin
                || allowed.split_once("*.").is_some_and(|(scheme, domain)| {
                    let host = origin.strip_prefix(scheme).and_then(|host| host.strip_suffix(domain));
                    scheme.ends_with("://")
                        && host.is_some_and(|label| label.len() > 1 && label.ends_with('.') && is_host(label))
                })
        })
    }
}

/// As a browser writes it: in small letters, and without the port that the scheme has anyway.
fn normal(origin: &str) -> String {
    let origin = origin.strip_suffix('/').unwrap_or(origin).to_ascii_lowercase();
    let port = match origin.split_once("://") {
        Some(("https", _)) => ":443",
        Some(("http", _)) => ":80",
        _ => return origin,
    };
    origin.strip_suffix(port).map(str::to_owned).unwrap_or(origin)
}

/// Whether this is an entry that a list of origins may have: a serialized origin (HTML, "origin"), whose host may begin with `*.`, or `*` for all. A path of `/` alone is
/// passed over.
pub(crate) fn is_origin(text: &str) -> bool {
    if matches!(text, "*" | "null") {
        return true;
    }
    let Some((scheme, rest)) =
        text.strip_suffix('/').filter(|rest| !rest.ends_with('/')).unwrap_or(text).split_once("://")
    else {
        return false;
    };
    let mut letters = scheme.bytes();
    let is_scheme = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let (host, port) = match rest.rsplit_once(':').filter(|_| !rest.ends_with(']')) {
        Some((host, port)) => (host, Some(port)),
        None => (rest, None),
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let name = host.strip_prefix("*.").unwrap_or(host);
    let is_name = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        // An application's own scheme may have no host at all.
        None if host.is_empty() => port.is_none() && !matches!(scheme, "http" | "https"),
        None => !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    };
    is_scheme && is_name && port.is_none_or(is_port)
}

/// Whether nothing but a host's characters stands here: an origin with a user or a path in it must not slip through a wildcard.
fn is_host(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

/// The origin of the page that sent a request: `Origin`, else that of `Referer`. More than one `Origin` is none.
pub(crate) fn of_page(headers: &HeaderMap) -> Option<String> {
    match only(headers, &header::ORIGIN) {
        Ok(Some(origin)) => origin.to_str().ok().map(str::to_owned),
        Ok(None) => {
            let referer = only(headers, &header::REFERER).ok().flatten()?.to_str().ok()?;
            Some(Url::parse(referer).ok()?.origin().ascii_serialization())
        }
        Err(Twice) => None,
    }
}

/// Whether the page comes from the host that the request was addressed to.
pub(crate) fn is_same_host(origin: &str, headers: &HeaderMap) -> bool {
    let host = only(headers, &header::HOST).ok().flatten().and_then(|host| host.to_str().ok());
    origin.split_once("://").zip(host).is_some_and(|((scheme, authority), host)| {
        matches!(scheme, "http" | "https") && authority.eq_ignore_ascii_case(host) && !authority.is_empty()
    })
}

/// The header stands there more than once.
pub(crate) struct Twice;

/// The value of a header that may stand once at most.
pub(crate) fn only<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Result<Option<&'a HeaderValue>, Twice> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Twice),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn origins_are_compared_whole() {
        let origins = Origins::new(&[
            "https://chat.example".into(),
            "https://*.example.org".into(),
            "capacitor://localhost".into(),
            "null".into(),
        ]);
        for origin in [
            "https://chat.example",
            "HTTPS://CHAT.example",
            "https://a.example.org",
            "https://a.b.example.org",
            "capacitor://localhost",
            "null",
        ] {
            assert!(origins.allow(origin), "{origin}");
        }
        for origin in [
            "http://chat.example",
            "https://chat.example:8443",
            "https://chat.example.evil",
            "https://evilexample.org",
            "https://example.org",
            "https://.example.org",
            "https://evil.test/.example.org",
            "https://x@a.example.org",
            "",
        ] {
            assert!(!origins.allow(origin), "{origin}");
        }
        assert!(
            Origins::new(&["*".into()]).allow("https://anything.test")
                && !Origins::default().allow("https://anything.test")
        );
    }

    #[test]
    fn what_a_list_may_hold() {
        for origin in [
            "*",
            "null",
            "https://chat.example",
            "https://chat.example/",
            "HTTP://Chat.Example:8080",
            "https://*.example.com",
            "https://*.example.com:8443",
            "http://localhost:3000",
            "http://127.0.0.1:8000",
            "http://[::1]:8000",
            "https://[2001:db8::1]",
            "capacitor://localhost",
            "capacitor://",
            "chrome-extension://abcdefgh",
        ] {
            assert!(is_origin(origin), "{origin}");
        }
        for origin in [
            "",
            "chat.example",
            "chat.example:443",
            "//chat.example",
            "https://",
            "https:///",
            "https://chat.example//",
            "https://chat.example/path",
            "https://user@chat.example",
            "https://user:secret@chat.example",
            "https://chat.example?query",
            "https://chat.example/?query",
            "https://chat.example#fragment",
            "https://chat.example:port",
            "https://chat.example:99999",
            "https://chat.example:",
            "https://chat.example:+1",
            "https://*.*.example",
            "https://a.*.example",
            "https://*",
            "https://*.",
            "https://[::x]",
            "https://[::1",
            "https://chat example",
            "https://exämple.com",
            "1http://x",
            "NULL",
            "**",
        ] {
            assert!(!is_origin(origin), "{origin}");
        }
    }

    #[test]
    fn a_default_port_is_the_same_as_none() {
        let origins = Origins::new(&["https://chat.example:443".into(), "http://Chat.example:80/".into()]);
        assert!(origins.allow("https://chat.example") && origins.allow("http://chat.example"));
        assert!(!origins.allow("https://chat.example:80"));
        assert!(!Origins::new(&["https://chat.example/path".into()]).allow("https://chat.example/path"));
    }

    #[test]
    fn the_page_is_known_by_origin_and_else_by_referer() {
        assert_eq!(
            of_page(&headers(&[("origin", "https://a.test"), ("referer", "https://b.test/x")])).as_deref(),
            Some("https://a.test")
        );
        assert_eq!(
            of_page(&headers(&[("referer", "https://b.test:8443/x?y")])).as_deref(),
            Some("https://b.test:8443")
        );
        assert_eq!(of_page(&headers(&[("referer", "nonsense")])), None);
        assert_eq!(of_page(&headers(&[])), None);
        let mut twice = headers(&[("origin", "https://a.test")]);
        twice.append(header::ORIGIN, HeaderValue::from_static("https://b.test"));
        assert_eq!(of_page(&twice), None);
    }

    #[test]
    fn the_same_host_includes_the_port() {
        let request = headers(&[("host", "chat.example:8080")]);
        for (origin, same) in [
            ("http://chat.example:8080", true),
            ("https://Chat.example:8080", true),
            ("http://chat.example", false),
            ("null", false),
        ] {
            assert_eq!(is_same_host(origin, &request), same, "{origin}");
        }
        assert!(!is_same_host("http://", &headers(&[("host", "")])));
    }
}
