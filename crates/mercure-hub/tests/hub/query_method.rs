//! Subscribing by QUERY (RFC 10008): a query that stands in the body.

use mercure_hub::{HubConfig, Update};

use crate::client::{PATH, Server, bearer, config, open_config, reader};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

// H 7, H 8, C subscribe_test
#[tokio::test]
async fn the_body_adds_its_matchers_to_those_of_the_address() {
    let server = Server::start(open_config()).await;
    let mut sse =
        server.query("match=a&topic=x%2F%7Bid%7D", "", "match_exact=b&match_urlpattern=%2Fc%2F%3Aid&other=y").await;
    assert_eq!(sse.head.header("content-type"), Some("text/event-stream"));
    for topic in ["a", "b", "/c/1", "d", "x/1"] {
        server.now(topic, topic);
    }
    for topic in ["a", "b", "/c/1", "x/1"] {
        assert_eq!(sse.data().await, topic);
    }
    let mut only_body = server.query("", "", "topic=*").await;
    server.now("z", "z");
    assert_eq!(only_body.data().await, "z");
}

// H 8: the header beats the address, which beats the body.
#[tokio::test]
async fn the_last_id_is_single() {
    let server = Server::start(open_config()).await;
    for at in 1..=3 {
        server.hub.publish(Update::new("a", "").unwrap().id(format!("urn:{at}")).unwrap()).unwrap();
    }
    for (query, header, body, found) in [
        ("", "", "match=a&last_event_id=urn:1", "urn:1"),
        ("last_event_id=urn:2", "", "match=a&last_event_id=urn:1", "urn:2"),
        ("lastEventID=urn:2", "", "match=a&last_event_id=urn:1", "urn:2"),
        ("last_event_id=urn:2", "Last-Event-ID: urn:3\r\n", "match=a&last_event_id=urn:1", "urn:3"),
    ] {
        let sse = server.query(query, header, body).await;
        assert_eq!(sse.head.header("mercure-last-event-id"), Some(found), "{query} {header}");
    }
}

// H 7, H 18, H 19, H 20, H 21
#[tokio::test]
async fn the_same_rules_hold_in_the_body() {
    let server = Server::start(HubConfig { max_matchers: 2, ..open_config() }).await;
    for (query, body) in [
        ("", "x=y"),
        ("match=a", "Match=b"),
        ("match=a", "match_exactly=b"),
        ("match=a", "match="),
        ("match=a", "match=%00"),
        ("match=a", "match=%ff"),
        ("match=a", "match_urlpattern=%7Bb"),
        ("match=a", "match=b&match=c"),
        ("match=a&match=b", "topic=c"),
    ] {
        let reply = server.request("QUERY", &format!("{PATH}?{query}"), FORM, body).await;
        assert_eq!(reply.status, 400, "{query} {body}");
    }
    assert_eq!(server.hub.subscribers(), 0);
}

// H 7, H 48, D 8, C hardening_test
#[tokio::test]
async fn the_body_is_a_form_of_bounded_size() {
    let server = Server::start(HubConfig { max_body_bytes: 100, ..open_config() }).await;
    let target = format!("{PATH}?match=a");
    for (headers, body, status) in [
        ("Content-Type: application/json\r\n", "{}", 415),
        ("Content-Type: text/plain\r\n", "match=a", 415),
        ("", "match=a", 400),
        ("", "", 400),
        (FORM, &*format!("match={}", "a".repeat(100)), 413),
    ] {
        let reply = server.request("QUERY", &target, headers, body).await;
        assert_eq!(reply.status, status, "{headers} {body}");
        let forms = (status == 415).then_some("application/x-www-form-urlencoded");
        assert_eq!(reply.header("accept-query"), forms);
    }
    let unlimited = Server::start(HubConfig { max_body_bytes: 0, max_field_bytes: 0, ..open_config() }).await;
    unlimited.query("", "", &format!("match={}", "a".repeat(2 << 20))).await;
}

// H 51, C subscribe_test: a body is read before the token, a matcher is looked at after it.
#[tokio::test]
async fn the_token_comes_between_body_and_matchers() {
    let server = Server::start(HubConfig { max_body_bytes: 100, ..config() }).await;
    let large = format!("match={}", "a".repeat(100));
    assert_eq!(server.request("QUERY", PATH, FORM, &large).await.status, 413);
    assert_eq!(server.request("QUERY", PATH, FORM, "Match=x").await.status, 401);
    let headers = format!("{FORM}{}", bearer(&reader("3", &["a"])));
    assert_eq!(server.request("QUERY", PATH, &headers, "Match=x").await.status, 400);
    let mut sse = server.query("", &bearer(&reader("3", &["a"])), "match=a").await;
    server.now_private("a", "secret");
    assert_eq!(sse.data().await, "secret");
}

// H 6, D 8: HEAD answers the head alone; a body with GET says nothing.
#[tokio::test]
async fn head_opens_no_stream_and_get_has_no_body() {
    let server = Server::start(open_config()).await;
    let reply = server.request("HEAD", &format!("{PATH}?match=a"), "", "").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/event-stream")));
    assert_eq!(server.request("HEAD", &format!("{PATH}?match=%00"), "", "").await.status, 400);
    assert_eq!(server.request("GET", PATH, FORM, "match=a").await.status, 400);
    assert_eq!(server.hub.subscribers(), 0);
}
