//! What somebody notices who swaps the reference image for this program: findings by their numbers.

use crate::support::{FORM, HUB, Running, SECRET, plan, request, token, wrong};

fn with_keys<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["--publisher-jwt-key", SECRET, "--subscriber-jwt-key", SECRET], more].concat()
}

fn topics(name: &str, count: usize, length: usize) -> String {
    (0..count).map(|n| format!("{name}={n:0length$}")).collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn finding_3_a_thousand_topics_of_the_older_generation() {
    let server = Running::start("anonymous", &[]).await;
    let mut stream = server.subscribe(&topics("topic", 1_000, 50), "").await;
    assert!(stream.read.starts_with("HTTP/1.1 200"), "{}", stream.read);
    server.hub.publish(mercure_hub::Update::new(format!("{:050}", 999), "hello").unwrap()).unwrap();
    stream.until("data: hello").await;
    for query in [topics("topic", 1_001, 4), topics("match", 101, 4)] {
        assert_eq!(server.get(&format!("{HUB}?{query}")).await.status, 400);
    }
    let server = Running::start("anonymous\nmax_topics 2000\nmax_matchers 0", &[]).await;
    for query in [topics("topic", 2_000, 4), topics("match", 2_000, 4)] {
        assert!(server.subscribe(&query, "").await.read.starts_with("HTTP/1.1 200"));
    }
    assert_eq!(server.get(&format!("{HUB}?{}", topics("topic", 2_001, 4))).await.status, 400);
}

#[tokio::test]
async fn finding_3_heads_are_as_large_as_the_reference_takes_them() {
    let server = Running::start("anonymous", &[]).await;
    let header = |bytes: usize| format!("X-Padding: {}\r\n", "x".repeat(bytes));
    for bytes in [200_000, 900_000] {
        assert!(server.subscribe("topic=a", &header(bytes)).await.read.starts_with("HTTP/1.1 200"), "{bytes}");
    }
}

#[tokio::test]
async fn finding_6_version_7_publishes_what_is_public_where_it_likes() {
    let unlisted = token(&[], &[]);
    let statuses = async |directives: &str| {
        let server = Running::start(directives, &[]).await;
        let public = server.post(&unlisted, "topic=a&data=x").await.status;
        [public, server.post(&unlisted, "topic=a&data=x&private=on").await.status]
    };
    assert_eq!(statuses("protocol_version_compatibility 7").await, [200, 403]);
    for directives in ["", "protocol_version_compatibility 8"] {
        assert_eq!(statuses(directives).await, [403, 403], "{directives}");
    }
}

#[test]
fn finding_8_the_admin_address_of_the_global_options_is_honoured() {
    let admin = |flags: &[&str]| plan(&with_keys(flags)).unwrap().admin.map(|address| address.to_string());
    assert_eq!(admin(&[]).as_deref(), Some("127.0.0.1:2019"));
    assert_eq!(admin(&["--admin", ""]).as_deref(), Some("127.0.0.1:2019"), "empty is unset");
    for (options, address) in [
        ("admin 0.0.0.0:2019", Some("0.0.0.0:2019")),
        ("debug\nadmin :9000\nservers {\n  metrics\n}", Some("[::]:9000")),
        ("admin off", None),
        ("admin localhost:2020 {\n  origins localhost\n}", Some("127.0.0.1:2020")),
        ("admin unix//run/caddy.sock", Some("127.0.0.1:2019")),
        ("admin {\n  origins localhost\n}", Some("127.0.0.1:2019")),
    ] {
        assert_eq!(admin(&["--global-options", options]).as_deref(), address, "{options}");
        let own = ["--global-options", options, "--admin", "127.0.0.1:7"];
        assert_eq!(admin(&own).as_deref(), Some("127.0.0.1:7"), "the hub's own setting wins");
    }
    assert!(wrong(&with_keys(&["--global-options", "admin example.com"])).starts_with("GLOBAL_OPTIONS: admin: "));
    assert!(wrong(&with_keys(&["--global-options", "servers {"])).starts_with("GLOBAL_OPTIONS: line 1"));
    let flags = with_keys(&["--global-options", "servers {\n  metrics\n}\nadmin :2019\nauto_https off"]);
    let warnings = plan(&flags).unwrap().warnings.join("\n");
    assert!(warnings.contains("ignored: servers, auto_https"), "{warnings}");
    assert!(!warnings.contains(['{', '}']) && !warnings.contains("admin,"), "{warnings}");
}

#[tokio::test]
async fn finding_10_updates_of_two_megabytes_and_long_ids() {
    let server = Running::start("anonymous\nmax_field_size 16KB", &[]).await;
    let mut stream = server.subscribe("topic=a", "").await;
    let data = "x".repeat(2_000_000);
    assert_eq!(server.post(&token(&[], &["*"]), &format!("topic=a&data={data}")).await.status, 200);
    stream.until(&format!("data: {}", &data[..1_000])).await;
    let (id, topic) = ("i".repeat(10_000), "t".repeat(10_000));
    let long = format!("topic={topic}&id={id}&data=x");
    assert_eq!(server.post(&token(&[], &["*"]), &long).await.status, 200);
    let server = Running::start("anonymous", &[]).await;
    assert_eq!(server.post(&token(&[], &["*"]), &long).await.status, 413);
}

#[tokio::test]
async fn finding_11_streams_begin_with_an_id_when_asked() {
    let server = Running::start("anonymous\ninitial_event_id", &[]).await;
    let mut stream = server.subscribe("topic=quiet", "").await;
    stream.until("id: urn:mercure-place:").await;
    let server = Running::start("anonymous\nwrite_timeout 300ms", &[]).await;
    let read = server.subscribe("topic=quiet", "").await.end().await;
    assert!(!read.contains("id: ") && read.contains(": lifetime over\nretry: 100\n\n"), "{read}");
}

#[tokio::test]
async fn finding_12_a_plain_request_is_misdirected_where_the_proxies_are_known() {
    let directives = "anonymous\npublic_urls https://good.example.com";
    let ask = async |server: &Running, headers: &str| {
        let headers = format!("Host: good.example.com\r\n{headers}");
        request(server.address(), "HEAD", &format!("{HUB}?topic=a"), &headers, "").await.status
    };
    let unknown = Running::start(directives, &[]).await;
    assert_eq!(ask(&unknown, "").await, 200, "a proxy that was not named may speak TLS before it");
    let elsewhere = Running::start(directives, &["--trusted-proxies", "192.0.2.1"]).await;
    assert_eq!(ask(&elsewhere, "").await, 421, "it came in clear, past the proxy");
    assert_eq!(ask(&elsewhere, "X-Forwarded-Proto: https\r\n").await, 421, "anybody can write that");
    let behind = Running::start(directives, &["--trusted-proxies", "127.0.0.1"]).await;
    assert_eq!(ask(&behind, "X-Forwarded-Proto: https\r\n").await, 200);
    assert_eq!(ask(&behind, "X-Forwarded-Proto: http\r\n").await, 421);
}

#[tokio::test]
async fn finding_12_an_anonymous_hub_without_keys_starts_and_takes_nothing() {
    let server = Running::start_with(&["--directives", "anonymous"]).await;
    assert!(server.subscribe("topic=a", "").await.read.starts_with("HTTP/1.1 200"));
    let reply = request(server.address(), "POST", HUB, FORM, "topic=a").await;
    assert_eq!((reply.status, reply.header("allow")), (405, "GET, HEAD, QUERY, OPTIONS"));
    let plan = plan(&["--directives", "anonymous"]).unwrap();
    assert!(plan.warnings.iter().any(|warning| warning.contains("nobody can publish")), "{:?}", plan.warnings);
}

#[tokio::test]
async fn finding_12_a_token_without_the_claim_reads_what_is_public() {
    let bare = mercure_hub::Key::hs256(SECRET).sign("JWT", &serde_json::json!({"sub": "app"})).unwrap();
    let server = Running::start("", &[]).await;
    let stream = server.subscribe("topic=a", &format!("Authorization: Bearer {bare}\r\n")).await;
    assert!(stream.read.starts_with("HTTP/1.1 200"), "{}", stream.read);
    assert_eq!(server.post(&bare, "topic=a").await.status, 401);
}

#[test]
fn finding_12_mistakes_stop_the_start() {
    let issuer = "issuer https://a.example {\n publisher {\n jwt x\n }\n}\n";
    let why = wrong(&with_keys(&["--directives", &issuer.repeat(2)]));
    assert!(why.contains("line 6, column 1: a second issuer \"https://a.example\""), "{why}");
    let why = wrong(&with_keys(&["--directives", "resource_identifier https://a.example/x#frag"]));
    assert!(why.contains("fragment"), "{why}");
}

#[test]
fn finding_12_lists_over_several_lines_add_up() {
    let text = "cors_origins https://a.test\ncors_origins https://b.test https://a.test\npublish_origins https://a.test\npublish_origins https://c.test";
    let plan = plan(&with_keys(&["--directives", text])).unwrap();
    assert_eq!(plan.hub.cors_origins, ["https://a.test", "https://b.test"]);
    assert_eq!(plan.hub.publish_origins, ["https://a.test", "https://c.test"]);
}

/// The Caddyfiles that the reference ships and documents, in outline.
#[test]
fn finding_12_whole_caddyfiles_are_told_what_is_wanted() {
    let mercure = "mercure {\n    transport bolt {\n      path x.db\n    }\n    anonymous\n  }";
    for text in [
        format!("{{\n  debug\n}}\n\nlocalhost\n\nroute {{\n  {mercure}\n  respond \"Not Found\" 404\n}}"),
        format!("example.com {{\n  {mercure}\n}}"),
        format!("example.com\n\n{mercure}\nrespond \"Not Found\" 404"),
        format!(":80 {{\n  encode zstd gzip\n  {mercure}\n}}"),
        format!("{{$SERVER_NAME:localhost}} {{\n  route {{\n    {mercure}\n  }}\n}}"),
        format!("(snippet) {{\n  header X y\n}}\nlocalhost {{\n  import snippet\n  {mercure}\n}}"),
        format!("http://hub.test {{\n  php_server {{\n  }}\n  {mercure}\n}}"),
    ] {
        let why = wrong(&with_keys(&["--directives", &text]));
        assert!(why.contains("give only what stands between the braces of its mercure"), "{text}\n{why}");
    }
    assert!(plan(&with_keys(&["--directives", mercure])).is_ok());
    // A typing error is no Caddyfile.
    assert!(!wrong(&with_keys(&["--directives", "anonymus"])).contains("Caddyfile:"));
}
