//! The updates that tell of subscriptions, in both generations' shapes.

use mercure_hub::{HubConfig, Issuer, Key, Tokens};
use serde_json::{Value, json};

use crate::{
    client::{Event, PATH, SECRET, Server, Sse, bearer, open_config, reader, within},
    tokens::{APP, good, issuer},
};

pub fn watched(config: HubConfig) -> HubConfig {
    HubConfig { subscriptions: true, ..config }
}

/// May read all topics, those of subscriptions among them.
pub fn watcher() -> String {
    bearer(&reader("watcher", &["*"]))
}

/// A stream of everything that its own coming was told to already.
pub async fn watch(server: &Server) -> Sse {
    let mut watch = server.sse("match=*", &watcher()).await;
    let own = watch.event().await;
    assert_eq!(document(&own)["match"], "*");
    watch
}

pub fn document(event: &Event) -> Value {
    serde_json::from_str(&event.data).unwrap()
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

// H 81, H 97
#[tokio::test]
async fn what_the_token_says_about_a_subscription_is_told_with_it() {
    let issuers: Vec<Issuer> = vec![issuer(APP, Key::hs256(SECRET))];
    let server =
        Server::start(watched(HubConfig { tokens: Tokens { issuers, ..Tokens::default() }, ..open_config() })).await;
    let mut watch = watch(&server).await;
    let key = Key::hs256(SECRET);
    let detail = |topic: &str, payload: Value| {
        let mut detail = json!({
            "type": "https://mercure.rocks/authorization-detail", "actions": ["subscribe"], "topics": [{"match": topic}],
        });
        if !payload.is_null() {
            detail["payload"] = payload;
        }
        detail
    };
    let details = json!([
        detail("a", json!({"n": 1})),
        detail("a", json!({"n": 2})),
        detail("silent", Value::Null),
        detail("*", json!({"n": 3}))
    ]);
    let new = key.sign("at+jwt", &good(&json!({"authorization_details": details}))).unwrap();
    let mut socket = server.socket("match=a&match=b&match=*&match=silent", &bearer(&new)).await;
    for (topic, payload) in
        [("a", json!({"n": 1})), ("b", json!({"n": 3})), ("*", json!({"n": 3})), ("silent", Value::Null)]
    {
        let told = document(&watch.event().await);
        assert_eq!((&told["match"], &told["payload"]), (&json!(topic), &payload));
    }
    socket.say(json!({"subscribe": ["later"]})).await;
    let told = document(&watch.event().await);
    assert_eq!((&told["match"], &told["payload"]), (&json!("later"), &json!({"n": 3})));
    let old = key.sign("JWT", &json!({"mercure": {"payload": {"user": "https://app.test/users/dunglas"}}})).unwrap();
    let _old = server.sse("topic=a&match=b", &bearer(&old)).await;
    for _ in 0..2 {
        assert_eq!(document(&watch.event().await)["payload"], json!({"user": "https://app.test/users/dunglas"}));
    }
    let _anonymous = server.sse("match=a", "").await;
    assert_eq!(document(&watch.event().await).get("payload"), None);
}
