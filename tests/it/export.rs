//! A room taken away by its admins: everything that they see in it, and nothing else.

use crate::files::{self, ask, picture};
use crate::harness::{Browser, Goal, Town};
use crate::message::{id, two};
use crate::voice::{posts, wave};
use image::ImageFormat;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// The archive as somebody gets it.
struct Taken(ZipArchive<Cursor<Vec<u8>>>);

impl Taken {
    fn names(&self) -> Vec<String> {
        let names: BTreeSet<String> = self.0.file_names().map(|name| name.unwrap().into_owned()).collect();
        names.into_iter().collect()
    }

    fn bytes(&mut self, name: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.0.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn text(&mut self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    fn json(&mut self) -> Value {
        let text = self.text("room.json");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

fn path(goal: &Goal) -> String {
    format!("{}/export", goal.path())
}

async fn takes(who: &Browser, goal: &Goal, query: &str) -> Taken {
    let served = ask(who, Method::GET, &format!("{}{query}", path(goal)), &[("accept-encoding", "gzip")]).await;
    assert_eq!(served.status, StatusCode::OK);
    assert_eq!((served.header("content-type"), served.header("content-encoding")), ("application/zip", ""));
    let expected = format!("attachment; filename=\"palabre-{}-2026-03-01.zip\"", goal.room);
    assert_eq!(served.header("content-disposition"), expected);
    Taken(ZipArchive::new(Cursor::new(served.bytes)).unwrap())
}

#[tokio::test]
async fn an_export_holds_everything_that_was_said() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let first = alice.says(&goal, "Bonjour **tous** <script>alert(1)</script>").await;
    town.pass(60);
    let edited = bob.says(&goal, "Le lundi").await;
    bob.post(&format!("/message/{}/edit", id(&edited)), &[("content", "Le mardi")]).await;
    alice.post(&format!("/message/{}/react/like", id(&edited)), &[]).await;
    alice.post(&format!("/message/{}/pin", id(&edited)), &[]).await;
    let gone = bob.says(&goal, "Un secret").await;
    bob.post(&format!("/message/{}/delete", id(&gone)), &[]).await;
    let png = picture(8, 4, ImageFormat::Png);
    let names = [("Été & mer.png", &png[..]), ("../../etc/passwd", b"root"), ("notes.txt", b"<b>pas du HTML</b>")];
    let with_files = files::sends(&alice, &goal, "Les photos", &names).await;
    let voice = posts(&bob, &format!("{}/send-voice", goal.path()), "v-1", &wave(2)).await.json();
    let sent = &with_files["message"]["attachments"];
    let expected = |at: usize, name: &str| format!("files/{}-{name}", sent[at]["id"]);
    let voice_path = format!("files/{}-voice.wav", voice["message"]["attachments"][0]["id"]);
    let paths = [expected(0, "Été___mer.png"), expected(1, "passwd"), expected(2, "notes.txt"), voice_path.clone()];

    let mut taken = takes(&alice, &goal, "").await;
    let all: BTreeSet<String> = paths.iter().cloned().chain(["room.json".into(), "room.html".into()]).collect();
    assert_eq!(taken.names(), all.into_iter().collect::<Vec<_>>());
    assert_eq!(taken.bytes(&paths[1]), b"root");
    assert_eq!(taken.bytes(&voice_path), wave(2));

    let data = taken.json();
    assert_eq!(
        (&data["format"], &data["room"]["title"], &data["exported_by"]),
        (&json!("palabre-room"), &json!("Marathon"), &json!(alice.id))
    );
    assert_eq!(data["members"].as_array().unwrap().len(), 2);
    assert_eq!(data["exported_at"], "2026-03-01T12:01:00Z");
    let said: Vec<&Value> =
        data["messages"].as_array().unwrap().iter().filter(|message| message["kind"] != "system").collect();
    let contents: Vec<_> = said.iter().map(|message| message["content"].as_str().unwrap()).collect();
    assert_eq!(contents, ["Bonjour **tous** <script>alert(1)</script>", "Le mardi", "", "Les photos", ""]);
    assert_eq!(said[0]["id"], first["message"]["id"]);
    assert_eq!(said[1]["versions"], json!([{ "content": "Le lundi", "written_at": "2026-03-01T12:01:00Z" }]));
    assert_eq!(said[1]["reactions"], json!([{ "emoji": "👍", "users": [alice.id] }]));
    assert_eq!(said[1]["pinned_at"], "2026-03-01T12:01:00Z");
    assert!(said[2]["deleted_at"].is_string());
    assert_eq!(said[3]["attachments"][0]["path"], json!(paths[0]));
    assert_eq!((&said[4]["kind"], &said[4]["attachments"][0]["duration_ms"]), (&json!("voice"), &json!(2_000)));

    let page = taken.text("room.html").replace("&#x2f;", "/");
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert!(page.contains("<strong>tous</strong>") && !page.contains("<script"), "{page}");
    assert!(page.contains("Le lundi") && page.contains("Message supprimé") && !page.contains("secret"));
    for name in &paths[1..] {
        assert!(page.contains(&format!("\"{name}\"")), "{name} in {page}");
    }
    assert!(page.contains("%C3%89t%C3%A9___mer.png"), "{page}");
}

#[tokio::test]
async fn one_form_of_it_may_be_enough() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    alice.says(&goal, "Bonjour").await;
    assert_eq!(takes(&alice, &goal, "?format=json").await.names(), ["room.json"]);
    assert_eq!(takes(&alice, &goal, "?format=html").await.names(), ["room.html"]);
    alice.post("/preferences", &[("locale", "en")]).await;
    let page = takes(&alice, &goal, "?format=html").await.text("room.html");
    assert!(page.contains("<html lang=\"en\">") && page.contains("Exported on"), "{page}");
    assert_eq!(alice.get(&format!("{}?format=exe", path(&goal))).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let refused = bob.get(&format!("{}?format=exe", path(&goal))).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "a member learns nothing of formats");
}

/// CVE-2022-31134: an export that took along the files of others. Not another room's, not a deleted message's, not what was said
/// before the admin's own time.
#[tokio::test]
async fn an_export_is_of_one_room_and_of_what_one_sees_there() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let bob = town.person("Bob").await;
    let form = [("title", "Discret"), ("history", "none")];
    let founded = alice.post("/goal/new", &form).await.json();
    let number = |name: &str| founded["goal"][name].as_i64().unwrap();
    let goal = Goal { id: number("id"), room: number("chatroom_id") };
    let elsewhere = alice.founds("Ailleurs").await;
    files::sends(&alice, &elsewhere, "Autre salon", &[("elsewhere.txt", b"autre")]).await;
    files::sends(&alice, &goal, "Avant Bob", &[("before.txt", b"avant")]).await;
    goal.lets_in(&alice, &bob).await;
    alice.post(&goal.participation(&bob, "role"), &[("role", "admin")]).await;
    let gone = files::sends(&alice, &goal, "Effacé", &[("deleted.txt", b"efface")]).await;
    alice.post(&format!("/message/{}/delete", id(&gone)), &[]).await;
    files::sends(&alice, &goal, "Après Bob", &[("after.txt", b"apres")]).await;
    let mut his = takes(&bob, &goal, "").await;
    let files: Vec<String> = his.names().into_iter().filter(|name| name.starts_with("files/")).collect();
    assert!(matches!(&files[..], [one] if one.ends_with("-after.txt")), "{files:?}");
    for name in ["room.json", "room.html"] {
        let text = his.text(name);
        for hidden in ["Avant Bob", "before.txt", "Autre salon", "elsewhere.txt", "Effacé", "deleted.txt"] {
            assert!(!text.contains(hidden), "{hidden} in {name}");
        }
        assert!(text.contains("Après Bob"), "{name}");
    }
    let hers = takes(&alice, &goal, "").await;
    assert_eq!(hers.names().len(), 4, "hers holds what was before him: {:?}", hers.names());
}

#[tokio::test]
async fn a_long_room_comes_whole_and_in_its_order() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let goal = alice.founds("Long").await;
    crate::large::fill(&town, &goal, &alice, 450).await;
    let mut taken = takes(&alice, &goal, "").await;
    let data = taken.json();
    let positions: Vec<i64> =
        data["messages"].as_array().unwrap().iter().map(|message| message["position"].as_i64().unwrap()).collect();
    assert!(positions.len() >= 450 && positions.is_sorted_by(|one, next| one < next), "{}", positions.len());
    assert_eq!(taken.text("room.html").matches("<article").count(), 450);
}

/// A room that is read only is still its people's.
#[tokio::test]
async fn an_archived_room_can_be_exported_and_a_deleted_one_not() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    alice.says(&goal, "Bonjour").await;
    assert_eq!(alice.post(&format!("/chatroom/{}/archive", goal.room), &[]).await.status, StatusCode::OK);
    assert!(takes(&alice, &goal, "").await.text("room.html").contains("Bonjour"));
    assert_eq!(alice.post(&format!("/chatroom/{}/delete", goal.room), &[]).await.status, StatusCode::OK);
    assert_eq!(alice.get(&path(&goal)).await.status, StatusCode::NOT_FOUND);
}
