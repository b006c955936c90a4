//! Subscribing by GET: headers, first bytes, routing, CORS.

use mercure_hub::{HubConfig, Update};

use crate::client::{PATH, Server, bearer, config, open_config, publisher, reader, until};

// H 6, H 10, H 12, C hub_test
#[tokio::test]
async fn a_stream_begins_at_once_with_the_headers_that_keep_it_flowing() {
    let server = Server::start(open_config()).await;
    let sse = server.sse("topic=a", "").await;
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "private, no-cache, no-store, must-revalidate, max-age=0"),
        ("pragma", "no-cache"),
        ("expires", "0"),
        ("x-accel-buffering", "no"),
        ("connection", "keep-alive"),
        ("content-security-policy", "default-src 'self'"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("x-xss-protection", "1; mode=block"),
    ] {
        assert_eq!(sse.head.header(name), Some(value), "{name}");
    }
    assert_eq!(sse.head.header("mercure-last-event-id"), None, "nobody asked");
    assert_eq!(sse.head.header("content-encoding"), None);
}

// H 10, H 32, H 33, C event_test
#[tokio::test]
async fn an_event_arrives_byte_for_byte() {
    let server = Server::start(open_config()).await;
    let mut sse = server.sse("topic=a", "").await;
    let update = Update::new("a", "several\nlines\rwith\r\neol").unwrap();
    server.hub.publish(update.id("custom-id").unwrap().event_type("type").unwrap().retry(5)).unwrap();
    server.hub.close().await;
    let text = sse.rest().await;
    let event = "event: type\nretry: 5\nid: custom-id\ndata: several\ndata: lines\ndata: with\ndata: eol\n\n";
    assert!(text.starts_with(event), "{text:?}");
}

// H 2, H 23, H 25
#[tokio::test]
async fn updates_go_to_those_who_match_one_of_their_topics_once() {
    let server = Server::start(open_config()).await;
    let mut exact = server.sse("match=b", "").await;
    let mut all = server.sse("topic=*&topic=a&match_exact=b", "").await;
    let mut none = server.sse("topic=A&topic=a%2F&match=%7Ba%7D", "").await;
    server.hub.publish(Update::new("a", "1").unwrap().alternate("b").unwrap()).unwrap();
    server.now("c", "2");
    server.hub.publish(Update::new("b", "3").unwrap()).unwrap();
    server.now("{a}", "4");
    assert_eq!((exact.data().await, exact.data().await), ("1".into(), "3".into()));
    for data in ["1", "2", "3", "4"] {
        assert_eq!(all.data().await, data);
    }
    assert_eq!(none.data().await, "4", "braces are themselves");
}

// H 18, H 19, H 20
#[tokio::test]
async fn the_reserved_names_of_matchers_are_refused() {
    let server = Server::start(open_config()).await;
    for query in ["", "x=y", "topic=", "topic=a&MATCH=b", "topic=a&match_urlpattern=%7Bb", "topic=a%00", "topic=%ff"] {
        let reply = server.get(query, "").await;
        assert_eq!(reply.status, 400, "{query}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    }
    assert_eq!(server.hub.subscribers(), 0);
}

// H 13, H 21
#[tokio::test]
async fn only_so_many_matchers_and_streams() {
    let limits = HubConfig { max_matchers: 2, max_connections: 2, max_connections_per_subject: 1, ..open_config() };
    let server = Server::start(limits).await;
    assert_eq!(server.get("topic=a&topic=b&topic=c", "").await.status, 400);
    let token = bearer(&reader("3", &[]));
    let first = server.sse("topic=a", &token).await;
    let reply = server.get("topic=a", &token).await;
    assert_eq!((reply.status, reply.header("retry-after").is_some()), (429, true));
    let _second = server.sse("topic=a", "").await;
    let reply = server.get("topic=a", "").await;
    assert_eq!((reply.status, reply.header("retry-after").is_some()), (503, true));
    drop(first);
    until(|| server.hub.subscribers() == 1).await;
    server.sse("topic=a", &token).await;
}

// H 6, D 8
#[tokio::test]
async fn head_and_foreign_methods_open_no_stream() {
    let server = Server::start(open_config()).await;
    let reply = server.request("HEAD", &format!("{PATH}?topic=a"), "", "").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/event-stream")));
    assert_eq!(server.request("HEAD", PATH, "", "").await.status, 400);
    for method in ["PUT", "DELETE", "PATCH", "query"] {
        let reply = server.request(method, &format!("{PATH}?topic=a"), "", "").await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD, POST, QUERY, OPTIONS")), "{method}");
    }
    assert_eq!(server.hub.subscribers(), 0);
}

// H 15, D 5
#[tokio::test]
async fn pages_of_listed_origins_may_read_with_credentials() {
    let listed = HubConfig { cors_origins: vec!["https://chat.example".into()], ..open_config() };
    let server = Server::start(listed).await;
    let sse = server.sse("topic=a", "Origin: https://chat.example\r\n").await;
    assert_eq!(sse.head.header("access-control-allow-origin"), Some("https://chat.example"));
    assert_eq!(sse.head.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(sse.head.header("access-control-expose-headers"), Some("Link, Mercure-Last-Event-ID, Last-Event-ID"));
    assert_eq!(sse.head.header("vary"), Some("Origin"));
    let foreign = server.sse("topic=a", "Origin: https://evil.example\r\n").await;
    assert_eq!(foreign.head.header("access-control-allow-origin"), None);
    assert_eq!(foreign.head.header("access-control-allow-credentials"), None);
    let headers = "Origin: https://chat.example\r\nAccess-Control-Request-Method: GET\r\n";
    let preflight = server.request("OPTIONS", PATH, headers, "").await;
    assert_eq!(
        (preflight.status, preflight.header("access-control-allow-origin")),
        (204, Some("https://chat.example"))
    );
    assert_eq!(preflight.header("access-control-allow-headers"), Some("authorization, cache-control, last-event-id"));
}

// H 15
#[tokio::test]
async fn the_wildcard_gives_no_credentials() {
    let server = Server::start(HubConfig { cors_origins: vec!["*".into()], ..open_config() }).await;
    let sse = server.sse("topic=a", "Origin: https://any.example\r\n").await;
    assert_eq!(sse.head.header("access-control-allow-origin"), Some("*"));
    assert_eq!(sse.head.header("access-control-allow-credentials"), None);
}

#[tokio::test]
async fn a_client_that_leaves_is_forgotten_with_its_topics() {
    let server = Server::start(open_config()).await;
    let first = server.sse("topic=a&topic=b", "").await;
    let second = server.sse("topic=b", "").await;
    let socket = server.socket("topic=c", "").await;
    until(|| server.hub.topics() == 3).await;
    assert_eq!(server.hub.subscribers(), 3);
    drop(first);
    until(|| server.hub.subscribers() == 2 && server.hub.topics() == 2).await;
    drop(socket);
    drop(second);
    until(|| server.hub.subscribers() == 0 && server.hub.topics() == 0).await;
}

// H 38, H 105
#[tokio::test]
async fn the_hub_may_live_at_another_path() {
    let server = Server::start(HubConfig { path: "/live".into(), ..config() }).await;
    let headers = format!("{}Content-Type: application/x-www-form-urlencoded\r\n", bearer(&publisher(&["*"])));
    assert_eq!(server.request("POST", "/live", &headers, "topic=a").await.status, 200);
    assert_eq!(server.request("POST", "/live", &headers, "topic=https://x.test/live/y").await.status, 400);
    assert_eq!(server.request("POST", "/live", &headers, "topic=/.well-known/mercure").await.status, 200);
    assert_eq!(server.request("GET", PATH, "", "").await.status, 404);
}
