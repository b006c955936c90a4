//! The real program as a process: killed under load, stopped politely, started wrongly.

use crate::ear::{Ear, Socket, Sse, long_poll, query_for};
use crate::harness::{Browser, Database, Goal, PASSWORD, urlencoded, within};
use crate::reducer::{Reducer, talk};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The program with no settings but these.
pub fn program(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_palabre"));
    for (name, _) in
        std::env::vars().filter(|(name, _)| ["PALABRE_", "MERCURE_", "DATABASE_"].iter().any(|p| name.starts_with(p)))
    {
        command.env_remove(name);
    }
    command.args(["--log", "warn", "--rate-limits", "off"]).args(flags);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running program.
pub struct Process {
    pub child: Child,
    pub address: SocketAddr,
    /// Kept open: the program says goodbye on it.
    _output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts it on a free port and waits until it says where to go.
    pub fn start(database: &Database) -> Self {
        let data = database.folder.path().display().to_string();
        let mut child =
            program(&["--listen", "127.0.0.1:0", "--data", &data, "--database-url", &database.url]).spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let Some((_, address)) = line.trim().rsplit_once("http://") else {
            let mut error = String::new();
            let _ = child.stderr.take().unwrap().read_to_string(&mut error);
            panic!("it did not start: {line} {error}");
        };
        Self { address: address.parse().unwrap(), child, _output: output }
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// What became of a program that ends by itself.
pub async fn ended(mut command: Command) -> Output {
    within("the program ends", tokio::task::spawn_blocking(move || command.output().unwrap())).await.unwrap()
}

/// The same person at the next process: it listens on another port, which stands in the cookie's name.
pub fn follow(browser: &Browser, address: SocketAddr) -> Browser {
    let new = browser.elsewhere(address).copy();
    let mut cookies = new.cookies.lock().unwrap();
    if let Some(token) = cookies.remove(&format!("palabre_{}", browser.address.port())) {
        cookies.insert(format!("palabre_{}", address.port()), token);
    }
    drop(cookies);
    new
}

pub async fn person(address: SocketAddr, name: &str) -> Browser {
    let mut browser = Browser::new(address);
    let email = format!("{name}@example.org");
    let form = [("email", email.as_str()), ("password", PASSWORD), ("first_name", name), ("last_name", "Martin")];
    let answer = browser.post("/register", &form).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    browser.id = answer.json()["user"]["id"].as_i64().unwrap();
    browser
}

/// One who sends without pause, and what is known of it.
struct Writer {
    browser: Browser,
    number: usize,
    next: usize,
    acknowledged: BTreeSet<String>,
    /// Sent, and no answer came.
    open: Vec<String>,
}

impl Writer {
    /// One attempt: true when it was answered.
    async fn sends(&mut self, goal: &Goal, nonce: String) -> bool {
        let body = urlencoded(&[("content", &format!("text of {nonce}")), ("client_nonce", &nonce)]);
        let request = reqwest::Client::new()
            .post(format!("http://{}{}", self.browser.address, goal.path()))
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", self.browser.cookie_header())
            .body(body);
        let is_acknowledged = match request.send().await {
            Ok(answer) => answer.status().is_success(),
            Err(_) => false,
        };
        if is_acknowledged {
            self.acknowledged.insert(nonce);
        } else {
            self.open.push(nonce);
        }
        is_acknowledged
    }

    /// First what is open, then new things, until the server is gone.
    async fn sends_until_cut(
        mut self,
        goal: Goal,
        count: Arc<AtomicUsize>,
        enough: usize,
        kill: Arc<tokio::sync::Notify>,
    ) -> Self {
        for nonce in std::mem::take(&mut self.open) {
            self.sends(&goal, nonce).await;
        }
        loop {
            let nonce = format!("w{}-{}", self.number, self.next);
            self.next += 1;
            if !self.sends(&goal, nonce).await {
                return self;
            }
            if count.fetch_add(1, Ordering::SeqCst) + 1 == enough {
                kill.notify_one();
            }
        }
    }
}

#[tokio::test]
async fn killed_under_load_it_keeps_what_it_acknowledged() {
    let database = Database::new();
    let mut process = Process::start(&database);
    let (alice, bob) = (person(process.address, "alice").await, person(process.address, "bob").await);
    let goal = alice.founds("Marathon").await;
    goal.lets_in(&alice, &bob).await;
    let mut reader = bob.clone();
    let mut room = Reducer::load(&reader, &goal).await;
    let first = room.revision;
    let mut writers: Vec<Writer> = (0..4)
        .map(|number| {
            let browser = if number % 2 == 0 { alice.clone() } else { bob.clone() };
            Writer { browser, number, next: 0, acknowledged: BTreeSet::new(), open: Vec::new() }
        })
        .collect();
    for round in 0..5 {
        let mut ear = Ear::Sse(Sse::open(&reader, &query_for(&reader, &goal).await).await);
        room.catch_up(&reader, &goal).await;
        let (count, kill) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Notify::new()));
        let enough = 17 + 9 * round;
        let load: Vec<_> = writers
            .into_iter()
            .map(|writer| tokio::spawn(writer.sends_until_cut(goal, count.clone(), enough, kill.clone())))
            .collect();
        within("enough was acknowledged", kill.notified()).await;
        process.kill();
        writers = Vec::new();
        for writer in load {
            writers.push(within("the writer notices", writer).await.unwrap());
        }
        while let Some(heard) = ear.next().await {
            if heard.kind.is_empty() {
                room.apply(&heard.json());
            }
        }
        process = Process::start(&database);
        reader = follow(&reader, process.address);
        for writer in &mut writers {
            writer.browser = follow(&writer.browser, process.address);
        }
        // What was acknowledged is there, and what the ear heard was no rumour.
        let heard = room.nonces();
        room.catch_up(&reader, &goal).await;
        let all = room.nonces();
        assert_eq!(all[..heard.len()], heard[..], "round {round}: what was told stays, in its place");
        let unique: BTreeSet<_> = all.iter().cloned().collect();
        assert_eq!(unique.len(), all.len(), "round {round}: nothing twice");
        for writer in &writers {
            let lost: Vec<_> = writer.acknowledged.difference(&unique).collect();
            assert!(lost.is_empty(), "round {round}: acknowledged and lost: {lost:?}");
        }
    }
    let mut expected = BTreeSet::new();
    for writer in &mut writers {
        for nonce in std::mem::take(&mut writer.open) {
            assert!(writer.sends(&goal, nonce).await, "a retry is answered");
        }
        expected.append(&mut writer.acknowledged);
        assert_eq!(writer.next, expected.iter().filter(|n| n.starts_with(&format!("w{}-", writer.number))).count());
    }
    room.catch_up(&reader, &goal).await;
    let nonces: BTreeSet<_> = room.nonces().into_iter().collect();
    assert_eq!(nonces, expected);
    let positions: Vec<i64> =
        talk(&reader, &goal).await.iter().map(|message| message["position"].as_i64().unwrap()).collect();
    let dense: Vec<i64> = (first + 1..=first + expected.len() as i64).collect();
    assert_eq!(positions, dense, "each exactly once, and no number lost");
    process.kill();
}

#[tokio::test]
async fn asked_to_stop_it_ends_well_while_streams_are_open() {
    let database = Database::new();
    let mut process = Process::start(&database);
    let alice = person(process.address, "alice").await;
    let goal = alice.founds("Marathon").await;
    let query = query_for(&alice, &goal).await;
    let mut sse = Sse::open(&alice, &query).await;
    let mut socket = Socket::open(&alice, &query).await;
    let top = Reducer::load(&alice, &goal).await.revision;
    let poll = long_poll(&alice, &goal, top);
    let mut terminate = Command::new("sh");
    terminate.args(["-c", &format!("kill -TERM {}", process.child.id())]);
    assert!(ended(terminate).await.status.success());
    while sse.next().await.is_some() {}
    assert!(sse.comments.iter().any(|comment| comment == "shutting down"), "{:?}", sse.comments);
    while socket.next().await.is_some() {}
    assert_eq!(socket.closed.as_ref().map(|closed| closed.0), Some(1001));
    let _ = poll.await;
    let status = within("it ends", tokio::task::spawn_blocking(move || process.child.wait().unwrap())).await.unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn a_wrong_start_names_the_variable() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let nowhere = format!("sqlite:{}/no/such/folder/x.sqlite", folder.path().display());
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let file = file.display().to_string();
    let cases: [(&str, &[&str]); 8] = [
        ("DATABASE_URL", &["--database-url", "mysql://x"]),
        ("DATABASE_URL", &["--database-url", &nowhere]),
        ("DATABASE_URL", &["--database-url", "postgres://postgres@127.0.0.1:1/none"]),
        ("PALABRE_LISTEN", &["--listen", &taken]),
        ("PALABRE_DATA", &["--data", &file]),
        ("PALABRE_PUBLIC_URL", &["--public-url", "palabre.example"]),
        ("MERCURE_JWT_SECRET", &["--mercure-url", "http://127.0.0.1:1/.well-known/mercure"]),
        ("PALABRE_LOG", &["--log", "palabre=loud"]),
    ];
    for (variable, flags) in cases {
        let mut command = Command::new(env!("CARGO_BIN_EXE_palabre"));
        command.env_clear().env("PALABRE_LISTEN", "127.0.0.1:0").env("PALABRE_DATA", &data).args(flags);
        let output = ended(command).await;
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{flags:?}: {error}");
        assert!(error.contains(variable), "{flags:?}: {error}");
        assert!(output.stdout.is_empty(), "nothing is ready: {flags:?}");
    }
}

#[tokio::test]
async fn a_second_server_keeps_off_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("palabre.sqlite").display());
    let mut database = Database::new();
    // Whatever engine is tested: this is about the file.
    database.url = url.clone();
    let first = Process::start(&database);
    let data = folder.path().display().to_string();
    let output = ended(program(&["--listen", "127.0.0.1:0", "--data", &data, "--database-url", &url])).await;
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("DATABASE_URL") && error.contains("palabre.sqlite"), "{error}");
    // The first is unharmed, and its death frees the file at once.
    let alice = person(first.address, "alice").await;
    first.kill();
    let second = Process::start(&database);
    let alice = follow(&alice, second.address);
    assert_eq!(alice.get("/user/fetch").await.status, reqwest::StatusCode::OK, "the session outlives the program");
    second.kill();
}
