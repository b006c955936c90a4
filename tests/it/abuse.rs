//! What one account, one address or one stranger can take from everybody else: the table of budgets, and each line of it at work. Times are those of
//! the town's clock.

mod connections;
mod rows;
mod sign_in;
mod storage;

use crate::harness::{Answer, Browser, Town};
use crate::message::{id, two};
use palabre::budget::{self, Amount, Budget, FIXED, Scope, TABLE};
use palabre::web;
use reqwest::StatusCode;
use std::collections::BTreeSet;

/// A town whose budgets count, with these lines of the table changed.
pub async fn strict(budgets: &str) -> Town {
    strict_with(budgets, &[]).await
}

/// The same with flags.
pub async fn strict_with(budgets: &str, flags: &[&str]) -> Town {
    // Everybody in a test comes from one address.
    let budgets = format!("registrations=off failures=off {budgets}");
    let mut all = vec!["--rate-limits", "on", "--budgets", &budgets];
    all.extend_from_slice(flags);
    Town::start_with(&all).await
}

/// The seconds after which a refused request may be repeated. The refusal is one that a page can show.
pub fn refused(answer: &Answer, what: &str) -> i64 {
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{what}: {}", answer.text);
    assert_eq!(answer.json()["error"]["code"], "too_many", "{what}");
    let seconds = answer.header("retry-after").parse().unwrap();
    assert!(seconds >= 1, "{what}");
    seconds
}

/// Every route that changes something takes from a budget that the table has; and the list names no route that is none.
#[test]
fn every_route_that_changes_something_names_a_budget() {
    let known: BTreeSet<_> = budget::ROUTES.iter().map(|(method, path, _)| (*method, *path)).collect();
    let mut unnamed = Vec::new();
    for (method, path) in web::ROUTES.iter().filter(|(method, _)| *method != "GET") {
        if !known.contains(&(*method, *path)) {
            unnamed.push(*path);
        }
    }
    assert_eq!(unnamed, Vec::<&str>::new(), "src/budget/routes.rs says what it costs");
    for (method, path, costs) in budget::ROUTES {
        assert!(web::ROUTES.contains(&(*method, *path)), "{method} {path} is no route");
        assert!(!costs.is_empty(), "{path}");
    }
}

/// SECURITY.md shows the table as it is.
#[test]
fn the_table_of_the_document_is_the_programs() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("SECURITY.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("## Budgets").expect("a section of its own");
    let section = section.split("\n## ").next().unwrap();
    let told: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let row = |line: &budget::Line| {
        let fixed = if FIXED.contains(&line.budget) { ", fixed" } else { "" };
        format!("| `{}` | {} | {}{fixed} | {} |", line.name, line.scope.as_str(), line.default, line.what)
    };
    let rows: Vec<String> = TABLE.iter().map(row).collect();
    assert_eq!(told, rows, "the table should read:\n{}\n", rows.join("\n"));
}

/// What stands in the model is what the table says.
#[test]
fn fixed_bounds_are_those_of_the_model() {
    let number = |budget: Budget| match budget.line().default {
        Amount::Number(number) => i64::try_from(number).unwrap(),
        other @ (Amount::Rate { .. } | Amount::Size(_) | Amount::Off) => panic!("{other}"),
    };
    assert_eq!(number(Budget::Versions), palabre::message::version::KEPT);
    assert_eq!(number(Budget::Notices), palabre::user::notification::KEPT);
    assert_eq!(number(Budget::Sessions), palabre::user::session::SESSIONS_MAX);
    assert_eq!(number(Budget::Browsers), palabre::user::push::BROWSERS_MAX);
}

/// S4, S9: each route takes from its budget, before anything else is done for it; another person has budgets of their own, and the wait that the
/// answer names is true.
#[tokio::test]
async fn s4_every_write_of_a_person_has_a_rate() {
    let rates = TABLE.iter().filter(|line| {
        line.scope == Scope::Person && line.budget != Budget::Requests && matches!(line.default, Amount::Rate { .. })
    });
    let budgets: String = rates.map(|line| format!("{}=3,1/m ", line.name)).collect();
    let town = strict(&budgets).await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    for (method, path, costs) in budget::ROUTES {
        let is_persons = costs
            .iter()
            .any(|budget| budget.line().scope == Scope::Person && matches!(budget.line().default, Amount::Rate { .. }));
        if !is_persons {
            continue;
        }
        town.pass(24 * 3_600);
        // A session lives thirty days.
        alice.signs_in_as("Alice").await;
        let path = path.replace("{id}", "999").replace("{user}", "999").replace("{emoji}", "like");
        let ask = async |who: &Browser| match *method {
            "GET" => who.get(&path).await,
            _ => who.post(&path, &[]).await,
        };
        for n in 1..=3 {
            assert_ne!(ask(&alice).await.status, StatusCode::TOO_MANY_REQUESTS, "{path} {n}");
        }
        let seconds = refused(&ask(&alice).await, &path);
        assert_ne!(ask(&bob).await.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
        town.pass(seconds);
        assert_ne!(ask(&alice).await.status, StatusCode::TOO_MANY_REQUESTS, "{path} after {seconds} s");
        refused(&ask(&alice).await, &path);
        // A program's route answers programs.
        if path == "/realtime/token" {
            continue;
        }
        let page = if *method == "GET" { alice.page(&path).await } else { alice.submit(&path, &[]).await };
        assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
        assert!(page.text.contains("<html") && !page.header("retry-after").is_empty(), "{path}");
    }
}

/// A fast typist, or an outbox after an outage, is not bothered by the defaults; who floods is.
#[tokio::test]
async fn s4_messages_come_in_a_burst_and_then_at_a_rate() {
    let town = strict("").await;
    let (alice, bob, goal) = two(&town).await;
    for n in 0..30 {
        alice.says(&goal, &format!("message {n}")).await;
    }
    let say =
        async |who: &Browser, nonce: &str| who.post(&goal.path(), &[("content", "x"), ("client_nonce", nonce)]).await;
    let seconds = refused(&say(&alice, "late").await, "sending");
    assert_eq!(seconds, 1);
    bob.says(&goal, "moi aussi").await;
    town.pass(seconds);
    assert_eq!(say(&alice, "late").await.status, StatusCode::CREATED);
    assert_eq!(say(&alice, "later").await.status, StatusCode::CREATED);
    refused(&say(&alice, "too late").await, "two a second");
    let all = bob.fetch(&goal, "since=0").await;
    assert!(!all.to_string().contains("too late"), "what was refused left nothing");
}

/// S9: what is written is counted by the character, for messages and for edits.
#[tokio::test]
async fn s9_characters_are_counted() {
    let town = strict("characters=100,60/m").await;
    let (alice, bob, goal) = two(&town).await;
    let message = id(&alice.says(&goal, &"é".repeat(99)).await);
    let edit = async |text: &str| alice.post(&format!("/message/{message}/edit"), &[("content", text)]).await;
    assert_eq!(edit(&"à".repeat(50)).await.status, StatusCode::OK, "one is left: the rest is a debt");
    let seconds = refused(&edit("b").await, "editing");
    assert_eq!(seconds, 50);
    let sent = alice.post(&goal.path(), &[("content", "b"), ("client_nonce", "n")]).await;
    refused(&sent, "sending");
    bob.says(&goal, "moi aussi").await;
    town.pass(seconds);
    assert_eq!(edit("b").await.status, StatusCode::OK);
}

/// Everything that is asked counts, with a session by person and without one by address; what is served to everybody does not.
#[tokio::test]
async fn s4_requests_have_a_rate_too() {
    let town = strict_with("requests=50,1/m visits=5,1/m", &["--trusted-proxies", "127.0.0.1"]).await;
    let alice = town.person("Alice").await;
    let visitor = town.visitor();
    let visit = async |address: &str| visitor.get_with("/goals", &[("x-forwarded-for", address)]).await.status;
    for _ in 0..5 {
        assert_eq!(visit("192.0.2.1").await, StatusCode::OK);
    }
    assert_eq!(visit("192.0.2.1").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(visit("192.0.2.2").await, StatusCode::OK);
    for _ in 0..5 {
        assert_eq!(visit("2001:db8::1").await, StatusCode::OK);
    }
    assert_eq!(visit("2001:db8::ffff").await, StatusCode::TOO_MANY_REQUESTS, "an IPv6 /64 is one client");
    for _ in 0..20 {
        assert_eq!(visitor.get("/goals").await.status, StatusCode::OK, "an address of many says nothing");
        assert_eq!(visitor.get("/healthz").await.status, StatusCode::OK);
    }
    let counts = (0..60).map(async |_| alice.get("/user/fetch").await.status);
    let mut taken = 0;
    for answer in counts {
        taken += usize::from(answer.await == StatusCode::OK);
    }
    assert_eq!(taken, 50);
    assert_eq!(alice.post("/logout", &[]).await.status, StatusCode::OK, "who has used up everything may go");
}

/// A forged request takes nothing from who is made to send it.
#[tokio::test]
async fn s4_a_forged_request_costs_nothing() {
    let town = strict("goals=1,1/h").await;
    let alice = town.person("Alice").await;
    for _ in 0..5 {
        let forged = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
        let answer = alice.post_with("/goal/new", &forged, &[("title", "Piège")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    alice.founds("Marathon").await;
}
