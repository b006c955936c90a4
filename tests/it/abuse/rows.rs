//! Rows that one account could make without end: goals, notices, hidden messages, versions.

use super::{refused, strict};
use crate::harness::{Browser, Town};
use crate::message::{id, two};
use reqwest::StatusCode;
use serde_json::Value;

/// S9: 500 goals in two seconds hid everybody else's.
#[tokio::test]
async fn s9_goals_are_founded_at_a_rate() {
    let town = strict("goals-owned=12").await;
    let alice = town.person("Alice").await;
    for n in 0..10 {
        alice.founds(&format!("Objectif {n}")).await;
    }
    let found = async || alice.post("/goal/new", &[("title", "Un de plus")]).await;
    let seconds = refused(&found().await, "founding");
    assert_eq!(seconds, 720, "five an hour");
    for _ in 0..2 {
        town.pass(seconds);
        assert_eq!(found().await.status, StatusCode::CREATED);
    }
    town.pass(seconds);
    let answer = found().await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    assert!(answer.text.contains("12 objectifs"), "{}", answer.text);
}

async fn notices(who: &Browser) -> Vec<Value> {
    who.get("/notifications").await.json()["notices"].as_array().unwrap().clone()
}

/// S9: join, take back, join again told each decider 200 times.
#[tokio::test]
async fn s9_who_asks_again_is_told_once() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let promoted = alice.post(&goal.participation(&bob, "role"), &[("role", "admin")]).await;
    assert_eq!(promoted.status, StatusCode::OK, "{}", promoted.text);
    let (carol, dan) = (town.person("Carol").await, town.person("Dan").await);
    let before = [notices(&alice).await.len(), notices(&bob).await.len()];
    for _ in 0..20 {
        for who in [&carol, &dan] {
            assert_eq!(who.post(&format!("/goal/{}/join", goal.id), &[]).await.status, StatusCode::OK);
            assert_eq!(who.post(&format!("/goal/{}/leave", goal.id), &[]).await.status, StatusCode::OK);
        }
    }
    assert_eq!(notices(&alice).await.len(), before[0] + 2, "one of each");
    assert_eq!(notices(&bob).await.len(), before[1] + 2);
    // A page that was away hears of the latest request of each, with its new number.
    let events = alice.get("/user/fetch?since=0").await.json();
    let asked: Vec<&Value> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["event"]["kind"] == "participation_asked" && event["event"]["actor"]["id"] != bob.id)
        .collect();
    assert_eq!(asked.len(), 2, "{events}");
    assert_eq!(asked[1]["revision"], events["revision"], "renewed: it is the newest");
}

/// The same kind: whatever is done to and fro leaves one row, not a row each time.
#[tokio::test]
async fn s9_to_and_fro_leaves_one_row() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let message = id(&alice.says(&goal, "bonjour").await);
    let other = id(&alice.says(&goal, "encore").await);
    let carol = town.person("Carol").await;
    for n in 0..12 {
        for message in [message, other] {
            let on = if n % 2 == 0 { "true" } else { "false" };
            assert_eq!(bob.post(&format!("/message/{message}/hide"), &[("on", on)]).await.status, StatusCode::OK);
        }
        let role = if n % 2 == 0 { "admin" } else { "member" };
        assert_eq!(alice.post(&goal.participation(&bob, "role"), &[("role", role)]).await.status, StatusCode::OK);
        assert_eq!(carol.post(&format!("/goal/{}/join", goal.id), &[]).await.status, StatusCode::OK);
        assert_eq!(alice.post(&goal.participation(&carol, "refuse"), &[]).await.status, StatusCode::OK);
    }
    let events = bob.get("/user/fetch?since=0").await.json();
    let kinds: Vec<&str> =
        events["events"].as_array().unwrap().iter().map(|event| event["event"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["participation_approved", "participation_asked", "shown", "shown", "role_changed"], "{events}");
    assert_eq!(notices(&carol).await.len(), 1, "refused twelve times by the same person for the same goal");
}

/// S9: 300 edits were 300 rows in one answer of 2.9 MB.
#[tokio::test]
async fn s9_versions_are_capped_and_come_in_pages() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let message = id(&alice.says(&goal, "texte 0").await);
    for n in 1..=70 {
        let edited = alice.post(&format!("/message/{message}/edit"), &[("content", &format!("texte {n}"))]).await;
        assert_eq!(edited.status, StatusCode::OK);
    }
    let (mut after, mut pages, mut all) = (0, 0, Vec::new());
    loop {
        let page = alice.get(&format!("/message/{message}/versions?after={after}")).await.json();
        let versions = page["versions"].as_array().unwrap();
        assert!(versions.len() <= 10, "a page");
        all.extend(versions.iter().map(|version| version["content"].as_str().unwrap().to_owned()));
        pages += 1;
        match page["next"].as_i64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!((all.len(), all[0].as_str()), (50, "texte 0"), "the first is kept");
    let newest: Vec<String> = (21..=69).map(|n| format!("texte {n}")).collect();
    assert_eq!(all[1..], newest, "and the newest");
    assert_eq!(pages, 6);
    assert_eq!(bob.get(&format!("/message/{message}/versions")).await.status, StatusCode::FORBIDDEN);
}

/// What others do to somebody is rows of theirs: they have an end too.
#[tokio::test]
async fn s9_a_persons_events_have_an_end() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    for _ in 0..1_010 {
        alice.says(&goal, "@Bob Martin").await;
    }
    let kept = town.app.db.read(move |db| palabre::user::notification::since(db, palabre::id::UserId(bob.id), 0)).await;
    let kept = kept.unwrap();
    let top = kept.first().unwrap().revision + 999;
    assert_eq!(top, 1_011, "the approval, and a mention each: the newest 1,000 are kept");
}
