//! Another way of hearing of news reaches everybody within seconds: with the next answer, or at once who waits for one.

use crate::ear::{Ear, Sse, ticket, topics};
use crate::harness::within;
use crate::realtime::{SECRET, settled, town_with_hub};
use mercure_hub::{Hub, HubConfig, Key};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[tokio::test]
async fn s7_the_next_poll_tells_the_mode_and_an_empty_one_still_runs_no_statement() {
    let town = crate::harness::Town::start_with(&["--realtime", "polling"]).await;
    let (alice, bob, goal) = settled(&town).await;
    let revision = bob.fetch(&goal, "").await["revision"].clone();
    let path = format!("{}/fetch?since={revision}", goal.path());
    let poll = async |tag: &str| bob.get_with(&path, &[("if-none-match", tag)]).await;
    let mut tag = poll("").await.header("etag").to_owned();
    for mode in ["hybrid", "mercure", "polling"] {
        assert_eq!(poll(&tag).await.status, StatusCode::NOT_MODIFIED);
        assert_eq!(alice.post("/realtime/mode", &[("mode", mode)]).await.status, StatusCode::OK);
        let before = town.app.db.statements();
        let told = poll(&tag).await;
        assert_eq!(town.app.db.statements(), before, "an empty poll executes no statement");
        assert_eq!((told.status, &told.json()["mode"]), (StatusCode::OK, &json!(mode)));
        assert_eq!(bob.get("/user/fetch").await.json()["mode"], mode, "pages without a room ask here");
        tag = told.header("etag").to_owned();
    }
}

#[tokio::test]
async fn s7_who_waits_for_an_answer_is_answered_when_the_mode_changes() {
    let town = crate::harness::Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let revision = bob.fetch(&goal, "").await["revision"].clone();
    let path = format!("{}/fetch?since={revision}&wait=30", goal.path());
    let plain = bob.get(&format!("{}/fetch?since={revision}", goal.path())).await;
    let tag = plain.header("etag").to_owned();
    // Whichever comes first: who asks after the change names a tag of before it, and must not wait either.
    let begun = std::time::Instant::now();
    let waiting = async { bob.get_with(&path, &[("if-none-match", &tag)]).await };
    let change = async { alice.post("/realtime/mode", &[("mode", "polling")]).await };
    let (told, changed) = within("the poll is answered", async { tokio::join!(waiting, change) }).await;
    assert_eq!((changed.status, told.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!((&told.json()["mode"], &told.json()["count"]), (&json!("polling"), &json!(0)));
    assert!(begun.elapsed().as_secs() < 25, "not at the end of the wait");
    let late = within("a late one too", bob.get_with(&path, &[("if-none-match", &tag)])).await;
    assert_eq!(late.json()["mode"], "polling");
    assert!(begun.elapsed().as_secs() < 25, "not at the end of the wait");
}

#[tokio::test]
async fn s7_another_hub_tells_its_streams() {
    let key = || Some(Key::hs256(SECRET));
    let hub = Hub::new(HubConfig { publisher_key: key(), subscriber_key: key(), ..HubConfig::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, hub.router()).into_future());
    let town = town_with_hub(there).await;
    let (alice, bob, _) = settled(&town).await;
    let answer = ticket(&bob).await;
    let asked: Vec<&str> = answer["topics"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let mut ear = Ear::Sse(Sse::at(there, &bob, &topics(&asked)).await);
    assert_eq!(alice.post("/realtime/mode", &[("mode", "polling")]).await.status, StatusCode::OK);
    let heard = within("the hub tells it", async {
        loop {
            let heard = ear.next().await.unwrap();
            if heard.kind == "mode" {
                return heard;
            }
        }
    })
    .await;
    assert_eq!(heard.json(), json!({ "mode": "polling" }));
    assert_eq!(ticket(&bob).await["mode"], "polling");
}
