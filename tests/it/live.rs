//! The live link: the same bytes on every way, to those who may hear them and to nobody else.

use crate::ear::{
    Ear, HUB, Heard, Socket, Sse, both, long_poll, mark, query_for, room_topic, status, subscribe, ticket, topics,
    user_topic,
};
use crate::harness::{Browser, Goal, Town, urlencoded, within};
use mercure_hub::{Claims, Grant, Key};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Alice's goal with Bob in it.
async fn two(town: &Town) -> (Browser, Browser, Goal) {
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let goal = alice.founds("Marathon").await;
    goal.lets_in(&alice, &bob).await;
    (alice, bob, goal)
}

/// The room's own revision, as a poll tells it.
async fn top(browser: &Browser, goal: &Goal) -> i64 {
    browser.fetch(goal, "").await["revision"].as_i64().unwrap()
}

/// A token signed by whoever knows the key.
fn token(key: &str, subject: i64, town: &Town, grants: (&[&str], &[&str])) -> String {
    let list = |topics: &[&str]| topics.iter().map(ToString::to_string).collect();
    let now = town.app.clock.now() as f64 / 1e6;
    let mercure = Grant { subscribe: list(grants.0), publish: list(grants.1) };
    let claims = Claims { sub: Some(subject.to_string()), iat: Some(now), exp: Some(now + 60.0), mercure };
    mercure_hub::mint(&Key::hs256(key), &claims)
}

#[tokio::test]
async fn every_way_carries_the_same_bytes() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let mut others = Vec::new();
    for name in ["Carol", "Dan", "Erin"] {
        let person = town.person(name).await;
        goal.lets_in(&alice, &person).await;
        others.push(person);
    }
    let [carol, dan, erin] = others.try_into().unwrap_or_else(|_| panic!("three"));
    let since = top(&alice, &goal).await;
    let mut by_sse = Ear::Sse(Sse::open(&bob, &query_for(&bob, &goal).await).await);
    let mut by_socket = Ear::Socket(Socket::open(&carol, &query_for(&carol, &goal).await).await);
    let waiting = long_poll(&erin, &goal, since);
    let content =
        "# Salut\n\n**tout** le monde, \"guillemets\" & <b>balises</b> \\ 👩‍🚀 é\u{2028}名\n\n```\nlet a = 1;\n```";
    let answer = alice.post(&goal.path(), &[("content", content), ("client_nonce", "n-1")]).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let heard = by_sse.next_change().await.unwrap();
    assert_eq!(heard.data, answer.text, "SSE");
    assert_eq!(by_socket.next_change().await.unwrap(), heard, "WebSocket");
    let change = answer.json();
    let id = format!("urn:chatroom:{}:{}:{}", goal.room, change["epoch"].as_str().unwrap(), since + 1);
    assert_eq!(heard.id, id);
    // The message's object stands in the polls as it stands in the change, the fragment in the page.
    let (_, message) = answer.text.split_once(r#""message":"#).unwrap();
    let message = message.strip_suffix('}').unwrap();
    let polled = dan.get(&format!("{}/fetch?since={since}", goal.path())).await.text;
    assert!(polled.contains(&format!(r#""messages":[{message}]"#)), "{polled}\n{message}");
    let (status, waited) = within("the long poll", waiting).await.unwrap();
    assert_eq!((status, waited), (StatusCode::OK, polled), "a poll that waited says the same");
    let html = change["message"]["html"].as_str().unwrap();
    assert!(dan.page(&goal.path()).await.text.contains(html), "the page");
    // So it is with an edit, a deletion and an answer to a message.
    let id = change["message"]["id"].as_i64().unwrap();
    let reply = [("content", "oui"), ("client_nonce", "n-2"), ("reply_to", &id.to_string())];
    for (path, form) in [
        (goal.path(), &reply[..]),
        (format!("/message/{id}/edit"), &[("content", "*Bonsoir*")][..]),
        (format!("/message/{id}/delete"), &[][..]),
    ] {
        let answer = alice.post(&path, form).await;
        assert!(answer.status.is_success(), "{}", answer.text);
        assert_eq!(by_sse.next_change().await.unwrap().data, answer.text);
        assert_eq!(by_socket.next_change().await.unwrap().data, answer.text);
        let html = answer.json()["message"]["html"].as_str().unwrap().to_owned();
        assert!(bob.page(&goal.path()).await.text.contains(&html), "{html}");
        let all = dan.fetch(&goal, "since=0").await;
        assert!(all["messages"].as_array().unwrap().contains(&answer.json()["message"]), "{all}");
    }
}

/// CVE-2023-45131, CVE-2026-100404 and their like: who is not in the room hears nothing of it, live or replayed.
#[tokio::test]
async fn a_stranger_hears_nothing_and_nothing_is_replayed() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    alice.says(&goal, "avant").await;
    let visitor = town.visitor();
    assert_eq!(status(&visitor, &topics(&[&room_topic(&goal)]), &[]).await, StatusCode::UNAUTHORIZED);
    let refused = Socket::try_open(&visitor, &topics(&[&room_topic(&goal)]), &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::UNAUTHORIZED));
    // Signed in, never asked; and one whose request waits.
    let (carol, dan) = (town.person("Carol").await, town.person("Dan").await);
    dan.post(&format!("/goal/{}/join", goal.id), &[]).await;
    for stranger in [&carol, &dan] {
        assert_eq!(ticket(stranger).await["topics"], json!([user_topic(stranger)]));
        let own = user_topic(stranger);
        let everything = topics(&[&room_topic(&goal), "chatroom/999", &user_topic(&bob), &own]);
        for mut ear in both(stranger, &format!("{everything}&last_event_id=earliest")).await {
            alice.says(&goal, "secret").await;
            bob.post(&format!("/goal/{}/leave", goal.id), &[]).await;
            goal.lets_in(&alice, &bob).await;
            mark(&town.app, stranger);
            assert_eq!(ear.until_mark().await, [], "{}", stranger.name);
        }
        assert_eq!(stranger.get(&format!("{}/fetch?since=0&wait=1", goal.path())).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn an_unknown_topic_gives_nothing() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    ticket(&bob).await;
    let own = user_topic(&bob);
    let near = [format!("chatroom/0{}", goal.room), format!("x/{}", room_topic(&goal)), "chatroom/999".into(), own];
    let near: Vec<&str> = near.iter().map(String::as_str).collect();
    for mut ear in both(&bob, &topics(&near)).await {
        alice.says(&goal, "ailleurs").await;
        mark(&town.app, &bob);
        assert_eq!(ear.until_mark().await, []);
    }
}

#[tokio::test]
async fn only_the_right_secret_opens() {
    let town = Town::start_with(&["--mercure-jwt-secret", "the secret of this town, long enough"]).await;
    let (alice, bob, goal) = two(&town).await;
    let query = topics(&[&room_topic(&goal)]);
    let room = room_topic(&goal);
    let forged = token("another secret, also long enough", alice.id, &town, (&[&room], &[]));
    let bearer = format!("Bearer {forged}");
    assert_eq!(status(&town.visitor(), &query, &[("authorization", &bearer)]).await, StatusCode::UNAUTHORIZED);
    let right = token("the secret of this town, long enough", bob.id, &town, (&[], &[]));
    let bearer = format!("Bearer {right}");
    assert_eq!(status(&town.visitor(), &query, &[("authorization", &bearer)]).await, StatusCode::OK);
    // A publisher's token publishes, as at any hub; a reader's does not.
    let mut ear = Ear::Sse(Sse::open(&bob, &query_for(&bob, &goal).await).await);
    let form = urlencoded(&[("topic", &room), ("data", "from outside"), ("private", "on"), ("id", "urn:x:1")]);
    let publisher = token("the secret of this town, long enough", 0, &town, (&[], &["*"]));
    for (token, expected) in
        [(right, StatusCode::FORBIDDEN), (forged, StatusCode::UNAUTHORIZED), (publisher, StatusCode::OK)]
    {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        let answer = town.visitor().request(Method::POST, HUB, &headers, form.clone()).await;
        assert_eq!(answer.status(), expected);
    }
    let heard = ear.next_change().await.unwrap();
    assert_eq!((heard.id.as_str(), heard.data.as_str()), ("urn:x:1", "from outside"));
}

#[tokio::test]
async fn the_heartbeat_tells_the_tops_of_own_rooms_only() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let foreign = alice.founds("Without Bob").await;
    alice.says(&foreign, "hidden").await;
    let top = alice.says(&goal, "shown").await["revision"].as_i64().unwrap();
    ticket(&bob).await;
    let all = topics(&[&room_topic(&goal), &room_topic(&foreign), "chatroom/999", &user_topic(&bob)]);
    for mut ear in both(&bob, &format!("{all}&heartbeat=1")).await {
        let beat = ear.next().await.unwrap();
        assert_eq!(beat.kind, "heartbeat");
        assert_eq!(beat.json(), json!({ (room_topic(&goal)): top }));
    }
}

#[tokio::test]
async fn a_socket_opens_for_own_pages_only() {
    let town = Town::start().await;
    let (_, bob, goal) = two(&town).await;
    let query = query_for(&bob, &goal).await;
    for foreign in ["https://evil.example", "null", &format!("https://{}", town.address), "http://127.0.0.1:1"] {
        let refused = Socket::try_open(&bob, &query, &[("origin", foreign)]).await;
        // The same host by https is the same host: a proxy may stand before us.
        let expected =
            foreign.ends_with(&town.address.to_string()).then_some(()).map_or(Some(StatusCode::FORBIDDEN), |()| None);
        assert_eq!(refused.err(), expected, "{foreign}");
    }
    let own = format!("http://{}", town.address);
    assert!(Socket::try_open(&bob, &query, &[("origin", &own)]).await.is_ok());
}

/// CVE-2026-111917 and its like: a stream does not outlive the session.
#[tokio::test]
async fn leaving_the_session_ends_the_streams() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let query = query_for(&bob, &goal).await;
    let [mut by_sse, mut by_socket] = both(&bob, &query).await;
    let mut other = Ear::Sse(Sse::open(&alice, &query_for(&alice, &goal).await).await);
    let before = bob.copy();
    assert_eq!(bob.post("/logout", &[]).await.status, StatusCode::OK);
    assert_eq!(by_sse.rest().await, []);
    assert_eq!(by_socket.rest().await, []);
    let Ear::Socket(socket) = by_socket else { unreachable!() };
    assert_eq!(socket.closed, Some((4003, "revoked".into())));
    assert!(!bob.cookie_header().contains("mercureAuthorization"), "the browser forgets the token");
    assert_eq!(status(&before, &query, &[]).await, StatusCode::UNAUTHORIZED, "and so does the hub");
    assert_eq!(Socket::try_open(&before, &query, &[]).await.err(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!(before.post("/realtime/token", &[]).await.status, StatusCode::UNAUTHORIZED);
    alice.says(&goal, "encore là").await;
    assert!(other.next_change().await.is_some());
}

#[tokio::test]
async fn removal_ends_the_streams_and_nothing_reopens_them() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let since = bob.get("/user/fetch").await.json()["revision"].as_i64().unwrap();
    let query = query_for(&bob, &goal).await;
    let ears = both(&bob, &query).await;
    let removed = alice.post(&goal.participation(&bob, "remove"), &[]).await;
    assert_eq!(removed.status, StatusCode::OK, "{}", removed.text);
    alice.says(&goal, "entre nous").await;
    for mut ear in ears {
        let heard: Vec<Heard> = ear.rest().await;
        assert!(heard.iter().all(|heard| heard.kind == "user"), "nothing of the room: {heard:?}");
    }
    assert_eq!(status(&bob, &query, &[]).await, StatusCode::UNAUTHORIZED, "the token still has an hour to live");
    let events = bob.get(&format!("/user/fetch?since={since}")).await.json();
    let kinds: Vec<_> = events["events"].as_array().unwrap().iter().map(|event| &event["event"]["kind"]).collect();
    assert_eq!(kinds, ["removed"]);
    assert_eq!(events["rooms"], json!([]));
    town.pass(1);
    assert_eq!(ticket(&bob).await["topics"], json!([user_topic(&bob)]));
    for mut ear in both(&bob, &format!("{query}&last_event_id=earliest")).await {
        alice.says(&goal, "toujours").await;
        mark(&town.app, &bob);
        assert!(ear.until_mark().await.iter().all(|heard| heard.kind == "user"));
    }
}

#[tokio::test]
async fn who_is_let_in_hears_it_and_listens_on_the_same_socket() {
    let town = Town::start().await;
    let (alice, carol) = (town.person("Alice").await, town.person("Carol").await);
    let goal = alice.founds("Marathon").await;
    ticket(&alice).await;
    let mut admin = Ear::Sse(Sse::open(&alice, &topics(&[&user_topic(&alice)])).await);
    ticket(&carol).await;
    let mut socket = Socket::open(&carol, &format!("{}&heartbeat=1", topics(&[&user_topic(&carol)]))).await;
    assert_eq!(next_of(&mut socket, "heartbeat").await.json(), json!({}));
    carol.post(&format!("/goal/{}/join", goal.id), &[]).await;
    let asked = admin.next().await.unwrap();
    assert_eq!(asked.kind, "user");
    assert_eq!(asked.json()["event"]["kind"], "participation_asked");
    assert_eq!(asked.json()["event"]["actor"]["id"], carol.id);
    // Too early: asks for the room before being let in, and hears nothing of it.
    assert_eq!(subscribes(&mut socket, &goal).await, json!({}));
    alice.says(&goal, "secret").await;
    alice.post(&goal.participation(&carol, "approve"), &[]).await;
    let approved = next_of(&mut socket, "user").await;
    assert_eq!(approved.json()["event"]["kind"], "participation_approved");
    assert_eq!(approved.json()["event"]["chatroom"], goal.room);
    assert!(approved.id.starts_with(&format!("urn:user:{}:", carol.id)), "{}", approved.id);
    let top = top(&alice, &goal).await;
    assert_eq!(subscribes(&mut socket, &goal).await, json!({ (room_topic(&goal)): top }));
    let sent = alice.post(&goal.path(), &[("content", "Bienvenue"), ("client_nonce", "n-1")]).await;
    assert_eq!(next_of(&mut socket, "").await.data, sent.text);
    // What cannot be understood ends the socket with a reason.
    socket.say(&json!({ "publish": "nonsense" })).await;
    while socket.next().await.is_some() {}
    assert_eq!(socket.closed.unwrap().0, 1008);
}

/// Asks for the room's topic. The heartbeat answers with the tops of what is subscribed now.
async fn subscribes(socket: &mut Socket, goal: &Goal) -> Value {
    socket.say(&subscribe(&[&room_topic(goal)])).await;
    next_of(socket, "heartbeat").await.json()
}

/// The next event of this type; signs of life in between do not count.
async fn next_of(socket: &mut Socket, kind: &str) -> Heard {
    loop {
        let heard = socket.next().await.unwrap();
        if heard.kind == kind {
            return heard;
        }
        assert_eq!(heard.kind, "heartbeat", "{heard:?}");
    }
}

#[tokio::test]
async fn the_second_device_hears_what_was_read() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let sent = alice.says(&goal, "Lis-moi").await;
    ticket(&bob).await;
    let [mut tablet, mut desk] = both(&bob, &topics(&[&user_topic(&bob)])).await;
    let path = format!("/message/{}/mark-read", sent["message"]["id"]);
    assert_eq!(bob.post(&path, &[]).await.status, StatusCode::OK);
    for ear in [&mut tablet, &mut desk] {
        let heard = ear.next().await.unwrap();
        assert_eq!(heard.kind, "user");
        let expected = json!({ "kind": "read", "chatroom": goal.room, "position": sent["message"]["position"] });
        assert_eq!(heard.json()["event"], expected);
    }
    let rooms: Value = bob.get("/user/fetch").await.json();
    assert_eq!(rooms["rooms"][0]["unread"], 0);
    // Read twice is read once.
    assert_eq!(bob.post(&path, &[]).await.status, StatusCode::OK);
    mark(&town.app, &bob);
    assert_eq!(tablet.until_mark().await, []);
}
