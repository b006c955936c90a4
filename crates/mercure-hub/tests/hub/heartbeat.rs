//! Signs of life: the bare comment, the event with cursors, pings, and peers that do not answer.

use std::{sync::Arc, time::Duration};

use mercure_hub::{Cursors, HubConfig};
use serde_json::{Value, json};

use crate::{
    client::{Frame, Server, bearer, config, open_config, reader, until},
    rights::{Rooms, with_rooms},
};

/// Every topic has come as far as its name is long.
struct Lengths;

impl Cursors for Lengths {
    fn top(&self, topic: &str) -> Option<u64> {
        assert_ne!(topic, "panic");
        (topic != "unknown").then_some(topic.len() as u64)
    }
}

fn fast(config: HubConfig) -> HubConfig {
    HubConfig { heartbeat: Duration::from_millis(400), cursors: Some(Arc::new(Lengths)), ..config }
}

fn tops(data: &str) -> Value {
    serde_json::from_str(data).unwrap()
}

// H 10, H 12, C subscribe_test: heartbeat bytes
#[tokio::test]
async fn an_idle_stream_gets_bare_comments() {
    let server = Server::start(fast(open_config())).await;
    let mut sse = server.sse("topic=a", "").await;
    assert!(sse.comment().await && sse.comment().await);
}

#[tokio::test]
async fn who_asks_gets_the_cursors_at_once_and_then_regularly() {
    let rooms = Rooms::new(&[("3", "room/1")]);
    let server = Server::start(fast(with_rooms(&rooms, config()))).await;
    let token = bearer(&reader("3", &["user/3", "user/33", "unknown"]));
    let query = "topic=room/1&topic=room/22&topic=user/3&topic=unknown&topic=*&heartbeat=1";
    let mut sse = server.sse(query, &token).await;
    let mut socket = server.socket(query, &token).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let event = sse.event().await;
        assert_eq!((event.kind.as_str(), tops(&event.data)), ("heartbeat", json!({"room/1": 6, "user/3": 6})));
        ids.push(event.id);
        let frame = socket.json().await;
        assert_eq!((&frame["type"], &frame["topic"]), (&json!("heartbeat"), &json!("")));
        assert_eq!(tops(frame["data"].as_str().unwrap()), json!({"room/1": 6, "user/3": 6}));
    }
    ids.dedup();
    assert!(ids.len() == 3 && ids.iter().all(|id| id.starts_with("urn:uuid:")), "{ids:?}");
}

#[tokio::test]
async fn a_heartbeat_is_a_place_to_resume_from() {
    let server = Server::start(fast(open_config())).await;
    let mut sse = server.sse("topic=a&heartbeat=1", "").await;
    let beat = sse.event().await;
    server.now("a", "missed");
    let mut again = server.sse(&format!("topic=a&lastEventID={}", beat.id), "").await;
    assert_eq!(again.head.header("mercure-last-event-id"), Some(beat.id.as_str()));
    assert_eq!(again.data().await, "missed");
}

#[tokio::test]
async fn without_cursors_or_with_broken_ones_the_heart_still_beats() {
    let server = Server::start(HubConfig { cursors: None, ..fast(open_config()) }).await;
    let mut sse = server.sse("topic=a&heartbeat=1", "").await;
    assert_eq!((sse.data().await, sse.data().await), ("{}".into(), "{}".into()));
    let server = Server::start(fast(config())).await;
    let token = bearer(&reader("3", &["panic", "a"]));
    let mut sse = server.sse("topic=panic&topic=a&heartbeat=1", &token).await;
    for _ in 0..2 {
        assert_eq!(tops(&sse.data().await), json!({"a": 1}));
    }
}

#[tokio::test]
async fn a_websocket_that_answers_no_ping_is_dead() {
    let server = Server::start(fast(open_config())).await;
    let mut silent = server.socket("topic=a", "").await;
    let mut alive = server.socket("topic=a", "").await;
    let mut pings = 0;
    loop {
        tokio::select! {
            frame = silent.frame() => match frame {
                Frame::Ping => pings += 1,
                frame => break assert_eq!(frame, Frame::Close(4002, "no sign of life".into())),
            },
            frame = alive.frame() => {
                assert_eq!(frame, Frame::Ping);
                alive.send(0x8A, b"").await;
            }
        }
    }
    assert_eq!(pings, 2);
    until(|| server.hub.subscribers() == 1).await;
    server.now("a", "still here");
    loop {
        match alive.frame().await {
            Frame::Ping => alive.send(0x8A, b"").await,
            Frame::Text(text) => break assert!(text.contains("still here")),
            frame => panic!("{frame:?}"),
        }
    }
}

// H 12, H 80
#[tokio::test]
async fn zero_turns_it_off_and_deadlines_still_hold() {
    let off = HubConfig { heartbeat: Duration::ZERO, max_lifetime: Duration::from_millis(300), ..open_config() };
    let server = Server::start(off).await;
    let mut sse = server.sse("topic=a", "").await;
    assert_eq!(sse.rest().await, ": lifetime over\nretry: 100\n\n");
}
