//! Whom a message names: found among the room's people, told once, taken back with the words.

use crate::harness::{Browser, Goal, Town};
use palabre::db::Reader;
use palabre::error::Error;
use palabre::{params, sql};
use reqwest::StatusCode;
use serde_json::Value;

/// Alice's goal, with the others in it.
async fn room(alice: &Browser, others: &[&Browser]) -> Goal {
    let goal = alice.founds("Marathon").await;
    for other in others {
        goal.lets_in(alice, other).await;
    }
    goal
}

/// What somebody was told of messages: kind and message, oldest first.
async fn told(who: &Browser) -> Vec<(String, i64)> {
    let page = who.get("/user/fetch?since=0").await.json();
    let events = page["events"].as_array().unwrap().iter().map(|event| &event["event"]);
    events
        .filter(|event| event["message"].is_i64())
        .map(|event| (event["kind"].as_str().unwrap().to_owned(), event["message"].as_i64().unwrap()))
        .collect()
}

/// Who stands in the rows of a message.
async fn rows(town: &Town, message: i64) -> Vec<i64> {
    let read = move |db: &mut Reader<'_>| -> Result<Vec<i64>, Error> {
        let text = sql!("select user_id from message_mention where message_id = $1 order by user_id");
        Ok(db.all(text, params![message], |row| row.get("user_id"))?)
    };
    town.app.db.read(read).await.unwrap()
}

fn html(change: &Value) -> String {
    change["message"]["html"].as_str().unwrap().to_owned()
}

fn id(change: &Value) -> i64 {
    change["message"]["id"].as_i64().unwrap()
}

#[tokio::test]
async fn who_is_named_is_told_and_seen_by_all() {
    let town = Town::start().await;
    let (alice, bob, carol) = (town.person("Alice").await, town.person("Bob").await, town.person("Carol").await);
    let goal = room(&alice, &[&bob, &carol]).await;
    let change = alice.says(&goal, "Salut @bob Martin et @Alice, voir `@Carol` et [@Carol](https://a.fr)").await;
    let expected = format!("Salut <span class=\"mention\" data-user=\"{}\">@bob Martin</span> et", bob.id);
    assert!(html(&change).contains(&expected), "{}", html(&change));
    assert!(!html(&change).contains(&format!("data-user=\"{}\"", carol.id)), "code and links name nobody");
    assert_eq!(rows(&town, id(&change)).await, [bob.id], "nobody names themselves");
    assert_eq!(told(&bob).await, [("mention".to_owned(), id(&change))]);
    assert!(told(&alice).await.is_empty() && told(&carol).await.is_empty());
    let page = bob.fetch(&goal, "since=0").await;
    assert_eq!(
        html(&page["messages"].as_array().unwrap().last().map(|m| serde_json::json!({"message": m})).unwrap()),
        html(&change)
    );
    let repeated = [("content", "@Bob"), ("client_nonce", "again")];
    assert_eq!(alice.post(&goal.path(), &repeated).await.status, StatusCode::CREATED);
    assert_eq!(alice.post(&goal.path(), &repeated).await.status, StatusCode::OK);
    assert_eq!(told(&bob).await.len(), 2, "a repeated sending tells nobody again");
}

#[tokio::test]
async fn an_edit_tells_only_who_is_new_and_a_deletion_takes_all_back() {
    let town = Town::start().await;
    let (alice, bob, carol) = (town.person("Alice").await, town.person("Bob").await, town.person("Carol").await);
    let goal = room(&alice, &[&bob, &carol]).await;
    let message = id(&alice.says(&goal, "Merci @Bob").await);
    for (content, named) in [
        ("Merci @Bob et @Carol", vec![bob.id, carol.id]),
        ("Merci @Carol", vec![carol.id]),
        ("Merci à tous les deux", vec![]),
        ("Merci @Bob et @Carol", vec![bob.id, carol.id]),
    ] {
        let answer = alice.post(&format!("/message/{message}/edit"), &[("content", content)]).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(rows(&town, message).await, named, "{content}");
        assert_eq!(answer.text.matches("data-user").count(), named.len(), "{content}");
    }
    assert_eq!(told(&bob).await.len(), 1, "told once, however often the words change");
    assert_eq!(told(&carol).await.len(), 1);
    alice.post(&format!("/message/{message}/delete"), &[]).await;
    assert!(rows(&town, message).await.is_empty());
    let list = bob.get("/notifications").await.json();
    assert!(list["notices"].as_array().unwrap().iter().all(|notice| notice["kind"] != "mention"), "{list}");
}

#[tokio::test]
async fn nobody_outside_of_the_room_can_be_named() {
    let town = Town::start().await;
    let (alice, bob, eve) = (town.person("Alice").await, town.person("Bob").await, town.person("Eve").await);
    let goal = room(&alice, &[&bob]).await;
    // Named by number too, and after leaving.
    for content in ["@Eve", "@Eve Martin", &format!("@Eve Martin#{}", eve.id), &format!("@Bob#{}", eve.id), "@Personne"]
    {
        let change = alice.says(&goal, content).await;
        assert!(!html(&change).contains(&format!("data-user=\"{}\"", eve.id)), "{content}");
        assert!(rows(&town, id(&change)).await.iter().all(|named| *named == bob.id));
    }
    assert!(told(&eve).await.is_empty());
    bob.post(&format!("/goal/{}/leave", goal.id), &[]).await;
    let change = alice.says(&goal, "@Bob tu me manques").await;
    assert!(!html(&change).contains("data-user") && rows(&town, id(&change)).await.is_empty());
    // What a person writes is never taken for a mention of ours.
    let forged = format!("<span class=\"mention\" data-user=\"{}\">@x</span>", alice.id);
    assert!(!html(&alice.says(&goal, &forged).await).contains("<span class=\"mention\""));
}

#[tokio::test]
async fn of_two_with_one_name_the_number_says_who() {
    let town = Town::start().await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let mut twin = town.visitor();
    let form = [
        ("email", "b@example.org"),
        ("password", crate::harness::PASSWORD),
        ("first_name", "Bob"),
        ("last_name", "Martin"),
    ];
    twin.id = twin.post("/register", &form).await.json()["user"]["id"].as_i64().unwrap();
    let goal = room(&alice, &[&bob, &twin]).await;
    assert!(rows(&town, id(&alice.says(&goal, "@Bob Martin, lequel ?").await)).await.is_empty());
    let change = alice.says(&goal, &format!("@Bob Martin#{}, toi", twin.id)).await;
    assert_eq!(rows(&town, id(&change)).await, [twin.id]);
    assert!(html(&change).contains(">@Bob Martin</span>, toi"), "the number is not shown");
    assert_eq!(change["message"]["excerpt"], "@Bob Martin, toi");
}

#[tokio::test]
async fn everybody_is_called_by_who_may() {
    let town = Town::start().await;
    let (alice, bob, carol) = (town.person("Alice").await, town.person("Bob").await, town.person("Carol").await);
    let goal = room(&alice, &[&bob, &carol]).await;
    let change = bob.says(&goal, "@tous, c'est parti").await;
    assert!(html(&change).contains("<span class=\"mention\" data-user=\"all\">@tous</span>"));
    assert_eq!(rows(&town, id(&change)).await, [alice.id, carol.id]);
    for n in 0..18 {
        goal.lets_in(&alice, &town.person(&format!("Voisin{n}")).await).await;
    }
    let change = bob.says(&goal, "@all").await;
    assert!(
        !html(&change).contains("data-user") && rows(&town, id(&change)).await.is_empty(),
        "21 people: not a member"
    );
    let before = town.app.db.statements();
    let change = alice.says(&goal, "@all").await;
    assert!(town.app.db.statements() - before < 25, "as many statements for 20 people as for one");
    assert_eq!(rows(&town, id(&change)).await.len(), 20);
    assert_eq!(told(&bob).await.last().unwrap().1, id(&change));
}

/// Somebody who came later is not called to what was said before.
#[tokio::test]
async fn a_newcomer_is_not_called_to_what_is_out_of_sight() {
    let town = Town::start().await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let answer = alice.post("/goal/new", &[("title", "Marathon"), ("history", "none")]).await.json();
    let goal =
        Goal { id: answer["goal"]["id"].as_i64().unwrap(), room: answer["goal"]["chatroom_id"].as_i64().unwrap() };
    let message = id(&alice.says(&goal, "Avant").await);
    goal.lets_in(&alice, &bob).await;
    let edited = alice.post(&format!("/message/{message}/edit"), &[("content", "Avant @Bob et @tous")]).await;
    assert!(!edited.text.contains(&format!("data-user=\\\"{}\\\"", bob.id)));
    assert!(rows(&town, message).await.is_empty() && told(&bob).await.is_empty());
    assert_eq!(rows(&town, id(&alice.says(&goal, "@Bob").await)).await, [bob.id]);
}

/// An answer tells its author's counterpart, once: not in addition to a mention, and not oneself.
#[tokio::test]
async fn an_answer_is_told_to_whom_it_answers() {
    let town = Town::start().await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let goal = room(&alice, &[&bob]).await;
    let source = id(&alice.says(&goal, "Qui court ?").await).to_string();
    let answers = |content: &'static str, who: Browser| {
        let source = source.clone();
        async move { id(&who.post(&goal.path(), &[("content", content), ("reply_to", &source)]).await.json()) }
    };
    let plain = answers("Moi", bob.clone()).await;
    let both = answers("Moi, @Alice", bob.clone()).await;
    answers("Moi aussi", alice.clone()).await;
    assert_eq!(told(&alice).await, [("reply".to_owned(), plain), ("mention".to_owned(), both)]);
}
