//! Typing and presence: told while it is so, on every way, to the room and to nobody else, and written nowhere.

use crate::ear::{Ear, Socket, Sse, both, mark, query_for, room_topic, ticket, topics, user_topic};
use crate::harness::{Browser, Goal, Town, within};
use crate::message::{id, two};
use palabre::id::{RoomId, UserId};
use reqwest::StatusCode;
use serde_json::{Value, json};

fn presence_topic(goal: &Goal) -> String {
    format!("{}/presence", room_topic(goal))
}

async fn types(who: &Browser, goal: &Goal, on: &str) -> StatusCode {
    who.post(&format!("/presence/typing/{}", goal.room), &[("on", on)]).await.status
}

/// What one person sees of another.
async fn sees(who: &Browser, goal: &Goal, other: &Browser) -> Value {
    let told = who.get(&format!("/presence/{}", goal.room)).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text);
    let people = told.json()["people"].as_array().unwrap().clone();
    people.into_iter().find(|here| here["user"] == other.id).unwrap_or(Value::Null)
}

/// Lets time pass until something is so.
async fn until(town: &Town, what: &str, seconds: i64, mut so: impl AsyncFnMut() -> bool) {
    within(what, async {
        while !so().await {
            town.pass(seconds);
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Once everybody has come back after a start: from here on news are told as they come.
async fn warmed_up() -> Town {
    let town = Town::start().await;
    town.pass(60);
    town
}

#[tokio::test]
async fn typing_is_told_by_socket_and_by_post_and_ends_at_once() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let ears = {
        let query = query_for(&alice, &goal).await;
        both(&alice, &query).await
    };
    let query = query_for(&bob, &goal).await;
    let mut socket = Socket::open(&bob, &query).await;
    let told = |on: bool| json!({ "chatroom": goal.room, "typing": { "user": bob.id, "on": on } });
    socket.say(&json!({ "typing": goal.room, "on": true })).await;
    let mut ears = ears;
    for ear in &mut ears {
        let heard = ear.next().await.unwrap();
        assert_eq!((heard.kind.as_str(), heard.json()), ("typing", told(true)));
    }
    // Saying the same again is not told again; the end is, once.
    socket.say(&json!({ "typing": goal.room, "on": true })).await;
    assert_eq!(types(&bob, &goal, "false").await, StatusCode::OK);
    assert_eq!(types(&bob, &goal, "false").await, StatusCode::OK);
    for ear in &mut ears {
        assert_eq!(ear.next().await.unwrap().json(), told(false));
    }
    assert_eq!(types(&bob, &goal, "true").await, StatusCode::OK);
    let polled = alice.fetch(&goal, "typing=0").await;
    assert_eq!(polled["typists"], json!([bob.id]), "who polls is told the same");
    assert_eq!(alice.get(&format!("/presence/{}", goal.room)).await.json()["typing"], json!([bob.id]));
    // The last page is closed: it ends at once, not when it would have expired.
    drop(socket);
    for ear in &mut ears {
        assert_eq!(ear.next().await.unwrap().json(), told(true));
        assert_eq!(ear.next().await.unwrap().json(), told(false));
    }
    assert_eq!(alice.fetch(&goal, "typing=0").await["typists"], json!([]));
}

/// Known ways of getting this wrong, 18: "false" in a form read as true, and the typing never stops.
#[tokio::test]
async fn false_means_that_nobody_types() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let typists = async || alice.get(&format!("/presence/{}", goal.room)).await.json()["typing"].clone();
    for (word, there) in [("true", true), ("false", false), ("1", true), ("0", false), ("on", true), ("off", false)] {
        assert_eq!(types(&bob, &goal, word).await, StatusCode::OK);
        assert_eq!(typists().await, if there { json!([bob.id]) } else { json!([]) }, "{word}");
    }
    assert_eq!(types(&bob, &goal, "maybe").await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(typists().await, json!([]));
    // In a socket yes and no are JSON's, and a word is none.
    let query = query_for(&bob, &goal).await;
    for frame in [
        json!({ "typing": goal.room, "on": "false" }),
        json!({ "typing": goal.room, "on": 1 }),
        json!({ "typing": goal.room }),
        json!({ "typing": goal.room.to_string(), "on": true }),
        json!({ "typing": -1, "on": true }),
        json!({ "typing": goal.room, "on": true, "user": alice.id }),
        json!({ "away": true }),
        json!([goal.room, true]),
    ] {
        let mut socket = Socket::open(&bob, &query).await;
        socket.say(&frame).await;
        while socket.next().await.is_some() {}
        assert_eq!(socket.closed, Some((1008, "unknown message".into())), "{frame}");
        assert_eq!(typists().await, json!([]), "{frame}");
    }
}

/// Known ways of getting this wrong, 19: a typing mark that expires while the person still types.
#[tokio::test]
async fn who_types_on_is_never_said_to_have_stopped() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let query = query_for(&alice, &goal).await;
    let mut ear = Ear::Socket(Socket::open(&alice, &query).await);
    assert_eq!(types(&bob, &goal, "true").await, StatusCode::OK);
    for _ in 0..10 {
        town.pass(3);
        assert_eq!(types(&bob, &goal, "true").await, StatusCode::OK);
        assert_eq!(alice.fetch(&goal, "typing=0").await["typists"], json!([bob.id]));
    }
    mark(&town.app, &alice);
    let told: Vec<Value> = ear.until_mark().await.iter().map(|heard| heard.json()["typing"]["on"].clone()).collect();
    assert_eq!(told, vec![json!(true); 11], "renewed each time, and never taken back");
    // A page that has gone without a word: the mark goes by itself.
    town.pass(7);
    assert_eq!(ear.next().await.unwrap().json()["typing"], json!({ "user": bob.id, "on": false }));
}

/// Known ways of getting this wrong, 5: typing and online without a membership check.
#[tokio::test]
async fn who_is_not_in_the_room_types_and_sees_nothing_there() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let dan = town.person("Dan").await;
    let query = query_for(&alice, &goal).await;
    let mut ear = Ear::Sse(Sse::open(&alice, &query).await);
    // A stranger by post, by socket, and as a listener.
    assert_eq!(types(&dan, &goal, "true").await, StatusCode::NOT_FOUND);
    assert_eq!(dan.get(&format!("/presence/{}", goal.room)).await.status, StatusCode::NOT_FOUND);
    let topics = topics(&[&user_topic(&dan), &room_topic(&goal), &presence_topic(&goal)]);
    ticket(&dan).await;
    let mut his = Socket::open(&dan, &topics).await;
    his.say(&json!({ "typing": goal.room, "on": true })).await;
    his.say(&json!({ "typing": 999_999, "on": true })).await;
    // Somebody who is removed, with a socket that was open.
    let mut bobs = Socket::open(&bob, &query_for(&bob, &goal).await).await;
    alice.post(&goal.participation(&bob, "remove"), &[]).await;
    let _ = bobs.next().await;
    assert_eq!(types(&bob, &goal, "true").await, StatusCode::NOT_FOUND);
    assert_eq!(types(&alice, &goal, "true").await, StatusCode::OK);
    mark(&town.app, &alice);
    let heard = ear.until_mark().await;
    let typists: Vec<&str> = heard.iter().filter(|heard| heard.kind == "typing").map(|heard| &*heard.data).collect();
    assert_eq!(typists.len(), 1, "{typists:?}");
    assert!(typists[0].contains(&format!("\"user\":{}", alice.id)));
    mark(&town.app, &dan);
    assert_eq!(his.next().await.unwrap().kind, "mark", "the socket is open still, and told nothing");
}

#[tokio::test]
async fn in_a_room_that_is_read_only_nobody_types() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let room = goal.room;
    town.app
        .db
        .write(palabre::db::Lane::None, move |tx| -> Result<u64, palabre::db::DbError> {
            tx.execute(palabre::sql!("update chatroom set state = 'locked' where id = $1"), palabre::params![room])
        })
        .await
        .unwrap();
    let refused = bob.post(&format!("/presence/typing/{room}"), &[("on", "true")]).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "conflict".to_owned()));
    let query = query_for(&bob, &goal).await;
    let mut socket = Socket::open(&bob, &query).await;
    socket.say(&json!({ "typing": room, "on": true })).await;
    assert_eq!(types(&bob, &goal, "false").await, StatusCode::OK, "to stop is always allowed");
    assert_eq!(alice.get(&format!("/presence/{room}")).await.json()["typing"], json!([]));
}

#[tokio::test]
async fn a_message_ends_the_typing_of_its_author() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    types(&bob, &goal, "true").await;
    bob.says(&goal, "Voilà").await;
    assert_eq!(alice.fetch(&goal, "typing=0").await["typists"], json!([]));
}

#[tokio::test]
async fn who_has_a_page_open_is_online_and_who_left_was_seen() {
    let town = warmed_up().await;
    let (alice, bob, goal) = two(&town).await;
    ticket(&alice).await;
    let mut ears = both(&alice, &topics(&[&presence_topic(&goal)])).await;
    assert_eq!(sees(&alice, &goal, &bob).await, json!({ "user": bob.id, "status": "offline" }));
    ticket(&bob).await;
    let his = Socket::open(&bob, &topics(&[&user_topic(&bob)])).await;
    let online = json!({ "user": bob.id, "status": "online" });
    for ear in &mut ears {
        let heard = next_about(ear, &bob).await;
        assert_eq!(heard, online);
    }
    assert_eq!(sees(&alice, &goal, &bob).await, online);
    // A reload: the stream ends, another begins. Nobody is told anything.
    drop(his);
    let his = Socket::open(&bob, &topics(&[&user_topic(&bob)])).await;
    town.pass(60);
    assert_eq!(sees(&alice, &goal, &bob).await, online);
    drop(his);
    until(&town, "he is seen to have left", 3, async || sees(&alice, &goal, &bob).await["status"] == "offline").await;
    for ear in &mut ears {
        let heard = next_about(ear, &bob).await;
        assert_eq!(heard["status"], "offline");
        let seen_at = heard["seen_at"].as_str().unwrap();
        assert!(seen_at.starts_with("2026-03-01T12:0") && seen_at.ends_with(":00Z"), "to the minute: {seen_at}");
    }
    // And it is known after a restart: when he was last seen is written down.
    let seen_at = sees(&alice, &goal, &bob).await["seen_at"].clone();
    let town = town.restart().await;
    let mut alice = alice;
    alice.moves_to(&town);
    assert_eq!(sees(&alice, &goal, &bob).await, json!({ "user": bob.id, "status": "offline", "seen_at": seen_at }));
}

/// The next that is told about somebody.
async fn next_about(ear: &mut Ear, who: &Browser) -> Value {
    loop {
        let heard = ear.next().await.unwrap();
        assert_eq!(heard.kind, "presence", "{heard:?}");
        let people = heard.json()["people"].as_array().unwrap().clone();
        if let Some(here) = people.into_iter().find(|here| here["user"] == who.id) {
            return here;
        }
    }
}

#[tokio::test]
async fn who_polls_is_online_and_away_when_nobody_looks() {
    let town = warmed_up().await;
    let (alice, bob, goal) = two(&town).await;
    bob.fetch(&goal, "").await;
    assert_eq!(sees(&alice, &goal, &bob).await["status"], "online");
    ticket(&bob).await;
    let mut his = Socket::open(&bob, &topics(&[&user_topic(&bob)])).await;
    bob.post("/presence/away", &[("on", "true")]).await;
    assert_eq!(
        his.next().await.unwrap().json()["event"],
        json!({ "kind": "away" }),
        "a page that is looked at objects"
    );
    assert_eq!(sees(&alice, &goal, &bob).await["status"], "online", "there is time for that");
    town.pass(10);
    assert_eq!(sees(&alice, &goal, &bob).await["status"], "away");
    bob.post("/presence/away", &[("on", "false")]).await;
    assert_eq!(sees(&alice, &goal, &bob).await["status"], "online");
    // Who only polls is gone half a minute after the last poll.
    alice.fetch(&goal, "").await;
    town.pass(29);
    assert_eq!(sees(&bob, &goal, &alice).await["status"], "online");
    town.pass(1);
    assert_eq!(sees(&bob, &goal, &alice).await["status"], "offline");
}

#[tokio::test]
async fn who_does_not_show_being_here_is_not_seen_and_sees_nobody() {
    let town = warmed_up().await;
    let (alice, bob, goal) = two(&town).await;
    ticket(&alice).await;
    let mut hers = Ear::Socket(Socket::open(&alice, &topics(&[&presence_topic(&goal)])).await);
    bob.fetch(&goal, "").await;
    assert_eq!(next_about(&mut hers, &bob).await["status"], "online");
    bob.post("/settings/reads", &[("shows_presence", "false")]).await;
    assert_eq!(next_about(&mut hers, &bob).await, json!({ "user": bob.id, "status": null }));
    assert_eq!(sees(&alice, &goal, &bob).await, Value::Null);
    assert_eq!(sees(&bob, &goal, &alice).await, Value::Null);
    town.pass(1);
    ticket(&bob).await;
    let mut his = Sse::open(&bob, &topics(&[&presence_topic(&goal), &user_topic(&bob)])).await;
    let carol = town.person("Carol").await;
    goal.lets_in(&alice, &carol).await;
    carol.fetch(&goal, "").await;
    assert_eq!(next_about(&mut hers, &carol).await["status"], "online");
    mark(&town.app, &bob);
    loop {
        let heard = his.next().await.unwrap();
        assert_ne!(heard.kind, "presence");
        if heard.kind == "mark" {
            break;
        }
    }
}

/// Presence is told to the rooms that a person shares with others, and to no other.
#[tokio::test]
async fn presence_stays_among_people_who_share_a_room() {
    let town = warmed_up().await;
    let (alice, bob, goal) = two(&town).await;
    let dan = town.person("Dan").await;
    let other = dan.founds("Ailleurs").await;
    ticket(&dan).await;
    let listens = topics(&[&presence_topic(&goal), &presence_topic(&other), &user_topic(&dan)]);
    let mut his = Ear::Sse(Sse::open(&dan, &listens).await);
    ticket(&alice).await;
    let mut hers = Ear::Sse(Sse::open(&alice, &topics(&[&presence_topic(&goal)])).await);
    bob.fetch(&goal, "").await;
    assert_eq!(next_about(&mut hers, &bob).await["status"], "online");
    mark(&town.app, &dan);
    for heard in his.until_mark().await {
        assert!(!heard.data.contains(&format!("\"user\":{},", bob.id)), "{heard:?}");
    }
}

/// Nothing of all this is written while it happens, and a beat of the live link asks for nothing.
#[tokio::test]
async fn typing_and_presence_write_nothing() {
    let town = warmed_up().await;
    let (_, bob, goal) = two(&town).await;
    let path = format!("/presence/{}", goal.room);
    bob.get(&path).await;
    let before = town.app.db.statements();
    bob.get(&path).await;
    assert_eq!(town.app.db.statements() - before, 1, "one statement, whatever the room holds");
    types(&bob, &goal, "true").await;
    assert_eq!(town.app.db.statements() - before, 2, "whether the room may be written in");
    types(&bob, &goal, "false").await;
    bob.post("/presence/away", &[]).await;
    assert_eq!(town.app.db.statements() - before, 2);
    let now = town.app.clock.now();
    let aware = &town.app.live.aware;
    assert!(aware.typing.list(RoomId(goal.room), now).is_empty());
    assert_eq!(aware.presence.of(UserId(bob.id), now).1, Some(now));
    assert!(id(&bob.says(&goal, "Salut").await) > 0);
}
