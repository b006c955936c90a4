//! Which topics reach whom: exact names, templates, URL patterns.

use mercure_hub::{HubConfig, Tokens, Update};

use crate::client::{Server, bearer, open_config, reader};

const BASE: &str = "https://hub.test/.well-known/mercure";

/// Subscribes with each query, publishes to each topic, and looks at who got what.
async fn check(config: HubConfig, topics: &[&str], cases: &[(&str, &[&str])]) {
    let server = Server::start(config).await;
    let mut streams = Vec::new();
    for (query, expected) in cases {
        streams.push((query, expected, server.sse(query, "").await));
    }
    for topic in topics {
        server.now(topic, topic);
    }
    server.hub.close().await;
    for (query, expected, mut stream) in streams {
        let text = stream.rest().await;
        let got: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        assert_eq!(&got, expected, "{query}");
    }
}

// H 17, H 23, H 26, C topicmatcher_test
#[tokio::test]
async fn an_exact_matcher_is_compared_byte_for_byte() {
    let topics = ["a", "A", "a/", "{foo}", "foo", "/a", "e\u{301}", "é", "https://example.com/%C3%A9", ":id"];
    check(
        open_config(),
        &topics,
        &[
            ("match=a", &["a"]),
            ("match_exact=A", &["A"]),
            ("match=%7Bfoo%7D", &["{foo}"]),
            ("match=%3Aid", &[":id"]),
            ("match=%C3%A9", &["é"]),
            ("match=https%3A%2F%2Fexample.com%2F%C3%A9", &[]),
            ("match=https%3A%2F%2Fhub.test%2Fa", &[]),
        ],
    )
    .await;
}

// H 24, H 27, H 28, H 29, C topicmatcher_test
#[tokio::test]
async fn a_url_pattern_matches_as_the_standard_says() {
    let tokens = Tokens { resource_identifier: Some(BASE.to_owned()), ..Tokens::default() };
    let config = HubConfig { tokens, ..open_config() };
    let topics = [
        "https://example.com/books/1",
        "https://EXAMPLE.com/books/2",
        "https://example.com/Books/3",
        "https://example.com/books/4/5",
        "https://example.com/books/x",
        "custom://example.com/books/6",
        "/books/7",
        "https://hub.test/books/8",
        "https://other.test/books/9",
        "http://[broken",
    ];
    check(
        config,
        &topics,
        &[
            (
                "match_urlpattern=https%3A%2F%2Fexample.com%2Fbooks%2F%3Aid",
                &["https://example.com/books/1", "https://EXAMPLE.com/books/2", "https://example.com/books/x"],
            ),
            (
                "match_urlpattern=https%3A%2F%2FExample.com%2Fbooks%2F%3Aid(%5Cd%2B)",
                &["https://example.com/books/1", "https://EXAMPLE.com/books/2"],
            ),
            ("match_urlpattern=https%3A%2F%2Fexample.com%2F%3Aa%2F%3Ab%2F%3Ac", &["https://example.com/books/4/5"]),
            ("match_urlpattern=https%3A%2F%2Fexample.com%2Fbooks%2F4%2F*", &["https://example.com/books/4/5"]),
            ("match_urlpattern=https%3A%2F%2Fexample.com%2FBooks%2F%3Aid", &["https://example.com/Books/3"]),
            (
                "match_urlpattern=*%3A%2F%2Fexample.com%2Fbooks%2F%3Aid(%5B126%5D)",
                &["https://example.com/books/1", "https://EXAMPLE.com/books/2", "custom://example.com/books/6"],
            ),
            ("match_urlpattern=%2Fbooks%2F%3Aid", &["/books/7", "https://hub.test/books/8"]),
            ("match_urlpattern=https%3A%2F%2Fhub.test%2Fbooks%2F%3Aid", &["/books/7", "https://hub.test/books/8"]),
        ],
    )
    .await;
}

// H 25, C topicmatcher_test
#[tokio::test]
async fn the_star_matches_everything_in_every_language() {
    let topics = ["a", "http://[broken", "urn:x:1", "*a"];
    for name in ["match", "match_exact", "match_urlpattern", "topic"] {
        check(open_config(), &topics, &[(&format!("{name}=*"), &topics)]).await;
    }
}

// C topicmatcher_deprecated_test
#[tokio::test]
async fn a_template_matches_its_expansions() {
    let topics = [
        "https://example.com/1",
        "https://example.com/1/2",
        "https://example.com/a%20b",
        "https://example.com/{foo}",
        "https://example.com/",
        "https://example.com/App%5CEntity%5CBook/1",
        "https://example.com/App%5cEntity%5cBook/1",
        "{invalid",
        "xhttps://example.com/1",
    ];
    check(
        open_config(),
        &topics,
        &[
            (
                "topic=https%3A%2F%2Fexample.com%2F%7Bfoo%7D",
                // Its own text first: draft-07 compares before it expands.
                &[
                    "https://example.com/1",
                    "https://example.com/a%20b",
                    "https://example.com/{foo}",
                    "https://example.com/",
                ],
            ),
            ("topic=https%3A%2F%2Fexample.com%2F1%2F%7Bb%7D", &["https://example.com/1/2"]),
            (
                "topic=https%3A%2F%2Fexample.com%2FApp%255CEntity%255CBook%2F%7Bid%7D",
                &["https://example.com/App%5CEntity%5CBook/1"],
            ),
            ("topic=%7Binvalid", &["{invalid"]),
            ("topic=https%3A%2F%2Fexample.com%2F1", &["https://example.com/1"]),
            ("match=https%3A%2F%2Fexample.com%2F%7Bfoo%7D", &["https://example.com/{foo}"]),
        ],
    )
    .await;
}

// H 30
#[tokio::test]
async fn a_pattern_made_to_be_slow_is_not() {
    let server = Server::start(open_config()).await;
    let hard = "match_urlpattern=%2F((%3F%3Aa%7Caa)*%5C%2Fb)&match_urlpattern=%2F((%3F%3A(%3F%3Aa*)*)*)c&topic=%7Ba,b,c*%7D%7Bd,e*%7D%7B%2Bf%7D%22";
    let mut sse = server.sse(&format!("{hard}&match=end"), "").await;
    let long = format!("/{}", "a".repeat(4_000));
    for at in 0..20 {
        server.now(&format!("{long}{at}"), "");
    }
    server.now("end", "here");
    assert_eq!(sse.data().await, "here");
}

// H 22, H 23
#[tokio::test]
async fn an_update_comes_once_however_many_matchers_it_meets() {
    let server = Server::start(open_config()).await;
    let query = "match=%2Fa&match=%2Fa&match_urlpattern=%2F%3Aid&match_urlpattern=%2F*&topic=%2F%7Bid%7D&topic=%2Fa";
    let mut sse = server.sse(query, "").await;
    server.hub.publish(Update::new("/a", "1").unwrap().alternate("/b").unwrap()).unwrap();
    server.now("/b", "2");
    assert_eq!((sse.data().await, sse.data().await), ("1".into(), "2".into()));
}

// H 3, H 23
#[tokio::test]
async fn a_pattern_routes_and_gives_no_right() {
    let server = Server::start(open_config()).await;
    let query = "match_urlpattern=%2Fbooks%2F%3Aid&topic=%2Fbooks%2F%7Bid%7D&match=end";
    let mut anonymous = server.sse(query, "").await;
    let mut reads_one = server.sse(query, &bearer(&reader("3", &["/books/1"]))).await;
    let mut reads_all = server.sse(query, &bearer(&reader("4", &["/books/{id}"]))).await;
    server.now_private("/books/1", "1");
    server.now_private("/books/2", "2");
    server.now("end", "end");
    assert_eq!(anonymous.data().await, "end");
    assert_eq!((reads_one.data().await, reads_one.data().await), ("1".into(), "end".into()));
    assert_eq!((reads_all.data().await, reads_all.data().await), ("1".into(), "2".into()));
}

// H 83, H 28
#[tokio::test]
async fn history_is_replayed_by_pattern() {
    let server = Server::start(open_config()).await;
    for topic in ["/books/1", "/films/1", "/books/2"] {
        server.now(topic, topic);
    }
    let mut sse = server.sse("match_urlpattern=%2Fbooks%2F%3Aid&last_event_id=earliest", "").await;
    assert_eq!((sse.data().await, sse.data().await), ("/books/1".into(), "/books/2".into()));
    let mut sse = server.sse("topic=%2Ffilms%2F%7Bid%7D&last_event_id=earliest", "").await;
    assert_eq!(sse.data().await, "/films/1");
}
