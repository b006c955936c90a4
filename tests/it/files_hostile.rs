//! Files from who means harm, and files that somebody asks for who may not have them.

use crate::files::{ask, file_id, load, picture, sends, sends_as, stored};
use crate::harness::{Goal, Town, within};
use crate::message::two;
use crate::wire::multipart;
use image::ImageFormat;
use palabre::files::GRACE;
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::path::PathBuf;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// CVE-2019-16216: whatever a file says it is, a browser runs nothing of it under our address. CVE-2026-73057: an SVG is never
/// drawn here.
#[tokio::test]
async fn what_could_run_is_a_download() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let gif = picture(4, 4, ImageFormat::Gif);
    let polyglot = [&gif[..], b"/*<script>alert(1)</script>*/=1;"].concat();
    for (name, bytes, media_type, word) in [
        (
            "a.svg",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1e9 1e9\" onload=\"alert(1)\"/>".to_vec(),
            "text/plain; charset=utf-8",
            "attachment",
        ),
        ("a.html", b"<!doctype html><script>alert(1)</script>".to_vec(), "text/plain; charset=utf-8", "attachment"),
        ("a.png", b"<html><script>alert(1)</script>".to_vec(), "text/plain; charset=utf-8", "attachment"),
        (
            "a.xml",
            b"<?xml version=\"1.0\"?><?xml-stylesheet href=\"x\"?><x/>".to_vec(),
            "text/plain; charset=utf-8",
            "attachment",
        ),
        ("a.pdf", b"%PDF-1.7\n\xff\xfe".to_vec(), "application/pdf", "attachment"),
        ("a.txt", b"\xff\xfe<\0s\0c\0r\0i\0p\0t\0>\0".to_vec(), "application/octet-stream", "attachment"),
        ("a.html", polyglot, "image/gif", "inline"),
    ] {
        let change = sends(&alice, &goal, "", &[(name, &bytes)]).await;
        let served = load(&bob, &change).await;
        assert_eq!((served.status, served.header("content-type")), (StatusCode::OK, media_type), "{name}");
        assert!(served.header("content-disposition").starts_with(&format!("{word}; ")), "{name}");
        assert_eq!(served.header("x-content-type-options"), "nosniff");
        assert_eq!(served.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(served.header("cache-control"), "private, no-cache");
        let policy = served.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.ends_with("sandbox"), "{policy}");
        if media_type == "image/gif" {
            assert_eq!(served.bytes, gif, "nothing hangs on behind the picture's end");
        }
    }
}

/// CVE-2025-4981, CVE-2025-20051: a name is shown, and never a path. CVE-2026-24050: it is text wherever it stands.
/// Known ways of getting this wrong, 15: no file lies where an address could name it.
#[tokio::test]
async fn a_name_is_only_a_name() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    for (given, shown) in [
        ("../../../../etc/cron.d/evil", "evil"),
        ("..\\..\\windows\\evil.dll", "evil.dll"),
        ("/etc/passwd", "passwd"),
        ("....//", "file"),
        ("evil\u{202e}gpj.exe", "evilgpj.exe"),
        ("<img src=x onerror=alert(1)>.txt", "<img src=x onerror=alert(1)>.txt"),
        ("%22onload=%22alert(1).txt", "\"onload=\"alert(1).txt"),
        ("CON", "CON"),
        (".htaccess", ".htaccess"),
    ] {
        let change = sends(&alice, &goal, "", &[(given, b"x")]).await;
        assert_eq!(change["message"]["attachments"][0]["name"], shown, "{given}");
        let html = change["message"]["html"].as_str().unwrap();
        assert!(!html.contains("<img") && !html.contains("\"onload=\""), "{html}");
        assert_eq!(load(&bob, &change).await.status, StatusCode::OK);
    }
    let long = sends(&alice, &goal, "", &[(&format!("{}.pdf", "é".repeat(400)), b"x")]).await;
    let name = long["message"]["attachments"][0]["name"].as_str().unwrap();
    assert!(name.len() <= 255 && name.ends_with("é.pdf"), "{name}");
    for path in stored(&town) {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.len() == 40 && name.bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
        let asset = town.app.views.assets().url("app.js");
        for address in [
            format!("/files/kept/{}/{name}", &name[..2]),
            asset.replace("app.js", &format!("../files/kept/{}/{name}", &name[..2])),
            format!("/attachment/{name}"),
            format!("/attachment/1%2F..%2F{name}"),
        ] {
            assert_eq!(bob.get(&address).await.status, StatusCode::NOT_FOUND, "{address}");
        }
    }
}

/// Private means private: each request asks again. Known ways of getting this wrong, 4.
#[tokio::test]
async fn only_who_reads_the_message_gets_its_files() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let carol = town.person("Carol").await;
    let png = picture(600, 300, ImageFormat::Png);
    let change = sends(&alice, &goal, "", &[("a.png", &png)]).await;
    let paths = [format!("/attachment/{}", file_id(&change)), format!("/attachment/{}/thumbnail", file_id(&change))];
    let nowhere = carol.get("/attachment/999999").await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    assert_eq!(carol.post(&format!("/goal/{}/join", goal.id), &[]).await.status, StatusCode::OK);
    for path in &paths {
        assert_eq!(town.visitor().get(path).await.status, StatusCode::UNAUTHORIZED);
        let closed = carol.get(path).await;
        assert_eq!((closed.status, closed.text), (nowhere.status, nowhere.text.clone()), "she has only asked");
        assert_eq!(ask(&bob, Method::GET, path, &[]).await.status, StatusCode::OK);
    }
    let known = ask(&bob, Method::GET, &paths[0], &[]).await.header("etag").to_owned();
    assert_eq!(alice.post(&goal.participation(&bob, "remove"), &[]).await.status, StatusCode::OK);
    for path in &paths {
        let closed = ask(&bob, Method::GET, path, &[("if-none-match", &known)]).await;
        assert_eq!(closed.status, StatusCode::NOT_FOUND, "removed: not even that it is unchanged");
    }
    assert_eq!(alice.post(&format!("/chatroom/{}/delete", goal.room), &[]).await.status, StatusCode::OK);
    for path in &paths {
        assert_eq!(ask(&alice, Method::GET, path, &[]).await.status, StatusCode::NOT_FOUND, "the room is deleted");
    }
}

#[tokio::test]
async fn a_newcomer_gets_no_files_of_the_past() {
    let town = Town::start().await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let answer = alice.post("/goal/new", &[("title", "Marathon"), ("history", "none")]).await.json();
    let goal =
        Goal { id: answer["goal"]["id"].as_i64().unwrap(), room: answer["goal"]["chatroom_id"].as_i64().unwrap() };
    let before = sends(&alice, &goal, "", &[("avant.txt", b"secret")]).await;
    goal.lets_in(&alice, &bob).await;
    let after = sends(&alice, &goal, "", &[("apres.txt", b"ouvert")]).await;
    assert_eq!(load(&bob, &before).await.status, StatusCode::NOT_FOUND);
    assert_eq!(load(&bob, &after).await.status, StatusCode::OK);
}

/// Files to send, and what is answered.
type Refusal<'a> = (&'a [(&'a str, &'a [u8])], StatusCode, &'a str);

/// What is too much is refused with a reason, and nothing of it stays.
#[tokio::test]
async fn limits_are_told_and_leave_nothing_behind() {
    let town = Town::start_with(&["--file-limit", "100000"]).await;
    let (alice, _, goal) = two(&town).await;
    let (fits, large) = (vec![b'a'; 100_000], vec![b'a'; 100_001]);
    let cases: [Refusal<'_>; 4] = [
        (
            &[("a.txt", b"x"), ("b.txt", &large)],
            StatusCode::PAYLOAD_TOO_LARGE,
            "Ce fichier est trop lourd : 97 ko au plus.",
        ),
        (&[("a.txt", &[b'a'; 1_500_000])], StatusCode::PAYLOAD_TOO_LARGE, "Ce fichier est trop lourd : 97 ko au plus."),
        (&[("a.txt", &b"x"[..]); 11], StatusCode::UNPROCESSABLE_ENTITY, "10 fichiers au plus par message."),
        (&[("a.txt", b"")], StatusCode::UNPROCESSABLE_ENTITY, "Ce fichier est vide."),
    ];
    for (files, status, sentence) in cases {
        let answer = sends_as(&alice, &goal, "n", "Voici", files).await;
        assert_eq!((answer.status, answer.message().as_str()), (status, sentence));
        assert_eq!(stored(&town), Vec::<PathBuf>::new());
        assert_eq!(alice.fetch(&goal, "").await["messages"].as_array().unwrap().len(), 1, "only that Bob joined");
    }
    let parts = [("attachment", Some("a.txt"), &large[..]), ("content", None, "Reste".as_bytes())];
    let page = [("accept", "text/html"), ("content-type", "multipart/form-data; boundary=b")];
    let page = alice.request(Method::POST, &goal.path(), &page, multipart("b", &parts)).await;
    assert_eq!(page.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let page = page.text().await.unwrap();
    assert!(page.contains("Ce fichier est trop lourd") && page.contains("Reste</textarea>"), "what was typed stays");
    sends(&alice, &goal, &"é".repeat(10_000), &[("a.txt", &fits[..]); 10]).await;
    assert_eq!(stored(&town).len(), 10);
    let long = sends_as(&alice, &goal, "m", &"é".repeat(10_001), &[("a.txt", &fits)]).await;
    assert_eq!((long.status, stored(&town).len()), (StatusCode::UNPROCESSABLE_ENTITY, 10));
}

/// Before a byte of a file is kept it is asked whether it may come; a message that is in the room already is answered all the same.
#[tokio::test]
async fn a_closed_room_takes_no_files() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let sent = sends_as(&bob, &goal, "n-1", "", &[("a.txt", b"un")]).await;
    assert_eq!(sent.status, StatusCode::CREATED);
    assert_eq!(alice.post(&format!("/chatroom/{}/lock", goal.room), &[]).await.status, StatusCode::OK);
    let refused = sends_as(&bob, &goal, "n-2", "", &[("b.txt", b"deux")]).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "conflict"));
    let again = sends_as(&bob, &goal, "n-1", "", &[("a.txt", b"un")]).await;
    assert_eq!((again.status, again.text), (StatusCode::OK, sent.text), "its answer was lost on the way");
    let stranger = town.person("Eve").await;
    assert_eq!(sends_as(&stranger, &goal, "n-3", "", &[("c.txt", b"trois")]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(stored(&town).len(), 1);
}

/// Uploads that stop in the middle leave nothing; several at once hold their person's seats, and nobody else's.
#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let begin = format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 900000\r\n\r\n\
         --b\r\ncontent-disposition: form-data; name=\"attachment\"; filename=\"a.txt\"\r\n\r\n{}",
        goal.path(),
        town.address,
        alice.cookie_header(),
        "a".repeat(50_000)
    );
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(town.address).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        open.push(stream);
    }
    let counts = async |count: usize| {
        while stored(&town).len() != count {
            tokio::task::yield_now().await;
        }
    };
    within("four uploads are under way", counts(4)).await;
    let fifth = sends_as(&alice, &goal, "n", "", &[("b.txt", b"x")]).await;
    assert_eq!((fifth.status, fifth.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "too_many"));
    let others = sends(&bob, &goal, "", &[("c.txt", b"x")]).await;
    assert_eq!(load(&alice, &others).await.status, StatusCode::OK);
    drop(open);
    within("nothing of them is left", counts(1)).await;
    sends(&alice, &goal, "", &[("b.txt", b"x")]).await;
}

/// What nobody wants is deleted after a day: a file whose message never came, an upload that a killed server left.
#[tokio::test]
async fn the_sweep_takes_what_belongs_to_nothing() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let change = sends(&alice, &goal, "", &[("a.png", &picture(600, 300, ImageFormat::Png))]).await;
    for _ in 0..20 {
        town.app.files.keep_bytes(b"nobody's").await.unwrap();
    }
    std::mem::forget(town.app.files.begin(10).await.unwrap());
    let foreign = town.database.folder.path().join("files/kept/README");
    std::fs::write(&foreign, "put there by somebody").unwrap();
    let day = GRACE / 1_000_000;
    town.pass(day - 1);
    assert_eq!(town.app.sweep_files().await.unwrap(), 0, "they may still be on the way");
    town.pass(2);
    assert_eq!(town.app.sweep_files().await.unwrap(), 21);
    assert_eq!(stored(&town).len(), 3, "the picture, the smaller one, and what is not ours");
    assert_eq!(load(&bob, &change).await.status, StatusCode::OK);
    assert_eq!(town.app.sweep_files().await.unwrap(), 0);
}

/// A program without files may use the same form as ever, and a nonce of files is none of a text.
#[tokio::test]
async fn a_message_that_lost_its_text_keeps_its_files() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let change = sends(&alice, &goal, "Vu", &[("a.txt", b"x")]).await;
    let edit = format!("/message/{}/edit", change["message"]["id"]);
    let edited = alice.post(&edit, &[("content", " ")]).await.json();
    assert_eq!((&edited["message"]["content"], &edited["message"]["excerpt"]), (&json!(""), &json!("📎 a.txt")));
    assert_eq!(edited["message"]["attachments"], change["message"]["attachments"]);
    let text = alice.says(&goal, "Seul").await;
    let empty = alice.post(&format!("/message/{}/edit", text["message"]["id"]), &[("content", " ")]).await;
    assert_eq!((empty.status, empty.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"));
}
