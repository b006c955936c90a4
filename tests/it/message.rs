//! Messages: sent, edited, deleted, answered.

use crate::harness::{Browser, Goal, Town};
use crate::reducer::talk;
use reqwest::StatusCode;
use serde_json::{Value, json};

/// Alice's goal with Bob in it.
pub async fn two(town: &Town) -> (Browser, Browser, Goal) {
    let alice = town.person("Alice").await;
    let bob = town.person("Bob").await;
    let goal = alice.founds("Marathon").await;
    goal.lets_in(&alice, &bob).await;
    (alice, bob, goal)
}

pub fn id(change: &Value) -> i64 {
    change["message"]["id"].as_i64().unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_message_has_the_shape_that_programs_rely_on() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let answer = alice.post(&goal.path(), &[("content", "Salut **toi**"), ("client_nonce", "n-1")]).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.header("content-type"), "application/json");
    let change = answer.json();
    assert_eq!(keys(&change), ["chatroom", "epoch", "message", "revision"]);
    let html = change["message"]["html"].as_str().unwrap().to_owned();
    let revision = change["revision"].as_i64().unwrap();
    let expected = json!({
        "id": id(&change), "position": revision, "revision": revision, "kind": "text", "client_nonce": "n-1",
        "author": { "id": alice.id, "first_name": "Alice", "last_name": "Martin", "initials": "AM" },
        "content": "Salut **toi**", "excerpt": "Salut toi", "created_at": "2026-03-01T12:00:00Z", "edited_at": null,
        "deleted": false, "reply_to": null, "attachments": [], "reactions": [], "html": html,
    });
    assert_eq!(change["message"], expected);
    assert!(html.contains("<p>Salut <strong>toi</strong></p>") && html.contains("datetime=\"2026-03-01T12:00:00Z\""));
    let fetched = alice.fetch(&goal, &format!("since={}", revision - 1)).await;
    assert_eq!(fetched["messages"], json!([expected]), "the poll carries the same object");
    assert_eq!(fetched["count"], 1);
    let page = alice.page(&goal.path()).await;
    assert!(page.text.contains(&html), "the page carries the same bytes");
}

#[tokio::test]
async fn a_message_takes_the_rooms_next_number() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let mut last = alice.fetch(&goal, "").await["revision"].as_i64().unwrap();
    for (who, content) in [(&alice, "un"), (&bob, "deux"), (&alice, "trois")] {
        let change = who.says(&goal, content).await;
        assert_eq!(change["revision"], last + 1);
        last += 1;
    }
    let first = &alice.fetch(&goal, "").await["messages"][1]["id"];
    let edited = alice.post(&format!("/message/{first}/edit"), &[("content", "un, corrigé")]).await.json();
    assert_eq!((&edited["revision"], &edited["message"]["position"]), (&json!(last + 1), &json!(last - 2)));
}

#[tokio::test]
async fn an_edit_shows_and_the_same_again_changes_nothing() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let sent = alice.says(&goal, "Salu").await;
    town.pass(60);
    let edit = format!("/message/{}/edit", id(&sent));
    let answer = alice.post(&edit, &[("content", "Salut")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    let edited = answer.json();
    assert_eq!(edited["message"]["content"], "Salut");
    assert_eq!(edited["message"]["edited_at"], "2026-03-01T12:01:00Z");
    assert_eq!(edited["message"]["created_at"], sent["message"]["created_at"]);
    assert!(edited["message"]["html"].as_str().unwrap().contains("data-edited"));
    let again = alice.post(&edit, &[("content", "Salut")]).await;
    assert_eq!((again.status, again.json()), (StatusCode::OK, edited.clone()), "the same content is no change");
    assert_eq!(talk(&bob, &goal).await, [edited["message"].clone()]);
    let page = bob.page(&goal.path()).await;
    assert!(!page.text.contains(">Salu<"), "what stood there before is gone");
}

#[tokio::test]
async fn a_message_is_its_authors() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let sent = bob.says(&goal, "Le mien").await;
    let [edit, delete] = ["edit", "delete"].map(|verb| format!("/message/{}/{verb}", id(&sent)));
    let refused = alice.post(&edit, &[("content", "Le mien, dit Alice")]).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "forbidden"), "not even the owner's");
    assert_eq!(talk(&bob, &goal).await[0]["content"], "Le mien");
    let carol = town.person("Carol").await;
    goal.lets_in(&alice, &carol).await;
    assert_eq!(carol.post(&delete, &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(alice.post(&delete, &[]).await.status, StatusCode::OK, "but she moderates");
}

/// CVE-2026-2578 and its like: a tombstone holds nothing of what was said.
#[tokio::test]
async fn a_tombstone_has_no_content_anywhere() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let sent = alice.post(&goal.path(), &[("content", "Mon secret"), ("client_nonce", "n-secret")]).await.json();
    let reply = [("content", "Ah bon ?"), ("reply_to", &id(&sent).to_string())];
    let reply = bob.post(&goal.path(), &reply).await.json();
    assert_eq!(reply["quoted"]["excerpt"], "Mon secret");
    town.pass(60);
    alice.post(&format!("/message/{}/edit", id(&sent)), &[("content", "Mon secret, deux fois")]).await;
    let delete = format!("/message/{}/delete", id(&sent));
    let answer = alice.post(&delete, &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    let tombstone = answer.json()["message"].clone();
    assert_eq!(
        (&tombstone["deleted"], &tombstone["content"], &tombstone["excerpt"]),
        (&json!(true), &json!(""), &json!(""))
    );
    let again = alice.post(&delete, &[]).await;
    assert_eq!((again.status, again.json()), (StatusCode::OK, answer.json()), "deleting twice is deleting once");
    let since = sent["revision"].as_i64().unwrap() - 1;
    let repeated = [("content", "Mon secret"), ("client_nonce", "n-secret")];
    let mut shown = vec![answer, alice.post(&goal.path(), &repeated).await];
    for who in [&alice, &bob] {
        for query in ["", "since=0", &format!("since={since}"), "before=99", &format!("lastMessageId={}", id(&sent))] {
            shown.push(who.get(&format!("{}/fetch?{query}", goal.path())).await);
        }
        shown.push(who.page(&goal.path()).await);
        shown.push(who.page(&format!("{}?reply_to={}", goal.path(), id(&sent))).await);
        shown.push(who.page(&format!("{}?edit={}", goal.path(), id(&sent))).await);
        shown.push(who.get("/user/fetch?since=0").await);
    }
    for answer in shown {
        assert_eq!(answer.status, StatusCode::OK);
        assert!(!answer.text.contains("secret</") && !answer.text.contains("Mon secret"), "{}", answer.text);
    }
    let quoted = bob.fetch(&goal, "").await["quoted"][0].clone();
    assert_eq!((&quoted["deleted"], &quoted["excerpt"]), (&json!(true), &json!("")));
    let edit = alice.post(&format!("/message/{}/edit", id(&sent)), &[("content", "Revenu")]).await;
    assert_eq!((edit.status, edit.code().as_str()), (StatusCode::CONFLICT, "conflict"));
}

#[tokio::test]
async fn a_retry_is_one_message() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let form = [("content", "Une fois"), ("client_nonce", "n-1")];
    let first = alice.post(&goal.path(), &form).await;
    let second = alice.post(&goal.path(), &form).await;
    assert_eq!((first.status, second.status), (StatusCode::CREATED, StatusCode::OK));
    assert_eq!(second.text, first.text, "the same change, byte for byte");
    assert_eq!(bob.post(&goal.path(), &form).await.status, StatusCode::CREATED, "a nonce is its author's own");
    let other = alice.post(&goal.path(), &[("content", "Deux fois"), ("client_nonce", "n-1")]).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(other.json()["error"]["fields"]["client_nonce"].is_string());
    let reply = [("content", "Une fois"), ("client_nonce", "n-1"), ("reply_to", "1")];
    assert_eq!(alice.post(&goal.path(), &reply).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let edit = format!("/message/{}/edit", id(&first.json()));
    let edited = alice.post(&edit, &[("content", "Une seule fois")]).await.json();
    let third = alice.post(&goal.path(), &form).await;
    assert_eq!((third.status, third.json()), (StatusCode::OK, edited), "a retry learns the present state");
    let elsewhere = alice.founds("Ailleurs").await;
    assert_eq!(alice.post(&elsewhere.path(), &form).await.status, StatusCode::CREATED, "and its room's");
    assert_eq!(talk(&alice, &goal).await.len(), 2);
    for odd in ["<script>", &"n".repeat(65), "a b", "é"] {
        let answer = alice.post(&goal.path(), &[("content", "x"), ("client_nonce", odd)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{odd}");
    }
}

/// Without JavaScript too: the form carries a nonce, so a double click or a reload of the form's answer is one message.
#[tokio::test]
async fn a_form_sent_twice_is_one_message() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let page = alice.page(&goal.path()).await.text;
    let nonce = page.split_once("name=\"client_nonce\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let form = [("content", "Une fois"), ("client_nonce", &nonce)];
    let first = alice.submit(&goal.path(), &form).await;
    let second = alice.submit(&goal.path(), &form).await;
    let sent = talk(&alice, &goal).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(first.location(), format!("{}#message-{}", goal.path(), sent[0]["id"]));
    assert_eq!(second.location(), first.location());
    let next = alice.page(&goal.path()).await.text;
    assert!(!next.contains(&format!("name=\"client_nonce\" value=\"{nonce}\"")), "the next one is a new message");
}

#[tokio::test]
async fn a_reply_names_its_source_in_the_same_room() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let source = alice.says(&goal, "On part à **huit** heures ?").await;
    let reply_to = id(&source).to_string();
    let answer = bob.post(&goal.path(), &[("content", "Oui"), ("reply_to", &reply_to)]).await;
    let reply = answer.json();
    assert_eq!(reply["message"]["reply_to"], json!({ "id": id(&source), "position": source["revision"] }));
    let quoted = json!({
        "id": id(&source), "position": source["revision"], "author": source["message"]["author"],
        "excerpt": "On part à huit heures ?", "deleted": false,
    });
    assert_eq!(reply["quoted"], quoted);
    let fragment = reply["message"]["html"].as_str().unwrap();
    assert!(!fragment.contains("huit"), "the fragment quotes nothing: the source may change");
    assert_eq!(alice.fetch(&goal, "").await["quoted"], json!([quoted]));
    assert!(alice.page(&goal.path()).await.text.contains("On part à huit heures ?</span>"));
    let elsewhere = alice.founds("Ailleurs").await;
    for room in [&elsewhere, &goal] {
        for foreign in [if room.id == goal.id { "999999" } else { reply_to.as_str() }, "0", "-1", "x"] {
            let before = alice.fetch(room, "").await;
            let refused = alice.post(&room.path(), &[("content", "Oui"), ("reply_to", foreign)]).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{foreign}");
            assert!(refused.json()["error"]["fields"]["reply_to"].is_string());
            assert_eq!(alice.fetch(room, "").await, before);
        }
    }
    let (strange, none) = (format!("{}?reply_to={reply_to}", elsewhere.path()), elsewhere.path());
    for page in [alice.page(&strange).await, alice.page(&none).await] {
        assert!(page.status == StatusCode::OK && !page.text.contains("huit"), "another room's message is not shown");
    }
}

/// CVE-2017-1000054, CVE-2018-9986, CVE-2021-22886 and their like: what is written never runs.
#[tokio::test]
async fn markdown_is_safe_in_page_and_json() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let hostile = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[clic](javascript:alert(1))",
        "[clic](JaVa\tScript:alert(1))",
        "![x](https://evil.example/pixel.png)",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<svg/onload=alert(1)>",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "`</code><script>alert(1)</script>`",
        "</textarea></article><script>alert(1)</script>",
        "[a](https://a.example \"' onmouseover='alert(1)\")",
        "- [x](vbscript:a)\n\n> <iframe src=//evil.example>",
    ];
    let mut sent = Vec::new();
    for text in hostile {
        let change = alice.says(&goal, text).await;
        sent.push(id(&change));
        assert_eq!(change["message"]["content"], text, "kept as typed");
        let html = change["message"]["html"].as_str().unwrap();
        is_harmless(html, text);
    }
    let page = bob.page(&goal.path()).await.text;
    let list = page.split_once("id=\"messages\"").unwrap().1.split_once("</ol>\n").unwrap().0;
    is_harmless(list, "the page");
    let textarea = hostile.iter().position(|text| text.contains("</textarea>")).unwrap();
    let edit = alice.page(&format!("{}?edit={}", goal.path(), sent[textarea])).await.text;
    assert!(edit.contains("&lt;&#x2f;textarea&gt;"), "an editor shows the source as text");
}

/// No tag that runs or loads, no attribute that runs, no scheme that runs.
fn is_harmless(html: &str, what: &str) {
    for tag in html.split('<').skip(1) {
        let inside = tag.split('>').next().unwrap_or_default().to_lowercase();
        let name: String = inside.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        for bad in ["script", "img", "iframe", "style", "object", "embed", "base", "meta", "link"] {
            assert_ne!(name, bad, "{what}: {html}");
        }
        // Outside of the quotes stand the names of attributes, inside their values.
        let (names, values): (Vec<_>, Vec<_>) = inside.split('"').enumerate().partition(|(at, _)| at % 2 == 0);
        assert!(!names.iter().any(|(_, name)| name.contains(" on") || name.contains(" style")), "{what}: {html}");
        for (_, value) in values {
            for bad in ["javascript:", "vbscript:", "data:"] {
                assert!(!value.trim_start().starts_with(bad), "{what}: {html}");
            }
        }
    }
}

#[tokio::test]
async fn a_link_of_a_message_opens_nothing_of_ours() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let change = alice.says(&goal, "voir https://a.example/x?y=1&z=2").await;
    let html = change["message"]["html"].as_str().unwrap();
    assert!(html.contains("<a href=\"https://a.example/x?y=1&amp;z=2\" rel=\"noopener nofollow ugc\">"), "{html}");
}

#[tokio::test]
async fn unread_marks_come_and_go() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let unread = async |who: &Browser| who.get("/user/fetch").await.json()["rooms"][0]["unread"].clone();
    assert_eq!(unread(&bob).await, 0);
    let first = alice.says(&goal, "un").await;
    let second = alice.says(&goal, "deux").await;
    assert_eq!(unread(&bob).await, 2);
    assert_eq!(unread(&alice).await, 0, "one's own are read");
    let read = bob.post(&format!("/message/{}/mark-read", id(&first)), &[]).await;
    assert_eq!(
        (read.status, read.json()),
        (StatusCode::OK, json!({ "room": goal.room, "position": first["revision"] }))
    );
    assert_eq!(unread(&bob).await, 1);
    bob.post(&format!("/message/{}/mark-read", id(&second)), &[]).await;
    assert_eq!(unread(&bob).await, 0);
    bob.post(&format!("/message/{}/mark-read", id(&first)), &[]).await;
    assert_eq!(unread(&bob).await, 0, "a watermark only rises");
    let third = alice.says(&goal, "trois").await;
    alice.post(&format!("/message/{}/delete", id(&third)), &[]).await;
    assert_eq!(unread(&bob).await, 0, "what was taken back needs no reading");
    let room = bob.get("/user/fetch").await.json()["rooms"][0].clone();
    assert_eq!(keys(&room), ["epoch", "id", "kind", "mentions", "revision", "state", "title", "unread"]);
    assert_eq!((&room["title"], &room["state"], &room["kind"]), (&json!("Marathon"), &json!("active"), &json!("goal")));
    assert_eq!(room["revision"], bob.fetch(&goal, "").await["revision"]);
}

/// A room that is read only (the schema knows it before the routes do): nothing is written, everything is read.
#[tokio::test]
async fn a_locked_room_is_read_only() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let sent = bob.says(&goal, "Avant").await;
    let lock = |tx: &mut palabre::db::Writer<'_>| {
        tx.execute(palabre::sql!("update chatroom set state = 'locked'"), palabre::params![])
    };
    town.app.db.write(palabre::db::Lane::None, lock).await.unwrap();
    let before = alice.fetch(&goal, "").await;
    let send = alice.post(&goal.path(), &[("content", "Après")]).await;
    assert_eq!((send.status, send.code().as_str()), (StatusCode::CONFLICT, "conflict"));
    assert!(send.message().contains("verrouillée"), "{}", send.text);
    for verb in ["edit", "delete"] {
        let refused = bob.post(&format!("/message/{}/{verb}", id(&sent)), &[("content", "Après")]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{verb}");
    }
    assert_eq!(alice.fetch(&goal, "").await, before);
    let read = alice.post(&format!("/message/{}/mark-read", id(&sent)), &[]).await;
    assert_eq!(read.status, StatusCode::OK, "reading goes on");
    assert!(alice.page(&goal.path()).await.text.contains("data-room-state=\"locked\""));
}

/// Known ways of getting this wrong, 4: a deleted room is served nowhere.
#[tokio::test]
async fn a_deleted_room_is_gone() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let sent = bob.says(&goal, "Avant").await;
    let delete = |tx: &mut palabre::db::Writer<'_>| {
        tx.execute(palabre::sql!("update chatroom set state = 'deleted'"), palabre::params![])
    };
    town.app.db.write(palabre::db::Lane::None, delete).await.unwrap();
    town.app.live.members.forget_where(|_, _| true);
    for path in [goal.path(), format!("{}/fetch", goal.path()), format!("{}/fetch?since=0", goal.path())] {
        assert_eq!(alice.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(bob.post(&goal.path(), &[("content", "Après")]).await.status, StatusCode::NOT_FOUND);
    for verb in ["edit", "delete", "mark-read"] {
        let answer = bob.post(&format!("/message/{}/{verb}", id(&sent)), &[("content", "Après")]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{verb}");
    }
    assert_eq!(alice.get("/user/fetch").await.json()["rooms"], json!([]));
    assert_eq!(alice.get("/goals").await.json()["goals"], json!([]));
}
