//! No query, however odd, is the server's fault; and what is the server's fault after all is told like everything else.

use crate::harness::{Browser, Town};
use crate::message::{id, two};
use crate::random::Dice;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use futures_util::StreamExt;
use futures_util::stream;
use http_body_util::BodyExt;
use palabre::web::{ROUTES, hub_layers, layers};
use reqwest::Method;
use serde_json::Value;
use tower::ServiceExt;

/// Everything that any page reads from its address, and something that none does.
const NAMES: [&str; 22] = [
    "q",
    "author",
    "from",
    "to",
    "has_file",
    "before",
    "room",
    "everywhere",
    "since",
    "lastMessageId",
    "epoch",
    "limit",
    "wait",
    "reads",
    "typing",
    "next",
    "notice",
    "edit",
    "reply_to",
    "format",
    "back",
    "x",
];

/// The edges of numbers, of the calendar and of texts.
const VALUES: [&str; 45] = [
    "",
    "0",
    "-0",
    "-1",
    "1",
    "01",
    "1.5",
    "1e309",
    "NaN",
    "Infinity",
    "255",
    "65536",
    "2147483647",
    "2147483648",
    "-2147483649",
    "4294967296",
    "9223372036854775806",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551615",
    "99999999999999999999999999",
    "0000-01-01",
    "0001-01-01",
    "-9999-01-01",
    "1969-12-31",
    "2026-02-29",
    "9999-12-31",
    "10000-01-01",
    "9999-12-31T23:59:59.999999999Z",
    "9999-12-31T23:59:59-23:59",
    "0000-01-01T00:00:00%2B23:59",
    "2016-12-31T23:59:60Z",
    "%00",
    "%ff",
    "%C3",
    "%",
    "%E2%80%8B",
    "%CC%81",
    "%F0%9F%91%A9%E2%80%8D%F0%9F%9A%80",
    "'%22%3B--",
    "true",
    "false",
    "/../%5C",
    "ab",
];

/// What may be asked for: every GET route, with things that exist, that do not, and that cannot.
fn addresses(room: i64, message: i64) -> Vec<String> {
    let mut all = Vec::new();
    for (_, path) in ROUTES.iter().filter(|(method, _)| *method == "GET") {
        let of_message = path.starts_with("/message/{id}");
        let own = if of_message {
            message
        } else if path.contains("chatroom") || path.contains("presence") {
            room
        } else {
            1
        };
        all.push(
            path.replace("{id}", &own.to_string()).replace("{token}", "1.x").replace("{digest}/{*path}", "x/app.js"),
        );
        for odd in ["0", "-1", "9223372036854775807", "9223372036854775808", "%00", "x"] {
            if path.contains("{id}") {
                all.push(path.replace("{id}", odd));
            }
        }
    }
    all.push("/.well-known/mercure".to_owned());
    all
}

async fn is_nobodys_fault(who: &Browser, path: &str, query: &str, accept: &str) {
    let address = format!("{path}?{query}");
    let status = who.request(Method::GET, &address, &[("accept", accept)], "").await.status();
    assert!(status.as_u16() < 500, "GET {address} ({accept}): {status}");
}

#[tokio::test]
async fn s14_no_query_is_the_servers_fault() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let message = id(&alice.says(&goal, "Salut").await);
    let read = [
        "/search".to_owned(),
        format!("{}/search", goal.path()),
        format!("{}/fetch", goal.path()),
        goal.path(),
        "/user/fetch".to_owned(),
    ];
    let mut asked = Vec::new();
    for path in &read {
        for name in NAMES {
            for value in VALUES {
                let beside = if name == "q" { "" } else { "q=ab&" };
                // A poll that waits for news would wait.
                let since = if name == "wait" { "since=0&" } else { "" };
                asked.push((path.clone(), format!("{beside}{since}{name}={value}")));
            }
        }
    }
    let mut dice = Dice(14);
    for path in addresses(goal.room, message) {
        for _ in 0..8 {
            let pick =
                |dice: &mut Dice| format!("{}={}", NAMES[dice.below(NAMES.len())], VALUES[dice.below(VALUES.len())]);
            let query = (0..3).map(|_| pick(&mut dice)).filter(|pair| !pair.starts_with("wait")).collect::<Vec<_>>();
            asked.push((path.clone(), query.join("&")));
        }
    }
    let accepts = ["application/json", "text/html"].into_iter().cycle();
    stream::iter(asked.into_iter().zip(accepts))
        .for_each_concurrent(8, async |((path, query), accept)| {
            is_nobodys_fault(&alice, &path, &query, accept).await;
        })
        .await;
}

#[tokio::test]
async fn s14_the_last_day_of_the_calendar_can_be_searched() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    alice.says(&goal, "le fil rouge").await;
    for path in ["/search".to_owned(), format!("{}/search", goal.path())] {
        let found = alice.get(&format!("{path}?q=fil&from=0000-01-01&to=9999-12-31")).await;
        assert_eq!(found.json()["results"].as_array().map(Vec::len), Some(1), "{}", found.text);
    }
}

#[tokio::test]
async fn s14_no_header_is_the_servers_fault() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let odd = [
        "",
        "0",
        "-1",
        "bytes=-",
        "bytes=0-",
        "bytes=-9223372036854775808",
        "bytes=18446744073709551615-18446744073709551615",
        "bytes=1-0",
        "\"",
        "W/",
        "*",
        ",,,",
        ";q=",
        "fr;q=NaN",
        "fr;q=inf,en;q=-inf",
        "99999999999999999999",
        "::1",
        "[",
        "1.2.3.4:99999",
    ];
    let names = [
        "range",
        "if-range",
        "if-none-match",
        "accept-language",
        "accept",
        "content-length",
        "x-forwarded-for",
        "x-request-id",
        "last-event-id",
        "referer",
        "origin",
        "cookie",
    ];
    for path in
        ["/goals".to_owned(), format!("{}/fetch?since=1", goal.path()), "/attachment/1".to_owned(), "/sw.js".to_owned()]
    {
        for name in names.iter().filter(|name| **name != "content-length") {
            for value in odd {
                let status = alice.request(Method::GET, &path, &[(name, value)], "").await.status();
                assert!(status.as_u16() < 500, "{path} {name}: {value}: {status}");
            }
        }
    }
}

/// A panic's answer has the headers of every other, and words of the person's language.
#[tokio::test]
async fn s14_a_panic_is_told_like_everything_else() {
    let town = Town::start().await;
    let fails =
        Router::new().route("/fails", get(async || -> &'static str { panic!("plain secret words") }).post(posted));
    let router = layers(fails, &town.app);
    let pages = [("text/html", "fr", "Quelque chose s"), ("text/html", "en", "Something went wrong")];
    let programs =
        [("application/json", "fr", "mal passé de notre côté"), ("application/json", "en", "Something went wrong")];
    for method in [Method::GET, Method::POST] {
        for (accept, language, words) in pages.into_iter().chain(programs) {
            let request = Request::builder().method(method.clone()).uri("/fails").header("accept", accept);
            let request = request.header("accept-language", language).body(Body::empty()).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), 500);
            let header = |name: &str| {
                answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
            };
            assert!(header("content-security-policy").contains("default-src 'none'"), "{method} {accept}");
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert_eq!(header("x-frame-options"), "DENY");
            assert_eq!(header("referrer-policy"), "same-origin");
            assert!(header("cache-control").contains("no-store") && !header("x-request-id").is_empty());
            assert!(header("content-type").starts_with(accept), "{}", header("content-type"));
            let text = answer.into_body().collect().await.unwrap().to_bytes();
            let text = String::from_utf8(text.to_vec()).unwrap();
            assert!(text.contains(words), "{language}: {text}");
            assert!(!text.contains("secret") && !text.contains("panicked"), "{text}");
            if accept == "application/json" {
                let body: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(body["error"]["code"], "internal");
            }
        }
    }
}

/// What the hub answers is for programs: a panic there is a bare status, with the headers of everything that nobody looks at.
#[tokio::test]
async fn s14_a_panic_of_the_hub_is_a_bare_status() {
    let town = Town::start().await;
    let fails = Router::new().route("/fails", get(async || -> &'static str { panic!("plain secret words") }));
    let router = hub_layers(fails, &town.app);
    let request = Request::builder().uri("/fails").header("accept", "text/html").body(Body::empty()).unwrap();
    let answer = router.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 500);
    for name in ["content-security-policy", "x-content-type-options", "referrer-policy"] {
        assert!(answer.headers().contains_key(name), "{name}");
    }
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(body.is_empty(), "{body:?}");
}

async fn posted() -> &'static str {
    panic!("plain secret words")
}
