//! Receipts: who has seen what, told on every way, to those who share theirs, and at nobody's cost who writes.

use crate::ear::{Ear, Socket, Sse, both, mark, room_topic, ticket, topics, user_topic};
use crate::harness::{Browser, Goal, Town, within};
use crate::message::{id, two};
use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

/// Where a room's receipts are told.
fn reads_topic(goal: &Goal) -> String {
    format!("{}/reads", room_topic(goal))
}

async fn reads(who: &Browser, sent: &Value) {
    let answer = who.post(&format!("/message/{}/mark-read", id(sent)), &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

async fn shows_reads(who: &Browser, on: &str) {
    let answer = who.post("/settings/reads", &[("shows_reads", on)]).await;
    assert_eq!((answer.status, &answer.json()["shows_presence"]), (StatusCode::OK, &json!(true)), "{}", answer.text);
}

/// Everybody's receipts, as a poll that knows none is told.
async fn marks(who: &Browser, goal: &Goal) -> Vec<(i64, Value)> {
    let page = who.fetch(goal, "reads=999999").await;
    let marks = page["marks"].as_array().cloned().unwrap_or_default();
    marks.iter().map(|mark| (mark["user"].as_i64().unwrap(), mark["position"].clone())).collect()
}

#[tokio::test]
async fn a_watermark_is_told_by_poll_and_push_and_moves_no_revision() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let sent = alice.says(&goal, "Lis-moi").await;
    ticket(&alice).await;
    let ears = both(&alice, &topics(&[&reads_topic(&goal)])).await;
    let before = alice.fetch(&goal, "reads=0").await;
    town.pass(60);
    reads(&bob, &sent).await;
    for mut ear in ears {
        let heard = ear.next().await.unwrap();
        assert_eq!(heard.kind, "reads");
        let position = &sent["message"]["position"];
        let from = heard.json()["marks"][0]["from"].clone();
        let told = json!({ "user": bob.id, "position": position, "from": from, "at": "2026-03-01T12:01:00Z" });
        assert_eq!(heard.json(), json!({ "chatroom": goal.room, "reads": 1, "since": 0, "marks": [told] }));
    }
    let since = &before["revision"];
    let after = alice.fetch(&goal, &format!("since={since}&reads={}", before["reads"])).await;
    assert_eq!((&after["revision"], &after["reads"], &after["count"]), (since, &json!(1), &json!(0)));
    assert_eq!(after["marks"][0]["user"], bob.id);
    let seen = alice.get(&format!("/message/{}/reads", id(&sent))).await.json();
    assert_eq!(seen["reads"], json!([{ "user": bob.id, "at": "2026-03-01T12:01:00Z" }]));
    // Who does not ask is not told.
    let plain = alice.fetch(&goal, &format!("since={since}")).await;
    assert!(plain.get("marks").is_none() && plain.get("reads").is_none(), "{plain}");
}

#[tokio::test]
async fn the_time_of_a_receipt_is_the_one_at_which_the_message_was_reached() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let mut sent = Vec::new();
    for text in ["un", "deux", "trois"] {
        sent.push(alice.says(&goal, text).await);
    }
    town.pass(60);
    reads(&bob, &sent[1]).await;
    town.pass(60);
    reads(&bob, &sent[2]).await;
    // Back in the history, and the same once more: no advance.
    reads(&bob, &sent[0]).await;
    reads(&bob, &sent[2]).await;
    let mut times = Vec::new();
    for message in &sent {
        times.push(alice.get(&format!("/message/{}/reads", id(message))).await.json()["reads"][0]["at"].clone());
    }
    assert_eq!(times, [json!("2026-03-01T12:01:00Z"), json!("2026-03-01T12:01:00Z"), json!("2026-03-01T12:02:00Z")]);
}

#[tokio::test]
async fn an_empty_poll_with_all_counters_touches_no_database() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let sent = alice.says(&goal, "Salut").await;
    let page = bob.fetch(&goal, "reads=0&typing=0").await;
    let path = |page: &Value| {
        let [revision, reads, typing] = ["revision", "reads", "typing"].map(|name| page[name].to_string());
        format!("{}/fetch?since={revision}&reads={reads}&typing={typing}", goal.path())
    };
    let first = bob.get(&path(&page)).await;
    let before = town.app.db.statements();
    let second = bob.get(&path(&page)).await;
    let known = bob.get_with(&path(&page), &[("if-none-match", second.header("etag"))]).await;
    assert_eq!(town.app.db.statements(), before, "an empty poll executes no statement");
    assert_eq!((first.text, known.status), (second.text.clone(), StatusCode::NOT_MODIFIED));
    // Each counter makes another tag: receipts, typing, what one hides.
    let mut tag = second.header("etag").to_owned();
    let mut page = second.json();
    let changes: [(&Browser, String); 3] = [
        (&alice, format!("/message/{}/mark-read", id(&sent))),
        (&alice, format!("/presence/typing/{}", goal.room)),
        (&bob, format!("/message/{}/hide", id(&sent))),
    ];
    for (who, change) in changes {
        assert_eq!(who.post(&change, &[]).await.status, StatusCode::OK, "{change}");
        let news = bob.get_with(&path(&page), &[("if-none-match", &tag)]).await;
        assert_eq!(news.status, StatusCode::OK, "{change}");
        assert_ne!(news.header("etag"), tag, "{change}");
        tag = news.header("etag").to_owned();
        page = news.json();
    }
    assert_eq!(page["typists"], json!([alice.id]));
}

#[tokio::test]
async fn a_waiting_poll_is_answered_by_a_receipt_and_by_typing() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let sent = alice.says(&goal, "Salut").await;
    let page = alice.fetch(&goal, "").await;
    let wait = |counters: &'static str| {
        let (alice, query) = (alice.clone(), format!("since={}&wait=30&{counters}", page["revision"]));
        tokio::spawn(async move { alice.fetch(&goal, &query).await })
    };
    let (by_receipt, by_typing) = (wait("reads=0"), wait("typing=0"));
    tokio::task::yield_now().await;
    let started = std::time::Instant::now();
    reads(&bob, &sent).await;
    let told = within("the poll is answered", by_receipt).await.unwrap();
    assert_eq!(told["marks"][0]["user"], bob.id, "{told}");
    bob.post(&format!("/presence/typing/{}", goal.room), &[("on", "true")]).await;
    let told = within("the poll is answered", by_typing).await.unwrap();
    assert_eq!(told["typists"], json!([bob.id]));
    assert!(started.elapsed().as_secs() < 15, "long before the wait is over");
}

/// CVE-2023-48732: what a live link carries is decided for each who listens. Who does not show receipts is in nobody's list,
/// and gets nobody's: not in the page, not by poll, not by push.
#[tokio::test]
async fn who_shows_no_receipts_is_not_seen_and_sees_none() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let carol = town.person("Carol").await;
    goal.lets_in(&alice, &carol).await;
    let sent = alice.says(&goal, "Lis-moi").await;
    reads(&bob, &sent).await;
    let position = sent["message"]["position"].clone();
    ticket(&alice).await;
    let mut hers = Ear::Socket(Socket::open(&alice, &topics(&[&reads_topic(&goal), &user_topic(&alice)])).await);
    shows_reads(&bob, "false").await;
    let told = hers.next().await.unwrap().json();
    assert_eq!(told["marks"], json!([{ "user": bob.id, "position": null }]), "what was shown is taken back");
    assert_eq!(marks(&alice, &goal).await.iter().find(|(user, _)| *user == bob.id), Some(&(bob.id, Value::Null)));
    assert!(!alice.page(&goal.path()).await.text.contains(&format!("&quot;user&quot;:{}", bob.id)));
    let again = alice.says(&goal, "Et moi ?").await;
    reads(&bob, &again).await;
    mark(&town.app, &alice);
    assert_eq!(hers.until_mark().await, [], "he reads on in silence");
    let seen = async |who: &Browser| who.get(&format!("/message/{}/reads", id(&sent))).await.json()["reads"].clone();
    assert_eq!(seen(&alice).await, json!([]));
    // And what Carol reads is not for Bob, whichever way he asks.
    town.pass(1);
    ticket(&bob).await;
    let mut his = both(&bob, &topics(&[&reads_topic(&goal), &user_topic(&bob)])).await;
    reads(&carol, &sent).await;
    assert_eq!(hers.next().await.unwrap().json()["marks"][0]["user"], carol.id);
    mark(&town.app, &bob);
    for ear in &mut his {
        assert_eq!(ear.until_mark().await, []);
    }
    let polled = bob.fetch(&goal, "reads=0").await;
    assert!(polled.get("marks").is_none() && polled.get("reads").is_none(), "{polled}");
    assert!(bob.page(&goal.path()).await.text.contains("data-marks=\"[]\""));
    assert_eq!(seen(&bob).await, json!([]));
    assert_eq!(seen(&alice).await[0]["user"], carol.id);
    // Shown again: what was read meanwhile stays untold, what is read from now on is told.
    shows_reads(&bob, "true").await;
    assert_eq!(marks(&alice, &goal).await.iter().find(|(user, _)| *user == bob.id), Some(&(bob.id, position)));
}

#[tokio::test]
async fn only_present_members_have_marks_and_a_newcomer_has_read_nothing() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let sent = alice.says(&goal, "Avant Carol").await;
    reads(&bob, &sent).await;
    let carol = town.person("Carol").await;
    goal.lets_in(&alice, &carol).await;
    let later = alice.says(&goal, "Bonjour Carol").await;
    reads(&carol, &later).await;
    let before = alice.get(&format!("/message/{}/reads", id(&sent))).await.json();
    assert_eq!(
        before["reads"].as_array().unwrap().len(),
        1,
        "what was said before she came, she has not seen: {before}"
    );
    let stranger = town.person("Dan").await;
    ticket(&stranger).await;
    let mut ear = Sse::open(&stranger, &topics(&[&reads_topic(&goal), &user_topic(&stranger)])).await;
    bob.post(&format!("/goal/{}/leave", goal.id), &[]).await;
    let users: Vec<i64> = marks(&alice, &goal).await.into_iter().map(|(user, _)| user).collect();
    assert_eq!(users, [alice.id, carol.id]);
    mark(&town.app, &stranger);
    assert_eq!(ear.next().await.unwrap().kind, "mark", "a stranger hears of no receipt");
}

/// Fifty readers at once: one event tells of many, no revision moves, and the statements are so many for each reader, never a
/// multiple of the messages or of the members.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_readers_cost_the_room_nothing() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let mut readers = vec![bob];
    for n in 1..50 {
        let reader = town.person(&format!("Reader{n}")).await;
        goal.lets_in(&alice, &reader).await;
        readers.push(reader);
    }
    for n in 0..20 {
        alice.says(&goal, &format!("n° {n}")).await;
    }
    let sent = alice.says(&goal, "Lisez-moi tous").await;
    let revision = sent["revision"].as_i64().unwrap();
    // What a reader knows of itself is asked once.
    join_all(readers.iter().map(|reader| reader.fetch(&goal, "reads=0"))).await;
    ticket(&alice).await;
    let mut ear = Ear::Socket(Socket::open(&alice, &topics(&[&reads_topic(&goal)])).await);
    let before = town.app.db.statements();
    let (_, during) =
        tokio::join!(join_all(readers.iter().map(|reader| reads(reader, &sent))), alice.says(&goal, "Et moi ?"));
    let statements = town.app.db.statements() - before;
    assert_eq!(during["revision"], revision + 1, "fifty readers took no revision");
    // Two to find the message, two to write; then the send, and one statement and one event a batch.
    assert!(statements <= 50 * 4 + 50 + 30, "{statements} statements for fifty readers");
    let (mut told, mut events) = (0, 0);
    while told < 50 {
        told += ear.next().await.unwrap().json()["marks"].as_array().unwrap().len();
        events += 1;
    }
    assert!(events <= 50);
    assert_eq!(alice.fetch(&goal, "").await["revision"], revision + 1);
}

/// On PostgreSQL: somebody writes in the room and has not committed; who reads does not wait for that, and the other way
/// round the room's row is never touched.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_waits_for_no_sender() {
    let town = Town::start().await;
    if !town.database.is_postgres() {
        return;
    }
    let (alice, bob, goal) = two(&town).await;
    let sent = alice.says(&goal, "Lis-moi").await;
    let (url, room) = (town.database.url.clone(), goal.room);
    let (held, is_held) = tokio::sync::oneshot::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let sender = std::thread::spawn(move || {
        let mut db = postgres::Client::connect(&url, postgres::NoTls).unwrap();
        db.batch_execute(&format!("begin; update chatroom set revision = revision + 1 where id = {room}")).unwrap();
        held.send(()).unwrap();
        released.recv().unwrap();
        db.batch_execute("rollback").unwrap();
    });
    is_held.await.unwrap();
    reads(&bob, &sent).await;
    release.send(()).unwrap();
    sender.join().unwrap();
    assert_eq!(alice.fetch(&goal, "").await["revision"], sent["revision"]);
}

#[tokio::test]
async fn marked_as_unread_it_is_unread_everywhere_and_the_receipt_stays() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let first = alice.says(&goal, "un").await;
    let second = alice.says(&goal, "deux").await;
    reads(&bob, &second).await;
    let desk = bob.second_browser().await;
    ticket(&desk).await;
    let mut ear = Ear::Sse(Sse::open(&desk, &topics(&[&user_topic(&desk)])).await);
    let answer = bob.post(&format!("/message/{}/mark-unread", id(&first)), &[]).await.json();
    let position = first["message"]["position"].as_i64().unwrap();
    assert_eq!(answer, json!({ "room": goal.room, "position": position - 1 }));
    let heard = ear.next().await.unwrap().json();
    assert_eq!(heard["event"], json!({ "kind": "unread", "chatroom": goal.room, "position": position }));
    let unread = async |who: &Browser| who.get("/user/fetch").await.json()["rooms"][0]["unread"].clone();
    assert_eq!((unread(&bob).await, unread(&desk).await), (json!(2), json!(2)));
    let seen = alice.get(&format!("/message/{}/reads", id(&second))).await.json();
    assert_eq!(seen["reads"][0]["user"], bob.id, "what the others were told is not taken back");
    reads(&bob, &second).await;
    assert_eq!(unread(&desk).await, json!(0));
    let again = bob.submit(&format!("/message/{}/mark-unread", id(&second)), &[]).await;
    assert_eq!(again.location(), goal.path(), "without JavaScript too");
}

/// Counts are of what others wrote: not one's own, nothing that is deleted, no word of the room itself; a mention counts for
/// whom it names; a muted room counts nothing.
#[tokio::test]
async fn what_counts_as_unread() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let counts = async || {
        let room = bob.get("/user/fetch").await.json()["rooms"][0].clone();
        (room["unread"].clone(), room["mentions"].clone(), room["muted"].clone())
    };
    bob.says(&goal, "La mienne").await;
    assert_eq!(counts().await, (json!(0), json!(0), json!(false)));
    let named = id(&alice.says(&goal, "Bob, tu viens ?").await);
    let plain = alice.says(&goal, "Bon").await;
    let (user, room) = (bob.id, goal.room);
    write(&town, move |tx| {
        tx.execute(
            palabre::sql!(
                "insert into message_mention (message_id, user_id, chatroom_id, position) select id, $2, $3, position from message where id = $1"
            ),
            palabre::params![named, user, room],
        )
    })
    .await;
    assert_eq!(counts().await, (json!(2), json!(1), json!(false)));
    alice.post(&format!("/message/{}/delete", id(&plain)), &[]).await;
    assert_eq!(counts().await, (json!(1), json!(1), json!(false)));
    let level = async |level: &'static str| {
        write(&town, move |tx| {
            tx.execute(
                palabre::sql!("update chatroom_member set notification_level = $2 where user_id = $1"),
                palabre::params![user, level],
            )
        })
        .await;
    };
    level("none").await;
    assert_eq!(counts().await, (json!(0), json!(0), json!(true)));
    level("mentions").await;
    assert_eq!(counts().await, (json!(1), json!(1), json!(false)));
    write(&town, move |tx| {
        tx.execute(palabre::sql!("update message set kind = 'system' where id = $1"), palabre::params![named])
    })
    .await;
    assert_eq!(counts().await.0, json!(0), "what the room says of itself is no news");
}

async fn write(
    town: &Town,
    job: impl FnMut(&mut palabre::db::Writer<'_>) -> Result<u64, palabre::db::DbError> + Send + 'static,
) {
    town.app.db.write(palabre::db::Lane::None, job).await.unwrap();
}

#[tokio::test]
async fn receipts_outlive_a_restart() {
    let town = Town::start().await;
    let (mut alice, bob, goal) = two(&town).await;
    let sent = alice.says(&goal, "Lis-moi").await;
    reads(&bob, &sent).await;
    let before = (alice.fetch(&goal, "reads=0").await["reads"].clone(), marks(&alice, &goal).await);
    let town = town.restart().await;
    alice.moves_to(&town);
    let after = (alice.fetch(&goal, "reads=0").await["reads"].clone(), marks(&alice, &goal).await);
    assert_eq!(after, before);
    assert_eq!(before.0, json!(1));
}

#[tokio::test]
async fn the_choice_is_a_page_that_works_without_scripts() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let page = alice.page("/settings/reads").await;
    assert!(page.text.contains("name=\"shows_reads\" value=\"true\" checked"), "{}", page.text);
    let form = [("shows_reads", "false"), ("shows_presence", "true"), ("back", "/settings/reads?notice=sharing")];
    let saved = alice.submit("/settings/reads", &form).await;
    let page = alice.page(saved.location()).await.text;
    assert!(page.contains("name=\"shows_reads\" value=\"false\" checked") && page.contains("Votre choix"), "{page}");
    for (field, word) in [("shows_reads", "peut-être"), ("shows_presence", "non")] {
        let refused = alice.post("/settings/reads", &[(field, word)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}
