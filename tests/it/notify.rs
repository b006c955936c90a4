//! The bell: what stands in the list, what is new in it, and how much of a room one wants to hear.

use crate::harness::{Browser, Goal, Town};
use reqwest::StatusCode;
use serde_json::Value;

async fn scene() -> (Town, Browser, Browser, Goal) {
    let town = Town::start().await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let goal = alice.founds("Marathon").await;
    goal.lets_in(&alice, &bob).await;
    bob.post("/notifications/seen", &[]).await;
    (town, alice, bob, goal)
}

async fn list(who: &Browser) -> (i64, Vec<Value>) {
    let page = who.get("/notifications").await.json();
    let of_messages = |notice: &&Value| notice["kind"] == "mention" || notice["kind"] == "reply";
    let notices = page["notices"].as_array().unwrap().iter().filter(of_messages).cloned().collect();
    (page["unseen"].as_i64().unwrap(), notices)
}

fn id(change: &Value) -> i64 {
    change["message"]["id"].as_i64().unwrap()
}

#[tokio::test]
async fn the_list_says_what_happened_and_where() {
    let (_town, alice, bob, goal) = scene().await;
    let message = id(&alice.says(&goal, "Salut @Bob & co").await);
    let (unseen, notices) = list(&bob).await;
    assert_eq!((unseen, notices.len()), (1, 1));
    assert_eq!(notices[0]["text"], "Alice Martin vous a mentionné·e dans «\u{a0}Marathon\u{a0}»");
    assert_eq!(notices[0]["excerpt"], "Salut @Bob & co");
    assert_eq!(notices[0]["url"], format!("{}#message-{message}", goal.path()));
    let page = bob.page("/notifications").await.text;
    assert!(page.contains("Salut @Bob &amp; co") && page.contains("is-new"));
    let room = bob.page(&goal.path()).await.text;
    assert!(room.contains("data-bell-count>1</span>"), "the bell of the room's page knows without a script");
    let seen = bob.submit("/notifications/seen", &[("revision", &notices[0]["revision"].to_string())]).await;
    assert_eq!((seen.status, seen.header("location")), (StatusCode::SEE_OTHER, "/notifications"));
    assert_eq!(list(&bob).await.0, 0);
    assert_eq!(alice.get("/notifications").await.json()["unseen"], 1, "Bob's request, which Alice has not looked at");
}

#[tokio::test]
async fn what_is_read_in_the_room_is_seen() {
    let (_town, alice, bob, goal) = scene().await;
    alice.says(&goal, "@Bob un").await;
    let second = id(&alice.says(&goal, "@Bob deux").await);
    alice.says(&goal, "@Bob trois").await;
    assert_eq!(list(&bob).await.0, 3);
    bob.post(&format!("/message/{second}/mark-read"), &[]).await;
    let (unseen, notices) = list(&bob).await;
    assert_eq!(unseen, 1);
    assert_eq!(
        notices.iter().map(|notice| notice["seen"] == 1 || notice["seen"] == true).collect::<Vec<_>>(),
        [false, true, true]
    );
    // "Everything" is what there was when the page was made.
    let revision = notices[1]["revision"].to_string();
    bob.post("/notifications/seen", &[("revision", &revision)]).await;
    assert_eq!(list(&bob).await.0, 1);
    bob.post("/notifications/seen", &[]).await;
    assert_eq!(list(&bob).await.0, 0);
    alice.says(&goal, "@Bob quatre").await;
    assert_eq!(list(&bob).await.0, 1, "seen is seen up to a moment, not for ever");
}

#[tokio::test]
async fn levels_say_how_much_is_told() {
    let (_town, alice, bob, goal) = scene().await;
    let level = format!("/chatroom/{}/notifications", goal.room);
    assert_eq!(bob.post(&level, &[("level", "none")]).await.json()["level"], "none");
    alice.says(&goal, "@Bob, @tous").await;
    assert!(list(&bob).await.1.is_empty(), "nothing means nothing");
    assert!(bob.page(&goal.path()).await.text.contains("name=\"level\" value=\"none\" aria-pressed=\"true\""));
    let page = bob.submit(&level, &[("level", "mentions")]).await;
    assert_eq!(page.header("location"), goal.path());
    alice.says(&goal, "Sans nom").await;
    assert!(list(&bob).await.1.is_empty(), "a message like any other makes no row for anybody");
    alice.says(&goal, "@Bob").await;
    assert_eq!(list(&bob).await.1.len(), 1);
    for wrong in ["", "loud", "ALL"] {
        assert_eq!(bob.post(&level, &[("level", wrong)]).await.status, 422);
    }
}

/// Private means private: the list too forgets a room that its reader has left, and what was deleted or hidden.
#[tokio::test]
async fn the_list_holds_nothing_that_its_reader_may_not_see() {
    let (_town, alice, bob, goal) = scene().await;
    let deleted = id(&alice.says(&goal, "@Bob supprimé").await);
    let hidden = id(&alice.says(&goal, "@Bob caché").await);
    alice.says(&goal, "@Bob secret").await;
    assert_eq!(list(&bob).await.1.len(), 3);
    alice.post(&format!("/message/{deleted}/delete"), &[]).await;
    bob.post(&format!("/message/{hidden}/hide"), &[("on", "true")]).await;
    let (unseen, notices) = list(&bob).await;
    assert_eq!((unseen, notices.len(), &notices[0]["excerpt"]), (1, 1, &Value::from("@Bob secret")));
    alice.post(&goal.participation(&bob, "remove"), &[]).await;
    let page = bob.page("/notifications").await.text;
    assert!(!page.contains("secret") && list(&bob).await.1.is_empty());
    goal.lets_in(&alice, &bob).await;
    assert!(page.contains("Marathon"), "that one was removed stays: the goal's title is public");
}

#[tokio::test]
async fn settings_are_kept_and_words_that_mean_nothing_refused() {
    let (_town, _alice, bob, _goal) = scene().await;
    let choices = |answer: Value| (answer["email_notices"].clone(), answer["push_text"].clone());
    assert_eq!(choices(bob.get("/settings").await.json()["notifications"].clone()), ("digest".into(), false.into()));
    assert_eq!(choices(bob.post("/settings", &[("push_text", "on")]).await.json()), ("digest".into(), true.into()));
    assert_eq!(choices(bob.post("/settings", &[("email_notices", "none")]).await.json()), ("none".into(), true.into()));
    assert_eq!(choices(bob.post("/settings", &[("push_text", "false")]).await.json()), ("none".into(), false.into()));
    assert_eq!(bob.post("/settings", &[("push_text", "perhaps")]).await.status, 422);
    assert_eq!(bob.post("/settings", &[("email_notices", "hourly")]).await.status, 422);
    let saved = bob.submit("/settings", &[("push_text", "on")]).await;
    assert_eq!(saved.header("location"), "/settings?notice=saved");
    let page = bob.page("/settings?notice=saved").await.text;
    assert!(page.contains("C’est enregistré.") && page.contains("id=\"push\""));
}
