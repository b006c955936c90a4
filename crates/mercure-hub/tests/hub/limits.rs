//! Limits: streams per address and token, publications and bytes per token, and the sizes of what is sent.

use std::{net::IpAddr, time::Duration};

use mercure_hub::{HubConfig, Key, PeerAddress, RateLimits};
use serde_json::json;

use crate::client::{PATH, SECRET, Server, TestClock, bearer, config, open_config, publisher, reader, within};

fn limited(limits: RateLimits) -> HubConfig {
    HubConfig { limits, ..open_config() }
}

/// A hub whose accept loop says that all requests come from the address in the field `x-from`.
async fn from_anywhere(config: HubConfig) -> Server {
    Server::start_with(config, |router| {
        router.layer(axum::middleware::map_request(|mut request: axum::extract::Request| async move {
            let from = request.headers().get("x-from").and_then(|from| from.to_str().ok()?.parse::<IpAddr>().ok());
            if let Some(from) = from {
                request.extensions_mut().insert(PeerAddress(from));
            }
            request
        }))
    })
    .await
}

fn token(claims: serde_json::Value) -> String {
    Key::hs256(SECRET).sign("JWT", &claims).unwrap()
}

/// A token for publishing that does not expire while a clock is moved.
fn lasting(sub: &str) -> String {
    token(json!({"sub": sub, "mercure": {"publish": ["*"]}}))
}

/// Returns when a place is free again.
async fn admitted(server: &Server, headers: &str) {
    within(async { while server.request_head(headers).await.status != 200 {} }).await;
}

// H 13, D6
#[tokio::test]
async fn one_address_holds_only_so_many_streams() {
    let limits = RateLimits { streams_per_address: 2, ..RateLimits::default() };
    let server = from_anywhere(limited(limits)).await;
    let from = |address: &str| format!("X-From: {address}\r\n");
    let first = server.sse("match=a", &from("192.0.2.1")).await;
    let _second = server.socket("match=a", &from("192.0.2.1")).await;
    let reply = server.get("match=a", &from("192.0.2.1")).await;
    assert_eq!((reply.status, reply.header("retry-after").is_some()), (429, true));
    assert_eq!(server.try_socket("match=a", &from("::ffff:192.0.2.1")).await.err().unwrap().status, 429);
    let _other = server.sse("match=a", &from("192.0.2.2")).await;
    drop(first);
    admitted(&server, &from("192.0.2.1")).await;
}

// H 13
#[tokio::test]
async fn the_addresses_of_one_network_of_the_newer_kind_are_one_client() {
    let limits = RateLimits { streams_per_address: 1, ..RateLimits::default() };
    let server = from_anywhere(limited(limits)).await;
    let from = |address: &str| format!("X-From: {address}\r\n");
    let _first = server.sse("match=a", &from("2001:db8::1")).await;
    assert_eq!(server.get("match=a", &from("2001:db8::2:3:4:5")).await.status, 429);
    let _neighbour = server.sse("match=a", &from("2001:db8:0:1::1")).await;
}

// H 13, H 14
#[tokio::test]
async fn one_token_holds_only_so_many_streams() {
    let limits = RateLimits { streams_per_token: 1, ..RateLimits::default() };
    let server = Server::start(limited(limits)).await;
    let named = |jti: Option<&str>, sub: &str| bearer(&token(json!({"sub": sub, "jti": jti, "mercure": {}})));
    let (one, other) = (named(None, "3"), named(None, "4"));
    let first = server.sse("match=a", &one).await;
    let reply = server.get("match=a", &one).await;
    assert_eq!((reply.status, reply.header("retry-after").is_some()), (429, true));
    assert_eq!(reply.body, "Too Many Requests\n");
    let _second = server.sse("match=a", &other).await;
    // Without a token there is none to be counted by.
    let _anonymous = (server.sse("match=a", "").await, server.sse("match=a", "").await);
    drop(first);
    admitted(&server, &one).await;
    let _named = server.sse("match=a", &named(Some("x"), "5")).await;
    assert_eq!(server.get("match=a", &named(Some("x"), "6")).await.status, 429, "the same id is the same token");
    let _other_name = server.sse("match=a", &named(Some("y"), "5")).await;
}

// H 13
#[tokio::test]
async fn a_stream_that_is_refused_takes_no_place() {
    let limits = RateLimits { streams_per_address: 1, streams_per_token: 1, ..RateLimits::default() };
    let server = from_anywhere(HubConfig { limits, max_connections: 1, ..open_config() }).await;
    let token = format!("{}X-From: 192.0.2.1\r\n", bearer(&reader("3", &[])));
    let first = server.sse("match=a", "").await;
    for _ in 0..3 {
        assert_eq!(server.get("match=a", &token).await.status, 503, "the hub is full");
    }
    drop(first);
    admitted(&server, &token).await;
}

// H 48, D6
#[tokio::test]
async fn a_token_publishes_at_its_rate_and_is_told_when_to_come_back() {
    let clock = TestClock::new();
    let limits = RateLimits { publishes_per_second: 0.01, burst: Duration::from_secs(300), ..RateLimits::default() };
    let server = Server::start(HubConfig { clock: clock.clock(), limits, ..config() }).await;
    let (one, other) = (lasting("1"), lasting("2"));
    for _ in 0..3 {
        assert_eq!(server.post(&one, "topic=a").await.status, 200);
    }
    let reply = server.post(&one, "topic=a").await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("100")));
    assert_eq!(server.post(&other, "topic=a").await.status, 200, "others are not slowed down");
    clock.advance(99.0);
    let reply = server.post(&one, "topic=a").await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("1")));
    clock.advance(1.0);
    assert_eq!(server.post(&one, "topic=a").await.status, 200, "as it was told");
    assert_eq!(server.post(&one, "topic=a").await.status, 429);
    server.hub.publish(mercure_hub::Update::new("a", "the application itself").unwrap()).unwrap();
}

// H 48
#[tokio::test]
async fn a_token_publishes_so_many_bytes() {
    let clock = TestClock::new();
    let limits = RateLimits { publish_bytes_per_second: 10.0, burst: Duration::from_secs(10), ..RateLimits::default() };
    let server = Server::start(HubConfig { clock: clock.clock(), limits, ..config() }).await;
    let token = lasting("1");
    let form = format!("topic=a&data={}", "x".repeat(1_087));
    assert_eq!(form.len(), 1_100);
    assert_eq!(server.post(&token, &form).await.status, 200, "one that is larger than the allowance is taken");
    let reply = server.post(&token, "topic=a").await;
    let wait: f64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert_eq!((reply.status, wait), (429, 101.0), "and waited for");
    clock.advance(wait);
    assert_eq!(server.post(&token, "topic=a").await.status, 200);
}

// H 48
#[tokio::test]
async fn who_has_no_right_to_publish_takes_nothing_from_those_who_have() {
    let limits = RateLimits { publishes_per_second: 0.001, burst: Duration::ZERO, ..RateLimits::default() };
    let server = Server::start(HubConfig { limits, ..config() }).await;
    for _ in 0..3 {
        assert_eq!(server.request("POST", PATH, "", "topic=a").await.status, 401);
        assert_eq!(server.post("a token that nobody has signed, long enough", "topic=a").await.status, 401);
    }
    assert_eq!(server.post(&publisher(&["a"]), "topic=a").await.status, 200);
}

// H 48, D4
#[tokio::test]
async fn what_is_too_large_to_publish_is_413() {
    let sizes = HubConfig { max_topics: 2, max_field_bytes: 20, max_body_bytes: 200, ..config() };
    let server = Server::start(sizes).await;
    let token = publisher(&["*"]);
    for form in [
        "topic=a&topic=b&topic=c".to_owned(),
        format!("topic={}", "a".repeat(21)),
        format!("topic=a&id={}", "i".repeat(21)),
        format!("topic=a&type={}", "t".repeat(21)),
        format!("topic=a&data={}", "d".repeat(200)),
    ] {
        assert_eq!(server.post(&token, &form).await.status, 413, "{form}");
    }
    assert_eq!(server.post(&token, &format!("topic=a&topic=b&id={}", "i".repeat(20))).await.status, 200);
}

// H 21
#[tokio::test]
async fn too_many_or_too_long_matchers_are_400() {
    let server = Server::start(HubConfig { max_matchers: 2, max_field_bytes: 20, ..open_config() }).await;
    for query in ["match=a&match=b&match=c".to_owned(), format!("match={}", "a".repeat(21))] {
        assert_eq!(server.get(&query, "").await.status, 400, "{query}");
    }
    let _stream = server.sse(&format!("match=a&match={}", "b".repeat(20)), "").await;
}
