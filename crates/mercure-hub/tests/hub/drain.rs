//! Draining: a hub that leaves lets its subscribers go one after the other, and none of them loses anything.

use std::time::Duration;

use mercure_hub::{Drain, HubConfig, Update};
use serde_json::json;

use crate::{
    client::{Frame, Server, open_config, publisher, until, within},
    durable::Folder,
};

fn quick() -> Drain {
    Drain { notice: Duration::ZERO, window: Duration::ZERO, ..Drain::default() }
}

// C subscribe_test
#[tokio::test]
async fn at_first_the_hub_is_not_ready_and_takes_no_more_streams() {
    let server = Server::start(open_config()).await;
    let mut sse = server.sse("match=a", "").await;
    assert!(server.hub.is_ready());
    let hub = server.hub.clone();
    let long = Drain { notice: Duration::from_secs(3_600), ..Drain::default() };
    let draining = tokio::spawn(async move { hub.drain(long).await });
    until(|| !server.hub.is_ready()).await;
    let reply = server.get("match=a", "").await;
    assert_eq!((reply.status, reply.header("retry-after").is_some()), (503, true));
    assert_eq!(server.try_socket("match=a", "").await.err().unwrap().status, 503);
    assert_eq!(server.post(&publisher(&["a"]), "topic=a&data=still+taken").await.status, 200);
    assert_eq!(sse.data().await, "still taken", "and delivered");
    draining.abort();
}

// C subscribe_test
#[tokio::test]
async fn the_streams_end_one_after_the_other_each_with_its_own_delay() {
    let server = Server::start(open_config()).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(server.sse("match=a", "").await);
    }
    let hub = server.hub.clone();
    let retry = Duration::from_secs(10)..Duration::from_secs(20);
    let slow = Drain { notice: Duration::ZERO, window: Duration::from_secs(36_000), retry: retry.clone() };
    // Every half hour one of them; the first at once.
    let draining = tokio::spawn(async move { hub.drain(slow).await });
    until(|| server.hub.subscribers() < 20).await;
    server.now("a", "for those who are still there");
    draining.abort();
    let drain = Drain { notice: Duration::ZERO, window: Duration::from_millis(200), retry };
    within(server.hub.drain(drain)).await;
    let (mut stayed, mut delays) = (0, Vec::new());
    for sse in &mut streams {
        let rest = sse.rest().await;
        let (before, rest) = rest.split_once(": shutting down\nretry: ").unwrap();
        stayed += usize::from(before.contains("for those who are still there"));
        delays.push(rest.strip_suffix("\n\n").unwrap().parse::<u64>().unwrap());
    }
    assert_eq!(stayed, 19);
    assert!(delays.iter().all(|delay| (10_000..20_000).contains(delay)), "{delays:?}");
    delays.sort_unstable();
    delays.dedup();
    assert!(delays.len() > 1);
    assert_eq!(server.hub.subscribers(), 0);
}

// C subscribe_test
#[tokio::test]
async fn a_socket_is_told_that_the_hub_leaves() {
    let server = Server::start(open_config()).await;
    let mut socket = server.socket("match=a", "").await;
    server.now("a", "last words");
    server.hub.drain(quick()).await;
    assert_eq!(socket.data().await, "last words");
    assert_eq!(socket.closed().await, Frame::Close(1001, "shutting down".into()));
}

// C subscribe_test
#[tokio::test]
async fn what_was_published_before_a_stream_ended_comes_before_its_end() {
    let server = Server::start(open_config()).await;
    let mut sse = server.sse("match=a", "").await;
    for n in 0..100 {
        server.now("a", &n.to_string());
    }
    let hub = server.hub.clone();
    let draining = tokio::spawn(async move { hub.drain(quick()).await });
    for n in 0..100 {
        assert_eq!(sse.data().await, n.to_string());
    }
    assert!(sse.rest().await.starts_with(": shutting down\n"));
    within(draining).await.unwrap();
    assert!(!server.hub.is_ready());
}

// H 89, H 90
#[tokio::test]
async fn elsewhere_without_the_history_the_loss_is_told() {
    let (old, new) = (Server::start(open_config()).await, Server::start(open_config()).await);
    let mut sse = old.sse("match=a", "").await;
    old.now("a", "1");
    let last = sse.event().await.id;
    old.hub.drain(quick()).await;
    let again = new.sse(&format!("match=a&last_event_id={last}"), "").await;
    assert_eq!(again.head.header("mercure-last-event-id"), Some("earliest"));
}

// H 93
#[tokio::test]
async fn those_who_stay_longer_hear_of_those_who_have_left() {
    let server = Server::start(HubConfig { subscriptions: true, ..open_config() }).await;
    let token = crate::client::bearer(&crate::client::reader("1", &["*"]));
    let mut watchers = Vec::new();
    for _ in 0..8 {
        watchers.push(server.sse("match=*", &token).await);
    }
    let hub = server.hub.clone();
    let drain = Drain { notice: Duration::ZERO, window: Duration::from_millis(400), ..Drain::default() };
    let draining = tokio::spawn(async move { hub.drain(drain).await });
    let mut heard = Vec::new();
    for mut watcher in watchers {
        let mut gone = 0;
        while let Some(event) = watcher.next().await {
            let told: serde_json::Value = serde_json::from_str(&event.data).unwrap();
            gone += usize::from(told["active"] == json!(false));
        }
        heard.push(gone);
    }
    within(draining).await.unwrap();
    assert!(heard.iter().max().unwrap() > &0, "{heard:?}");
}

// H 83, H 89
#[tokio::test]
async fn across_a_drain_nothing_is_lost_where_the_history_is_the_same() {
    let folder = Folder::new();
    let old = folder.start(open_config()).await;
    let mut streams = Vec::new();
    for _ in 0..6 {
        streams.push(old.sse("match=a", "").await);
    }
    let hub = old.hub.clone();
    let drain = Drain { notice: Duration::ZERO, window: Duration::from_millis(300), ..Drain::default() };
    let draining = tokio::spawn(async move { hub.drain(drain).await });
    // Published until the hub takes no more.
    let mut published = Vec::new();
    while let Ok(id) = old.hub.publish_async(Update::new("a", "").unwrap()).await {
        published.push(id.to_string());
    }
    within(draining).await.unwrap();
    drop(old);
    let new = folder.start(open_config()).await;
    for mut sse in streams {
        let mut seen = Vec::new();
        while let Some(event) = sse.next().await {
            seen.push(event.id);
        }
        // Who has seen nothing yet has no id to come back with.
        let last = seen.last().cloned().unwrap_or_else(|| "earliest".to_owned());
        let mut again = new.sse(&format!("match=a&last_event_id={last}"), "").await;
        assert_eq!(again.head.header("mercure-last-event-id"), Some(last.as_str()));
        while seen.len() < published.len() {
            seen.push(again.event().await.id);
        }
        assert_eq!(seen, published);
    }
}
