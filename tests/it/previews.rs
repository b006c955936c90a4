//! Link previews: fetched beside the sending, told as a change, bounded, and gone when the author or an edit says so.

use crate::harness::{Browser, DEADLINE, Goal, Town, within};
use crate::message::{id, two};
use crate::reducer::{Reducer, fresh};
use axum::Router;
use axum::http::{StatusCode as Status, header};
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::get;
use palabre::{params, sql};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;

/// A web site of the test's own, and how often it was asked.
struct Site {
    port: u16,
    asked: Arc<AtomicUsize>,
}

const PAGE: &str = "<!doctype html><title>Chaux &amp; façades</title><meta property=og:site_name content=\"Le village\">\
    <meta name=description content=\"Ce que nous avons <appris>.\"><p>…";

impl Site {
    async fn open() -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let page = move || {
            count.fetch_add(1, Ordering::SeqCst);
            async { Html(PAGE) }
        };
        let deep = || async { Html(format!("{}<title>Profond</title>", "<div>".repeat(20_000))) };
        let router = Router::new()
            .route("/page", get(page.clone()))
            .route("/autre", get(|| async { Html("<title>Autre</title>") }))
            .route("/vers-page", get(|| async { Redirect::to("/page") }))
            .route("/vers-dedans", get(|| async { Redirect::to("http://127.0.0.1:1/secret") }))
            .route("/vers-meta", get(|| async { Redirect::to("http://169.254.169.254/latest/meta-data") }))
            .route("/boucle", get(|| async { Redirect::to("/boucle") }))
            .route(
                "/image",
                get(|| async { ([(header::CONTENT_TYPE, "image/png")], "<title>Image</title>").into_response() }),
            )
            .route("/panne", get(|| async { (Status::INTERNAL_SERVER_ERROR, Html("<title>Panne</title>")) }))
            .route("/sans-titre", get(|| async { Html("<p>rien") }))
            .route("/profond", get(deep));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { port, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }
}

async fn beside(flags: &[&str]) -> (Site, Town, Browser, Browser, Goal) {
    let site = Site::open().await;
    let town = Town::start_beside(&[site.port], flags).await;
    let (alice, bob, goal) = two(&town).await;
    (site, town, alice, bob, goal)
}

/// The next change of the room after a revision, as a poll tells it.
async fn next(who: &Browser, goal: &Goal, since: &Value) -> Value {
    let query = format!("since={since}&wait=30");
    let page = within("the room changes", who.fetch(goal, &query)).await;
    assert_eq!(page["count"], 1, "{page}");
    page["messages"][0].clone()
}

fn titles(message: &Value) -> Vec<&str> {
    message["links"].as_array().unwrap().iter().map(|link| link["title"].as_str().unwrap()).collect()
}

/// A message once it shows so many previews; when that is none, once a later message of the same queue has its own.
async fn settled(who: &Browser, goal: &Goal, site: &Site, text: &str, previews: usize) -> Value {
    let first = who.says(goal, text).await;
    let awaited =
        if previews > 0 { first.clone() } else { who.says(goal, &format!("repère {}", site.url("autre"))).await };
    let mut since = awaited["revision"].clone();
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        assert!(tokio::time::Instant::now() < deadline);
        let page = who.fetch(goal, &format!("since={since}&wait=30")).await;
        since = page["revision"].clone();
        if page["messages"].as_array().unwrap().iter().any(|message| message["id"] == awaited["message"]["id"]) {
            break;
        }
    }
    let all = who.fetch(goal, "").await;
    all["messages"].as_array().unwrap().iter().find(|message| message["id"] == first["message"]["id"]).unwrap().clone()
}

#[tokio::test]
async fn a_preview_arrives_as_a_change_for_everybody() {
    let (site, _town, alice, bob, goal) = beside(&[]).await;
    let mut client = Reducer::load(&bob, &goal).await;
    let sent = alice.says(&goal, &format!("voir {} !", site.url("page"))).await;
    assert_eq!(sent["message"]["links"], json!([]), "nobody waits for another's server");
    let seen = next(&bob, &goal, &sent["revision"]).await;
    let link = json!({
        "url": site.url("page"), "title": "Chaux & façades", "description": "Ce que nous avons <appris>.", "site": "Le village",
    });
    assert_eq!(seen["links"], json!([link]));
    assert_eq!(seen["edited_at"], Value::Null, "it is no edit");
    let html = seen["html"].as_str().unwrap();
    assert!(
        html.contains("<span class=\"link-title\">Chaux &amp; façades</span>") && html.contains("&lt;appris&gt;"),
        "{html}"
    );
    assert!(html.contains("rel=\"noopener nofollow ugc\"") && !html.contains("<img"));
    client.catch_up(&bob, &goal).await;
    assert_eq!(client.shown(), fresh(&bob, &goal).await, "the old page and its changes are the fresh page");
    assert!(alice.page(&goal.path()).await.text.contains(html), "the same bytes");
    let again = alice.says(&goal, &format!("encore {}", site.url("page"))).await;
    assert_eq!(titles(&next(&bob, &goal, &again["revision"]).await), ["Chaux & façades"]);
    assert_eq!(site.asked.load(Ordering::SeqCst), 1, "what is known is not asked again");
}

#[tokio::test]
async fn the_author_takes_a_preview_away_for_good() {
    let (site, _town, alice, bob, goal) = beside(&[]).await;
    let sent = alice.says(&goal, &format!("voir {}", site.url("page"))).await;
    next(&bob, &goal, &sent["revision"]).await;
    let path = format!("/message/{}/previews/remove", id(&sent));
    assert_eq!(bob.post(&path, &[]).await.status, StatusCode::FORBIDDEN);
    let mut client = Reducer::load(&bob, &goal).await;
    let answer = alice.post(&path, &[]).await;
    assert_eq!((answer.status, &answer.json()["message"]["links"]), (StatusCode::OK, &json!([])));
    client.apply(&answer.json());
    assert_eq!(client.shown(), fresh(&bob, &goal).await);
    assert_eq!(alice.post(&path, &[]).await.json(), answer.json(), "taken away twice is once");
    let edit = [("content", format!("voir bien {}", site.url("page")))];
    let edit: Vec<(&str, &str)> = edit.iter().map(|(name, text)| (*name, text.as_str())).collect();
    alice.post(&format!("/message/{}/edit", id(&sent)), &edit).await;
    let other = settled(&alice, &goal, &site, "rien", 0).await;
    assert_eq!(other["links"], json!([]));
    let page = bob.fetch(&goal, "").await;
    assert_eq!(page["messages"][0]["links"], json!([]), "an edit does not bring it back");
    let form = alice.submit(&path, &[]).await;
    assert_eq!(form.status, StatusCode::SEE_OTHER, "without a script too");
}

#[tokio::test]
async fn an_edit_and_a_deletion_take_the_preview_with_the_link() {
    let (site, _town, alice, bob, goal) = beside(&[]).await;
    let sent = alice.says(&goal, &format!("voir {}", site.url("page"))).await;
    let seen = next(&bob, &goal, &sent["revision"]).await;
    let edit = format!("/message/{}/edit", id(&sent));
    let edited = alice.post(&edit, &[("content", "plus rien")]).await.json();
    assert_eq!((edited["message"]["links"].clone(), seen["links"].as_array().unwrap().len()), (json!([]), 1));
    let back = alice.post(&edit, &[("content", &format!("de nouveau {}", site.url("page")))]).await.json();
    assert_eq!(titles(&next(&bob, &goal, &back["revision"]).await), ["Chaux & façades"]);
    let deleted = alice.post(&format!("/message/{}/delete", id(&sent)), &[]).await.json();
    assert_eq!(deleted["message"]["links"], json!([]));
    assert!(!bob.page(&goal.path()).await.text.contains("Chaux"));
}

/// CVE-2023-32683: each hop is judged like the first address; what is no page, or none of the public web, stays a link.
#[tokio::test]
async fn only_pages_of_the_public_web_are_shown() {
    let (site, _town, alice, _bob, goal) = beside(&[]).await;
    for (text, expected) in [
        (format!("détour {}", site.url("vers-page")), vec!["Chaux & façades"]),
        (site.url("profond"), vec!["Profond"]),
        (
            format!("{} {} {}", site.url("sans-titre"), site.url("page"), site.url("autre")),
            vec!["Chaux & façades", "Autre"],
        ),
        (format!("{} {}", site.url("vers-dedans"), site.url("vers-meta")), vec![]),
        (format!("{} {} {}", site.url("boucle"), site.url("image"), site.url("panne")), vec![]),
        (format!("`{0}` <{0}>\n\n```\n{0}\n```", site.url("page")), vec![]),
        ("http://127.0.0.1:1/x http://localhost/ http://[::1]/ http://10.0.0.1/".to_owned(), vec![]),
        ("http://169.254.169.254/latest http://0x7f.1/ https://user:pass@127.0.0.1/".to_owned(), vec![]),
    ] {
        let message = settled(&alice, &goal, &site, &text, expected.len()).await;
        assert_eq!(titles(&message), expected, "{text}");
    }
}

#[tokio::test]
async fn previews_can_be_off() {
    let (site, town, alice, _bob, goal) = beside(&["--link-previews", "off"]).await;
    let sent = alice.says(&goal, &site.url("page")).await;
    let form = [("content", site.url("page")), ("links", "true".to_owned())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let preview = alice.post(&format!("{}/preview", goal.path()), &form).await.json();
    assert_eq!(preview["links"], json!([]));
    assert_eq!((site.asked.load(Ordering::SeqCst), sent["message"]["links"].clone()), (0, json!([])));
    let count = town
        .app
        .db
        .read(|db| db.one(sql!("select count(*) as n from link_preview"), params![], |row| row.get::<i64>("n")));
    let count: Result<i64, palabre::db::DbError> = count.await;
    assert_eq!(count.unwrap(), 0);
}

/// Before sending: the same renderer, the same previews, and nothing kept of the text.
#[tokio::test]
async fn a_preview_before_sending_is_what_will_be_sent() {
    let (site, _town, alice, bob, goal) = beside(&[]).await;
    let text = format!("**Voir** {} :tada:\n\n```rust\nlet a = 1;\n```", site.url("page"));
    let path = format!("{}/preview", goal.path());
    let before = bob.fetch(&goal, "").await;
    let first = alice.post(&path, &[("content", &text)]).await.json();
    assert_eq!(first["links"], json!([]), "an address that is being typed is not called");
    let shown = alice.post(&path, &[("content", &text), ("links", "true")]).await.json();
    assert_eq!(shown["links"][0]["title"], "Chaux & façades");
    assert_eq!(bob.fetch(&goal, "").await, before);
    let sent = alice.says(&goal, &text).await;
    assert!(sent["message"]["html"].as_str().unwrap().contains(shown["html"].as_str().unwrap()));
    assert_eq!(next(&bob, &goal, &sent["revision"]).await["links"], shown["links"]);
    let empty = alice.post(&path, &[("content", " ")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
}
