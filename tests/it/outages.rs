//! The race catalogue, second half: who was away, cut off, thrown out or asleep. A name begins with the race's number.

use crate::ear::{
    Ear, Socket, Sse, both, deaf_sse, long_poll, mark, query_for, room_topic, status, ticket, topics, user_topic,
};
use crate::harness::{Browser, Goal, Town, within};
use crate::races::{flood, put, settled};
use crate::reducer::{Applied, Reducer, fresh, talk};
use palabre::db::{Lane, Writer};
use palabre::error::Result;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::io::AsyncReadExt;

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("no number: {value}"))
}

async fn edit(browser: &Browser, message: &Value, content: &str) -> Value {
    let answer = browser.post(&format!("/message/{}/edit", message["id"]), &[("content", content)]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

async fn delete(browser: &Browser, message: &Value) -> Value {
    let answer = browser.post(&format!("/message/{}/delete", message["id"]), &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

/// The client comes back: everything is there, as a page that knows nothing would show it.
async fn converges(room: &mut Reducer, browser: &Browser, goal: &Goal) {
    room.catch_up(browser, goal).await;
    assert_eq!(room.shown(), fresh(browser, goal).await);
}

#[tokio::test]
async fn race_07_a_half_dead_link_is_found_by_the_heartbeat() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let mut room = Reducer::load(&bob, &goal).await;
    let query = query_for(&bob, &goal).await;
    let mut sse = Sse::open(&bob, &format!("{query}&heartbeat=1")).await;
    let first = sse.next().await.unwrap();
    assert_eq!((first.kind.as_str(), number(&first.json()[room_topic(&goal)])), ("heartbeat", room.revision));
    let sent = alice.says(&goal, "perdu en route").await;
    // Everything but the signs of life is lost on this link, which never closes.
    let top = loop {
        let heard = sse.next().await.unwrap();
        if heard.kind == "heartbeat" {
            break number(&heard.json()[room_topic(&goal)]);
        }
    };
    assert_eq!(top, number(&sent["revision"]));
    assert!(room.is_behind(top));
    converges(&mut room, &bob, &goal).await;
    assert!(!room.is_behind(top));
}

#[tokio::test]
async fn race_07_a_hole_is_held_and_fetched() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let mut room = Reducer::load(&bob, &goal).await;
    let [one, two, three] = [alice.says(&goal, "1").await, alice.says(&goal, "2").await, alice.says(&goal, "3").await];
    assert_eq!([&one, &three].map(|change| room.apply(change)), [Applied::Next, Applied::Hole]);
    assert_eq!(room.messages.len(), 1, "held, not shown");
    let page = bob.fetch(&goal, &format!("since={}", room.revision)).await;
    assert_eq!(number(&page["count"]), 2);
    room.apply_page(&page);
    assert_eq!(room.apply(&two), Applied::Seen);
    assert_eq!(room.shown(), fresh(&bob, &goal).await);
}

#[tokio::test]
async fn race_08_a_slow_reader_is_cut_and_harms_nobody() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let hub = town.app.live.bell.hub().unwrap().clone();
    let mut room = Reducer::load(&bob, &goal).await;
    let query = query_for(&bob, &goal).await;
    let mut deaf = deaf_sse(&bob, &query).await;
    let mut quick = Ear::Sse(Sse::open(&alice, &query_for(&alice, &goal).await).await);
    assert_eq!(hub.subscribers(), 2);
    let text = "👩‍🚀名".repeat(2_500);
    let mut sent = 0;
    while hub.subscribers() == 2 {
        let change = alice.says(&goal, &text).await;
        assert_eq!(quick.next_change().await.unwrap().json()["revision"], change["revision"]);
        sent += 1;
        assert!(sent < 400, "so much does not wait for one who does not read");
    }
    alice.says(&goal, "après").await;
    assert!(quick.next_change().await.is_some(), "the other hears on");
    // What had been sent is whole; then the stream ends.
    let mut rest = Vec::new();
    let _ = within("the cut stream ends", deaf.read_to_end(&mut rest)).await;
    assert!(!String::from_utf8_lossy(&rest).contains("après"));
    converges(&mut room, &bob, &goal).await;
    assert_eq!(room.messages.len(), sent + 1);
}

#[tokio::test]
async fn race_09_a_gap_larger_than_a_page() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let mut room = Reducer::load(&bob, &goal).await;
    flood(&town, &alice, &goal, 250).await;
    let first = bob.fetch(&goal, &format!("since={}", room.revision)).await;
    assert_eq!((number(&first["count"]), first["has_more"].clone()), (50, true.into()));
    assert_eq!(number(&first["revision"]), room.revision + 50, "the cursor to continue from");
    // Edits while it reads: a message moves behind the cursor, and is not lost.
    room.apply_page(&first);
    edit(&alice, &first["messages"][49], "edited").await;
    let later = bob.fetch(&goal, &format!("since={}&limit=100", room.revision)).await;
    edit(&alice, &later["messages"][0], "edited too").await;
    delete(&alice, &later["messages"][99]).await;
    room.apply_page(&later);
    converges(&mut room, &bob, &goal).await;
    assert_eq!(room.messages.len(), 250);
    // Too much is asked: what is given has a bound.
    assert!(number(&bob.fetch(&goal, "since=0&limit=100000").await["count"]) <= 100);
}

#[tokio::test]
async fn race_10_edits_and_deletions_while_offline() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let mut sent = Vec::new();
    for n in 0..4 {
        sent.push(alice.says(&goal, &format!("m{n}")).await["message"].clone());
    }
    let mut room = Reducer::load(&bob, &goal).await;
    edit(&alice, &sent[0], "m0 encore").await;
    edit(&alice, &sent[0], "m0 enfin").await;
    delete(&alice, &sent[1]).await;
    edit(&alice, &sent[2], "m2 avant la fin").await;
    delete(&alice, &sent[2]).await;
    let page = bob.fetch(&goal, &format!("since={}", room.revision)).await;
    assert_eq!(number(&page["count"]), 3, "each as it is now, once");
    converges(&mut room, &bob, &goal).await;
    let contents: Vec<_> = sent.iter().map(|old| room.messages[&number(&old["id"])]["content"].clone()).collect();
    assert_eq!(contents, ["m0 enfin", "", "", "m3"]);
    let raw = bob.get(&format!("{}/fetch?since=0", goal.path())).await.text;
    assert!(!raw.contains("m1") && !raw.contains("avant la fin"), "a tombstone keeps nothing of what was said");
}

#[tokio::test]
async fn race_11_the_deletion_of_a_message_never_seen() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let mut room = Reducer::load(&bob, &goal).await;
    let mut ear = both(&bob, &query_for(&bob, &goal).await).await.into_iter().next().unwrap();
    let sent = alice.says(&goal, "jamais vu").await;
    let gone = delete(&alice, &sent["message"]).await;
    ear.next_change().await.unwrap(); // Lost on the way.
    assert_eq!(room.apply(&ear.next_change().await.unwrap().json()), Applied::Hole);
    converges(&mut room, &bob, &goal).await;
    assert_eq!(room.messages[&number(&sent["message"]["id"])], gone["message"]);
    // Both came, in the wrong order.
    let mut other = Reducer::at(&room.epoch, number(&sent["revision"]) - 1);
    assert_eq!([&gone, &sent].map(|change| other.apply(change)), [Applied::Hole, Applied::Next]);
    assert_eq!(other.messages[&number(&sent["message"]["id"])], gone["message"]);
}

#[tokio::test]
async fn race_12_killed_between_commit_and_publish() {
    let town = Town::start().await;
    let (alice, mut bob, goal) = settled(&town).await;
    let mut room = Reducer::load(&bob, &goal).await;
    let mut ear = Ear::Sse(Sse::open(&bob, &query_for(&bob, &goal).await).await);
    // Committed, and nobody is told.
    let (app, author) = (town.app.clone(), alice.clone());
    let job = move |tx: &mut Writer<'_>| -> Result<()> { put(tx, &app, &author, &goal, "tu").map(drop) };
    town.app.db.write(Lane::Room(goal.room), job).await.unwrap();
    mark(&town.app, &bob);
    assert_eq!(ear.until_mark().await, []);
    let town = town.restart().await;
    bob.moves_to(&town);
    let query = format!("{}&heartbeat=1", query_for(&bob, &goal).await);
    for mut ear in both(&bob, &query).await {
        let beat = ear.next().await.unwrap();
        assert!(room.is_behind(number(&beat.json()[room_topic(&goal)])), "the first sign of life tells it");
    }
    converges(&mut room, &bob, &goal).await;
    assert_eq!(room.messages.len(), 1);
}

#[tokio::test]
async fn race_12_a_later_message_reveals_what_was_never_told() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let mut room = Reducer::load(&bob, &goal).await;
    let mut ear = Ear::Sse(Sse::open(&bob, &query_for(&bob, &goal).await).await);
    let (app, author) = (town.app.clone(), alice.clone());
    let job = move |tx: &mut Writer<'_>| -> Result<()> { put(tx, &app, &author, &goal, "tu").map(drop) };
    town.app.db.write(Lane::Room(goal.room), job).await.unwrap();
    alice.says(&goal, "dit").await;
    assert_eq!(room.apply(&ear.next_change().await.unwrap().json()), Applied::Hole, "rung all the same");
    converges(&mut room, &bob, &goal).await;
    assert_eq!(room.messages.len(), 2);
}

#[tokio::test]
async fn race_14_membership_revoked_while_connected() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let query = query_for(&bob, &goal).await;
    let mut ears = both(&bob, &query).await;
    let since = number(&bob.fetch(&goal, "").await["revision"]);
    let poll = long_poll(&bob, &goal, since);
    let removed = alice.post(&goal.participation(&bob, "remove"), &[]).await;
    assert_eq!(removed.status, StatusCode::OK, "{}", removed.text);
    alice.says(&goal, "entre nous").await;
    let (answered, text) = poll.await.unwrap();
    assert_eq!(answered, StatusCode::NOT_FOUND, "{text}");
    for ear in &mut ears {
        let heard = ear.rest().await;
        assert!(heard.iter().all(|heard| heard.kind == "user"), "{heard:?}");
    }
    for path in [format!("{}/fetch?since={since}", goal.path()), goal.path()] {
        assert_eq!(bob.get(&path).await.status, StatusCode::NOT_FOUND);
    }
    let send = bob.post(&goal.path(), &[("content", "encore moi"), ("client_nonce", "n")]).await;
    assert_eq!(send.status, StatusCode::NOT_FOUND);
    assert_eq!(status(&bob, &query, &[]).await, StatusCode::UNAUTHORIZED);
    // Asked and let in again, everything opens again.
    town.pass(1);
    goal.lets_in(&alice, &bob).await;
    let mut ear = Ear::Sse(Sse::open(&bob, &query_for(&bob, &goal).await).await);
    alice.says(&goal, "de retour").await;
    assert_eq!(ear.next_change().await.unwrap().json()["message"]["content"], "de retour");
    converges(&mut Reducer::default(), &bob, &goal).await;
}

#[tokio::test]
async fn race_14_who_leaves_hears_no_more() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let ears = both(&bob, &query_for(&bob, &goal).await).await;
    assert_eq!(bob.post(&format!("/goal/{}/leave", goal.id), &[]).await.status, StatusCode::OK);
    alice.says(&goal, "parti").await;
    for mut ear in ears {
        assert!(ear.rest().await.iter().all(|heard| heard.kind == "user"));
    }
}

#[tokio::test]
async fn race_15_the_clock_goes_backwards() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let mut ear = Ear::Sse(Sse::open(&bob, &query_for(&bob, &goal).await).await);
    let mut room = Reducer::load(&bob, &goal).await;
    let mut sent = Vec::new();
    for (n, step) in [0, -3_600, 7_200, -1, -86_400, 5].into_iter().enumerate() {
        town.pass(step);
        sent.push(number(&alice.says(&goal, &format!("m{n}")).await["message"]["id"]));
        assert_eq!(room.apply(&ear.next_change().await.unwrap().json()), Applied::Next);
    }
    let shown = fresh(&bob, &goal).await;
    let ids: Vec<_> = talk(&bob, &goal).await.iter().map(|message| number(&message["id"])).collect();
    assert_eq!(ids, sent, "in the order of sending");
    assert_eq!(room.shown(), shown);
    assert_eq!(alice.fetch(&goal, "since=0").await["count"], 6 + 1, "and what the room said");
}

#[tokio::test]
async fn race_17_everybody_returns_at_once_after_a_restart() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let carol = town.person("Carol").await;
    let dan = town.person("Dan").await;
    goal.lets_in(&alice, &carol).await;
    goal.lets_in(&alice, &dan).await;
    let mut people = [alice, bob, carol, dan];
    let start = Reducer::load(&people[0], &goal).await;
    let mut clients = Vec::new();
    for person in &people {
        let query = query_for(person, &goal).await;
        for _ in 0..25 {
            clients.extend(both(person, &query).await.map(|ear| (ear, start.clone())));
        }
    }
    assert_eq!(town.app.live.bell.hub().unwrap().subscribers(), 200);
    let sent = people[0].says(&goal, "avant").await;
    for (ear, room) in &mut clients {
        assert_eq!(room.apply(&ear.next_change().await.unwrap().json()), Applied::Next);
        assert_eq!(room.revision, number(&sent["revision"]));
    }
    let town = town.restart().await;
    for person in &mut people {
        person.moves_to(&town);
    }
    // The first message of the new server comes while all the others are still on their way.
    let expected = number(&sent["revision"]) + 1;
    let speaks = async { people[0].says(&goal, "après").await };
    let returns = clients.into_iter().enumerate().map(|(index, (mut old, mut room))| {
        let person = people[index / 50].clone();
        async move {
            while old.next().await.is_some() {}
            let query = query_for(&person, &goal).await;
            let mut ear = match old {
                Ear::Sse(_) => Ear::Sse(Sse::open(&person, &query).await),
                Ear::Socket(_) => Ear::Socket(Socket::open(&person, &query).await),
            };
            room.catch_up(&person, &goal).await;
            while room.revision < expected {
                room.apply(&ear.next_change().await.unwrap().json());
            }
            (ear, room)
        }
    });
    let (_, clients) =
        within("all are back", async { tokio::join!(speaks, futures_util::future::join_all(returns)) }).await;
    let shown = fresh(&people[0], &goal).await;
    assert_eq!(talk(&people[0], &goal).await.len(), 2);
    assert!(clients.iter().all(|(_, room)| room.shown() == shown));
}

#[tokio::test]
async fn race_18_a_tab_that_slept_for_hours() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let query = query_for(&bob, &goal).await;
    let first = alice.says(&goal, "avant le sommeil").await;
    let mut room = Reducer::load(&bob, &goal).await;
    let last = format!("urn:chatroom:{}:{}:{}", goal.room, room.epoch, first["revision"]);
    // More than a page holds.
    flood(&town, &alice, &goal, 2_101).await;
    edit(&alice, &first["message"], "pendant le sommeil").await;
    let sse = Sse::open(&bob, &format!("{query}&last_event_id={last}")).await;
    assert_eq!(sse.header("mercure-last-event-id"), "earliest", "the hub says that it has kept nothing since");
    drop(sse);
    town.pass(2 * 3_600);
    assert_eq!(status(&bob, &query, &[]).await, StatusCode::UNAUTHORIZED, "the token has expired");
    ticket(&bob).await;
    let mut ear = Ear::Sse(Sse::open(&bob, &topics(&[&room_topic(&goal), &user_topic(&bob)])).await);
    converges(&mut room, &bob, &goal).await;
    assert_eq!(room.messages.len(), 2_102);
    assert_eq!(room.messages[&number(&first["message"]["id"])]["content"], "pendant le sommeil");
    let live = alice.says(&goal, "bonjour").await;
    assert_eq!(room.apply(&ear.next_change().await.unwrap().json()), Applied::Next);
    assert_eq!(room.revision, number(&live["revision"]));
    // A cursor from another history, or from a future that was lost, starts over.
    for cursor in [format!("since={}&epoch=another", room.revision), format!("since={}", room.revision + 1)] {
        let page = bob.fetch(&goal, &format!("{cursor}&wait=25")).await;
        assert_eq!((&page["reset"], number(&page["count"])), (&true.into(), 50), "{cursor}");
    }
}
