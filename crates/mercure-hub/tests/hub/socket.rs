//! WebSocket: the handshake, the frames of both sides, subscriptions that change, and goodbyes.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use mercure_hub::{HubConfig, RateLimits, Update};
use serde_json::{Value, json};

use crate::client::{Frame, PATH, Server, bearer, config, open_config, reader, until};

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";

#[tokio::test]
async fn the_same_update_comes_as_json() {
    let server = Server::start(open_config()).await;
    let mut socket = server.socket("topic=room/1", "").await;
    let update = Update::new("room/1", "{\"a\":\"é\n\"}").unwrap().alternate("x").unwrap();
    server.hub.publish(update.id("urn:x").unwrap().event_type("message").unwrap()).unwrap();
    server.now("room/1", &"long ".repeat(20_000));
    let text = "{\"id\":\"urn:x\",\"type\":\"message\",\"topic\":\"room/1\",\"data\":\"{\\\"a\\\":\\\"é\\n\\\"}\"}";
    assert_eq!(socket.frame().await, Frame::Text(text.to_owned()));
    assert_eq!(socket.data().await.len(), 100_000);
}

#[tokio::test]
async fn the_handshake_is_checked() {
    let server = Server::start(open_config()).await;
    for (headers, status) in [
        (format!("{UPGRADE}{VERSION}{KEY}"), 101),
        (format!("{UPGRADE}{KEY}"), 426),
        (format!("{UPGRADE}{KEY}Sec-WebSocket-Version: 8\r\n"), 426),
        (format!("{UPGRADE}{VERSION}"), 400),
        (format!("{UPGRADE}{VERSION}Sec-WebSocket-Key: c2hvcnQ=\r\n"), 400),
        (format!("{UPGRADE}{VERSION}Sec-WebSocket-Key: %%%\r\n"), 400),
        (format!("Connection: close\r\nUpgrade: websocket\r\n{VERSION}{KEY}"), 400),
    ] {
        let reply = server.request_head(&headers).await;
        assert_eq!(reply.status, status, "{headers}");
        assert_eq!(reply.header("sec-websocket-version"), (status == 426).then_some("13"));
    }
    let reply = server.request("POST", PATH, &format!("{UPGRADE}{VERSION}{KEY}"), "").await;
    assert_eq!(reply.status, 401, "a POST is a publication");
}

#[tokio::test]
async fn only_known_pages_open_a_socket() {
    let listed = HubConfig { socket_origins: vec!["https://chat.example".into()], ..open_config() };
    let server = Server::start(listed).await;
    for (origin, allowed) in [
        ("", true),
        ("Origin: https://chat.example\r\n", true),
        ("Origin: http://hub.test\r\n", true),
        ("Origin: https://hub.test\r\n", true),
        ("Origin: https://hub.test:8443\r\n", false),
        ("Origin: https://evil.example\r\n", false),
        ("Origin: https://hub.test.evil.example\r\n", false),
        ("Origin: null\r\n", false),
        ("Origin: https://chat.example\r\nOrigin: https://chat.example\r\n", false),
    ] {
        let answer = server.try_socket("topic=a", origin).await;
        assert_eq!(answer.as_ref().err().map(|reply| reply.status), (!allowed).then_some(403), "{origin}");
    }
}

#[tokio::test]
async fn the_same_rights_as_over_http() {
    let server = Server::start(config()).await;
    let refused = server.try_socket("topic=a", "").await.err().unwrap();
    assert_eq!((refused.status, refused.challenge()), (401, Some("Bearer")));
    assert_eq!(server.try_socket("", &bearer(&reader("3", &[]))).await.err().unwrap().status, 400);
    let cookie = format!("Cookie: mercureAuthorization={}\r\n", reader("3", &["a"]));
    let mut socket = server.socket("topic=a&topic=b", &cookie).await;
    server.now_private("b", "of others");
    server.now_private("a", "mine");
    assert_eq!(socket.data().await, "mine");
}

#[tokio::test]
async fn subscriptions_change_on_the_way() {
    let server = Server::start(open_config()).await;
    let mut socket = server.socket("topic=a", "").await;
    socket.say(json!({"subscribe": ["b", "c"]})).await;
    socket.say(json!({"unsubscribe": ["a", "unknown"]})).await;
    socket.settle().await;
    assert_eq!(server.hub.topics(), 2);
    for topic in ["a", "b", "c"] {
        server.now(topic, topic);
    }
    assert_eq!((socket.data().await, socket.data().await), ("b".into(), "c".into()));
    socket.say(json!({"subscribe": ["*"]})).await;
    socket.settle().await;
    server.now("anything", "all");
    server.now("b", "once");
    assert_eq!((socket.data().await, socket.data().await), ("all".into(), "once".into()));
    socket.say(json!({"unsubscribe": ["*", "b"]})).await;
    socket.settle().await;
    server.now("b", "no");
    server.now("c", "yes");
    assert_eq!(socket.data().await, "yes");
}

#[tokio::test]
async fn what_is_not_understood_closes_the_socket() {
    let server = Server::start(HubConfig { max_matchers: 3, max_field_bytes: 20, ..open_config() }).await;
    for message in [
        "not json",
        "[]",
        "{}",
        "{\"typing\": 1}",
        "{\"subscribe\": \"a\"}",
        "{\"subscribe\": [1]}",
        "{\"subscribe\": [\"\"]}",
        "{\"subscribe\": [\"a\\n\"]}",
        "{\"subscribe\": [\"123456789012345678901\"]}",
        "{\"subscribe\": [\"b\", \"c\", \"d\"]}",
        "{\"subscribe\": [\"b\"], \"unsubscribe\": [\"b\"]}",
    ] {
        let mut socket = server.socket("topic=a", "").await;
        socket.send(0x81, message.as_bytes()).await;
        assert!(matches!(socket.closed().await, Frame::Close(1008, _)), "{message}");
    }
}

/// A frame may ask for no more than the handshake: what names one topic only, where patterns are not allowed.
#[tokio::test]
async fn a_socket_may_not_ask_for_everything_where_patterns_are_not_allowed() {
    let server = Server::start(HubConfig { max_patterns: 0, ..open_config() }).await;
    let mut socket = server.socket("match=a", "").await;
    socket.say(json!({"subscribe": ["b", "c"]})).await;
    socket.settle().await;
    server.now("b", "heard");
    server.now("c", "too");
    assert_eq!((socket.data().await, socket.data().await), ("heard".into(), "too".into()));
    socket.say(json!({"subscribe": ["d", "*"]})).await;
    assert!(matches!(socket.closed().await, Frame::Close(1008, _)));
    let server = Server::start(HubConfig { max_patterns: 1, ..open_config() }).await;
    let mut socket = server.socket("topic=%7Ba%7D", "").await;
    socket.say(json!({"subscribe": ["*"]})).await;
    assert!(matches!(socket.closed().await, Frame::Close(1008, _)));
    let mut socket = server.socket("match=%2A", "").await;
    socket.say(json!({"subscribe": ["*"]})).await;
    socket.settle().await;
}

#[tokio::test]
async fn other_messages_are_the_applications() {
    let heard: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
    let notes = Arc::clone(&heard);
    let inbound: mercure_hub::Inbound = Arc::new(move |subject, message| {
        notes.lock().unwrap().push((subject.to_owned(), message.clone()));
        message.get("typing").is_some()
    });
    let server = Server::start(HubConfig { inbound: Some(inbound), ..config() }).await;
    let mut socket = server.socket("topic=a", &bearer(&reader("3", &[]))).await;
    socket.say(json!({"typing": 1, "on": true})).await;
    socket.say(json!({"other": 1})).await;
    assert_eq!(socket.closed().await, Frame::Close(1008, "unknown message".into()));
    let expected = [json!({"typing": 1, "on": true}), json!({"other": 1})].map(|message| ("3".to_owned(), message));
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[tokio::test]
async fn who_says_too_much_is_closed() {
    let limits = RateLimits { messages_per_second: 0.001, burst: Duration::from_secs(3_000), ..RateLimits::default() };
    let inbound: mercure_hub::Inbound = Arc::new(|_, _| true);
    let server = Server::start(HubConfig { inbound: Some(inbound), limits, ..open_config() }).await;
    let mut chatty = server.socket("topic=a", "").await;
    let mut quiet = server.socket("topic=a", "").await;
    for _ in 0..4 {
        chatty.say(json!({"typing": 1})).await;
    }
    assert_eq!(chatty.closed().await, Frame::Close(1008, "too many messages".into()));
    quiet.say(json!({"typing": 1})).await;
    server.now("a", "heard");
    assert_eq!(quiet.data().await, "heard", "each socket has an allowance of its own");
}

#[tokio::test]
async fn the_application_hears_how_many_streams_a_person_has() {
    let heard: Arc<Mutex<Vec<(String, usize)>>> = Arc::default();
    let notes = Arc::clone(&heard);
    let attendance: mercure_hub::Attendance =
        Arc::new(move |subject, streams| notes.lock().unwrap().push((subject.to_owned(), streams)));
    let server = Server::start(HubConfig { attendance: Some(attendance), ..open_config() }).await;
    let socket = server.socket("topic=a", &bearer(&reader("alice", &[]))).await;
    let stream = server.sse("topic=a", &bearer(&reader("alice", &[]))).await;
    let nobody = server.sse("topic=a", "").await;
    let told = |expected: &[(&str, usize)]| {
        let heard = heard.lock().unwrap();
        heard.len() == expected.len() && heard.iter().zip(expected).all(|(one, two)| (one.0.as_str(), one.1) == *two)
    };
    until(|| told(&[("alice", 1), ("alice", 2)])).await;
    drop(nobody);
    drop(socket);
    until(|| told(&[("alice", 1), ("alice", 2), ("alice", 1)])).await;
    server.hub.disconnect("alice");
    until(|| told(&[("alice", 1), ("alice", 2), ("alice", 1), ("alice", 0)])).await;
    drop(stream);
}

#[tokio::test]
async fn broken_frames_close_the_socket_with_their_code() {
    let server = Server::start(open_config()).await;
    for (bytes, code) in [
        (vec![0x82, 0x80, 0, 0, 0, 0], 1003),
        (vec![0x01, 0x80, 0, 0, 0, 0], 1003),
        (vec![0x80, 0x80, 0, 0, 0, 0], 1002),
        (vec![0x81, 0x00], 1002),
        (vec![0xC1, 0x80, 0, 0, 0, 0], 1002),
        (vec![0x89, 0xFE, 0, 200], 1002),
        (vec![0x81, 0xFE, 0x10, 0x01], 1009),
        (vec![0x81, 0xFF, 0x7F, 255, 255, 255, 255, 255, 255, 255], 1009),
        (vec![0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007),
    ] {
        let mut socket = server.socket("topic=a", "").await;
        socket.send_raw(&bytes).await;
        assert!(matches!(socket.closed().await, Frame::Close(found, _) if found == code), "{bytes:?}");
        until(|| server.hub.subscribers() == 0).await;
    }
}

#[tokio::test]
async fn pings_and_goodbyes_are_answered() {
    let server = Server::start(open_config()).await;
    let mut socket = server.socket("topic=a", "").await;
    socket.send(0x89, b"are you there").await;
    assert_eq!(socket.frame().await, Frame::Pong(b"are you there".to_vec()));
    socket.send(0x88, &[0x03, 0xE9, b'b', b'y', b'e']).await;
    assert_eq!(socket.frame().await, Frame::Close(1001, String::new()));
    assert_eq!(socket.frame().await, Frame::End);
    until(|| server.hub.subscribers() == 0).await;
}

#[tokio::test]
async fn frames_that_come_with_the_handshake_are_not_lost() {
    let server = Server::start(open_config()).await;
    let mut hello = vec![0x81, 0x80 | 19, 0, 0, 0, 0];
    hello.extend(b"{\"subscribe\":[\"b\"]}");
    let mut socket = server.socket_with_bytes("topic=a", &hello).await;
    socket.settle().await;
    server.now("b", "heard");
    assert_eq!(socket.data().await, "heard");
}
