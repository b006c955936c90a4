//! Who signs out, is suspended or signed out by somebody else is out: pages, sends, polls, streams and tokens, in the same second.

use crate::ear::{Ear, Heard, both, long_poll, query_for, status, ticket};
use crate::harness::{Browser, Goal, Town, within};
use crate::wire::multipart;
use futures_util::future::join_all;
use palabre::clock::Micros;
use palabre::id::{RoomId, SessionId, UserId};
use palabre::user::session::{self, Session, Token};
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn settled(town: &Town) -> (Browser, Browser, Goal) {
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let goal = alice.founds("Marathon").await;
    goal.lets_in(&alice, &bob).await;
    (alice, bob, goal)
}

/// Everything that a session has open.
struct Open {
    browser: Browser,
    query: String,
    ears: [Ear; 2],
    poll: tokio::task::JoinHandle<(StatusCode, String)>,
}

impl Open {
    async fn new(browser: &Browser, goal: &Goal) -> Self {
        let since = browser.fetch(goal, "").await["revision"].as_i64().unwrap();
        let query = query_for(browser, goal).await;
        let poll = long_poll(browser, goal, since);
        Self { browser: browser.copy(), ears: both(browser, &query).await, query, poll }
    }

    /// Everything ends, nothing of the room is told any more, and nothing opens again.
    async fn ends(mut self, goal: &Goal) {
        for ear in &mut self.ears {
            let heard: Vec<Heard> = ear.rest().await;
            assert!(heard.iter().all(|heard| !heard.kind.is_empty()), "{heard:?}");
        }
        let (answered, text) = self.poll.await.unwrap();
        assert_eq!(answered, StatusCode::UNAUTHORIZED, "{text}");
        let send = [("content", "encore moi"), ("client_nonce", "n-over")];
        assert_eq!(self.browser.post(&goal.path(), &send).await.status, StatusCode::UNAUTHORIZED);
        for path in [format!("{}/fetch?since=0", goal.path()), "/user/fetch".to_owned()] {
            assert_eq!(self.browser.get(&path).await.status, StatusCode::UNAUTHORIZED, "{path}");
        }
        assert_eq!(self.browser.post("/realtime/token", &[]).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(opens(&self.browser, &self.query).await, StatusCode::UNAUTHORIZED, "the token is void");
    }

    /// Everything goes on: what is said now arrives.
    async fn goes_on(mut self, goal: &Goal, speaker: &Browser) {
        let sent = speaker.says(goal, "toujours là").await;
        for ear in &mut self.ears {
            let heard = ear.next_change().await.expect("the stream goes on");
            assert_eq!(heard.json(), sent);
        }
        assert_eq!(self.poll.await.unwrap().0, StatusCode::OK);
        assert_eq!(opens(&self.browser, &self.query).await, StatusCode::OK, "the token counts on");
    }
}

/// What the hub answers to who wants a stream with this browser's token. (Who takes JSON only would wait for news.)
async fn opens(browser: &Browser, query: &str) -> StatusCode {
    status(browser, query, &[("accept", "text/event-stream")]).await
}

/// The session of a browser's cookie, as a request finds it.
async fn session_of(town: &Town, browser: &Browser) -> Session {
    let cookie = browser.cookies.lock().unwrap()[&format!("palabre_{}", town.address.port())].clone();
    let (hash, now) = (Token::parse(&cookie).unwrap().hash(), town.app.clock.now());
    let found: palabre::error::Result<_> = town.app.db.read(move |db| session::find(db, &hash, now)).await;
    found.unwrap().unwrap()
}

/// What an operator types beside the running server.
fn by_hand(town: &Town, statement: &str) {
    if town.database.is_postgres() {
        return town.database.beside(statement);
    }
    let file = rusqlite::Connection::open(town.database.url.trim_start_matches("sqlite:")).unwrap();
    file.busy_timeout(crate::harness::DEADLINE).unwrap();
    file.execute_batch(statement).unwrap();
}

#[tokio::test]
async fn s3_signing_out_ends_everything_of_that_session_and_of_no_other() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let phone = bob.second_browser().await;
    let (desk, pocket) = (Open::new(&bob, &goal).await, Open::new(&phone, &goal).await);
    assert_eq!(bob.post("/logout", &[]).await.status, StatusCode::OK);
    desk.ends(&goal).await;
    pocket.goes_on(&goal, &alice).await;
}

#[tokio::test]
async fn s3_signing_in_again_ends_everything_of_the_session_before() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let before = Open::new(&bob, &goal).await;
    assert_eq!(bob.signs_in_as("Bob").await.status, StatusCode::OK);
    before.ends(&goal).await;
    Open::new(&bob, &goal).await.goes_on(&goal, &alice).await;
}

/// A request that found the session open may sign its token at any time after the session has ended.
#[tokio::test]
async fn s3_a_token_that_is_signed_after_the_end_is_void() {
    let town = Town::start().await;
    let (_, bob, goal) = settled(&town).await;
    let open = session_of(&town, &bob).await;
    let query = query_for(&bob, &goal).await;
    let rooms = [RoomId(goal.room)];
    let mint = |session: &Session, issued_at: Micros| town.app.live.ticket(session, &rooms, issued_at).token;
    let now = town.app.clock.now();
    let stays = town.visitor();
    let opens_with = async |token: &str| {
        stays.cookies.lock().unwrap().insert("mercureAuthorization".into(), token.into());
        opens(&stays, &query).await
    };
    assert_eq!(opens_with(&mint(&open, now)).await, StatusCode::OK, "while it is open");
    assert_eq!(bob.post("/logout", &[]).await.status, StatusCode::OK);
    for issued_at in [now, now + 1, now + 1_000_000, now + 3_599_000_000] {
        assert_eq!(opens_with(&mint(&open, issued_at)).await, StatusCode::UNAUTHORIZED, "{issued_at}");
    }
    // The next session of the same person begins in the same moment, and is another.
    assert_eq!(bob.signs_in_as("Bob").await.status, StatusCode::OK);
    let next = session_of(&town, &bob).await;
    assert_eq!(opens_with(&mint(&next, now)).await, StatusCode::OK);
}

#[tokio::test]
async fn s3_a_token_ends_with_its_session() {
    let town = Town::start().await;
    let (_, bob, _) = settled(&town).await;
    let open = session_of(&town, &bob).await;
    let late = open.expires_at - 60_000_000;
    assert_eq!(town.app.live.ticket(&open, &[], late).expires_at, open.expires_at);
}

/// Six connections ask for tokens while the seventh signs out, round after round.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s3_no_token_that_was_asked_for_while_signing_out_opens_a_stream() {
    let town = Town::start().await;
    let (_, bob, goal) = settled(&town).await;
    let mut minted = 0;
    for _ in 0..25 {
        assert_eq!(bob.signs_in_as("Bob").await.status, StatusCode::OK);
        let query = query_for(&bob, &goal).await;
        let thieves = (0..6).map(|_| {
            let thief = bob.copy();
            tokio::spawn(async move {
                let mut tokens = Vec::new();
                while thief.post("/realtime/token", &[]).await.status == StatusCode::OK {
                    tokens.push(thief.cookies.lock().unwrap()["mercureAuthorization"].clone());
                }
                tokens
            })
        });
        let thieves: Vec<_> = thieves.collect();
        let hand = town.hand.clone();
        // The clock goes on meanwhile, so that tokens of this round bear times after the end.
        let ticking = tokio::spawn(async move {
            loop {
                hand.fetch_add(100, std::sync::atomic::Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        });
        ticket(&bob).await;
        assert_eq!(bob.post("/logout", &[]).await.status, StatusCode::OK);
        let mut tokens: Vec<String> =
            within("all are refused", join_all(thieves)).await.into_iter().flat_map(Result::unwrap).collect();
        ticking.abort();
        tokens.dedup();
        minted += tokens.len();
        let open = async |token: &String| {
            let visitor = town.visitor();
            visitor.cookies.lock().unwrap().insert("mercureAuthorization".into(), token.clone());
            opens(&visitor, &query).await
        };
        for answer in join_all(tokens.iter().map(open)).await {
            assert_eq!(answer, StatusCode::UNAUTHORIZED);
        }
    }
    assert!(minted > 0, "the race was run");
}

#[tokio::test]
async fn s3_a_restart_revives_no_token() {
    let town = Town::start().await;
    let (_, bob, goal) = settled(&town).await;
    let query = query_for(&bob, &goal).await;
    let before = bob.copy();
    assert_eq!(bob.post("/logout", &[]).await.status, StatusCode::OK);
    let town = town.restart().await;
    assert_eq!(opens(&before.moved_to(&town), &query).await, StatusCode::UNAUTHORIZED);
}

/// The way for whoever changes a password: all but the session that changes it.
#[tokio::test]
async fn s3_all_sessions_of_a_person_end_but_the_one_that_is_kept() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let phone = bob.second_browser().await;
    let (desk, pocket) = (Open::new(&bob, &goal).await, Open::new(&phone, &goal).await);
    let kept = session_of(&town, &phone).await.id;
    let (live, user) = (town.app.live.clone(), UserId(bob.id));
    let end = move |tx: &mut palabre::db::Writer<'_>, but: Option<SessionId>| -> palabre::error::Result<()> {
        let ended = session::delete_all(tx, user, but)?;
        live.end_sessions(tx, ended);
        Ok(())
    };
    let all = end.clone();
    town.app.db.write(palabre::db::Lane::None, move |tx| end(tx, Some(kept))).await.unwrap();
    desk.ends(&goal).await;
    pocket.goes_on(&goal, &alice).await;
    let pocket = Open::new(&phone, &goal).await;
    town.app.db.write(palabre::db::Lane::None, move |tx| all(tx, None)).await.unwrap();
    pocket.ends(&goal).await;
}

/// A body that is still on its way when the session ends changes nothing.
#[tokio::test]
async fn s3_what_was_half_sent_when_the_session_ended_is_not_taken() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let field = [("content", None, "à moitié".as_bytes()), ("client_nonce", None, b"n-half")];
    let forms = [
        ("application/x-www-form-urlencoded", b"content=half&client_nonce=n-slow".to_vec()),
        ("multipart/form-data; boundary=x", multipart("x", &field)),
    ];
    for (media_type, body) in forms {
        let half = body.len() / 2;
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\nCookie: {}\r\nContent-Type: {media_type}\r\n\
             Content-Length: {}\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n",
            goal.path(),
            bob.address,
            bob.cookie_header(),
            body.len()
        );
        let mut stream = TcpStream::connect(bob.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // The server asks for the body once it reads it: the session was found by then.
        let mut answer = vec![0; 64];
        let read = within("the server goes on", stream.read(&mut answer)).await.unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&answer[..read]));
        stream.write_all(&body[..half]).await.unwrap();
        let other = bob.copy();
        assert_eq!(other.post("/logout", &[]).await.status, StatusCode::OK);
        stream.write_all(&body[half..]).await.unwrap();
        let mut text = String::new();
        within("the answer", stream.read_to_string(&mut text)).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 401"), "{media_type}: {text}");
        assert_eq!(bob.signs_in_as("Bob").await.status, StatusCode::OK);
    }
    let said = alice.fetch(&goal, "since=0").await.to_string();
    assert!(!said.contains("half") && !said.contains("à moitié"), "{said}");
}

#[tokio::test]
async fn s13_a_suspension_by_hand_ends_everything_of_that_person() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let phone = bob.second_browser().await;
    let everything = [Open::new(&bob, &goal).await, Open::new(&phone, &goal).await];
    let hers = Open::new(&alice, &goal).await;
    by_hand(&town, &format!("update \"user\" set status = 'suspended' where id = {}", bob.id));
    for open in everything {
        open.ends(&goal).await;
    }
    assert_eq!(town.visitor().signs_in_as("Bob").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    hers.goes_on(&goal, &alice).await;
    // Let in again, one signs in again: what had ended stays ended.
    by_hand(&town, &format!("update \"user\" set status = 'active' where id = {}", bob.id));
    assert_eq!(bob.get("/user/fetch").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(bob.signs_in_as("Bob").await.status, StatusCode::OK);
    Open::new(&bob, &goal).await.goes_on(&goal, &alice).await;
}

#[tokio::test]
async fn s13_a_session_that_is_deleted_by_hand_ends_and_no_other() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let phone = bob.second_browser().await;
    let (desk, pocket) = (Open::new(&bob, &goal).await, Open::new(&phone, &goal).await);
    let id = session_of(&town, &bob).await.id;
    by_hand(&town, &format!("delete from session where id = {id}"));
    desk.ends(&goal).await;
    pocket.goes_on(&goal, &alice).await;
}

/// On PostgreSQL a number may be given long before it is committed: what was skipped is found.
#[tokio::test]
async fn s13_an_end_that_is_committed_late_is_found() {
    let town = Town::start().await;
    if !town.database.is_postgres() {
        return;
    }
    let (alice, bob, goal) = settled(&town).await;
    let carol = town.person("Carol").await;
    goal.lets_in(&alice, &carol).await;
    let (late, early) = (Open::new(&bob, &goal).await, Open::new(&carol, &goal).await);
    let (ids, url) =
        ([session_of(&town, &bob).await.id, session_of(&town, &carol).await.id], town.database.url.clone());
    let (committed, waits) = std::sync::mpsc::channel::<()>();
    let (deleted, is_deleted) = tokio::sync::oneshot::channel();
    let slow = std::thread::spawn(move || {
        let mut db = postgres::Client::connect(&url, postgres::NoTls).unwrap();
        let mut tx = db.transaction().unwrap();
        tx.batch_execute(&format!("delete from session where id = {}", ids[0])).unwrap();
        deleted.send(()).unwrap();
        waits.recv().unwrap();
        tx.commit().unwrap();
    });
    is_deleted.await.unwrap();
    by_hand(&town, &format!("delete from session where id = {}", ids[1]));
    early.ends(&goal).await;
    assert_eq!(bob.get("/user/fetch").await.status, StatusCode::OK);
    committed.send(()).unwrap();
    late.ends(&goal).await;
    slow.join().unwrap();
}

#[tokio::test]
async fn s22_an_account_has_fifty_sessions_and_the_oldest_makes_room() {
    let town = Town::start().await;
    let (alice, bob, goal) = settled(&town).await;
    let second = bob.second_browser().await;
    let (oldest, next) = (Open::new(&bob, &goal).await, Open::new(&second, &goal).await);
    for _ in 0..49 {
        assert_eq!(town.visitor().signs_in_as("Bob").await.status, StatusCode::OK);
    }
    oldest.ends(&goal).await;
    next.goes_on(&goal, &alice).await;
}
