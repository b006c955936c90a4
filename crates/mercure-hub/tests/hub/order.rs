//! Order and pressure: one order for all, slow readers cut, quick ones served.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use mercure_hub::{HubConfig, Update};
use tokio::task::JoinSet;

use crate::client::{Frame, Server, Sse, open_config, until, within};

// H 83, H 86: an id is a place in one order, or it could not be continued from
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_subscribers_see_one_order_also_across_topics() {
    const EACH: usize = 1_500;
    let server = Arc::new(Server::start(HubConfig { queue_bytes: 64 << 20, ..open_config() }).await);
    let mut streams = Vec::new();
    for query in ["topic=a&topic=b", "topic=*", "topic=b&topic=a&topic=c", "topic=*&topic=a"] {
        streams.push(server.sse(query, "").await);
    }
    let mut socket = server.socket("topic=a&topic=b", "").await;
    let publishers: Vec<_> = (0..4)
        .map(|publisher| {
            let server = Arc::clone(&server);
            thread::spawn(move || {
                for n in 0..EACH {
                    let topic = if (n + publisher) % 2 == 0 { "a" } else { "b" };
                    server.now(topic, &format!("{publisher}/{n}"));
                }
            })
        })
        .collect();
    let mut readers = JoinSet::new();
    for mut sse in streams {
        readers.spawn(async move {
            let mut seen = Vec::new();
            for _ in 0..4 * EACH {
                seen.push(sse.data().await);
            }
            seen
        });
    }
    readers.spawn(async move {
        let mut seen = Vec::new();
        for _ in 0..4 * EACH {
            seen.push(socket.data().await);
        }
        seen
    });
    let orders = within(readers.join_all()).await;
    publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
    assert!(orders.windows(2).all(|pair| pair[0] == pair[1]), "all have seen the same");
    for publisher in 0..4 {
        let prefix = format!("{publisher}/");
        let own: Vec<_> = orders[0].iter().filter(|data| data.starts_with(&prefix)).collect();
        let sent: Vec<_> = (0..EACH).map(|n| format!("{publisher}/{n}")).collect();
        assert!(own.into_iter().eq(&sent), "each publisher's own order is kept");
    }
    let mut history = server.sse("topic=*&lastEventID=earliest", "").await;
    for data in &orders[0] {
        assert_eq!(history.data().await, *data, "and it is that of the history");
    }
}

/// Publishes until the hub has cut somebody, and reads along with the others.
async fn flood(server: &Server, quick: &mut [Sse], left: usize) {
    let mut n = 0;
    while server.hub.subscribers() > left {
        let data = format!("{n} {}", "x".repeat(50_000));
        server.now("a", &data);
        for sse in quick.iter_mut() {
            assert_eq!(sse.data().await, data);
        }
        // With nobody to read along, the connections still get their turn.
        tokio::task::yield_now().await;
        n += 1;
        assert!(n < 5_000, "somebody should have been cut by now");
    }
    server.now("a", "end");
    for sse in quick.iter_mut() {
        assert_eq!(sse.data().await, "end");
    }
}

// H 83, D 3, D 9: the stream of a slow reader ends, with a reason and without a hole
#[tokio::test]
async fn a_slow_stream_is_cut_while_the_others_get_everything() {
    let server = Server::start(HubConfig { queue_bytes: 200_000, ..open_config() }).await;
    let mut slow = server.sse_unread("topic=a", "").await;
    let mut quick = [server.sse("topic=a", "").await, server.sse("topic=*", "").await];
    flood(&server, &mut quick, 2).await;
    let text = slow.rest().await;
    assert!(text.ends_with(": slow reader\n\n"), "it is told why: {:?}", &text[text.len().saturating_sub(60)..]);
    let numbers = text.split("\ndata: ").skip(1).map(|data| data.split(' ').next().unwrap().parse::<usize>().unwrap());
    let numbers: Vec<_> = numbers.collect();
    assert!(numbers.iter().copied().eq(0..numbers.len()), "what it got has no hole");
}

// D 9
#[tokio::test]
async fn a_slow_websocket_is_cut_too() {
    let server = Server::start(HubConfig { queue_bytes: 200_000, ..open_config() }).await;
    let mut slow = server.socket("topic=a", "").await;
    let mut quick = [server.sse("topic=a", "").await];
    flood(&server, &mut quick, 1).await;
    let mut n = 0;
    let end = loop {
        match slow.frame().await {
            Frame::Text(text) => {
                assert!(text.contains(&format!("\"data\":\"{n} ")), "no hole");
                n += 1;
            }
            Frame::Ping | Frame::Pong(_) => {}
            end => break end,
        }
    };
    assert!(matches!(&end, Frame::Close(1013, reason) if reason == "slow reader") || end == Frame::End, "{end:?}");
}

#[tokio::test]
async fn ephemeral_updates_are_the_first_to_go_and_cut_nobody() {
    let server = Server::start(HubConfig { queue_bytes: 100_000, ..open_config() }).await;
    let mut slow = server.sse_unread("topic=a", "").await;
    let big = "x".repeat(50_000);
    for n in 0..400 {
        let update = Update::new("a", format!("{n} {big}")).unwrap().ephemeral();
        server.hub.publish(update).unwrap();
    }
    assert_eq!(server.hub.subscribers(), 1, "nothing that matters was lost");
    server.now("a", "durable");
    let mut last = String::new();
    while last != "durable" {
        last = slow.data().await;
    }
}

#[tokio::test]
async fn what_comes_while_the_hub_delivers_is_joined() {
    let server = Server::start(open_config()).await;
    let mut sse = server.sse("topic=a", "").await;
    // A delivery takes a system call, and publishing takes none: some will find another one under way.
    for n in 0..10_000 {
        server.now("a", &n.to_string());
    }
    let mut chunks = 0;
    for n in 0..10_000 {
        chunks += usize::from(sse.buffered_events() == 0);
        assert_eq!(sse.data().await, n.to_string());
    }
    assert!(chunks < 10_000, "each came alone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_come_and_go_while_others_publish() {
    let server = Arc::new(Server::start(open_config()).await);
    let done = Arc::new(AtomicBool::new(false));
    let publisher = {
        let server = Arc::clone(&server);
        let done = Arc::clone(&done);
        thread::spawn(move || {
            let mut n = 0;
            while !done.load(Ordering::Relaxed) {
                server.now(if n % 2 == 0 { "a" } else { "b" }, &n.to_string());
                n += 1;
            }
        })
    };
    let mut visitors = JoinSet::new();
    for visitor in 0..8 {
        let server = Arc::clone(&server);
        visitors.spawn(async move {
            for _ in 0..10 {
                let mut sse = server.sse("topic=a&topic=b", "").await;
                let mut last = None;
                for _ in 0..=visitor * 3 {
                    let Some(event) = sse.next().await else { break };
                    let n: usize = event.data.parse().unwrap();
                    assert!(last.is_none_or(|last| n == last + 1), "{last:?} then {n}");
                    last = Some(n);
                }
            }
        });
    }
    within(visitors.join_all()).await;
    done.store(true, Ordering::Relaxed);
    publisher.join().unwrap();
    until(|| server.hub.subscribers() == 0 && server.hub.topics() == 0).await;
}

// D 9
#[tokio::test]
async fn a_connection_that_takes_nothing_is_closed_with_its_stream() {
    let config = HubConfig { queue_bytes: 200_000, close_timeout: Duration::from_secs(15), ..open_config() };
    let server = Server::start(config).await;
    let _stuck = server.sse_unread("topic=a", "").await;
    flood(&server, &mut [], 0).await;
    let start = std::time::Instant::now();
    server.hub.close().await;
    assert!(start.elapsed() < Duration::from_secs(14), "the connection has let go of its stream");
}
