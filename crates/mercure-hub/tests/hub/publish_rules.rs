//! What may be published: names, ids, types, limits, and the order in which a request is looked at.

use mercure_hub::{HubConfig, PublishError, Update};

use crate::client::{PATH, Server, bearer, config, open_config, publisher};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// The status and the text for each form, with a token for everything.
async fn check(config: HubConfig, cases: &[(&str, u16, &str)]) {
    let server = Server::start(config).await;
    let token = publisher(&["*"]);
    for (form, status, text) in cases {
        let reply = server.post(&token, form).await;
        assert_eq!((reply.status, reply.body.starts_with(text)), (*status, true), "{form}: {}", reply.body);
        if *status != 200 {
            assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"), "{form}");
        }
    }
}

const TOPIC: &str = "Invalid \"topic\" parameter";
const RESERVED: &str = "Reserved \"topic\" parameter";
const ID: &str = "Invalid \"id\" parameter";
const TYPE: &str = "Invalid \"type\" parameter";
const RETRY: &str = "Invalid \"retry\" parameter";

// H 1, H 36, H 37, H 39, C publish_test, C hardening_test
#[tokio::test]
async fn topics_are_clean_names() {
    check(
        config(),
        &[
            ("", 400, "Missing \"topic\" parameter"),
            ("data=x", 400, "Missing \"topic\" parameter"),
            ("TOPIC=a", 400, "Missing \"topic\" parameter"),
            ("topic=", 400, TOPIC),
            ("topic", 400, TOPIC),
            ("topic=*", 400, TOPIC),
            ("topic=a&topic=*", 400, TOPIC),
            ("topic=a&topic=", 400, TOPIC),
            ("topic=%00", 400, TOPIC),
            ("topic=a%0A", 400, TOPIC),
            ("topic=a%0Db", 400, TOPIC),
            ("topic=a%1F", 400, TOPIC),
            ("topic=a%7F", 400, TOPIC),
            ("topic=a%C2%80", 400, TOPIC),
            ("topic=a%C2%9F", 400, TOPIC),
            ("topic=a%C2%AD", 400, TOPIC),
            ("topic=a%E2%80%8B", 400, TOPIC),
            ("topic=a%E2%80%AE", 400, TOPIC),
            ("topic=%EF%BB%BFa", 400, TOPIC),
            ("topic=a%F3%A0%80%81", 400, TOPIC),
            ("topic=a&topic=b%E2%80%8D", 400, TOPIC),
            ("topic=%ff", 400, "Invalid UTF-8"),
            ("topic=a&topic=%C3%28", 400, "Invalid UTF-8"),
            ("topic=caf%C3%A9+%F0%9F%91%A9&topic=%7Bid%7D&topic=**&topic=urn:x:1", 200, "urn:uuid:"),
        ],
    )
    .await;
}

// H 38, H 111, C reservedtopic_test
#[tokio::test]
async fn the_hubs_own_names_are_nobody_elses() {
    let reserved = [
        "https://example.com/.well-known/mercure",
        "https://example.com/.well-known/mercure/subscriptions/foo",
        "http://other.example/.well-known/mercure/x",
        "ftp://other.example/.well-known/mercure",
        "/.well-known/mercure",
        "mercure",
        "mercure/subscriptions/foo",
        "%256Dercure",
        "%256dercure",
        "/.well-known/me%2572cure/x",
        "https://example.com%5C.well-known%5Cmercure%5Csubscriptions",
        "/x/../.well-known/mercure",
        "/x/%252e%252E/.well-known/mercure/y",
        "?x",
        "%23x",
        "https:mercure",
    ];
    let free = [
        "mercureXXX",
        "mercure-dashboard",
        "/foo/.well-known/mercure/bar",
        "https://example.com/.well-known/mercureish",
        "subscriptions/foo",
        "bar",
        "../mercure/x",
        "urn:example:mercure",
        "a+text+with+spaces",
        "http://[broken",
    ];
    let all: Vec<String> =
        reserved.iter().flat_map(|topic| [format!("topic={topic}"), format!("topic=a&topic={topic}")]).collect();
    let mut cases: Vec<(&str, u16, &str)> = all.iter().map(|form| (form.as_str(), 400, RESERVED)).collect();
    let good = free.map(|topic| format!("topic={topic}"));
    cases.extend(good.iter().map(|form| (form.as_str(), 200, "urn:uuid:")));
    check(config(), &cases).await;
    // Whatever the token says, even when it grants nothing.
    let server = Server::start(config()).await;
    assert_eq!(server.post(&publisher(&[]), "topic=mercure").await.status, 400);
    assert_eq!(server.hub.publish(Update::new("mercure", "").unwrap()).err(), Some(PublishError::Reserved));
}

// H 42, H 43, H 44, H 111, C publish_test
#[tokio::test]
async fn ids_and_types_can_write_no_fields() {
    check(
        config(),
        &[
            ("topic=a&id=%2342", 400, ID),
            ("topic=a&id=earliest", 400, ID),
            ("topic=a&id=a%00", 400, ID),
            ("topic=a&id=a%0Adata:x", 400, ID),
            ("topic=a&id=a%0Ddata:x", 400, ID),
            ("topic=a&id=%E2%80%8B", 400, ID),
            ("topic=a&id=%ff", 400, "Invalid UTF-8"),
            ("topic=a&id=Earliest", 200, "Earliest"),
            ("topic=a&id=a%2342", 200, "a#42"),
            ("topic=a&id=caf%C3%A9", 200, "café"),
            ("topic=a&id=", 200, "urn:uuid:"),
            ("topic=a&type=mercure", 400, TYPE),
            ("topic=a&type=a%00", 400, TYPE),
            ("topic=a&type=a%0Adata:x", 400, TYPE),
            ("topic=a&type=a%0D", 400, TYPE),
            ("topic=a&type=%C2%AD", 400, TYPE),
            ("topic=a&type=Mercure", 200, "urn:uuid:"),
            ("topic=a&type=", 200, "urn:uuid:"),
        ],
    )
    .await;
}

// H 45, D 7, C publish_test
#[tokio::test]
async fn retry_is_a_number_and_zero_is_one() {
    check(
        config(),
        &[
            ("topic=a&retry=1s", 400, RETRY),
            ("topic=a&retry=-1", 400, RETRY),
            ("topic=a&retry=%2B1", 400, RETRY),
            ("topic=a&retry=+1", 400, RETRY),
            ("topic=a&retry=1.5", 400, RETRY),
            ("topic=a&retry=%D9%A1", 400, RETRY),
            ("topic=a&retry=%ff", 400, RETRY),
            ("topic=a&retry=99999999999999999999", 400, RETRY),
        ],
    )
    .await;
    let server = Server::start(open_config()).await;
    let mut sse = server.sse("match=a", "").await;
    for (retry, told) in [("0", Some(0)), ("007", Some(7)), ("", None), ("15000", Some(15_000))] {
        assert_eq!(server.post(&publisher(&["*"]), &format!("topic=a&retry={retry}")).await.status, 200);
        assert_eq!(sse.event().await.retry, told, "{retry}");
    }
}

// H 41, H 46, C publish_test
#[tokio::test]
async fn private_counts_by_being_there_and_unknown_fields_do_not() {
    let server = Server::start(open_config()).await;
    let mut sse = server.sse("match=a", "").await;
    for field in ["private", "private=", "private=off", "private=0", "%70rivate=false"] {
        assert_eq!(server.post(&publisher(&["*"]), &format!("topic=a&data=secret&{field}")).await.status, 200);
    }
    assert_eq!(server.post(&publisher(&["*"]), "topic=a&data=public&Private=on&x=%ff&=&retries=x").await.status, 200);
    assert_eq!(sse.data().await, "public");
}

// H 48, D 4, C publish_test, C hardening_test
#[tokio::test]
async fn what_is_too_large_is_413() {
    let many = |count: usize| (0..count).map(|at| format!("topic=t{at}")).collect::<Vec<_>>().join("&");
    let long = |field: &str, bytes: usize| format!("topic=a&{field}={}", "x".repeat(bytes));
    let too_large = "Payload Too Large";
    check(
        config(),
        &[
            (&many(1_000), 200, "urn:uuid:"),
            (&many(1_001), 413, too_large),
            (&long("topic", 4_096), 200, "urn:uuid:"),
            (&long("topic", 4_097), 413, too_large),
            (&long("id", 4_097), 413, too_large),
            (&long("type", 4_097), 413, too_large),
            (&long("data", 100_000), 200, "urn:uuid:"),
            (&long("data", 1 << 20), 413, too_large),
        ],
    )
    .await;
    let unlimited = HubConfig { max_body_bytes: 0, max_topics: 0, max_field_bytes: 0, ..config() };
    check(unlimited, &[(&many(2_000), 200, "urn:uuid:"), (&long("data", 2 << 20), 200, "urn:uuid:")]).await;
}

// H 35, H 58, H 77, C publish_test: authorisation, media type, size, topics, characters, retry, reserved names, grant, id and type.
#[tokio::test]
async fn a_request_is_looked_at_in_one_order() {
    let server = Server::start(HubConfig { max_body_bytes: 200, max_topics: 2, ..config() }).await;
    let (all, one) = (publisher(&["*"]), publisher(&["a"]));
    let large = format!("topic=a&data={}", "x".repeat(200));
    assert_eq!(server.request("POST", PATH, FORM, &large).await.status, 401);
    let json = format!("{}Content-Type: application/json\r\n", bearer(&all));
    assert_eq!(server.request("POST", PATH, &json, &large).await.status, 400);
    for (form, status, text) in [
        (&*large, 413, "Payload Too Large"),
        ("retry=x&id=%23", 400, "Missing \"topic\" parameter"),
        ("topic=*&topic=b&topic=c", 413, "Payload Too Large"),
        ("topic=*&retry=x", 400, TOPIC),
        ("topic=b&retry=x", 400, RETRY),
        ("topic=b&topic=mercure", 400, RESERVED),
        ("topic=b&id=%23", 403, "Forbidden"),
        ("topic=a&topic=b&type=mercure", 403, "Forbidden"),
        ("topic=a&id=%23&type=mercure", 400, ID),
        ("topic=a&type=mercure", 400, TYPE),
        ("topic=a", 200, "urn:uuid:"),
    ] {
        let reply = server.post(&one, form).await;
        assert_eq!((reply.status, reply.body.starts_with(text)), (status, true), "{form}: {}", reply.body);
    }
}

// H 77, C publish_test: a grant may be a template.
#[tokio::test]
async fn every_topic_needs_a_grant() {
    let server = Server::start(config()).await;
    let token = publisher(&["https://example.com/books/{id}", "a"]);
    for (form, status) in [
        ("topic=https://example.com/books/1", 200),
        ("topic=https://example.com/books/1&topic=a", 200),
        ("topic=https://example.com/books/1/2", 403),
        ("topic=https://example.com/books/1&topic=b", 403),
        ("topic=b&topic=a", 403),
    ] {
        assert_eq!(server.post(&token, form).await.status, status, "{form}");
    }
}

// H 87, H 113: ids may repeat, unless the hub was told otherwise.
#[tokio::test]
async fn a_repeated_id_is_refused_on_request() {
    let form = "topic=a&data=x&id=urn:1";
    check(config(), &[(form, 200, "urn:1"), (form, 200, "urn:1")]).await;
    let server = Server::start(HubConfig { refuse_duplicate_ids: true, history_events: 2, ..open_config() }).await;
    let mut sse = server.sse("match=a", "").await;
    let token = publisher(&["*"]);
    assert_eq!(server.post(&token, form).await.status, 200);
    let again = server.post(&token, "topic=a&data=y&id=urn:1").await;
    assert_eq!((again.status, again.body.as_str()), (409, "Conflict\n"));
    let in_process = Update::new("b", "").unwrap().id("urn:1").unwrap();
    assert_eq!(server.hub.publish(in_process).err(), Some(PublishError::Duplicate));
    for data in ["2", "3"] {
        assert_eq!(server.post(&token, &format!("topic=a&data={data}&id=urn:{data}")).await.status, 200);
    }
    for data in ["x", "2", "3"] {
        assert_eq!(sse.data().await, data);
    }
    assert_eq!(server.post(&token, form).await.status, 200, "what the history has forgotten is new");
}
