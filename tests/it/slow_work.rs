//! Work that one account can make slow does not run where others wait. A person's turn is held here as a hostile text, recording or picture
//! would hold it: nothing depends on how fast anything is.

use crate::files::{picture, sends, stored};
use crate::harness::{Browser, DEADLINE, Goal, Town, within};
use crate::laborious::{code, flac, mp4};
use crate::message::{id, two};
use crate::voice::{posts, wave};
use futures_util::future::{join_all, select_all};
use image::ImageFormat;
use palabre::chatroom::Member;
use palabre::db::{DbError, Lane};
use palabre::id::{RoomId, UserId};
use palabre::message::{self, Draft, Kind, Sent};
use palabre::sound::{Listener, Refused};
use palabre::turns::{Turn, Turns};
use reqwest::StatusCode;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// Holds a person's turn, as long as the value lives.
async fn busy(turns: &Turns, who: &Browser) -> Turn {
    turns.turn(UserId(who.id)).await.unwrap()
}

/// Waits until so many ask for a turn.
async fn asked(turns: &Turns, count: usize) {
    within("they wait for a turn", async {
        while turns.waiting() != count {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// The room and the program answer a person as if nothing were going on.
async fn is_served(who: &Browser, goal: &Goal) {
    who.says(goal, "Bonjour @Alice `x`").await;
    assert_eq!(who.get("/healthz").await.status, StatusCode::OK);
    let preview = who.post(&format!("{}/preview", goal.path()), &[("content", "**a**")]).await;
    assert_eq!(preview.json()["html"], "<p><strong>a</strong></p>");
}

#[tokio::test]
async fn s4_a_text_that_takes_long_is_waited_for_by_its_author_alone() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let old = alice.says(&goal, "avant").await;
    let turns = town.app.renderer.turns();
    let held = busy(turns, &alice).await;
    let (send, edit, preview) =
        (goal.path(), format!("/message/{}/edit", id(&old)), format!("{}/preview", goal.path()));
    let waiting: Vec<_> = [send, edit, preview]
        .into_iter()
        .map(|path| {
            let alice = alice.clone();
            tokio::spawn(async move { alice.post(&path, &[("content", "après"), ("client_nonce", "n")]).await })
        })
        .collect();
    asked(turns, 3).await;
    is_served(&bob, &goal).await;
    assert_eq!(alice.fetch(&goal, "").await["messages"].as_array().unwrap().len(), 3, "reading is no rendering");
    assert_eq!(turns.waiting(), 3);
    drop(held);
    for (answer, status) in join_all(waiting).await.into_iter().zip([201, 200, 200]) {
        assert_eq!(answer.unwrap().status.as_u16(), status);
    }
}

#[tokio::test]
async fn s4_a_person_cannot_queue_without_end() {
    // Where messages have no rate, neither has waiting.
    let budgets = "registrations=off failures=off sends=1000,100/s";
    let town = Town::start_with(&["--rate-limits", "on", "--budgets", budgets]).await;
    let (alice, bob, goal) = two(&town).await;
    let turns = town.app.renderer.turns();
    let held = busy(turns, &alice).await;
    let sends = (0..40).map(|n| {
        let (alice, path) = (alice.clone(), goal.path());
        let nonce = format!("n-{n}");
        tokio::spawn(async move { alice.post(&path, &[("content", &nonce), ("client_nonce", &nonce)]).await })
    });
    let sends: Vec<_> = sends.collect();
    asked(turns, 32).await;
    is_served(&bob, &goal).await;
    drop(held);
    let answers: Vec<_> = join_all(sends).await.into_iter().map(Result::unwrap).collect();
    let (taken, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == StatusCode::CREATED);
    for answer in &refused {
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{}", answer.text);
        assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
    }
    assert_eq!(taken.len(), 32);
    // Which of them it was does not matter: the same nonce again is one message in the end.
    for n in 0..40 {
        let nonce = format!("n-{n}");
        let again = alice.post(&goal.path(), &[("content", &nonce), ("client_nonce", &nonce)]).await;
        assert!(again.status.is_success(), "{}", again.text);
    }
    let mut seen: Vec<String> = Vec::new();
    let page = bob.fetch(&goal, "since=0&limit=200").await;
    seen.extend(page["messages"].as_array().unwrap().iter().map(|message| message["client_nonce"].to_string()));
    seen.retain(|nonce| nonce.starts_with("\"n-"));
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((seen.len(), count), (40, 40));
}

/// What was found is shown with a part of each text, which has to be parsed for it: in the searcher's turn, like all that is rendered.
#[tokio::test]
async fn s4_who_searches_waits_for_own_texts_alone() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    alice.says(&goal, "le **fil** rouge").await;
    let turns = town.app.renderer.turns();
    let held = busy(turns, &alice).await;
    let path = format!("{}/search?q=fil", goal.path());
    let waiting = tokio::spawn({
        let (alice, path) = (alice.clone(), path.clone());
        async move { alice.get(&path).await }
    });
    asked(turns, 1).await;
    let found = bob.get(&path).await.json();
    assert_eq!(found["results"][0]["excerpt"].as_array().map(Vec::len), Some(3), "{found}");
    assert_eq!(alice.get(&format!("{}/search?q=introuvable", goal.path())).await.status, StatusCode::OK);
    drop(held);
    assert_eq!(waiting.await.unwrap().json(), found);
}

/// The grammars that took longest: a message of them is sent, shown in full, and has an end.
#[tokio::test]
async fn s4_the_slowest_code_is_sent_and_shown() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    for (language, piece) in [("make", "int a(int b, "), ("cs", "_"), ("rs", "a"), ("js", "$"), ("matlab", "a.b.")] {
        let text = code(language, piece, 9_900);
        let sent = alice.says(&goal, &text).await;
        let html = sent["message"]["html"].as_str().unwrap();
        let shown: String = scraper::Html::parse_fragment(html).root_element().text().collect();
        let lines = text.lines().filter(|line| line.starts_with(piece)).count();
        assert_eq!(
            shown.lines().filter(|line| line.trim_start().starts_with(piece.trim())).count(),
            lines,
            "{language}"
        );
        assert!(html.contains(&format!("data-user=\"{}\">@Bob</span>", bob.id)), "named beside the code: {language}");
    }
}

/// Who is named is found out before the transaction; it holds only while nobody came, left or changed.
#[tokio::test]
async fn s4_who_came_or_left_while_a_text_was_rendered_counts() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let carol = town.person("Carol").await;
    let (room, user) = (RoomId(goal.room), UserId(alice.id));
    let member = town.app.db.read(move |db| Member::find(db, room, user)).await.unwrap().unwrap();
    let text = "@Bob et @Carol, `@Bob`";
    let content = town.app.renderer.content(&member, text, None).await.unwrap();
    assert!(content.shown().contains(&format!("data-user=\"{}\"", bob.id)) && content.may_name());
    let other = content.clone();
    let send = async |content, nonce: &str| {
        let draft = Draft::with_files(Kind::Text, content, Vec::new(), None, nonce, &town.app.clock).unwrap();
        let (app, member) = (town.app.clone(), member.clone());
        let job = move |tx: &mut palabre::db::Writer<'_>| message::create(tx, &member, &draft, app.clock.now());
        match town.app.db.write(Lane::Room(goal.room), job).await.unwrap() {
            Sent::New(shown) | Sent::Repeated(shown) => shown.message,
        }
    };
    let mention = |who: &Browser| format!("<span class=\"mention\" data-user=\"{}\">@{}</span>", who.id, who.name);
    let first = send(content, "before").await;
    assert_eq!(first.body_html, format!("<p>{} et @Carol, <code>@Bob</code></p>", mention(&bob)));
    goal.lets_in(&alice, &carol).await;
    assert_eq!(alice.post(&goal.participation(&bob, "remove"), &[]).await.status, StatusCode::OK);
    let second = send(other, "after").await;
    assert_eq!(second.body_html, format!("<p>@Bob et {}, <code>@Bob</code></p>", mention(&carol)));
    assert_eq!(second.excerpt, "@Bob et @Carol, @Bob");
}

async fn listen(bytes: &[u8]) -> Result<i64, Refused> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let listener = Listener::default();
    let listened = listener.listen(UserId(1), file.path().to_owned(), Duration::from_secs(300));
    within("the recording is judged", listened).await.unwrap().map(|sound| sound.duration_ms)
}

#[tokio::test]
async fn s5_a_recording_that_takes_long_is_refused() {
    assert_eq!(listen(&mp4(10, 4_000)).await, Ok(10_000), "the same file without the trap is a recording");
    for (what, bytes) in [
        ("a million entries in a table", mp4(1_000_000, 1_000_000)),
        ("a table that is walked for each of many samples", mp4(125_000, 110_000)),
        ("comments and nothing else", flac(2_300_000)),
    ] {
        assert_eq!(listen(&bytes).await, Err(Refused::Laborious), "{what}");
    }
    // Nothing of it is Opus: given up long before the last of them.
    let mut broken = mp4(0, 20_000_000);
    let sound = broken.len() - 20_000_000;
    broken[sound..].fill(0xff);
    assert_eq!(listen(&broken).await, Err(Refused::Broken));
}

#[tokio::test]
async fn s5_a_recording_that_takes_long_is_waited_for_by_its_author_alone() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let path = format!("{}/send-voice", goal.path());
    let trap = mp4(125_000, 110_000);
    let hostile: Vec<_> = (0..3)
        .map(|n| {
            let (alice, path, trap) = (alice.clone(), path.clone(), trap.clone());
            tokio::spawn(async move { posts(&alice, &path, &format!("trap-{n}"), &trap).await })
        })
        .collect();
    asked(town.app.listener.turns(), 2).await;
    let sent = posts(&bob, &path, "v-1", &wave(1)).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text);
    assert_eq!(town.app.listener.turns().waiting(), 2, "served beside them, not behind them");
    assert_eq!(posts(&bob, &path, "v-1", &wave(1)).await.json(), sent.json(), "and its retry is the same message");
    // Whichever had the first turn: each of the others waits for as long as all before it take.
    let (first, ..) = select_all(hostile).await;
    let first = first.unwrap();
    assert_eq!(first.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", first.text);
    assert!(
        first.json()["error"]["fields"]["voice"].as_str().unwrap().contains("trop long à vérifier"),
        "{}",
        first.text
    );
}

#[tokio::test]
async fn s11_a_persons_pictures_are_waited_for_by_that_person_alone() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let [large, small] = town.app.files.turns();
    let held = busy(large, &alice).await;
    let png = picture(300, 200, ImageFormat::Png);
    // What is large is opened one at a time; what is small does not wait for it.
    let sent = sends(&bob, &goal, "", &[("a.png", &png)]).await;
    assert_eq!(sent["message"]["attachments"][0]["kind"], "image");
    drop(held);
    let held = busy(small, &alice).await;
    let message = |who: &Browser| {
        let (who, png) = (who.clone(), png.clone());
        tokio::spawn(async move { sends(&who, &goal, "", &[("a.png", &png), ("b.png", &png)]).await })
    };
    let hostile: Vec<_> = (0..3).map(|_| message(&alice)).collect();
    asked(small, 3).await;
    let png = png.clone();
    let honest = tokio::spawn(async move { sends(&bob, &goal, "", &[("a.png", &png)]).await });
    asked(small, 4).await;
    let next = small.ask(UserId(0)).unwrap();
    drop(held);
    // Behind one of his comes another person's: who holds that turn sees that none of hers has come between.
    let next = within("the next person's turn", next.turn()).await.unwrap();
    within("his picture is in the room", honest).await.unwrap();
    assert_eq!(small.waiting(), 3);
    drop(next);
    within("hers too, in the end", join_all(hostile)).await;
}

#[tokio::test]
async fn s11_waiting_for_a_turn_has_an_end_and_leaves_nothing() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let [_, small] = town.app.files.turns();
    let held = busy(small, &alice).await;
    let waiting: Vec<_> = (0..8).map(|_| small.ask(UserId(alice.id)).unwrap()).collect();
    let png = picture(30, 20, ImageFormat::Png);
    let answer = crate::files::sends_as(&alice, &goal, "n", "", &[("a.png", &png)]).await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "30"), "{}", answer.text);
    assert_eq!(stored(&town).len(), 0);
    drop((held, waiting));
    let again = crate::files::sends_as(&alice, &goal, "n", "", &[("a.png", &png)]).await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert_eq!(
        bob.fetch(&goal, "").await["messages"].as_array().unwrap().iter().filter(|m| m["kind"] == "text").count(),
        1
    );
}

/// Who ends the program does not wait for a statement that goes on and on, nor for who waits for a turn.
#[tokio::test]
async fn s5_the_program_ends_whatever_the_database_is_doing() {
    let mut town = Town::start().await;
    let (alice, _bob, goal) = two(&town).await;
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let (began, has_begun) = tokio::sync::oneshot::channel();
    let db = town.app.db.clone();
    let read = tokio::spawn(async move {
        let job = move |_: &mut palabre::db::Reader<'_>| -> Result<(), DbError> {
            let _ = began.send(());
            let _ = blocked.recv();
            Ok(())
        };
        db.read(job).await
    });
    within("the read begins", has_begun).await.unwrap();
    let turns = town.app.renderer.turns().clone();
    let _held = busy(&turns, &alice).await;
    let waiting = tokio::spawn({
        let (alice, path) = (alice.clone(), goal.path());
        async move { alice.post(&path, &[("content", "tard"), ("client_nonce", "n")]).await }
    });
    asked(&turns, 1).await;
    let begun = Instant::now();
    town.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let answer = within("who waited is answered", waiting).await.unwrap();
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    assert!(!answer.header("retry-after").is_empty());
    drop(release);
    let _ = within("the read ends", read).await;
}

/// S9: previews are fetched in turn by person.
#[tokio::test]
async fn s9_links_one_persons_silent_links_keep_nobodys_previews_away() {
    let site = Site::open().await;
    let town = Town::start_beside(&[site.port], &[]).await;
    let (alice, bob, goal) = two(&town).await;
    let own = alice.founds("Silence").await;
    for n in 0..40 {
        alice.says(&own, &site.url(&format!("silence?{n}"))).await;
    }
    let sent = bob.says(&goal, &site.url("page")).await;
    let until = Instant::now() + DEADLINE;
    loop {
        assert!(Instant::now() < until, "the preview did not come");
        let page = bob.fetch(&goal, &format!("since={}&wait=5", sent["revision"])).await;
        if page["messages"][0]["links"][0]["title"] == "Page" {
            break;
        }
    }
}

/// S17: what others talk about is nobody's business, neither as a card nor by whether the site is asked.
#[tokio::test]
async fn s17_a_card_answers_only_who_had_it_fetched() {
    let site = Site::open().await;
    let town = Town::start_beside(&[site.port], &[]).await;
    let (alice, _bob, goal) = two(&town).await;
    let carol = town.person("Carol").await;
    let elsewhere = carol.founds("Ailleurs").await;
    let url = site.url("once");
    let sent = alice.says(&goal, &url).await;
    let page = alice.fetch(&goal, &format!("since={}&wait=30", sent["revision"])).await;
    assert_eq!(page["messages"][0]["links"][0]["title"], "Page");
    let card = async |who: &Browser, goal: &Goal, may_fetch: &str| {
        let form = [("content", url.as_str()), ("links", may_fetch)];
        who.post(&format!("{}/preview", goal.path()), &form).await.json()["links"].clone()
    };
    assert_eq!(card(&carol, &elsewhere, "").await, json!([]), "no oracle");
    assert_eq!(card(&alice, &goal, "").await[0]["title"], "Page", "who wrote it knows it");
    // The site has it no more: who asks now gets what there is now.
    assert_eq!(card(&carol, &elsewhere, "true").await, json!([]));
    let posted = carol.says(&elsewhere, &url).await;
    let marker = carol.says(&elsewhere, &site.url("page")).await;
    let page =
        within("the marker's preview", carol.fetch(&elsewhere, &format!("since={}&wait=30", marker["revision"]))).await;
    assert_eq!(page["messages"][0]["id"], marker["message"]["id"]);
    let shown = carol.get(&format!("/message/{}", id(&posted))).await.json();
    assert_eq!(shown["message"]["links"], json!([]), "nor by posting it");
    assert_eq!(alice.get(&format!("/message/{}", id(&sent))).await.json()["message"]["links"][0]["title"], "Page");
}

/// A web site of the test's own: a page, one that is there once, and addresses that never answer.
struct Site {
    port: u16,
}

impl Site {
    async fn open() -> Self {
        use axum::http::StatusCode as Status;
        use axum::response::{Html, IntoResponse};
        use axum::routing::get;
        use std::sync::atomic::{AtomicBool, Ordering};
        let is_gone = std::sync::Arc::new(AtomicBool::new(false));
        let once = move || {
            let is_first = !is_gone.swap(true, Ordering::SeqCst);
            async move {
                match is_first {
                    true => Html("<title>Page</title>").into_response(),
                    false => Status::NOT_FOUND.into_response(),
                }
            }
        };
        let router = axum::Router::new()
            .route("/page", get(|| async { Html("<title>Page</title>") }))
            .route("/once", get(once))
            .route("/silence", get(|| async { std::future::pending::<Html<&'static str>>().await }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { port }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }
}
