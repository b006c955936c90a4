//! Keys of every kind, and sets of them that are fetched.

use std::sync::{Arc, Mutex};

use mercure_hub::{Algorithm, BoxFuture, FetchError, FetchKeys, FetchedKeys, HubConfig, Key, Keys, Tokens};
use serde_json::{Value, json};

use crate::{
    client::Server,
    tokens::{APP, base64url, good, issuer, start, status},
};

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/keys/{name}.pem", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

// H 63, H 64
#[tokio::test]
async fn keys_of_every_kind_verify_what_they_should() {
    for (algorithm, private, public) in [
        (Algorithm::Rs256, "rsa", "rsa-certificate"),
        (Algorithm::Rs384, "rsa", "rsa-public"),
        (Algorithm::Rs512, "rsa-pkcs1", "rsa-public-pkcs1"),
        (Algorithm::Ps256, "rsa", "rsa-public"),
        (Algorithm::Ps384, "rsa", "rsa-certificate"),
        (Algorithm::Ps512, "rsa", "rsa-public"),
        (Algorithm::Es256, "p256-sec1", "p256-certificate"),
        (Algorithm::Es384, "p384", "p384-public"),
        (Algorithm::Es512, "p521", "p521-public"),
        (Algorithm::EdDsa, "ed25519", "ed25519-public"),
    ] {
        let private = Key::new(algorithm, file(private)).unwrap();
        let public = Key::new(algorithm, file(public)).unwrap();
        let config = HubConfig { subscriber_key: Some(public.clone()), ..HubConfig::default() };
        let tokens = Tokens { issuers: vec![issuer(APP, public.clone())], ..Tokens::default() };
        let server = Server::start(HubConfig { tokens, ..config }).await;
        let strict = private.sign("at+jwt", &good(&json!({}))).unwrap();
        assert_eq!(status(&server, &strict).await, 200, "{algorithm}");
        let legacy = private.sign("JWT", &json!({"mercure": {"subscribe": ["a"]}})).unwrap();
        assert_eq!(status(&server, &legacy).await, 200, "{algorithm}");
        // The public key, which everybody knows, taken for a secret.
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
        header.typ = Some("at+jwt".into());
        let secret = jsonwebtoken::EncodingKey::from_secret(file("rsa-public").as_bytes());
        let confused = jsonwebtoken::encode(&header, &good(&json!({})), &secret).unwrap();
        assert_eq!(status(&server, &confused).await, 401, "{algorithm}");
        for (at, replacement) in [(strict.len() - 5, "AAAAA"), (strict.find('.').unwrap() + 8, "AAAAA")] {
            let mut forged = strict.clone();
            forged.replace_range(at..at + 5, replacement);
            assert_eq!(status(&server, &forged).await, 401, "{algorithm}");
        }
    }
}

/// A key set that a test can change.
struct Published(Mutex<String>);

impl FetchKeys for Published {
    fn fetch<'a>(&'a self, _: &'a str, _: usize) -> BoxFuture<'a, Result<FetchedKeys, FetchError>> {
        let body = self.0.lock().unwrap().clone().into_bytes();
        Box::pin(async { Ok(FetchedKeys { body, max_age: None }) })
    }
}

// H 64, H 65
#[tokio::test]
async fn a_key_set_is_fetched_when_the_first_token_needs_it() {
    let jwk = |name: &str, secret: &str| json!({"kty": "oct", "kid": name, "k": base64url(secret.as_bytes())});
    let (one, two) = (jwk("1", "the first secret of the set"), jwk("2", "the second secret of the set"));
    let published = Arc::new(Published(Mutex::new(json!({"keys": [one, {"kty": "future"}]}).to_string())));
    let fetch: Arc<dyn FetchKeys> = Arc::<Published>::clone(&published);
    let keys = Keys::fetched("https://app.example/jwks", &[Algorithm::Hs256], fetch);
    let server = start(vec![issuer(APP, keys)]).await;
    let sign = |jwk: &Value| {
        Key::from_jwk(jwk.to_string(), &[Algorithm::Hs256]).unwrap().sign("at+jwt", &good(&json!({}))).unwrap()
    };
    assert_eq!(status(&server, &sign(&one)).await, 200);
    assert_eq!(status(&server, &sign(&two)).await, 401);
    *published.0.lock().unwrap() = json!({"keys": [two]}).to_string();
    server.hub.load_keys().await.unwrap();
    assert_eq!(status(&server, &sign(&two)).await, 200);
    assert_eq!(status(&server, &sign(&one)).await, 401, "withdrawn");
    *published.0.lock().unwrap() = "gone".into();
    assert!(server.hub.load_keys().await.is_err());
    assert_eq!(status(&server, &sign(&two)).await, 200, "the last good set stays");
}

// H 64, H 112
#[cfg(feature = "jwks-url")]
#[tokio::test]
async fn a_key_set_comes_from_the_web_without_detours() {
    use axum::{Router, response::Redirect, routing::get};
    let jwk = json!({"kty": "oct", "kid": "1", "k": base64url(b"the secret of the set in the web")});
    let set = json!({"keys": [jwk]}).to_string();
    let origin = Router::new()
        .route("/keys", get(async move || ([("cache-control", "max-age=300")], set)))
        .route("/elsewhere", get(async || Redirect::temporary("/keys")))
        .route("/large", get(async || " ".repeat(1 << 20)))
        .route("/broken", get(async || "{"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, origin).into_future());
    for (path, good) in [("keys", true), ("elsewhere", false), ("large", false), ("broken", false), ("absent", false)] {
        let keys = Keys::from_url(&format!("http://{address}/{path}"), &[Algorithm::Hs256]).unwrap();
        let server = start(vec![issuer(APP, keys)]).await;
        assert_eq!(server.hub.load_keys().await.is_ok(), good, "{path}");
        let key = Key::from_jwk(jwk.to_string(), &[Algorithm::Hs256]).unwrap();
        let token = key.sign("at+jwt", &self::good(&json!({}))).unwrap();
        assert_eq!(status(&server, &token).await, if good { 200 } else { 401 }, "{path}");
    }
}
