//! Rooms and goals as a whole: what they say themselves, locked, archived, renamed, deleted.

use crate::ear::{Ear, Sse, both, query_for};
use crate::harness::{Browser, Goal, Town};
use crate::message::{id, two};
use crate::reducer::{Reducer, fresh, history};
use reqwest::StatusCode;
use serde_json::{Value, json};

async fn verb(who: &Browser, goal: &Goal, verb: &str) -> crate::harness::Answer {
    who.post(&format!("/chatroom/{}/{verb}", goal.room), &[]).await
}

/// What the room said itself: what happened, who did it, about whom.
async fn told(who: &Browser, goal: &Goal) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = history(who, goal).await;
    let own = all.iter().filter(|message| message["kind"] == "system");
    own.map(|message| (text(&message["system"]), text(&message["author"]["first_name"]), text(&message["content"])))
        .collect()
}

fn line(what: &str, who: &str, about: &str) -> (String, String, String) {
    (what.to_owned(), who.to_owned(), about.to_owned())
}

#[tokio::test]
async fn a_room_says_who_came_and_went_right_after_it_happened() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let (carol, dan) = (town.person("Carol").await, town.person("Dan").await);
    let mut room = Reducer::load(&alice, &goal).await;
    let start = room.revision;
    goal.lets_in(&alice, &carol).await;
    let page = alice.fetch(&goal, &format!("since={start}")).await;
    assert_eq!(page["members"][0]["revision"], json!(start + 1), "the member first");
    assert_eq!(page["messages"][0]["revision"], json!(start + 2), "then what the room says of it");
    // A request that is turned down or taken back is nobody's business.
    for verb in ["refuse", "leave"] {
        dan.post(&format!("/goal/{}/join", goal.id), &[]).await;
        let decider = if verb == "leave" { &dan } else { &alice };
        let path = if verb == "leave" { format!("/goal/{}/leave", goal.id) } else { goal.participation(&dan, verb) };
        assert_eq!(decider.post(&path, &[]).await.status, StatusCode::OK);
    }
    alice.post(&goal.participation(&carol, "remove"), &[]).await;
    bob.post(&format!("/goal/{}/leave", goal.id), &[]).await;
    let expected = [
        line("joined", "Bob", ""),
        line("joined", "Carol", ""),
        line("removed", "Alice", "Carol Martin"),
        line("left", "Bob", ""),
    ];
    assert_eq!(told(&alice, &goal).await, expected);
    room.catch_up(&alice, &goal).await;
    assert_eq!(room.revision, start + 6, "no number is lost");
    assert_eq!(room.shown(), fresh(&alice, &goal).await);
}

#[tokio::test]
async fn what_a_room_says_is_nobodys_and_disturbs_nobody() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let own = alice.fetch(&goal, "").await["messages"][0].clone();
    assert_eq!(
        (&own["kind"], &own["system"], &own["author"]["id"]),
        (&json!("system"), &json!("joined"), &json!(bob.id))
    );
    for (act, form) in [("edit", "content"), ("delete", ""), ("react/like", ""), ("pin", "")] {
        for who in [&alice, &bob] {
            let answer = who.post(&format!("/message/{}/{act}", own["id"]), &[(form, "Autre chose")]).await;
            assert!(matches!(answer.status, StatusCode::CONFLICT | StatusCode::FORBIDDEN), "{act}: {}", answer.text);
        }
    }
    let reply = alice.post(&goal.path(), &[("content", "Bienvenue"), ("reply_to", &own["id"].to_string())]).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(alice.fetch(&goal, "").await["messages"], json!([own]), "and so it stays");
    let news = alice.get("/user/fetch").await.json();
    assert_eq!(news["rooms"][0]["unread"], 0, "it is no unread message");
    let read = alice.post(&format!("/message/{}/mark-read", own["id"]), &[]).await;
    assert_eq!(read.status, StatusCode::OK, "though one may have read it");
}

/// The words are the reader's; the fragment has none, and the page is readable without a script.
#[tokio::test]
async fn what_a_room_says_is_told_in_the_readers_language() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    bob.post("/preferences", &[("locale", "en")]).await;
    alice.post(&goal.participation(&bob, "role"), &[("role", "admin")]).await;
    let html = alice.fetch(&goal, "").await["messages"][0]["html"].as_str().unwrap().to_owned();
    for (who, sentence) in
        [(&alice, "Bob Martin a rejoint la conversation."), (&bob, "Bob Martin joined the conversation.")]
    {
        let page = who.page(&goal.path()).await.text;
        assert!(page.contains(&format!("<p class=\"entry-told\">{sentence}</p>")), "{page}");
        assert!(page.contains(&html), "the same bytes");
        assert!(!html.contains(sentence));
    }
}

#[tokio::test]
async fn a_locked_room_is_read_and_not_written() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let said = bob.says(&goal, "Avant").await;
    let change = verb(&alice, &goal, "lock").await.json();
    assert_eq!(
        (&change["room"]["state"], &change["revision"]),
        (&json!("locked"), &json!(said["revision"].as_i64().unwrap() + 1))
    );
    let again = verb(&alice, &goal, "lock").await;
    assert_eq!((again.status, again.json()), (StatusCode::OK, change.clone()), "locking twice is locking once");
    let writes = [
        (goal.path(), "content"),
        (format!("/message/{}/edit", id(&said)), "content"),
        (format!("/message/{}/delete", id(&said)), ""),
        (format!("/message/{}/react/like", id(&said)), ""),
        (format!("/message/{}/pin", id(&said)), ""),
    ];
    for (path, field) in &writes {
        let answer = alice.post(path, &[(field, "Après")]).await;
        assert!(matches!(answer.status, StatusCode::CONFLICT | StatusCode::FORBIDDEN), "{path}: {}", answer.text);
    }
    assert_eq!(
        bob.post(&goal.path(), &[("content", "Après")]).await.message(),
        "Cette conversation est verrouillée : on peut la lire, mais plus y écrire."
    );
    let hidden = bob.post(&format!("/message/{}/hide", id(&said)), &[]).await;
    assert_eq!(hidden.status, StatusCode::OK, "what is one's own business goes on");
    assert_eq!(verb(&alice, &goal, "restore").await.status, StatusCode::CONFLICT, "it is not in the archive");
    verb(&alice, &goal, "unlock").await;
    bob.says(&goal, "Merci").await;
    assert_eq!(told(&bob, &goal).await[1..], [line("room_locked", "Alice", ""), line("room_unlocked", "Alice", "")]);
}

#[tokio::test]
async fn an_archived_room_is_out_of_the_way_and_comes_back() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    verb(&alice, &goal, "archive").await;
    for wrong in ["lock", "unlock"] {
        assert_eq!(verb(&alice, &goal, wrong).await.status, StatusCode::CONFLICT, "{wrong}");
    }
    assert_eq!(bob.post(&goal.path(), &[("content", "Après")]).await.status, StatusCode::CONFLICT);
    let page = bob.page(&goal.path()).await.text;
    assert!(page.contains("<details class=\"rooms-archived\""), "it stands in the archive");
    assert_eq!(bob.get("/user/fetch").await.json()["rooms"][0]["state"], "archived");
    verb(&alice, &goal, "restore").await;
    bob.says(&goal, "Nous revoilà").await;
    assert!(!bob.page(&goal.path()).await.text.contains("rooms-archived"));
    // Without a script: a form, a redirect, a sentence.
    let sent = alice.submit(&format!("/chatroom/{}/lock", goal.room), &[]).await;
    let page = alice.page(sent.location()).await.text;
    assert!(page.contains("La conversation est verrouillée."), "{}", sent.location());
}

/// Known ways of getting this wrong, 4: everything of a deleted room is gone, for everybody and at once.
#[tokio::test]
async fn a_deleted_room_is_not_there() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let other = alice.founds("Un autre but").await;
    let said = bob.says(&goal, "Salut").await;
    let ears = both(&bob, &query_for(&bob, &goal).await).await;
    assert_eq!(verb(&alice, &goal, "delete").await.json(), json!({ "room": goal.room, "deleted": true }));
    for mut ear in ears {
        let heard: Vec<Value> =
            ear.rest().await.iter().filter(|heard| heard.kind.is_empty()).map(|heard| heard.json()).collect();
        assert!(heard.iter().all(|change| change["room"]["state"] == "deleted"), "the stream ends: {heard:?}");
    }
    for who in [&alice, &bob] {
        let message = id(&said);
        let gone = [
            goal.path(),
            format!("{}/fetch", goal.path()),
            format!("{}/fetch?since=0&wait=20", goal.path()),
            format!("{}/pins", goal.path()),
            format!("{}/search?q=Salut", goal.path()),
            format!("{}/export", goal.path()),
            format!("/presence/{}", goal.room),
            format!("/message/{message}/reads"),
            format!("{}/hidden", goal.path()),
            format!("/message/{message}"),
            format!("/message/{message}/versions"),
            format!("/message/{message}/reactions"),
            format!("/goal/{}", goal.id),
        ];
        for path in gone {
            assert_eq!(who.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        for act in ["edit", "delete", "hide", "pin", "react/like", "mark-read"] {
            let answer = who.post(&format!("/message/{message}/{act}"), &[("content", "x")]).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{act}");
        }
        for act in ["lock", "unlock", "archive", "restore", "delete"] {
            assert_eq!(verb(who, &goal, act).await.status, StatusCode::NOT_FOUND, "{act}");
        }
        assert_eq!(who.post(&goal.path(), &[("content", "Après")]).await.status, StatusCode::NOT_FOUND);
        assert!(!who.get("/search?q=Salut").await.text.contains("Salut\""), "not by the search over all rooms");
        let topics = who.post("/realtime/token", &[]).await.json()["topics"].clone();
        assert!(!topics.as_array().unwrap().contains(&json!(format!("chatroom/{}", goal.room))), "{topics}");
        let rooms = who.get("/user/fetch").await.json()["rooms"].clone();
        assert!(rooms.as_array().unwrap().iter().all(|room| room["id"] != goal.room), "{rooms}");
    }
    assert!(!alice.get("/goals").await.text.contains("Marathon"), "a goal and its room are one");
    alice.says(&other, "Ici, tout va bien").await;
    let dan = town.person("Dan").await;
    assert_eq!(dan.post(&format!("/goal/{}/join", goal.id), &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_goal_is_deleted_by_who_types_its_title() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let path = format!("/goal/{}/delete", goal.id);
    for wrong in ["", "marathon", "Un autre"] {
        let answer = alice.submit(&path, &[("confirm", wrong)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
        assert!(answer.text.contains("Ce n’est pas le titre de l’objectif."));
    }
    assert_eq!(alice.post(&path, &[("confirm", "Non")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    bob.says(&goal, "Toujours là").await;
    assert_eq!(alice.submit(&path, &[("confirm", " Marathon ")]).await.location(), "/goals?notice=goal-deleted");
    assert_eq!(bob.get(&goal.path()).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_goal_is_changed_and_its_room_follows() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let path = format!("/goal/{}/edit", goal.id);
    let mut ear = Ear::Sse(Sse::open(&bob, &query_for(&bob, &goal).await).await);
    let form = [("title", "Semi-marathon"), ("progress", "40"), ("end_date", "2026-09-01"), ("status", "active")];
    let answer = alice.post(&path, &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let changed = answer.json()["goal"].clone();
    assert_eq!(
        (&changed["title"], &changed["progress"], &changed["end_date"]),
        (&json!("Semi-marathon"), &json!(40), &json!("2026-09-01"))
    );
    let renamed = ear.next_change().await.unwrap().json();
    assert_eq!(renamed["room"]["title"], "Semi-marathon");
    let said = ear.next_change().await.unwrap().json();
    assert_eq!(
        (&said["message"]["system"], &said["message"]["content"]),
        (&json!("title_changed"), &json!("Semi-marathon"))
    );
    // What does not come stays as it is, and what is so already is not told.
    alice.post(&path, &[("status", "completed")]).await;
    alice.post(&path, &[("status", "completed"), ("progress", "100")]).await;
    let after = alice.get(&format!("/goal/{}", goal.id)).await.json()["goal"].clone();
    assert_eq!(
        (&after["title"], &after["status"], &after["progress"]),
        (&json!("Semi-marathon"), &json!("completed"), &json!(100))
    );
    assert_eq!(
        told(&bob, &goal).await[1..],
        [line("title_changed", "Alice", "Semi-marathon"), line("goal_done", "Alice", "")]
    );
    let wrong =
        alice.post(&path, &[("title", "x"), ("status", "done"), ("progress", "101"), ("start_date", "demain")]).await;
    let fields = wrong.json()["error"]["fields"].clone();
    assert_eq!(fields.as_object().unwrap().keys().collect::<Vec<_>>(), ["progress", "start_date", "status", "title"]);
}
