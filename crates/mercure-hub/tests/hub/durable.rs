//! The history on disk: what outlives a restart and a crash, what a failing disk does, and that no age or size makes it slow to find.

use std::{path::PathBuf, time::Duration};

use mercure_hub::{Hub, HubConfig, LogConfig, OpenError, PublishError, Update};
use tempfile::TempDir;

use crate::{
    client::{Server, TestClock, bearer, config, open_config, publisher, reader, until, within},
    rights::{Rooms, with_rooms},
};

/// A folder for one log.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().join("updates.db")
    }

    pub fn log(&self) -> LogConfig {
        LogConfig::at(self.path())
    }

    pub async fn start(&self, config: HubConfig) -> Server {
        Server::serve(Hub::open(Server::impatient(config), &self.log()).unwrap()).await
    }

    /// Somebody else's connection to the same file.
    pub fn meddle(&self, sql: &str) {
        rusqlite::Connection::open(self.path()).unwrap().execute_batch(sql).unwrap();
    }
}

fn update(topic: &str, n: usize) -> Update {
    Update::new(topic, n.to_string()).unwrap().id(format!("id{n}")).unwrap()
}

/// Publishes all at once, so that they share batches.
async fn publish(hub: &Hub, topic: &str, numbers: std::ops::Range<usize>) {
    let publications: Vec<_> = numbers.map(|n| (n, hub.publish_async(update(topic, n)))).collect();
    for (n, publication) in publications {
        assert_eq!(within(publication).await.unwrap().as_str(), format!("id{n}"));
    }
}

async fn expect(server: &Server, query: &str, header: &str, data: &[&str]) {
    let mut sse = server.sse(query, "").await;
    assert_eq!(sse.head.header("mercure-last-event-id"), Some(header), "{query}");
    for data in data {
        assert_eq!(sse.data().await, *data, "{query}");
    }
    // Nothing else stands between the history and the present.
    server.now("a", "live");
    server.now("b", "live");
    assert_eq!(sse.data().await, "live", "{query}");
}

// H 82, H 83, H 85, H 88, H 89, D2, C bolt_test
#[tokio::test]
async fn what_was_published_before_a_restart_is_replayed_before_anything_new_is_published() {
    let folder = Folder::new();
    let server = folder.start(open_config()).await;
    publish(&server.hub, "a", 0..5).await;
    publish(&server.hub, "b", 5..6).await;
    server.hub.close().await;

    let server = folder.start(open_config()).await;
    let mut after = server.sse("topic=a", "Last-Event-ID: id2\r\n").await;
    assert_eq!(after.head.header("mercure-last-event-id"), Some("id2"));
    let mut earliest = server.sse("match=a&match=b&last_event_id=earliest", "").await;
    assert_eq!(earliest.head.header("mercure-last-event-id"), Some("earliest"));
    for n in 0..6 {
        let event = earliest.event().await;
        assert_eq!((event.id, event.data), (format!("id{n}"), n.to_string()));
    }
    for n in 3..5 {
        assert_eq!(after.event().await.id, format!("id{n}"));
    }
    publish(&server.hub, "a", 6..7).await;
    assert_eq!((after.event().await.id, earliest.event().await.id), ("id6".into(), "id6".into()));
    expect(&server, "topic=*&lastEventID=id4", "id4", &["5", "6"]).await;
}

// H 10, H 40, H 44, H 45, H 92
#[tokio::test]
async fn an_update_comes_back_from_the_disk_as_it_was() {
    let folder = Folder::new();
    let all = |n: u64| {
        let update = Update::new("a", "several\nlines\rand \"quotes\" é 名\0")
            .unwrap()
            .alternate("https://example.com/b?x#y")
            .unwrap();
        update.event_type("note").unwrap().retry(n).id(format!("urn:x:{n}")).unwrap()
    };
    let server = folder.start(HubConfig { history_events: 0, ..open_config() }).await;
    let mut live = server.sse("topic=a", "").await;
    let mut socket = server.socket("topic=a", "").await;
    server.hub.publish(all(7)).unwrap();
    server.hub.publish(Update::new("a", "").unwrap()).unwrap();
    let events = [live.event().await, live.event().await];
    let messages = [socket.json().await, socket.json().await];
    assert_eq!((events[0].retry, events[0].kind.as_str()), (Some(7), "note"));
    for _ in 0..2 {
        let mut sse = server.sse("topic=a&lastEventID=earliest", "").await;
        assert_eq!([sse.event().await, sse.event().await], events);
        let mut sse = server.sse("topic=https://example.com/b%3Fx%23y&lastEventID=earliest", "").await;
        assert_eq!(sse.event().await, events[0]);
        let mut socket = server.socket("topic=a&lastEventID=earliest", "").await;
        assert_eq!([socket.json().await, socket.json().await], messages);
    }
}

// H 86, H 87, C bolt_test
#[tokio::test]
async fn a_repeated_id_means_its_earliest_occurrence_on_disk_too() {
    let folder = Folder::new();
    let mut log = folder.log();
    log.events = 5;
    for memory in [0, 3, 100] {
        let config = || HubConfig { history_events: memory, ..open_config() };
        let server = Server::serve(Hub::open(config(), &log).unwrap()).await;
        let say = async |id: &str, data: &str| {
            let update = Update::new("a", data).unwrap().id(id).unwrap();
            within(server.hub.publish_async(update)).await.unwrap();
        };
        for (id, data) in [("y", "0"), ("x", "1"), ("y", "2"), ("x", "3"), ("z", "4")] {
            say(id, data).await;
        }
        let mut sse = server.sse("topic=a&lastEventID=x", "").await;
        assert_eq!([sse.data().await, sse.data().await, sse.data().await], ["2", "3", "4"]);
        say("v", "5").await;
        say("w", "6").await;
        assert_eq!([sse.data().await, sse.data().await], ["5", "6"]);
        // The first x has gone: now the second one is the earliest.
        let mut sse = server.sse("topic=a&lastEventID=x", "").await;
        assert_eq!(sse.head.header("mercure-last-event-id"), Some("x"));
        assert_eq!([sse.data().await, sse.data().await, sse.data().await], ["4", "5", "6"]);
        server.hub.close().await;
        let server = Server::serve(Hub::open(config(), &log).unwrap()).await;
        let mut sse = server.sse("topic=a&lastEventID=y", "").await;
        assert_eq!([sse.data().await, sse.data().await], ["3", "4"]);
        server.hub.close().await;
    }
}

// H 89, H 90, C bolt_test
#[tokio::test]
async fn ids_that_are_not_there_get_what_is_new_and_are_told_so() {
    let folder = Folder::new();
    let mut log = folder.log();
    log.events = 3;
    let server = Server::serve(Hub::open(HubConfig { history_events: 2, ..open_config() }, &log).unwrap()).await;
    expect(&server, "topic=a&lastEventID=earliest", "earliest", &[]).await;
    publish(&server.hub, "a", 0..5).await;
    expect(&server, "topic=a&lastEventID=id1", "earliest", &[]).await;
    expect(&server, "topic=a&lastEventID=unknown", "earliest", &[]).await;
    expect(&server, "topic=a&lastEventID=", "earliest", &[]).await;
}

// H 90
#[tokio::test]
async fn retention_by_count_keeps_the_newest() {
    let folder = Folder::new();
    for memory in [0, 2, 100] {
        let mut log = folder.log();
        log.events = 3;
        let server =
            Server::serve(Hub::open(HubConfig { history_events: memory, ..open_config() }, &log).unwrap()).await;
        publish(&server.hub, "a", 0..500).await;
        let mut sse = server.sse("topic=a&lastEventID=earliest", "").await;
        assert_eq!([sse.data().await, sse.data().await, sse.data().await], ["497", "498", "499"]);
        server.hub.close().await;
    }
}

// H 90
#[tokio::test]
async fn retention_by_bytes_keeps_the_newest_and_the_file_small() {
    let folder = Folder::new();
    let mut log = folder.log();
    log.bytes = 2 << 20;
    let server = Server::serve(Hub::open(HubConfig { history_events: 5, ..open_config() }, &log).unwrap()).await;
    let large = "x".repeat(10_000);
    let round = async |from: usize| {
        let updates = (from..from + 500).map(|n| Update::new("a", format!("{n} {large}")).unwrap());
        let publications: Vec<_> = updates.map(|update| server.hub.publish_async(update)).collect();
        for publication in publications {
            within(publication).await.unwrap();
        }
    };
    for n in 0..6 {
        round(n * 500).await;
    }
    let mut sse = server.sse("topic=a&lastEventID=earliest", "").await;
    let first: usize = sse.data().await.split(' ').next().unwrap().parse().unwrap();
    assert!((2_790..2_810).contains(&first), "{first}: two megabytes of ten kilobytes each");
    for n in first + 1..3_000 {
        assert!(sse.data().await.starts_with(&format!("{n} ")));
    }
    server.hub.close().await;
    let size = std::fs::metadata(folder.path()).unwrap().len();
    assert!(size < 20 << 20, "{size} bytes for two megabytes of updates; thirty went through");
}

// H 90
#[tokio::test]
async fn retention_by_age_follows_the_hubs_clock() {
    let folder = Folder::new();
    for memory in [0, 100] {
        let clock = TestClock::new();
        let config = || HubConfig {
            clock: clock.clock(),
            history_age: Duration::from_secs(60),
            history_events: memory,
            ..open_config()
        };
        let server = folder.start(config()).await;
        publish(&server.hub, "a", 0..3).await;
        clock.advance(40.0);
        publish(&server.hub, "a", 3..6).await;
        expect(&server, "topic=a&lastEventID=id1", "id1", &["2", "3", "4", "5"]).await;
        clock.advance(30.0);
        expect(&server, "topic=a&lastEventID=id1", "earliest", &[]).await;
        let mut sse = server.sse("topic=a&lastEventID=earliest", "").await;
        assert_eq!([sse.data().await, sse.data().await, sse.data().await], ["3", "4", "5"]);
        server.hub.close().await;
        clock.advance(300.0);
        let server = folder.start(config()).await;
        expect(&server, "topic=a&lastEventID=id4", "earliest", &[]).await;
        server.hub.close().await;
    }
}

// H 3, H 78, H 84
#[tokio::test]
async fn private_updates_from_the_disk_are_judged_by_the_rights_of_now() {
    let folder = Folder::new();
    let rooms = Rooms::new(&[("3", "room/1")]);
    let settings = || with_rooms(&rooms, HubConfig { history_events: 1, ..config() });
    let server = folder.start(settings()).await;
    server.now_private("room/1", "1");
    server.now_private("user/3", "2");
    server.now("room/1", "3");
    server.now_private("user/3", "4");
    server.hub.close().await;
    let server = folder.start(settings()).await;
    let read = async |token: String, expected: &[&str]| {
        let mut sse = server.sse("topic=room/1&topic=user/3&lastEventID=earliest", &bearer(&token)).await;
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

// H 47, C publish_test
#[tokio::test]
async fn a_disk_that_fails_refuses_updates_shows_them_to_nobody_and_recovers() {
    let folder = Folder::new();
    let server = folder.start(open_config()).await;
    let mut live = server.sse("topic=a", "").await;
    let post = async |data: &str| server.post(&publisher(&["*"]), &format!("topic=a&data={data}")).await;
    assert_eq!(post("0").await.status, 200);
    // As if the disk were full: what SQLite says to a write is the same.
    folder.meddle(
        "create trigger full before insert on update_ begin select raise(abort, 'database or disk is full'); end",
    );
    let refused = post("1").await;
    assert_eq!((refused.status, refused.body.as_str()), (503, "The update could not be stored\n"));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(server.hub.publish(update("a", 1)), Err(PublishError::NotWritten));
    assert_eq!(within(server.hub.publish_async(update("a", 1))).await, Err(PublishError::NotWritten));
    // What is not stored anyway goes its way.
    server.hub.publish(Update::new("a", "typing").unwrap().ephemeral()).unwrap();
    folder.meddle("drop trigger full");
    assert_eq!(post("2").await.status, 200);
    assert_eq!([live.data().await, live.data().await, live.data().await], ["0", "typing", "2"]);
    expect(&server, "topic=a&lastEventID=earliest", "earliest", &["0", "2"]).await;
    server.hub.close().await;
    let server = folder.start(open_config()).await;
    let mut sse = server.sse("topic=a&lastEventID=earliest", "").await;
    assert_eq!([sse.data().await, sse.data().await], ["0", "2"]);
}

// H 83, D3
#[tokio::test]
async fn a_hundred_thousand_updates_are_replayed_from_the_disk_on_one_connection() {
    let folder = Folder::new();
    let server = folder.start(HubConfig { history_events: 1_000, ..open_config() }).await;
    for start in (0..100_000).step_by(10_000) {
        publish(&server.hub, "a", start..start + 10_000).await;
    }
    let mut named = server.sse("topic=a&lastEventID=id0", "").await;
    let mut all = server.sse("topic=*&lastEventID=earliest", "").await;
    assert_eq!(all.data().await, "0");
    for n in 1..100_000 {
        assert_eq!(named.data().await, n.to_string());
        assert_eq!(all.data().await, n.to_string());
    }
    server.now("a", "live");
    assert_eq!((named.data().await, all.data().await), ("live".into(), "live".into()));
}

// H 83
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_from_the_disk_meets_the_present_without_gap_or_repeat() {
    const ALL: usize = 6_000;
    let folder = Folder::new();
    let config = HubConfig { history_events: 50, queue_bytes: 64 << 20, ..open_config() };
    let server = folder.start(config).await;
    publish(&server.hub, "a", 0..2_000).await;
    let publisher = {
        let hub = server.hub.clone();
        tokio::spawn(async move {
            for start in (2_000..ALL).step_by(20) {
                publish(&hub, "a", start..start + 20).await;
            }
        })
    };
    for start in [0, 1_000, 1_999] {
        let mut sse = server.sse(&format!("topic=a&lastEventID=id{start}"), "").await;
        let mut socket = server.socket(&format!("topic=*&lastEventID=id{start}"), "").await;
        for n in start + 1..ALL {
            assert_eq!(sse.event().await.id, format!("id{n}"));
            assert_eq!(socket.json().await["id"], format!("id{n}"));
        }
    }
    publisher.await.unwrap();
}

// H 83, H 90
#[tokio::test]
async fn a_replay_from_the_disk_that_is_overtaken_ends_instead_of_skipping() {
    let folder = Folder::new();
    let rooms = Rooms::new(&[("3", "a")]);
    let mut log = folder.log();
    log.events = 1_000;
    let hub = Hub::open(with_rooms(&rooms, HubConfig { history_events: 10, ..config() }), &log).unwrap();
    let server = Server::serve(hub).await;
    let fill = async || {
        let updates = (0..1_000).map(|n| Update::new("a", n.to_string()).unwrap().private());
        let publications: Vec<_> = updates.map(|update| server.hub.publish_async(update)).collect();
        for publication in publications {
            within(publication).await.unwrap();
        }
    };
    fill().await;
    rooms.think();
    rooms.pace.add_permits(1);
    let mut sse = server.sse("topic=a&lastEventID=earliest", &bearer(&reader("3", &[]))).await;
    until(|| rooms.questions.lock().unwrap().len() == 2).await;
    // While the first page is thought about, the rest is discarded.
    fill().await;
    rooms.pace.add_permits(100);
    let rest = sse.rest().await;
    assert!(rest.contains("data: 255\n") && !rest.contains("data: 256\n"), "the first page");
    assert!(rest.ends_with(": history overtaken\n\n"));
}

// H 83
#[tokio::test]
async fn updates_that_are_not_stored_keep_their_place_among_those_that_are() {
    let folder = Folder::new();
    let server = folder.start(open_config()).await;
    let mut sse = server.sse("topic=a", "").await;
    let mut outcomes = Vec::new();
    for n in 0..300 {
        let update = update("a", n);
        outcomes.push(server.hub.publish_async(if n % 3 == 0 { update.ephemeral() } else { update }));
    }
    for n in 0..300 {
        assert_eq!(sse.event().await.id, format!("id{n}"));
    }
    for outcome in outcomes {
        within(outcome).await.unwrap();
    }
    for n in [3, 4, 5, 297] {
        let mut sse = server.sse(&format!("topic=a&lastEventID=id{n}"), "").await;
        assert_eq!(sse.head.header("mercure-last-event-id").unwrap(), format!("id{n}"));
        let next = (n + 1..).find(|next| next % 3 != 0).unwrap();
        assert_eq!(sse.event().await.id, format!("id{next}"), "after id{n}");
    }
}

#[tokio::test]
async fn one_file_serves_one_hub() {
    let folder = Folder::new();
    let server = folder.start(open_config()).await;
    assert!(matches!(Hub::open(open_config(), &folder.log()), Err(OpenError::InUse(_))));
    server.hub.close().await;
    assert_eq!(server.hub.publish(update("a", 1)), Err(PublishError::Closed));
    assert_eq!(server.post(&publisher(&["*"]), "topic=a").await.status, 503);
    assert!(Hub::open(open_config(), &folder.log()).is_ok());

    let foreign = folder.0.path().join("foreign.db");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("create table t (x)").unwrap();
    assert!(matches!(Hub::open(open_config(), &LogConfig::at(&foreign)), Err(OpenError::Foreign(_))));
    let text = folder.0.path().join("text.db");
    std::fs::write(&text, "This is no database. ".repeat(200)).unwrap();
    assert!(matches!(Hub::open(open_config(), &LogConfig::at(&text)), Err(OpenError::Foreign(_))));
    let nowhere = folder.0.path().join("missing/updates.db");
    assert!(matches!(Hub::open(open_config(), &LogConfig::at(nowhere)), Err(OpenError::Io { .. })));
}

#[tokio::test]
async fn what_was_taken_is_written_even_if_the_hub_is_dropped() {
    let folder = Folder::new();
    let hub = Hub::open(open_config(), &folder.log()).unwrap();
    let mut publications: Vec<_> = (0..1_000).map(|n| hub.publish_async(update("a", n))).collect();
    drop(hub);
    within(publications.pop().unwrap()).await.unwrap();
    let mut opened = Hub::open(open_config(), &folder.log());
    until(|| {
        if opened.is_err() {
            opened = Hub::open(open_config(), &folder.log());
        }
        opened.is_ok()
    })
    .await;
    let server = Server::serve(opened.unwrap()).await;
    let mut sse = server.sse("topic=a&lastEventID=id997", "").await;
    assert_eq!([sse.data().await, sse.data().await], ["998", "999"]);
}

// H 35, H 47, H 83
#[tokio::test]
async fn a_post_is_answered_when_its_update_is_on_disk() {
    let folder = Folder::new();
    let server = folder.start(open_config()).await;
    let reply = server.post(&publisher(&["*"]), "topic=a&data=x&id=urn:1").await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "urn:1"));
    let other = rusqlite::Connection::open(folder.path()).unwrap();
    let id: String = other.query_row("select id from update_", [], |row| row.get(0)).unwrap();
    assert_eq!(id, "urn:1");
}

// H 42
#[tokio::test]
async fn an_id_that_is_on_disk_is_refused_where_ids_must_be_unique() {
    let folder = Folder::new();
    let config = || HubConfig { refuse_duplicate_ids: true, history_events: 1, ..open_config() };
    let server = folder.start(config()).await;
    let token = publisher(&["*"]);
    let post =
        async |server: &Server, id: &str| server.post(&token, &format!("topic=a&data={id}&id={id}")).await.status;
    let both = [server.hub.publish_async(update("a", 1)), server.hub.publish_async(update("a", 1))];
    let mut outcomes = Vec::new();
    for publication in both {
        outcomes.push(within(publication).await.map(|id| id.to_string()));
    }
    assert_eq!(outcomes, [Ok("id1".to_owned()), Err(PublishError::Duplicate)]);
    assert_eq!([post(&server, "id2").await, post(&server, "id1").await], [200, 409]);
    server.hub.close().await;
    let server = folder.start(config()).await;
    assert_eq!([post(&server, "id1").await, post(&server, "id3").await], [409, 200]);
    expect(&server, "topic=a&lastEventID=earliest", "earliest", &["1", "id2", "id3"]).await;
}
