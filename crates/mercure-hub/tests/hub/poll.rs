//! Long poll: the same updates with the same rights, one answer a request.

use mercure_hub::{HubConfig, Update};
use serde_json::{Value, json};

use crate::{
    client::{Reply, Server, bearer, config, open_config, reader, until, within},
    rights::{Rooms, with_rooms},
};

const JSON: &str = "Accept: application/json\r\n";

fn read(reply: &Reply) -> (String, Vec<String>) {
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{reply:?}");
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    let events = body["events"].as_array().unwrap().iter();
    let data = events.map(|event| event["data"].as_str().unwrap().to_owned()).collect();
    (body["last_event_id"].as_str().unwrap().to_owned(), data)
}

async fn poll(server: &Server, query: &str, headers: &str) -> (String, Vec<String>) {
    read(&server.get(query, &format!("{JSON}{headers}")).await)
}

#[tokio::test]
async fn a_poll_answers_with_what_comes_first() {
    let server = Server::start(open_config()).await;
    let answer = poll(&server, "topic=a", "");
    let publish = async {
        until(|| server.hub.subscribers() == 1).await;
        server.now("b", "of others");
        let update = Update::new("a", "say \"hi\"\n").unwrap().id("urn:x").unwrap().event_type("t").unwrap();
        server.hub.publish(update).unwrap();
    };
    let (answer, ()) = within(async { tokio::join!(answer, publish) }).await;
    assert_eq!(answer, ("urn:x".into(), vec!["say \"hi\"\n".into()]));
    until(|| server.hub.subscribers() == 0).await;
    let reply = server.get("topic=a&last_event_id=earliest&wait=0", JSON).await;
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(body["events"], json!([{"id": "urn:x", "type": "t", "topic": "a", "data": "say \"hi\"\n"}]));
    assert_eq!(reply.header("mercure-last-event-id"), Some("earliest"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
}

// H 83
#[tokio::test]
async fn polls_in_a_row_see_everything_once() {
    let server = Server::start(HubConfig { history_events: 5_000, ..open_config() }).await;
    let (mut last, none) = poll(&server, "topic=a&wait=0", "").await;
    assert_eq!((last.as_str(), none.len()), ("earliest", 0));
    let mut seen = Vec::new();
    for round in 0..20 {
        for n in 0..round * 10 {
            server.now("a", &format!("{round}/{n}"));
            server.now("b", "of others");
        }
        let wait = if round == 0 { 0 } else { 5 };
        let (next, data) = poll(&server, &format!("topic=a&last_event_id={last}&wait={wait}"), "").await;
        last = next;
        seen.extend(data);
    }
    loop {
        let (next, data) = poll(&server, &format!("topic=a&last_event_id={last}&wait=0"), "").await;
        if data.is_empty() {
            break;
        }
        last = next;
        seen.extend(data);
    }
    let expected: Vec<_> = (0..20).flat_map(|round| (0..round * 10).map(move |n| format!("{round}/{n}"))).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn an_empty_answer_is_a_place_to_continue_from() {
    let server = Server::start(HubConfig { history_events: 2, ..open_config() }).await;
    server.now("a", "before");
    let (last, data) = poll(&server, "topic=a&wait=0", "").await;
    assert_eq!(data.len(), 0);
    server.now("a", "between");
    let (last, data) = poll(&server, &format!("topic=a&last_event_id={last}&wait=0"), "").await;
    assert_eq!(data, ["between"]);
    (0..5).for_each(|_| server.now("b", "of others"));
    // The history has moved on, and with it the place of a reader for whom there was nothing.
    let (last, data) = poll(&server, &format!("topic=a&last_event_id={last}&wait=0"), "").await;
    assert_eq!(data.len(), 0);
    server.now("a", "after");
    assert_eq!(poll(&server, &format!("topic=a&last_event_id={last}&wait=0"), "").await.1, ["after"]);
}

// H 78, H 84
#[tokio::test]
async fn the_same_rights_as_on_a_stream() {
    let rooms = Rooms::new(&[("3", "room/1")]);
    let server = Server::start(with_rooms(&rooms, config())).await;
    server.now_private("room/1", "1");
    server.now_private("user/3", "2");
    server.now_private("room/2", "3");
    server.now("room/2", "4");
    let query = "topic=room/1&topic=room/2&topic=user/3&last_event_id=earliest&wait=0";
    let token = bearer(&reader("3", &["user/3"]));
    assert_eq!(poll(&server, query, &token).await.1, ["1", "2", "4"]);
    rooms.leave("3", "room/1");
    assert_eq!(poll(&server, query, &token).await.1, ["2", "4"]);
    assert_eq!(server.get(query, JSON).await.status, 401);
}

#[tokio::test]
async fn an_answer_is_bounded_and_the_rest_follows() {
    let server = Server::start(open_config()).await;
    let big = "x".repeat(100_000);
    (0..10).for_each(|_| server.now("a", &big));
    let (mut last, mut count, mut polls) = ("earliest".to_owned(), 0, 0);
    while count < 10 {
        let (next, data) = poll(&server, &format!("topic=a&last_event_id={last}&wait=0"), "").await;
        assert!(!data.is_empty() && data.len() < 10, "{} in one answer", data.len());
        (last, count, polls) = (next, count + data.len(), polls + 1);
    }
    assert!(count == 10 && polls > 1);
}

#[tokio::test]
async fn a_poll_ends_with_the_hub_and_with_the_rights() {
    let server = Server::start(config()).await;
    let token = bearer(&reader("3", &["a"]));
    for end in [
        |server: &Server| assert_eq!(server.hub.disconnect("3"), 1),
        |server: &Server| {
            assert_eq!(server.hub.recall(), 1);
        },
    ] {
        let token = bearer(&reader("3", &["a"]));
        let answer = poll(&server, "topic=a", &token);
        let ending = async {
            until(|| server.hub.subscribers() == 1).await;
            end(&server);
        };
        let ((_, data), ()) = within(async { tokio::join!(answer, ending) }).await;
        assert_eq!(data.len(), 0);
    }
    within(server.hub.close()).await;
    assert_eq!(server.get("topic=a", &format!("{JSON}{token}")).await.status, 401, "revoked");
}

#[tokio::test]
async fn without_extensions_there_is_no_poll() {
    let server = Server::start(HubConfig { extensions: false, ..open_config() }).await;
    let sse = server.sse("topic=a&wait=nonsense", JSON).await;
    assert_eq!(sse.head.header("content-type"), Some("text/event-stream"));
    let server = Server::start(open_config()).await;
    assert_eq!(server.get("topic=a&wait=nonsense", JSON).await.status, 400);
    server.sse("topic=a&wait=nonsense", "Accept: text/event-stream\r\n").await;
}
