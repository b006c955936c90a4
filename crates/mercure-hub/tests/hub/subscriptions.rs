//! The subscription API, in both generations' shapes.

use std::collections::BTreeMap;

use mercure_hub::{HubConfig, Issuer, Key, Tokens, Update};
use serde_json::{Value, json};

use crate::{
    client::{PATH, Reply, SECRET, Server, bearer, config, open_config, reader, within},
    durable::Folder,
    presence::{document, watch, watched, watcher},
    tokens::{APP, good, issuer},
};

impl Server {
    async fn list(&self, rest: &str, headers: &str) -> Reply {
        self.request("GET", &format!("{PATH}/subscriptions{rest}"), headers, "").await
    }

    /// All of the newer generation.
    pub async fn all(&self) -> Value {
        self.listed("", "Accept: application/json\r\n").await
    }

    pub async fn listed(&self, rest: &str, headers: &str) -> Value {
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

// H 99, H 57, H 59, C subscription_test
#[tokio::test]
async fn the_api_is_for_those_who_are_granted_its_path() {
    let server = Server::start(watched(open_config())).await;
    let _stream = server.sse("match=a", "").await;
    for rest in ["", "/exact/a", "/exact/a/urn:uuid:1", "/a", "/a/urn:uuid:1"] {
        let reply = server.list(rest, "").await;
        assert_eq!((reply.status, reply.challenge()), (401, Some("Bearer")), "{rest}");
        let reply = server.list(rest, &bearer("not a token that anybody signed, but long")).await;
        assert_eq!((reply.status, reply.challenge()), (401, Some("Bearer error=\"invalid_token\"")));
        let reply = server.list(rest, &bearer(&reader("1", &["other"]))).await;
        assert_eq!(reply.status, 403, "{rest}");
        assert_eq!(reply.challenge(), Some("Bearer error=\"insufficient_scope\""));
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

// H 103
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_collection_and_what_follows_its_cursor_add_up_under_load() {
    add_up(Server::start(watched(HubConfig { history_events: 1_000_000, ..open_config() })).await).await;
}

// H 103
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn they_add_up_with_a_history_on_disk_too() {
    let folder = Folder::new();
    // So little in memory that the cursors lead to the disk.
    add_up(folder.start(watched(HubConfig { history_events: 16, ..open_config() })).await).await;
}

async fn add_up(server: Server) {
    let server = std::sync::Arc::new(server);
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
    let server = Server::start(watched(HubConfig { max_matchers: 1_000, ..open_config() })).await;
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

// H 99, H 102
#[tokio::test]
async fn the_token_tells_which_generation_the_root_is_shown_in() {
    let issuers: Vec<Issuer> = vec![issuer(APP, Key::hs256(SECRET))];
    let server =
        Server::start(watched(HubConfig { tokens: Tokens { issuers, ..Tokens::default() }, ..open_config() })).await;
    let _stream = server.sse("match=a&topic=b", "").await;
    let detail = json!([{
        "type": "https://mercure.rocks/authorization-detail", "actions": ["subscribe"],
        "topics": [{"match": "/.well-known/mercure/subscriptions"}],
    }]);
    let new = Key::hs256(SECRET).sign("at+jwt", &good(&json!({"authorization_details": detail}))).unwrap();
    for (token, accept, media_type) in [
        (bearer(&new), "", "application/json"),
        (bearer(&new), "Accept: application/ld+json\r\n", "application/ld+json"),
        (bearer(&new), "Accept: */*\r\n", "application/json"),
        (watcher(), "", "application/ld+json"),
        (watcher(), "Accept: application/json\r\n", "application/json"),
    ] {
        let reply = server.list("", &format!("{token}{accept}")).await;
        assert_eq!(reply.header("content-type"), Some(media_type), "{accept}");
        let listed: Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(listed["subscriptions"].as_array().unwrap().len(), 1);
        assert_eq!(listed.get("@context").is_some(), media_type.contains("ld"));
    }
    let server = Server::start(config()).await;
    let metadata = "/.well-known/oauth-protected-resource/.well-known/mercure";
    assert!(!server.request("GET", metadata, "", "").await.body.contains("mercure_subscriptions"));
    let server = Server::start(watched(config())).await;
    assert!(server.request("GET", metadata, "", "").await.body.contains("\"mercure_subscriptions\":true"));
}
