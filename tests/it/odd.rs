//! What no browser sends: odd addresses, odd requests, and our own faults. Never an answer that blames the server, never a
//! word of its inside.

use crate::harness::{Browser, Goal, Town};
use crate::message::two;
use crate::wire::raw;
use reqwest::StatusCode;
use serde_json::json;

/// Everything that the room says, to be compared.
async fn state(who: &Browser, goal: &Goal) -> String {
    who.get(&format!("{}/fetch?since=0", goal.path())).await.text
}

#[tokio::test]
async fn odd_addresses_are_wrong_addresses() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    alice.says(&goal, "Salut").await;
    let before = state(&alice, &goal).await;
    let odd_ids = [
        "0",
        "-1",
        "01x",
        "999999999999999999999",
        "9223372036854775807",
        "%31",
        "1.0",
        "1e3",
        "%ff",
        "%00",
        "%2e%2e%2f",
        "é",
        "null",
        "1;drop",
        "' or 1=1",
        "1%2f",
        "%F0%9F%92%A9",
        " 1",
    ];
    for odd in odd_ids.map(|odd| odd.replace(' ', "%20")) {
        for path in [
            format!("/message/chatroom/{odd}"),
            format!("/message/chatroom/{odd}/fetch"),
            format!("/goal/{odd}"),
            format!("/public/{odd}/app.js"),
        ] {
            let status = alice.get(&path).await.status;
            // What decodes to an id of ours is that id.
            assert!(status.is_client_error() || odd == "%31", "GET {path}: {status}");
        }
        for path in [
            format!("/message/{odd}/edit"),
            format!("/message/{odd}/mark-read"),
            format!("/goal/{odd}/join"),
            format!("/goal/1/participation/{odd}/role"),
        ] {
            let status = alice.post(&path, &[("content", ""), ("role", "x")]).await.status;
            assert!(status.is_client_error() || odd == "%31", "POST {path}: {status}");
        }
    }
    for query in [
        "since=-1",
        "since=x",
        "since=1e3",
        "since=99999999999999999999",
        "since=%ff",
        "limit=-1",
        "limit=x",
        "before=x",
        "before=-1",
        "lastMessageId=x",
        "lastMessageId=-1",
        "lastMessageId=1.5",
        "wait=x",
        "since=1&wait=-1",
    ] {
        let answer = alice.get(&format!("{}/fetch?{query}", goal.path())).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "invalid"), "{query}");
    }
    for query in [
        "",
        "&&&",
        "=",
        "since",
        "since=",
        "%ff=%ff",
        "limit=0&since=0",
        "before=0",
        "before=9223372036854775807",
        "since=9223372036854775807",
        "lastMessageId=9223372036854775807",
        "since=0&since=x",
        "epoch=%00&since=0",
    ] {
        let answer = alice.get(&format!("{}/fetch?{query}", goal.path())).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}");
    }
    for query in ["before=x", "reply_to=x", "edit=x", "before=%ff", "edit=99999999999999999999"] {
        assert_eq!(alice.page(&format!("{}?{query}", goal.path())).await.status.as_u16(), 422, "{query}");
    }
    for query in ["before=-1", "reply_to=-1", "edit=0", "reply_to=9223372036854775807", "notice=x", "before=0"] {
        assert_eq!(alice.page(&format!("{}?{query}", goal.path())).await.status, StatusCode::OK, "{query}");
    }
    for query in ["since=x", "since=99999999999999999999"] {
        assert_eq!(alice.get(&format!("/user/fetch?{query}")).await.status.as_u16(), 422, "{query}");
    }
    assert!(!alice.get("/user/fetch?since=-1").await.status.is_server_error());
    assert_eq!(state(&alice, &goal).await, before);
}

#[tokio::test]
async fn odd_requests_do_not_hurt() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let line = |line: &str, rest: &str| format!("{line}\r\nhost: x\r\nconnection: close\r\n{rest}\r\n").into_bytes();
    let many: String = (0..500).map(|n| format!("x-{n}: y\r\n")).collect();
    let requests = [
        line(&format!("GET /{} HTTP/1.1", "a".repeat(100_000)), ""),
        line(&format!("GET /goals?{} HTTP/1.1", "a=b&".repeat(20_000)), ""),
        line("GET /goals HTTP/1.1", &format!("cookie: {}\r\n", "a".repeat(100_000))),
        line("GET /goals HTTP/1.1", &many),
        line("POST /login HTTP/1.1", "content-length: -1\r\n"),
        line("POST /login HTTP/1.1", "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"),
        line("POST /login HTTP/1.1", "transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n"),
        line("GET goals HTTP/1.1", ""),
        line("BREW /goals HTTP/1.1", ""),
        line("CONNECT evil.example:80 HTTP/1.1", ""),
        line("OPTIONS * HTTP/1.1", ""),
        line("GET http://evil.example/nowhere HTTP/1.1", ""),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"GET /goals\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
    ];
    for request in requests {
        let shown = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
        let answer = raw(town.address, &request).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.0 4"),
            "{shown}: {answer}"
        );
        assert_eq!(alice.get("/healthz").await.status, StatusCode::OK, "after {shown}");
    }
    let headers =
        [("accept-language", "\u{fffd};;;q=,,,;q=9"), ("if-none-match", "W/,\",,"), ("referer", "://"), ("range", "x")];
    assert_eq!(alice.get_with("/goals", &headers).await.status, StatusCode::OK);
    let path = format!("{}/fetch?since=3", goal.path());
    assert_eq!(alice.get_with(&path, &headers).await.status, StatusCode::OK);
}

/// Known ways of getting this wrong, 14: what went wrong inside is for the log.
#[tokio::test]
async fn our_own_fault_is_told_without_its_inside() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    town.app.db.close().await;
    for answer in
        [alice.get("/goals").await, alice.page("/goals").await, alice.post(&goal.path(), &[("content", "x")]).await]
    {
        assert!(answer.status.is_server_error());
        assert!(answer.text.contains("Le service ne répond pas") || answer.text.contains("mal passé de notre côté"));
        for inside in ["sqlite", "postgres", "Closed", "closed", "panicked", "src/", "select "] {
            assert!(!answer.text.contains(inside), "{inside}: {}", answer.text);
        }
    }
    let ready = alice.get("/readyz").await;
    assert_eq!((ready.status, &ready.json()["database"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("error")));
    assert_eq!(alice.get("/healthz").await.status, StatusCode::OK);
}

/// What `wget --spider` of Debian and `curl -I` send.
#[tokio::test]
async fn health_answers_head() {
    let town = Town::start().await;
    for path in ["/healthz", "/readyz"] {
        let request = format!("HEAD {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", town.address);
        let answer = raw(town.address, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"), "{path}: {answer}");
    }
}
