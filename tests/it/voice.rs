//! Voice messages: judged by decoding them, sent as every message is.

use crate::files::{load, stored};
use crate::harness::{Answer, Browser, Goal, Town};
use crate::message::{id, two};
use crate::wire::multipart;
use palabre::{params, sql};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// A recording of a few seconds as a WAV file: a tone that grows.
pub fn wave(seconds: u32) -> Vec<u8> {
    const RATE: u32 = 8_000;
    let count = RATE * seconds;
    let loudness = |n: u32| if n % 8 < 4 { f64::from(n) } else { -f64::from(n) } / f64::from(count) * 30_000.0;
    let data: Vec<u8> = (0..count).flat_map(|n| (loudness(n) as i16).to_le_bytes()).collect();
    let size = u32::try_from(data.len()).unwrap();
    let mut file = [&b"RIFF"[..], &(size + 36).to_le_bytes(), b"WAVEfmt ", &16_u32.to_le_bytes()].concat();
    file.extend([1_u16, 1].into_iter().flat_map(u16::to_le_bytes));
    file.extend([RATE, RATE * 2].into_iter().flat_map(u32::to_le_bytes));
    file.extend([2_u16, 16].into_iter().flat_map(u16::to_le_bytes));
    file.extend([&b"data"[..], &size.to_le_bytes(), &data].concat());
    file
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/sound/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Posts a recording under a nonce.
pub async fn posts(who: &Browser, path: &str, nonce: &str, bytes: &[u8]) -> Answer {
    posts_with(who, path, &[("client_nonce", nonce)], bytes).await
}

async fn posts_with(who: &Browser, path: &str, fields: &[(&str, &str)], bytes: &[u8]) -> Answer {
    let mut parts: Vec<_> = fields.iter().map(|(name, value)| (*name, None, value.as_bytes())).collect();
    parts.push(("voice", Some("blob"), bytes));
    who.post_body(path, "multipart/form-data; boundary=--b--", multipart("--b--", &parts)).await
}

fn path(goal: &Goal) -> String {
    format!("{}/send-voice", goal.path())
}

fn fault(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
    answer.json()["error"]["fields"]["voice"].clone()
}

#[tokio::test]
async fn a_voice_is_a_message_with_its_true_length_and_shape() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let question = alice.says(&goal, "Tu viens ?").await;
    let sent = wave(3);
    let fields = [("client_nonce", "v-1"), ("reply_to", &id(&question).to_string())];
    let answer = posts_with(&bob, &path(&goal), &fields, &sent).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let change = answer.json();
    let message = &change["message"];
    assert_eq!(
        (&message["kind"], &message["content"], &message["excerpt"]),
        (&json!("voice"), &json!(""), &json!("🎤 0:03"))
    );
    assert_eq!(message["reply_to"]["id"], question["message"]["id"]);
    let file = &message["attachments"][0];
    assert_eq!(message["attachments"].as_array().unwrap().len(), 1);
    assert_eq!(
        [&file["kind"], &file["media_type"], &file["name"], &file["duration_ms"], &file["size"]],
        [&json!("voice"), &json!("audio/wav"), &json!("voice.wav"), &json!(3_000), &json!(sent.len())]
    );
    let waveform = file["waveform"].as_str().unwrap();
    assert_eq!(waveform.len(), 128);
    let peaks: Vec<u8> = (0..64).map(|at| u8::from_str_radix(&waveform[at * 2..at * 2 + 2], 16).unwrap()).collect();
    assert!(peaks.is_sorted() && peaks[0] < 8 && peaks[63] == 255, "{waveform}");
    let html = message["html"].as_str().unwrap();
    assert!(
        html.contains(&format!("data-waveform=\"{waveform}\"")) && html.contains("data-duration=\"3000\""),
        "{html}"
    );
    let fetched = alice.fetch(&goal, &format!("since={}", question["revision"])).await;
    assert_eq!(fetched["messages"], json!([message]), "the poll carries the same object");
    let served = load(&alice, &change).await;
    assert_eq!((served.status, served.header("content-type")), (StatusCode::OK, "audio/wav"));
    assert_eq!(served.bytes, sent);
}

#[tokio::test]
async fn what_browsers_record_is_taken() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    for (name, media_type) in [("ramp.webm", "audio/webm"), ("ramp.ogg", "audio/ogg"), ("ramp.mp4", "audio/mp4")] {
        let answer = posts(&alice, &path(&goal), &name.replace('.', "-"), &fixture(name)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{name}: {}", answer.text);
        let file = answer.json()["message"]["attachments"][0].clone();
        assert_eq!(file["media_type"], media_type);
        assert!((file["duration_ms"].as_i64().unwrap() - 2_000).abs() < 60, "{file}");
    }
}

/// Known ways of getting this wrong, 3: a voice route that checks neither type, nor size, nor length.
#[tokio::test]
async fn what_is_no_voice_is_refused_and_nothing_of_it_stays() {
    let town = Town::start_with(&["--voice-limit", "1", "--file-limit", "60000"]).await;
    let (alice, _, goal) = two(&town).await;
    let top = alice.fetch(&goal, "").await["revision"].clone();
    let refused = async |nonce: &str, bytes: &[u8]| fault(&posts(&alice, &path(&goal), nonce, bytes).await);
    for name in ["video.webm", "video.mp4", "video.ogg"] {
        assert!(refused(name, &fixture(name)).await.as_str().unwrap().contains("n’est pas un message vocal"), "{name}");
    }
    assert!(refused("html", b"<script>alert(1)</script> and some more").await.as_str().unwrap().contains("n’est pas"));
    assert!(refused("silent", &wave(0)).await.as_str().unwrap().contains("vide"));
    assert_eq!(refused("long", &wave(3)).await, "Cet enregistrement dépasse 1 seconde.");
    assert!(posts(&alice, &path(&goal), "fits", &wave(2)).await.status == StatusCode::CREATED, "the limit is allowed");
    let large = posts(&alice, &path(&goal), "large", &[&wave(2)[..], &[0; 60_000]].concat()).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", large.text);
    let none = alice.post(&path(&goal), &[("client_nonce", "none")]).await;
    assert_eq!(fault(&none), "Aucun enregistrement n’a été reçu.");
    let elsewhere = [("attachment", Some("a.wav"), &wave(1)[..])];
    let body = multipart("--b--", &elsewhere);
    let answer = alice.post_body(&path(&goal), "multipart/form-data; boundary=--b--", body).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
    let page = alice.fetch(&goal, &format!("since={top}")).await;
    assert_eq!(page["count"], 1, "only the one that fits");
    assert_eq!(stored(&town).len(), 1);
}

/// Known ways of getting this wrong, 3: nor the room's state. Nothing is read of a body that may not come.
#[tokio::test]
async fn a_closed_room_takes_no_voice() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let first = posts(&bob, &path(&goal), "before", &wave(1)).await.json();
    for state in ["locked", "archived"] {
        let close =
            move |tx: &mut palabre::db::Writer<'_>| tx.execute(sql!("update chatroom set state = $1"), params![state]);
        town.app.db.write(palabre::db::Lane::None, close).await.unwrap();
        let answer = posts(&bob, &path(&goal), state, &wave(1)).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
        let again = posts(&bob, &path(&goal), "before", &wave(1)).await;
        assert_eq!(
            (again.status, &again.json()["revision"]),
            (StatusCode::OK, &first["revision"]),
            "its answer was lost"
        );
    }
    assert_eq!(stored(&town).len(), 1);
    let carol = town.person("Carol").await;
    assert_eq!(posts(&carol, &path(&goal), "x", b"anything").await.status, StatusCode::NOT_FOUND);
    assert!(alice.fetch(&goal, "").await["messages"].as_array().unwrap().len() == 1);
}

#[tokio::test]
async fn a_retry_is_the_same_message_and_another_sound_is_not() {
    let town = Town::start().await;
    let (_, bob, goal) = two(&town).await;
    let first = posts(&bob, &path(&goal), "v-1", &wave(1)).await;
    let again = posts(&bob, &path(&goal), "v-1", &wave(1)).await;
    assert_eq!((first.status, again.status), (StatusCode::CREATED, StatusCode::OK));
    assert_eq!(first.json(), again.json());
    let other = posts(&bob, &path(&goal), "v-1", &wave(2)).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", other.text);
    // The same file as an attachment is another message: what it is counts.
    let parts = [("client_nonce", None, &b"v-1"[..]), ("attachment", Some("voice.wav"), &wave(1)[..])];
    let body = multipart("--b--", &parts);
    let plain = bob.post_body(&goal.path(), "multipart/form-data; boundary=--b--", body).await;
    assert_eq!(plain.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", plain.text);
    assert_eq!(stored(&town).len(), 1);
}

#[tokio::test]
async fn a_voice_is_quoted_deleted_and_never_edited() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let voice = posts(&bob, &path(&goal), "v-1", &wave(75)).await.json();
    let form = [("content", "Merci"), ("client_nonce", "a-1"), ("reply_to", &id(&voice).to_string())];
    let answer = alice.post(&goal.path(), &form).await.json();
    assert_eq!(answer["quoted"]["excerpt"], "🎤 1:15");
    let edit = bob.post(&format!("/message/{}/edit", id(&voice)), &[("content", "écrit")]).await;
    assert_eq!(edit.status, StatusCode::CONFLICT, "{}", edit.text);
    let gone = bob.post(&format!("/message/{}/delete", id(&voice)), &[]).await.json();
    assert_eq!(gone["message"]["attachments"], json!([]));
    assert!(!gone["message"]["html"].as_str().unwrap().contains("data-waveform"));
    assert_eq!(load(&alice, &voice).await.status, StatusCode::NOT_FOUND);
    assert_eq!(stored(&town).len(), 0);
}

/// A form without scripts has no recorder, but a file may be chosen by hand.
#[tokio::test]
async fn a_form_is_sent_back_to_the_room() {
    let town = Town::start().await;
    let (_, bob, goal) = two(&town).await;
    let body = multipart("--b--", &[("voice", Some("a.wav"), &wave(1)[..])]);
    let headers = [("accept", "text/html"), ("content-type", "multipart/form-data; boundary=--b--")];
    let answer = bob.answer(bob.request(reqwest::Method::POST, &path(&goal), &headers, body).await).await;
    assert!(answer.location().starts_with(&format!("{}#message-", goal.path())), "{}", answer.location());
}
