//! What chats of this kind get wrong (the list is numbered; the other numbers stand above the tests of their nouns), and what others were broken by.

use crate::ear;
use crate::harness::{Browser, Goal, Town};
use crate::message::{id, two};
use palabre::db::Lane;
use palabre::{params, sql};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Known ways of getting this wrong, 2: two send paths, one of which forgets a rule. A program, a page with JavaScript and a form
/// without it meet the same rules and leave the same row.
#[tokio::test]
async fn however_a_message_is_sent_the_same_rules_hold() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let boundary = "limite";
    let parts = |content: &str, nonce: &str| {
        [("content", content), ("client_nonce", nonce)]
            .map(|(name, value)| {
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
            })
            .concat()
            + &format!("--{boundary}--\r\n")
    };
    let in_parts = [("content-type", "multipart/form-data; boundary=limite")];
    let long = "x".repeat(10_001);
    let cases = [("Salut **toi**", true), ("   ", false), (long.as_str(), false)];
    for (content, is_taken) in cases {
        let before = alice.fetch(&goal, "").await["revision"].as_i64().unwrap();
        let program = bob.post(&goal.path(), &[("content", content), ("client_nonce", "programme")]).await;
        let script = bob.request(Method::POST, &goal.path(), &in_parts, parts(content, "script")).await;
        let page = bob.submit(&goal.path(), &[("content", content), ("client_nonce", "page")]).await;
        let (good, bad) = ([201, 201, 303], [422, 422, 422]);
        let statuses = [program.status, script.status(), page.status].map(|status| status.as_u16());
        assert_eq!(statuses, if is_taken { good } else { bad }, "{:.20}", content);
        let fetched = alice.fetch(&goal, &format!("since={before}")).await;
        let sent = fetched["messages"].as_array().unwrap();
        assert_eq!(sent.len(), if is_taken { 3 } else { 0 });
        let same = |message: &Value| (message["content"].clone(), message["excerpt"].clone(), message["kind"].clone());
        assert!(sent.iter().all(|message| same(message) == same(&sent[0])), "{fetched}");
    }
}

/// Known ways of getting this wrong, 8: removed from the goal, still in its sub-groups.
#[tokio::test]
async fn who_is_removed_from_a_goal_is_out_of_all_its_rooms() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let (goal_id, founder, member) = (goal.id, alice.id, bob.id);
    let insert = move |tx: &mut palabre::db::Writer<'_>| -> Result<i64, palabre::db::DbError> {
        let room: i64 = tx.one(
            sql!(
                "insert into chatroom (kind, goal_id, title, created_at) values ('group', $1, 'Ravitaillement', 0) returning id"
            ),
            params![goal_id],
            |row| row.get("id"),
        )?;
        for (person, role, revision) in [(founder, "owner", 0), (member, "member", 1)] {
            tx.execute(
                sql!(
                    "insert into chatroom_member (chatroom_id, user_id, role, revision, joined_at) values ($1, $2, $3, $4, 0)"
                ),
                params![room, person, role, revision],
            )?;
        }
        tx.execute(sql!("update chatroom set revision = 1 where id = $1"), params![room])?;
        Ok(room)
    };
    let group = Goal { id: goal.id, room: town.app.db.write(Lane::None, insert).await.unwrap() };
    bob.says(&group, "Qui porte l\u{2019}eau ?").await;
    assert_eq!(alice.post(&goal.participation(&bob, "remove"), &[]).await.status, StatusCode::OK);
    for room in [&goal, &group] {
        for path in [room.path(), format!("{}/fetch", room.path())] {
            assert_eq!(bob.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(bob.post(&room.path(), &[("content", "Encore")]).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(bob.get("/user/fetch").await.json()["rooms"], json!([]));
}

/// Known ways of getting this wrong, 9: a list of bad words, looked for inside of good ones.
#[tokio::test]
async fn nobodys_words_are_taken_for_others() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    for content in
        ["Le concert est annulé", "Scunthorpe, Penistone", "Le député dispute la coupe", "Classe de cocktail"]
    {
        assert_eq!(alice.says(&goal, content).await["message"]["content"], content);
    }
}

/// CVE-2026-100404 and its like: each change reaches those who are in its room, and nobody else, on both wires.
#[tokio::test]
async fn every_room_is_heard_by_its_own_people_only() {
    let town = Town::start().await;
    let (alice, bob, carol) = (town.person("Alice").await, town.person("Bob").await, town.person("Carol").await);
    let goals = [alice.founds("Marathon").await, bob.founds("Potager").await, carol.founds("Chorale").await];
    goals[0].lets_in(&alice, &bob).await;
    goals[1].lets_in(&bob, &carol).await;
    let inside: [[&Browser; 2]; 3] = [[&alice, &bob], [&bob, &carol], [&carol, &carol]];
    let all: Vec<String> = goals.iter().map(ear::room_topic).collect();
    for listener in [&alice, &bob, &carol] {
        ear::ticket(listener).await;
        let own = ear::user_topic(listener);
        let topics: Vec<&str> = all.iter().map(String::as_str).chain([own.as_str()]).collect();
        let ears = ear::both(listener, &ear::topics(&topics)).await;
        let mut expected = Vec::new();
        for (goal, people) in goals.iter().zip(inside) {
            let change = people[0].says(goal, "Ici").await;
            if people.iter().any(|person| person.id == listener.id) {
                expected.push(change);
            }
        }
        ear::mark(&town.app, listener);
        for mut ear in ears {
            let heard: Vec<Value> = ear.until_mark().await.iter().map(ear::Heard::json).collect();
            let changes: Vec<&Value> = heard.iter().filter(|heard| heard.get("message").is_some()).collect();
            assert_eq!(changes, expected.iter().collect::<Vec<_>>(), "{}", listener.name);
        }
    }
}

/// CVE-2021-32689 and its like: ids are never used again, so nobody inherits what was somebody else's.
#[tokio::test]
async fn who_comes_back_finds_no_right_of_before() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let message = id(&bob.says(&goal, "Je pars").await);
    assert_eq!(bob.post(&format!("/goal/{}/leave", goal.id), &[]).await.status, StatusCode::OK);
    assert_eq!(bob.post(&format!("/goal/{}/join", goal.id), &[]).await.status, StatusCode::OK);
    assert_eq!(bob.get(&goal.path()).await.status, StatusCode::NOT_FOUND, "who asks again waits like anybody");
    assert_eq!(bob.post(&format!("/message/{message}/delete"), &[]).await.status, StatusCode::NOT_FOUND);
    let next = alice.founds("Potager").await;
    assert!(next.id > goal.id && next.room > goal.room);
    let again = town.visitor();
    let form = [("email", "BOB@example.org"), ("password", "correct horse"), ("first_name", "B"), ("last_name", "B")];
    assert_eq!(again.post("/register", &form).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

/// GHSA-p2wq, GHSA-j4c3 and their like: a path without end is refused, and a body is never unpacked before it is measured.
#[tokio::test]
async fn what_is_too_much_is_refused_before_it_costs() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let before = alice.fetch(&goal, "since=0").await;
    let long = format!("/message/chatroom/{}", "9".repeat(60_000));
    let refused = alice.request(Method::GET, &long, &[], "").await.status();
    assert!(refused.is_client_error(), "{refused}");
    let packed = [("content-type", "application/x-www-form-urlencoded"), ("content-encoding", "gzip")];
    let body = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\xce\xcf\x2b\x49\xcd\x2b\xb1\x4d\x04\x00".to_vec();
    let refused = alice.request(Method::POST, &goal.path(), &packed, body).await.status();
    assert!(refused.is_client_error(), "{refused}");
    assert_eq!(alice.fetch(&goal, "since=0").await, before, "nothing was changed");
}
