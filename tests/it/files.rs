//! Files of messages: sent, judged, kept, served, and gone with their message.

use crate::harness::{Answer, Browser, Goal, Town};
use crate::message::{id, two};
use crate::wire::multipart;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A picture of two colours, left and right.
pub fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let pixel = |x: u32, _: u32| if x < width / 2 { Rgb([220, 60, 40]) } else { Rgb([40, 90, 200]) };
    let image = DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, pixel));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Sends a message with files under a nonce.
pub async fn sends_as(who: &Browser, goal: &Goal, nonce: &str, text: &str, files: &[(&str, &[u8])]) -> Answer {
    let mut parts = vec![("content", None, text.as_bytes()), ("client_nonce", None, nonce.as_bytes())];
    parts.extend(files.iter().map(|(name, bytes)| ("attachment", Some(*name), *bytes)));
    who.post_body(&goal.path(), "multipart/form-data; boundary=--b--", multipart("--b--", &parts)).await
}

/// The same under a fresh nonce; the change.
pub async fn sends(who: &Browser, goal: &Goal, text: &str, files: &[(&str, &[u8])]) -> Value {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let nonce = format!("file-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let answer = sends_as(who, goal, &nonce, text, files).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()
}

/// The first file of a change.
pub fn file_id(change: &Value) -> i64 {
    change["message"]["attachments"][0]["id"].as_i64().unwrap()
}

/// A file as it is served.
pub struct Served {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Served {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

pub async fn ask(who: &Browser, method: Method, path: &str, headers: &[(&str, &str)]) -> Served {
    let response = who.request(method, path, headers, "").await;
    let (status, headers) = (response.status(), response.headers().clone());
    Served { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
}

pub async fn load(who: &Browser, change: &Value) -> Served {
    ask(who, Method::GET, &format!("/attachment/{}", file_id(change)), &[]).await
}

/// Every file that lies in the store of a town, temporary ones too.
pub fn stored(town: &Town) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![town.database.folder.path().join("files")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

/// Known ways of getting this wrong, 1: a picture alone, without a word, is a message.
#[tokio::test]
async fn a_file_alone_is_a_message() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let png = picture(8, 4, ImageFormat::Png);
    let change = sends(&alice, &goal, "", &[("Été.png", &png)]).await;
    let file = file_id(&change);
    assert_eq!(
        change["message"]["attachments"],
        json!([{ "id": file, "kind": "image", "name": "Été.png", "media_type": "image/png", "size": png.len(),
            "width": 8, "height": 4, "duration_ms": null, "waveform": null, "thumbnail": null }])
    );
    assert_eq!((&change["message"]["content"], &change["message"]["excerpt"]), (&json!(""), &json!("📎 Été.png")));
    let fetched = bob.fetch(&goal, "").await;
    assert_eq!(fetched["messages"].as_array().unwrap().last(), Some(&change["message"]), "the poll carries the same");
    let served = load(&bob, &change).await;
    assert_eq!((served.status, served.bytes), (StatusCode::OK, png));
    let both = sends(&alice, &goal, "Regarde", &[("a.txt", b"un"), ("b.txt", b"deux")]).await;
    assert_eq!(
        (&both["message"]["excerpt"], &both["message"]["attachments"][1]["name"]),
        (&json!("Regarde"), &json!("b.txt"))
    );
    let two = sends(&alice, &goal, " ", &[("a.txt", b"un"), ("b.txt", b"deux")]).await;
    assert_eq!(two["message"]["excerpt"], "📎 a.txt +1");
    let answer = bob.post(&goal.path(), &[("content", "Belle"), ("reply_to", &id(&change).to_string())]).await.json();
    assert_eq!(answer["quoted"]["excerpt"], "📎 Été.png", "a quote says it without a word of any language");
}

/// Decision 8: the same nonce with the same files is the same message; with others, a mistake. Nothing is kept twice.
#[tokio::test]
async fn a_retry_with_the_same_files_is_one_message() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let jpeg = picture(600, 300, ImageFormat::Jpeg);
    let first = sends_as(&alice, &goal, "n-1", "Vu", &[("a.jpg", &jpeg)]).await;
    assert_eq!(first.status, StatusCode::CREATED);
    let kept = stored(&town).len();
    assert_eq!(kept, 2, "the picture and a smaller one");
    let again = sends_as(&alice, &goal, "n-1", "Vu", &[("a.jpg", &jpeg)]).await;
    assert_eq!((again.status, &again.text), (StatusCode::OK, &first.text));
    for files in
        [&[("a.jpg", &jpeg[..jpeg.len() - 1])][..], &[("b.jpg", &jpeg)], &[("a.jpg", &jpeg), ("a.jpg", &jpeg)], &[]]
    {
        let other = sends_as(&alice, &goal, "n-1", "Vu", files).await;
        assert_eq!((other.status, other.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"));
    }
    assert_eq!(stored(&town).len(), kept, "what did not become part of a message is gone");
    alice.post("/message/1/delete", &[]).await;
    let again = sends_as(&alice, &goal, "n-1", "Vu", &[("a.jpg", &jpeg)]).await;
    assert_eq!((again.status, again.json()["message"]["deleted"].as_bool()), (StatusCode::OK, Some(true)));
    assert_eq!(stored(&town), Vec::<PathBuf>::new());
}

/// A deleted message's files answer 404 at once, and their bytes are gone.
#[tokio::test]
async fn a_deleted_messages_files_are_gone() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let png = picture(600, 300, ImageFormat::Png);
    let change = sends(&alice, &goal, "Vu", &[("a.png", &png), ("b.txt", b"texte")]).await;
    let other = sends(&bob, &goal, "", &[("a.png", &png)]).await;
    let paths = [format!("/attachment/{}", file_id(&change)), format!("/attachment/{}/thumbnail", file_id(&change))];
    for path in &paths {
        assert_eq!(ask(&bob, Method::GET, path, &[]).await.status, StatusCode::OK);
    }
    assert_eq!(stored(&town).len(), 5);
    let deleted = alice.post(&format!("/message/{}/delete", id(&change)), &[]).await.json();
    assert_eq!(deleted["message"]["attachments"], json!([]));
    assert!(!deleted.to_string().contains("a.png"), "a tombstone does not name its files");
    for path in &paths {
        assert_eq!(ask(&alice, Method::GET, path, &[]).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(stored(&town).len(), 2, "another's file of the same bytes stays");
    assert_eq!(load(&alice, &other).await.status, StatusCode::OK);
}

/// Players ask for parts, browsers whether anything changed.
#[tokio::test]
async fn a_file_is_served_in_parts() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let mut webm =
        b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm"
            .to_vec();
    webm.extend((0..70_000_u32).map(|n| u8::try_from(n % 251).unwrap()));
    let change = sends(&alice, &goal, "", &[("film.webm", &webm)]).await;
    assert_eq!(change["message"]["attachments"][0]["kind"], "video");
    let path = format!("/attachment/{}", file_id(&change));
    let whole = ask(&bob, Method::GET, &path, &[("accept-encoding", "gzip")]).await;
    assert_eq!((whole.status, &whole.bytes), (StatusCode::OK, &webm));
    assert_eq!((whole.header("content-type"), whole.header("accept-ranges")), ("video/webm", "bytes"));
    assert_eq!(
        (whole.header("content-encoding"), whole.header("content-length")),
        ("", webm.len().to_string().as_str())
    );
    assert_eq!(whole.header("content-disposition"), "inline; filename=\"film.webm\"; filename*=UTF-8''film.webm");
    let tag = whole.header("etag").to_owned();
    for (range, bytes) in
        [("bytes=0-0", &webm[..1]), ("bytes=100-70000", &webm[100..70_001]), ("bytes=-5", &webm[webm.len() - 5..])]
    {
        let part = ask(&bob, Method::GET, &path, &[("range", range), ("if-range", &tag)]).await;
        assert_eq!((part.status, &part.bytes[..]), (StatusCode::PARTIAL_CONTENT, bytes), "{range}");
        assert!(
            part.header("content-range").ends_with(&format!("/{}", webm.len())),
            "{}",
            part.header("content-range")
        );
    }
    let stale = ask(&bob, Method::GET, &path, &[("range", "bytes=0-0"), ("if-range", "\"old\"")]).await;
    assert_eq!((stale.status, stale.bytes.len()), (StatusCode::OK, webm.len()));
    let beyond = ask(&bob, Method::GET, &path, &[("range", "bytes=999999-")]).await;
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (StatusCode::RANGE_NOT_SATISFIABLE, format!("bytes */{}", webm.len()).as_str())
    );
    let known = ask(&bob, Method::GET, &path, &[("if-none-match", &tag), ("range", "bytes=0-0")]).await;
    assert_eq!((known.status, known.bytes.len()), (StatusCode::NOT_MODIFIED, 0));
    let head = ask(&bob, Method::HEAD, &path, &[]).await;
    assert_eq!(
        (head.status, head.bytes.len(), head.header("content-length")),
        (StatusCode::OK, 0, webm.len().to_string().as_str())
    );
}
