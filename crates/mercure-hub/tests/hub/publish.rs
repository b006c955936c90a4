//! Publishing by POST: the answer, the order of checks, what is refused.

use mercure_hub::{HubConfig, PublishError, Update};

use crate::client::{PATH, Server, bearer, config, open_config, publisher, reader};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

// H 35, H 43, H 46, H 47, D 7
#[tokio::test]
async fn a_post_is_answered_with_the_id_of_the_update() {
    let server = Server::start(open_config()).await;
    let mut sse = server.sse("topic=room%2F1", "").await;
    let token = publisher(&["*"]);
    let reply = server.post(&token, "topic=room%2F1&data=hello+world&id=urn%3Ax%3A1&type=note&retry=0&unknown=x").await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "urn:x:1"));
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    let event = sse.event().await;
    assert_eq!(
        (event.id.as_str(), event.kind.as_str(), event.data.as_str(), event.retry),
        ("urn:x:1", "note", "hello world", Some(0))
    );
    let reply = server.post(&token, "topic=room/1").await;
    assert!(reply.body.starts_with("urn:uuid:"), "{}", reply.body);
    assert_eq!(sse.event().await.id, reply.body);
}

// H 2, H 35
#[tokio::test]
async fn what_symfony_sends_is_understood() {
    let server = Server::start(open_config()).await;
    let mut sse = server.sse("topic=https%3A%2F%2Fexample.com%2Fbooks%2F1", "").await;
    let form = "topic=https%3A%2F%2Fexample.com%2Fbooks%2F1&topic=https%3A%2F%2Fexample.com%2Fusers%2F2&data=%7B%22status%22%3A%22OutOfStock%22%7D";
    assert_eq!(server.post(&publisher(&["*"]), form).await.status, 200);
    assert_eq!(sse.data().await, "{\"status\":\"OutOfStock\"}");
}

// H 36, H 37, H 38, H 39, H 42, H 44, H 45, H 48, H 57, H 59, H 60, H 77
#[tokio::test]
async fn refusals_come_in_the_order_token_body_fields_grant() {
    let server = Server::start(HubConfig { max_body_bytes: 200, max_topics: 2, ..config() }).await;
    let (all, one, none) = (publisher(&["*"]), publisher(&["a"]), publisher(&[]));
    let bad = server.request("POST", PATH, FORM, "nothing").await;
    assert_eq!((bad.status, bad.challenge()), (401, Some("Bearer")), "the token comes first");
    for (token, form, status) in [
        (&all, "data=x", 400),
        (&all, "topic=", 400),
        (&all, "topic=*", 400),
        (&all, "topic=%ff", 400),
        (&all, "topic=a&id=%23x", 400),
        (&all, "topic=a&id=earliest", 400),
        (&all, "topic=a&id=x%0Adata:y", 400),
        (&all, "topic=a&type=mercure", 400),
        (&all, "topic=a&type=x%0D", 400),
        (&all, "topic=a&retry=abc", 400),
        (&all, "topic=/.well-known/mercure/subscriptions/x", 400),
        (&all, "topic=a&topic=%6Dercure", 400),
        (&all, "topic=a&topic=b&topic=c", 413),
        (&one, "topic=a", 200),
        (&one, "topic=a&topic=b", 403),
        (&one, "topic=b&retry=abc", 400),
        (&none, "topic=a", 403),
    ] {
        let reply = server.post(token, form).await;
        assert_eq!(reply.status, status, "{form}: {}", reply.body);
        let challenge = (status == 403).then_some("Bearer error=\"insufficient_scope\"");
        assert_eq!(reply.challenge(), challenge, "{form}");
    }
    assert_eq!(server.post(&all, &format!("topic=a&data={}", "x".repeat(200))).await.status, 413);
}

// H 48
#[tokio::test]
async fn a_body_without_a_length_is_bounded_too() {
    let server = Server::start(HubConfig { max_body_bytes: 100, ..config() }).await;
    let headers = format!("{FORM}Transfer-Encoding: chunked\r\n{}", bearer(&publisher(&["*"])));
    let chunked = format!("{headers}\r\n10\r\ntopic=a&data=abc\r\n60\r\n{}\r\n0\r\n", "x".repeat(0x60));
    assert_eq!(server.request("POST", PATH, &chunked, "").await.status, 413);
}

// H 35, C publish_test
#[tokio::test]
async fn only_forms_are_read() {
    let server = Server::start(config()).await;
    for (media_type, status) in [
        ("application/json", 400),
        ("multipart/form-data; boundary=x", 400),
        ("", 400),
        ("application/x-www-form-urlencoded; charset=utf-8", 200),
        ("Application/X-WWW-Form-Urlencoded", 200),
    ] {
        let headers = format!("{}Content-Type: {media_type}\r\n", bearer(&publisher(&["*"])));
        assert_eq!(server.request("POST", PATH, &headers, "topic=a").await.status, status, "{media_type}");
    }
}

// H 54, H 56, C authorization_test
#[tokio::test]
async fn a_cookie_publishes_only_from_listed_pages() {
    let listed = HubConfig { publish_origins: vec!["https://chat.example".into()], ..config() };
    let server = Server::start(listed).await;
    let cookie = format!("{FORM}Cookie: theme=dark; mercureAuthorization={}\r\n", publisher(&["*"]));
    for (headers, status) in [
        ("Origin: https://chat.example\r\n", 200),
        ("Referer: https://chat.example/page?x\r\n", 200),
        ("Origin: https://chat.example\r\nReferer: https://evil.example/\r\n", 200),
        ("Origin: https://evil.example\r\nReferer: https://chat.example/\r\n", 403),
        ("Origin: https://chat.example\r\nOrigin: https://chat.example\r\n", 403),
        ("Origin: null\r\n", 403),
        ("Referer: nonsense\r\n", 403),
        ("", 403),
    ] {
        let reply = server.request("POST", PATH, &format!("{cookie}{headers}"), "topic=a").await;
        assert_eq!(reply.status, status, "{headers}");
    }
    let token = bearer(&publisher(&["*"]));
    let headers = format!("{FORM}{token}Origin: https://evil.example\r\n");
    assert_eq!(server.request("POST", PATH, &headers, "topic=a").await.status, 200, "a header is no cookie");
}

// H 59, H 77
#[tokio::test]
async fn a_readers_token_publishes_nothing() {
    let server = Server::start(config()).await;
    assert_eq!(server.post(&reader("3", &["*"]), "topic=a").await.status, 403);
}

// H 38, H 48
#[tokio::test]
async fn the_same_limits_hold_in_process() {
    let server = Server::start(HubConfig { max_topics: 1, max_field_bytes: 10, ..config() }).await;
    let publish = |topic: &str| server.hub.publish(Update::new(topic, "").unwrap()).err();
    assert_eq!(publish("mercure"), Some(PublishError::Reserved));
    assert_eq!(publish("12345678901"), Some(PublishError::TooLarge));
    let two = Update::new("a", "").unwrap().alternate("b").unwrap();
    assert_eq!(server.hub.publish(two).err(), Some(PublishError::TooLarge));
    server.hub.close().await;
    assert_eq!(publish("a"), Some(PublishError::Closed));
    assert_eq!(server.post(&publisher(&["*"]), "topic=a").await.status, 503);
}
