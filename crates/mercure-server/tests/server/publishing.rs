//! Publishing and subscribing through the program, as configured by the reference's variables and directives.

use crate::support::{FORM, HUB, Running, SECRET, request, token};

// C caddy_test
#[tokio::test]
async fn an_update_travels_with_history_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let bolt = format!("anonymous\ntransport bolt {{\n path {}/bolt.db\n}}", folder.path().display());
    for (directives, has_history) in [(bolt.as_str(), true), ("anonymous\ntransport local", false)] {
        let server = Running::start(directives, &[]).await;
        let mut stream = server.subscribe("match=https%3A%2F%2Fexample.com%2Ffoo%2F1", "").await;
        let token = token(&[], &["*"]);
        let reply = server.post(&token, "topic=https%3A%2F%2Fexample.com%2Ffoo%2F1&data=bar&id=first").await;
        assert_eq!((reply.status, reply.body.as_str()), (200, "first"));
        stream.until("data: bar\n").await;
        assert_eq!(
            server.post(&token, "topic=https%3A%2F%2Fexample.com%2Ffoo%2F1&data=more&id=second").await.status,
            200
        );
        let query = "match=https%3A%2F%2Fexample.com%2Ffoo%2F1&last_event_id=first";
        let mut late = server.subscribe(query, "").await;
        if has_history {
            late.until("id: second\n").await;
        } else {
            assert!(late.read.to_ascii_lowercase().contains("mercure-last-event-id: earliest"), "{}", late.read);
        }
    }
}

// C caddy_test
#[tokio::test]
async fn the_cookie_can_be_named() {
    let server = Running::start("cookie_name foo\npublish_origins http://app.test", &[]).await;
    let subscriber = token(&["*"], &[]);
    let mut stream = server.subscribe("match=a", &format!("Cookie: foo={subscriber}\r\n")).await;
    assert!(stream.read.starts_with("HTTP/1.1 200"), "{}", stream.read);
    let headers = format!("Origin: http://app.test\r\nCookie: foo={}\r\n{FORM}", token(&[], &["*"]));
    let reply = request(server.address(), "POST", HUB, &headers, "topic=a&data=bar&private=1").await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    stream.until("data: bar\n").await;
    let other = format!("Cookie: mercureAuthorization={subscriber}\r\n");
    assert_eq!(request(server.address(), "GET", &format!("{HUB}?match=a"), &other, "").await.status, 401);
}

#[tokio::test]
async fn the_cookies_of_both_generations_count_by_default() {
    let server = Running::start("", &[]).await;
    for name in ["mercureAuthorization", "__Secure-mercure_access_token"] {
        let stream = server.subscribe("match=a", &format!("Cookie: {name}={}\r\n", token(&["*"], &[]))).await;
        assert!(stream.read.starts_with("HTTP/1.1 200"), "{name}: {}", stream.read);
    }
}

// C caddy_test
#[tokio::test]
async fn a_body_above_the_limit_is_refused() {
    let server = Running::start("max_request_body_size 1KB", &[]).await;
    let data = "x".repeat(2_048);
    let token = token(&[], &["*"]);
    assert_eq!(server.post(&token, &format!("topic=a&data={data}")).await.status, 413);
    assert_eq!(server.post(&token, "topic=a&data=x").await.status, 200);
}

/// What the compose file of the Symfony recipe sets, and how `symfony/mercure` publishes then.
#[tokio::test]
async fn the_environment_of_the_symfony_recipe_starts_a_hub() {
    let server = Running::start_with(&[
        "--server-name",
        ":80",
        "--publisher-jwt-key",
        SECRET,
        "--subscriber-jwt-key",
        SECRET,
        "--directives",
        "cors_origins http://127.0.0.1:8000\n",
    ])
    .await;
    assert_eq!(server.get("/healthz").await.status, 200);
    // Made with that secret by the library that Symfony uses: no exp, no iat.
    let token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJtZXJjdXJlIjp7InB1Ymxpc2giOlsiKiJdLCJzdWJzY3JpYmUiOltdfX0";
    let token = format!("{token}.{}", signature(token));
    let form = "topic=https%3A%2F%2Fexample.com%2Fbooks%2F1&data=%7B%22status%22%3A%22OutOfStock%22%7D&private=on";
    let reply = server.post(&token, form).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(reply.body.starts_with("urn:uuid:"), "{}", reply.body);
    let headers = "Origin: http://127.0.0.1:8000\r\n";
    let preflight = request(server.address(), "OPTIONS", HUB, headers, "").await;
    assert_eq!(preflight.header("access-control-allow-origin"), "http://127.0.0.1:8000");
    assert_eq!(preflight.header("access-control-allow-credentials"), "true");
}

fn signature(signed: &str) -> String {
    use base64::Engine as _;
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&key, signed.as_bytes()))
}

#[tokio::test]
async fn anonymous_is_off_unless_said() {
    let server = Running::start("", &[]).await;
    assert_eq!(server.get(&format!("{HUB}?topic=a")).await.status, 401);
}
