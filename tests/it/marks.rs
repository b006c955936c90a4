//! What people do to a message besides writing: reactions, pins, hiding, earlier versions.

use crate::harness::Town;
use crate::message::{id, two};
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test]
async fn a_reaction_is_a_change_that_everybody_gets() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let sent = alice.says(&goal, "On court demain ?").await;
    let react = format!("/message/{}/react/%F0%9F%91%8D", id(&sent));
    let answer = bob.post(&react, &[("on", "true")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    let change = answer.json();
    assert_eq!(change["revision"], json!(sent["revision"].as_i64().unwrap() + 1));
    assert_eq!(change["message"]["reactions"], json!([{ "emoji": "👍", "users": [bob.id] }]));
    assert_eq!(change["message"]["position"], sent["message"]["position"]);
    let fetched = alice.fetch(&goal, &format!("since={}", sent["revision"])).await;
    assert_eq!(fetched["messages"], json!([change["message"]]), "the poll carries the same object");
    // The same wish again changes nothing, by whatever name the emoji is called.
    let again = bob.post(&format!("/message/{}/react/like", id(&sent)), &[("on", "true")]).await.json();
    assert_eq!(again["revision"], change["revision"]);
    town.pass(1);
    let both = alice.post(&react, &[]).await.json();
    assert_eq!(both["message"]["reactions"][0]["users"], json!([bob.id, alice.id]));
    let gone = bob.post(&react, &[("on", "false")]).await.json();
    assert_eq!(gone["message"]["reactions"], json!([{ "emoji": "👍", "users": [alice.id] }]));
    assert_eq!(gone["revision"], json!(sent["revision"].as_i64().unwrap() + 3));
}

/// Known ways of getting this wrong, 18: "false" read as true.
#[tokio::test]
async fn yes_and_no_are_words_and_nothing_else_is() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let react = format!("/message/{}/react/fire", id(&alice.says(&goal, "Salut").await));
    for (word, users) in [("on", 1), ("0", 0), ("1", 1), ("false", 0), ("true", 1), ("off", 0)] {
        let change = bob.post(&react, &[("on", word)]).await.json();
        let count = change["message"]["reactions"][0]["users"].as_array().map_or(0, Vec::len);
        assert_eq!(count, users, "{word}");
    }
    let refused = bob.post(&react, &[("on", "maybe")]).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]["fields"]["on"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("On attend oui ou non (true ou false)."))
    );
    let refused = bob.post(&react.replace("fire", "%3Cscript%3E"), &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

/// CVE-2024-1402 and its like: reactions without end.
#[tokio::test]
async fn a_message_carries_twenty_different_emoji_at_most() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let message = id(&alice.says(&goal, "Salut").await);
    let many = [
        "😀", "😁", "😂", "😃", "😄", "😅", "😆", "😇", "😈", "😉", "😊", "😋", "😌", "😍", "😎", "😏", "😐", "😑",
        "😒", "😓",
    ];
    for emoji in many {
        assert_eq!(bob.post(&format!("/message/{message}/react/{emoji}"), &[]).await.status, StatusCode::OK);
    }
    assert_eq!(alice.post(&format!("/message/{message}/react/🎉"), &[]).await.status, StatusCode::CONFLICT);
    let joined = alice.post(&format!("/message/{message}/react/😀"), &[]).await;
    assert_eq!(joined.status, StatusCode::OK, "one that is there already");
}

#[tokio::test]
async fn a_tombstone_carries_nothing() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let message = id(&bob.says(&goal, "Un secret").await);
    bob.post(&format!("/message/{message}/react/heart"), &[]).await;
    bob.post(&format!("/message/{message}/edit"), &[("content", "Plus un secret")]).await;
    alice.post(&format!("/message/{message}/pin"), &[]).await;
    let gone = bob.post(&format!("/message/{message}/delete"), &[]).await.json();
    assert_eq!(gone["message"]["reactions"], json!([]));
    let versions = alice.get(&format!("/message/{message}/versions")).await;
    assert!(!versions.text.contains("secret"), "{}", versions.text);
    assert_eq!(alice.get(&format!("{}/pins", goal.path())).await.json()["pins"], json!([]));
    for act in ["react/heart", "pin", "edit"] {
        let answer = alice.post(&format!("/message/{message}/{act}"), &[("content", "x")]).await;
        assert!(matches!(answer.status, StatusCode::CONFLICT | StatusCode::FORBIDDEN), "{act}: {}", answer.status);
    }
}

#[tokio::test]
async fn a_pin_is_a_change_of_the_room() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let first = bob.says(&goal, "Départ à 9 h").await;
    let second = bob.says(&goal, "Place de la République").await;
    let change = alice.post(&format!("/message/{}/pin", id(&first)), &[]).await.json();
    let top = second["revision"].as_i64().unwrap();
    assert_eq!((&change["revision"], &change["room"]["revision"]), (&json!(top + 1), &json!(top + 1)));
    assert_eq!(change["room"]["pins"][0]["excerpt"], "Départ à 9 h");
    alice.post(&format!("/message/{}/pin", id(&second)), &[]).await;
    let fetched = bob.fetch(&goal, &format!("since={top}")).await;
    let pinned = |page: &serde_json::Value| -> Vec<i64> {
        page["room"]["pins"].as_array().unwrap().iter().map(|pin| pin["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(pinned(&fetched), [id(&second), id(&first)], "the latest first");
    assert_eq!(fetched["revision"], json!(top + 2));
    assert_eq!(alice.post(&format!("/message/{}/pin", id(&first)), &[]).await.json(), json!({}), "as it was");
    let change = alice.post(&format!("/message/{}/unpin", id(&second)), &[]).await.json();
    assert_eq!(pinned(&change), [id(&first)]);
}

#[tokio::test]
async fn what_one_hides_is_hidden_on_all_devices_and_from_nobody_else() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let sent = alice.says(&goal, "Quelle météo !").await;
    let hide = format!("/message/{}/hide", id(&sent));
    let since = bob.get("/user/fetch").await.json()["revision"].as_i64().unwrap();
    assert_eq!(bob.post(&hide, &[]).await.json(), json!({ "message": id(&sent), "hidden": true }));
    bob.post(&hide, &[]).await;
    let page = bob.fetch(&goal, "").await;
    assert_eq!(page["hidden"], json!([id(&sent)]));
    assert_eq!(page["revision"], sent["revision"], "the room did not change");
    assert_eq!(alice.fetch(&goal, "").await["hidden"], json!([]));
    let news = bob.get(&format!("/user/fetch?since={since}")).await.json();
    assert_eq!(news["events"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&news["events"][0]["event"]["kind"], &news["events"][0]["event"]["message"]),
        (&json!("hidden"), &json!(id(&sent)))
    );
    bob.post(&hide, &[("on", "false")]).await;
    assert_eq!(bob.fetch(&goal, "").await["hidden"], json!([]));
}

#[tokio::test]
async fn earlier_versions_are_for_the_author_and_who_moderates() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let carol = town.person("Carol").await;
    goal.lets_in(&alice, &carol).await;
    let message = id(&bob.says(&goal, "Un").await);
    for content in ["Deux", "Trois"] {
        town.pass(60);
        bob.post(&format!("/message/{message}/edit"), &[("content", content)]).await;
    }
    let versions = format!("/message/{message}/versions");
    for who in [&alice, &bob] {
        let told = who.get(&versions).await.json();
        let contents: Vec<_> =
            told["versions"].as_array().unwrap().iter().map(|version| version["content"].clone()).collect();
        assert_eq!(contents, [json!("Un"), json!("Deux")]);
    }
    assert_eq!(carol.get(&versions).await.status, StatusCode::FORBIDDEN);
}

/// CVE-2024-36624, CVE-2024-36625 and their like: what is put into an emoji's place is an emoji or nothing.
#[tokio::test]
async fn only_an_emoji_is_an_emoji() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let message = id(&alice.says(&goal, "Salut").await);
    let hostile = [
        "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
        "%22%3E%3Cscript%3E",
        "xyzzy",
        "%F0%9F%91%8D%F0%9F%91%8D",
        "%00",
        "like%20",
        ":nothing:",
    ];
    for name in hostile {
        let answer = bob.post(&format!("/message/{message}/react/{name}"), &[]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
    }
    let change = bob.post(&format!("/message/{message}/react/❤"), &[]).await.json();
    assert_eq!(
        change["message"]["reactions"],
        json!([{ "emoji": "❤️", "users": [bob.id] }]),
        "with or without the colour"
    );
    let html = change["message"]["html"].as_str().unwrap();
    assert!(html.contains(&format!("data-emoji=\"❤️\" data-users=\"{}\"", bob.id)), "{html}");
    assert!(html.contains("%E2%9D%A4%EF%B8%8F\""), "the form's address: {html}");
}

#[tokio::test]
async fn who_reacted_is_told_by_name_to_who_is_in_the_room() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let message = id(&alice.says(&goal, "On court demain ?").await);
    for (who, emoji) in [(&bob, "like"), (&alice, "fire"), (&alice, "like")] {
        town.pass(1);
        who.post(&format!("/message/{message}/react/{emoji}"), &[]).await;
    }
    bob.post(&format!("/goal/{}/leave", goal.id), &[]).await;
    let path = format!("/message/{message}/reactions");
    let told = alice.get(&path).await.json();
    let named = |at: usize| -> (String, Vec<String>) {
        let names = told["reactions"][at]["users"].as_array().unwrap().iter();
        (
            told["reactions"][at]["emoji"].to_string(),
            names.map(|user| user["first_name"].as_str().unwrap().to_owned()).collect(),
        )
    };
    assert_eq!(named(0), ("\"👍\"".into(), vec!["Bob".to_owned(), "Alice".to_owned()]), "who has left is still named");
    assert_eq!(named(1), ("\"🔥\"".into(), vec!["Alice".to_owned()]));
    assert_eq!(bob.get(&path).await.status, StatusCode::NOT_FOUND);
}

/// Known ways of getting this wrong, 5 and 6: whoever is not in the room does nothing there, and no look changes anything.
#[tokio::test]
async fn marks_are_for_members_and_made_by_posting() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let frank = town.person("Frank").await;
    let message = id(&alice.says(&goal, "Salut").await);
    let top = alice.fetch(&goal, "").await["revision"].clone();
    let acts = ["react/like", "pin", "unpin", "hide", "delete", "edit", "mark-read"];
    let (rooms, goals) = (["lock", "unlock", "archive", "restore", "delete"], ["delete", "edit"]);
    let paths: Vec<String> = acts
        .iter()
        .map(|act| format!("/message/{message}/{act}"))
        .chain(rooms.iter().map(|act| format!("/chatroom/{}/{act}", goal.room)))
        .chain(goals.iter().map(|act| format!("/goal/{}/{act}", goal.id)))
        .collect();
    for path in &paths {
        assert_eq!(
            frank.post(path, &[("content", "x"), ("title", "Mien")]).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
        let looked = bob.get(path).await.status;
        assert!(matches!(looked, StatusCode::METHOD_NOT_ALLOWED | StatusCode::FORBIDDEN), "GET {path}: {looked}");
    }
    assert_eq!(alice.fetch(&goal, "").await["revision"], top, "nothing changed");
    assert_eq!(bob.fetch(&goal, "").await["hidden"], json!([]));
}

/// CVE-2024-27286 and its like: what is deleted is gone wherever it was shown.
#[tokio::test]
async fn a_deleted_message_vanishes_from_pins_quotes_lists_and_versions() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let message = id(&bob.says(&goal, "Mon secret").await);
    let reply = [("content", "Ah ?"), ("reply_to", &message.to_string())];
    alice.post(&goal.path(), &reply).await;
    for (who, act) in [(&alice, "pin"), (&bob, "edit"), (&alice, "hide"), (&alice, "react/like")] {
        let answer = who.post(&format!("/message/{message}/{act}"), &[("content", "Mon secret, encore")]).await;
        assert_eq!(answer.status, StatusCode::OK, "{act}");
    }
    assert_eq!(
        alice.get(&format!("{}/hidden", goal.path())).await.json()["hidden"][0]["excerpt"],
        "Mon secret, encore"
    );
    bob.post(&format!("/message/{message}/delete"), &[]).await;
    for path in [
        goal.path(),
        format!("{}/fetch?since=0", goal.path()),
        format!("{}/pins", goal.path()),
        format!("{}/hidden", goal.path()),
        format!("/message/{message}"),
        format!("/message/{message}/versions"),
    ] {
        for who in [&alice, &bob] {
            assert!(!who.get(&path).await.text.contains("secret"), "{path}");
            assert!(!who.page(&path).await.text.contains("secret"), "{path} as a page");
        }
    }
}

#[tokio::test]
async fn a_pin_says_what_its_message_says_now() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let message = id(&bob.says(&goal, "Départ à 9 h").await);
    alice.post(&format!("/message/{message}/pin"), &[]).await;
    bob.post(&format!("/message/{message}/edit"), &[("content", "Départ à 8 h")]).await;
    let pins = bob.get(&format!("{}/pins", goal.path())).await.json()["pins"].clone();
    assert_eq!(pins[0]["excerpt"], "Départ à 8 h");
    let page = bob.page(&goal.path()).await.text;
    assert!(page.contains("<span class=\"pins-excerpt\">Départ à 8 h</span>"), "above the talk");
    assert!(page.contains("entry is-mine is-pinned\""), "and on the message");
}

/// A newcomer who sees nothing of the past sees nothing of it pinned, and takes nothing from the pins of others.
#[tokio::test]
async fn pins_of_the_past_are_for_who_was_there() {
    let town = Town::start().await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let founded = alice.post("/goal/new", &[("title", "Marathon"), ("history", "none")]).await.json()["goal"].clone();
    let goal =
        crate::harness::Goal { id: founded["id"].as_i64().unwrap(), room: founded["chatroom_id"].as_i64().unwrap() };
    let old = id(&alice.says(&goal, "avant Bob").await);
    alice.post(&format!("/message/{old}/pin"), &[]).await;
    goal.lets_in(&alice, &bob).await;
    alice.post(&goal.participation(&bob, "role"), &[("role", "admin")]).await;
    let mut ear =
        crate::ear::Ear::Sse(crate::ear::Sse::open(&alice, &crate::ear::query_for(&alice, &goal).await).await);
    let new = id(&bob.says(&goal, "après").await);
    let change = bob.post(&format!("/message/{new}/pin"), &[]).await.json();
    let ids = |pins: &serde_json::Value| -> Vec<i64> {
        pins.as_array().unwrap().iter().map(|pin| pin["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids(&change["room"]["pins"]), [new], "what he may see");
    ear.next_change().await.unwrap();
    let told = ear.next_change().await.unwrap().json();
    assert!(told.get("room").is_none(), "not everybody sees the same: each fetches");
    let since = told["revision"].as_i64().unwrap() - 1;
    assert_eq!(ids(&alice.fetch(&goal, &format!("since={since}")).await["room"]["pins"]), [new, old]);
    assert_eq!(ids(&bob.fetch(&goal, &format!("since={since}")).await["room"]["pins"]), [new]);
}

#[tokio::test]
async fn what_is_hidden_is_listed_for_oneself_and_stays_out_of_the_page() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let [one, two] = [id(&alice.says(&goal, "un").await), id(&alice.says(&goal, "deux").await)];
    for message in [one, two] {
        bob.post(&format!("/message/{message}/hide"), &[]).await;
    }
    let path = format!("{}/hidden", goal.path());
    let ids: Vec<i64> = bob.get(&path).await.json()["hidden"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, [two, one]);
    assert_eq!(alice.get(&path).await.json()["hidden"], json!([]));
    let page = bob.page(&goal.path()).await.text;
    assert!(page.matches("\" hidden>\n").count() >= 2, "folded to nothing");
    let list = bob.page(&path).await.text;
    assert!(list.contains("un") && list.contains(&format!("/message/{two}/hide")), "and the way back");
    assert_eq!(bob.submit(&format!("/message/{one}/hide"), &[("on", "false")]).await.location(), goal.path());
    // History upwards says it too.
    let before = bob.fetch(&goal, "before=1000").await;
    assert_eq!(before["hidden"], json!([two]));
}

/// A link leads to its message; to nobody who is not in the room, and nobody learns whether there is one.
#[tokio::test]
async fn a_message_has_an_address_of_its_own() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let frank = town.person("Frank").await;
    let sent = bob.says(&goal, "Ici").await;
    let path = format!("/message/{}", id(&sent));
    assert_eq!(alice.get(&path).await.json(), sent, "its latest change");
    let below = sent["message"]["position"].as_i64().unwrap() + 1;
    let place = format!("{}?before={below}#message-{}", goal.path(), id(&sent));
    assert_eq!(alice.page(&path).await.location(), place);
    let page = alice.page(&place).await;
    assert!(page.text.contains(&format!("id=\"message-{}\"", id(&sent))));
    let (private, none) = (frank.get(&path).await, frank.get("/message/999999").await);
    assert_eq!((private.status, &private.text), (StatusCode::NOT_FOUND, &none.text));
}

#[tokio::test]
async fn editing_has_an_end_where_the_site_says_so() {
    let town = Town::start_with(&["--edit-window", "15"]).await;
    let (alice, bob, goal) = two(&town).await;
    let message = id(&bob.says(&goal, "Salu").await);
    let edit = format!("/message/{message}/edit");
    town.pass(15 * 60);
    assert_eq!(bob.post(&edit, &[("content", "Salut")]).await.status, StatusCode::OK);
    assert!(bob.page(&goal.path()).await.text.contains(&format!("?edit={message}#")));
    town.pass(1);
    let late = bob.post(&edit, &[("content", "Salut !")]).await;
    assert_eq!(
        (late.status, late.message().as_str()),
        (StatusCode::CONFLICT, "Le temps pour modifier ce message est écoulé.")
    );
    assert_eq!(
        bob.post(&edit, &[("content", "Salut")]).await.status,
        StatusCode::OK,
        "what it says already is no edit"
    );
    assert!(!bob.page(&goal.path()).await.text.contains(&format!("?edit={message}#")));
    assert_eq!(alice.post(&format!("/message/{message}/delete"), &[]).await.status, StatusCode::OK);
}

/// Without a script each mark is a form that leads back.
#[tokio::test]
async fn marks_are_forms_too() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let message = id(&alice.says(&goal, "Salut").await);
    let place = format!("{}#message-{message}", goal.path());
    for act in ["react/%F0%9F%8E%89", "react/heart", "pin", "unpin"] {
        assert_eq!(alice.submit(&format!("/message/{message}/{act}"), &[]).await.location(), place, "{act}");
    }
    let page = alice.page(&goal.path()).await.text;
    let chip =
        format!("formaction=\"/message/{message}/react/%F0%9F%8E%89\" data-emoji=\"🎉\" data-users=\"{}\"", alice.id);
    assert!(page.contains(&chip), "{page}");
}
