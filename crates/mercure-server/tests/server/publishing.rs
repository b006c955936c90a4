//! Publishing and subscribing through the program, as configured by the reference's variables and directives.

use mercure_hub::{HubConfig, Key};

use crate::support::{FORM, HUB, Running, SECRET, request, token, within};

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

// C bolt_test, D 2
#[tokio::test]
async fn the_history_outlives_the_program_and_knows_its_size() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bolt.db"), "the reference's own").unwrap();
    let directives = format!("anonymous\ntransport bolt {{\n path {}/bolt.db\n size 20\n}}", folder.path().display());
    let server = Running::start(&directives, &[]).await;
    for n in 0..30 {
        assert_eq!(server.post(&token(&[], &["*"]), &format!("topic=a&id=n{n}&data=x")).await.status, 200);
    }
    server.trigger.drain();
    within(server.task).await.unwrap();
    drop(server.hub);
    let server = Running::start(&directives, &[]).await;
    let mut late = server.subscribe("topic=a&last_event_id=n25", "").await;
    late.until("id: n29").await;
    assert!(late.read.contains("id: n26\n") && !late.read.contains("id: n25\n"), "{}", late.read);
    let mut all = server.subscribe("topic=a&last_event_id=earliest", "").await;
    all.until("id: n29").await;
    assert!(all.read.contains("id: n10\n") && !all.read.contains("id: n9\n"), "{}", all.read);
    let reference = std::fs::read_to_string(folder.path().join("bolt.db")).unwrap();
    assert_eq!(reference, "the reference's own");
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

const PUBLIC: &str = "resource_identifier https://example.com/.well-known/mercure";

/// A token of the newer generation that publishes everything.
fn strict(key: &Key, issuer: &str, audience: &str) -> String {
    let claims = serde_json::json!({
        "iss": issuer,
        "aud": audience,
        "exp": (HubConfig::default().clock)() + 600.0,
        "authorization_details": [{
            "type": "https://mercure.rocks/authorization-detail",
            "actions": ["publish"],
            "topics": [{"match": "*"}],
        }],
    });
    key.sign("at+jwt", &claims).unwrap()
}

// C caddy_test
#[tokio::test]
async fn each_issuer_is_believed_with_its_own_key() {
    let directives = format!(
        "anonymous\n{PUBLIC}\nissuer https://a.example {{\n publisher {{\n jwt key-a\n }}\n}}\nissuer https://b.example {{\n publisher {{\n jwt key-b\n }}\n}}"
    );
    let server = Running::start_with(&["--directives", &directives]).await;
    let (audience, [a, b]) = ("https://example.com/.well-known/mercure", ["key-a", "key-b"].map(Key::hs256));
    assert_eq!(server.post(&strict(&a, "https://a.example", audience), "topic=x").await.status, 200);
    assert_eq!(server.post(&strict(&b, "https://b.example", audience), "topic=x").await.status, 200);
    assert_eq!(server.post(&strict(&b, "https://a.example", audience), "topic=x").await.status, 401);
    assert_eq!(server.post(&strict(&a, "https://a.example", "https://other.example"), "topic=x").await.status, 401);
    assert_eq!(server.post(&token(&[], &["*"]), "topic=x").await.status, 401, "no key of the older generation is set");
}

// C caddy_test
#[tokio::test]
async fn the_keys_of_the_variables_hold_for_both_generations() {
    let flags = ["--trusted-issuers", "https://app.example"];
    let server = Running::start(PUBLIC, &flags).await;
    let audience = "https://example.com/.well-known/mercure";
    let key = Key::hs256(SECRET);
    assert_eq!(server.post(&strict(&key, "https://app.example", audience), "topic=x").await.status, 200);
    assert_eq!(server.post(&strict(&key, "https://localhost", audience), "topic=x").await.status, 401);
    assert_eq!(server.post(&token(&[], &["*"]), "topic=x").await.status, 200);
}

// C caddy_test
#[tokio::test]
async fn a_public_key_verifies_what_its_private_half_signs() {
    use base64::Engine as _;
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let pem = |label: &str, der: &[u8]| {
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    };
    let (public, private) = (pem("PUBLIC KEY", &pair.public_key_der()), pem("PRIVATE KEY", &pair.serialize_der()));
    let flags = ["--publisher-jwt-key", &public, "--publisher-jwt-alg", "ES256", "--directives", "anonymous"];
    let server = Running::start_with(&flags).await;
    let key = Key::from_pem(mercure_hub::Algorithm::Es256, private).unwrap();
    let token = key.sign("JWT", &serde_json::json!({"mercure": {"publish": ["*"]}})).unwrap();
    assert_eq!(server.post(&token, "topic=x").await.status, 200);
    // The public key as a secret: what an attacker would try.
    let forged = Key::hs256(public.trim_start_matches('-'));
    let token = forged.sign("JWT", &serde_json::json!({"mercure": {"publish": ["*"]}})).unwrap();
    assert_eq!(server.post(&token, "topic=x").await.status, 401);
}

const METADATA: &str = "/.well-known/oauth-protected-resource/.well-known/mercure";

// C caddy_test
#[tokio::test]
async fn other_addresses_than_the_public_ones_are_refused() {
    let server = Running::start("public_urls http://good.example.com", &[]).await;
    let ask = async |host: &str| request(server.address(), "GET", METADATA, &format!("Host: {host}\r\n"), "").await;
    assert_eq!(ask("bad.example.com").await.status, 421);
    let good = ask("good.example.com").await;
    assert_eq!((good.status, good.header("content-type")), (200, "application/json"));
    assert!(
        good.body.replace(' ', "").contains("\"resource\":\"http://good.example.com/.well-known/mercure\""),
        "{}",
        good.body
    );
}

// C caddy_test, H 108
#[tokio::test]
async fn the_metadata_name_the_resource_and_the_authorization_server() {
    let directives =
        format!("{PUBLIC}\nissuer https://as.example.com {{\n authorization_server\n publisher {{\n jwt k\n }}\n}}");
    let server = Running::start(&directives, &[]).await;
    let body = server.get(METADATA).await.body.replace(' ', "");
    assert!(body.contains("\"resource\":\"https://example.com/.well-known/mercure\""), "{body}");
    assert!(body.contains("\"authorization_servers\":[\"https://as.example.com\"]"), "{body}");
}

/// A hub behind a proxy that speaks TLS: its identifier has the scheme that the browser used.
#[tokio::test]
async fn a_trusted_proxy_says_that_the_world_speaks_https() {
    let server = Running::start("", &["--trusted-proxies", "127.0.0.0/8"]).await;
    let headers = "Host: hub.example.com\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.9\r\n";
    let body = request(server.address(), "GET", METADATA, headers, "").await.body.replace(' ', "");
    assert!(body.contains("\"https://hub.example.com/.well-known/mercure\""), "{body}");
    let server = Running::start("", &[]).await;
    let body = request(server.address(), "GET", METADATA, headers, "").await.body.replace(' ', "");
    assert!(body.contains("\"http://hub.example.com/.well-known/mercure\""), "{body}");
}

// C caddy_test
#[tokio::test]
async fn a_key_set_may_stand_in_a_file() {
    use base64::Engine as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let secret = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(SECRET);
    std::fs::write(&path, format!("{{\"keys\":[{{\"kty\":\"oct\",\"k\":\"{secret}\",\"alg\":\"HS256\"}}]}}")).unwrap();
    let directives = format!(
        "anonymous\n{PUBLIC}\nissuer https://a.example {{\n publisher {{\n jwks_uri file://{} HS256\n }}\n}}",
        path.display()
    );
    let server = Running::start_with(&["--directives", &directives]).await;
    let token = strict(&Key::hs256(SECRET), "https://a.example", "https://example.com/.well-known/mercure");
    assert_eq!(server.post(&token, "topic=x").await.status, 200);
}

#[tokio::test]
async fn a_token_in_the_address_counts_only_where_old_clients_are_asked_for() {
    let target = format!("{HUB}?topic=a&authorization={}", token(&["*"], &[]));
    let server = Running::start("", &[]).await;
    assert_eq!(server.get(&target).await.status, 401);
    let server = Running::start("protocol_version_compatibility 7", &[]).await;
    let query = format!("topic=a&authorization={}", token(&["*"], &[]));
    assert!(server.subscribe(&query, "").await.read.starts_with("HTTP/1.1 200"));
}

// C caddy_test
#[tokio::test]
async fn the_subscription_api_is_there_when_asked_for() {
    let path = format!("{HUB}/subscriptions");
    let headers = format!("Authorization: Bearer {}\r\n", token(&["*"], &[]));
    let server = Running::start("anonymous\nsubscriptions", &[]).await;
    let _stream = server.subscribe("topic=a", "").await;
    let reply = request(server.address(), "GET", &path, &headers, "").await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(reply.body.contains("\"topic\": \"a\""), "{}", reply.body);
    let server = Running::start("anonymous", &[]).await;
    assert_eq!(request(server.address(), "GET", &path, &headers, "").await.status, 404);
}

// H 13
#[tokio::test]
async fn streams_are_counted_by_the_address_that_a_trusted_proxy_names() {
    let flags = ["--max-streams-per-address", "1", "--trusted-proxies", "127.0.0.1"];
    let server = Running::start("anonymous", &flags).await;
    let alice = "X-Forwarded-For: 192.0.2.1\r\n";
    let _first = server.subscribe("topic=a", alice).await;
    let target = format!("{HUB}?topic=a");
    let second = request(server.address(), "GET", &target, alice, "").await;
    assert_eq!(second.status, 429);
    assert!(!second.header("retry-after").is_empty());
    let bob = server.subscribe("topic=a", "X-Forwarded-For: 192.0.2.2\r\n").await;
    assert!(bob.read.starts_with("HTTP/1.1 200"), "{}", bob.read);
}

/// What the proxy does not write it passes on as the client wrote it: only the header that the setting names says who comes.
#[tokio::test]
async fn streams_are_counted_by_the_header_that_the_proxy_writes_and_no_other() {
    let (x, standard) = ("X-Forwarded-For: 192.0.2.1\r\n", "Forwarded: for=192.0.2.1\r\n");
    for (setting, written, forged) in [
        (&[][..], x, "Forwarded: for=198.51.100"),
        (&["--forwarded-header", "X-Forwarded-For"], x, "Forwarded: for=198.51.100"),
        (&["--forwarded-header", "forwarded"], standard, "X-Forwarded-For: 198.51.100"),
    ] {
        let flags = [&["--max-streams-per-address", "1", "--trusted-proxies", "127.0.0.1"], setting].concat();
        let server = Running::start("anonymous", &flags).await;
        let _first = server.subscribe("topic=a", written).await;
        for n in 1..3 {
            let headers = format!("{forged}.{n}\r\n{written}");
            let reply = request(server.address(), "GET", &format!("{HUB}?topic=a"), &headers, "").await;
            assert_eq!(reply.status, 429, "{headers}");
        }
    }
}
