//! Presenting a token: header, cookie, and the challenge that answers each mistake.

use mercure_hub::{Claims, Grant, HubConfig, Key, mint};

use crate::client::{SECRET, Server, TestClock, bearer, claims, config, open_config, reader};

const INVALID_TOKEN: &str = "Bearer error=\"invalid_token\"";
const INVALID_REQUEST: &str = "Bearer error=\"invalid_request\"";

#[tokio::test]
async fn each_mistake_has_its_challenge() {
    let server = Server::start(config()).await;
    let good = reader("3", &["a"]);
    let tampered = format!("{}x", &good[..good.len() - 1]);
    let foreign = mint(&Key::hs256("another secret that is long enough"), &claims(None, &["*"], &[]));
    let other_algorithm = mint(&Key::hs512(SECRET), &claims(None, &["*"], &[]));
    for (headers, status, challenge) in [
        (String::new(), 401, "Bearer"),
        (bearer(&tampered), 401, INVALID_TOKEN),
        (bearer(&foreign), 401, INVALID_TOKEN),
        (bearer(&other_algorithm), 401, INVALID_TOKEN),
        (bearer("short"), 401, INVALID_TOKEN),
        ("Authorization: Basic YWxhZGRpbjpvcGVuc2VzYW1l\r\n".into(), 400, INVALID_REQUEST),
        ("Authorization: Bearer\r\n".into(), 400, INVALID_REQUEST),
        (format!("{0}{0}", bearer(&good)), 400, INVALID_REQUEST),
        ("Cookie: mercureAuthorization=x\r\n".into(), 401, INVALID_TOKEN),
        ("Cookie: mercureAuthorization=\r\n".into(), 401, "Bearer"),
        (format!("Cookie: other={good}\r\n"), 401, "Bearer"),
    ] {
        let reply = server.get("topic=a", &headers).await;
        assert_eq!((reply.status, reply.header("www-authenticate")), (status, Some(challenge)), "{headers}");
        assert!(reply.body.len() < 20, "terse: {}", reply.body);
    }
    assert_eq!(server.get(&format!("topic=a&authorization={good}&access_token={good}"), "").await.status, 401);
}

#[tokio::test]
async fn header_and_cookie_both_serve_and_the_header_wins() {
    let server = Server::start(HubConfig { cookie_names: vec!["first".into(), "second".into()], ..config() }).await;
    let good = reader("3", &["a"]);
    for headers in [
        bearer(&good),
        format!("authorization: bEaReR {good}\r\n"),
        format!("Cookie: x=y;second={good}\r\n"),
        format!("Cookie: x=y\r\nCookie: first={good}; second=bad\r\n"),
        format!("{}Cookie: first=bad\r\n", bearer(&good)),
    ] {
        server.sse("topic=a", &headers).await;
    }
    let bad_header = format!("{}Cookie: first={good}\r\n", bearer("bad"));
    assert_eq!(server.get("topic=a", &bad_header).await.status, 401);
}

#[tokio::test]
async fn a_bad_token_is_refused_even_where_none_is_needed() {
    let server = Server::start(open_config()).await;
    server.sse("topic=a", "").await;
    assert_eq!(server.get("topic=a", &bearer("bad")).await.status, 401);
}

#[tokio::test]
async fn without_a_key_no_token_is_good() {
    let server = Server::start(HubConfig { subscriber_key: None, ..config() }).await;
    assert_eq!(server.get("topic=a", &bearer(&reader("3", &["*"]))).await.status, 401);
}

#[tokio::test]
async fn times_are_judged_by_the_hubs_own_clock() {
    let clock = TestClock::new();
    let server = Server::start(HubConfig { clock: clock.clock(), ..config() }).await;
    let token = |exp: Option<f64>| {
        let mercure = Grant { subscribe: vec!["a".into()], ..Grant::default() };
        bearer(&mint(&Key::hs256(SECRET), &Claims { exp, mercure, ..Claims::default() }))
    };
    let soon = token(Some(clock.now() + 10.5));
    server.sse("topic=a", &soon).await;
    server.sse("topic=a", &token(None)).await;
    clock.advance(10.0);
    server.sse("topic=a", &soon).await;
    clock.advance(0.5);
    assert_eq!(server.get("topic=a", &soon).await.status, 401);
    server.sse("topic=a", &token(None)).await;
}
