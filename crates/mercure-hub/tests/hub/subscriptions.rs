//! Subscriptions as others see them: the updates that tell of them, and the API, in both generations' shapes.

use std::collections::BTreeMap;

use mercure_hub::{HubConfig, Update};
use serde_json::{Value, json};

use crate::client::{Event, PATH, Reply, Server, Sse, bearer, config, open_config, reader, within};

/// All topics below which subscriptions are told and listed: `*` grants them like everything else.
const WATCHER: &str = "*";

fn watched(config: HubConfig) -> HubConfig {
    HubConfig { subscriptions: true, ..config }
}

fn watcher() -> String {
    bearer(&reader("watcher", &[WATCHER]))
}

/// A stream of everything that its own coming was told to already.
async fn watch(server: &Server) -> Sse {
    let mut watch = server.sse("match=*", &watcher()).await;
    let own = watch.event().await;
    assert_eq!(document(&own)["match"], "*");
    watch
}

fn document(event: &Event) -> Value {
    serde_json::from_str(&event.data).unwrap()
}

impl Server {
    async fn list(&self, rest: &str, headers: &str) -> Reply {
        self.request("GET", &format!("{PATH}/subscriptions{rest}"), headers, "").await
    }

    /// All of the newer generation.
    async fn all(&self) -> Value {
        self.listed("", "Accept: application/json\r\n").await
    }

    async fn listed(&self, rest: &str, headers: &str) -> Value {
        let reply = self.list(rest, &format!("{}{headers}", watcher())).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        serde_json::from_str(&reply.body).unwrap()
    }
}

/// What follows `last-event-id="` in the `Link` header.
fn cursor(reply: &Reply) -> String {
    let link = reply.header("link").unwrap();
    let value = link.split("last-event-id=\"").nth(1).unwrap();
    value.split('"').next().unwrap().to_owned()
}

// H 93, H 94, H 95, H 96, H 97
#[tokio::test]
async fn the_coming_and_going_of_a_matcher_is_told_in_the_shape_of_its_generation() {
    let server = Server::start(watched(open_config())).await;
    let mut watch = watch(&server).await;
    let stream = server.sse("match=a%20b/%C3%A9&topic=a%20b/%C3%A9", "").await;
    let (new, old) = (watch.event().await, watch.event().await);
    assert_eq!((new.kind.as_str(), old.kind.as_str()), ("mercure", ""));
    let (new, old) = (document(&new), document(&old));
    let name = new["subscriber"].as_str().unwrap().to_owned();
    assert!(name.starts_with("urn:uuid:"), "{name}");
    let escaped = name.replace(':', "%3A");
    let base = "/.well-known/mercure/subscriptions";
    let mut told_new = json!({
        "id": format!("{base}/exact/a%20b%2F%C3%A9/{escaped}"), "type": "subscription", "match_type": "exact",
        "match": "a b/é", "subscriber": name, "active": true,
    });
    let mut told_old = json!({
        "@context": "https://mercure.rocks/", "id": format!("{base}/a%20b%2F%C3%A9/{escaped}"), "type": "Subscription",
        "topic": "a b/é", "subscriber": name, "active": true,
    });
    assert_eq!((&new, &old), (&told_new, &told_old));
    drop(stream);
    let (new, old) = (watch.event().await, watch.event().await);
    assert_eq!((new.kind.as_str(), old.kind.as_str()), ("mercure", ""));
    told_new["active"] = false.into();
    told_old["active"] = false.into();
    assert_eq!((document(&new), document(&old)), (told_new, told_old));
}

// H 97
#[tokio::test]
async fn documents_are_indented_by_two_spaces() {
    let server = Server::start(watched(open_config())).await;
    let event = server.sse("match=*", &watcher()).await.event().await;
    assert!(event.data.starts_with("{\n  \"id\": \"/.well-known/mercure/subscriptions/exact/%2A/"), "{}", event.data);
    assert!(event.data.ends_with("\n  \"active\": true\n}"), "{}", event.data);
}

// H 95, H 115
#[tokio::test]
async fn only_who_is_granted_the_topic_hears_of_it() {
    let server = Server::start(watched(open_config())).await;
    let mut stranger = server.sse("match=*", &bearer(&reader("2", &["other"]))).await;
    let mut anonymous = server.sse("topic=*", "").await;
    let _stream = server.sse("match=a", "").await;
    server.now("x", "the first thing they hear");
    assert_eq!(stranger.data().await, "the first thing they hear");
    assert_eq!(anonymous.data().await, "the first thing they hear");
}

// H 93
#[tokio::test]
async fn one_who_watches_is_told_of_its_own_coming_also_after_a_replay() {
    let server = Server::start(watched(open_config())).await;
    server.now("x", "before");
    let mut replaying = server.sse("match=*&last_event_id=earliest", &watcher()).await;
    assert_eq!(replaying.data().await, "before");
    let own = document(&replaying.event().await);
    assert_eq!((&own["match"], &own["active"]), (&json!("*"), &json!(true)));
}

// H 22, H 93
#[tokio::test]
async fn a_matcher_given_twice_is_one_subscription() {
    let server = Server::start(watched(open_config())).await;
    let mut watch = watch(&server).await;
    let _stream = server.sse("match=a&match_exact=a&match=b", "").await;
    assert_eq!(document(&watch.event().await)["match"], "a");
    assert_eq!(document(&watch.event().await)["match"], "b");
    assert_eq!(server.listed("/exact/a", "").await["subscriptions"].as_array().unwrap().len(), 1);
}

// H 93, C subscribe_test
#[tokio::test]
async fn of_a_stream_that_is_refused_nothing_is_told() {
    let server = Server::start(watched(HubConfig { max_connections: 1, ..open_config() })).await;
    let mut watch = watch(&server).await;
    assert_eq!(server.get("match=a", "").await.status, 503);
    assert_eq!(server.get("match=a%00", "").await.status, 400);
    assert_eq!(server.request("HEAD", &format!("{PATH}?match=a"), "", "").await.status, 200);
    server.now("x", "the next thing it hears");
    assert_eq!(watch.data().await, "the next thing it hears");
}

// H 93
#[tokio::test]
async fn every_way_to_end_is_told() {
    let server = Server::start(watched(open_config())).await;
    let mut watch = watch(&server).await;
    let token = bearer(&reader("3", &[]));
    let gone = |event: Event| {
        let told = document(&event);
        (told["match"].as_str().unwrap().to_owned(), told["active"].as_bool().unwrap())
    };
    let left = server.sse("match=left", "").await;
    assert_eq!(gone(watch.event().await), ("left".into(), true));
    drop(left);
    assert_eq!(gone(watch.event().await), ("left".into(), false));
    let _removed = server.sse("match=removed", &token).await;
    assert_eq!(gone(watch.event().await), ("removed".into(), true));
    assert_eq!(server.hub.disconnect("3"), 1);
    assert_eq!(gone(watch.event().await), ("removed".into(), false));
    let mut said_goodbye = server.socket("match=goodbye", "").await;
    assert_eq!(gone(watch.event().await), ("goodbye".into(), true));
    said_goodbye.send(0x88, &[]).await;
    assert_eq!(gone(watch.event().await), ("goodbye".into(), false));
    assert_eq!(server.all().await["subscriptions"].as_array().unwrap().len(), 1, "who watches");
}

// H 93
#[tokio::test]
async fn a_slow_reader_that_is_cut_is_told_as_gone() {
    let server = Server::start(watched(HubConfig { queue_bytes: 100_000, ..open_config() })).await;
    let mut watch = server.sse("match=watched", &watcher()).await;
    let _slow = server.sse_unread("match=flood", "").await;
    let mut socket = server.socket("match=/nothing", &watcher()).await;
    socket.settle().await;
    for _ in 0..200 {
        server.now("flood", &"x".repeat(100_000));
    }
    within(async {
        while server.listed("/exact/flood", "").await["subscriptions"] != json!([]) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    server.now("watched", "and others go on");
    assert_eq!(watch.data().await, "and others go on");
}

// H 93, H 97
#[tokio::test]
async fn the_messages_of_a_socket_begin_and_end_subscriptions() {
    let server = Server::start(watched(open_config())).await;
    let mut watch = watch(&server).await;
    let mut socket = server.socket("match=a", "").await;
    let first = document(&watch.event().await);
    socket.say(json!({"subscribe": ["b", "a", "b"]})).await;
    let second = document(&watch.event().await);
    assert_eq!((&second["match"], &second["active"]), (&json!("b"), &json!(true)));
    assert_eq!(first["subscriber"], second["subscriber"], "one name for one connection");
    socket.say(json!({"unsubscribe": ["a", "c"]})).await;
    let third = document(&watch.event().await);
    assert_eq!((&third["match"], &third["active"]), (&json!("a"), &json!(false)));
    let listed = server.all().await;
    let mut matches: Vec<_> =
        listed["subscriptions"].as_array().unwrap().iter().map(|one| one["match"].as_str().unwrap()).collect();
    matches.sort_unstable();
    assert_eq!(matches, ["*", "b"]);
    drop(socket);
    assert_eq!(document(&watch.event().await)["match"], "b");
}

// H 99, H 57, H 59, C subscription_test
#[tokio::test]
async fn the_api_is_for_those_who_are_granted_its_path() {
    let server = Server::start(watched(open_config())).await;
    let _stream = server.sse("match=a", "").await;
    for rest in ["", "/exact/a", "/exact/a/urn:uuid:1", "/a", "/a/urn:uuid:1"] {
        let reply = server.list(rest, "").await;
        assert_eq!((reply.status, reply.header("www-authenticate")), (401, Some("Bearer")), "{rest}");
        let reply = server.list(rest, &bearer("not a token that anybody signed, but long")).await;
        assert_eq!((reply.status, reply.header("www-authenticate")), (401, Some("Bearer error=\"invalid_token\"")));
        let reply = server.list(rest, &bearer(&reader("1", &["other"]))).await;
        assert_eq!(reply.status, 403, "{rest}");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer error=\"insufficient_scope\""));
    }
    let path = "/.well-known/mercure/subscriptions/exact/a";
    let granted = bearer(&reader("1", &[path]));
    for rest in ["/exact/a", "/exact/a?page=2", "/exact/%61?x=/y"] {
        assert_eq!(server.list(rest, &granted).await.status, 200, "{rest}: the query plays no part");
    }
    assert_eq!(server.list("/exact/b", &granted).await.status, 403);
    assert_eq!(server.list("", &granted).await.status, 403);
    let with_query = bearer(&reader("1", &[&format!("{path}?page=2")]));
    assert_eq!(server.list("/exact/a?page=2", &with_query).await.status, 403);
}

// H 98, H 101, H 102
#[tokio::test]
async fn collections_and_single_subscriptions_of_the_newer_generation() {
    let server = Server::start(watched(open_config())).await;
    let _one = server.sse("match=a/b&match=c&topic=old", "").await;
    let _two = server.sse("match=a/b", "").await;
    let all = server.all().await;
    assert_eq!((&all["id"], &all["type"]), (&json!("/.well-known/mercure/subscriptions"), &json!("subscriptions")));
    assert_eq!(all["subscriptions"].as_array().unwrap().len(), 3, "those of the older generation stand elsewhere");
    let of = server.listed("/exact/a%2Fb", "").await;
    assert_eq!(of["id"], "/.well-known/mercure/subscriptions/exact/a%2Fb");
    assert_eq!(of["subscriptions"].as_array().unwrap().len(), 2);
    for one in of["subscriptions"].as_array().unwrap() {
        let rest = one["id"].as_str().unwrap().strip_prefix("/.well-known/mercure/subscriptions").unwrap();
        assert_eq!(&server.listed(rest, "").await, one, "the same document");
        assert_eq!(one.get("@context"), None);
    }
    assert_eq!(server.listed("/exact/unknown", "").await["subscriptions"], json!([]));
    assert_eq!(server.listed("/urlpattern/a%2Fb", "").await["subscriptions"], json!([]));
    for unknown in ["/exact/a%2Fb/urn%3Auuid%3A1", "/exact/unknown/x", "/old/x"] {
        assert_eq!(server.list(unknown, &watcher()).await.status, 404, "{unknown}");
    }
    for bad in ["/regexp/a/x", "/Exact/a/x", "/exact/a/x/y", "/exact/%ff", "/exact/%zz"] {
        assert_eq!(server.list(bad, &watcher()).await.status, 400, "{bad}");
    }
}

// H 101, C subscribe_test
#[tokio::test]
async fn what_has_ended_is_not_found() {
    let server = Server::start(watched(open_config())).await;
    let mut watch = watch(&server).await;
    let stream = server.sse("match=a", "").await;
    let id = document(&watch.event().await)["id"].as_str().unwrap().to_owned();
    let rest = id.strip_prefix("/.well-known/mercure/subscriptions").unwrap();
    assert_eq!(server.listed(rest, "").await["active"], true);
    drop(stream);
    watch.event().await;
    assert_eq!(server.list(rest, &watcher()).await.status, 404);
}

// H 98, H 101, H 102
#[tokio::test]
async fn collections_and_single_subscriptions_of_the_older_generation() {
    let server = Server::start(watched(open_config())).await;
    let _one = server.sse("topic=a%20b&match=new", "").await;
    let reply = server.list("", &watcher()).await;
    assert_eq!(reply.header("content-type"), Some("application/ld+json"), "the token is of the older generation");
    let all: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(all["@context"], "https://mercure.rocks/");
    assert_eq!((&all["type"], &all["lastEventID"]), (&json!("Subscriptions"), &json!(cursor(&reply))));
    assert_eq!(all["subscriptions"].as_array().unwrap().len(), 1);
    let accept = "Accept: text/html;q=0.5, application/ld+json;q=0.9\r\n";
    assert_eq!(server.listed("", accept).await["type"], "Subscriptions");
    for rest in ["/a%20b", "/a+b"] {
        let of = server.listed(rest, "").await;
        assert_eq!(of["id"], "/.well-known/mercure/subscriptions/a%20b");
        assert_eq!(of["subscriptions"], all["subscriptions"]);
    }
    let listed = &all["subscriptions"][0];
    assert_eq!((&listed["type"], &listed["topic"]), (&json!("Subscription"), &json!("a b")));
    let rest = listed["id"].as_str().unwrap().strip_prefix("/.well-known/mercure/subscriptions").unwrap();
    let mut one = server.listed(rest, "").await;
    assert_eq!(one["@context"], "https://mercure.rocks/");
    assert!(one["lastEventID"].as_str().is_some_and(|id| id.starts_with("urn:uuid:")));
    one.as_object_mut().unwrap().retain(|name, _| name != "@context" && name != "lastEventID");
    assert_eq!(&one, listed);
}

// H 100, H 103, C subscription_test
#[tokio::test]
async fn the_head_says_where_to_go_on() {
    let server = Server::start(watched(HubConfig { cors_origins: vec!["https://app.test".into()], ..config() })).await;
    let reply = server.list("/exact/a", &format!("{}Origin: https://app.test\r\n", watcher())).await;
    let link = |id: &str| {
        format!(
            "</.well-known/mercure>; rel=\"mercure\"; last-event-id=\"{id}\"; type=\"mercure\"; content-type=\"application/json\""
        )
    };
    assert_eq!(reply.header("link"), Some(link("earliest").as_str()), "nothing was published yet");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("private, must-revalidate"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert!(reply.header("access-control-expose-headers").unwrap().contains("Link"));
    server.hub.publish(Update::new("x", "").unwrap().id("my id").unwrap()).unwrap();
    server.hub.publish(Update::new("x", "").unwrap().ephemeral()).unwrap();
    let reply = server.list("/exact/a", &watcher()).await;
    assert_eq!(reply.header("link"), Some(link("my id").as_str()));
    assert_eq!(reply.header("etag"), Some("\"my%20id\""));
    let head = server.request("HEAD", &format!("{PATH}/subscriptions/exact/a"), &watcher(), "").await;
    assert_eq!((head.status, head.header("etag")), (200, Some("\"my%20id\"")));
    for (method, status) in [("POST", 405), ("DELETE", 405), ("OPTIONS", 204)] {
        assert_eq!(server.request(method, &format!("{PATH}/subscriptions"), "", "").await.status, status);
    }
}

// H 104, C subscription_test
#[tokio::test]
async fn a_copy_is_checked_by_its_tag() {
    let server = Server::start(watched(config())).await;
    let id = "a \"b\" 100%";
    server.hub.publish(Update::new("x", "").unwrap().id(id).unwrap()).unwrap();
    let first = server.list("", &watcher()).await;
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!(tag, "\"a%20%22b%22%20100%25\"");
    for value in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let reply = server.list("", &format!("{}If-None-Match: {value}\r\n", watcher())).await;
        assert_eq!((reply.status, reply.body.as_str()), (304, ""), "{value}");
        assert_eq!(reply.header("etag"), Some(tag.as_str()));
        assert_eq!(reply.header("link"), first.header("link"));
    }
    assert_eq!(server.list("", &format!("If-None-Match: {tag}\r\n")).await.status, 401, "rights come first");
    let _stream = server.sse("match=a", &watcher()).await;
    let reply = server.list("", &format!("{}If-None-Match: {tag}\r\n", watcher())).await;
    assert_eq!(reply.status, 200, "something has changed");
}

// H 93, H 98
#[tokio::test]
async fn when_the_option_is_off_nobody_learns_of_anybody() {
    let server = Server::start(open_config()).await;
    let mut watch = server.sse("match=*", &watcher()).await;
    let _stream = server.sse("match=a", "").await;
    server.now("x", "the first thing it hears");
    assert_eq!(watch.data().await, "the first thing it hears");
    assert_eq!(server.list("", &watcher()).await.status, 404);
}

// H 38
#[tokio::test]
async fn nobody_else_can_tell_of_subscriptions() {
    let server = Server::start(watched(open_config())).await;
    let token = crate::client::publisher(&["*"]);
    for topic in
        ["/.well-known/mercure/subscriptions/exact/a/x", "https://elsewhere.test/.well-known/mercure/subscriptions"]
    {
        assert_eq!(server.post(&token, &format!("topic={topic}")).await.status, 400, "{topic}");
    }
    assert_eq!(server.post(&token, "topic=a&type=mercure").await.status, 400);
}

// H 103
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_collection_and_what_follows_its_cursor_add_up_under_load() {
    let server =
        std::sync::Arc::new(Server::start(watched(HubConfig { history_events: 1_000_000, ..open_config() })).await);
    let mut coming_and_going = Vec::new();
    for n in 0..6 {
        let server = std::sync::Arc::clone(&server);
        coming_and_going.push(tokio::spawn(async move {
            for round in 0..40 {
                let stream = server.sse(&format!("match=own/{n}/{round}&match=common"), "").await;
                if round % 8 == 7 {
                    // Some stay.
                    std::mem::forget(stream);
                }
                server.now("noise", "x");
            }
        }));
    }
    let mut watchers = Vec::new();
    for _ in 0..30 {
        let reply = server.list("", &format!("{}Accept: application/json\r\n", watcher())).await;
        let listed: Value = serde_json::from_str(&reply.body).unwrap();
        let known = listed["subscriptions"].as_array().unwrap().clone();
        let cursor = cursor(&reply);
        let watch = server.sse(&format!("match=*&last_event_id={cursor}"), &watcher()).await;
        assert_eq!(watch.head.header("mercure-last-event-id"), Some(cursor.as_str()));
        watchers.push((known, watch));
    }
    for task in coming_and_going {
        within(task).await.unwrap();
    }
    // The last to come is the sign that everything before it has been told.
    let _end = server.sse("match=the%20end", "").await;
    for (known, mut watch) in watchers {
        let mut there: BTreeMap<String, Value> =
            known.into_iter().map(|one| (one["id"].as_str().unwrap().to_owned(), one)).collect();
        loop {
            let event = watch.event().await;
            if event.kind != "mercure" {
                continue;
            }
            let told = document(&event);
            let id = told["id"].as_str().unwrap().to_owned();
            if told["active"] == true {
                assert!(there.insert(id, told.clone()).is_none(), "told twice, or listed and told: {told}");
            } else {
                assert!(there.remove(&id).is_some(), "never there: {told}");
            }
            if told["match"] == "the end" {
                break;
            }
        }
        let stayed = there.values().filter(|one| one["match"] == "common").count();
        assert!(stayed >= 6 * 5, "{stayed}");
    }
}

// H 102, H 104
#[tokio::test]
async fn a_long_collection_is_sent_in_pieces_and_is_whole() {
    let server = Server::start(watched(open_config())).await;
    let mut sockets = Vec::new();
    for n in 0..4 {
        let mut socket = server.socket(&format!("match=first/{n}"), "").await;
        // A message holds 4,096 bytes.
        for part in 0..6 {
            let topics: Vec<_> = (0..40).map(|m| format!("topic/{n}/{part}/{m}")).collect();
            socket.say(json!({ "subscribe": topics })).await;
        }
        socket.settle().await;
        sockets.push(socket);
    }
    let reply = server.list("", &format!("{}Accept: application/json\r\n", watcher())).await;
    assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
    let all: Value = serde_json::from_str(&reply.body).unwrap();
    let all = all["subscriptions"].as_array().unwrap();
    let mut matches: Vec<_> = all.iter().map(|one| one["match"].as_str().unwrap()).collect();
    matches.sort_unstable();
    matches.dedup();
    assert_eq!((all.len(), matches.len()), (964, 964));
}
