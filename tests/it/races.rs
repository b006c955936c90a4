//! The race catalogue, first half: order, repetition, and what is seen when. A name begins with the race's number.

use crate::ear::{Ear, both, long_poll, mark, query_for, raw_post};
use crate::harness::{Answer, Browser, Goal, Town, within};
use crate::reducer::{Applied, Reducer, fresh, history};
use futures_util::future::join_all;
use palabre::chatroom::Member;
use palabre::db::{Lane, Writer};
use palabre::error::{Error, Result};
use palabre::id::{RoomId, UserId};
use palabre::message::{self, Draft, Sent, Shown};
use palabre::{App, params, sql};
use reqwest::StatusCode;
use serde_json::Value;
use std::sync::Mutex;
use std::sync::mpsc;
use tokio::io::AsyncReadExt;
use tokio::sync::oneshot;

pub async fn settled(town: &Town) -> (Browser, Browser, Goal) {
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let goal = alice.founds("Marathon").await;
    goal.lets_in(&alice, &bob).await;
    (alice, bob, goal)
}

/// Puts a message into the room inside a transaction, as the route does.
pub fn put(tx: &mut Writer<'_>, app: &App, author: &Browser, goal: &Goal, content: &str) -> Result<Shown> {
    let member = Member::find(tx, RoomId(goal.room), UserId(author.id))?.ok_or(Error::NotFound)?;
    let draft = Draft::new(content, None, "", &app.clock)?;
    match message::create(tx, &member, &draft, app.clock.now())? {
        Sent::New(shown) | Sent::Repeated(shown) => Ok(shown),
    }
}

/// Sends many messages in a few transactions, each told as usual.
pub async fn flood(town: &Town, author: &Browser, goal: &Goal, count: usize) {
    for first in (0..count).step_by(100) {
        let (app, author, goal) = (town.app.clone(), author.clone(), *goal);
        let job = move |tx: &mut Writer<'_>| -> Result<()> {
            for n in first..count.min(first + 100) {
                let shown = put(tx, &app, &author, &goal, &format!("m{n}"))?;
                app.live.announce(tx, shown)?;
            }
            Ok(())
        };
        town.app.db.write(Lane::Room(goal.room), job).await.unwrap();
    }
}

async fn post(browser: &Browser, goal: &Goal, content: &str, nonce: &str) -> Answer {
    browser.post(&goal.path(), &[("content", content), ("client_nonce", nonce)]).await
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// One message per revision from the first one on, in the order of the positions.
async fn assert_dense(browser: &Browser, goal: &Goal) {
    let positions: Vec<i64> = history(browser, goal).await.iter().map(|message| number(&message["position"])).collect();
    let top = number(&browser.fetch(goal, "").await["revision"]);
    let expected: Vec<i64> = (top - positions.len() as i64 + 1..=top).collect();
    assert_eq!(positions, expected);
}

/// Gives a message another id, as when ids were handed out long before the commit.
async fn renumber(town: &Town, message: &Value, id: i64) {
    let old = number(&message["id"]);
    let job = move |tx: &mut Writer<'_>| -> Result<u64> {
        tx.execute(sql!("delete from message_text where message_id = $1"), params![old])?;
        Ok(tx.execute(sql!("update message set id = $2 where id = $1"), params![old, id])?)
    };
    assert_eq!(town.app.db.write(Lane::None, job).await.unwrap(), 1);
}

#[tokio::test]
async fn race_01_commit_order_is_not_id_order() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let mut room = Reducer::load(&bob, &goal).await;
    let mut ear = both(&bob, &query_for(&bob, &goal).await).await;
    // A transaction has taken the room and does not end yet. On its own lane: another connection on PostgreSQL.
    let (taken, is_taken) = oneshot::channel();
    let (let_go, may_go) = mpsc::channel::<()>();
    let (taken, may_go) = (Mutex::new(Some(taken)), Mutex::new(may_go));
    let (app, author) = (town.app.clone(), alice.clone());
    let db = town.app.db.clone();
    let job = move |tx: &mut Writer<'_>| {
        let shown = put(tx, &app, &author, &goal, "slow")?;
        if let Some(taken) = taken.lock().unwrap().take() {
            taken.send(()).unwrap();
        }
        may_go.lock().unwrap().recv().unwrap();
        app.live.announce(tx, shown)
    };
    let slow = tokio::spawn(async move { db.write(Lane::None, job).await });
    within("the room is taken", is_taken).await.unwrap();
    let quick = tokio::spawn({
        let bob = bob.clone();
        async move { post(&bob, &goal, "quick", "n-quick").await }
    });
    // Meanwhile nobody sees a half.
    for _ in 0..5 {
        let page = bob.fetch(&goal, &format!("since={}", room.revision)).await;
        assert_eq!((number(&page["revision"]), number(&page["count"])), (room.revision, 0));
    }
    let_go.send(()).unwrap();
    let slow: Value = serde_json::from_str(&slow.await.unwrap().unwrap()).unwrap();
    let quick = quick.await.unwrap().json();
    assert_eq!(number(&slow["revision"]), room.revision + 1);
    assert_eq!(number(&quick["revision"]), room.revision + 2, "the order of commits is the order of revisions");
    for ear in &mut ear {
        for expected in [&slow, &quick] {
            assert_eq!(&ear.next_change().await.unwrap().json(), expected);
        }
    }
    // Now as if the first had been given the higher id: whoever has seen it is still told of the second.
    renumber(&town, &slow["message"], 1_000).await;
    let page = bob.fetch(&goal, "lastMessageId=1000").await;
    assert_eq!(page["messages"][0]["id"], quick["message"]["id"], "a lower id, a later revision");
    room.catch_up(&bob, &goal).await;
    assert_eq!(room.shown(), fresh(&bob, &goal).await);
    assert_dense(&bob, &goal).await;
}

#[tokio::test]
async fn race_01_sixteen_writers_and_the_ear_hears_a_dense_order() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let start = Reducer::load(&bob, &goal).await.revision;
    let mut ears = both(&bob, &query_for(&bob, &goal).await).await;
    let writers = (0..16).map(|writer| {
        let (who, goal) = (if writer % 2 == 0 { alice.clone() } else { bob.clone() }, &goal);
        async move {
            for n in 0..8 {
                let sent = post(&who, goal, "x", &format!("w{writer}-{n}")).await;
                assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text);
            }
        }
    });
    within("all have written", join_all(writers)).await;
    for ear in &mut ears {
        for revision in start + 1..=start + 128 {
            assert_eq!(number(&ear.next_change().await.unwrap().json()["revision"]), revision);
        }
    }
    assert_dense(&bob, &goal).await;
}

#[tokio::test]
async fn race_02_equal_timestamps_at_a_page_border() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    // The clock of a town stands still: all of these carry one moment.
    flood(&town, &alice, &goal, 23).await;
    let all = fresh(&bob, &goal).await;
    assert_eq!(all.len(), 23 + 1, "and what the room said");
    let moments: Vec<_> = history(&bob, &goal).await.iter().map(|message| message["created_at"].clone()).collect();
    assert!(moments.windows(2).all(|two| two[0] == two[1]));
    for limit in [1, 2, 5, 7, 22, 23, 24] {
        let mut down = Vec::new();
        let mut since = 0;
        loop {
            let page = bob.fetch(&goal, &format!("since={since}&limit={limit}")).await;
            down.extend(page["messages"].as_array().unwrap().iter().map(|message| number(&message["id"])));
            since = number(&page["revision"]);
            if page["has_more"] == false {
                break;
            }
        }
        let mut up = Vec::new();
        let mut before = i64::MAX;
        loop {
            let page = bob.fetch(&goal, &format!("before={before}&limit={limit}")).await;
            let messages = page["messages"].as_array().unwrap();
            up.splice(0..0, messages.iter().map(|message| number(&message["id"])));
            before = messages.first().map_or(0, |first| number(&first["position"]));
            if page["has_earlier"] == false {
                break;
            }
        }
        let ids: Vec<i64> = all.iter().map(|shown| shown.1).collect();
        assert_eq!((&down, &up), (&ids, &ids), "limit {limit}");
    }
}

#[tokio::test]
async fn race_03_what_is_posted_between_the_stream_and_the_fetch_is_seen_once() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    alice.says(&goal, "avant").await;
    for way in [0, 1] {
        let mut ear = both(&bob, &query_for(&bob, &goal).await).await.into_iter().nth(way).unwrap();
        let between = alice.says(&goal, "entre").await;
        let mut room = Reducer::load(&bob, &goal).await;
        let after = alice.says(&goal, "après").await;
        let [first, second] = [ear.next_change().await.unwrap().json(), ear.next_change().await.unwrap().json()];
        assert_eq!((&first, &second), (&between, &after));
        assert_eq!(room.apply(&first), Applied::Seen);
        assert_eq!(room.apply(&second), Applied::Next);
        assert_eq!(room.shown(), fresh(&bob, &goal).await);
    }
    // The snapshot came late: what was pushed meanwhile is newer than what it says, and is not overwritten.
    let mut room = Reducer::load(&bob, &goal).await;
    let stale = bob.fetch(&goal, "since=0").await;
    let id = number(&alice.says(&goal, "erste").await["message"]["id"]);
    room.catch_up(&bob, &goal).await;
    let edited = alice.post(&format!("/message/{id}/edit"), &[("content", "zweite")]).await.json();
    assert_eq!(room.apply(&edited), Applied::Next);
    room.apply_page(&stale);
    assert_eq!(room.shown(), fresh(&bob, &goal).await);
}

#[tokio::test]
async fn race_04_the_answer_is_lost() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let before = number(&bob.fetch(&goal, "").await["revision"]);
    let form = [("content", "Tu m'entends ?"), ("client_nonce", "n-lost")];
    let waiting = long_poll(&bob, &goal, before);
    // Leaves at once: the request may not even have been read.
    drop(raw_post(&alice, &goal.path(), &form).await);
    let retried = alice.post(&goal.path(), &form).await;
    assert!([StatusCode::OK, StatusCode::CREATED].contains(&retried.status), "{}", retried.text);
    // Leaves after the commit, without having read the answer.
    let second = [("content", "Et là ?"), ("client_nonce", "n-lost-2")];
    let mut wire = raw_post(&alice, &goal.path(), &second).await;
    within("something is answered", wire.read_u8()).await.unwrap();
    drop(wire);
    let again = alice.post(&goal.path(), &second).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text);
    waiting.await.unwrap();
    let room = Reducer::load(&bob, &goal).await;
    assert_eq!(room.nonces(), ["n-lost", "n-lost-2"]);
    assert_eq!(number(&again.json()["revision"]), before + 2);
}

#[tokio::test]
async fn race_04_the_link_to_the_database_is_cut() {
    let town = Town::start().await;
    if !town.database.is_postgres() {
        return;
    }
    let (alice, bob, goal) = settled(&town).await;
    let start = number(&bob.fetch(&goal, "").await["revision"]);
    let writers = (0..8).map(|writer| {
        let (alice, goal) = (alice.clone(), &goal);
        async move {
            for n in 0..10 {
                let nonce = format!("w{writer}-{n}");
                // Whatever is answered, a retry ends with one message.
                while !post(&alice, goal, "x", &nonce).await.status.is_success() {}
            }
        }
    });
    let database = town.database.clone();
    let cuts = tokio::task::spawn_blocking(move || {
        for _ in 0..5 {
            database.beside(
                "select pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid()",
            );
        }
    });
    within("all have written", join_all(writers)).await;
    cuts.await.unwrap();
    let room = Reducer::load(&bob, &goal).await;
    assert_eq!((room.messages.len(), room.revision), (80, start + 80), "each once, and no number lost");
    assert_dense(&bob, &goal).await;
}

#[tokio::test]
async fn race_05_two_tabs_send_the_same_item() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let mut ear = both(&bob, &query_for(&bob, &goal).await).await;
    let before = number(&bob.fetch(&goal, "").await["revision"]);
    for round in 1..=5 {
        let nonce = format!("n-{round}");
        let tabs = (0..20).map(|_| post(&alice, &goal, "une seule fois", &nonce));
        let answers = within("all tabs are answered", join_all(tabs)).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count(), 1);
        for answer in &answers {
            assert!([StatusCode::OK, StatusCode::CREATED].contains(&answer.status), "{}", answer.text);
            assert_eq!(answer.text, answers[0].text);
        }
        assert_eq!(number(&answers[0].json()["revision"]), before + round, "no number is lost");
    }
    mark(&town.app, &bob);
    for ear in &mut ear {
        assert_eq!(ear.until_mark().await.len(), 5, "each is told once");
    }
    assert_dense(&bob, &goal).await;
}

#[tokio::test]
async fn race_05_the_same_nonce_of_two_people_and_two_rooms() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let other = alice.founds("Other").await;
    let sent =
        [post(&alice, &goal, "a", "n").await, post(&bob, &goal, "a", "n").await, post(&alice, &other, "a", "n").await];
    assert!(sent.iter().all(|answer| answer.status == StatusCode::CREATED), "a nonce is its author's, in its room");
}

#[tokio::test]
async fn race_06_the_push_before_the_answer_and_after() {
    let town = Town::start().await;
    let (alice, _, goal) = settled(&town).await;
    let mut ear: Ear = both(&alice, &query_for(&alice, &goal).await).await.into_iter().last().unwrap();
    let mut room = Reducer::load(&alice, &goal).await;
    for (push_first, nonce) in [(true, "n-1"), (false, "n-2")] {
        let answer = post(&alice, &goal, "moi-même", nonce).await.json();
        let pushed = ear.next_change().await.unwrap().json();
        let order = if push_first { [&pushed, &answer] } else { [&answer, &pushed] };
        assert_eq!(order.map(|change| room.apply(change)), [Applied::Next, Applied::Seen]);
    }
    assert_eq!(room.nonces(), ["n-1", "n-2"]);
    assert_eq!(room.shown(), fresh(&alice, &goal).await);
}

#[tokio::test]
async fn race_19_the_same_nonce_with_another_body() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let first = post(&alice, &goal, "un", "n").await.json();
    let top = number(&first["revision"]);
    let refused = post(&alice, &goal, "deux", "n").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let reply = [("content", "un"), ("client_nonce", "n"), ("reply_to", &first["message"]["id"].to_string())];
    assert_eq!(alice.post(&goal.path(), &reply).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = bob.fetch(&goal, "").await;
    assert_eq!((number(&page["revision"]), &page["messages"][1]), (top, &first["message"]), "nothing changed");
    // An edit is no other body: the retry of what was sent still finds it, and answers what stands there now.
    let edited = alice.post(&format!("/message/{}/edit", first["message"]["id"]), &[("content", "trois")]).await;
    let again = post(&alice, &goal, "un", "n").await;
    assert_eq!((again.status, again.text), (StatusCode::OK, edited.text));
}

#[tokio::test]
async fn race_20_the_retry_of_a_message_deleted_meanwhile() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let sent = post(&alice, &goal, "oups", "n").await.json();
    let deleted = alice.post(&format!("/message/{}/delete", sent["message"]["id"]), &[]).await;
    let again = post(&alice, &goal, "oups", "n").await;
    assert_eq!((again.status, &again.text), (StatusCode::OK, &deleted.text), "the tombstone, not a new message");
    assert_eq!(again.json()["message"]["deleted"], true);
    let room = Reducer::load(&bob, &goal).await;
    assert_eq!(room.nonces(), ["n"]);
}
