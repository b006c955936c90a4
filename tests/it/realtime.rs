//! The live link's modes, a hub that stands elsewhere, and the end of the server.

use crate::ear::{Ear, Socket, Sse, both, long_poll, query_for, room_topic, ticket};
use crate::harness::{Browser, Database, Goal, Town, within};
use mercure_hub::{Hub, HubConfig, Key};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

pub const SECRET: &str = "!ChangeThisMercureHubJWTSecretKey!";

pub async fn settled(town: &Town) -> (Browser, Browser, Goal) {
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let goal = alice.founds("Marathon").await;
    goal.lets_in(&alice, &bob).await;
    (alice, bob, goal)
}

/// A town whose hub is somewhere else. Its clock shows the present: another program judges the tokens.
pub async fn town_with_hub(hub: SocketAddr) -> Town {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let url = format!("http://{hub}/.well-known/mercure");
    let flags = ["--mercure-url", &url, "--mercure-public-url", "http://hub.example/.well-known/mercure"];
    let flags = flags.into_iter().chain(["--mercure-jwt-secret", SECRET]).map(str::to_owned).collect();
    Town::open(Arc::new(Database::new()), flags, i64::try_from(now).unwrap()).await
}

/// Asks until the answer is what it must become.
async fn until_ready_says(browser: &Browser, hub: Value) {
    within("readyz tells how the hub is", async {
        loop {
            let answer = browser.get("/readyz").await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            if answer.json()["hub"] == hub {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn polling_mode_names_no_hub() {
    let town = Town::start_with(&["--realtime", "polling"]).await;
    let (alice, bob, goal) = settled(&town).await;
    let answer = ticket(&bob).await;
    assert_eq!((&answer["hub_url"], &answer["mode"]), (&Value::Null, &json!("polling")));
    assert!(!bob.cookie_header().contains("mercureAuthorization"));
    let sent = alice.says(&goal, "Salut").await;
    let page = bob.fetch(&goal, "since=0").await;
    assert_eq!((&page["mode"], &page["messages"][1]), (&json!("polling"), &sent["message"]));
}

#[tokio::test]
async fn the_site_admin_switches_while_running() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let answer = ticket(&bob).await;
    assert_eq!((&answer["hub_url"], &answer["mode"]), (&json!("/.well-known/mercure"), &json!("hybrid")));
    assert_eq!(bob.post("/realtime/mode", &[("mode", "polling")]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(alice.post("/realtime/mode", &[("mode", "pigeon")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    for mode in ["polling", "mercure", "hybrid", "polling"] {
        let ears = both(&bob, &query_for(&bob, &goal).await).await;
        assert_eq!(alice.post("/realtime/mode", &[("mode", mode)]).await.status, StatusCode::OK);
        assert_eq!(ticket(&bob).await["mode"], mode);
        assert_eq!(ticket(&bob).await["hub_url"].is_null(), mode == "polling");
        assert_eq!(bob.fetch(&goal, "since=0").await["mode"], mode, "who polls learns it too");
        for mut ear in ears {
            while ear.next().await.is_some() {} // it ends: the page asks anew on what terms
        }
    }
    let town = town.restart().await;
    let mut bob = bob;
    bob.moves_to(&town);
    assert_eq!(ticket(&bob).await["mode"], "polling", "the choice outlives the program");
}

#[tokio::test]
async fn an_external_hub_gets_private_updates_with_our_ids() {
    let key = || Some(Key::hs256(SECRET));
    let hub = Hub::new(HubConfig { publisher_key: key(), subscriber_key: key(), ..HubConfig::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, hub.router()).into_future());
    let town = town_with_hub(there).await;
    let (alice, bob, goal) = settled(&town).await;
    let answer = ticket(&bob).await;
    assert_eq!(answer["hub_url"], "http://hub.example/.well-known/mercure");
    assert_eq!(answer["topics"], json!([room_topic(&goal), format!("user/{}", bob.id), "mode"]));
    let query = query_for(&bob, &goal).await;
    let mut ear = Ear::Sse(Sse::at(there, &bob, &query).await);
    // A stranger's token grants the stranger's rooms, so the same query gives nothing of this one.
    let carol = town.person("Carol").await;
    ticket(&carol).await;
    let mut deaf = Ear::Sse(Sse::at(there, &carol, &format!("{query}&topic=user%2F{}", carol.id)).await);
    let sent = alice.post(&goal.path(), &[("content", "Salut"), ("client_nonce", "n-1")]).await;
    let heard = ear.next_change().await.unwrap();
    let change = sent.json();
    let id = format!("urn:chatroom:{}:{}:{}", goal.room, change["epoch"].as_str().unwrap(), change["revision"]);
    assert_eq!(heard.id, id);
    let thin = json!({ "epoch": change["epoch"], "chatroom": goal.room, "revision": change["revision"] });
    assert_eq!(heard.json(), thin, "such a hub may keep what it is told");
    carol.post(&format!("/goal/{}/join", goal.id), &[]).await;
    alice.post(&goal.participation(&carol, "refuse"), &[]).await;
    let own = deaf.next().await.unwrap();
    assert_eq!(
        (own.kind.as_str(), own.json()),
        ("user", json!({ "user": carol.id, "revision": 1 })),
        "and nothing before"
    );
    until_ready_says(&bob, json!({ "kind": "external", "status": "ok" })).await;
    assert_eq!(town.visitor().get("/.well-known/mercure?topic=a").await.status, StatusCode::NOT_FOUND, "no hub here");
}

#[tokio::test]
async fn a_dead_external_hub_holds_nothing_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = listener.local_addr().unwrap();
    drop(listener);
    let town = town_with_hub(there).await;
    let (alice, bob, goal) = settled(&town).await;
    until_ready_says(&bob, json!({ "kind": "external", "status": "error" })).await;
    let since = bob.fetch(&goal, "").await["revision"].as_i64().unwrap();
    let waiting = long_poll(&bob, &goal, since);
    for n in 0..20 {
        alice.says(&goal, &format!("message {n}")).await;
    }
    let (status, text) = waiting.await.unwrap();
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("message 0"), "polling carries on: {text}");
    assert_eq!(bob.fetch(&goal, &format!("since={since}")).await["count"], 20);
}

#[tokio::test]
async fn a_silent_external_hub_holds_nothing_up() {
    // Takes connections and never says anything.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let town = town_with_hub(listener.local_addr().unwrap()).await;
    let (alice, bob, goal) = settled(&town).await;
    let (_held, _) = within("the hub is called", listener.accept()).await.unwrap();
    for n in 0..20 {
        alice.says(&goal, &format!("message {n}")).await;
    }
    assert_eq!(bob.fetch(&goal, "since=0&limit=100").await["count"], 20 + 1);
}

#[tokio::test]
async fn the_server_ends_with_fifty_people_listening() {
    let mut town = Town::start().await;
    let (_, bob, goal) = settled(&town).await;
    let since = bob.fetch(&goal, "").await["revision"].as_i64().unwrap();
    let query = query_for(&bob, &goal).await;
    let (mut ears, mut polls) = (Vec::new(), Vec::new());
    for _ in 0..25 {
        ears.extend(both(&bob, &query).await);
        polls.push(long_poll(&bob, &goal, since));
    }
    // One that has asked and one that has said nothing yet.
    let idle = tokio::net::TcpStream::connect(town.address).await.unwrap();
    town.stop().await;
    drop(idle);
    for ear in &mut ears {
        assert_eq!(ear.rest().await, []);
        match ear {
            Ear::Sse(sse) => {
                assert!(sse.comments.iter().any(|comment| comment == "shutting down"), "{:?}", sse.comments)
            }
            Ear::Socket(socket) => assert_eq!(socket.closed, Some((1001, "shutting down".into()))),
        }
    }
    for poll in polls {
        // Answered at once, or never begun: nothing hangs.
        if let Ok((status, text)) = poll.await {
            assert_eq!(status, StatusCode::OK, "{text}");
        }
    }
    assert!(tokio::net::TcpStream::connect(town.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_stream_comes_back_and_a_fetch_tells_what_it_missed() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let query = query_for(&bob, &goal).await;
    let mut ear = Ear::Sse(Sse::open(&bob, &query).await);
    alice.says(&goal, "un").await;
    let last = ear.next_change().await.unwrap();
    drop(ear);
    let [two, three] = [alice.says(&goal, "deux").await, alice.says(&goal, "trois").await];
    let again = format!("{query}&last_event_id={}", last.id);
    let sse = Sse::open(&bob, &again).await;
    assert_eq!(
        sse.header("mercure-last-event-id"),
        "earliest",
        "the hub says that it has not kept what came after this id"
    );
    let mut ears = [Ear::Sse(sse), Ear::Socket(Socket::open(&bob, &again).await)];
    let page = bob.fetch(&goal, &format!("since={}", last.json()["revision"])).await;
    assert_eq!(page["messages"], json!([two["message"], three["message"]]));
    let four = alice.says(&goal, "quatre").await;
    for ear in &mut ears {
        assert_eq!(ear.next_change().await.unwrap().json(), four, "and nothing before");
    }
}
