//! The list of goals: every goal is reached, whatever their number, and a page of it costs the same.

use crate::harness::{Answer, Browser, Town};
use palabre::db::Lane;
use palabre::error::Result;
use palabre::goal::{self, GoalForm, list};
use palabre::id::UserId;
use palabre::{params, sql};
use reqwest::StatusCode;
use std::collections::BTreeSet;

/// Founds goals as the program does, but for the requests.
async fn found(town: &Town, owner: &Browser, titles: Vec<String>) {
    let (owner, now) = (UserId(owner.id), town.app.clock.now());
    let write = move |tx: &mut palabre::db::Writer<'_>| -> Result<()> {
        for title in &titles {
            let form = GoalForm { title: title.clone(), history: "all".into(), ..GoalForm::default() };
            goal::create(tx, owner, &form, now)?;
        }
        Ok(())
    };
    town.app.db.write(Lane::None, write).await.unwrap();
}

fn numbered(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("Marathon n° {number}")).collect()
}

fn titles(answer: &Answer) -> Vec<String> {
    let goals = answer.json()["goals"].as_array().unwrap().clone();
    goals.iter().map(|goal| goal["title"].as_str().unwrap().to_owned()).collect()
}

/// All pages of a list, as a program walks through them.
async fn walk(browser: &Browser, query: &str) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let answer = browser.get(&format!("/goals?{query}&after={after}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let page = titles(&answer);
        assert!(page.len() <= list::PAGE);
        all.extend(page);
        match answer.json()["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => return all,
        }
    }
}

/// Where a link of a page leads.
fn link<'a>(html: &'a str, before: &str) -> Option<String> {
    let (_, rest): (&'a str, &'a str) = html.split_once(before)?;
    Some(rest.split('"').next()?.replace("&#x2f;", "/").replace("&amp;", "&").replace("&#x3d;", "="))
}

#[tokio::test]
async fn s4_every_goal_is_on_one_page_of_the_list_in_every_order() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    found(&town, &alice, numbered(0..95)).await;
    town.pass(7_200);
    found(&town, &alice, numbered(95..100)).await;
    for order in ["activity", "newest", "title"] {
        for query in [format!("order={order}"), format!("order={order}&mine=true")] {
            let all = walk(&alice, &query).await;
            assert_eq!(all.len(), 100, "{query}");
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 100, "{query}: each once");
            if order != "title" {
                assert_eq!((all[0].as_str(), all[99].as_str()), ("Marathon n° 99", "Marathon n° 0"), "{query}");
            }
        }
    }
    let visitor = town.visitor();
    let (mut seen, mut path) = (BTreeSet::new(), "/goals?order=title".to_owned());
    loop {
        let page = visitor.page(&path).await;
        assert_eq!(page.status, StatusCode::OK);
        let cards = page.text.matches("class=\"goal-card\"").count();
        assert!(cards <= list::PAGE, "{cards}");
        seen.extend(page.text.split("<bdi>").skip(1).map(|rest| rest.split("</bdi>").next().unwrap().to_owned()));
        match link(&page.text, "rel=\"next\" href=\"") {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!(seen.len(), 100, "without a script too");
}

#[tokio::test]
async fn s4_the_list_costs_the_same_for_a_thousand_goals() {
    let town = Town::start().await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let paths = ["/goals", "/goals?order=newest", "/goals?order=title", "/goals?q=marathon", "/goals?mine=true"];
    let measure = async || {
        let mut costs = Vec::new();
        for who in [&alice, &bob] {
            for path in paths {
                who.page(path).await;
                let before = town.app.db.statements();
                let page = who.page(path).await;
                assert_eq!(page.status, StatusCode::OK);
                costs.push((town.app.db.statements() - before, page.text.len()));
            }
        }
        costs
    };
    found(&town, &alice, numbered(1_000..1_060)).await;
    let few = measure().await;
    found(&town, &alice, numbered(2_000..2_940)).await;
    let many = measure().await;
    for ((few, many), path) in few.iter().zip(&many).zip(paths.iter().cycle()) {
        assert_eq!(few.0, many.0, "{path}: statements");
        assert!(many.1 < 90_000 && many.1.abs_diff(few.1) < 2_000, "{path}: {} and {} bytes", few.1, many.1);
    }
}

#[tokio::test]
async fn s4_goals_are_found_by_their_words_and_one_answer_looks_at_so_many() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let form = [("title", "L’Été à Vélo"), ("description", "Tour du lac, œuvre commune")];
    alice.post("/goal/new", &form).await;
    alice.founds("東京マラソン").await;
    alice.founds("100 % of it").await;
    for (words, hits) in [
        ("ete velo", 1),
        ("VÉLO", 1),
        ("lac oeuvre", 1),
        ("velo pied", 0),
        ("東京", 1),
        ("%", 1),
        ("_", 0),
        ("'", 1),
        ("\\", 0),
        ("l'été", 1),
        ("  ", 3),
    ] {
        let query = percent_encoding::utf8_percent_encode(words, percent_encoding::NON_ALPHANUMERIC);
        for mine in ["", "&mine=true"] {
            let found = alice.get(&format!("/goals?q={query}{mine}")).await;
            assert_eq!(titles(&found).len(), hits, "{words}{mine}");
        }
    }
    let page = alice.page("/goals?q=%22%3E%3Cb%3E").await.text;
    assert!(!page.contains("\"\"><b>") && !page.contains("&quot;\"><b>"), "what was typed is text");
    found(&town, &alice, numbered(0..list::LOOKED_AT + 100)).await;
    let first = alice.get("/goals?q=velo&order=newest").await;
    assert_eq!((titles(&first).len(), first.json()["next"].is_string()), (0, true), "an answer looks at a part");
    assert_eq!(walk(&alice, "q=velo&order=newest").await, ["L’Été à Vélo"], "and says where to go on");
    let page = alice.page("/goals?q=velo&order=newest").await.text;
    assert!(link(&page, "rel=\"next\" href=\"").is_some());
}

#[tokio::test]
async fn s4_the_list_follows_what_becomes_of_goals() {
    let town = Town::start().await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let old = alice.founds("Zèbres").await;
    let gone = alice.founds("Gone").await;
    town.pass(3_600);
    alice.founds("Yoga").await;
    assert_eq!(walk(&alice, "order=activity").await, ["Yoga", "Gone", "Zèbres"]);
    town.pass(3_600);
    alice.says(&old, "Salut").await;
    assert_eq!(walk(&alice, "").await, ["Zèbres", "Yoga", "Gone"], "where something was said");
    assert_eq!(walk(&alice, "order=newest").await, ["Yoga", "Gone", "Zèbres"]);
    let edited = alice.post(&format!("/goal/{}/edit", old.id), &[("title", "Abeilles")]).await;
    assert_eq!(edited.status, StatusCode::OK, "{}", edited.text);
    assert_eq!(alice.post(&format!("/goal/{}/delete", gone.id), &[]).await.status, StatusCode::OK);
    assert_eq!(walk(&alice, "order=title").await, ["Abeilles", "Yoga"]);
    assert_eq!(walk(&alice, "q=zebre").await, Vec::<String>::new());
    assert_eq!(walk(&alice, "q=abeille").await, ["Abeilles"]);
    assert_eq!(walk(&bob, "mine=true").await, Vec::<String>::new());
    old.lets_in(&alice, &bob).await;
    assert_eq!(walk(&bob, "mine=true").await, ["Abeilles"]);
    assert_eq!(walk(&town.visitor(), "mine=true").await.len(), 2, "nobody has no own goals: all are shown");

    // As an older program left it.
    let write = |tx: &mut palabre::db::Writer<'_>| -> Result<()> {
        tx.execute(sql!("update chatroom set title_key = null, folded = null"), params![])?;
        Ok(())
    };
    town.app.db.write(Lane::None, write).await.unwrap();
    let town = town.restart().await;
    let visitor = town.visitor();
    assert_eq!(walk(&visitor, "order=title").await, ["Abeilles", "Yoga"], "the program fills in what it needs");
    assert_eq!(walk(&visitor, "q=yoga").await, ["Yoga"]);
}

#[tokio::test]
async fn s4_a_wrong_question_is_told_by_its_field() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    alice.founds("Yoga").await;
    let long = format!("q={}", "x".repeat(201));
    for (query, field) in [
        ("order=size", "order"),
        ("after=x", "after"),
        ("after=1.-1", "after"),
        ("order=title&after=%00.1", "after"),
        (long.as_str(), "q"),
        ("mine=perhaps", "mine"),
    ] {
        let answer = alice.get(&format!("/goals?{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {}", answer.text);
        assert!(answer.json()["error"]["fields"][field].is_string(), "{query}: {}", answer.text);
        let page = alice.page(&format!("/goals?{query}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(page.text.contains("id=\"goals-error\"") && page.text.contains("Yoga"), "{query}");
    }
    for odd in ["after=9223372036854775807.9223372036854775807", "order=title&after=.0", "order=title&after=_w.1"] {
        assert_ne!(alice.get(&format!("/goals?{odd}")).await.status, StatusCode::INTERNAL_SERVER_ERROR, "{odd}");
    }
}
