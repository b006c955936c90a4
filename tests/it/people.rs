//! A room of thousands: its page shows some of its people and how many there are, all of them are found, and who is not listed is no
//! stranger.

use crate::ear::{both, mark, query_for};
use crate::harness::{Browser, Goal, Town, within};
use crate::message::id;
use palabre::chatroom::member::{self, History, Role};
use palabre::chatroom::people::{LISTED, LOOKED_AT};
use palabre::chatroom::reader::{self, KEPT};
use palabre::chatroom::receipt::{self, Advance, MARKS};
use palabre::db::{Lane, Writer};
use palabre::error::Result;
use palabre::id::{RoomId, UserId};
use palabre::{params, sql};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Lets so many people into a room, as the program does but for the requests; their numbers.
async fn crowd(town: &Town, goal: Goal, numbers: std::ops::Range<usize>) -> Vec<i64> {
    let (live, now) = (town.app.live.clone(), town.app.clock.now());
    let write = move |tx: &mut Writer<'_>| -> Result<Vec<i64>> {
        let mut users = Vec::new();
        for number in numbers.clone() {
            let user: UserId = tx.one(
                sql!(
                    r#"
                    insert into "user" (email, email_key, first_name, last_name, password_hash, locale, created_at)
                    values ($1, $1, $2, 'Dupont', '', 'fr', $3)
                    returning id
                    "#
                ),
                params![format!("p{number}@example.org"), format!("Zoé{number}"), now],
                |row| row.get("id"),
            )?;
            tx.execute(
                sql!(
                    r#"
                    insert into goal_participation (goal_id, user_id, role, status, asked_at, decided_at)
                    values ($1, $2, 'member', 'approved', $3, $3)
                    "#
                ),
                params![goal.id, user, now],
            )?;
            let state = member::join(tx, RoomId(goal.room), user, Role::Member, History::All, now)?;
            live.announce_member(tx, state)?;
            users.push(user.0);
        }
        let more = i64::try_from(users.len()).unwrap();
        tx.execute(sql!("update goal set member_count = member_count + $2 where id = $1"), params![goal.id, more])?;
        Ok(users)
    };
    town.app.db.write(Lane::Room(goal.room), write).await.unwrap()
}

/// Everybody of them has read up to a position, one after the other.
async fn read_up_to(town: &Town, goal: Goal, users: Vec<i64>, position: i64) {
    let (live, now) = (town.app.live.clone(), town.app.clock.now());
    let write = move |tx: &mut Writer<'_>| -> Result<()> {
        let room = RoomId(goal.room);
        for (at, user) in users.iter().enumerate() {
            let reads = live.aware.quiet.get(room).reads + 1;
            let at = now + i64::try_from(at).unwrap();
            receipt::advance(tx, &Advance { room, user: UserId(*user), position, is_shared: true, at }, reads)?;
            live.aware.quiet.change(room, |counts| counts.reads = reads);
        }
        Ok(())
    };
    town.app.db.write(Lane::Room(goal.room), write).await.unwrap();
}

fn people(page: &Value) -> Vec<i64> {
    page["members"].as_array().unwrap().iter().map(|member| member["user"]["id"].as_i64().unwrap()).collect()
}

async fn founded(town: &Town) -> (Browser, Browser, Goal) {
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let goal = alice.founds("Marathon").await;
    goal.lets_in(&alice, &bob).await;
    (alice, bob, goal)
}

#[tokio::test]
async fn s4_what_a_page_shows_does_not_grow_with_the_people_of_its_room() {
    let town = Town::start().await;
    let (alice, bob, goal) = founded(&town).await;
    let sent = id(&alice.says(&goal, "Salut").await);
    let paths = [
        (goal.path(), 260_000),
        (format!("{}/fetch?since=1&epoch=another&reads=0", goal.path()), 60_000),
        (format!("/goal/{}", goal.id), 120_000),
        (format!("{}/search", goal.path()), 60_000),
        (format!("/chatroom/{}/members?q=zoe", goal.room), 20_000),
        (format!("/message/{sent}/reads"), 20_000),
        (format!("/presence/{}?users={},{}", goal.room, alice.id, bob.id), 20_000),
    ];
    let measure = async || {
        let mut costs = Vec::new();
        for (path, _) in &paths {
            let accept = if path.contains('?') || path.ends_with("reads") { "application/json" } else { "text/html" };
            bob.get_with(path, &[("accept", accept)]).await;
            let before = town.app.db.statements();
            let answer = bob.get_with(path, &[("accept", accept)]).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
            costs.push((town.app.db.statements() - before, answer.text.len()));
        }
        costs
    };
    let some = crowd(&town, goal, 0..300).await;
    let position = alice.says(&goal, "Salut").await["revision"].as_i64().unwrap();
    read_up_to(&town, goal, some, position).await;
    let few = measure().await;
    let others = crowd(&town, goal, 300..2_000).await;
    let position = alice.says(&goal, "Salut").await["revision"].as_i64().unwrap();
    read_up_to(&town, goal, others, position).await;
    let many = measure().await;
    for (((path, most), few), many) in paths.iter().zip(&few).zip(&many) {
        eprintln!("{path}: {few:?} for 302 people, {many:?} for 2,002");
        assert!(many.0 <= few.0 + 2, "{path}: {} and {} statements", few.0, many.0);
        assert!(many.1 <= *most && many.1 <= few.1 + 10_000, "{path}: {} and {} bytes", few.1, many.1);
    }
    let reset = bob.fetch(&goal, "since=1&epoch=another&reads=0").await;
    assert_eq!((people(&reset).len() as i64, &reset["member_count"]), (LISTED, &json!(2_002)));
    assert_eq!((reset["marks"].as_array().unwrap().len() as i64, &reset["marks_partial"]), (MARKS, &json!(true)));
    let page = bob.page(&goal.path()).await.text;
    assert_eq!(page.matches("data-member=\"").count() as i64, LISTED + 1, "and the pattern");
    assert!(page.contains("data-marks-partial") && page.contains("id=\"people-form\""));
}

#[tokio::test]
async fn s4_a_large_room_lists_who_matters_and_finds_the_others() {
    let town = Town::start().await;
    let (alice, bob, goal) = founded(&town).await;
    alice.post(&goal.participation(&bob, "role"), &[("role", "admin")]).await;
    let carol = town.person("Carol").await;
    goal.lets_in(&alice, &carol).await;
    let dan = town.person("Jean-Łukasz").await;
    goal.lets_in(&alice, &dan).await;
    crowd(&town, goal, 0..300).await;
    carol.says(&goal, "Salut").await;
    // Here, by polling; of those who show it.
    dan.fetch(&goal, "").await;
    let eve = town.person("Eve").await;
    goal.lets_in(&alice, &eve).await;
    crowd(&town, goal, 300..400).await;
    let listed = |page: &Value| people(page).into_iter().collect::<BTreeSet<_>>();
    let page = eve.fetch(&goal, "since=1&epoch=another").await;
    for who in [&alice, &bob, &carol, &dan, &eve] {
        assert!(listed(&page).contains(&who.id), "{} is listed", who.name);
    }
    dan.post("/settings/reads", &[("shows_presence", "false")]).await;
    let page = eve.fetch(&goal, "since=1&epoch=another").await;
    assert!(!listed(&page).contains(&dan.id), "who does not show being here is not put first for it");

    let here = eve.get(&format!("/presence/{}?users={},{},999999", goal.room, carol.id, dan.id)).await.json();
    let here: BTreeSet<i64> =
        here["people"].as_array().unwrap().iter().map(|one| one["user"].as_i64().unwrap()).collect();
    assert!(here.contains(&carol.id) && here.contains(&eve.id), "whom the page lists, and who is here: {here:?}");
    assert!(!here.contains(&dan.id) && here.len() < 10, "nobody who does not show it, and not everybody: {here:?}");

    let members = format!("/chatroom/{}/members", goal.room);
    let find = async |query: &str| {
        let answer = eve.get(&format!("{members}?{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    };
    for (q, hits) in [
        ("jean", 1),
        ("%C5%82ukasz", 1),
        ("lukasz", 1),
        ("ukasz", 0),
        ("martin", 5),
        ("zoe399%20dup", 1),
        ("dup%20ZOE399", 1),
        ("%25", 0),
        ("_", 0),
    ] {
        let found = find(&format!("q={q}")).await;
        assert_eq!((people(&found).len(), &found["count"]), (hits, &json!(405)), "{q}");
    }
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = find(&format!("after={after}")).await;
        all.extend(people(&page));
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => break,
        }
    }
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (405, 405), "each once");
    assert_eq!(all[0], alice.id, "by name");
    let long = format!("q={}", "x".repeat(101));
    for (query, field) in [("after=x", "after"), (long.as_str(), "q"), ("limit=x", "limit")] {
        let answer = eve.get(&format!("{members}?{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(answer.json()["error"]["fields"][field].is_string(), "{}", answer.text);
    }
    assert_eq!(people(&find("limit=3").await).len(), 3);

    // Without a script: the page of the goal, where members are managed too.
    assert_eq!(eve.page(&format!("{members}?q=zoe399")).await.location(), format!("/goal/{}?q=zoe399", goal.id));
    let page = alice.page(&format!("/goal/{}?q=zoe399", goal.id)).await.text;
    assert_eq!(page.matches("class=\"person\"").count(), 1);
    let page = alice.page(&format!("/goal/{}", goal.id)).await.text;
    assert_eq!(page.matches("class=\"person\"").count() as i64, LISTED);
    let next = page.split_once("rel=\"next\" href=\"").unwrap().1.split('"').next().unwrap();
    let next = next.replace("&#x2f;", "/").replace("&amp;", "&").replace("&#x3d;", "=");
    let second = alice.page(next.split('#').next().unwrap()).await;
    assert_eq!((second.status, second.text.matches("class=\"person\"").count() as i64), (StatusCode::OK, LISTED));
}

#[tokio::test]
async fn s4_one_answer_looks_at_so_many_people_and_says_where_to_go_on() {
    let town = Town::start().await;
    let (alice, _, goal) = founded(&town).await;
    let most = usize::try_from(LOOKED_AT).unwrap();
    crowd(&town, goal, 0..most + 50).await;
    let path = format!("/chatroom/{}/members?q=nobody", goal.room);
    let first = alice.get(&path).await.json();
    assert_eq!((people(&first).len(), first["next"].is_string()), (0, true));
    let rest = alice.get(&format!("{path}&after={}", first["next"].as_str().unwrap())).await.json();
    assert_eq!((people(&rest).len(), &rest["next"]), (0, &Value::Null));
}

#[tokio::test]
async fn s4_who_types_in_a_large_room_is_called_by_name() {
    let town = Town::start().await;
    let (alice, bob, goal) = founded(&town).await;
    crowd(&town, goal, 0..100).await;
    let [mut ear, _other] = both(&alice, &query_for(&alice, &goal).await).await;
    let path = format!("/presence/typing/{}", goal.room);
    assert_eq!(bob.post(&path, &[("on", "true")]).await.status, StatusCode::OK);
    mark(&town.app, &alice);
    let told: Vec<Value> =
        ear.until_mark().await.iter().filter(|heard| heard.kind == "typing").map(|heard| heard.json()).collect();
    assert_eq!((&told[0]["typing"]["user"], &told[0]["typing"]["name"]["first_name"]), (&json!(bob.id), &json!("Bob")));
    let polled = alice.fetch(&goal, "typing=0").await;
    assert_eq!((&polled["typists"], &polled["typist_names"][0]["id"]), (&json!([bob.id]), &json!(bob.id)));
    let revision = polled["revision"].clone();
    let before = town.app.db.statements();
    let empty = alice.fetch(&goal, &format!("since={revision}&typing={}", polled["typing"])).await;
    assert_eq!(town.app.db.statements(), before, "an empty poll executes no statement");
    assert_eq!(empty["typist_names"][0]["first_name"], "Bob");
    let asked = alice.get(&format!("/presence/{}", goal.room)).await.json();
    assert_eq!(asked["typist_names"][0]["last_name"], "Martin");
    drop(ear);
}

#[tokio::test]
async fn s4_a_change_says_whether_one_more_is_there() {
    let town = Town::start().await;
    let (alice, bob, goal) = founded(&town).await;
    let since = alice.fetch(&goal, "").await["revision"].clone();
    let carol = town.person("Carol").await;
    goal.lets_in(&alice, &carol).await;
    let joined = bob.fetch(&goal, &format!("since={since}")).await;
    assert_eq!(joined["members"][0]["is_new"], true);
    alice.post(&goal.participation(&carol, "role"), &[("role", "admin")]).await;
    let changed = bob.fetch(&goal, &format!("since={}", joined["revision"])).await;
    assert_eq!((&changed["members"][0]["role"], &changed["members"][0]["is_new"]), (&json!("admin"), &Value::Null));
    alice.post(&goal.participation(&carol, "remove"), &[]).await;
    let left = bob.fetch(&goal, &format!("since={}", changed["revision"])).await;
    assert_eq!((&left["members"][0]["state"], &left["members"][0]["is_new"]), (&json!("left"), &Value::Null));
    assert_eq!(bob.fetch(&goal, "").await["member_count"], 2);
    goal.lets_in(&alice, &carol).await;
    let again = bob.fetch(&goal, &format!("since={}", left["revision"])).await;
    assert_eq!(again["members"][0]["is_new"], true, "who comes back is one more");
}

#[tokio::test]
async fn s4_the_readers_of_a_message_come_in_pages() {
    let town = Town::start().await;
    let (alice, bob, goal) = founded(&town).await;
    let crowd = crowd(&town, goal, 0..220).await;
    let sent = alice.says(&goal, "Salut").await;
    read_up_to(&town, goal, crowd[..120].to_vec(), sent["revision"].as_i64().unwrap()).await;
    let path = format!("/message/{}/reads", id(&sent));
    let (mut readers, mut after, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = alice.get(&format!("{path}?after={after}")).await.json();
        assert_eq!(page["count"], 120);
        let reads = page["reads"].as_array().unwrap();
        assert!(reads.len() <= reader::PAGE && reads.len() == page["people"].as_array().unwrap().len());
        readers.extend(reads.iter().map(|read| read["user"].as_i64().unwrap()));
        assert!(reads.iter().all(|read| read["at"].is_string()));
        pages += 1;
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => break,
        }
    }
    let all: BTreeSet<i64> = readers.iter().copied().collect();
    assert_eq!((pages, readers.len(), all), (3, 120, crowd[..120].iter().copied().collect()));
    for wrong in ["x", "1", "1.x", "."] {
        assert_eq!(
            alice.get(&format!("{path}?after={wrong}")).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{wrong}"
        );
    }
    bob.post("/settings/reads", &[("shows_reads", "false")]).await;
    let nothing = bob.get(&path).await.json();
    assert_eq!((&nothing["count"], &nothing["reads"], &nothing["people"]), (&json!(0), &json!([]), &json!([])));
}

#[tokio::test]
async fn s4_receipts_do_not_grow_for_ever_and_what_was_read_stays_read() {
    let town = Town::start().await;
    let (alice, bob, goal) = founded(&town).await;
    let first = alice.says(&goal, "La première").await;
    let (room, user) = (RoomId(goal.room), UserId(bob.id));
    let rows = async || {
        let count = move |db: &mut palabre::db::Reader<'_>| -> Result<i64> {
            Ok(db.one(
                sql!("select count(*) as receipts from message_read_receipt where chatroom_id = $1 and user_id = $2"),
                params![room, user],
                |row| row.get("receipts"),
            )?)
        };
        town.app.db.read(count).await.unwrap()
    };
    let start = first["revision"].as_i64().unwrap();
    let last = start + KEPT + 100;
    for position in start..=last {
        read_up_to(&town, goal, vec![bob.id], position).await;
    }
    assert!((KEPT..=KEPT + 16).contains(&rows().await), "{} rows of {} advances", rows().await, KEPT + 101);
    let seen = |answer: Value| answer["reads"].clone();
    let path = format!("/message/{}/reads", id(&first));
    assert_eq!(seen(alice.get(&path).await.json()), json!([{ "user": bob.id, "at": null }]), "read, nobody knows when");
    let position = last + 1;
    read_up_to(&town, goal, vec![bob.id], position).await;
    let page = alice.fetch(&goal, "since=1&epoch=another&reads=0").await;
    let mark = page["marks"].as_array().unwrap().iter().find(|mark| mark["user"] == bob.id).unwrap().clone();
    assert_eq!(mark["position"], position, "the watermark stays");

    town.pass(91 * 24 * 3_600);
    let (mut alice, mut bob) = (alice, bob);
    for who in [&mut alice, &mut bob] {
        let name = who.name.clone();
        who.signs_in_as(&name).await;
    }
    let second = alice.says(&goal, "La seconde").await;
    bob.post(&format!("/message/{}/mark-read", id(&second)), &[]).await;
    within("a round", town.app.tidy()).await.unwrap();
    assert!(rows().await <= 1, "those of three months ago are gone: {}", rows().await);
    assert_eq!(seen(alice.get(&path).await.json()), json!([{ "user": bob.id, "at": null }]));
}
