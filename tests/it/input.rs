//! Bad input: a clear answer in the person's language, nothing changed, nothing lost of what was typed.

use crate::harness::{Answer, Browser, Goal, Town};
use crate::message::{id, two};
use crate::wire::{multipart, raw};
use reqwest::StatusCode;
use serde_json::json;

const BODY_LIMIT: usize = 262_144;

/// Everything that the room says, to be compared.
async fn state(who: &Browser, goal: &Goal) -> String {
    who.get(&format!("{}/fetch?since=0", goal.path())).await.text
}

/// The status, the code, and which fields are at fault.
fn fault(answer: &Answer) -> (u16, String, Vec<String>) {
    let fields = answer.json()["error"]["fields"].as_object().map(|fields| fields.keys().cloned().collect());
    assert!(!answer.message().is_empty(), "{}", answer.text);
    (answer.status.as_u16(), answer.code(), fields.unwrap_or_default())
}

fn invalid(field: &str) -> (u16, String, Vec<String>) {
    (422, "invalid".to_owned(), vec![field.to_owned()])
}

/// What stands in the composer's field.
fn typed(page: &Answer) -> String {
    let field = page.text.split_once("name=\"content\"").expect("a composer").1;
    let text = field.split_once(">\n").unwrap().1.split_once("</textarea>").unwrap().0;
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("&#x2f;", "/").replace("&quot;", "\"")
}

#[tokio::test]
async fn a_text_over_the_limit_is_refused_and_stays_in_the_field() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let before = state(&alice, &goal).await;
    let long = "é".repeat(10_001);
    let answer = alice.post(&goal.path(), &[("content", &long)]).await;
    assert_eq!(fault(&answer), invalid("content"));
    assert_eq!(answer.message(), "Le message compte 10001 caractères ; 10000 au plus.");
    let page = alice.submit(&goal.path(), &[("content", &long)]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(typed(&page), long);
    assert!(page.text.contains("Le message compte 10001 caractères"));
    assert_eq!(state(&alice, &goal).await, before);
    alice.says(&goal, &"é".repeat(10_000)).await;
}

#[tokio::test]
async fn an_empty_message_is_none() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let before = state(&alice, &goal).await;
    for empty in ["", " ", "\r\n\t \n", "\0"] {
        assert_eq!(fault(&alice.post(&goal.path(), &[("content", empty)]).await), invalid("content"), "{empty:?}");
    }
    assert_eq!(fault(&alice.post(&goal.path(), &[]).await), invalid("content"));
    let page = alice.submit(&goal.path(), &[("content", " ")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains("Le message est vide."));
    assert_eq!(state(&alice, &goal).await, before);
}

#[tokio::test]
async fn a_wrong_answer_or_nonce_keeps_what_was_typed() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let mine = id(&alice.post(&goal.path(), &[("content", "Avant"), ("client_nonce", "n-1")]).await.json());
    let before = state(&alice, &goal).await;
    let text = "<b>\"Mon\" texte & le reste</b>";
    for (field, value, sentence) in [
        ("reply_to", "999999", "Le message auquel vous répondez"),
        ("reply_to", "x", "Un nombre est attendu."),
        ("client_nonce", "<script>", "L’identifiant d’envoi n’est pas valide."),
        ("client_nonce", "n-1", "Cet identifiant a déjà servi"),
    ] {
        let page = alice.submit(&goal.path(), &[("content", text), (field, value)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}={value}");
        assert_eq!(typed(&page), text);
        assert!(page.text.contains(sentence), "{field}={value} is explained");
    }
    let edited = alice.submit(&format!("/message/{mine}/edit"), &[("content", &"x".repeat(10_001))]).await;
    assert_eq!((edited.status, typed(&edited).len()), (StatusCode::UNPROCESSABLE_ENTITY, 10_001));
    let address = format!("action=\"&#x2f;message&#x2f;{mine}&#x2f;edit\"");
    assert!(edited.text.contains(&address), "still an edit");
    assert_eq!(state(&alice, &goal).await, before);
}

#[tokio::test]
async fn what_is_not_there_is_told_in_the_persons_language() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let bobs = bob.says(&goal, "Le mien").await;
    let before = state(&alice, &goal).await;
    for (language, unknown, anothers) in [
        ("fr", "Cette page n’existe pas, ou elle ne vous est pas ouverte.", "Vous n’avez pas le droit de faire cela."),
        ("en", "This page does not exist, or it is not open to you.", "You do not have the right to do this."),
    ] {
        alice.post("/preferences", &[("locale", language)]).await;
        for path in ["/message/chatroom/999999", "/message/999999/edit", "/goal/999999/join"] {
            let answer = alice.post(path, &[("content", "Salut")]).await;
            assert_eq!((answer.status, answer.message().as_str()), (StatusCode::NOT_FOUND, unknown), "{path}");
            let page = alice.submit(path, &[("content", "Salut")]).await;
            assert!(page.status == StatusCode::NOT_FOUND && page.text.contains(unknown), "{path}");
        }
        let edit = format!("/message/{}/edit", id(&bobs));
        let answer = alice.post(&edit, &[("content", "Le mien")]).await;
        assert_eq!((answer.status, answer.message().as_str()), (StatusCode::FORBIDDEN, anothers));
        let page = alice.submit(&edit, &[("content", "Le mien")]).await;
        assert!(page.status == StatusCode::FORBIDDEN && page.text.contains(anothers));
    }
    assert_eq!(state(&alice, &goal).await, before);
}

/// A page's text with spaces that break.
fn plain(page: &Answer) -> String {
    page.text.replace(['\u{202f}', '\u{a0}'], " ")
}

/// The head of a raw request of this person.
fn head(who: &Browser, path: &str, headers: &str) -> String {
    let cookie = who.cookie_header();
    format!(
        "POST {path} HTTP/1.1\r\nhost: {}\r\ncookie: {cookie}\r\naccept: application/json\r\nconnection: close\r\n{headers}\r\n",
        who.address
    )
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    for chunk in body.chunks(16_384) {
        wire.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    wire
}

/// GHSA-j4c3 and its like: no body is larger than the limit, whatever it says of itself.
#[tokio::test]
async fn a_body_over_the_limit_is_refused_with_and_without_its_length() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let before = state(&alice, &goal).await;
    const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";
    const PARTS: &str = "content-type: multipart/form-data; boundary=b\r\n";
    let too_long = format!("content={}", "a".repeat(BODY_LIMIT)).into_bytes();
    let too_long_parts = multipart("b", &[("content", None, &vec![b'a'; BODY_LIMIT])]);
    let announced = format!("{FORM}content-length: {}\r\n", 1_u64 << 40);
    let mut requests = vec![("announced", head(&alice, &goal.path(), &announced).into_bytes())];
    for (what, media_type, body) in [("chunked", FORM, &too_long), ("chunked parts", PARTS, &too_long_parts)] {
        let mut request =
            head(&alice, &goal.path(), &format!("{media_type}transfer-encoding: chunked\r\n")).into_bytes();
        request.extend(chunked(body));
        requests.push((what, request));
    }
    for (what, request) in requests {
        let answer = raw(town.address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{what}: {answer}");
        assert!(answer.contains("\"code\":\"too_large\"") && answer.contains("dépasse la taille acceptée"), "{what}");
    }
    let page = alice.submit(&goal.path(), &[("content", &"a".repeat(BODY_LIMIT))]).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(page.text.contains("Envoi trop volumineux"));
    let fields = vec![("a", "b"); 65];
    assert_eq!(alice.post(&goal.path(), &fields).await.status, StatusCode::PAYLOAD_TOO_LARGE, "so many fields");
    assert_eq!(state(&alice, &goal).await, before);
}

#[tokio::test]
async fn broken_utf8_is_told_not_repaired() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let before = state(&alice, &goal).await;
    const FORM: &str = "application/x-www-form-urlencoded";
    const PARTS: &str = "multipart/form-data; boundary=b";
    let parts = multipart("b", &[("content", None, b"caf\xe9")]);
    for (media_type, body) in [
        (FORM, b"content=caf%E9".to_vec()),
        (FORM, b"content=caf\xe9".to_vec()),
        (FORM, b"content=ok&caf%E9=x".to_vec()),
        (FORM, b"content=%ED%A0%80".to_vec()),
        (PARTS, parts),
    ] {
        let answer = alice.post_body(&goal.path(), media_type, body).await;
        assert_eq!(fault(&answer), invalid("form"));
        assert_eq!(answer.message(), "Ce texte n’est pas lisible : il doit être en UTF-8.");
    }
    for (media_type, body) in [
        ("application/json", br#"{"content":"Salut"}"#.to_vec()),
        ("text/plain", b"content=Salut".to_vec()),
        ("multipart/form-data", b"content=Salut".to_vec()),
        (PARTS, b"--b\r\ncontent-disposition: form-data; name=\"content\"\r\n\r\nSal".to_vec()),
        (PARTS, b"nothing of the kind".to_vec()),
    ] {
        let answer = alice.post_body(&goal.path(), media_type, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{media_type}: {}", answer.text);
    }
    assert_eq!(state(&alice, &goal).await, before);
}

#[tokio::test]
async fn a_form_in_parts_is_a_form() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    const PARTS: &str = "multipart/form-data; boundary=b";
    let text = [("content", None, "Salut à tous".as_bytes()), ("client_nonce", None, b"n-1")];
    let sent = alice.post_body(&goal.path(), PARTS, multipart("b", &text)).await;
    assert_eq!((sent.status, &sent.json()["message"]["content"]), (StatusCode::CREATED, &json!("Salut à tous")));
    let again = alice.post(&goal.path(), &[("content", "Salut à tous"), ("client_nonce", "n-1")]).await;
    assert_eq!((again.status, again.text), (StatusCode::OK, sent.text), "however it is sent");
    let no_file = [("content", None, "Sans fichier".as_bytes()), ("attachment", Some(""), b"")];
    let sent = alice.post_body(&goal.path(), PARTS, multipart("b", &no_file)).await;
    assert_eq!(sent.status, StatusCode::CREATED, "a file field that was left empty is no file");
    let before = state(&alice, &goal).await;
    let file = [("content", None, "Avec".as_bytes()), ("attachment", Some("a.png"), b"\x89PNG\r\n")];
    let refused = alice.post_body("/message/1/edit", PARTS, multipart("b", &file)).await;
    assert_eq!(fault(&refused), invalid("attachment"));
    assert_eq!(refused.message(), "Aucun fichier n’est attendu ici.");
    let elsewhere = [("content", None, "Avec".as_bytes()), ("client_nonce", Some("a.png"), b"\x89PNG\r\n")];
    let refused = alice.post_body(&goal.path(), PARTS, multipart("b", &elsewhere)).await;
    assert_eq!(fault(&refused), invalid("attachment"));
    assert_eq!(state(&alice, &goal).await, before);
}

#[tokio::test]
async fn another_sites_form_is_refused_in_the_persons_language() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let before = state(&alice, &goal).await;
    let foreign: [&[(&str, &str)]; 5] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "http://127.0.0.1:1")],
    ];
    for (language, sentence) in [
        ("fr", "Cette demande vient d’un autre site ; elle a été refusée."),
        ("en", "This request comes from another site; it was refused."),
    ] {
        alice.post("/preferences", &[("locale", language)]).await;
        for headers in foreign {
            for path in
                [goal.path(), "/logout".into(), "/goal/new".into(), "/preferences".into(), "/realtime/token".into()]
            {
                let form = [("content", "Salut"), ("title", "Salut"), ("theme", "dark")];
                let answer = alice.post_with(&path, headers, &form).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
                assert_eq!((answer.code().as_str(), answer.message().as_str()), ("forbidden", sentence));
            }
            let page = [headers, &[("accept", "text/html")]].concat();
            let page = alice.post_with(&goal.path(), &page, &[("content", "Salut")]).await;
            assert!(page.status == StatusCode::FORBIDDEN && plain(&page).contains(sentence), "{headers:?}");
        }
    }
    assert_eq!(state(&alice, &goal).await, before, "and she is still signed in");
    let login = [("email", "alice@example.org"), ("password", crate::harness::PASSWORD)];
    let stranger = town.visitor();
    let answer = stranger.post_with("/login", &[("origin", "https://evil.example")], &login).await;
    assert_eq!((answer.status, stranger.cookie_header().as_str()), (StatusCode::FORBIDDEN, ""), "nor signed in by it");
}

#[tokio::test]
async fn our_own_form_and_a_program_pass() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let own = format!("http://{}", town.address);
    let ours: [&[(&str, &str)]; 5] = [
        &[],
        &[("origin", &own)],
        &[("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "same-origin"), ("origin", &own)],
    ];
    for headers in ours {
        let answer = alice.post_with(&goal.path(), headers, &[("content", "Salut")]).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{headers:?}");
    }
    let script = [("accept", "*/*"), ("x-requested-with", "XMLHttpRequest")];
    let answer = alice.post_with(&goal.path(), &script, &[("content", "Salut")]).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::CREATED, "application/json"));
    let read = alice.get_with("/goals", &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]).await;
    assert_eq!(read.status, StatusCode::OK, "a link from elsewhere opens");
    assert_eq!(read.headers.get("access-control-allow-origin"), None, "but no other site reads it");
}
