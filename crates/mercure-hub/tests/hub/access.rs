//! Presenting a token: header, cookie, query, the challenge that answers each mistake, the hub's metadata, and under which names it is reached.

use mercure_hub::{Claims, Grant, HubConfig, Issuer, Key, Keys, Tokens, mint};

use crate::client::{PATH, SECRET, Server, TestClock, bearer, claims, config, open_config, publisher, reader};

const METADATA: &str = "/.well-known/oauth-protected-resource/.well-known/mercure";
const INVALID_TOKEN: &str = "Bearer error=\"invalid_token\"";
const INVALID_REQUEST: &str = "Bearer error=\"invalid_request\"";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

// H 51, H 53, H 57, H 58, H 60, H 61, H 63, C bearererror_test, C authorization_test
#[tokio::test]
async fn each_mistake_has_its_challenge() {
    let server = Server::start(config()).await;
    let good = reader("3", &["a"]);
    let tampered = format!("{}x", &good[..good.len() - 1]);
    let foreign = mint(&Key::hs256("another secret that is long enough"), &claims(None, &["*"], &[]));
    let other_algorithm = mint(&Key::hs512(SECRET), &claims(None, &["*"], &[]));
    for (headers, status, challenge) in [
        (String::new(), 401, "Bearer"),
        (bearer(&tampered), 401, INVALID_TOKEN),
        (bearer(&foreign), 401, INVALID_TOKEN),
        (bearer(&other_algorithm), 401, INVALID_TOKEN),
        (bearer("short"), 401, INVALID_TOKEN),
        (bearer(&"a".repeat(40)), 401, INVALID_TOKEN),
        ("Authorization: Basic YWxhZGRpbjpvcGVuc2VzYW1l\r\n".into(), 400, INVALID_REQUEST),
        ("Authorization: Bearer\r\n".into(), 400, INVALID_REQUEST),
        (format!("Authorization: {good}\r\n"), 400, INVALID_REQUEST),
        (format!("{0}{0}", bearer(&good)), 400, INVALID_REQUEST),
        ("Cookie: mercureAuthorization=x\r\n".into(), 401, INVALID_TOKEN),
        ("Cookie: mercureAuthorization=\r\n".into(), 401, "Bearer"),
        (format!("Cookie: other={good}\r\n"), 401, "Bearer"),
    ] {
        let reply = server.get("topic=a", &headers).await;
        assert_eq!((reply.status, reply.challenge()), (status, Some(challenge)), "{headers}");
        let metadata = format!("resource_metadata=\"http://hub.test{METADATA}\"");
        assert!(reply.header("www-authenticate").unwrap().ends_with(&metadata), "{reply:?}");
        assert!(reply.body.len() < 20, "terse: {}", reply.body);
    }
    assert_eq!(server.get(&format!("topic=a&authorization={good}&access_token={good}"), "").await.status, 401);
}

// H 59, H 61, H 77, D 11, C bearererror_test
#[tokio::test]
async fn a_good_token_that_does_not_allow_it_is_told_so() {
    let server = Server::start(config()).await;
    let reply = server.post(&publisher(&["a"]), "topic=b").await;
    assert_eq!((reply.status, reply.challenge()), (403, Some("Bearer error=\"insufficient_scope\"")));
    let other = server.get("match=a&matchRegexp=b", &bearer(&reader("3", &[]))).await;
    assert_eq!((other.status, other.challenge()), (400, None), "a mistake that is not the token's");
}

// H 54, H 55, C authorization_test
#[tokio::test]
async fn header_and_cookie_both_serve_and_the_header_wins() {
    let server = Server::start(HubConfig { cookie_names: vec!["first".into(), "second".into()], ..config() }).await;
    let good = reader("3", &["a"]);
    for headers in [
        bearer(&good),
        format!("authorization: bEaReR {good}\r\n"),
        format!("Cookie: x=y;second={good}\r\n"),
        format!("Cookie: x=y\r\nCookie: first={good}; second=bad\r\n"),
        format!("{}Cookie: first=bad\r\n", bearer(&good)),
    ] {
        server.sse("topic=a", &headers).await;
    }
    let bad_header = format!("{}Cookie: first={good}\r\n", bearer("bad"));
    assert_eq!(server.get("topic=a", &bad_header).await.status, 401);
}

// H 55, C authorization_deprecated
#[tokio::test]
async fn the_cookies_of_both_generations_are_known() {
    let server = Server::start(config()).await;
    let good = reader("3", &["a"]);
    let names = ["__Secure-mercure_access_token", "mercureAuthorization"];
    for name in names {
        server.sse("topic=a", &format!("Cookie: {name}={good}\r\n")).await;
    }
    let newer_first = format!("Cookie: {}={good}; {}=bad\r\n", names[1], names[0]);
    assert_eq!(server.get("topic=a", &newer_first).await.status, 401, "the newer name is looked at first");
}

// H 56, C authorization_test
#[tokio::test]
async fn publishing_by_cookie_needs_a_page_that_is_listed() {
    let listed = ["https://chat.example", "https://*.apps.example", "capacitor://localhost"].map(str::to_owned);
    let server = Server::start(HubConfig { publish_origins: listed.into(), ..config() }).await;
    let cookie = format!("{FORM}Cookie: mercureAuthorization={}\r\n", publisher(&["*"]));
    for (page, status) in [
        ("", 403),
        ("Origin: https://chat.example\r\n", 200),
        ("Origin: https://one.apps.example\r\n", 200),
        ("Origin: capacitor://localhost\r\n", 200),
        ("Referer: https://chat.example/room?x\r\n", 200),
        ("Origin: https://evil.test\r\n", 403),
        ("Referer: https://evil.test/https://chat.example\r\n", 403),
        ("Referer: nonsense\r\n", 403),
        ("Origin: https://evil.test\r\nReferer: https://chat.example/\r\n", 403),
        ("Origin: https://chat.example\r\nReferer: https://evil.test/\r\n", 200),
        ("Origin: null\r\n", 403),
    ] {
        let reply = server.request("POST", PATH, &format!("{cookie}{page}"), "topic=a").await;
        assert_eq!(reply.status, status, "{page}");
    }
    let everywhere = Server::start(HubConfig { publish_origins: vec!["*".into()], ..config() }).await;
    let from_anywhere = format!("{cookie}Origin: https://evil.test\r\n");
    assert_eq!(everywhere.request("POST", PATH, &from_anywhere, "topic=a").await.status, 200);
    assert_eq!(everywhere.request("POST", PATH, &cookie, "topic=a").await.status, 403, "neither header");
}

// H 53, C authorization_deprecated
#[tokio::test]
async fn a_token_in_the_address_is_taken_only_where_it_is_allowed() {
    let tokens = Tokens { legacy_query_token: true, ..Tokens::default() };
    let server = Server::start(HubConfig { tokens, ..config() }).await;
    let good = reader("3", &["a"]);
    let mut sse = server.sse(&format!("topic=a&authorization={good}"), "").await;
    server.now_private("a", "for you");
    assert_eq!(sse.data().await, "for you");
    for (query, headers, status) in [
        (format!("topic=a&access_token={good}"), String::new(), 401),
        (format!("topic=a&authorization={good}"), bearer("bad"), 401),
        (format!("topic=a&authorization={good}"), "Cookie: mercureAuthorization=bad\r\n".into(), 200),
        (format!("topic=a&authorization={good}&authorization={good}"), String::new(), 400),
        ("topic=a&authorization=short".into(), String::new(), 401),
        ("topic=a&authorization=%ff".into(), String::new(), 400),
    ] {
        let reply = server.request("HEAD", &format!("{PATH}?{query}"), &headers, "").await;
        assert_eq!(reply.status, status, "{query} {headers}");
    }
    let address = format!("{PATH}?authorization={}", publisher(&["*"]));
    assert_eq!(server.request("POST", &address, FORM, "topic=a").await.status, 200);
}

// H 51, C authorization_test
#[tokio::test]
async fn a_bad_token_is_refused_even_where_none_is_needed() {
    let server = Server::start(open_config()).await;
    server.sse("topic=a", "").await;
    assert_eq!(server.get("topic=a", &bearer("bad")).await.status, 401);
}

// H 50, H 57
#[tokio::test]
async fn without_a_key_no_token_is_good() {
    let server = Server::start(HubConfig { subscriber_key: None, ..config() }).await;
    assert_eq!(server.get("topic=a", &bearer(&reader("3", &["*"]))).await.status, 401);
    let open = Server::start(HubConfig { anonymous: true, ..HubConfig::default() }).await;
    let reply = open.request("POST", PATH, FORM, "topic=a").await;
    assert_eq!((reply.status, reply.header("www-authenticate")), (401, Some("Bearer")), "nothing to learn there");
}

// H 66
#[tokio::test]
async fn times_are_judged_by_the_hubs_own_clock() {
    let clock = TestClock::new();
    let server = Server::start(HubConfig { clock: clock.clock(), ..config() }).await;
    let token = |exp: Option<f64>| {
        let mercure = Grant { subscribe: vec!["a".into()], ..Grant::default() };
        bearer(&mint(&Key::hs256(SECRET), &Claims { exp, mercure, ..Claims::default() }))
    };
    let soon = token(Some(clock.now() + 10.5));
    server.sse("topic=a", &soon).await;
    server.sse("topic=a", &token(None)).await;
    clock.advance(10.0);
    server.sse("topic=a", &soon).await;
    // Half a second, and what a number loses on its way through JSON.
    clock.advance(0.501);
    assert_eq!(server.get("topic=a", &soon).await.status, 401);
    server.sse("topic=a", &token(None)).await;
}

fn issuer(server: Option<&str>) -> Issuer {
    let keys = || Some(Keys::from(Key::hs256(SECRET)));
    let authorization_server = server.map(str::to_owned);
    Issuer { publisher: keys(), subscriber: keys(), authorization_server, ..Issuer::new("https://app.example") }
}

// H 108, C resourcemetadata_test
#[tokio::test]
async fn the_hub_tells_what_a_client_must_know() {
    let tokens = Tokens { issuers: vec![issuer(Some("https://auth.example"))], ..Tokens::default() };
    let server = Server::start(HubConfig { tokens, ..config() }).await;
    let reply = server.request("GET", METADATA, "Origin: https://anywhere.test\r\n", "").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    let document: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    let expected = serde_json::json!({
        "resource": "http://hub.test/.well-known/mercure",
        "authorization_servers": ["https://auth.example"],
        "authorization_details_types_supported": ["https://mercure.rocks/authorization-detail"],
        "bearer_methods_supported": ["header"],
        "mercure_cookie": "__Secure-mercure_access_token",
        "mercure_matcher_types_supported": ["exact", "urlpattern"],
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(document.get(name), Some(value), "{name}");
    }
    let elsewhere = server.request_to("Other.test:80", "GET", METADATA, "", "").await;
    assert!(elsewhere.body.contains("\"http://other.test/.well-known/mercure\""), "{}", elsewhere.body);
    assert_eq!(server.request("POST", METADATA, "", "").await.status, 405);
}

// H 108, C resourcemetadata_test
#[tokio::test]
async fn the_metadata_follow_the_configuration() {
    let resource_identifier = Some("https://public.example/base/.well-known/mercure".into());
    let tokens = Tokens { resource_identifier, ..Tokens::default() };
    let server = Server::start(HubConfig { tokens, cookie_names: vec!["own".into()], ..config() }).await;
    let challenge = server.get("topic=a", "").await;
    let path = "/.well-known/oauth-protected-resource/base/.well-known/mercure";
    let expected = format!("Bearer resource_metadata=\"https://public.example{path}\"");
    assert_eq!(challenge.header("www-authenticate"), Some(expected.as_str()));
    for path in [path, METADATA] {
        let reply = server.request("GET", path, "", "").await;
        let document: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(document["resource"], "https://public.example/base/.well-known/mercure");
        assert_eq!(document["mercure_cookie"], "own");
        assert_eq!(document.get("authorization_servers"), None);
    }
    let open = Server::start(HubConfig { anonymous: true, ..HubConfig::default() }).await;
    assert_eq!(open.request("GET", METADATA, "", "").await.status, 404, "no token is of any use here");
}

// C identity_test
#[tokio::test]
async fn a_hub_with_public_urls_has_no_other_names() {
    let public_urls = vec!["https://hub.example".into(), "http://internal:3000/.well-known/mercure".into()];
    let tokens = Tokens { public_urls, issuers: vec![issuer(None)], ..Tokens::default() };
    let server = Server::start(HubConfig { tokens, ..open_config() }).await;
    for (host, status) in [
        ("hub.example", 200),
        ("HUB.example:443", 200),
        ("internal:3000", 200),
        ("internal", 421),
        ("hub.example.evil.test", 421),
        ("127.0.0.1", 421),
        ("", 421),
    ] {
        for (method, target) in [("HEAD", format!("{PATH}?match=a")), ("HEAD", METADATA.into())] {
            assert_eq!(server.request_to(host, method, &target, "", "").await.status, status, "{host} {target}");
        }
    }
    let token = publisher(&["*"]);
    let headers = format!("{}{FORM}", bearer(&token));
    assert_eq!(server.request_to("evil.test", "POST", PATH, &headers, "topic=a").await.status, 421);
    assert_eq!(server.request_to("internal:3000", "POST", PATH, &headers, "topic=a").await.status, 200);
}
