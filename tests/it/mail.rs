//! Letters to who is away, through a mail server of the test's own.

use crate::harness::{Browser, Goal, PASSWORD, Town};
use reqwest::StatusCode;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A mail server (RFC 5321, as little of it as it takes). Answers 250 to a recipient, or what stands in its list.
struct MailServer {
    port: u16,
    answers: Arc<Mutex<VecDeque<&'static str>>>,
    letters: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, answers: Arc::default(), letters: Arc::default() };
        let (answers, letters) = (server.answers.clone(), server.letters.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(talk(socket, answers.clone(), letters.clone()));
            }
        });
        server
    }

    /// The letters that came since the last look: the whole of each, its envelope's recipient first.
    fn letters(&self) -> Vec<String> {
        std::mem::take(&mut self.letters.lock().unwrap())
    }
}

async fn talk(socket: TcpStream, answers: Arc<Mutex<VecDeque<&'static str>>>, letters: Arc<Mutex<Vec<String>>>) {
    let (read, mut write) = socket.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 ready\r\n").await.unwrap();
    let mut letter = String::new();
    while let Ok(Some(line)) = lines.next_line().await {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let answer = match verb.as_str() {
            "EHLO" | "HELO" => "250 here\r\n".to_owned(),
            "RCPT" => {
                letter = format!("{line}\n");
                format!("{}\r\n", answers.lock().unwrap().pop_front().unwrap_or("250 fine"))
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.unwrap();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    letter.push_str(&line);
                    letter.push('\n');
                }
                letters.lock().unwrap().push(std::mem::take(&mut letter));
                "250 taken\r\n".to_owned()
            }
            "QUIT" => "221 bye\r\n".to_owned(),
            _ => "250 fine\r\n".to_owned(),
        };
        if write.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Quoted-printable and encoded words, as far as these letters use them.
fn plain(letter: &str) -> String {
    let mut bytes = Vec::new();
    let text = letter.replace("=\n", "");
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|two| std::str::from_utf8(two).ok()).filter(|_| *first == b'=');
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

const HOUR: i64 = 3_600;

/// Alice's goal with Bob in it.
async fn scene() -> (MailServer, Town, Browser, Browser, Goal) {
    let server = MailServer::start().await;
    let url = format!("smtp://127.0.0.1:{}", server.port);
    let town = Town::start_with(&["--smtp-url", &url, "--mail-from", "Palabre <chat@palabre.example>"]).await;
    let (alice, bob) = (town.person("Alice").await, town.person("Bob").await);
    let goal = alice.founds("Marathon").await;
    goal.lets_in(&alice, &bob).await;
    (server, town, alice, bob, goal)
}

async fn round(town: &Town) -> usize {
    town.app.postman.round().await.unwrap()
}

#[tokio::test]
async fn who_is_away_gets_one_letter_with_what_waits() {
    let (server, town, alice, bob, goal) = scene().await;
    let message = alice.says(&goal, "@Bob, viens <vite> & bien").await["message"]["id"].as_i64().unwrap();
    assert_eq!(round(&town).await, 0, "not at once: who is there reads it");
    town.pass(11 * 60);
    alice.says(&goal, "@Bob encore").await;
    assert_eq!(round(&town).await, 1);
    let letters = server.letters();
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    let (head, _) = letter.split_once("\n\n").unwrap();
    assert!(letter.starts_with("RCPT TO:<bob@example.org>"));
    assert!(
        head.contains("To: \"Bob Martin\" <bob@example.org>") || head.contains("To: Bob Martin <bob@example.org>"),
        "{head}"
    );
    assert!(head.contains("From: Palabre <chat@palabre.example>"));
    assert!(head.contains("Subject: 2 messages vous attendent"));
    assert!(head.contains("Date: Sun, 01 Mar 2026 12:11:00 +0000"), "{head}");
    assert!(
        head.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
            && head.contains("Auto-Submitted: auto-generated")
    );
    let text = plain(letter);
    assert!(text.contains("Alice Martin vous a mentionné·e dans «\u{a0}Marathon\u{a0}»"), "{text}");
    assert!(!text.contains("viens") && !text.contains("vite"), "nobody has shown that the address is theirs: {text}");
    assert!(text.contains(&format!("{}#message-{message}", goal.path())));
    assert_eq!(round(&town).await, 0, "told once");
    // The next letter comes no sooner than an hour later, and holds only what is new.
    alice.says(&goal, "@Bob, troisième").await;
    town.pass(30 * 60);
    assert_eq!(round(&town).await, 0);
    town.pass(HOUR);
    assert_eq!(round(&town).await, 1);
    let text = plain(&server.letters()[0]);
    assert!(text.contains("Subject: 1 message vous attend") && text.matches("vous a mentionné").count() == 2, "{text}");
    assert!(!text.contains("troisième") && !text.contains("encore"));
    assert!(bob.page("/settings").await.text.contains("bob@example.org"));
}

#[tokio::test]
async fn nothing_is_mailed_of_what_was_read_deleted_muted_or_left() {
    let (server, town, alice, bob, goal) = scene().await;
    let says = async |content: &str| alice.says(&goal, content).await["message"]["id"].as_i64().unwrap();
    let quiet = async |what: &str| {
        town.pass(2 * HOUR);
        assert_eq!(round(&town).await, 0, "{what}");
    };
    let read = says("@Bob lu").await;
    bob.post(&format!("/message/{read}/mark-read"), &[]).await;
    quiet("read in the room").await;
    says("@Bob vu").await;
    bob.post("/notifications/seen", &[]).await;
    quiet("seen in the list").await;
    let gone = says("@Bob supprimé").await;
    alice.post(&format!("/message/{gone}/delete"), &[]).await;
    quiet("deleted").await;
    says("Sans nom").await;
    quiet("a message like any other").await;
    says("@Bob muet").await;
    bob.post(&format!("/chatroom/{}/notifications", goal.room), &[("level", "none")]).await;
    quiet("muted since").await;
    bob.post(&format!("/chatroom/{}/notifications", goal.room), &[("level", "all")]).await;
    bob.post("/settings", &[("email_notices", "none")]).await;
    quiet("no mail wanted").await;
    bob.post("/settings", &[("email_notices", "digest")]).await;
    alice.post(&goal.participation(&bob, "remove"), &[]).await;
    quiet("removed").await;
    assert!(server.letters().is_empty());
}

#[tokio::test]
async fn a_letter_that_is_not_taken_comes_later_or_never() {
    let (server, town, alice, _bob, goal) = scene().await;
    alice.says(&goal, "@Bob").await;
    town.pass(HOUR);
    server.answers.lock().unwrap().push_back("451 later");
    assert_eq!(round(&town).await, 0);
    assert_eq!(round(&town).await, 1, "the same letter, when the server is back");
    alice.says(&goal, "@Bob").await;
    town.pass(2 * HOUR);
    server.answers.lock().unwrap().push_back("550 no such address");
    assert_eq!((round(&town).await, round(&town).await), (0, 0), "not again and again");
    assert_eq!(server.letters().len(), 1);
}

#[tokio::test]
async fn a_letter_speaks_its_readers_language_and_its_link_stops_the_next() {
    let (server, town, alice, bob, goal) = scene().await;
    bob.post("/preferences", &[("locale", "en")]).await;
    alice.says(&goal, "@Bob").await;
    town.pass(HOUR);
    assert_eq!(round(&town).await, 1);
    let text = plain(&server.letters()[0]);
    assert!(
        text.contains("Subject: 1 message waits for you")
            && text.contains("Hello Bob,")
            && text.contains("<html lang=\"en\">")
    );
    let link = text.lines().find_map(|line| line.strip_prefix("List-Unsubscribe: <")?.strip_suffix('>')).unwrap();
    let path = link.strip_prefix(&town.app.config.public_url).unwrap();
    let provider = town.visitor();
    assert_eq!(provider.page(path).await.status, StatusCode::OK);
    assert_eq!(
        bob.get("/settings").await.json()["notifications"]["email_notices"],
        "digest",
        "looking at it stops nothing"
    );
    let body = [("List-Unsubscribe", "One-Click")];
    assert_eq!(provider.submit(path, &body).await.status, StatusCode::OK);
    assert_eq!(bob.get("/settings").await.json()["notifications"]["email_notices"], "none");
    for forged in [
        path.replacen(&bob.id.to_string(), &alice.id.to_string(), 1),
        "/unsubscribe/1".into(),
        "/unsubscribe/1.x".into(),
    ] {
        assert_eq!(provider.submit(&forged, &body).await.status, StatusCode::NOT_FOUND, "{forged}");
    }
}

/// Nobody writes a header of ours: not by a name, not by the title of a goal.
#[tokio::test]
async fn no_name_becomes_a_header() {
    let (server, town, alice, _bob, _goal) = scene().await;
    let mut zoe = town.visitor();
    let name = "Zoé\u{2028}Bcc: x@y.fr, \"<a@b.fr>";
    let form = [
        ("email", "zoe@example.org"),
        ("password", PASSWORD),
        ("first_name", name),
        ("last_name", "É".repeat(80).leak()),
    ];
    zoe.id = zoe.post("/register", &form).await.json()["user"]["id"].as_i64().unwrap();
    let injected =
        [("first_name", "Zoé\r\nBcc: x@y.fr"), ("last_name", "B"), ("email", "z@y.fr"), ("password", PASSWORD)];
    assert_eq!(town.visitor().post("/register", &injected).await.status, 422);
    let goal = alice.founds("Bcc: x@y.fr").await;
    goal.lets_in(&alice, &zoe).await;
    alice.says(&goal, &format!("@{name} {}#{}", "É".repeat(80), zoe.id)).await;
    alice.says(&goal, "@tous").await;
    town.pass(HOUR);
    assert_eq!(round(&town).await, 1);
    let letter = &server.letters()[0];
    let (head, _) = letter.split_once("\n\n").unwrap();
    assert!(letter.starts_with("RCPT TO:<zoe@example.org>"));
    let names: Vec<&str> =
        head.lines().skip(1).filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(':').next()).collect();
    assert!(!names.contains(&"Bcc") && names.iter().filter(|name| **name == "To").count() == 1, "{head}");
}
