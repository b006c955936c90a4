//! The switches: the newer generation alone, and no extensions.

use mercure_hub::{HubConfig, Tokens};

use crate::client::{Frame, PATH, Server, open_config};

// H 17, C subscribe_test: draft-08 alone knows no `topic`.
#[tokio::test]
async fn without_the_older_generation_a_topic_is_refused() {
    let server =
        Server::start(HubConfig { tokens: Tokens { legacy: false, ..Tokens::default() }, ..open_config() }).await;
    for query in ["topic=a", "match=a&topic=b", "topic=*"] {
        assert_eq!(server.get(query, "").await.status, 400, "{query}");
    }
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    assert_eq!(server.request("QUERY", &format!("{PATH}?match=a"), form, "topic=a").await.status, 400);
    server.now("a", "1");
    // The names that Symfony's helper of the newer generation still sends.
    let mut sse = server.sse("match=a&lastEventID=earliest&Last-Event-ID=earliest", "").await;
    assert_eq!(sse.head.header("mercure-last-event-id"), Some("earliest"));
    assert_eq!(sse.head.header("last-event-id"), None);
    assert_eq!(sse.data().await, "1");
}

// H 17, H 82: one request may speak both; then the answer does, too.
#[tokio::test]
async fn both_generations_may_meet_in_one_request() {
    let server = Server::start(open_config()).await;
    let mut sse = server.sse("topic=a%2F%7Bid%7D&match=b&last_event_id=x", "").await;
    for name in ["mercure-last-event-id", "last-event-id"] {
        assert_eq!(sse.head.header(name), Some("earliest"));
    }
    server.now("a/1", "1");
    server.now("b", "2");
    assert_eq!((sse.data().await, sse.data().await), ("1".into(), "2".into()));
}

// H 6: what goes beyond the protocol can be switched off.
#[tokio::test]
async fn without_extensions_a_handshake_is_a_plain_request() {
    let server = Server::start(HubConfig { extensions: false, ..open_config() }).await;
    let reply = server.try_socket("match=a", "").await.map(|_| ()).unwrap_err();
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/event-stream")));
    let mut sse = server.sse("match=a&heartbeat=1", "").await;
    server.now("a", "first");
    assert_eq!(sse.data().await, "first", "no heartbeat comes before it");
    let with = Server::start(open_config()).await;
    let mut socket = with.socket("match=a", "").await;
    with.now("a", "x");
    assert!(matches!(socket.frame().await, Frame::Text(_)));
}
