//! When key sets are fetched, and what happens when they can't be. The clock stands still and is moved by hand.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::json;
use tokio::time::advance;

use super::*;
use crate::auth::{jws::Jws, keys::Keys};

/// Where a set is kept for the tests: they change it, make it fail, and count who asks.
#[derive(Default)]
struct Place {
    body: Mutex<Option<String>>,
    max_age: Option<u64>,
    asked: AtomicUsize,
}

impl Place {
    fn put(&self, secrets: &[(&str, &str)]) {
        *self.body.lock().unwrap() = Some(set(secrets));
    }

    fn lose(&self) {
        *self.body.lock().unwrap() = None;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl FetchKeys for Place {
    fn fetch<'a>(&'a self, _: &'a str, _: usize) -> BoxFuture<'a, Result<FetchedKeys, FetchError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let body = self.body.lock().unwrap().clone();
        let max_age = self.max_age.map(Duration::from_secs);
        Box::pin(async move {
            // Others get their turn while it is on its way.
            tokio::task::yield_now().await;
            body.map(|body| FetchedKeys { body: body.into(), max_age }).ok_or(FetchError("gone".into()))
        })
    }
}

fn key(name: &str, secret: &str) -> serde_json::Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    json!({"kty": "oct", "kid": name, "k": URL_SAFE_NO_PAD.encode(secret)})
}

fn set(secrets: &[(&str, &str)]) -> String {
    json!({"keys": secrets.iter().map(|(name, secret)| key(name, secret)).collect::<Vec<_>>()}).to_string()
}

fn token(name: &str, secret: &str) -> String {
    Key::from_jwk(key(name, secret).to_string(), &[Algorithm::Hs256]).unwrap().sign("JWT", &json!({"a": 1})).unwrap()
}

fn keys(place: &Arc<Place>) -> Keys {
    let fetch: Arc<dyn FetchKeys> = Arc::<Place>::clone(place);
    Keys::fetched("https://issuer.test/keys", &[Algorithm::Hs256], fetch)
}

async fn good(keys: &Keys, token: &str) -> bool {
    keys.verify(&Jws::split(token).unwrap()).await.is_ok()
}

/// Lets the tasks in the background run to their end.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_token_waits_for_the_set_and_the_others_do_not_fetch_it_again() {
    let place = Arc::new(Place::default());
    place.put(&[("1", "first")]);
    let keys = keys(&place);
    let many = (0..10).map(|_| {
        let keys = keys.clone();
        tokio::spawn(async move { good(&keys, &token("1", "first")).await })
    });
    for task in many.collect::<Vec<_>>() {
        assert!(task.await.unwrap());
    }
    assert!(!good(&keys, &token("1", "other")).await);
    assert_eq!(place.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_ageing_set_is_renewed_in_the_background() {
    let place = Arc::new(Place { max_age: Some(100), ..Place::default() });
    place.put(&[("1", "first")]);
    let keys = keys(&place);
    keys.load().await.unwrap();
    place.put(&[("2", "second")]);
    advance(Duration::from_secs(99)).await;
    assert!(good(&keys, &token("1", "first")).await);
    settle().await;
    assert_eq!(place.asked(), 1, "still fresh");
    advance(Duration::from_secs(2)).await;
    assert!(good(&keys, &token("1", "first")).await, "nobody waits");
    settle().await;
    assert_eq!(place.asked(), 2);
    assert!(good(&keys, &token("2", "second")).await);
    assert!(!good(&keys, &token("1", "first")).await, "withdrawn");
    // After a long silence a withdrawn key must not be taken once more.
    place.put(&[("3", "third")]);
    advance(Duration::from_secs(1_000)).await;
    assert!(!good(&keys, &token("2", "second")).await);
    assert!(good(&keys, &token("3", "third")).await);
}

#[tokio::test(start_paused = true)]
async fn the_last_good_set_outlives_its_origin() {
    let place = Arc::new(Place { max_age: Some(60), ..Place::default() });
    place.put(&[("1", "first")]);
    let keys = keys(&place);
    keys.load().await.unwrap();
    place.lose();
    for _ in 0..5 {
        advance(Duration::from_secs(3_600)).await;
        assert!(good(&keys, &token("1", "first")).await);
    }
    assert!(keys.load().await.is_err());
    *place.body.lock().unwrap() = Some("{\"keys\":[]}".into());
    advance(Duration::from_secs(3_600)).await;
    assert!(good(&keys, &token("1", "first")).await, "an empty set is no good set");
    let before = place.asked();
    for _ in 0..5 {
        good(&keys, &token("1", "first")).await;
        settle().await;
    }
    assert_eq!(place.asked(), before, "what just failed is not tried for each token");
    place.put(&[("1", "first"), ("2", "second")]);
    advance(Duration::from_secs(11)).await;
    assert!(good(&keys, &token("2", "second")).await);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_name_makes_the_hub_look_again_but_not_all_the_time() {
    let place = Arc::new(Place::default());
    place.put(&[("1", "first")]);
    let keys = keys(&place);
    keys.load().await.unwrap();
    place.put(&[("1", "first"), ("2", "second")]);
    for _ in 0..5 {
        assert!(!good(&keys, &token("2", "second")).await);
    }
    assert_eq!(place.asked(), 1, "it was just fetched");
    advance(Duration::from_secs(31)).await;
    assert!(good(&keys, &token("2", "second")).await);
    for invented in 0..5 {
        assert!(!good(&keys, &token(&invented.to_string(), "invented")).await);
    }
    assert_eq!(place.asked(), 2);
    // A bad signature with a known name is just that.
    advance(Duration::from_secs(60)).await;
    assert!(!good(&keys, &token("1", "invented")).await);
    settle().await;
    assert_eq!(place.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_never_answers_is_given_up() {
    struct Silence;
    impl FetchKeys for Silence {
        fn fetch<'a>(&'a self, _: &'a str, _: usize) -> BoxFuture<'a, Result<FetchedKeys, FetchError>> {
            Box::pin(std::future::pending())
        }
    }
    let keys = Keys::fetched("https://issuer.test/keys", &[], Arc::new(Silence));
    assert_eq!(keys.load().await, Err(FetchError("timeout".into())));
    assert!(!good(&keys, &token("1", "first")).await);
}

#[tokio::test]
async fn a_file_is_read() {
    let path = std::env::temp_dir().join(format!("mercure-hub-keys-{}.json", std::process::id()));
    std::fs::write(&path, set(&[("1", "first")])).unwrap();
    let url = Url::from_file_path(&path).unwrap();
    let keys = Keys::from_url(url.as_str(), &[Algorithm::Hs256]).unwrap();
    assert!(good(&keys, &token("1", "first")).await);
    assert_eq!(
        Keys::from_url(url.as_str(), &[]).unwrap().load().await.err().map(|_| ()),
        Some(()),
        "no secrets unasked"
    );
    std::fs::write(&path, " ".repeat(MAX_BYTES + 1)).unwrap();
    assert_eq!(keys.load().await, Err(FetchError("too large".into())));
    std::fs::remove_file(&path).unwrap();
    assert!(keys.load().await.is_err());
    assert!(good(&keys, &token("1", "first")).await);
}

#[test]
fn addresses_of_other_kinds_are_refused_at_once() {
    for url in ["ftp://issuer.test/keys", "keys.json", "", "data:,{}"] {
        assert_eq!(Keys::from_url(url, &[]).err(), Some(InvalidKey::Address), "{url}");
    }
    assert_eq!(Keys::from_url("https://issuer.test/keys", &[]).is_ok(), cfg!(feature = "jwks-url"));
    assert_eq!(shown("https://user:secret@issuer.test/keys?token=secret"), "https://issuer.test/keys");
}

#[test]
fn a_set_may_hold_what_the_hub_does_not_know() {
    let mixed = json!({"keys": [
        {"kty": "future"},
        "nonsense",
        {"kty": "EC", "crv": "P-256", "x": "short", "y": "short"},
        {"kty": "OKP", "crv": "Ed25519", "use": "enc", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    ]});
    assert_eq!(jwk::read_set(mixed.to_string().as_bytes(), &Algorithm::ASYMMETRIC).unwrap().len(), 1);
    for bad in ["", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[{\"kty\":\"future\"}]}"] {
        assert_eq!(jwk::read_set(bad.as_bytes(), &Algorithm::ASYMMETRIC).err(), Some(InvalidKey::JwkSet), "{bad}");
    }
}
