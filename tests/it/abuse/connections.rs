//! What is held: connections, streams, long polls; and what a stream may ask for.

use super::strict;
use crate::ear::{HUB, Socket, long_poll, status, subscribe, ticket, topics, user_topic};
use crate::harness::{Browser, Town, within};
use crate::message::two;
use mercure_hub::Authorizer;
use palabre::live::rights::{Rights, Topics};
use palabre::recent::Recent;
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Whether the server answers on a connection, rather than closing it.
async fn is_answered(stream: &mut TcpStream) -> bool {
    let asked = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: town\r\n\r\n").await;
    let mut first = [0; 12];
    asked.is_ok() && within("an answer or an end", stream.read_exact(&mut first)).await.is_ok()
}

async fn connect(town: &Town) -> TcpStream {
    TcpStream::connect(town.address).await.unwrap()
}

/// S6: a thousand idle connections of one address closed the door for everybody.
#[tokio::test]
async fn s6_an_address_has_so_many_connections() {
    let town = Town::start_with(&["--budgets", "address-connections=3", "--rate-limits", "on", "from-afar"]).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(&town).await;
        assert!(is_answered(&mut stream).await);
        held.push(stream);
    }
    assert!(!is_answered(&mut connect(&town).await).await, "the fourth is closed");
    assert!(is_answered(&mut held[0]).await, "the others go on");
    held.pop();
    within("a place is free again", async { while !is_answered(&mut connect(&town).await).await {} }).await;
}

/// A stream that the hub has taken over is still a connection.
#[tokio::test]
async fn s6_a_stream_is_a_connection() {
    let town = Town::start_with(&["--budgets", "connections=3"]).await;
    let alice = town.person("Alice").await;
    ticket(&alice).await;
    let own = topics(&[&user_topic(&alice)]);
    // Its client keeps a connection for the next request, until it goes.
    let cookies = alice.cookie_header();
    drop(alice);
    let request = format!("GET {HUB}?{} HTTP/1.1\r\nHost: town\r\nCookie: {}\r\n\r\n", own, cookies);
    let mut streams = Vec::new();
    within("three streams are open", async {
        while streams.len() < 3 {
            let mut stream = connect(&town).await;
            let _ = stream.write_all(request.as_bytes()).await;
            let mut first = [0; 12];
            if stream.read_exact(&mut first).await.is_ok() {
                assert_eq!(&first, b"HTTP/1.1 200");
                streams.push(stream);
            }
        }
    })
    .await;
    assert!(!is_answered(&mut connect(&town).await).await);
    streams.pop();
    within("a place is free again", async { while !is_answered(&mut connect(&town).await).await {} }).await;
}

/// S6: 1,500 long polls of one account were held at once.
#[tokio::test]
async fn s6_a_person_has_so_many_long_polls() {
    let town = strict("polls=3").await;
    let (alice, bob, goal) = two(&town).await;
    let top = alice.fetch(&goal, "since=0").await["revision"].as_i64().unwrap();
    let asked = (0..4).map(|_| long_poll(&alice, &goal, top));
    let (first, _, held) = within("one is too many", futures_util::future::select_all(asked)).await;
    assert_eq!(first.unwrap().0, StatusCode::TOO_MANY_REQUESTS);
    let short = alice.get(&format!("{}/fetch?since={top}", goal.path())).await;
    assert_eq!(short.status, StatusCode::OK, "a poll that does not wait holds nothing");
    bob.says(&goal, "bonjour").await;
    for poll in held {
        assert_eq!(within("the news", poll).await.unwrap().0, StatusCode::OK);
    }
    let now = alice.get(&format!("{}/fetch?since={top}&wait=25", goal.path())).await;
    assert_eq!(now.status, StatusCode::OK);
}

/// S6, S10 of the table: streams of one person have an end too.
#[tokio::test]
async fn s6_a_person_has_so_many_streams() {
    let town = strict("streams=2").await;
    let alice = town.person("Alice").await;
    ticket(&alice).await;
    let own = topics(&[&user_topic(&alice)]);
    let _held = [Socket::open(&alice, &own).await, Socket::open(&alice, &own).await];
    assert_eq!(status(&alice, &own, &[]).await, StatusCode::TOO_MANY_REQUESTS);
}

/// S7: opening streams in a loop made others' messages a hundred times slower.
#[tokio::test]
async fn s7_streams_are_opened_at_a_rate() {
    let town = strict("connects=3,1/m").await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    for who in [&alice, &bob] {
        ticket(who).await;
        for n in 0..5 {
            let asked = who.request(Method::HEAD, &format!("{HUB}?{}", topics(&[&user_topic(who)])), &[], "").await;
            assert_eq!(asked.status() == StatusCode::TOO_MANY_REQUESTS, n >= 3, "{}", who.name);
            assert_eq!(asked.headers().contains_key("retry-after"), n >= 3);
        }
    }
}

/// A socket or a QUERY may name a thousand rooms, also such as there are not: one statement, and its number is bounded.
#[tokio::test]
async fn s7_rooms_of_a_stream_are_looked_up_at_once_and_at_a_rate() {
    let town = strict("rights=2000,1/h").await;
    let (alice, bob, goal) = two(&town).await;
    let rights = Rights {
        db: town.app.db.clone(),
        members: Recent::new(100),
        topics: Topics::new(""),
        sharing: Recent::new(100),
        tops: town.app.live.tops.clone(),
        budgets: town.app.budgets.clone(),
    };
    let own = ["", "/reads", "/presence"].map(|below| format!("chatroom/{}{below}", goal.room));
    let asked = |from: i64| -> Vec<String> {
        let others = (from..from + 1_000).map(|room| format!("chatroom/{room}"));
        own.iter().cloned().chain(others).chain([user_topic(&bob), "chatroom/x".to_owned()]).collect()
    };
    let granted = async |who: &Browser, from: i64| {
        let answers = rights.may_read(&who.id.to_string(), &asked(from)).await;
        assert_eq!(answers.len(), own.len() + 1_002);
        answers.iter().filter(|may| **may).count()
    };
    let before = town.app.db.statements();
    assert_eq!(granted(&bob, 1_000).await, 3);
    assert_eq!(town.app.db.statements() - before, 2, "the rooms, and what the person shows");
    assert_eq!(granted(&bob, 2_000).await, 3, "two thousand, and one more that is a debt");
    let before = town.app.db.statements();
    assert_eq!(granted(&bob, 3_000).await, 3, "what is known is known");
    assert_eq!(town.app.db.statements(), before, "and nothing is looked up");
    assert_eq!(granted(&alice, 3_000).await, 3);
}

/// S7: 60 streams with 1,000 URL patterns each took a gigabyte. The chat's pages name their topics.
#[tokio::test]
async fn s7_patterns_are_refused() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    ticket(&bob).await;
    let patterns = [
        "match_urlpattern=%2Fchatroom%2F%3Aid",
        "match_urlpattern=chatroom",
        "topic=chatroom%2F%7Bid%7D",
        "topic=%2A",
        "match=%2A",
        "match_exact=%2A",
    ];
    let room = topics(&[&format!("chatroom/{}", goal.room)]);
    for pattern in patterns {
        for query in [pattern.to_owned(), format!("{room}&{pattern}")] {
            assert_eq!(status(&bob, &query, &[]).await, StatusCode::BAD_REQUEST, "{query}");
            let refused = Socket::try_open(&bob, &query, &[]).await;
            assert_eq!(refused.err(), Some(StatusCode::BAD_REQUEST), "{query}");
        }
        let method = Method::from_bytes(b"QUERY").unwrap();
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let answer = bob.request(method, HUB, &form, pattern).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{pattern}");
    }
    let mut socket = Socket::open(&bob, &room).await;
    socket.say(&subscribe(&["*"])).await;
    assert_eq!(socket.next().await.map(|heard| heard.kind), None, "the socket is closed");
    let long = format!("match={}", "x".repeat(300));
    assert_eq!(status(&bob, &long, &[]).await, StatusCode::BAD_REQUEST, "no topic of ours is that long");
    let mut socket = Socket::open(&bob, &room).await;
    alice.says(&goal, "bonjour").await;
    assert!(socket.next().await.is_some(), "names are heard as ever");
}
