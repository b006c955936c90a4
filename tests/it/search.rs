//! Search: what is found, by whom, and that both engines find what a look at every message finds.

use crate::files::sends;
use crate::harness::{Browser, Goal, Town, urlencoded};
use crate::message::{id, two};
use crate::random::{Dice, Seed};
use palabre::db::{Lane, Writer};
use palabre::message::markdown;
use palabre::message::search::{Filter, Query};
use palabre::text::fold;
use palabre::{params, sql};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// The texts that a search in a room finds, newest first.
async fn finds(who: &Browser, goal: &Goal, q: &str) -> Vec<String> {
    finds_with(who, goal, &[("q", q)]).await
}

async fn finds_with(who: &Browser, goal: &Goal, query: &[(&str, &str)]) -> Vec<String> {
    contents(&results(who, &format!("{}/search", goal.path()), query).await)
}

async fn results(who: &Browser, path: &str, query: &[(&str, &str)]) -> Value {
    let answer = who.get(&format!("{path}?{}", urlencoded(query))).await;
    assert_eq!(answer.status, StatusCode::OK, "{query:?}: {}", answer.text);
    answer.json()
}

fn contents(results: &Value) -> Vec<String> {
    let text = |found: &Value| found["message"]["content"].as_str().unwrap().to_owned();
    results["results"].as_array().unwrap().iter().map(text).collect()
}

/// Known ways of getting this wrong, 11: signs mean nothing; accents, case and the apostrophe's shape make no difference.
#[tokio::test]
async fn french_is_found_as_people_type_it() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let texts = [
        "Le concert est annulé",
        "Vive l’été !",
        "Un cœur d'or, straße",
        "100 % sûr",
        "un_deux",
        "東京タワーへ行こう",
        "On y va 🎉",
        "Il a dit \"non\" AND c'est tout",
        "NEAR(a* OR b) -x ^y",
        "**Pa**labre `fn main()`",
        "où ? ici",
    ];
    for text in texts {
        alice.says(&goal, text).await;
    }
    for (q, found) in [
        ("annul", "Le concert est annulé"),
        ("ANNULE", "Le concert est annulé"),
        ("nnul", "Le concert est annulé"),
        ("est concert", "Le concert est annulé"),
        ("ete", "Vive l’été !"),
        ("l'ete", "Vive l’été !"),
        ("l’Été", "Vive l’été !"),
        ("coeur", "Un cœur d'or, straße"),
        ("cœur", "Un cœur d'or, straße"),
        ("d’or", "Un cœur d'or, straße"),
        ("STRASSE", "Un cœur d'or, straße"),
        ("% s", "100 % sûr"),
        ("0 %", "100 % sûr"),
        ("n_d", "un_deux"),
        ("京タ", "東京タワーへ行こう"),
        ("京", "東京タワーへ行こう"),
        ("🎉", "On y va 🎉"),
        ("y va", "On y va 🎉"),
        ("\"non\"", "Il a dit \"non\" AND c'est tout"),
        ("dit AND", "Il a dit \"non\" AND c'est tout"),
        ("near(a*", "NEAR(a* OR b) -x ^y"),
        ("-x ^y", "NEAR(a* OR b) -x ^y"),
        ("palabre", "**Pa**labre `fn main()`"),
        ("main()", "**Pa**labre `fn main()`"),
        ("où ?", "où ? ici"),
    ] {
        assert_eq!(finds(&bob, &goal, q).await, [found], "{q:?}");
    }
    for q in ["zz", "%%", "__", "un%deux", "a' or '1'='1", "\"", "*", "concert zz", "annulés"] {
        let answer = bob.get(&format!("{}/search?{}", goal.path(), urlencoded(&[("q", q)]))).await;
        let nothing = answer.status == StatusCode::UNPROCESSABLE_ENTITY || answer.json()["results"] == json!([]);
        assert!(nothing, "{q:?}: {}", answer.text);
    }
    for short in ["", "a", " é ", "%"] {
        let answer = bob.get(&format!("{}/search?{}", goal.path(), urlencoded(&[("q", short)]))).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{short:?}");
        assert!(answer.json()["error"]["fields"]["q"].is_string(), "{}", answer.text);
    }
}

/// Known ways of getting this wrong, 10: what was hit comes as pieces of text, and a page escapes them. CVE-2023-30609.
#[tokio::test]
async fn a_highlight_is_text() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    alice.says(&goal, "avant `<img src=x onerror=alert(1)>` après").await;
    let path = format!("{}/search", goal.path());
    let found = results(&bob, &path, &[("q", "<img")]).await;
    let excerpt = json!([
        { "text": "avant ", "hit": false }, { "text": "<img", "hit": true }, { "text": " src=x onerror=alert(1)> après ", "hit": false },
    ]);
    let shown: String =
        found["results"][0]["excerpt"].as_array().unwrap().iter().map(|part| part["text"].as_str().unwrap()).collect();
    assert_eq!(found["results"][0]["excerpt"][1], excerpt[1], "{shown}");
    let page = bob.page(&format!("{path}?{}", urlencoded(&[("q", "<img")]))).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("<mark>&lt;img</mark> src=x onerror"), "{}", page.text);
    assert!(!page.text.contains("<img"));
    let echo = bob.page(&format!("{path}?{}", urlencoded(&[("q", "\"><script>alert(1)</script>")]))).await;
    assert!(!echo.text.contains("<script>alert"), "what was asked is text too");
}

/// Known ways of getting this wrong, 4: a tombstone, an edited-away word, a hidden message, a room that is gone: none is found.
#[tokio::test]
async fn what_is_gone_is_not_found() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let secret = alice.says(&goal, "mon secret").await;
    let other = alice.says(&goal, "un autre secret").await;
    assert_eq!(finds(&bob, &goal, "secret").await.len(), 2);
    alice.post(&format!("/message/{}/edit", id(&secret)), &[("content", "mon mystère")]).await;
    assert_eq!(finds(&bob, &goal, "secret").await, ["un autre secret"]);
    assert_eq!(finds(&bob, &goal, "mystere").await, ["mon mystère"]);
    alice.post(&format!("/message/{}/delete", id(&secret)), &[]).await;
    assert_eq!(finds(&bob, &goal, "mystere").await, Vec::<String>::new());
    bob.post(&format!("/message/{}/hide", id(&other)), &[]).await;
    assert_eq!(finds(&bob, &goal, "secret").await, Vec::<String>::new(), "hidden for Bob");
    assert_eq!(finds(&alice, &goal, "secret").await.len(), 1, "and for nobody else");
    let delete = |tx: &mut Writer<'_>| tx.execute(sql!("update chatroom set state = 'deleted'"), params![]);
    town.app.db.write(Lane::None, delete).await.unwrap();
    town.app.live.members.forget_where(|_, _| true);
    assert_eq!(alice.get(&format!("{}/search?q=secret", goal.path())).await.status, StatusCode::NOT_FOUND);
    assert_eq!(results(&alice, "/search", &[("q", "secret")]).await["results"], json!([]));
}

/// In one's rooms, and only in what one may see of them.
#[tokio::test]
async fn nobody_finds_what_is_not_theirs() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let hers = alice.founds("Ailleurs").await;
    alice.says(&goal, "le trésor d'ici").await;
    alice.says(&hers, "le trésor d'ailleurs").await;
    let carol = town.person("Carol").await;
    assert_eq!(contents(&results(&alice, "/search", &[("q", "tresor")]).await).len(), 2);
    assert_eq!(contents(&results(&bob, "/search", &[("q", "tresor")]).await), ["le trésor d'ici"]);
    assert_eq!(results(&carol, "/search", &[("q", "tresor")]).await["results"], json!([]));
    let narrowed = [("q", "tresor"), ("room", &hers.room.to_string())];
    assert_eq!(contents(&results(&alice, "/search", &narrowed).await), ["le trésor d'ailleurs"]);
    assert_eq!(results(&bob, "/search", &narrowed).await["results"], json!([]), "naming a room opens none");
    let found = results(&alice, "/search", &narrowed).await;
    assert_eq!(found["results"][0]["room"], json!({ "id": hers.room, "title": "Ailleurs" }));
    assert_eq!(alice.post(&goal.participation(&bob, "remove"), &[]).await.status, StatusCode::OK);
    assert_eq!(results(&bob, "/search", &[("q", "tresor")]).await["results"], json!([]), "who left finds nothing");
    assert_eq!(bob.get(&format!("{}/search?q=tresor", goal.path())).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_past_is_closed_to_a_newcomers_search() {
    let town = Town::start().await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let answer = alice.post("/goal/new", &[("title", "Marathon"), ("history", "none")]).await.json();
    let goal =
        Goal { id: answer["goal"]["id"].as_i64().unwrap(), room: answer["goal"]["chatroom_id"].as_i64().unwrap() };
    alice.says(&goal, "parcours avant").await;
    goal.lets_in(&alice, &bob).await;
    alice.says(&goal, "parcours après").await;
    assert_eq!(finds(&bob, &goal, "parcours").await, ["parcours après"]);
    assert_eq!(contents(&results(&bob, "/search", &[("q", "parcours")]).await), ["parcours après"]);
    assert_eq!(finds(&alice, &goal, "parcours").await.len(), 2);
}

#[tokio::test]
async fn a_search_is_narrowed_and_paged() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    for day in 0..3 {
        alice.says(&goal, &format!("réunion d'Alice {day}")).await;
        bob.says(&goal, &format!("réunion de Bob {day}")).await;
        town.pass(86_400);
    }
    let by_bob = [("q", "reunion"), ("author", &bob.id.to_string())];
    assert_eq!(finds_with(&alice, &goal, &by_bob).await, ["réunion de Bob 2", "réunion de Bob 1", "réunion de Bob 0"]);
    for (from, to, count) in [
        ("2026-03-02", "2026-03-02", 2),
        ("2026-03-02", "", 4),
        ("", "2026-03-01", 2),
        ("2026-03-02T12:00:01Z", "", 2),
        ("2026-03-02T13:00:00+01:00", "2026-03-02T13:00:01+01:00", 2),
        ("2027-01-01", "", 0),
    ] {
        let found = finds_with(&alice, &goal, &[("q", "reunion"), ("from", from), ("to", to)]).await;
        assert_eq!(found.len(), count, "{from} to {to}");
    }
    for wrong in [("from", "hier"), ("to", "2026-02-30"), ("author", "x"), ("has_file", "peut-être"), ("before", "-1")]
    {
        let path = format!("{}/search?{}", goal.path(), urlencoded(&[("q", "reunion"), wrong]));
        assert_eq!(alice.get(&path).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
        assert_eq!(alice.page(&path).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    }
    for n in 0..45 {
        alice.says(&goal, &format!("page {n}")).await;
    }
    let path = format!("{}/search", goal.path());
    let (mut all, mut next) = (Vec::new(), Value::Null);
    for expected in [20, 20, 5] {
        let before = next.as_i64().map(|id| id.to_string()).unwrap_or_default();
        let page = results(&bob, &path, &[("q", "page"), ("before", &before)]).await;
        assert_eq!(contents(&page).len(), expected);
        all.extend(contents(&page));
        next = page["next"].clone();
    }
    assert_eq!(next, Value::Null);
    assert_eq!(all, (0..45).rev().map(|n| format!("page {n}")).collect::<Vec<_>>());
    let page = bob.page(&format!("{path}?q=page")).await.text;
    assert!(page.contains("search?q=page&amp;before="), "{page}");
}

/// A file's name is found like a word, and a search may ask for messages with files alone.
#[tokio::test]
async fn files_are_found_by_their_names() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    alice.says(&goal, "Le devis arrive").await;
    sends(&bob, &goal, "Voilà", &[("Devis été.txt", b"douze pots")]).await;
    assert_eq!(finds(&alice, &goal, "devis ete").await, ["Voilà"]);
    assert_eq!(finds(&alice, &goal, "devis").await, ["Voilà", "Le devis arrive"]);
    assert_eq!(finds_with(&alice, &goal, &[("q", "devis"), ("has_file", "true")]).await, ["Voilà"]);
    assert_eq!(finds_with(&alice, &goal, &[("q", "devis"), ("has_file", "false")]).await.len(), 2);
    assert_eq!(finds(&alice, &goal, "douze pots").await, [""; 0], "what is inside of files is not read");
}

/// A page of results is read with the same statements, whatever it holds.
#[tokio::test]
async fn a_page_of_results_has_a_fixed_number_of_statements() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let path = format!("{}/search?q=mot", goal.path());
    alice.says(&goal, "un mot").await;
    let cost = async || {
        let before = town.app.db.statements();
        assert_eq!(alice.get(&path).await.status, StatusCode::OK);
        town.app.db.statements() - before
    };
    cost().await;
    let few = cost().await;
    for n in 0..20 {
        let change = alice.says(&goal, &format!("mot {n}")).await;
        alice.post(&format!("/message/{}/react/like", id(&change)), &[]).await;
    }
    // What else the program writes down meanwhile counts too, now and then.
    let many = cost().await;
    assert!(many <= few.max(8), "{few}, then {many}");
}

/// Messages that are older than the index are found once it has caught up, in batches, and edits in between are kept.
#[tokio::test]
async fn messages_older_than_the_index_are_indexed() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let mut ids = Vec::new();
    for n in 0..230 {
        ids.push(id(&alice.says(&goal, &format!("ancien n{n:03}")).await));
    }
    alice.post(&format!("/message/{}/delete", ids[3]), &[]).await;
    let forget = move |tx: &mut Writer<'_>| -> Result<(), palabre::db::DbError> {
        tx.execute(sql!("delete from message_gram where rowid > 0"), params![])?;
        tx.execute(sql!("delete from message_text"), params![])?;
        tx.execute(sql!("update setting set value = '1000000' where name = 'search_backlog'"), params![])?;
        Ok(())
    };
    town.app.db.write(Lane::None, forget).await.unwrap();
    assert_eq!(finds(&bob, &goal, "n007").await, Vec::<String>::new());
    alice.post(&format!("/message/{}/edit", ids[5]), &[("content", "rajeuni")]).await;
    let catch_up = |tx: &mut Writer<'_>| palabre::message::search::catch_up(tx);
    let mut batches = 0;
    while town.app.db.write(Lane::None, catch_up).await.unwrap() {
        batches += 1;
    }
    assert_eq!(batches, 1, "200 and the rest");
    assert_eq!(finds(&bob, &goal, "n229").await, ["ancien n229"]);
    assert_eq!(finds(&bob, &goal, "n000").await, ["ancien n000"]);
    assert_eq!(finds(&bob, &goal, "rajeuni").await, ["rajeuni"]);
    for gone in ["n003", "n005"] {
        assert_eq!(finds(&bob, &goal, gone).await, Vec::<String>::new(), "deleted, and edited away");
    }
    let town = town.restart().await;
    let mut bob = bob;
    bob.moves_to(&town);
    assert_eq!(finds(&bob, &goal, "n229").await, ["ancien n229"]);
}

/// Random texts and random parts of them: the index finds what a look at each message finds.
#[tokio::test]
async fn the_index_finds_what_a_look_at_everything_finds() {
    const SIGNS: [&str; 24] = [
        "a", "b", "é", "E", "œ", "ß", "l’", "'", " ", " ", "%", "_", "\"", "*", "京", "都", "が", "🎉", "❤️", "👍🏽",
        "e\u{301}", "-", "1", "\n",
    ];
    let seed = std::env::var("PALABRE_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = Seed(seed.unwrap_or(now.as_nanos() as u64));
    let mut dice = Dice(seed.0);
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let text = |dice: &mut Dice, most: usize| -> String {
        (0..1 + dice.below(most)).map(|_| SIGNS[dice.below(SIGNS.len())]).collect()
    };
    let mut known: Vec<String> = Vec::new();
    for _ in 0..60 {
        let answer = alice.post(&goal.path(), &[("content", &text(&mut dice, 30))]).await;
        if answer.status == StatusCode::CREATED {
            known.push(answer.json()["message"]["content"].as_str().unwrap().to_owned());
        }
    }
    for _ in 0..120 {
        let q = if dice.below(2) == 0 {
            text(&mut dice, 4)
        } else {
            let source: Vec<char> = known[dice.below(known.len())].chars().collect();
            let from = dice.below(source.len());
            source[from..].iter().take(1 + dice.below(6)).collect()
        };
        let Ok(query) = Query::new(&q, Filter::default()) else { continue };
        let matches = |content: &&String| query.matches(&fold::fold(&markdown::to_text(content)));
        let naive: Vec<String> = known.iter().rev().filter(matches).cloned().collect();
        let mut found = Vec::new();
        let mut before = String::new();
        loop {
            let page = results(&bob, &format!("{}/search", goal.path()), &[("q", &q), ("before", &before)]).await;
            found.extend(contents(&page));
            match page["next"].as_i64() {
                Some(next) => before = next.to_string(),
                None => break,
            }
        }
        assert_eq!(found, naive, "{q:?}");
    }
}

/// Who searches without end is asked to wait.
#[tokio::test]
async fn searches_are_limited() {
    let town = Town::start_with(&["--rate-limits", "on"]).await;
    let alice = town.person("Alice").await;
    let mut refused = None;
    for _ in 0..200 {
        let answer = alice.get("/search?q=mot").await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
    }
    assert!(!refused.expect("a limit").header("retry-after").is_empty());
}
