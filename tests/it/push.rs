//! Web Push through a push service of the test's own, which opens what it is sent as a browser would.

use crate::harness::{Browser, DEADLINE, Goal, Town, within};
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use axum::body::Bytes;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::StatusCode;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Keys that a browser might give out (RFC 8291, appendix A).
pub const POINT: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
pub const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
const SECRET: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";

/// What came in: for whom, under which headers, and what the browser reads.
struct Pushed {
    path: String,
    headers: HeaderMap,
    told: Value,
}

/// A push service. Answers 201, or what stands in its list.
struct Service {
    port: u16,
    answers: Arc<Mutex<VecDeque<u16>>>,
    incoming: mpsc::UnboundedReceiver<Pushed>,
}

impl Service {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers: Arc<Mutex<VecDeque<u16>>> = Arc::default();
        let (tell, incoming) = mpsc::unbounded_channel();
        let script = answers.clone();
        let take = move |uri: axum::http::Uri, headers: HeaderMap, body: Bytes| {
            let told = serde_json::from_slice(&open(&body)).unwrap();
            tell.send(Pushed { path: uri.path().to_owned(), headers, told }).unwrap();
            let status = script.lock().unwrap().pop_front().unwrap_or(201);
            async move { (StatusCode::from_u16(status).unwrap(), [("retry-after", "0")]) }
        };
        tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(take)).await.unwrap() });
        Self { port, answers, incoming }
    }

    fn endpoint(&self, who: &str) -> String {
        format!("http://127.0.0.1:{}/{who}", self.port)
    }

    /// A browser wants to be told.
    async fn serves(&self, who: &Browser) {
        let form = [("endpoint", self.endpoint(&who.name)), ("p256dh", POINT.into()), ("auth", AUTH.into())];
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = who.post("/push/subscribe", &form).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    }

    async fn next(&mut self) -> Pushed {
        within("a push", self.incoming.recv()).await.unwrap()
    }

    /// Nothing came before what was caused last: the queue is first in, first out.
    async fn next_is(&mut self, who: &str, body: &str) {
        let pushed = self.next().await;
        assert_eq!((pushed.path.as_str(), pushed.told["body"].as_str().unwrap()), (format!("/{who}").as_str(), body));
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive(salt: &[u8], input: &[u8], info: &[&[u8]], length: usize) -> Vec<u8> {
    let mut key = vec![0; length];
    let extracted = Salt::new(HKDF_SHA256, salt).extract(input);
    extracted.expand(info, Length(length)).unwrap().fill(&mut key).unwrap();
    key
}

/// The browser's side of RFC 8291.
fn open(body: &[u8]) -> Vec<u8> {
    let decode = |text| URL_SAFE_NO_PAD.decode(text).unwrap();
    let (salt, server, sealed) = (&body[..16], &body[21..86], &body[86..]);
    assert_eq!((&body[16..20], body[20]), (4_096_u32.to_be_bytes().as_slice(), 65));
    let own = PrivateKey::from_private_key(&ECDH_P256, &decode(SECRET)).unwrap();
    let point = decode(POINT);
    let input = agree(&own, UnparsedPublicKey::new(&ECDH_P256, server), (), |secret| {
        Ok(derive(&decode(AUTH), secret, &[b"WebPush: info\0", &point, server], 32))
    });
    let input = input.unwrap();
    let key = derive(salt, &input, &[b"Content-Encoding: aes128gcm\0"], 16);
    let nonce: [u8; 12] = derive(salt, &input, &[b"Content-Encoding: nonce\0"], 12).try_into().unwrap();
    let mut sealed = sealed.to_vec();
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap());
    let opened = key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed).unwrap();
    let end = opened.iter().rposition(|byte| *byte != 0).unwrap();
    assert_eq!(opened[end], 2, "the last record");
    opened[..end].to_vec()
}

/// Alice's goal with Bob in it, who wants to be told on his telephone.
async fn scene() -> (Service, Town, Browser, Browser, Goal) {
    let service = Service::start().await;
    let town = Town::start_beside(&[service.port], &[]).await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let goal = alice.founds("Marathon").await;
    goal.lets_in(&alice, &bob).await;
    bob.post("/preferences", &[("locale", "en")]).await;
    service.serves(&bob).await;
    (service, town, alice, bob, goal)
}

#[tokio::test]
async fn a_browser_is_told_what_concerns_its_person() {
    let (mut service, town, alice, bob, goal) = scene().await;
    let message = alice.says(&goal, "Salut @Bob, le code est 1234").await["message"]["id"].as_i64().unwrap();
    let pushed = service.next().await;
    assert_eq!(pushed.path, "/Bob");
    assert_eq!(pushed.told["title"], "Marathon");
    assert_eq!(pushed.told["body"], "Alice Martin mentioned you");
    assert_eq!(pushed.told["url"], format!("{}#message-{message}", goal.path()));
    assert_eq!(pushed.told["tag"], format!("room-{}", goal.room));
    let header = |name: &str| pushed.headers.get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(
        (header("urgency"), header("ttl"), header("content-encoding")),
        ("high".into(), "86400".into(), "aes128gcm".into())
    );
    assert_eq!(header("topic").len(), 32);
    assert!(header("authorization").contains(&format!("k={}", town.app.live.courier.public_key())));
    // Alice's own browser is not told of her own words; a message like any other has less urgency.
    service.serves(&alice).await;
    alice.says(&goal, "Rien de spécial").await;
    let pushed = service.next().await;
    assert_eq!((pushed.path.as_str(), pushed.headers["urgency"].to_str().unwrap()), ("/Bob", "normal"));
    assert_eq!(pushed.told["body"], "Alice Martin wrote something");
    // The text stands on the screen only for who wants that.
    bob.post("/settings", &[("push_text", "on")]).await;
    alice.says(&goal, "Le *nouveau* code").await;
    service.next_is("Bob", "Alice Martin: Le nouveau code").await;
    assert_eq!(bob.post("/push/test", &[("endpoint", &service.endpoint("Bob"))]).await.status, StatusCode::OK);
    service.next_is("Bob", "It works: this is how you will be told.").await;
    // Another's browser cannot be tried out, nor unsubscribed.
    assert_eq!(alice.post("/push/test", &[("endpoint", &service.endpoint("Bob"))]).await.status, 422);
    alice.post("/push/unsubscribe", &[("endpoint", &service.endpoint("Bob"))]).await;
    alice.says(&goal, "Encore").await;
    service.next_is("Bob", "Alice Martin: Encore").await;
    bob.post("/push/unsubscribe", &[("endpoint", &service.endpoint("Bob"))]).await;
    alice.says(&goal, "Plus rien").await;
    bob.says(&goal, "Dernier").await;
    service.next_is("Alice", "Bob Martin a écrit quelque chose").await;
}

/// Private means private, by push too: who left, was removed, signed out, muted the room, read it, or cannot see it is not told.
#[tokio::test]
async fn nobody_is_told_who_should_not_hear() {
    let (mut service, town, alice, bob, goal) = scene().await;
    let (carol, dan) = (town.person("Carol").await, town.person("Dan").await);
    for other in [&carol, &dan] {
        goal.lets_in(&alice, other).await;
        service.serves(other).await;
    }
    let told_last = async |service: &mut Service, content: &str| {
        alice.says(&goal, content).await;
        // Dan is always told, and after the others: his browser subscribed last.
        let mut paths = Vec::new();
        while paths.last().is_none_or(|path| path != "/Dan") {
            paths.push(service.next().await.path);
        }
        paths.sort();
        paths
    };
    assert_eq!(told_last(&mut service, "Tous").await, ["/Bob", "/Carol", "/Dan"]);
    let level = format!("/chatroom/{}/notifications", goal.room);
    bob.post(&level, &[("level", "none")]).await;
    carol.post(&level, &[("level", "mentions")]).await;
    assert_eq!(told_last(&mut service, "@Bob, sans bruit").await, ["/Dan"]);
    assert_eq!(told_last(&mut service, "@Carol et @Bob").await, ["/Carol", "/Dan"]);
    bob.post(&level, &[("level", "all")]).await;
    carol.post(&level, &[("level", "all")]).await;
    bob.post("/logout", &[]).await;
    assert_eq!(told_last(&mut service, "@Bob est parti").await, ["/Carol", "/Dan"]);
    alice.post(&goal.participation(&carol, "remove"), &[]).await;
    assert_eq!(told_last(&mut service, "@Carol aussi").await, ["/Dan"]);
    town.pass(31 * 24 * 3_600);
    let mut back = town.visitor();
    back.post("/login", &[("email", "dan@example.org"), ("password", crate::harness::PASSWORD)]).await;
    let again = town.visitor();
    again.post("/login", &[("email", "alice@example.org"), ("password", crate::harness::PASSWORD)]).await;
    // The session that had subscribed has ended by itself; only a new subscription is told.
    back.name = "Daniel".into();
    service.serves(&back).await;
    again.says(&goal, "Un mois plus tard").await;
    assert_eq!(service.next().await.path, "/Daniel");
}

/// CVE-2023-48732: what is said to a room does not say who was notified; each person hears only of themselves.
#[tokio::test]
async fn a_change_does_not_say_who_was_notified() {
    let (mut service, town, alice, bob, goal) = scene().await;
    let carol = town.person("Carol").await;
    goal.lets_in(&alice, &carol).await;
    let source = carol.says(&goal, "Question").await["message"]["id"].to_string();
    service.next().await;
    let answer = alice.post(&goal.path(), &[("content", "@Bob voit"), ("reply_to", &source)]).await;
    service.next_is("Bob", "Alice Martin mentioned you").await;
    let allowed = [
        "attachments",
        "author",
        "client_nonce",
        "content",
        "created_at",
        "deleted",
        "edited_at",
        "excerpt",
        "html",
        "id",
        "kind",
        "links",
        "position",
        "reactions",
        "reply_to",
        "revision",
    ];
    let names: Vec<String> = answer.json()["message"].as_object().unwrap().keys().cloned().collect();
    assert!(names.iter().all(|name| allowed.contains(&name.as_str())), "{names:?}");
    for who in [&alice, &carol] {
        let events = who.get("/user/fetch?since=0").await.json()["events"].to_string();
        assert!(!events.contains("mention"), "{events}");
    }
    let events = bob.get("/user/fetch?since=0").await.json()["events"].to_string();
    assert!(events.contains("mention") && !events.contains("reply"));
}

#[tokio::test]
async fn who_has_read_it_is_not_disturbed() {
    let (mut service, _town, alice, bob, goal) = scene().await;
    let first = alice.says(&goal, "Un").await;
    service.next_is("Bob", "Alice Martin wrote something").await;
    let id = first["message"]["id"].as_i64().unwrap();
    bob.post(&format!("/message/{id}/mark-read"), &[]).await;
    // An edit of what was read disturbs nobody; of what was not read it tells.
    alice.post(&format!("/message/{id}/edit"), &[("content", "Un, @Bob")]).await;
    alice.says(&goal, "Deux").await;
    service.next_is("Bob", "Alice Martin wrote something").await;
}

#[tokio::test]
async fn a_push_service_may_fail_and_a_browser_may_be_gone() {
    let (mut service, _town, alice, bob, goal) = scene().await;
    service.answers.lock().unwrap().extend([500, 429, 201]);
    alice.says(&goal, "Trois essais").await;
    for _ in 0..3 {
        service.next_is("Bob", "Alice Martin wrote something").await;
    }
    service.answers.lock().unwrap().extend([503, 503, 503]);
    alice.says(&goal, "@Bob, trois échecs").await;
    for _ in 0..3 {
        service.next_is("Bob", "Alice Martin mentioned you").await;
    }
    service.answers.lock().unwrap().extend([410]);
    alice.says(&goal, "Parti").await;
    service.next_is("Bob", "Alice Martin wrote something").await;
    let gone = async {
        while bob.get("/settings").await.json()["browsers"] != 0 {
            tokio::task::yield_now().await;
        }
    };
    within("the browser is forgotten", gone).await;
    assert!(DEADLINE.as_secs() > 0);
}

#[tokio::test]
async fn only_public_services_by_https_and_real_keys() {
    let (service, _town, _alice, bob, _goal) = scene().await;
    for endpoint in [
        "http://push.example/a",
        "https://127.0.0.1/a",
        "https://10.0.0.1/a",
        "https://[::1]/a",
        "ftp://push.example/",
        "",
        "https://push.example:8443/a",
        "https://user@push.example/a",
        "http://127.0.0.1:1/a",
    ] {
        let form = [("endpoint", endpoint), ("p256dh", POINT), ("auth", AUTH)];
        assert_eq!(bob.post("/push/subscribe", &form).await.status, 422, "{endpoint}");
    }
    let endpoint = service.endpoint("x");
    for (p256dh, auth) in [("", AUTH), (POINT, ""), (AUTH, AUTH)] {
        let form = [("endpoint", endpoint.as_str()), ("p256dh", p256dh), ("auth", auth)];
        assert_eq!(bob.post("/push/subscribe", &form).await.status, 422);
    }
    for n in 0..15 {
        let endpoint = format!("https://push.example/{n}");
        let form = [("endpoint", endpoint.as_str()), ("p256dh", POINT), ("auth", AUTH)];
        assert_eq!(bob.post("/push/subscribe", &form).await.status, StatusCode::CREATED);
    }
    assert_eq!(bob.get("/settings").await.json()["browsers"], 10, "so many and no more");
}

#[tokio::test]
async fn the_key_outlives_a_restart_and_the_worker_stands_at_the_root() {
    let town = Town::start().await;
    let key = town.app.live.courier.public_key().to_owned();
    let worker = town.visitor().get("/sw.js").await;
    assert_eq!(worker.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!((worker.header("service-worker-allowed"), worker.header("cache-control")), ("/", "no-cache"));
    assert!(worker.text.contains("showNotification"));
    let town = town.restart().await;
    assert_eq!(town.app.live.courier.public_key(), key);
}
