//! What a poll and a page read: cursors, pages, waiting, and what it costs.

use crate::files::sends;
use crate::harness::{Browser, Goal, Town, within};
use crate::message::{id, two};
use reqwest::StatusCode;
use serde_json::{Value, json};

fn contents(fetched: &Value) -> Vec<&str> {
    let said = fetched["messages"].as_array().unwrap().iter().filter(|message| message["kind"] != "system");
    said.map(|message| message["content"].as_str().unwrap()).collect()
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

/// So many messages of one moment: the clock stands still.
async fn talk(who: &Browser, goal: &Goal, messages: usize) {
    for n in 0..messages {
        who.says(goal, &format!("n° {n}")).await;
    }
}

#[tokio::test]
async fn a_poll_has_the_shape_that_programs_rely_on() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    alice.says(&goal, "Salut").await;
    let fetched = alice.fetch(&goal, "").await;
    for (key, value) in [("chatroom", json!(goal.room)), ("has_more", json!(false)), ("count", json!(2))] {
        assert_eq!(fetched[key], value, "{key}");
    }
    assert!(fetched["epoch"].as_str().is_some_and(|epoch| !epoch.is_empty()));
    assert!(fetched.get("reset").is_none());
    let everything = alice.fetch(&goal, "since=0").await;
    assert_eq!(everything["messages"], fetched["messages"]);
    assert_eq!(everything["members"].as_array().unwrap().len(), 2);
    let by_accept = alice.get_with(&format!("{}/fetch", goal.path()), &[("accept", "*/*")]).await;
    assert_eq!(by_accept.header("content-type"), "application/json", "this route speaks nothing else");
}

#[tokio::test]
async fn the_seeds_cursor_names_a_message() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let un = alice.says(&goal, "un").await;
    alice.says(&goal, "deux").await;
    alice.says(&goal, "trois").await;
    let since = async |cursor: String| bob.fetch(&goal, &format!("lastMessageId={cursor}")).await;
    for newest in ["0".to_owned(), String::new()] {
        let page = since(newest).await;
        assert_eq!(contents(&page), ["un", "deux", "trois"]);
        assert!(page.get("reset").is_none());
    }
    let page = since(id(&un).to_string()).await;
    assert_eq!(contents(&page), ["deux", "trois"]);
    assert!(page.get("reset").is_none());
    alice.post(&format!("/message/{}/delete", id(&un)), &[]).await;
    let page = since(id(&un).to_string()).await;
    assert_eq!(contents(&page), ["deux", "trois", ""], "a tombstone is a place like any other; it changed since");
    assert!(page.get("reset").is_none());
    let elsewhere = alice.founds("Ailleurs").await;
    let foreign = alice.says(&elsewhere, "autre").await;
    let (unknown, foreign) = (since("999999".into()).await, since(id(&foreign).to_string()).await);
    assert_eq!(unknown["reset"], true);
    assert_eq!(contents(&unknown), ["", "deux", "trois"]);
    assert_eq!(unknown, foreign, "another room's message is as unknown as none");
    let both = bob.fetch(&goal, &format!("lastMessageId=999999&since={}", unknown["revision"])).await;
    assert_eq!((&both["count"], both.get("reset")), (&json!(0), None), "`since` wins");
}

#[tokio::test]
async fn a_cursor_of_another_history_starts_over() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    alice.says(&goal, "Salut").await;
    let here = alice.fetch(&goal, "").await;
    let top = number(&here["revision"]);
    let epoch = here["epoch"].as_str().unwrap();
    for query in
        [format!("since={}", top + 1), format!("since={top}&epoch=another"), "since=0&epoch=another".to_owned()]
    {
        // With a wait too: the answer is due at once.
        let page = alice.fetch(&goal, &format!("{query}&wait=30")).await;
        assert_eq!(page["reset"], true, "{query}");
        assert_eq!((&page["messages"], &page["revision"]), (&here["messages"], &here["revision"]));
    }
    let page = alice.fetch(&goal, &format!("since={top}&epoch={epoch}")).await;
    assert_eq!((page.get("reset"), &page["count"]), (None, &json!(0)));
    let restarted = town.restart().await;
    let mut alice = alice;
    alice.moves_to(&restarted);
    assert_eq!(alice.fetch(&goal, "").await["epoch"], epoch, "a restart is the same history");
}

#[tokio::test]
async fn many_messages_of_one_moment_come_in_pages() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let start = number(&alice.fetch(&goal, "").await["revision"]);
    talk(&alice, &goal, 250).await;
    let mut since = start;
    let mut seen = Vec::new();
    let mut pages = Vec::new();
    loop {
        let page = bob.fetch(&goal, &format!("since={since}&limit=100")).await;
        seen.extend(contents(&page).into_iter().map(str::to_owned));
        pages.push(number(&page["count"]));
        since = number(&page["revision"]);
        if page["has_more"] == false {
            break;
        }
        assert_eq!(page["revision"], page["messages"][99]["revision"], "the cursor is the last item's");
    }
    assert_eq!(pages, [100, 100, 50]);
    assert_eq!(seen, (0..250).map(|n| format!("n° {n}")).collect::<Vec<_>>());
    assert_eq!(since, start + 250);
    let all = bob.fetch(&goal, &format!("since={start}&limit=9223372036854775807")).await;
    assert_eq!(all["count"], 100, "no answer holds more");
}

#[tokio::test]
async fn history_loads_upwards() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    talk(&alice, &goal, 120).await;
    let page = bob.fetch(&goal, "").await;
    assert_eq!((number(&page["count"]), &page["has_earlier"]), (50, &json!(true)));
    assert_eq!((contents(&page)[0], contents(&page)[49]), ("n° 70", "n° 119"));
    let mut seen = 50;
    let mut first = number(&page["messages"][0]["position"]);
    loop {
        let page = bob.fetch(&goal, &format!("before={first}&limit=50")).await;
        seen += page["messages"].as_array().unwrap().len();
        first = number(&page["messages"][0]["position"]);
        if page["has_earlier"] == false {
            break;
        }
    }
    assert_eq!(seen, 120 + 1, "and what the room said");
    assert_eq!(bob.fetch(&goal, &format!("before={first}")).await["count"], 0);
    let html = bob.page(&goal.path()).await.text;
    assert_eq!(
        html.matches("<article class=\"message\"").count(),
        50 + 1,
        "a page and the pattern, not the whole history"
    );
    let earlier =
        html.split_once("id=\"earlier\" href=\"").unwrap().1.split('"').next().unwrap().replace("&#x2f;", "/");
    let html = bob.page(&earlier).await.text;
    assert!(html.contains("n° 69<") && html.contains("n° 20<") && !html.contains("n° 70<") && !html.contains("n° 19<"));
}

#[tokio::test]
async fn an_empty_poll_touches_no_database() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    alice.says(&goal, "Salut").await;
    let revision = bob.fetch(&goal, "").await["revision"].clone();
    let path = format!("{}/fetch?since={revision}", goal.path());
    let first = bob.get(&path).await;
    let before = town.app.db.statements();
    let second = bob.get(&path).await;
    let known = bob.get_with(&path, &[("if-none-match", second.header("etag"))]).await;
    assert_eq!(town.app.db.statements(), before, "an empty poll executes no statement");
    assert_eq!(second.text, first.text);
    assert_eq!((&second.json()["count"], &second.json()["revision"]), (&json!(0), &revision));
    assert_eq!((known.status, known.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(known.header("etag"), second.header("etag"));
    alice.says(&goal, "Encore").await;
    let news = bob.get_with(&path, &[("if-none-match", second.header("etag"))]).await;
    assert_eq!(news.status, StatusCode::OK, "news are no 304");
    assert_eq!(contents(&news.json()), ["Encore"]);
    assert_ne!(news.header("etag"), second.header("etag"));
    assert_eq!(news.header("cache-control"), "private, no-cache");
}

/// Known ways of getting this wrong, 21: a page of many messages with answers, files, reactions, names and receipts asks the database as
/// often as a page of few.
#[tokio::test]
async fn a_page_costs_the_same_number_of_statements_whatever_its_length() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let cost = async |goal: &Goal, path: String| {
        bob.get(&path).await;
        let before = town.app.db.statements();
        let answer = bob.get_with(&path, &[("accept", "text/html")]).await;
        assert_eq!(answer.status, StatusCode::OK, "{} {path}", goal.id);
        town.app.db.statements() - before
    };
    let replies = async |from: usize, to: usize| {
        for n in from..to {
            let source = bob.says(&goal, &format!("Question {n}")).await;
            let reply_to = id(&source).to_string();
            let reply = [("content", "Réponse, @Bob Martin"), ("reply_to", reply_to.as_str())];
            let sent = alice.post(&goal.path(), &reply).await;
            assert_eq!(sent.status, StatusCode::CREATED);
            sends(&alice, &goal, "", &[("plan.txt", b"Plan"), ("liste.txt", b"Liste")]).await;
            for (who, emoji) in [(&alice, "like"), (&bob, "fire")] {
                let reacted = who.post(&format!("/message/{reply_to}/react/{emoji}"), &[]).await;
                assert_eq!(reacted.status, StatusCode::OK);
            }
            let read = alice.post(&format!("/message/{reply_to}/mark-read"), &[]).await;
            assert_eq!(read.status, StatusCode::OK);
        }
    };
    replies(0, 3).await;
    let paths = [goal.path(), format!("{}/fetch", goal.path()), format!("{}/fetch?since=3", goal.path())];
    let mut few = Vec::new();
    for path in &paths {
        few.push(cost(&goal, path.clone()).await);
    }
    replies(3, 20).await;
    for (path, few) in paths.iter().zip(few) {
        assert_eq!(cost(&goal, path.clone()).await, few, "{path}");
        assert!(few <= 18, "{path}: {few} statements");
    }
}

#[tokio::test]
async fn a_waiting_poll_is_answered_at_once_when_something_comes() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let revision = bob.fetch(&goal, "").await["revision"].clone();
    let waiting = {
        let (bob, goal) = (bob.clone(), goal);
        // Half a minute is the most that it may take: the deadline below would be over by then.
        tokio::spawn(async move { bob.fetch(&goal, &format!("since={revision}&wait=30")).await })
    };
    tokio::task::yield_now().await;
    let started = std::time::Instant::now();
    let sent = alice.says(&goal, "Salut").await;
    let news = within("the waiting poll is answered", waiting).await.unwrap();
    assert!(started.elapsed().as_secs() < 15, "long before its wait is over");
    assert_eq!(news["messages"], json!([sent["message"]]));
}

#[tokio::test]
async fn a_waiting_poll_is_answered_when_the_server_ends() {
    let mut town = Town::start().await;
    let (_, bob, goal) = two(&town).await;
    let revision = bob.fetch(&goal, "").await["revision"].clone();
    // Sends its request before the server is told to end, and keeps its connection.
    let response = {
        let path = format!("{}/fetch?since={revision}&wait=30", goal.path());
        let bob = bob.clone();
        tokio::spawn(async move { bob.get(&path).await })
    };
    wait_until_polled(&town, &goal, &bob).await;
    let started = std::time::Instant::now();
    town.stop().await;
    let answer = within("the waiting poll is answered", response).await.unwrap();
    assert_eq!((answer.status, &answer.json()["count"]), (StatusCode::OK, &json!(0)));
    assert!(started.elapsed().as_secs() < 15);
}

/// Requests of one person that come after another's: the earlier one has been taken by then, since both had to be accepted
/// in turn and this one was answered.
async fn wait_until_polled(town: &Town, goal: &Goal, who: &Browser) {
    for _ in 0..20 {
        tokio::task::yield_now().await;
        assert_eq!(who.get(&format!("{}/fetch?since=0", goal.path())).await.status, StatusCode::OK);
    }
    assert!(!*town.app.stopping.borrow());
}

/// Who asks for longer than half a minute waits for half a minute (a unit test beside the handler says so); what comes
/// meanwhile is told all the same.
#[tokio::test]
async fn a_long_wait_is_taken_and_an_odd_one_refused() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let revision = bob.fetch(&goal, "").await["revision"].clone();
    for odd in ["-1", "x", "1.5", "99999999999999999999"] {
        let answer = bob.get(&format!("{}/fetch?since={revision}&wait={odd}", goal.path())).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{odd}");
    }
    let waiting = {
        let bob = bob.clone();
        tokio::spawn(async move { bob.fetch(&goal, &format!("since={revision}&wait=86400")).await })
    };
    wait_until_polled(&town, &goal, &alice).await;
    alice.says(&goal, "Salut").await;
    assert_eq!(within("the poll is answered", waiting).await.unwrap()["count"], 1);
}

/// A waiting poll of somebody who is removed ends and tells nothing.
#[tokio::test]
async fn a_waiting_poll_of_who_is_removed_tells_nothing() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let revision = bob.fetch(&goal, "").await["revision"].clone();
    let waiting = {
        let (bob, path) = (bob.clone(), format!("{}/fetch?since={revision}&wait=30", goal.path()));
        tokio::spawn(async move { bob.get(&path).await })
    };
    wait_until_polled(&town, &goal, &alice).await;
    assert_eq!(alice.post(&goal.participation(&bob, "remove"), &[]).await.status, StatusCode::OK);
    let answer = within("the poll ends", waiting).await.unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
}

/// Known ways of getting this wrong, 13: the server's local time in the page. Times are told in UTC, in a form that a browser turns into local time.
#[tokio::test]
async fn times_are_utc() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    town.pass(11 * 3_600 + 59 * 60 + 59);
    let sent = alice.says(&goal, "Bientôt minuit").await;
    assert_eq!(sent["message"]["created_at"], "2026-03-01T23:59:59Z");
    let page = alice.page(&goal.path()).await.text;
    assert!(page.contains("datetime=\"2026-03-01T23:59:59Z\">2026-03-01 23:59 UTC<"));
}
