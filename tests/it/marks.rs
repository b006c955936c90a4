//! What people do to a message besides writing: reactions, pins, hiding, earlier versions.

use crate::harness::Town;
use crate::message::{id, two};
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test]
async fn a_reaction_is_a_change_that_everybody_gets() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let sent = alice.says(&goal, "On court demain ?").await;
    let react = format!("/message/{}/react/%F0%9F%91%8D", id(&sent));
    let answer = bob.post(&react, &[("on", "true")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    let change = answer.json();
    assert_eq!(change["revision"], json!(sent["revision"].as_i64().unwrap() + 1));
    assert_eq!(change["message"]["reactions"], json!([{ "emoji": "👍", "users": [bob.id] }]));
    assert_eq!(change["message"]["position"], sent["message"]["position"]);
    let fetched = alice.fetch(&goal, &format!("since={}", sent["revision"])).await;
    assert_eq!(fetched["messages"], json!([change["message"]]), "the poll carries the same object");
    // The same wish again changes nothing, by whatever name the emoji is called.
    let again = bob.post(&format!("/message/{}/react/like", id(&sent)), &[("on", "true")]).await.json();
    assert_eq!(again["revision"], change["revision"]);
    town.pass(1);
    let both = alice.post(&react, &[]).await.json();
    assert_eq!(both["message"]["reactions"][0]["users"], json!([bob.id, alice.id]));
    let gone = bob.post(&react, &[("on", "false")]).await.json();
    assert_eq!(gone["message"]["reactions"], json!([{ "emoji": "👍", "users": [alice.id] }]));
    assert_eq!(gone["revision"], json!(sent["revision"].as_i64().unwrap() + 3));
}

/// Known ways of getting this wrong, 18: "false" read as true.
#[tokio::test]
async fn yes_and_no_are_words_and_nothing_else_is() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let react = format!("/message/{}/react/fire", id(&alice.says(&goal, "Salut").await));
    for (word, users) in [("on", 1), ("0", 0), ("1", 1), ("false", 0), ("true", 1), ("off", 0)] {
        let change = bob.post(&react, &[("on", word)]).await.json();
        let count = change["message"]["reactions"][0]["users"].as_array().map_or(0, Vec::len);
        assert_eq!(count, users, "{word}");
    }
    let refused = bob.post(&react, &[("on", "maybe")]).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]["fields"]["on"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("On attend oui ou non (true ou false)."))
    );
    let refused = bob.post(&react.replace("fire", "%3Cscript%3E"), &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_message_carries_twenty_different_emoji_at_most() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let message = id(&alice.says(&goal, "Salut").await);
    let many = [
        "😀", "😁", "😂", "😃", "😄", "😅", "😆", "😇", "😈", "😉", "😊", "😋", "😌", "😍", "😎", "😏", "😐", "😑",
        "😒", "😓",
    ];
    for emoji in many {
        assert_eq!(bob.post(&format!("/message/{message}/react/{emoji}"), &[]).await.status, StatusCode::OK);
    }
    assert_eq!(alice.post(&format!("/message/{message}/react/🎉"), &[]).await.status, StatusCode::CONFLICT);
    let joined = alice.post(&format!("/message/{message}/react/😀"), &[]).await;
    assert_eq!(joined.status, StatusCode::OK, "one that is there already");
}

#[tokio::test]
async fn a_tombstone_carries_nothing() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let message = id(&bob.says(&goal, "Un secret").await);
    bob.post(&format!("/message/{message}/react/heart"), &[]).await;
    bob.post(&format!("/message/{message}/edit"), &[("content", "Plus un secret")]).await;
    alice.post(&format!("/message/{message}/pin"), &[]).await;
    let gone = bob.post(&format!("/message/{message}/delete"), &[]).await.json();
    assert_eq!(gone["message"]["reactions"], json!([]));
    let versions = alice.get(&format!("/message/{message}/versions")).await;
    assert!(!versions.text.contains("secret"), "{}", versions.text);
    assert_eq!(alice.get(&format!("{}/pins", goal.path())).await.json()["pins"], json!([]));
    for act in ["react/heart", "pin", "edit"] {
        let answer = alice.post(&format!("/message/{message}/{act}"), &[("content", "x")]).await;
        assert!(matches!(answer.status, StatusCode::CONFLICT | StatusCode::FORBIDDEN), "{act}: {}", answer.status);
    }
}

#[tokio::test]
async fn a_pin_is_a_change_of_the_room() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let first = bob.says(&goal, "Départ à 9 h").await;
    let second = bob.says(&goal, "Place de la République").await;
    let change = alice.post(&format!("/message/{}/pin", id(&first)), &[]).await.json();
    let top = second["revision"].as_i64().unwrap();
    assert_eq!((&change["revision"], &change["room"]["revision"]), (&json!(top + 1), &json!(top + 1)));
    assert_eq!(change["room"]["pins"][0]["excerpt"], "Départ à 9 h");
    alice.post(&format!("/message/{}/pin", id(&second)), &[]).await;
    let fetched = bob.fetch(&goal, &format!("since={top}")).await;
    let pinned = |page: &serde_json::Value| -> Vec<i64> {
        page["room"]["pins"].as_array().unwrap().iter().map(|pin| pin["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(pinned(&fetched), [id(&second), id(&first)], "the latest first");
    assert_eq!(fetched["revision"], json!(top + 2));
    assert_eq!(alice.post(&format!("/message/{}/pin", id(&first)), &[]).await.json(), json!({}), "as it was");
    let change = alice.post(&format!("/message/{}/unpin", id(&second)), &[]).await.json();
    assert_eq!(pinned(&change), [id(&first)]);
}

#[tokio::test]
async fn what_one_hides_is_hidden_on_all_devices_and_from_nobody_else() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let sent = alice.says(&goal, "Quelle météo !").await;
    let hide = format!("/message/{}/hide", id(&sent));
    let since = bob.get("/user/fetch").await.json()["revision"].as_i64().unwrap();
    assert_eq!(bob.post(&hide, &[]).await.json(), json!({ "message": id(&sent), "hidden": true }));
    bob.post(&hide, &[]).await;
    let page = bob.fetch(&goal, "").await;
    assert_eq!(page["hidden"], json!([id(&sent)]));
    assert_eq!(page["revision"], sent["revision"], "the room did not change");
    assert_eq!(alice.fetch(&goal, "").await["hidden"], json!([]));
    let news = bob.get(&format!("/user/fetch?since={since}")).await.json();
    assert_eq!(news["events"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&news["events"][0]["event"]["kind"], &news["events"][0]["event"]["message"]),
        (&json!("hidden"), &json!(id(&sent)))
    );
    bob.post(&hide, &[("on", "false")]).await;
    assert_eq!(bob.fetch(&goal, "").await["hidden"], json!([]));
}

#[tokio::test]
async fn earlier_versions_are_for_the_author_and_who_moderates() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let carol = town.person("Carol").await;
    goal.lets_in(&alice, &carol).await;
    let message = id(&bob.says(&goal, "Un").await);
    for content in ["Deux", "Trois"] {
        town.pass(60);
        bob.post(&format!("/message/{message}/edit"), &[("content", content)]).await;
    }
    let versions = format!("/message/{message}/versions");
    for who in [&alice, &bob] {
        let told = who.get(&versions).await.json();
        let contents: Vec<_> =
            told["versions"].as_array().unwrap().iter().map(|version| version["content"].clone()).collect();
        assert_eq!(contents, [json!("Un"), json!("Deux")]);
    }
    assert_eq!(carol.get(&versions).await.status, StatusCode::FORBIDDEN);
}
