//! Tokens of the newer generation, and both generations side by side, as clients meet them.

use mercure_hub::{Algorithm, HubConfig, Issuer, Key, Keys, Scheme, Tokens};
use serde_json::{Value, json};

use crate::client::{Log, PATH, SECRET, Server, bearer, config, now, publisher, reader};

const HUB: &str = "http://hub.test/.well-known/mercure";
pub const APP: &str = "https://app.example";
const DETAIL: &str = "https://mercure.rocks/authorization-detail";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

fn app_key() -> Key {
    Key::hs256("the secret of the issuer, long enough for this")
}

/// An issuer with this key for both purposes.
pub fn issuer(id: &str, keys: impl Into<Keys>) -> Issuer {
    let keys = keys.into();
    Issuer { publisher: Some(keys.clone()), subscriber: Some(keys), ..Issuer::new(id) }
}

pub async fn start(issuers: Vec<Issuer>) -> Server {
    Server::start(HubConfig { tokens: Tokens { issuers, ..Tokens::default() }, ..config() }).await
}

fn detail(actions: &[&str], topics: &Value) -> Value {
    json!({"type": DETAIL, "actions": actions, "topics": topics})
}

/// The claims of a good token that may do everything with topic `a`; a change of `null` takes a claim away.
pub fn good(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": APP,
        "aud": HUB,
        "exp": now() + 60.0,
        "authorization_details": [detail(&["publish", "subscribe"], &json!([{"match": "a"}]))],
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

/// The status of a subscription with this token.
pub async fn status(server: &Server, token: &str) -> u16 {
    server.request("HEAD", &format!("{PATH}?match=a"), &bearer(token), "").await.status
}

// H 3, H 52, H 62, H 66, H 67, H 68, H 69, H 71, H 77, H 78
#[tokio::test]
async fn an_access_token_publishes_and_reads() {
    let server = start(vec![issuer(APP, app_key())]).await;
    let token = app_key().sign("at+jwt", &good(&json!({}))).unwrap();
    let mut sse = server.sse("match=a&match=b", &bearer(&token)).await;
    assert_eq!(server.post(&token, "topic=a&data=hello&private=on").await.status, 200);
    assert_eq!(sse.data().await, "hello");
    let reply = server.post(&token, "topic=a&topic=b&data=x").await;
    assert_eq!((reply.status, reply.challenge()), (403, Some("Bearer error=\"insufficient_scope\"")));
    server.now_private("b", "not granted");
    server.now("b", "public");
    assert_eq!(sse.data().await, "public");
}

// H 58, H 62, H 66, H 67, H 68, C authorization_test
#[tokio::test]
async fn whatever_an_access_token_lacks_it_is_refused_alike() {
    let server = start(vec![issuer(APP, app_key())]).await;
    for (changes, expected) in [
        (json!({}), 200),
        (json!({"aud": ["https://other.example", HUB]}), 200),
        (json!({"exp": null}), 401),
        (json!({"exp": now() - 1.0}), 401),
        (json!({"nbf": now() + 30.0}), 401),
        (json!({"aud": null}), 401),
        (json!({"aud": "https://other.example/.well-known/mercure"}), 401),
        (json!({"aud": [HUB, 7]}), 401),
        (json!({"iss": null}), 401),
        (json!({"iss": "https://app.example/"}), 401),
        (json!({"authorization_details": {}}), 401),
    ] {
        let token = app_key().sign("at+jwt", &good(&changes)).unwrap();
        assert_eq!(status(&server, &token).await, expected, "{changes}");
        if expected == 401 {
            let reply = server.get("match=a", &bearer(&token)).await;
            assert_eq!(reply.challenge(), Some("Bearer error=\"invalid_token\""), "{changes}");
            assert_eq!(reply.body, "Unauthorized\n", "it does not say why");
        }
    }
    for (typ, expected) in
        [("AT+JWT", 200), ("application/AT+jwt", 200), ("JWT", 401), ("", 401), ("application/jwt", 401)]
    {
        let token = app_key().sign(typ, &good(&json!({}))).unwrap();
        assert_eq!(status(&server, &token).await, expected, "{typ}");
    }
}

// H 72, H 73, H 74, H 75, H 76, C authorizationdetails_test, C hardening_test
#[tokio::test]
async fn one_bad_detail_spoils_the_token() {
    let server = start(vec![issuer(APP, app_key())]).await;
    let read = ["subscribe"];
    let many = |count: usize| (0..count).map(|n| json!({"match": n.to_string()})).collect::<Value>();
    let fine = || detail(&read, &json!([{"match": "a"}]));
    for (details, expected) in [
        (json!([]), 200),
        (json!([fine(), {"type": "payment_initiation", "actions": 1}]), 200),
        (json!([detail(&["fly", "subscribe"], &json!([{"match": "*", "match_type": "urlpattern"}]))]), 200),
        (json!([detail(&read, &many(100))]), 200),
        (json!([fine(), detail(&[], &json!([{"match": "a"}]))]), 401),
        (json!([fine(), detail(&read, &json!([]))]), 401),
        (json!([fine(), detail(&read, &json!(["a"]))]), 401),
        (json!([fine(), detail(&read, &json!([{"match": ""}]))]), 401),
        (json!([fine(), detail(&read, &json!([{"match_type": "exact"}]))]), 401),
        (json!([fine(), detail(&read, &json!([{"match": "a", "match_type": "regexp"}]))]), 401),
        (json!([fine(), detail(&read, &json!([{"match": "{unclosed", "match_type": "urlpattern"}]))]), 401),
        (json!([fine(), detail(&read, &json!([{"match": "a\u{85}"}]))]), 401),
        (json!([fine(), detail(&read, &json!([{"match": "a\u{200b}"}]))]), 401),
        (json!([fine(), detail(&read, &json!([{"match": "x".repeat(4_097)}]))]), 401),
        (json!([fine(), {"type": DETAIL, "actions": [1], "topics": [{"match": "a"}]}]), 401),
        (json!([fine(), {"type": DETAIL, "actions": read, "topics": [{"match": "a"}], "payload": []}]), 401),
        (json!([detail(&read, &many(101))]), 401),
        (json!([detail(&read, &many(60)), detail(&read, &many(41))]), 401),
        (Value::from(vec![fine(); 100]), 200),
        (Value::from(vec![fine(); 101]), 401),
    ] {
        let token = app_key().sign("at+jwt", &good(&json!({"authorization_details": details}))).unwrap();
        assert_eq!(status(&server, &token).await, expected, "{details}");
    }
}

// H 72, H 73, H 78
#[tokio::test]
async fn actions_grant_only_themselves() {
    let server = start(vec![issuer(APP, app_key())]).await;
    let with = |details: Value| app_key().sign("at+jwt", &good(&json!({"authorization_details": details}))).unwrap();
    let writer = with(json!([detail(&["publish"], &json!([{"match": "*"}]))]));
    let reader = with(json!([detail(&["subscribe", "publish-later"], &json!([{"match": "*"}]))]));
    let mut blind = server.sse("match=a", &bearer(&writer)).await;
    let mut sees = server.sse("match=a", &bearer(&reader)).await;
    assert_eq!(server.post(&reader, "topic=a").await.status, 403);
    assert_eq!(server.post(&writer, "topic=a&data=secret&private").await.status, 200);
    assert_eq!(server.post(&writer, "topic=a&data=public").await.status, 200);
    assert_eq!((sees.data().await, blind.data().await), ("secret".into(), "public".into()));
}

pub fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |chunk: &[u8], place: usize| {
        let bits = chunk.iter().enumerate().fold(0_u32, |bits, (at, byte)| bits | u32::from(*byte) << (16 - 8 * at));
        DIGITS[(bits >> (18 - 6 * place) & 63) as usize] as char
    };
    bytes.chunks(3).flat_map(|chunk| (0..=chunk.len()).map(move |place| digit(chunk, place))).collect()
}

// H 63
#[tokio::test]
async fn an_unsigned_token_is_none() {
    let server = start(vec![issuer(APP, app_key())]).await;
    for header in [r#"{"alg":"none","typ":"at+jwt"}"#, r#"{"alg":"None","typ":"JWT"}"#, r#"{"typ":"at+jwt"}"#] {
        let claims = good(&json!({"mercure": {"subscribe": ["*"]}})).to_string();
        for signature in ["", "AAAA"] {
            let token = format!("{}.{}.{signature}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
            assert_eq!(status(&server, &token).await, 401, "{header}");
        }
    }
}

// H 65, H 68, H 70, C authorization_test
#[tokio::test]
async fn issuers_keep_their_keys_apart() {
    let (one, two) = (Key::hs256("the secret of the first issuer, as long"), app_key());
    let reads = Issuer { subscriber: Some(one.clone().into()), ..Issuer::new("https://one.example") };
    let server = start(vec![reads, issuer(APP, two.clone())]).await;
    for (key, iss, expected) in [
        (&one, "https://one.example", 200),
        (&two, APP, 200),
        (&one, APP, 401),
        (&two, "https://one.example", 401),
        (&one, "https://nobody.example", 401),
    ] {
        let token = key.sign("at+jwt", &good(&json!({"iss": iss}))).unwrap();
        assert_eq!(status(&server, &token).await, expected, "{iss}");
    }
    let token = one.sign("at+jwt", &good(&json!({"iss": "https://one.example"}))).unwrap();
    let reply = server.post(&token, "topic=a").await;
    assert_eq!(
        (reply.status, reply.challenge()),
        (401, Some("Bearer error=\"invalid_token\"")),
        "no key for this role"
    );
}

// H 62, H 66, H 67, D 10, C authorization_deprecated
#[tokio::test]
async fn the_older_generation_weakens_nothing() {
    let server = start(vec![issuer(APP, app_key())]).await;
    // Both at once on one hub.
    assert_eq!(status(&server, &reader("3", &["a"])).await, 200);
    assert_eq!(status(&server, &app_key().sign("at+jwt", &good(&json!({}))).unwrap()).await, 200);
    let old = Key::hs256(SECRET);
    let everything = json!({"mercure": {"subscribe": ["*"], "publish": ["*"]}});
    for (key, typ, claims, expected) in [
        // No `exp`, no `aud`, no `iss`: what Symfony makes. The claim's other name too.
        (&old, "JWT", everything.clone(), 200),
        (&old, "JWT", json!({"https://mercure.rocks/": {"subscribe": ["*"]}}), 200),
        (&old, "at+jwt", everything.clone(), 401),
        (&old, "at+jwt", good(&everything), 401),
        (&old, "JWT", json!({"mercure": {}, "authorization_details": []}), 401),
        (&old, "JWT", json!({"subscribe": ["*"]}), 401),
        (&app_key(), "JWT", everything.clone(), 401),
        (&app_key(), "JWT", good(&json!({"authorization_details": null, "mercure": {}})), 401),
    ] {
        let token = key.sign(typ, &claims).unwrap();
        assert_eq!(status(&server, &token).await, expected, "{typ} {claims}");
    }
    let tokens = Tokens { legacy: false, issuers: vec![issuer(APP, app_key())], ..Tokens::default() };
    let strict_only = Server::start(HubConfig { tokens, ..config() }).await;
    assert_eq!(status(&strict_only, &reader("3", &["a"])).await, 401);
    assert_eq!(strict_only.post(&publisher(&["*"]), "topic=a").await.status, 401);
    assert_eq!(status(&strict_only, &app_key().sign("at+jwt", &good(&json!({}))).unwrap()).await, 200);
}

// H 52, H 66, H 69
#[tokio::test]
async fn what_symfony_signs_is_taken() {
    let server = Server::start(config()).await;
    let key = Key::hs256(SECRET);
    // Lcobucci's formatter writes microseconds.
    for claims in [
        json!({"mercure": {"publish": ["*"], "subscribe": []}}),
        json!({"iat": now() - 0.125, "nbf": now() - 0.125, "exp": now() + 60.625, "mercure": {"publish": ["*"]}}),
        json!({"exp": format!("{:.6}", now() + 60.0).parse::<f64>().unwrap(), "mercure": {"publish": ["*"]}}),
    ] {
        let reply = server.post(&key.sign("JWT", &claims).unwrap(), "topic=a&data=&private=on").await;
        assert_eq!(reply.status, 200, "{claims}");
    }
    let expired = json!({"exp": now() - 0.25, "mercure": {"publish": ["*"]}});
    assert_eq!(server.post(&key.sign("JWT", &expired).unwrap(), "topic=a").await.status, 401);
}

// H 53, H 62
#[tokio::test]
async fn an_access_token_has_no_place_in_an_address() {
    let issuers = vec![issuer(APP, app_key())];
    let tokens = Tokens { legacy_query_token: true, issuers, ..Tokens::default() };
    let server = Server::start(HubConfig { tokens, ..config() }).await;
    let token = app_key().sign("at+jwt", &good(&json!({}))).unwrap();
    let by_address = |name: &str| format!("{PATH}?match=a&{name}={token}");
    assert_eq!(server.request("HEAD", &by_address("authorization"), "", "").await.status, 401);
    assert_eq!(server.request("HEAD", &by_address("access_token"), "", "").await.status, 401);
    let old = format!("{PATH}?topic=a&authorization={}", reader("3", &["a"]));
    assert_eq!(server.request("HEAD", &old, "", "").await.status, 200);
}

// H 67, C identity_test
#[tokio::test]
async fn a_token_is_for_the_hub_as_it_was_addressed() {
    let issuers = || vec![issuer(APP, app_key())];
    let server = start(issuers()).await;
    let head = async |server: &Server, host: &str, aud: &str| {
        let token = app_key().sign("at+jwt", &good(&json!({"aud": aud}))).unwrap();
        server.request_to(host, "HEAD", &format!("{PATH}?match=a"), &bearer(&token), "").await.status
    };
    for (host, aud, expected) in [
        ("one.example", "http://one.example/.well-known/mercure", 200),
        ("ONE.example:80", "http://one.example/.well-known/mercure", 200),
        ("one.example:8080", "http://one.example:8080/.well-known/mercure", 200),
        ("one.example", "http://two.example/.well-known/mercure", 401),
        ("one.example", "https://one.example/.well-known/mercure", 401),
        ("x@one.example", "http://one.example/.well-known/mercure", 401),
    ] {
        assert_eq!(head(&server, host, aud).await, expected, "{host} {aud}");
    }
    // Behind a proxy the hub does not see the address that people use.
    let resource_identifier = Some("https://public.example/.well-known/mercure".to_owned());
    let tokens = Tokens { issuers: issuers(), resource_identifier, ..Tokens::default() };
    let pinned = Server::start(HubConfig { tokens, ..config() }).await;
    for (host, aud, expected) in [
        ("internal:3000", "https://public.example/.well-known/mercure", 200),
        ("internal:3000", "http://internal:3000/.well-known/mercure", 401),
    ] {
        assert_eq!(head(&pinned, host, aud).await, expected, "{host} {aud}");
    }
    // A public URL says how its host is reached.
    let tokens = Tokens { issuers: issuers(), public_urls: vec!["https://public.example".into()], ..Tokens::default() };
    let public = Server::start(HubConfig { tokens, ..config() }).await;
    assert_eq!(head(&public, "public.example", "https://public.example/.well-known/mercure").await, 200);
    assert_eq!(head(&public, "public.example", "http://public.example/.well-known/mercure").await, 401);
}

// H 67
#[tokio::test]
async fn who_accepts_encrypted_connections_says_so() {
    use axum::extract::Request;
    let tokens = Tokens { issuers: vec![issuer(APP, app_key())], ..Tokens::default() };
    let hub = mercure_hub::Hub::new(HubConfig { tokens, ..config() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let encrypted = axum::middleware::map_request(async |mut request: Request| {
        request.extensions_mut().insert(Scheme::Https);
        request
    });
    tokio::spawn(axum::serve(listener, hub.router().layer(encrypted)).into_future());
    let server = Server { hub, address };
    for (aud, expected) in [("https://hub.test/.well-known/mercure", 200), (HUB, 401)] {
        assert_eq!(status(&server, &app_key().sign("at+jwt", &good(&json!({"aud": aud}))).unwrap()).await, expected);
    }
}

// H 61
#[tokio::test]
async fn the_log_says_why_and_never_shows_the_token() {
    let log = Log::listen();
    let server = start(vec![issuer(APP, app_key())]).await;
    let named = json!({"kty": "oct", "kid": "name\nof a key", "k": base64url(b"another secret")});
    let foreign = Key::from_jwk(named.to_string(), &[Algorithm::Hs256]).unwrap();
    let token = foreign.sign("at+jwt", &good(&json!({}))).unwrap();
    assert_eq!(status(&server, &token).await, 401);
    let lines = log.take();
    let line = lines.iter().find(|line| line.contains("check=signature")).expect("a line about it");
    for part in
        ["mercure_hub::auth", "INFO", "generation=Some(Strict)", "alg=HS256", APP, "name\\nof a key", "role=Subscriber"]
    {
        assert!(line.contains(part), "{part}: {line}");
    }
    for (headers, check) in [
        (String::new(), "no token"),
        (bearer(&app_key().sign("at+jwt", &good(&json!({"aud": null}))).unwrap()), "aud"),
        (bearer(&app_key().sign("at+jwt", &good(&json!({"exp": 1}))).unwrap()), "expired"),
        (bearer(&app_key().sign("JWT", &good(&json!({}))).unwrap()), "typ"),
        ("Authorization: Basic x\r\n".into(), "authorization scheme"),
    ] {
        server.get("match=a", &headers).await;
        let lines = log.take();
        assert!(lines.iter().any(|line| line.contains(&format!("check={check} "))), "{check}: {lines:?}");
        let secret = headers.trim_end().rsplit(['.', ' ']).next().unwrap_or_default();
        assert!(secret.len() < 10 || lines.iter().all(|line| !line.contains(secret)), "{lines:?}");
    }
    let by_cookie = format!("{FORM}Cookie: mercureAuthorization={token}\r\n");
    assert_eq!(server.request("POST", PATH, &by_cookie, "topic=a").await.status, 403);
    assert!(log.take().iter().any(|line| line.contains("check=page origin")));
}
