//! Limits: how many streams one address or one token may hold, and how much one token may publish (draft-08 sections "Subscription" and "Publication", where
//! they are recommended).
//!
//! All of them are off by default: what is generous for one hub is narrow for the next, and behind a proxy that does not say for whom it asks, everybody has one address.

pub(crate) mod bucket;
pub(crate) mod seats;

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use axum::http::Extensions;

use crate::{
    auth::token::Verified,
    door::ConnectionSeat,
    http::reply::Refusal,
    limits::bucket::Buckets,
    limits::seats::{Seat, Tally},
};

/// The address from which a request came, as a request extension. Whoever accepts the connections inserts it: the peer's own, or the one that a trusted proxy
/// names. Without it no limit per address applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

impl PeerAddress {
    /// What one client holds: an IPv4 address, or an IPv6 /64, of which every address may be the same client's.
    pub(crate) fn block(self) -> u128 {
        const HOST: u128 = u64::MAX as u128;
        match self.0.to_canonical() {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits() & !HOST,
        }
    }
}

/// Limits per address and per token. Zero is "no limit". A token is known by its `jti` and issuer, and else by its text.
#[derive(Clone, Debug, PartialEq)]
pub struct RateLimits {
    /// Streams open at the same time from one [`PeerAddress`]; an IPv6 /64 counts as one. More are answered with 429.
    pub streams_per_address: usize,
    /// Streams open at the same time with one token. More are answered with 429. For one `sub` there is
    /// [`max_connections_per_subject`](crate::HubConfig::max_connections_per_subject).
    pub streams_per_token: usize,
    /// Updates that one token may POST in a second, in the long run. More are answered with 429, and `Retry-After` says when the next one is taken.
    pub publishes_per_second: f64,
    /// Bytes of bodies that one token may POST in a second, in the long run. A body is taken whole when any of the allowance is left, and what it had too much
    /// is waited for before the next one.
    pub publish_bytes_per_second: f64,
    /// Messages that one WebSocket may send in a second, in the long run. One that sends more is closed with 1008.
    pub messages_per_second: f64,
    /// For how long an unused allowance adds up, and so how much may be published at once.
    pub burst: Duration,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            streams_per_address: 0,
            streams_per_token: 0,
            publishes_per_second: 0.0,
            publish_bytes_per_second: 0.0,
            messages_per_second: 0.0,
            burst: Duration::from_secs(10),
        }
    }
}

/// One token, told from others.
pub(crate) type Bearer = u64;

/// Keeps the limits.
#[derive(Debug)]
pub(crate) struct Limiter {
    hasher: RandomState,
    addresses: Arc<Tally<u128>>,
    tokens: Arc<Tally<Bearer>>,
    publishes: Option<Buckets>,
    bytes: Option<Buckets>,
    messages: Option<Buckets>,
}

/// The places that one stream takes, until this is dropped.
#[derive(Debug)]
pub(crate) struct Seats {
    _address: Option<Seat<u128>>,
    _token: Option<Seat<Bearer>>,
    _connection: Option<ConnectionSeat>,
}

impl Limiter {
    pub(crate) fn new(limits: &RateLimits) -> Self {
        let buckets = |rate: f64| (rate > 0.0).then(|| Buckets::new(rate, limits.burst));
        Self {
            hasher: RandomState::new(),
            addresses: Tally::new(limits.streams_per_address),
            tokens: Tally::new(limits.streams_per_token),
            publishes: buckets(limits.publishes_per_second),
            bytes: buckets(limits.publish_bytes_per_second),
            messages: buckets(limits.messages_per_second),
        }
    }

    /// Tells one token from others: by its id and issuer, or else by its text. The hash is keyed, so that nobody can make two that count as one.
    pub(crate) fn bearer(&self, token: &Verified, text: &str) -> Bearer {
        match &token.token_id {
            Some(id) => self.hasher.hash_one((id, &token.issuer)),
            None => self.hasher.hash_one(text),
        }
    }

    /// Takes places for a stream.
    pub(crate) fn sit(&self, extensions: &Extensions, bearer: Option<Bearer>) -> Result<Option<Box<Seats>>, Refusal> {
        let address = extensions.get::<PeerAddress>().map(|address| address.block());
        let address = address.map(|block| self.addresses.sit(block)).transpose().map_err(|_| Refusal::TooMany)?;
        let token = bearer.map(|bearer| self.tokens.sit(bearer)).transpose().map_err(|_| Refusal::TooMany)?;
        let (address, token) = (address.flatten(), token.flatten());
        let connection = extensions.get::<ConnectionSeat>().cloned();
        let seats = address.is_some() || token.is_some() || connection.is_some();
        Ok(seats.then(|| Box::new(Seats { _address: address, _token: token, _connection: connection })))
    }

    /// Before a body is read: whether this token may publish now. Takes one publication from its allowance.
    pub(crate) fn may_publish(&self, bearer: Bearer, now: f64) -> Result<(), Refusal> {
        if let Some(bytes) = &self.bytes {
            bytes.look(bearer, now).map_err(Refusal::pace)?;
        }
        self.publishes.as_ref().map_or(Ok(()), |publishes| publishes.take(bearer, 1.0, now)).map_err(Refusal::pace)
    }

    /// Whether this stream's client may say something now. Takes one message from its allowance.
    pub(crate) fn may_say(&self, stream: u64, now: f64) -> bool {
        self.messages.as_ref().is_none_or(|messages| messages.take(stream, 1.0, now).is_ok())
    }

    /// After a body was read: takes its size from the allowance.
    pub(crate) fn has_read(&self, bearer: Bearer, bytes: usize, now: f64) -> Result<(), Refusal> {
        #[expect(clippy::cast_precision_loss, reason = "a body of 2^53 bytes does not arrive")]
        let size = bytes as f64;
        self.bytes.as_ref().map_or(Ok(()), |bytes| bytes.take(bearer, size, now)).map_err(Refusal::pace)
    }
}

impl Refusal {
    /// 429, to come back after so many seconds.
    fn pace(seconds: f64) -> Self {
        // A microsecond is no second: the clock is not that exact.
        Self::Paced((seconds - 1e-6).ceil().clamp(1.0, 1e9) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_is_one_block() {
        let block = |address: &str| PeerAddress(address.parse().unwrap()).block();
        assert_eq!(block("2001:db8::1"), block("2001:db8::ffff:1:2:3"));
        assert_ne!(block("2001:db8::1"), block("2001:db8:0:1::1"));
        assert_ne!(block("192.0.2.1"), block("192.0.2.2"));
        assert_eq!(block("192.0.2.1"), block("::ffff:192.0.2.1"));
        assert_ne!(block("0.0.0.1"), block("::1"));
    }

    #[test]
    fn a_token_is_known_by_its_id_and_issuer_or_by_its_text() {
        let limiter = Limiter::new(&RateLimits::default());
        let bearer = |id: Option<&str>, issuer: Option<&str>, text: &str| {
            let (token_id, issuer) = (id.map(str::to_owned), issuer.map(str::to_owned));
            limiter.bearer(&Verified { token_id, issuer, ..Verified::default() }, text)
        };
        assert_eq!(bearer(Some("1"), None, "a"), bearer(Some("1"), None, "b"));
        assert_ne!(bearer(Some("1"), Some("x"), "a"), bearer(Some("1"), Some("y"), "a"));
        assert_ne!(bearer(None, Some("x"), "a"), bearer(None, Some("x"), "b"));
    }
}
