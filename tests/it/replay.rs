//! What the live link knows of the past: nothing that `/fetch` would not give the same person at the same moment, however it is asked.

use crate::ear::{Ear, HUB, Heard, Socket, Sse, mark, query_for};
use crate::harness::{Browser, Database, Goal, Town, within};
use crate::newcomer::founds;
use futures_util::future::join_all;
use mercure_hub::{Authorizer, Hub, HubConfig, Key};
use palabre::id::{RoomId, UserId};
use palabre::live::rights::{self, Rights};
use palabre::tops::Tops;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

const SECRET: &str = "!ChangeThisMercureHubJWTSecretKey!";

/// What nobody who asks here may read any more, or never might.
const SECRETS: [&str; 4] = ["before-her", "while-away", "hunter2", "first-wording"];

/// A hub elsewhere that keeps ten thousand updates.
async fn hub_with_history() -> SocketAddr {
    let key = || Some(Key::hs256(SECRET));
    let hub = Hub::new(HubConfig { publisher_key: key(), subscriber_key: key(), ..HubConfig::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, hub.router()).into_future());
    there
}

/// A town whose hub is elsewhere, with further flags. Its clock shows the present: another program judges the tokens.
async fn town_beside(hub: SocketAddr, flags: &[&str]) -> Town {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let url = format!("http://{hub}{HUB}");
    let own = ["--mercure-url", &url, "--mercure-jwt-secret", SECRET];
    let flags = own.iter().chain(flags).map(ToString::to_string).collect();
    Town::open(Arc::new(Database::new()), flags, i64::try_from(now).unwrap()).await
}

/// Somebody who asks for the past, and the ids that she may name.
struct Reader {
    what: &'static str,
    browser: Browser,
    goal: Goal,
    ids: Vec<String>,
}

impl Reader {
    /// `earliest`, the first id of the room, the last one, and her own last event.
    async fn new(what: &'static str, browser: &Browser, goal: Goal) -> Self {
        let page = browser.fetch(&goal, "").await;
        let (epoch, top) = (page["epoch"].as_str().unwrap(), &page["revision"]);
        let ids = ["earliest".to_owned(), String::new()].into_iter();
        let ids = ids.chain([1, 2, top.as_i64().unwrap()].map(|n| format!("urn:chatroom:{}:{epoch}:{n}", goal.room)));
        let ids = ids.chain([format!("urn:user:{}:{epoch}:1", browser.id)]).collect();
        Self { what, browser: browser.clone(), goal, ids }
    }

    /// The query and the headers of every spelling of every id.
    async fn requests(&self) -> Vec<(String, Vec<(&'static str, &str)>)> {
        let query = query_for(&self.browser, &self.goal).await;
        let named = |id| {
            ["lastEventID", "lastEventId", "last_event_id", "Last-Event-ID"]
                .map(|name| (format!("{query}&{name}={id}"), Vec::new()))
        };
        let by_header = |id| (query.clone(), vec![("last-event-id", id)]);
        self.ids.iter().flat_map(|id| named(id).into_iter().chain([by_header(id.as_str())])).collect()
    }

    /// Everything that the hub gives, by whatever way; each stream is read to a mark, so that it has said all that it had to say.
    async fn hears(&self, town: &Town, hub: SocketAddr) -> Vec<(String, Vec<Heard>)> {
        let mut all = Vec::new();
        for (query, headers) in self.requests().await {
            let sse = Ear::Sse(Sse::open_with(hub, &self.browser, &query, &headers).await);
            let there = self.browser.elsewhere(hub);
            let socket = Ear::Socket(Socket::try_open(&there, &query, &headers).await.unwrap());
            for (way, mut ear) in [("SSE", sse), ("WebSocket", socket)] {
                mark(&town.app, &self.browser);
                let mut heard = ear.until_mark().await;
                // A history has earlier marks: the last one is the one that came live.
                while let Ok(Some(more)) = ear.ready() {
                    heard.push(more);
                }
                all.push((format!("{way} {query} {headers:?}"), heard));
            }
        }
        let requests = self.requests().await;
        let polls = requests.iter().map(async |(query, headers)| {
            let mut headers = headers.clone();
            headers.push(("accept", "application/json"));
            let there = self.browser.elsewhere(hub);
            let path = format!("{HUB}?{query}&wait=1");
            let answer = there.answer(there.request(Method::GET, &path, &headers, "").await).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            let events = answer.json()["events"].as_array().unwrap().clone();
            let field = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
            let heard = events.iter().map(|event| Heard {
                id: field(event, "id"),
                kind: field(event, "type"),
                data: field(event, "data"),
            });
            (format!("poll {query} {headers:?}"), heard.collect())
        });
        all.extend(join_all(polls).await);
        all
    }
}

async fn act(browser: &Browser, path: &str, form: &[(&str, &str)]) {
    let answer = browser.post(path, form).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
}

/// Everybody to whom a history would tell too much. Each is in a room of Alice's.
async fn readers(town: &Town) -> Vec<Reader> {
    let alice = town.person("Alice").await;
    let [bob, carol, dora, emma] =
        [town.person("Bob").await, town.person("Carol").await, town.person("Dora").await, town.person("Emma").await];
    let closed = founds(&alice, "none").await;
    alice.says(&closed, "before-her").await;
    closed.lets_in(&alice, &bob).await;
    alice.says(&closed, "since then").await;

    let left = founds(&alice, "none").await;
    left.lets_in(&alice, &carol).await;
    act(&alice, &left.participation(&carol, "remove"), &[]).await;
    alice.says(&left, "while-away").await;
    town.pass(1);
    left.lets_in(&alice, &carol).await;

    let open = founds(&alice, "all").await;
    open.lets_in(&alice, &dora).await;
    let typo = alice.says(&open, "my password is hunter2").await["message"]["id"].to_string();
    let reply = [("content", "quoting it"), ("reply_to", &typo), ("client_nonce", "n-quote")];
    assert_eq!(dora.post(&open.path(), &reply).await.status, StatusCode::CREATED);
    act(&alice, &format!("/message/{typo}/pin"), &[]).await;
    act(&alice, &format!("/message/{typo}/delete"), &[]).await;
    let edited = alice.says(&open, "first-wording").await["message"]["id"].to_string();
    act(&alice, &format!("/message/{edited}/edit"), &[("content", "second wording")]).await;
    open.lets_in(&alice, &emma).await;
    vec![
        Reader::new("newcomer", &bob, closed).await,
        Reader::new("removed and back", &carol, left).await,
        Reader::new("member after a deletion and an edit", &dora, open).await,
        Reader::new("newcomer after a deletion and an edit", &emma, open).await,
    ]
}

/// How many answers of the hub tell a secret, of how many; the first of them in words.
async fn leaks(town: &Town, hub: SocketAddr) -> (usize, usize, String) {
    let (mut leaks, mut asked, mut first) = (0, 0, String::new());
    for reader in readers(town).await {
        for (way, heard) in reader.hears(town, hub).await {
            asked += 1;
            let text = heard.iter().map(|heard| heard.data.as_str()).collect::<Vec<_>>().join("\n");
            if let Some(secret) = SECRETS.iter().find(|secret| text.contains(**secret)) {
                leaks += 1;
                if first.is_empty() {
                    first = format!("{}, {way}: {secret}", reader.what);
                }
            }
        }
        let page = reader.browser.fetch(&reader.goal, "").await.to_string();
        assert!(
            !SECRETS.iter().any(|secret| page.contains(secret)),
            "{}: what a fetch gives is the measure",
            reader.what
        );
    }
    (leaks, asked, first)
}

#[tokio::test]
async fn s1_s2_the_embedded_hub_replays_nothing_that_a_fetch_would_not_give() {
    let town = Town::start().await;
    let (leaks, asked, first) = leaks(&town, town.address).await;
    assert_eq!((leaks, asked), (0, 4 * 6 * 5 * 3), "{first}");
}

#[tokio::test]
async fn s1_s2_an_external_hub_has_nothing_to_replay() {
    let hub = hub_with_history().await;
    let town = town_beside(hub, &[]).await;
    let (leaks, asked, first) = leaks(&town, hub).await;
    assert_eq!((leaks, asked), (0, 4 * 6 * 5 * 3), "{first}");
}

/// Every change there is, and every event of a person's own: an external hub learns that there is one, and no word of it.
#[tokio::test]
async fn s1_an_external_hub_gets_no_word_of_anybody() {
    let hub = hub_with_history().await;
    let town = town_beside(hub, &[]).await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let goal = alice.founds("Marathon").await;
    goal.lets_in(&alice, &bob).await;
    let mut ear = Ear::Sse(Sse::at(hub, &bob, &query_for(&bob, &goal).await).await);
    let sent = alice.says(&goal, "Salut @Bob Martin").await;
    let id = sent["message"]["id"].to_string();
    act(&alice, &format!("/message/{id}/edit"), &[("content", "Bonsoir @Bob Martin")]).await;
    act(&bob, &format!("/message/{id}/react/%F0%9F%91%8D"), &[("on", "true")]).await;
    bob.post(&format!("/presence/typing/{}", goal.room), &[("on", "true")]).await;
    act(&alice, &format!("/message/{id}/pin"), &[]).await;
    act(&alice, &goal.participation(&bob, "role"), &[("role", "admin")]).await;
    act(&alice, &format!("/message/{id}/delete"), &[]).await;
    mark(&town.app, &bob);
    let heard = ear.until_mark().await;
    let rooms = heard.iter().filter(|heard| heard.kind.is_empty()).collect::<Vec<_>>();
    assert!(rooms.len() >= 4, "{heard:?}");
    for change in rooms {
        let keys: Vec<String> = change.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["chatroom", "epoch", "revision"], "{}", change.data);
    }
    let own = heard.iter().filter(|heard| heard.kind == "user" && heard.json().get("revision").is_some());
    let own: Vec<_> = own.map(|heard| heard.json().as_object().unwrap().keys().cloned().collect::<Vec<_>>()).collect();
    assert!(!own.is_empty() && own.iter().all(|keys| *keys == ["revision", "user"]), "{heard:?}");
    for word in ["Salut", "Bonsoir", "Martin", "Marathon", "👍"] {
        assert!(!heard.iter().any(|heard| heard.data.contains(word)), "{word}: {heard:?}");
    }
}

/// The operator's promise brings the content back, except where a goal hides its past.
#[tokio::test]
async fn s1_a_hub_that_keeps_nothing_gets_changes_whole_but_for_goals_that_hide_their_past() {
    let hub = hub_with_history().await;
    let town = town_beside(hub, &["--external-hub-history", "off"]).await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    for (history, is_whole) in [("all", true), ("none", false)] {
        let goal = founds(&alice, history).await;
        goal.lets_in(&alice, &bob).await;
        let mut ear = Ear::Sse(Sse::at(hub, &bob, &query_for(&bob, &goal).await).await);
        let sent = alice.says(&goal, "Salut").await;
        let heard = ear.next_change().await.unwrap();
        assert_eq!(heard.json()["revision"], sent["revision"]);
        assert_eq!(heard.json() == sent, is_whole, "{history}: {}", heard.data);
        assert_eq!(heard.data.contains("Salut"), is_whole);
    }
}

/// A change is committed before it is rung: a newcomer is let onto the room's topic when all that was said before has gone past.
#[tokio::test]
async fn s1_what_is_on_its_way_to_the_hub_does_not_reach_who_comes_meanwhile() {
    let town = Town::start().await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let goal = founds(&alice, "none").await;
    goal.lets_in(&alice, &bob).await;
    let (room, user, live) = (RoomId(goal.room), UserId(bob.id), &town.app.live);
    let member = rights::member(&live.members, &town.app.db, room, user).await.unwrap().unwrap();
    // The hub of this moment has not been told of what came right before him.
    let tops = Tops::new([(room, member.first_position() - 1)], tokio::runtime::Handle::current());
    let rights = Rights {
        db: town.app.db.clone(),
        members: live.members.clone(),
        topics: live.topics.clone(),
        sharing: live.aware.sharing.clone(),
        tops: tops.clone(),
        budgets: town.app.budgets.clone(),
    };
    live.aware.sharing_of(&town.app.db, user).await.unwrap();
    let topics = [live.topics.room(room)];
    let answer = tokio::spawn(async move { rights.may_read(&user.to_string(), &topics).await });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(!answer.is_finished());
    tops.committed(room, member.first_position(), Box::new(|| ()));
    assert_eq!(within("he is let on", answer).await.unwrap(), [true]);
}
