//! A goal that shows newcomers only what is said after they arrive: nothing older reaches them, by any way.

use crate::ear;
use crate::harness::{Browser, Goal, Town};
use reqwest::StatusCode;

pub async fn founds(alice: &Browser, history: &str) -> Goal {
    let answer = alice.post("/goal/new", &[("title", "Marathon"), ("history", history)]).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let goal = &answer.json()["goal"];
    Goal { id: goal["id"].as_i64().unwrap(), room: goal["chatroom_id"].as_i64().unwrap() }
}

#[tokio::test]
async fn the_past_is_closed_to_a_newcomer() {
    let town = Town::start().await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let goal = founds(&alice, "none").await;
    let secret = alice.says(&goal, "avant Bob").await;
    let id = secret["message"]["id"].as_i64().unwrap();
    goal.lets_in(&alice, &bob).await;
    let cursor = bob.fetch(&goal, "").await;
    assert_eq!(
        (&cursor["count"], &cursor["messages"][0]["system"]),
        (&1.into(), &"joined".into()),
        "his arrival alone"
    );
    assert_eq!(cursor["has_earlier"], false);
    let start = cursor["revision"].to_string();

    // Edited, answered, deleted: each is a revision, and none shows what it was about.
    alice.post(&format!("/message/{id}/edit"), &[("content", "avant Bob, mieux")]).await;
    let reply = [("content", "réponse"), ("reply_to", &id.to_string()), ("client_nonce", "n")];
    assert_eq!(alice.post(&goal.path(), &reply).await.status, StatusCode::CREATED);
    for query in ["".to_owned(), "since=0".to_owned(), format!("since={start}"), "before=1000".to_owned()] {
        let page = bob.fetch(&goal, &query).await;
        assert!(!page.to_string().contains("avant Bob"), "{query}: {page}");
        let said = page["messages"].as_array().unwrap().iter().filter(|message| message["kind"] != "system").count();
        assert_eq!(said, 1, "{query}: the answer alone");
    }
    assert!(!bob.page(&goal.path()).await.text.contains("avant Bob"));

    // Nor can it be named.
    for verb in ["edit", "delete", "mark-read"] {
        let answer = bob.post(&format!("/message/{id}/{verb}"), &[("content", "x")]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{verb}");
    }
    let reply = [("content", "et toi ?"), ("reply_to", &id.to_string()), ("client_nonce", "m")];
    assert_eq!(bob.post(&goal.path(), &reply).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn who_moderates_learns_no_more_of_the_past_than_a_reader() {
    let town = Town::start().await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let goal = founds(&alice, "none").await;
    let before = alice.says(&goal, "avant Bob").await;
    goal.lets_in(&alice, &bob).await;
    alice.post(&goal.participation(&bob, "role"), &[("role", "admin")]).await;
    let source = before["message"]["id"].to_string();
    let reply = [("content", "réponse"), ("reply_to", source.as_str()), ("client_nonce", "n")];
    let reply = alice.post(&goal.path(), &reply).await.json();
    assert_eq!(reply["quoted"]["excerpt"], "avant Bob", "who answers sees what");
    let deleted = bob.post(&format!("/message/{}/delete", reply["message"]["id"]), &[]).await;
    assert_eq!(deleted.status, StatusCode::OK);
    assert!(!deleted.text.contains("avant Bob"), "{}", deleted.text);
}

/// CVE-2022-31017 and its like: the change of an old message tells a newcomer nothing of it.
#[tokio::test]
async fn the_live_link_carries_no_content_of_the_past() {
    let town = Town::start().await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let goal = founds(&alice, "none").await;
    let before = alice.says(&goal, "avant Bob").await;
    let id = before["message"]["id"].as_i64().unwrap().to_string();
    goal.lets_in(&alice, &bob).await;
    let mut ears = ear::both(&bob, &ear::query_for(&bob, &goal).await).await;
    let edited = alice.post(&format!("/message/{id}/edit"), &[("content", "avant Bob, mieux")]).await.json();
    assert_eq!(edited["message"]["content"], "avant Bob, mieux", "who edits sees it whole");
    let after = alice.says(&goal, "bienvenue").await;
    for ear in &mut ears {
        let thin = ear.next_change().await.unwrap();
        assert_eq!(thin.json()["revision"], edited["revision"]);
        assert!(!thin.data.contains("avant Bob") && thin.json().get("message").is_none(), "{}", thin.data);
        assert_eq!(ear.next_change().await.unwrap().json(), after, "what is said now arrives whole");
    }
}

#[tokio::test]
async fn a_goal_shows_its_whole_history_unless_told_otherwise() {
    let town = Town::start().await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let goal = alice.founds("Marathon").await;
    alice.says(&goal, "avant Bob").await;
    goal.lets_in(&alice, &bob).await;
    assert_eq!(bob.fetch(&goal, "").await["messages"][0]["content"], "avant Bob");
    let rooms = bob.get("/user/fetch").await.json();
    assert_eq!(rooms["rooms"][0]["unread"], 0, "what was said before counts as read");
    assert_eq!(alice.post("/goal/new", &[("title", "Autre"), ("history", "some")]).await.status, 422);
}
