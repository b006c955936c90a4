//! What is put under load: an address, the way it is spoken to, and the requests in its language.

use crate::stamp::Stamp;
use clap::ValueEnum;
use serde::Serialize;
use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use url::Url;

/// How a subscriber listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// An event stream.
    Sse,
    /// A WebSocket at the same address.
    Websocket,
    /// Long poll at the same address, as this hub has it.
    Poll,
}

impl Transport {
    /// As it stands in a table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sse => "SSE",
            Self::Websocket => "WebSocket",
            Self::Poll => "long poll",
        }
    }
}

/// The name of topic number `number`.
pub(crate) fn topic(number: usize) -> String {
    format!("https://bench.example/t/{number}")
}

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The Mercure protocol: a form is posted, `topic` is subscribed to.
    Mercure,
    /// What the rivals are given: `POST /publish?topic=T` with the payload as the body, `GET /subscribe?topic=T`.
    Plain,
}

/// A server under load.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) dialect: Dialect,
    host: String,
    path: String,
    publisher_token: Option<String>,
    subscriber_token: Option<String>,
    private: bool,
}

/// Why a target can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadTarget {
    /// Only plain HTTP is spoken.
    #[error("the target must be an http:// address: put the load on the hub itself, not on the TLS in front of it")]
    Scheme,
    /// The name leads nowhere.
    #[error("the target's host can't be found")]
    Host,
    /// Load on somebody else's machine.
    #[error("the target is not on this machine; say --i-own-the-target if it is yours and may be put under load")]
    Foreign,
}

impl Target {
    /// A target at this address. Addresses off this machine need `owned`.
    pub(crate) fn new(url: &Url, dialect: Dialect, owned: bool) -> Result<Self, BadTarget> {
        if url.scheme() != "http" {
            return Err(BadTarget::Scheme);
        }
        let host = url.host_str().ok_or(BadTarget::Host)?;
        let port = url.port_or_known_default().ok_or(BadTarget::Host)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let address = (bare, port).to_socket_addrs().ok().and_then(|mut found| found.next()).ok_or(BadTarget::Host)?;
        if !owned && !address.ip().is_loopback() {
            return Err(BadTarget::Foreign);
        }
        Ok(Self {
            address,
            dialect,
            host: format!("{host}:{port}"),
            path: url.path().to_owned(),
            publisher_token: None,
            subscriber_token: None,
            private: false,
        })
    }

    /// With tokens, and whether updates are private (they then reach only those who show a token).
    pub(crate) fn with_tokens(self, publisher: Option<String>, subscriber: Option<String>, private: bool) -> Self {
        Self { publisher_token: publisher, subscriber_token: subscriber, private, ..self }
    }

    /// Appends the request that publishes one message to topic number `topic`, `payload` bytes long.
    pub(crate) fn publish(&self, out: &mut Vec<u8>, topic: usize, stamp: Stamp, payload: usize) {
        let mut body = Vec::with_capacity(payload + 96);
        match self.dialect {
            Dialect::Mercure => {
                put(&mut body, format_args!("topic=https%3A%2F%2Fbench.example%2Ft%2F{topic}"));
                if self.private {
                    body.extend_from_slice(b"&private=on");
                }
                body.extend_from_slice(b"&data=");
                put(out, format_args!("POST {} HTTP/1.1\r\nHost: {}\r\n", self.path, self.host));
                out.extend_from_slice(b"Content-Type: application/x-www-form-urlencoded\r\n");
                bearer(out, self.publisher_token.as_deref());
            }
            Dialect::Plain => {
                put(out, format_args!("POST /publish?topic=t{topic} HTTP/1.1\r\nHost: {}\r\n", self.host));
                out.extend_from_slice(b"Content-Type: text/plain\r\n");
            }
        }
        stamp.write(&mut body, payload);
        put(out, format_args!("Content-Length: {}\r\n\r\n", body.len()));
        out.extend_from_slice(&body);
    }

    /// Appends the request that subscribes to topic number `topic`; for a poll the first one, which is answered at once.
    pub(crate) fn subscribe(&self, out: &mut Vec<u8>, topic: usize, transport: Transport) {
        self.ask(out, topic, if transport == Transport::Poll { "&wait=0" } else { "" });
        out.extend_from_slice(match transport {
            Transport::Sse => b"Accept: text/event-stream\r\n\r\n".as_slice(),
            Transport::Poll => b"Accept: application/json\r\n\r\n",
            // The key is any sixteen bytes; the answer to it is not checked.
            Transport::Websocket => {
                b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Key: bWVyY3VyZS1iZW5jaC4uLg==\r\n\r\n"
            }
        });
    }

    /// A poll of topic number `topic` up to the id to go on from.
    pub(crate) fn poll(&self, topic: usize) -> Vec<u8> {
        let mut out = Vec::new();
        self.ask(&mut out, topic, "");
        out.extend_from_slice(b"Accept: application/json\r\nLast-Event-ID: ");
        out
    }

    fn ask(&self, out: &mut Vec<u8>, topic: usize, more: &str) {
        match self.dialect {
            Dialect::Mercure => {
                let path = &self.path;
                put(out, format_args!("GET {path}?topic=https%3A%2F%2Fbench.example%2Ft%2F{topic}{more} HTTP/1.1\r\n"));
            }
            Dialect::Plain => put(out, format_args!("GET /subscribe?topic=t{topic} HTTP/1.1\r\n")),
        }
        put(out, format_args!("Host: {}\r\n", self.host));
        if self.dialect == Dialect::Mercure {
            bearer(out, self.subscriber_token.as_deref());
        }
    }
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a vector never fails.
    let _ = out.write_fmt(text);
}

fn bearer(out: &mut Vec<u8>, token: Option<&str>) {
    if let Some(token) = token {
        put(out, format_args!("Authorization: Bearer {token}\r\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str, owned: bool) -> Result<Target, BadTarget> {
        Target::new(&Url::parse(url).unwrap(), Dialect::Mercure, owned)
    }

    #[test]
    fn only_this_machine_is_put_under_load_unless_somebody_takes_responsibility() {
        assert!(target("http://127.0.0.1:3000/.well-known/mercure", false).is_ok());
        assert!(target("http://[::1]:3000/.well-known/mercure", false).is_ok());
        assert!(matches!(target("http://192.0.2.1/.well-known/mercure", false), Err(BadTarget::Foreign)));
        assert!(target("http://192.0.2.1/.well-known/mercure", true).is_ok());
        assert!(matches!(target("https://127.0.0.1/", true), Err(BadTarget::Scheme)));
    }

    #[test]
    fn a_publish_names_its_length_and_its_topic() {
        let target = target("http://127.0.0.1:3000/.well-known/mercure", false).unwrap();
        let target = target.with_tokens(Some("abc".into()), None, true);
        let mut out = Vec::new();
        target.publish(&mut out, 7, Stamp { sequence: 1, due: 2 }, 200);
        let text = String::from_utf8(out).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /.well-known/mercure HTTP/1.1\r\nHost: 127.0.0.1:3000\r\n"), "{head}");
        assert!(
            head.contains("Authorization: Bearer abc") && head.ends_with(&format!("Content-Length: {}", body.len()))
        );
        assert!(body.starts_with("topic=https%3A%2F%2Fbench.example%2Ft%2F7&private=on&data=~0000000001"), "{body}");
    }
}
