//! Under which address the hub is reached: whether a request may use it, what tokens must be meant for, and where the hub's metadata stands.

use axum::http::{HeaderValue, header, request::Parts, uri::Authority};
use url::Url;

use crate::auth::{origin, trust::Tokens};

/// Where metadata of protected resources stand (RFC 9728 section 3.1); the path of the resource follows.
const METADATA: &str = "/.well-known/oauth-protected-resource";

/// Over what a request came, for those who accept connections to put into its extensions: what arrives in clear behind a proxy may have been sent
/// encrypted, so without this the hub takes the scheme of the public URL with the same host, or believes the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In clear all the way.
    Http,
    /// Encrypted, by this server or by a trusted proxy before it.
    Https,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The addresses of a hub.
#[derive(Debug)]
pub(crate) struct Addresses {
    path: String,
    /// The pinned resource identifier.
    resource: Option<String>,
    /// Whether only the public URLs are served.
    restricted: bool,
    public: Vec<Url>,
}

/// How one request named the hub. Cheap to keep: the texts are shared with the request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    scheme: Option<Scheme>,
    /// The scheme that the request claims (HTTP/2).
    claimed: Scheme,
    authority: Option<HeaderValue>,
}

impl Asked {
    pub(crate) fn of(parts: &Parts) -> Self {
        let authority = match parts.uri.authority() {
            Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
            None => origin::only(&parts.headers, &header::HOST).ok().flatten().cloned(),
        };
        let claimed = if parts.uri.scheme_str() == Some("https") { Scheme::Https } else { Scheme::Http };
        Self { scheme: parts.extensions.get().copied(), claimed, authority }
    }

    /// Host and port, if they are nothing else.
    fn authority(&self) -> Option<&str> {
        let text = self.authority.as_ref()?.to_str().ok()?;
        text.parse::<Authority>().ok().filter(|authority| !authority.as_str().contains('@'))?;
        Some(text)
    }
}

impl Addresses {
    pub(crate) fn new(path: &str, tokens: &Tokens) -> Self {
        let public = tokens.public_urls.iter().filter_map(|url| Url::parse(url).ok());
        Self {
            path: path.to_owned(),
            resource: tokens.resource_identifier.clone(),
            restricted: !tokens.public_urls.is_empty(),
            public: public.filter(Url::has_host).collect(),
        }
    }

    /// Whether the hub answers for this host.
    pub(crate) fn serve(&self, asked: &Asked) -> bool {
        !self.restricted || self.public(asked).is_some()
    }

    /// The public URL that was asked for.
    fn public(&self, asked: &Asked) -> Option<&Url> {
        let authority = asked.authority()?;
        self.public.iter().find(|url| {
            let host = url.host_str().unwrap_or_default();
            let rest = authority.get(..host.len()).filter(|start| start.eq_ignore_ascii_case(host));
            let port = rest.and_then(|_| authority.get(host.len()..));
            let same_port = port.is_some_and(|port| match port.strip_prefix(':') {
                Some(port) => port.parse().ok() == url.port_or_known_default(),
                None => port.is_empty() && url.port().is_none(),
            });
            same_port && asked.scheme.is_none_or(|scheme| scheme.name() == url.scheme())
        })
    }

    /// What the `aud` of a token must contain.
    pub(crate) fn resource(&self, asked: &Asked) -> Option<String> {
        self.resource.clone().or_else(|| {
            let base = match self.public(asked) {
                Some(url) => url.clone(),
                None => {
                    let scheme = asked.scheme.unwrap_or(asked.claimed);
                    // Puts the host into lower case and leaves the scheme's own port out.
                    Url::parse(&format!("{}://{}", scheme.name(), asked.authority()?)).ok()?
                }
            };
            Some(format!("{}{}", base.origin().ascii_serialization(), self.path))
        })
    }

    /// Where the metadata of that resource stand.
    pub(crate) fn metadata(&self, asked: &Asked) -> Option<String> {
        let resource =
            Url::parse(&self.resource(asked)?).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        Some(format!("{}{}", resource.origin().ascii_serialization(), metadata_path(resource.path())))
    }

    /// The paths that answer with metadata: that of the hub, and that of a resource identifier which names another.
    pub(crate) fn metadata_paths(&self) -> Vec<String> {
        let own = metadata_path(&self.path);
        let pinned = self.resource.as_deref().and_then(|resource| Url::parse(resource).ok());
        let pinned = pinned.filter(Url::has_host).map(|url| metadata_path(url.path()));
        // The router would take braces for a parameter.
        let pinned = pinned.filter(|path| *path != own && !path.contains(['{', '}']));
        [own].into_iter().chain(pinned).collect()
    }

    /// The hub's own URL, as far as it is known before a request comes: the resource identifier if it is one, else the first public URL's host with the hub's path.
    pub(crate) fn base(&self) -> Option<Url> {
        let pinned = self.resource.as_deref().and_then(|resource| Url::parse(resource).ok());
        pinned.filter(|url| url.has_host() && url.path().ends_with(&self.path)).or_else(|| {
            let mut url = self.public.first()?.clone();
            url.set_path(&self.path);
            url.set_query(None);
            url.set_fragment(None);
            Some(url)
        })
    }
}

fn metadata_path(path: &str) -> String {
    format!("{METADATA}{}", path.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    const PATH: &str = "/.well-known/mercure";

    fn asked(host: &str, scheme: Option<Scheme>) -> Asked {
        let mut request = Request::get(PATH).header("host", host);
        if let Some(scheme) = scheme {
            request = request.extension(scheme);
        }
        Asked::of(&request.body(()).unwrap().into_parts().0)
    }

    fn addresses(resource: Option<&str>, public: &[&str]) -> Addresses {
        let tokens = Tokens {
            resource_identifier: resource.map(str::to_owned),
            public_urls: public.iter().map(ToString::to_string).collect(),
            ..Tokens::default()
        };
        Addresses::new(PATH, &tokens)
    }

    #[test]
    fn without_a_pin_each_host_is_a_resource() {
        let addresses = addresses(None, &[]);
        for (host, scheme, resource) in [
            ("hub.test", None, Some("http://hub.test/.well-known/mercure")),
            ("HUB.test:80", None, Some("http://hub.test/.well-known/mercure")),
            ("hub.test:8080", None, Some("http://hub.test:8080/.well-known/mercure")),
            ("hub.test:443", Some(Scheme::Https), Some("https://hub.test/.well-known/mercure")),
            ("[::1]:3000", None, Some("http://[::1]:3000/.well-known/mercure")),
            ("evil@hub.test", None, None),
            ("hub.test/path", None, None),
            ("hub.test\"x", None, None),
            ("", None, None),
        ] {
            assert_eq!(addresses.resource(&asked(host, scheme)).as_deref(), resource, "{host}");
        }
        let request = Request::get("https://hub.test/x").header("host", "other.test").body(()).unwrap();
        let by_uri = Asked::of(&request.into_parts().0);
        assert_eq!(addresses.resource(&by_uri).as_deref(), Some("https://hub.test/.well-known/mercure"));
    }

    #[test]
    fn only_the_public_addresses_are_served_where_they_are_listed() {
        let addresses = addresses(None, &["https://hub.example/anything", "http://internal:3000"]);
        for (host, scheme, served) in [
            ("hub.example", None, true),
            ("HUB.EXAMPLE:443", None, true),
            ("hub.example", Some(Scheme::Https), true),
            ("hub.example", Some(Scheme::Http), false),
            ("hub.example:80", None, false),
            ("hub.example.evil.test", None, false),
            ("hub.exampleX", None, false),
            ("internal:3000", None, true),
            ("internal", None, false),
            ("other.example", None, false),
            ("", None, false),
        ] {
            assert_eq!(addresses.serve(&asked(host, scheme)), served, "{host} {scheme:?}");
        }
        let resource = addresses.resource(&asked("hub.example", None));
        assert_eq!(resource.as_deref(), Some("https://hub.example/.well-known/mercure"), "encrypted before the proxy");
        assert!(
            !super::tests::addresses(None, &["no URL"]).serve(&asked("no URL", None)),
            "a typing error opens nothing"
        );
    }

    #[test]
    fn the_pinned_identifier_holds_for_every_host() {
        let pinned = addresses(Some("https://public.example/hub/.well-known/mercure"), &[]);
        let request = asked("10.0.0.7:3000", None);
        assert_eq!(pinned.resource(&request).as_deref(), Some("https://public.example/hub/.well-known/mercure"));
        assert_eq!(
            pinned.metadata(&request).as_deref(),
            Some("https://public.example/.well-known/oauth-protected-resource/hub/.well-known/mercure")
        );
        assert_eq!(pinned.metadata_paths().len(), 2);
        assert_eq!(pinned.base().unwrap().as_str(), "https://public.example/hub/.well-known/mercure");
        let name = addresses(Some("urn:example:hub"), &[]);
        assert_eq!((name.metadata(&request), name.base()), (None, None));
        assert_eq!(name.metadata_paths(), ["/.well-known/oauth-protected-resource/.well-known/mercure"]);
        assert_eq!(
            addresses(None, &["https://a.test/x?y"]).base().unwrap().as_str(),
            "https://a.test/.well-known/mercure"
        );
    }
}
