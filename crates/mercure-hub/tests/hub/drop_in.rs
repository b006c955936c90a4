//! What somebody notices who comes from the reference hub: findings made by running both beside each other, by their numbers.

use mercure_hub::{Authorizer, BoxFuture, HubConfig, InvalidConfig, Issuer, Key, Tokens, Update};
use serde_json::json;
use std::{sync::Arc, time::Duration};

use crate::{
    client::{Frame, SECRET, Server, bearer, config, open_config, publisher, reader, until, within},
    durable::Folder,
    presence::{watched, watcher},
};

fn topics(name: &str, count: usize) -> String {
    (0..count).map(|n| format!("{name}=t{n}")).collect::<Vec<_>>().join("&")
}

fn signed(claims: &serde_json::Value) -> String {
    Key::hs256(SECRET).sign("JWT", claims).unwrap()
}

#[tokio::test]
async fn finding_3_the_generations_have_bounds_of_their_own() {
    let server = Server::start(HubConfig { max_legacy_matchers: Some(1_000), ..open_config() }).await;
    for (query, status) in [
        (topics("topic", 1_001), 400),
        (topics("match", 101), 400),
        (topics("match", 1) + "&" + &topics("match_exact", 100), 400),
    ] {
        assert_eq!(server.get(&query, "").await.status, status, "{}", &query[..40]);
    }
    let mut stream = server.sse(&(topics("topic", 1_000) + "&" + &topics("match", 100)), "").await;
    server.now("t999", "the last of them");
    assert_eq!(stream.data().await, "the last of them");
    let raised = Server::start(HubConfig { max_legacy_matchers: Some(0), ..open_config() }).await;
    raised.sse(&topics("topic", 2_000), "").await;
    let shared = Server::start(HubConfig { max_matchers: 10, ..open_config() }).await;
    assert_eq!(shared.get(&(topics("topic", 6) + "&" + &topics("match", 5)), "").await.status, 400);
}

#[tokio::test]
async fn finding_4_the_polyfills_spelling_of_the_last_id_is_read() {
    let server = Server::start(open_config()).await;
    for n in ["1", "2", "3"] {
        server.hub.publish(Update::new("a", n).unwrap().id(n).unwrap()).unwrap();
    }
    let mut stream = server.sse("topic=a&lastEventId=2", "").await;
    assert_eq!(stream.head.header("mercure-last-event-id"), Some("2"));
    assert_eq!(stream.data().await, "3");
}

#[tokio::test]
async fn finding_6_public_updates_on_topics_that_are_not_listed() {
    let compatible = |on| HubConfig { tokens: Tokens { legacy_public_topics: on, ..Tokens::default() }, ..config() };
    let (old, new) = (Server::start(compatible(true)).await, Server::start(compatible(false)).await);
    let listing = |publish: serde_json::Value| signed(&json!({"mercure": {"publish": publish}}));
    for (token, form, status) in [
        (listing(json!([])), "topic=a&data=x", 200),
        (listing(json!(["b"])), "topic=a&topic=c&data=x", 200),
        (listing(json!([])), "topic=a&data=x&private=on", 403),
        (listing(json!(["b"])), "topic=a&data=x&private=on", 403),
        // Without a list it is nobody who publishes.
        (listing(json!(null)), "topic=a&data=x", 403),
        (signed(&json!({"mercure": {"subscribe": ["*"]}})), "topic=a&data=x", 403),
    ] {
        assert_eq!(old.post(&token, form).await.status, status, "{form}");
        assert_eq!(new.post(&token, form).await.status, 403, "{form}");
    }
    assert_eq!(
        old.post(&listing(json!([])), "topic=/.well-known/mercure/x").await.status,
        400,
        "reserved all the same"
    );
}

/// As on a full disk: SQLite says the same to a write of any size.
const FULL: &str =
    "create trigger full before insert on update_ begin select raise(abort, 'database or disk is full'); end";

#[tokio::test]
async fn finding_9_ready_fails_while_nothing_can_be_stored() {
    let folder = Folder::new();
    let server = folder.start(open_config()).await;
    let mut live = server.sse("topic=a", "").await;
    assert!(server.hub.can_store());
    let post = async |data: &str| server.post(&publisher(&["*"]), &format!("topic=a&data={data}")).await.status;
    folder.meddle(FULL);
    assert_eq!(post("1").await, 503);
    assert!(!server.hub.can_store() && server.hub.is_ready(), "subscribers are served");
    // What needs no room says nothing about it.
    server.hub.publish(Update::new("a", "typing").unwrap().ephemeral()).unwrap();
    assert_eq!(live.data().await, "typing");
    assert!(!server.hub.can_store());
    let _late = server.sse("topic=a", "").await;
    // Nobody has to publish for it to be noticed that there is room again.
    folder.meddle("drop trigger full");
    until(|| server.hub.can_store()).await;
    assert_eq!(post("2").await, 200);
    assert_eq!(live.data().await, "2");
}

#[tokio::test]
async fn finding_9_a_hub_that_starts_where_nothing_can_be_stored_is_not_ready() {
    let folder = Folder::new();
    folder.start(open_config()).await.hub.close().await;
    let other = rusqlite::Connection::open(folder.path()).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let server = folder.start(open_config()).await;
    until(|| !server.hub.can_store()).await;
    other.execute_batch("rollback").unwrap();
    until(|| server.hub.can_store()).await;
}

#[tokio::test]
async fn finding_10_the_generations_have_bodies_of_their_own() {
    let server =
        Server::start(HubConfig { max_legacy_body_bytes: Some(4_000), max_body_bytes: 2_000, ..config() }).await;
    let form = |bytes: usize| format!("topic=a&data={}", "x".repeat(bytes));
    let token = publisher(&["*"]);
    assert_eq!(server.post(&token, &form(3_000)).await.status, 200);
    assert_eq!(server.post(&token, &form(4_000)).await.status, 413);
}

#[tokio::test]
async fn finding_11_a_quiet_stream_has_an_id_to_resume_from() {
    let server = Server::start(HubConfig { initial_id: true, ..open_config() }).await;
    server.now("other", "before");
    let mut quiet = server.sse("topic=a", "").await;
    let id = quiet.cursor().await;
    assert!(id.starts_with("urn:mercure-place:"), "{id}");
    drop(quiet);
    server.now("other", "not asked for");
    server.now("a", "in the gap");
    let mut back = server.sse("topic=a", &format!("Last-Event-ID: {id}\r\n")).await;
    assert_eq!(back.head.header("mercure-last-event-id"), Some(id.as_str()));
    assert_eq!(back.data().await, "in the gap");
    // One that nobody has made, and one of another hub, are unknown.
    let other = Server::start(HubConfig { initial_id: true, ..open_config() }).await;
    for header in ["urn:mercure-place:0000000000000001", &id] {
        let stream = other.sse("topic=a", &format!("Last-Event-ID: {header}\r\n")).await;
        assert_eq!(stream.head.header("mercure-last-event-id"), Some("earliest"), "{header}");
    }
}

#[tokio::test]
async fn finding_11_no_id_is_shown_unless_asked_for() {
    let server = Server::start(HubConfig { max_lifetime: Duration::from_millis(300), ..open_config() }).await;
    server.now_private("a", "secret");
    let mut stream = server.sse("topic=a", "").await;
    assert_eq!(stream.rest().await, ": lifetime over\nretry: 100\n\n");
}

#[tokio::test]
async fn finding_12_a_token_without_the_claim_reads_what_is_public() {
    let optional = |on| HubConfig { tokens: Tokens { legacy_claim_optional: on, ..Tokens::default() }, ..config() };
    let (old, new) = (Server::start(optional(true)).await, Server::start(optional(false)).await);
    let token = bearer(&signed(&json!({"sub": "3"})));
    assert_eq!(new.get("topic=a", &token).await.status, 401);
    let mut stream = old.sse("topic=a", &token).await;
    old.now_private("a", "private");
    old.now("a", "public");
    assert_eq!(stream.data().await, "public");
    assert_eq!(old.post(&signed(&json!({})), "topic=a").await.status, 401, "it publishes nothing");
    let forged = Key::hs256("another secret of thirty-two bytes").sign("JWT", &json!({})).unwrap();
    for token in [forged, signed(&json!({"exp": 1})), signed(&json!({"mercure": 3}))] {
        assert_eq!(old.get("topic=a", &bearer(&token)).await.status, 401);
    }
}

#[tokio::test]
async fn finding_12_an_etag_without_quotation_marks_is_known() {
    let server = Server::start(watched(config())).await;
    let first = server.request("GET", "/.well-known/mercure/subscriptions", &watcher(), "").await;
    let bare = first.header("etag").unwrap().trim_matches('"').to_owned();
    for (tag, status) in [(bare.clone(), 304), (format!("{bare}x"), 200)] {
        let headers = format!("{}If-None-Match: {tag}\r\n", watcher());
        assert_eq!(server.request("GET", "/.well-known/mercure/subscriptions", &headers, "").await.status, status);
    }
}

#[tokio::test]
async fn finding_12_a_template_over_a_websocket_is_refused_and_not_misread() {
    let server = Server::start(open_config()).await;
    let mut socket = server.socket("topic=a", "").await;
    socket.say(json!({"subscribe": ["b/{id}"]})).await;
    assert_eq!(socket.closed().await, Frame::Close(1008, "bad topics".into()));
    // In the address it is one, and a brace that is none of a template is a name.
    let mut socket = server.socket("topic=b%2F%7Bid%7D", "").await;
    socket.say(json!({"subscribe": ["c{d"]})).await;
    socket.settle().await;
    server.now("b/1", "1");
    server.now("c{d", "2");
    assert_eq!([socket.data().await, socket.data().await], ["1", "2"]);
}

#[test]
fn finding_12_mistakes_of_the_configuration_are_found() {
    let issuers = vec![Issuer::new("https://a.test"), Issuer::new("https://b.test"), Issuer::new("https://a.test")];
    let twice = HubConfig { tokens: Tokens { issuers, ..Tokens::default() }, ..HubConfig::default() };
    assert_eq!(twice.check(), Err(InvalidConfig::Issuer("https://a.test".into())));
    let resource = "https://hub.test/.well-known/mercure#x";
    let tokens = Tokens { resource_identifier: Some(resource.into()), ..Tokens::default() };
    let fragment = HubConfig { tokens, ..HubConfig::default() };
    assert_eq!(fragment.check(), Err(InvalidConfig::Resource(resource.into())));
}

#[tokio::test]
async fn finding_12_the_metadata_promise_nothing_that_is_refused() {
    let server = Server::start(config()).await;
    let body = server.request("GET", "/.well-known/oauth-protected-resource/.well-known/mercure", "", "").await.body;
    assert!(body.contains("bearer_methods_supported") && !body.contains("authorization_details"), "{body}");
}

// S22
#[tokio::test]
async fn s22_answers_of_the_hub_send_no_referrer() {
    let server = Server::start(open_config()).await;
    let stream = server.sse("topic=a", "").await;
    assert_eq!(stream.head.header("referrer-policy"), Some("no-referrer"));
    for reply in [
        server.get("topic=a", &bearer("bad")).await,
        server.post(&publisher(&["*"]), "topic=a").await,
        server.request("OPTIONS", "/.well-known/mercure", "", "").await,
        server.request("GET", "/.well-known/oauth-protected-resource/.well-known/mercure", "", "").await,
    ] {
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{}", reply.status);
    }
}

/// Lets everybody who is somebody read everything.
struct Generous;

impl Authorizer for Generous {
    fn may_read<'a>(&'a self, _: &'a str, topics: &'a [String]) -> BoxFuture<'a, Vec<bool>> {
        Box::pin(std::future::ready(vec![true; topics.len()]))
    }
}

/// Where the application decides by the `sub`, a token that was made for something else must open nothing: the default.
#[tokio::test]
async fn a_claimless_token_is_nobody_to_the_authorizer() {
    let server = Server::start(HubConfig { authorizer: Some(Arc::new(Generous)), ..config() }).await;
    assert_eq!(server.get("topic=user%2F3", &bearer(&signed(&json!({"sub": "3"})))).await.status, 401);
    let mut person = server.sse("topic=user%2F3", &bearer(&reader("3", &[]))).await;
    server.now_private("user/3", "hello");
    assert_eq!(within(person.data()).await, "hello");
}
