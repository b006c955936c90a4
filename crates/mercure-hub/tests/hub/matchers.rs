//! The names and values of matchers: what a request may ask, and what is refused.

use mercure_hub::HubConfig;

use crate::client::{Server, open_config};

async fn statuses(config: HubConfig, queries: &[&str], status: u16) {
    let server = Server::start(config).await;
    for query in queries {
        // HEAD checks all that GET does, and opens nothing.
        let reply = server.request("HEAD", &format!("{}?{query}", crate::client::PATH), "", "").await;
        assert_eq!(reply.status, status, "{query}");
        if status != 200 {
            assert_eq!(server.get(query, "").await.status, status, "{query}");
        }
    }
    assert_eq!(server.hub.subscribers(), 0);
}

// H 11, H 17, H 18, H 24, C subscribematchers_test
#[tokio::test]
async fn the_names_of_matchers_are_known_by_their_letters() {
    let known =
        ["match=a", "match_exact=a", "match_urlpattern=%2Fa", "%6Datch=a", "topic=a", "match=a&topic=b&other&x=%zz"];
    statuses(open_config(), &known, 200).await;
    let unknown = [
        "match=a&MATCH=b",
        "match=a&Match=b",
        "match=a&mAtCh_exact=b",
        "match=a&matchurlpattern=b",
        "match=a&match_URLPattern=b",
        "match=a&match_exactly=b",
        "match=a&match_regexp=b",
        "match=a&matchRegexp=b",
        "match=a&matching=b",
        "match=a&match_=b",
        "match=a&match%00=b",
        "match=a&matched",
    ];
    statuses(open_config(), &unknown, 400).await;
}

// H 11, H 18: other names are no business of the hub, and no matcher at all is none.
#[tokio::test]
async fn something_must_be_asked_for() {
    statuses(open_config(), &["", "a=b", "mat=a", "amatch=a", "Topic=a", "last_event_id=x"], 400).await;
}

// H 1, H 19, H 20, C subscribematchers_test
#[tokio::test]
async fn values_are_clean_and_well_formed() {
    for name in ["match", "match_exact", "match_urlpattern", "topic"] {
        let bad = ["", "%00", "a%0Ab", "a%0D", "%7F", "%C2%85", "%ff", "%C3", "%E2%80%8B", "%C2%AD", "%F3%A0%81%81"];
        let bad: Vec<String> = bad.iter().map(|value| format!("{name}={value}")).collect();
        statuses(open_config(), &bad.iter().map(String::as_str).collect::<Vec<_>>(), 400).await;
        statuses(open_config(), &[name], 400).await;
    }
    let malformed =
        ["%7Bunclosed", "%2F(", "%2F%3Aa%2F%3Aa", "https%3A%2F%2Fexa%20mple", "%2F(%3F%3Da)", "%2F(a(%3F!b))"];
    let malformed: Vec<String> = malformed.iter().map(|value| format!("match_urlpattern={value}")).collect();
    statuses(open_config(), &malformed.iter().map(String::as_str).collect::<Vec<_>>(), 400).await;
    statuses(open_config(), &["match_urlpattern=%2Fa%2F%3Aid", "match_urlpattern=a", "match=%7Bunclosed"], 200).await;
}

// H 21, C subscribematchers_test: one hundred matchers of 4,096 bytes by default.
#[tokio::test]
async fn matchers_are_counted_and_measured() {
    let many = |count: usize| (0..count).map(|at| format!("match=t{at}")).collect::<Vec<_>>().join("&");
    let long = |name: &str, bytes: usize| format!("{name}={}", "a".repeat(bytes));
    let good = [many(100), long("match", 4_096), long("topic", 4_096), long("match_urlpattern", 4_096)];
    statuses(open_config(), &good.each_ref().map(String::as_str), 200).await;
    let bad = [many(101), long("match", 4_097), long("topic", 4_097), long("match_urlpattern", 4_097)];
    statuses(open_config(), &bad.each_ref().map(String::as_str), 400).await;
    let config = HubConfig { max_matchers: 200, max_field_bytes: 5_000, ..open_config() };
    statuses(config, &bad.each_ref().map(String::as_str), 200).await;
}

/// A pattern costs what a name does not: its compiled form is kept, and tried on every update.
#[tokio::test]
async fn patterns_are_counted_apart_from_names() {
    let none = || HubConfig { max_patterns: 0, ..open_config() };
    let names = ["match=a&match=b&match_exact=c&topic=d", "match=%7Bid%7D", "match=a%2A", "topic=%2Fa%2F%2A"];
    statuses(none(), &names, 200).await;
    let patterns = [
        "match_urlpattern=%2Fa%2F%3Aid",
        "match_urlpattern=%2Fplain",
        "match_urlpattern=%2A",
        "topic=a%2F%7Bid%7D",
        "topic=%7Bid",
        "topic=%2A",
        "match=%2A",
        "match_exact=%2A",
        "match=a&match=b&topic=%7B%2Bx%7D",
    ];
    statuses(none(), &patterns, 400).await;
    let two = HubConfig { max_patterns: 2, ..open_config() };
    statuses(two.clone(), &["match=a&match=b&match=c&topic=%7Ba%7D&match_urlpattern=%2F%3Ab", "match=%2A"], 200).await;
    statuses(two, &["topic=%7Ba%7D&match_urlpattern=%2F%3Ab&match=%2A", "topic=%2A&topic=%2A&topic=%2A"], 400).await;
    let server = Server::start(none()).await;
    for body in patterns {
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        let reply = server.request("QUERY", crate::client::PATH, form, body).await;
        assert_eq!(reply.status, 400, "{body}");
    }
}

// C hardening_test: an error names the parameter, not what is inside of the hub.
#[tokio::test]
async fn a_malformed_pattern_is_refused_tersely() {
    let server = Server::start(open_config()).await;
    let reply = server.get("match_urlpattern=%2F(%3F%3Dsecret)", "").await;
    assert_eq!((reply.status, reply.body.as_str()), (400, "Invalid matcher\n"));
    assert_eq!(reply.header("www-authenticate"), None, "the token is not at fault");
}

// H 22: identical matchers count as one subscription, but not as less work.
#[tokio::test]
async fn repeated_matchers_are_one() {
    let server = Server::start(HubConfig { max_matchers: 3, ..open_config() }).await;
    let mut sse = server.sse("match=a&match=a&match=a", "").await;
    assert_eq!(server.hub.topics(), 1);
    server.now("a", "once");
    server.now("a", "twice");
    assert_eq!((sse.data().await, sse.data().await), ("once".into(), "twice".into()));
    assert_eq!(server.get("match=a&match=a&match=a&match=a", "").await.status, 400);
}

// H 82, H 88, H 89: three names in the query, a header that wins; the answer says where the stream begins.
#[tokio::test]
async fn the_last_id_may_come_under_each_of_its_names() {
    let server = Server::start(open_config()).await;
    for at in 1..=3 {
        let update = mercure_hub::Update::new("a", at.to_string()).unwrap().id(format!("urn:{at}")).unwrap();
        server.hub.publish(update).unwrap();
    }
    let mercure = "mercure-last-event-id";
    for name in ["last_event_id", "lastEventID", "Last-Event-ID"] {
        let mut sse = server.sse(&format!("match=a&{name}=urn:2"), "").await;
        assert_eq!((sse.head.header(mercure), sse.head.header("last-event-id")), (Some("urn:2"), None));
        assert_eq!(sse.data().await, "3");
        let mut sse = server.sse(&format!("topic=a&{name}=urn:2"), "Last-Event-ID: urn:1\r\n").await;
        assert_eq!((sse.head.header(mercure), sse.head.header("last-event-id")), (Some("urn:1"), Some("urn:1")));
        assert_eq!(sse.data().await, "2");
    }
    for (query, headers) in [
        ("match=a&last_event_id=", ""),
        ("match=a&last_event_id", ""),
        ("match=a", "Last-Event-ID: \r\n"),
        ("match=a", "Last-Event-ID: unknown\r\n"),
        ("match=a&last_event_id=%ff", ""),
        ("match=a&last_event_id=urn:1", "Last-Event-ID:\r\n"),
    ] {
        let sse = server.sse(query, headers).await;
        assert_eq!(sse.head.header(mercure), Some("earliest"), "{query} {headers}");
    }
    assert_eq!(server.sse("match=a", "").await.head.header(mercure), None, "nobody asked");
    // The Twig helper sends both older names.
    let mut twig = server.sse("match=a&lastEventID=urn:2&Last-Event-ID=urn:2", "").await;
    assert_eq!(twig.data().await, "3");
}
