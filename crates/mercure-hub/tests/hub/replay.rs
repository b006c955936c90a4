//! History: what is sent again, after which id, to whom, and how the replay meets the present.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use mercure_hub::{HubConfig, Update};

use crate::{
    client::{Server, bearer, config, open_config, reader, until},
    rights::{Rooms, with_rooms},
};

fn numbered(server: &Server, topic: &str, numbers: std::ops::Range<usize>) {
    for n in numbers {
        let update = Update::new(topic, n.to_string()).unwrap().id(format!("id{n}")).unwrap();
        server.hub.publish(update).unwrap();
    }
}

#[tokio::test]
async fn a_stream_continues_after_the_id_it_names() {
    let server = Server::start(open_config()).await;
    numbered(&server, "a", 0..5);
    numbered(&server, "b", 5..6);
    numbered(&server, "a", 6..8);
    for (query, header) in [
        ("topic=a&lastEventID=id2", ""),
        ("topic=a&last_event_id=id2", ""),
        ("topic=a&Last-Event-ID=id2", ""),
        ("topic=a&lastEventID=id6", "Last-Event-ID: id2\r\n"),
    ] {
        let mut sse = server.sse(query, header).await;
        assert_eq!(sse.head.header("mercure-last-event-id"), Some("id2"), "{query}");
        assert_eq!(sse.head.header("last-event-id"), Some("id2"), "{query}");
        for id in ["id3", "id4", "id6", "id7"] {
            assert_eq!(sse.event().await.id, id, "{query}");
        }
    }
    let newer = server.sse("match=a&last_event_id=id2", "").await;
    assert_eq!(newer.head.header("mercure-last-event-id"), Some("id2"));
    assert_eq!(newer.head.header("last-event-id"), None, "the older name is for the older generation");
}

#[tokio::test]
async fn unknown_ids_get_what_is_new_and_are_told_so() {
    let server = Server::start(HubConfig { history_events: 3, ..open_config() }).await;
    numbered(&server, "a", 0..5);
    for last in ["id0", "id1", "unknown", "", "%23x", "%ff"] {
        let mut sse = server.sse(&format!("topic=a&lastEventID={last}"), "").await;
        assert_eq!(sse.head.header("mercure-last-event-id"), Some("earliest"), "{last}");
        server.now("a", "live");
        assert_eq!(sse.data().await, "live", "{last}");
    }
}

#[tokio::test]
async fn earliest_is_all_there_is() {
    let server = Server::start(HubConfig { history_events: 3, ..open_config() }).await;
    let mut empty = server.sse("topic=a&lastEventID=earliest", "").await;
    assert_eq!(empty.head.header("mercure-last-event-id"), Some("earliest"));
    numbered(&server, "a", 0..5);
    assert_eq!(empty.data().await, "0");
    let mut sse = server.sse("topic=a", "Last-Event-ID: earliest\r\n").await;
    assert_eq!(sse.head.header("mercure-last-event-id"), Some("earliest"));
    assert_eq!((sse.data().await, sse.data().await, sse.data().await), ("2".into(), "3".into(), "4".into()));
}

#[tokio::test]
async fn a_websocket_replays_too() {
    let server = Server::start(open_config()).await;
    numbered(&server, "a", 0..3);
    let mut socket = server.socket("topic=a&last_event_id=id0", "").await;
    assert_eq!(socket.head.header("mercure-last-event-id"), Some("id0"));
    assert_eq!((socket.data().await, socket.data().await), ("1".into(), "2".into()));
    server.now("a", "live");
    assert_eq!(socket.data().await, "live");
}

#[tokio::test]
async fn what_is_replayed_is_judged_by_the_rights_of_now() {
    let rooms = Rooms::new(&[("3", "room/1")]);
    let server = Server::start(with_rooms(&rooms, config())).await;
    server.now_private("room/1", "1");
    server.now_private("user/3", "2");
    server.now("room/1", "3");
    server.now_private("user/3", "4");
    let query = "topic=room/1&topic=user/3&lastEventID=earliest";
    let read = async |token: String, expected: &[&str]| {
        let mut sse = server.sse(query, &bearer(&token)).await;
        for data in expected {
            assert_eq!(sse.data().await, *data);
        }
    };
    read(reader("3", &["user/3"]), &["1", "2", "3", "4"]).await;
    read(reader("3", &[]), &["1", "3"]).await;
    read(reader("4", &["user/4"]), &["3"]).await;
    rooms.leave("3", "room/1");
    read(reader("3", &["user/3"]), &["2", "3", "4"]).await;
}

#[tokio::test]
async fn rights_are_asked_for_again_at_each_page() {
    let rooms = Rooms::new(&[("3", "room/1")]);
    let server = Server::start(with_rooms(&rooms, config())).await;
    for n in 0..1_000 {
        server.now_private("room/1", &n.to_string());
    }
    rooms.think();
    rooms.pace.add_permits(2);
    let token = bearer(&reader("3", &[]));
    let mut sse = server.sse("topic=room/1&lastEventID=earliest", &token).await;
    assert_eq!(sse.data().await, "0");
    // The question about the second page waits; meanwhile the person leaves, and the answers from then on say so.
    until(|| rooms.questions.lock().unwrap().len() == 3).await;
    rooms.leave("3", "room/1");
    rooms.pace.add_permits(100);
    server.now_private("room/1", "still secret");
    server.now("room/1", "public");
    let mut seen = Vec::new();
    loop {
        match sse.data().await.as_str() {
            "public" => break,
            data => seen.push(data.parse::<usize>().unwrap()),
        }
    }
    assert!(seen.len() < 600, "{} of 1,000 after the first", seen.len());
}

#[tokio::test]
async fn replay_meets_the_present_without_gap_or_repeat() {
    let server = Arc::new(Server::start(HubConfig { queue_bytes: 64 << 20, ..open_config() }).await);
    numbered(&server, "a", 0..2_000);
    let done = Arc::new(AtomicBool::new(false));
    let publisher = {
        let (server, done) = (Arc::clone(&server), Arc::clone(&done));
        std::thread::spawn(move || {
            let mut n = 2_000;
            while !done.load(Ordering::Relaxed) {
                numbered(&server, "a", n..n + 1);
                n += 1;
                std::thread::yield_now();
                if n > 8_000 {
                    std::thread::park_timeout(std::time::Duration::from_micros(200));
                }
            }
        })
    };
    for start in [0, 100, 1_000, 1_999] {
        let mut sse = server.sse(&format!("topic=a&lastEventID=id{start}"), "").await;
        let mut socket = server.socket(&format!("topic=a&lastEventID=id{start}"), "").await;
        for n in start + 1..start + 3_000 {
            assert_eq!(sse.event().await.id, format!("id{n}"));
            assert_eq!(socket.json().await["id"], format!("id{n}"));
        }
    }
    done.store(true, Ordering::Relaxed);
    publisher.join().unwrap();
}

#[tokio::test]
async fn a_replay_that_is_overtaken_ends_instead_of_skipping() {
    let rooms = Rooms::new(&[("3", "a")]);
    let config = with_rooms(&rooms, HubConfig { history_events: 400, ..config() });
    let server = Server::start(config).await;
    (0..400).for_each(|n| server.now_private("a", &n.to_string()));
    rooms.think();
    rooms.pace.add_permits(1);
    let token = bearer(&reader("3", &[]));
    let mut sse = server.sse("topic=a&lastEventID=earliest", &token).await;
    until(|| rooms.questions.lock().unwrap().len() == 2).await;
    // While the first page is thought about, the second one is forgotten.
    (0..400).for_each(|n| server.now_private("a", &format!("new {n}")));
    rooms.pace.add_permits(100);
    let rest = sse.rest().await;
    assert!(rest.contains("data: 255\n") && !rest.contains("data: 256\n"), "the first page");
    assert!(!rest.contains("new") && rest.ends_with(": history overtaken\n\n"));
}

#[tokio::test]
async fn an_ephemeral_update_is_seen_live_and_never_again() {
    let server = Server::start(open_config()).await;
    let mut live = server.sse("topic=a", "").await;
    server.now("a", "1");
    server.hub.publish(Update::new("a", "typing").unwrap().ephemeral()).unwrap();
    server.now("a", "2");
    assert_eq!(live.data().await, "1");
    let typing = live.event().await;
    assert_eq!((typing.data.as_str(), live.data().await.as_str()), ("typing", "2"));
    let mut again = server.sse("topic=a&lastEventID=earliest", "").await;
    assert_eq!((again.data().await, again.data().await), ("1".into(), "2".into()));
    let mut after = server.sse(&format!("topic=a&lastEventID={}", typing.id), "").await;
    assert_eq!(after.head.header("mercure-last-event-id"), Some(typing.id.as_str()), "its id is a place all the same");
    assert_eq!(after.data().await, "2");
}

#[tokio::test]
async fn a_hundred_thousand_updates_are_replayed_in_one_go() {
    let server = Server::start(HubConfig { history_events: 200_000, history_bytes: 1 << 30, ..open_config() }).await;
    numbered(&server, "a", 0..100_000);
    let mut sse = server.sse("topic=a&lastEventID=id0", "").await;
    for n in 1..100_000 {
        assert_eq!(sse.data().await, n.to_string());
    }
    server.now("a", "live");
    assert_eq!(sse.data().await, "live");
}

#[tokio::test]
async fn large_updates_are_replayed_whole() {
    let server = Server::start(HubConfig { history_bytes: 1 << 30, ..open_config() }).await;
    let data = |n: usize| format!("{n}{}", "x".repeat(n * 20_000));
    (0..30).for_each(|n| server.now("a", &data(n)));
    let mut sse = server.sse("topic=a&lastEventID=earliest", "").await;
    for n in 0..30 {
        assert!(sse.data().await == data(n), "{n}");
    }
}
