//! What the real program logs when everything is logged: nothing of what people say, are called, look for or sign in with.

use crate::ear::{Sse, query_for};
use crate::files::sends;
use crate::harness::{Browser, Database, Goal, within};
use crate::push::{AUTH, POINT};
use reqwest::{Method, StatusCode};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

/// The program, and all that it writes.
struct Program {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Program {
    fn start(database: &Database, format: &str) -> Self {
        let data = database.folder.path().display().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_palabre"));
        let ours =
            |name: &str| ["PALABRE_", "MERCURE_", "DATABASE_", "RUST_"].iter().any(|prefix| name.starts_with(prefix));
        for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command.args(["--log", "trace", "--log-format", format, "--rate-limits", "off", "--listen", "127.0.0.1:0"]);
        command.args(["--data", &data, "--database-url", &database.url]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log: Arc<Mutex<String>> = Arc::default();
        let (mut stderr, into) = (child.stderr.take().unwrap(), log.clone());
        std::thread::spawn(move || {
            let mut piece = [0; 8192];
            while let Ok(length @ 1..) = stderr.read(&mut piece) {
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&piece[..length]));
            }
        });
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim().rsplit_once("http://").unwrap_or_else(|| panic!("{line} {}", log.lock().unwrap())).1;
        Self { address: address.parse().unwrap(), child, log }
    }

    /// Ends it politely and waits for its last word.
    async fn log(mut self) -> String {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().unwrap();
        within("the program ends", tokio::task::spawn_blocking(move || self.child.wait().unwrap())).await.unwrap();
        self.log.lock().unwrap().clone()
    }
}

async fn register(address: SocketAddr, first_name: &str, email: &str, password: &str) -> Browser {
    let mut browser = Browser::new(address);
    let form = [("email", email), ("password", password), ("first_name", first_name), ("last_name", "zqLastname")];
    let answer = browser.post("/register", &form).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    browser.id = answer.json()["user"]["id"].as_i64().unwrap();
    browser
}

/// Everything that a person may do with words, each of them marked with `zq`. What else must not be logged: secrets that were made.
async fn everything(address: SocketAddr) -> Vec<String> {
    let alice = register(address, "zqAlice", "zqalice@zqmail.example", "zqPassword horse").await;
    let bob = register(address, "zqBob", "zqbob@zqmail.example", "zqPassword battery").await;
    let login = [("email", "zqalice@zqmail.example"), ("password", "zqWrong password")];
    assert_eq!(Browser::new(address).post("/login", &login).await.status, 422);
    let form = [("title", "zqTitle of a goal"), ("description", "zqDescription")];
    let founded = alice.post("/goal/new", &form).await.json();
    let number = |name: &str| founded["goal"][name].as_i64().unwrap();
    let goal = Goal { id: number("id"), room: number("chatroom_id") };
    goal.lets_in(&alice, &bob).await;
    let stream = Sse::open(&bob, &query_for(&bob, &goal).await).await;
    let said = alice.says(&goal, "@zqBob zqLastname: **zqSecret words** `zqCode` <zqTag> http://zqlink.example/zqpath\n\n```rust\nlet zqCode = 1;\n```").await;
    let message = said["message"]["id"].as_i64().unwrap();
    alice.post(&format!("/message/{message}/edit"), &[("content", "zqEdited <b>zqTag</b> text")]).await;
    sends(
        &bob,
        &goal,
        "zqCaption",
        &[("zqFile name.txt", b"zqBytes of a file"), ("zqPicture.png", b"\x89PNG\r\n\x1a\nzqBroken")],
    )
    .await;
    for path in [
        format!("/search?q=zqNeedle&room={}", goal.room),
        format!("{}/fetch?since=0&x=zqQuery", goal.path()),
        "/zqPath/of/nothing?zq=zq".to_owned(),
        format!("/message/{message}/versions"),
        format!("{}/export?format=html", goal.path()),
        "/.well-known/mercure?topic=zqTopic&authorization=zqAuthorization".to_owned(),
    ] {
        alice.get(&path).await;
        Browser::new(address).get(&path).await;
    }
    let odd = [
        ("cookie", "palabre_1=zqCookie"),
        ("authorization", "Bearer zqBearer"),
        ("x-request-id", "zqRequest"),
        ("referer", "http://x/zqReferer"),
        ("user-agent", "zqAgent"),
        ("last-event-id", "zqLast"),
        ("origin", "http://zqorigin.example"),
    ];
    alice.request(Method::GET, "/goals", &odd, "").await;
    alice.request(Method::GET, "/.well-known/mercure?topic=zqTopic", &odd, "").await;
    alice.request(Method::POST, "/.well-known/mercure", &odd, "topic=zqTopic&data=zqData").await;
    let endpoint = "https://zqpush.invalid/zqEndpoint";
    let browser = [("endpoint", endpoint), ("p256dh", POINT), ("auth", AUTH)];
    assert_eq!(alice.post("/push/subscribe", &browser).await.status, StatusCode::CREATED);
    alice.post("/push/test", &[("endpoint", endpoint)]).await;
    alice
        .post(
            &format!("{}/preview", goal.path()),
            &[("content", "zqPreview http://zqlink.example/zqpath"), ("links", "1")],
        )
        .await;
    alice.post(&format!("/message/{message}/react/zqReaction"), &[]).await;
    alice.post(&format!("/message/{message}/delete"), &[]).await;
    let made: Vec<String> = [&alice, &bob]
        .iter()
        .flat_map(|browser| browser.cookies.lock().unwrap().values().cloned().collect::<Vec<_>>())
        .filter(|value| value.len() > 20)
        .collect();
    alice.post("/logout", &[]).await;
    drop(stream);
    made
}

/// Messages that still wait when the program ends were a line of the log each.
#[tokio::test]
async fn what_is_not_told_by_push_at_the_end_is_one_line() {
    let database = Database::new();
    let program = Program::start(&database, "text");
    let alice = register(program.address, "zqAlice", "zqalice@zqmail.example", "zqPassword horse").await;
    let goal = alice.founds("zqTitle").await;
    for n in 0..5 {
        alice.says(&goal, &format!("zqText {n}")).await;
    }
    let log = program.log().await;
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("told by push")).collect();
    assert!(matches!(lines[..], [line] if line.contains("count=")), "{lines:?}");
}

#[tokio::test]
async fn s18_nothing_that_people_say_is_logged_even_at_trace() {
    for format in ["text", "json"] {
        let database = Database::new();
        let program = Program::start(&database, format);
        let made = everything(program.address).await;
        let log = program.log().await;
        assert!(log.contains("answered") && log.contains("request"), "the log has what is its business: {log}");
        let lower = log.to_lowercase();
        if let Some(at) = lower.find("zq") {
            panic!(
                "{format}: {}",
                lower[..at].lines().last().unwrap_or_default().to_owned() + lower[at..].lines().next().unwrap()
            );
        }
        assert!(!made.is_empty());
        for secret in made {
            assert!(!log.contains(&secret), "{format}: a cookie or token: {secret}");
        }
        for place in ["chatroom/1", "message/1", "/goal/", "user/1", POINT, AUTH, "7a71536563726574"] {
            assert!(!log.contains(place), "{format}: {place}");
        }
        let foreign = |line: &&str| {
            ["html5ever", "hyper", "reqwest", "rustls", "h2::", "tungstenite"].iter().any(|name| line.contains(name))
        };
        assert_eq!(log.lines().filter(|line| line.contains("TRACE") || line.contains("DEBUG")).find(foreign), None);
    }
}
