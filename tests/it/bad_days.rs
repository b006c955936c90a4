//! Bad days of a database: each is told as what it is (the status, `Retry-After`, the readiness), and nothing is lost or doubled by it.

mod postgres;
mod start;

use crate::harness::{Answer, Browser, Database, Goal, START, Town, within};
use crate::reducer::talk;
use palabre::db::{DbError, Lane, Options, Reader};
use palabre::{params, sql};
use reqwest::StatusCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A store of other options.
async fn town_with(options: Options) -> Town {
    Town::open_with(Arc::new(Database::new()), Vec::new(), Vec::new(), START, options).await
}

/// 503, and when to come back.
fn is_told_as_temporary(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0), "{:?}", answer.headers);
}

async fn sends(browser: &Browser, goal: &Goal, content: &str, nonce: &str) -> Answer {
    browser.post(&goal.path(), &[("content", content), ("client_nonce", nonce)]).await
}

/// What `/readyz` says of one thing, and its status.
async fn readiness(browser: &Browser, of: &str) -> (StatusCode, String) {
    let answer = browser.get("/readyz").await;
    (answer.status, answer.json()[of].as_str().unwrap_or_default().to_owned())
}

/// Waits until `/readyz` answers this.
async fn until_ready(browser: &Browser, expected: StatusCode) {
    within("readyz changes", async {
        while browser.get("/readyz").await.status != expected {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// The nonces of a room's messages, in their order.
async fn nonces(browser: &Browser, goal: &Goal) -> Vec<String> {
    let nonce = |message: &serde_json::Value| message["client_nonce"].as_str().unwrap_or_default().to_owned();
    talk(browser, goal).await.iter().map(nonce).collect()
}

fn forever(db: &mut Reader<'_>) -> Result<i64, DbError> {
    let endless = sql!(
        "with recursive n (i) as (select cast(1 as bigint) union all select i + 0 from n) select count(*) as n from n"
    );
    db.one(endless, params![], |row| row.get("n"))
}

#[tokio::test]
async fn statements_that_never_end_stop_neither_the_others_nor_the_end() {
    let mut town = town_with(Options { statement_timeout: Duration::from_secs(3_600), ..Options::default() }).await;
    let alice = town.person("Alice").await;
    let goal = alice.founds("Marathon").await;
    alice.says(&goal, "avant").await;
    let started = Arc::new(AtomicU32::new(0));
    for _ in 0..30 {
        let (db, one, other) = (town.app.db.clone(), started.clone(), started.clone());
        tokio::spawn(async move {
            let first = db.read(move |r| {
                one.fetch_add(1, Ordering::Relaxed);
                forever(r)
            });
            let second = db.read(move |r| {
                other.fetch_add(1, Ordering::Relaxed);
                forever(r)
            });
            tokio::join!(first, second)
        });
    }
    within("two of them run", async {
        while started.load(Ordering::Relaxed) < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    for _ in 0..5 {
        assert_eq!(alice.page(&goal.path()).await.status, StatusCode::OK);
        alice.says(&goal, "pendant").await;
        assert_eq!(alice.get(&format!("{}/fetch?since=0", goal.path())).await.status, StatusCode::OK);
        assert_eq!(alice.get("/readyz").await.status, StatusCode::OK);
    }
    town.stop().await;
}

#[tokio::test]
async fn a_page_whose_statement_takes_too_long_is_told_to_come_back() {
    let town = town_with(Options { statement_timeout: Duration::from_millis(200), ..Options::default() }).await;
    let error = town.app.db.read(forever).await.unwrap_err();
    is_told_as_temporary(&answer_of(error));
    let error = town.app.db.write(Lane::None, |tx| forever(tx)).await.unwrap_err();
    is_told_as_temporary(&answer_of(error));
    assert_eq!(town.visitor().get("/readyz").await.status, StatusCode::OK, "the store itself is well");
}

/// The head of the answer to a fault of the store.
fn answer_of(error: DbError) -> Answer {
    use axum::response::IntoResponse;
    let response = palabre::error::Error::from(error).into_response();
    Answer { status: response.status(), headers: response.headers().clone(), text: String::new() }
}

/// No page more for SQLite's file, or as many as it likes.
async fn set_room(town: &Town, is_full: bool) {
    let set = town.app.db.write(Lane::None, move |tx| {
        let text = match is_full {
            true => sql!("pragma max_page_count = 1"),
            false => sql!("pragma max_page_count = 1073741823"),
        };
        tx.first(text, params![], |_| Ok(()))
    });
    set.await.map(drop).unwrap_or_else(|error: DbError| panic!("{error}"));
}

#[tokio::test]
async fn a_full_disk_refuses_what_does_not_fit_and_nothing_else() {
    let town = Town::start().await;
    if town.database.is_postgres() {
        return;
    }
    let alice = town.person("Alice").await;
    let goal = alice.founds("Marathon").await;
    alice.says(&goal, "avant").await;
    set_room(&town, true).await;
    let long = "long ".repeat(1_800);
    let mut refused = 0;
    // What is free inside the file is used up first.
    while refused < 3 {
        let answer = sends(&alice, &goal, &long, &format!("long-{refused}")).await;
        if answer.status == StatusCode::CREATED {
            continue;
        }
        is_told_as_temporary(&answer);
        refused += 1;
    }
    let form = [("content", long.as_str()), ("client_nonce", "form")];
    let page = alice.submit(&goal.path(), &form).await;
    is_told_as_temporary(&page);
    assert!(page.text.contains("<html"), "a page for a form: {}", page.text);
    assert_eq!(readiness(&alice, "writes").await, (StatusCode::SERVICE_UNAVAILABLE, "error".to_owned()));
    assert_eq!(alice.page(&goal.path()).await.status, StatusCode::OK, "reading goes on");
    set_room(&town, false).await;
    let before = nonces(&alice, &goal).await;
    for number in 0..3 {
        let answer = sends(&alice, &goal, &long, &format!("long-{number}")).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }
    until_ready(&alice, StatusCode::OK).await;
    assert_eq!(nonces(&alice, &goal).await.len(), before.len() + 3, "each once, whatever was refused before");
}

#[tokio::test]
async fn a_file_that_takes_no_writes_is_not_ready() {
    let town = Town::start().await;
    if town.database.is_postgres() {
        return;
    }
    let alice = town.person("Alice").await;
    let goal = alice.founds("Marathon").await;
    // As a file system that was mounted anew, for reading only.
    let refuse = |tx: &mut palabre::db::Writer<'_>| tx.first(sql!("pragma query_only = on"), params![], |_| Ok(()));
    town.app.db.write(Lane::None, refuse).await.map(drop).unwrap_or_else(|error: DbError| panic!("{error}"));
    is_told_as_temporary(&sends(&alice, &goal, "trop tard", "n").await);
    assert_eq!(readiness(&alice, "writes").await, (StatusCode::SERVICE_UNAVAILABLE, "error".to_owned()));
    assert_eq!(readiness(&alice, "database").await.1, "ok");
    assert_eq!(alice.get("/user/fetch").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_disk_below_the_floor_is_not_ready() {
    let town = Town::start_with(&["--rate-limits", "on", "--budgets", "disk-floor=1000000GB"]).await;
    let visitor = town.visitor();
    assert_eq!(readiness(&visitor, "disk").await, (StatusCode::SERVICE_UNAVAILABLE, "error".to_owned()));
    assert_eq!(readiness(&visitor, "writes").await.1, "ok");
}

#[tokio::test]
async fn a_clock_that_goes_back_an_hour_loses_nothing() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let goal = alice.founds("Marathon").await;
    let first = alice.says(&goal, "à midi").await;
    town.pass(-3_600);
    let since = first["revision"].as_i64().unwrap();
    let second = alice.says(&goal, "une heure avant").await;
    let news = alice.fetch(&goal, &format!("since={since}&epoch={}", first["epoch"].as_str().unwrap())).await;
    assert_eq!(news["messages"].as_array().unwrap().len(), 1, "{news}");
    assert!(second["revision"].as_i64() > first["revision"].as_i64());
    assert_eq!(nonces(&alice, &goal).await.len(), 2);
    assert_eq!(alice.get("/user/fetch").await.status, StatusCode::OK, "the session holds");
    assert_eq!(alice.get("/readyz").await.status, StatusCode::OK);
}
