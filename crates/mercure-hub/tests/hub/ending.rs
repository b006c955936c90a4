//! Endings: expiry, lifetime, disconnection, shutdown; over both wires, and in the races around them.

use std::time::{Duration, Instant};

use mercure_hub::{HubConfig, Key, mint};
use serde_json::json;

use crate::{
    client::{Frame, SECRET, Server, TestClock, bearer, claims, config, open_config, publisher, reader, until, within},
    rights::{Rooms, with_rooms},
};

// H 66, H 80
#[tokio::test]
async fn a_stream_does_not_outlive_its_token() {
    let server = Server::start(config()).await;
    let mut claims = claims(Some("3"), &["a"], &[]);
    let exp = crate::client::now() + 1.5;
    claims.exp = Some(exp);
    let token = bearer(&mint(&Key::hs256(SECRET), &claims));
    let mut sse = server.sse("topic=a", &token).await;
    let mut socket = server.socket("topic=a", &token).await;
    server.now_private("a", "in time");
    assert_eq!(sse.data().await, "in time");
    assert_eq!(sse.rest().await, ": token expired\n\n");
    assert_eq!(socket.closed().await, Frame::Close(4001, "token expired".into()));
    assert!(crate::client::now() < exp + 10.0);
    until(|| crate::client::now() >= exp).await;
    assert_eq!(server.get("topic=a", &token).await.status, 401);
}

// H 80
#[tokio::test]
async fn a_stream_ends_in_the_last_fifth_of_its_lifetime() {
    let server = Server::start(HubConfig { max_lifetime: Duration::from_secs(1), ..open_config() }).await;
    let start = Instant::now();
    let mut sse = server.sse("topic=a", "").await;
    let mut socket = server.socket("topic=a", "").await;
    assert_eq!(sse.rest().await, ": lifetime over\nretry: 100\n\n");
    assert!(start.elapsed() >= Duration::from_millis(800));
    assert_eq!(socket.closed().await, Frame::Close(4000, "lifetime over".into()));
}

#[tokio::test]
async fn who_is_recalled_may_come_back_at_once() {
    let server = Server::start(config()).await;
    let token = bearer(&mint(&Key::hs256(SECRET), &claims(Some("3"), &["a"], &[])));
    let mut sse = server.sse("topic=a", &token).await;
    let mut socket = server.socket("topic=a", &token).await;
    assert_eq!(server.hub.recall(), 2);
    assert_eq!(sse.rest().await, ": lifetime over\nretry: 100\n\n");
    assert_eq!(socket.closed().await, Frame::Close(4000, "lifetime over".into()));
    let mut again = server.sse("topic=a", &token).await;
    server.now_private("a", "still here");
    assert_eq!(again.data().await, "still here");
}

#[tokio::test]
async fn a_disconnected_person_is_out_at_once_and_stays_out() {
    let clock = TestClock::new();
    let server = Server::start(HubConfig { clock: clock.clock(), ..config() }).await;
    let token = |sub: &str, iat: Option<f64>| {
        let mut claims = claims(Some(sub), &["a"], &["a"]);
        claims.iat = iat;
        mint(&Key::hs256(SECRET), &claims)
    };
    let old = token("3", Some(clock.now()));
    let mut sse = server.sse("topic=a", &bearer(&old)).await;
    let mut socket = server.socket("topic=a", &bearer(&old)).await;
    let mut other = server.sse("topic=a", &bearer(&token("4", Some(clock.now())))).await;
    let start = Instant::now();
    assert_eq!(server.hub.disconnect("3"), 2);
    assert_eq!(server.hub.subscribers(), 1);
    server.now_private("a", "after");
    assert_eq!(sse.rest().await, ": revoked\n\n");
    assert_eq!(socket.closed().await, Frame::Close(4003, "revoked".into()));
    assert!(start.elapsed() < Duration::from_secs(3));
    assert_eq!(other.data().await, "after");

    for refused in [&old, &token("3", None), &token("3", Some(clock.now() - 5.0))] {
        let reply = server.get("topic=a", &bearer(refused)).await;
        assert_eq!((reply.status, reply.challenge()), (401, Some("Bearer error=\"invalid_token\"")));
        assert_eq!(server.try_socket("topic=a", &bearer(refused)).await.err().unwrap().status, 401);
        assert_eq!(server.post(refused, "topic=a").await.status, 401, "nor may it publish");
    }
    clock.advance(0.001);
    let mut back = server.sse("topic=a", &bearer(&token("3", Some(clock.now())))).await;
    server.now_private("a", "again");
    assert_eq!(back.data().await, "again");
    assert_eq!(server.hub.disconnect("nobody"), 0);
}

#[tokio::test]
async fn a_disconnect_while_rights_are_asked_for_is_not_missed() {
    let rooms = Rooms::new(&[("3", "room/1")]);
    let server = Server::start(with_rooms(&rooms, config())).await;
    rooms.think();
    let token = bearer(&reader("3", &[]));
    let subscribing = async { server.get("topic=room/1", &token).await };
    let removing = async {
        rooms.asked.notified().await;
        // The answer "may read" has been found; before it counts, the person is removed.
        rooms.leave("3", "room/1");
        assert_eq!(server.hub.disconnect("3"), 0);
        rooms.pace.add_permits(1);
    };
    let (reply, ()) = within(async { tokio::join!(subscribing, removing) }).await;
    assert_eq!(reply.status, 401);
    assert_eq!(server.hub.subscribers(), 0);
}

#[tokio::test]
async fn a_disconnect_ends_a_subscription_and_a_replay_that_wait_for_their_rights() {
    let rooms = Rooms::new(&[("3", "room/1"), ("3", "room/2")]);
    let server = Server::start(with_rooms(&rooms, config())).await;
    server.now_private("room/1", "secret");
    let token = bearer(&reader("3", &[]));
    let mut socket = server.socket("topic=room/1", &token).await;
    rooms.think();
    rooms.pace.add_permits(1);
    let mut replaying = server.sse("topic=room/1&lastEventID=earliest", &token).await;
    until(|| rooms.questions.lock().unwrap().len() == 3).await;
    socket.say(json!({"subscribe": ["room/2"]})).await;
    until(|| rooms.questions.lock().unwrap().len() == 4).await;
    assert_eq!(server.hub.disconnect("3"), 2);
    assert_eq!(socket.closed().await, Frame::Close(4003, "revoked".into()));
    assert_eq!(replaying.rest().await, ": revoked\n\n");
    assert_eq!(server.hub.topics(), 0);
}

// H 92, C subscribe_test: shutdown, without a storm of those who come back
#[tokio::test]
async fn closing_ends_all_streams_with_a_different_delay_for_each() {
    let server = Server::start(open_config()).await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(server.sse("topic=a", "").await);
    }
    let mut socket = server.socket("topic=a", "").await;
    server.now("a", "last words");
    let start = Instant::now();
    let (hub, closing) = (server.hub.clone(), server.hub.clone());
    let closed = tokio::spawn(async move { closing.close().await });
    let mut delays = Vec::new();
    for sse in &mut streams {
        assert_eq!(sse.data().await, "last words");
        let rest = sse.rest().await;
        let delay = rest.strip_prefix(": shutting down\nretry: ").and_then(|rest| rest.strip_suffix("\n\n"));
        delays.push(delay.unwrap().parse::<u64>().unwrap());
    }
    assert!(delays.iter().all(|delay| (1_000..5_000).contains(delay)), "{delays:?}");
    delays.dedup();
    assert!(delays.len() > 1);
    assert_eq!(socket.data().await, "last words");
    assert_eq!(socket.closed().await, Frame::Close(1001, "shutting down".into()));
    within(closed).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(4), "nobody had to be waited for");
    assert_eq!(hub.subscribers(), 0);
    let reply = server.get("topic=a", "").await;
    assert_eq!((reply.status, reply.header("retry-after").is_some()), (503, true));
    assert_eq!(server.try_socket("topic=a", "").await.err().unwrap().status, 503);
    within(hub.close()).await;
}

// C subscribe_test: shutdown
#[tokio::test]
async fn closing_does_not_wait_for_those_who_never_read() {
    let closing = HubConfig { close_timeout: Duration::from_millis(300), queue_bytes: 64 << 20, ..open_config() };
    let server = Server::start(closing).await;
    let _stuck = server.sse_unread("topic=a", "").await;
    let _stuck_socket = server.socket("topic=a", "").await;
    for _ in 0..200 {
        server.now("a", &"x".repeat(100_000));
    }
    let start = Instant::now();
    within(server.hub.close()).await;
    assert!(start.elapsed() < Duration::from_secs(3));
}

// C subscribe_test: shutdown
#[tokio::test]
async fn a_server_shuts_down_once_the_hub_is_closed() {
    let hub = mercure_hub::Hub::new(open_config());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server { hub: hub.clone(), address: listener.local_addr().unwrap() };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = axum::serve(listener, hub.router()).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    let serving = tokio::spawn(serving.into_future());
    let _sse = server.sse("topic=a", "").await;
    hub.close().await;
    stop.send(()).unwrap();
    within(serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_was_published_by_the_disconnected_is_still_published() {
    let server = Server::start(open_config()).await;
    let mut sse = server.sse("topic=a", "").await;
    assert_eq!(server.post(&publisher(&["a"]), "topic=a&data=x").await.status, 200);
    assert_eq!(sse.data().await, "x");
}
