//! Entry points for fuzzing: what reads bytes of strangers, as plain functions. Not part of the interface.

use std::sync::LazyLock;

use axum::http::HeaderMap;
use futures_util::FutureExt;

use crate::{
    Algorithm, Hub, HubConfig, Issuer, Key, Keys, Tokens,
    auth::{
        jwk,
        jws::Jws,
        pem,
        token::{self, Case, Said},
        trust::{Role, Trust},
    },
    event::{Event, Wire},
    http::{publish::Form, query::Query},
    topic::{Topic, pattern::Patterns},
};

const SECRET: &str = "a secret of thirty-two bytes or more";
const HUB: &str = "https://hub.test/.well-known/mercure";

/// The body of a publication; the text of the event that it makes, if it is one.
pub fn form(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut form = Form::read(bytes, 10, 1_000).ok()?;
    let update = form.take_update().ok()?;
    let update = form.name(update).ok()?;
    Some(Event::new(update).on(Wire::Sse).to_vec())
}

/// A query component, a line end, and the body of a QUERY request; how many of its matchers take one of the topics that stand in it, if all are matchers.
pub fn query(bytes: &[u8]) -> Option<usize> {
    static HUB: LazyLock<Hub> = LazyLock::new(|| {
        let tokens = Tokens { resource_identifier: Some(self::HUB.to_owned()), ..Tokens::default() };
        Hub::new(HubConfig { tokens, ..HubConfig::default() })
    });
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let [component, body] = [(); 2].map(|()| Query::read(parts.next().unwrap_or_default()));
    let query = component.with(body);
    query.last_id(&HeaderMap::new());
    let matchers = query.matchers(&HUB).ok()?;
    let topics: Vec<Topic> = matchers.iter().filter_map(|matcher| Topic::new(matcher.text()).ok()).collect();
    Some(matchers.iter().filter(|matcher| topics.iter().any(|topic| matcher.matches(topic))).count())
}

/// A token as it is presented; whether it was taken. And the bytes as claims, signed, so that they come further than the signature.
pub fn token(bytes: &[u8]) -> bool {
    let key = Key::hs256(SECRET);
    let issuer = Issuer { subscriber: Some(Keys::from(key.clone())), ..Issuer::new("issuer") };
    let tokens = Tokens { issuers: vec![issuer], ..Tokens::default() };
    let config = HubConfig { subscriber_key: Some(key.clone()), tokens, ..HubConfig::default() };
    let (trust, patterns) = (Trust::new(&config), Patterns::new(None));
    let case = Case {
        trust: &trust,
        patterns: &patterns,
        role: Role::Subscriber,
        resource: &|| Some(HUB.to_owned()),
        strict_allowed: true,
        now: 1_800_000_000.0,
    };
    let judge = |text: &str| {
        let judged = token::verify(text, &case, &mut Said::default()).now_or_never();
        judged.is_some_and(|judged| judged.is_ok())
    };
    let signed = ["JWT", "at+jwt"].map(|typ| {
        let header = format!("{{\"typ\":\"{typ}\",\"alg\":\"HS256\"}}");
        key.sign_parts(header.as_bytes(), bytes).is_some_and(|text| judge(&text))
    });
    std::str::from_utf8(bytes).is_ok_and(judge) || signed.contains(&true)
}

/// The two outer parts of a token, its header first, without a signature that fits.
pub fn token_header(bytes: &[u8]) -> bool {
    let text = Key::hs256(SECRET).sign_parts(bytes, b"{}").unwrap_or_default();
    Jws::split(&text).is_ok()
}

/// A key, or a set of keys, in any notation; whether it was one.
pub fn keys(bytes: &[u8]) -> bool {
    let pem = Algorithm::ASYMMETRIC.iter().any(|algorithm| Key::from_pem(*algorithm, bytes).is_ok());
    pem || pem::looks_like(bytes)
        || jwk::read(bytes, &Algorithm::ASYMMETRIC).is_ok()
        || jwk::read_set(bytes, &[Algorithm::Hs256]).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_read_makes_the_hub_panic() {
        let good = br#"{"iss":"issuer","aud":"https://hub.test/.well-known/mercure","exp":1e10,"authorization_details":[
            {"type":"https://mercure.rocks/authorization-detail","actions":["subscribe"],"topics":[{"match":"*"}],"payload":{}}]}"#;
        let old = br#"{"mercure":{"subscribe":["*","{a}"],"publish":[]},"exp":1e10}"#;
        assert!(token(good) && token(old) && token_header(br#"{"alg":"HS256"}"#));
        for sample in
            [&good[..], old, b"", b"{}", b"[[[[[[", b"\xff\xfe", br#"{"exp":1e400}"#, br#"{"mercure":{"a":"\ud800"}}"#]
        {
            // Cut anywhere, and with any one byte changed.
            for at in 0..sample.len() {
                let mut changed = sample.to_vec();
                changed[at] = changed[at].wrapping_mul(31).wrapping_add(7);
                for bytes in [&sample[..at], &changed] {
                    token(bytes);
                    token_header(bytes);
                    keys(bytes);
                }
            }
        }
    }
}
