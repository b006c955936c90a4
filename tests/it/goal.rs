//! Goals and who takes part in them, as the people concerned see it.

use crate::harness::{Answer, Browser, Goal, Town, within};
use crate::reducer::talk;
use reqwest::StatusCode;
use serde_json::{Value, json};

/// Alice's goal, with Bob as admin and Carol as member.
async fn marathon(town: &Town) -> (Browser, Browser, Browser, Goal) {
    let alice = town.person("Alice").await;
    let bob = town.person("Bob").await;
    let carol = town.person("Carol").await;
    let goal = alice.founds("Marathon").await;
    goal.lets_in(&alice, &bob).await;
    goal.lets_in(&alice, &carol).await;
    assert_eq!(role(&alice, &goal, &bob, "admin").await.status, StatusCode::OK);
    (alice, bob, carol, goal)
}

async fn role(by: &Browser, goal: &Goal, of: &Browser, role: &str) -> Answer {
    by.post(&goal.participation(of, "role"), &[("role", role)]).await
}

/// Who is in a goal, as `(first name, role)`.
async fn people(viewer: &Browser, goal: &Goal) -> Vec<(String, String)> {
    let shown = viewer.get(&format!("/goal/{}", goal.id)).await.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    shown["members"].as_array().unwrap().iter().map(|m| (text(&m["user"]["first_name"]), text(&m["role"]))).collect()
}

fn pairs(people: &[(&str, &str)]) -> Vec<(String, String)> {
    people.iter().map(|(name, role)| ((*name).to_owned(), (*role).to_owned())).collect()
}

#[tokio::test]
async fn a_goal_is_founded_with_its_room_and_its_owner() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let form = [
        ("title", "  Rénover la salle  "),
        ("description", "Pour l’été"),
        ("start_date", "2026-03-01"),
        ("end_date", "2026-06-30"),
    ];
    let answer = alice.post("/goal/new", &form).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let goal = answer.json()["goal"].clone();
    let expected = json!({
        "id": 1, "chatroom_id": 1, "title": "Rénover la salle", "description": "Pour l’été", "status": "active",
        "progress": 0, "member_count": 1, "start_date": "2026-03-01", "end_date": "2026-06-30", "my": "owner",
    });
    assert_eq!(goal, expected);
    let goal = Goal { id: 1, room: 1 };
    assert_eq!(people(&alice, &goal).await, pairs(&[("Alice", "owner")]));
    let room = alice.fetch(&goal, "").await;
    assert_eq!(room["room"]["title"], "Rénover la salle");
    assert_eq!(room["members"][0]["role"], "owner");
    assert_eq!(room["messages"], json!([]));
}

#[tokio::test]
async fn what_is_wrong_with_a_goal_is_told_field_by_field() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let form =
        [("title", "ab"), ("description", "le départ"), ("start_date", "2026-03-02"), ("end_date", "2026-03-01")];
    let answer = alice.post("/goal/new", &form).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = answer.json()["error"]["fields"].clone();
    assert_eq!(fields.as_object().unwrap().keys().collect::<Vec<_>>(), ["end_date", "title"]);
    let page = alice.submit("/goal/new", &form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains("le départ") && page.text.contains("value=\"2026-03-02\""), "what was typed stays");
    assert!(page.text.contains(fields["title"].as_str().unwrap()));
    assert_eq!(alice.get("/goals").await.json()["goals"], json!([]));
}

#[tokio::test]
async fn everybody_sees_the_list_but_not_the_people() {
    let town = Town::start().await;
    let (alice, _, carol, goal) = marathon(&town).await;
    let visitor = town.visitor();
    let listed = visitor.get("/goals").await.json()["goals"][0].clone();
    assert_eq!(
        (&listed["title"], &listed["member_count"], &listed["my"]),
        (&json!("Marathon"), &json!(3), &json!("none"))
    );
    assert_eq!(alice.get("/goals").await.json()["goals"][0]["my"], "owner");
    assert_eq!(carol.get("/goals").await.json()["goals"][0]["my"], "member");
    let shown = visitor.get(&format!("/goal/{}", goal.id)).await;
    assert_eq!(shown.json()["members"], json!([]));
    let page = visitor.page(&format!("/goal/{}", goal.id)).await;
    for name in ["Alice", "Bob", "Carol"] {
        assert!(!shown.text.contains(name) && !page.text.contains(name), "{name} is nobody's business");
    }
}

#[tokio::test]
async fn a_request_is_asked_refused_asked_again_and_approved_once() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let bob = town.person("Bob").await;
    let goal = alice.founds("Marathon").await;
    let join = format!("/goal/{}/join", goal.id);
    let pending = json!({ "participation": { "user_id": bob.id, "role": "member", "status": "pending" } });
    assert_eq!(bob.post(&join, &[]).await.json(), pending);
    assert_eq!(bob.post(&join, &[]).await.json(), pending, "asking twice is asking once");
    assert_eq!(bob.get("/goals").await.json()["goals"][0]["my"], "pending");
    let refused = alice.post(&goal.participation(&bob, "refuse"), &[]).await;
    assert_eq!(refused.json(), json!({ "participation": { "user_id": bob.id, "role": null, "status": null } }));
    assert_eq!(alice.post(&goal.participation(&bob, "refuse"), &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(alice.post(&goal.participation(&bob, "approve"), &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(bob.post(&join, &[]).await.json(), pending, "a refused request may be asked again");
    let requests = alice.get(&format!("/goal/{}", goal.id)).await.json()["requests"].clone();
    assert_eq!(requests.as_array().unwrap().len(), 1);
    assert_eq!(requests[0]["user"]["first_name"], "Bob");
    let approve = goal.participation(&bob, "approve");
    let approved = json!({ "participation": { "user_id": bob.id, "role": "member", "status": "approved" } });
    assert_eq!(alice.post(&approve, &[]).await.json(), approved);
    let top = bob.fetch(&goal, "").await["revision"].clone();
    assert_eq!(alice.post(&approve, &[]).await.json(), approved, "approving twice is approving once");
    assert_eq!(bob.fetch(&goal, "").await["revision"], top);
    assert_eq!(bob.post(&join, &[]).await.status, StatusCode::CONFLICT);
    assert_eq!(alice.post(&goal.participation(&bob, "refuse"), &[]).await.status, StatusCode::CONFLICT);
    let kinds = events(&bob, 0).await;
    assert_eq!(kinds, ["participation_refused", "participation_approved"]);
    assert_eq!(events(&alice, 0).await, ["participation_asked"], "asking again renews it");
}

/// The kinds of a person's own events after a revision.
async fn events(who: &Browser, since: i64) -> Vec<String> {
    let news = who.get(&format!("/user/fetch?since={since}")).await.json();
    let events = news["events"].as_array().unwrap().clone();
    events.iter().map(|event| event["event"]["kind"].as_str().unwrap().to_owned()).collect()
}

/// Known ways of getting this wrong, 20: joining twice at once makes two rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joining_twice_at_once_is_one_request() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let bob = town.person("Bob").await;
    let goal = alice.founds("Marathon").await;
    let join = format!("/goal/{}/join", goal.id);
    let asking: Vec<_> = (0..8)
        .map(|_| {
            let (bob, join) = (bob.clone(), join.clone());
            tokio::spawn(async move { bob.post(&join, &[]).await.status })
        })
        .collect();
    for asked in asking {
        assert_eq!(within("the request is taken", asked).await.unwrap(), StatusCode::OK);
    }
    let shown = alice.get(&format!("/goal/{}", goal.id)).await.json();
    assert_eq!(shown["requests"].as_array().unwrap().len(), 1);
    assert_eq!(events(&alice, 0).await.len(), 1, "Alice is asked once");
}

#[tokio::test]
async fn who_leaves_is_out_and_an_owner_stays() {
    let town = Town::start().await;
    let (alice, bob, carol, goal) = marathon(&town).await;
    let leave = format!("/goal/{}/leave", goal.id);
    let left = carol.post(&leave, &[]).await;
    assert_eq!(left.json(), json!({ "participation": { "user_id": carol.id, "role": null, "status": null } }));
    assert_eq!(carol.post(&leave, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(carol.get(&format!("{}/fetch", goal.path())).await.status, StatusCode::NOT_FOUND);
    let news = alice.fetch(&goal, "").await;
    // The member, and then what the room says of it.
    let since = news["revision"].as_i64().unwrap() - 2;
    let change = alice.fetch(&goal, &format!("since={since}")).await["members"][0].clone();
    assert_eq!((&change["state"], &change["user"]["id"]), (&json!("left"), &json!(carol.id)));
    let stays = alice.post(&leave, &[]).await;
    assert_eq!((stays.status, stays.code().as_str()), (StatusCode::CONFLICT, "conflict"));
    let dan = town.person("Dan").await;
    dan.post(&format!("/goal/{}/join", goal.id), &[]).await;
    assert_eq!(dan.post(&leave, &[]).await.status, StatusCode::OK, "a request can be taken back");
    assert_eq!(alice.get(&format!("/goal/{}", goal.id)).await.json()["requests"], json!([]));
    assert_eq!(people(&alice, &goal).await, pairs(&[("Alice", "owner"), ("Bob", "admin")]));
    assert_eq!(bob.post(&leave, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_admin_removes_members_only() {
    let town = Town::start().await;
    let (alice, bob, carol, goal) = marathon(&town).await;
    let dan = town.person("Dan").await;
    goal.lets_in(&bob, &dan).await;
    assert_eq!(role(&alice, &goal, &dan, "admin").await.status, StatusCode::OK);
    let remove = async |by: &Browser, whom: &Browser| by.post(&goal.participation(whom, "remove"), &[]).await.status;
    assert_eq!(remove(&bob, &dan).await, StatusCode::FORBIDDEN, "another admin");
    assert_eq!(remove(&bob, &alice).await, StatusCode::FORBIDDEN, "the owner");
    assert_eq!(remove(&bob, &bob).await, StatusCode::FORBIDDEN, "oneself");
    assert_eq!(remove(&carol, &carol).await, StatusCode::FORBIDDEN);
    assert_eq!(remove(&bob, &carol).await, StatusCode::OK);
    assert_eq!(remove(&bob, &carol).await, StatusCode::NOT_FOUND, "she is not in it any more");
    assert_eq!(remove(&alice, &dan).await, StatusCode::OK, "the owner removes an admin");
    assert_eq!(remove(&alice, &alice).await, StatusCode::CONFLICT);
    assert_eq!(people(&alice, &goal).await, pairs(&[("Alice", "owner"), ("Bob", "admin")]));
}

/// CVE-2026-44561 and its like: who was removed keeps no way in.
#[tokio::test]
async fn who_is_removed_loses_the_room_everywhere() {
    let town = Town::start().await;
    let (alice, _, carol, goal) = marathon(&town).await;
    let said = carol.says(&goal, "Salut").await;
    let message = said["message"]["id"].as_i64().unwrap();
    let phone = carol.second_browser().await;
    assert_eq!(carol.get("/user/fetch").await.json()["rooms"].as_array().unwrap().len(), 1);
    let since = carol.get("/user/fetch").await.json()["revision"].as_i64().unwrap();
    assert_eq!(alice.post(&goal.participation(&carol, "remove"), &[]).await.status, StatusCode::OK);
    for browser in [&carol, &phone] {
        assert_eq!(browser.page(&goal.path()).await.status, StatusCode::NOT_FOUND);
        for query in ["", "?since=0", &format!("?since={}", said["revision"]), "?since=0&wait=30", "?before=9"] {
            let answer = browser.get(&format!("{}/fetch{query}", goal.path())).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{query}");
        }
        assert_eq!(browser.post(&goal.path(), &[("content", "Encore")]).await.status, StatusCode::NOT_FOUND);
        for verb in ["edit", "delete", "mark-read"] {
            let answer = browser.post(&format!("/message/{message}/{verb}"), &[("content", "Encore")]).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{verb}, though it is her own message");
        }
        let news = browser.get(&format!("/user/fetch?since={since}")).await.json();
        assert_eq!(news["rooms"], json!([]));
        assert_eq!(news["events"][0]["event"]["kind"], "removed");
        let topics = browser.post("/realtime/token", &[]).await.json()["topics"].clone();
        assert_eq!(topics, json!([format!("user/{}", carol.id)]));
        let shown = browser.get(&format!("/goal/{}", goal.id)).await.json();
        assert_eq!((&shown["goal"]["my"], &shown["members"]), (&json!("none"), &json!([])));
    }
    assert_eq!(talk(&alice, &goal).await[0]["content"], "Salut", "what she said stays");
}

#[tokio::test]
async fn who_comes_back_is_a_member_like_any_other() {
    let town = Town::start().await;
    let (alice, bob, _, goal) = marathon(&town).await;
    assert_eq!(alice.post(&goal.participation(&bob, "remove"), &[]).await.status, StatusCode::OK);
    goal.lets_in(&alice, &bob).await;
    let expected = pairs(&[("Alice", "owner"), ("Bob", "member"), ("Carol", "member")]);
    assert_eq!(people(&alice, &goal).await, expected, "not the admin that he was");
    bob.says(&goal, "Me revoilà").await;
}

/// Known ways of getting this wrong, 7: a goal without an owner.
#[tokio::test]
async fn roles_change_and_the_owner_is_always_one() {
    let town = Town::start().await;
    let (alice, bob, carol, goal) = marathon(&town).await;
    let promoted = role(&alice, &goal, &carol, "admin").await;
    assert_eq!(
        promoted.json(),
        json!({ "participation": { "user_id": carol.id, "role": "admin", "status": "approved" } })
    );
    assert_eq!(role(&alice, &goal, &carol, "member").await.status, StatusCode::OK);
    let wrong = role(&alice, &goal, &carol, "emperor").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.json()["error"]["fields"]["role"].is_string());
    assert_eq!(role(&alice, &goal, &alice, "member").await.status, StatusCode::CONFLICT);
    assert_eq!(role(&alice, &goal, &alice, "owner").await.status, StatusCode::OK, "nothing changes");
    assert_eq!(role(&bob, &goal, &bob, "owner").await.status, StatusCode::FORBIDDEN);
    let stranger = town.person("Dan").await;
    assert_eq!(role(&alice, &goal, &stranger, "owner").await.status, StatusCode::NOT_FOUND);
    let before = [("Alice", "owner"), ("Bob", "admin"), ("Carol", "member")];
    assert_eq!(people(&carol, &goal).await, pairs(&before));
    let handed = role(&alice, &goal, &carol, "owner").await;
    assert_eq!(
        handed.json(),
        json!({ "participation": { "user_id": carol.id, "role": "owner", "status": "approved" } })
    );
    let after = [("Alice", "admin"), ("Bob", "admin"), ("Carol", "owner")];
    assert_eq!(people(&carol, &goal).await, pairs(&after));
    assert_eq!(role(&alice, &goal, &alice, "owner").await.status, StatusCode::FORBIDDEN, "there is no way back");
    let leave = format!("/goal/{}/leave", goal.id);
    assert_eq!(carol.post(&leave, &[]).await.status, StatusCode::CONFLICT);
    assert_eq!(alice.post(&leave, &[]).await.status, StatusCode::OK, "who handed over may leave");
    let members = carol.fetch(&goal, "").await["members"].clone();
    let owners = members.as_array().unwrap().iter().filter(|member| member["role"] == "owner").count();
    assert_eq!(owners, 1, "in the room as well");
}

#[tokio::test]
async fn without_javascript_every_form_leads_somewhere_and_says_what_was_done() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let bob = town.person("Bob").await;
    let founded = alice.submit("/goal/new", &[("title", "Marathon")]).await;
    assert_eq!(founded.location(), "/message/chatroom/1?notice=goal-created");
    let room = alice.page(founded.location()).await;
    assert!(room.text.contains("La conversation est ouverte."), "{}", room.text);
    let goal = Goal { id: 1, room: 1 };
    let expect = async |who: &Browser, answer: Answer, notice: &str, sentence: &str| {
        assert_eq!(answer.location(), format!("/goal/1?notice={notice}"));
        let page = who.page(answer.location()).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains(sentence), "{notice}");
    };
    let asks = || bob.submit("/goal/1/join", &[]);
    expect(&bob, asks().await, "joined-asked", "Votre demande est partie").await;
    let refused = alice.submit(&goal.participation(&bob, "refuse"), &[]).await;
    expect(&alice, refused, "refused", "La demande est refusée.").await;
    asks().await;
    let approved = alice.submit(&goal.participation(&bob, "approve"), &[]).await;
    expect(&alice, approved, "approved", "La demande est acceptée.").await;
    let promoted = alice.submit(&goal.participation(&bob, "role"), &[("role", "admin")]).await;
    expect(&alice, promoted, "role-changed", "Le rôle est changé.").await;
    let handed = alice.submit(&goal.participation(&bob, "role"), &[("role", "owner")]).await;
    expect(&alice, handed, "handed-over", "La responsabilité est transmise.").await;
    expect(&alice, alice.submit("/goal/1/leave", &[]).await, "left", "Vous avez quitté l’objectif.").await;
    asks_and_is_removed(&town, &bob, &goal).await;
    let conflict = bob.submit("/goal/1/leave", &[]).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT);
    assert!(conflict.text.contains("Transmettez d’abord"), "a page that says why");
}

async fn asks_and_is_removed(town: &Town, owner: &Browser, goal: &Goal) {
    let carol = town.person("Carol").await;
    goal.lets_in(owner, &carol).await;
    let removed = owner.submit(&goal.participation(&carol, "remove"), &[]).await;
    assert_eq!(removed.location(), "/goal/1?notice=removed");
    assert!(owner.page(removed.location()).await.text.contains("La personne ne participe plus"));
}

/// Known ways of getting this wrong, 6: nothing is changed by a GET.
#[tokio::test]
async fn a_link_changes_nothing() {
    let town = Town::start().await;
    let (alice, _, carol, goal) = marathon(&town).await;
    let message = carol.says(&goal, "Salut").await["message"]["id"].as_i64().unwrap();
    let dan = town.person("Dan").await;
    let before = (people(&alice, &goal).await, alice.fetch(&goal, "").await);
    assert_eq!(dan.get(&format!("/goal/{}/join", goal.id)).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(carol.get(&format!("/goal/{}/leave", goal.id)).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(alice.get(&goal.participation(&carol, "remove")).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(carol.get(&format!("/message/{message}/delete")).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(carol.get("/logout").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!((people(&alice, &goal).await, alice.fetch(&goal, "").await), before);
    assert_eq!(dan.get("/goals").await.json()["goals"][0]["my"], "none");
}
