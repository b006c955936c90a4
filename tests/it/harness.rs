//! A town: one server on port 0 with a database of its own, and the people who use it. A person is a browser with cookies.
//!
//! Nothing here waits by the clock: what should happen is awaited, with a deadline that only a fault ever reaches.

use clap::Parser;
use palabre::clock::Clock;
use palabre::config::{Config, Settings};
use palabre::db::Options;
use palabre::{App, serve};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long a thing that must happen may take on the slowest machine.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// What the clock of every town shows at its start: 2026-03-01T12:00:00Z.
pub const START: i64 = 1_772_366_400_000_000;

#[derive(Parser)]
#[command(args_override_self = true)]
struct Line {
    #[command(flatten)]
    settings: Settings,
}

/// Awaits what must happen.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("this did not happen: {what}"),
    }
}

/// A database of a test's own: a file, or a fresh database on the server that PALABRE_TEST_POSTGRES names when
/// PALABRE_TEST_ENGINE says `postgres`.
pub struct Database {
    pub url: String,
    pub folder: TempDir,
    postgres: Option<(String, String)>,
}

impl Database {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        if std::env::var("PALABRE_TEST_ENGINE").is_ok_and(|engine| engine == "postgres") {
            let server = std::env::var("PALABRE_TEST_POSTGRES").expect("PALABRE_TEST_POSTGRES names a server");
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let name = format!("palabre_it_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            sql(&server, &format!("create database {name}"));
            let (base, _) = server.rsplit_once('/').expect("the URL names a database");
            let url = format!("{base}/{name}");
            return Self { url, folder, postgres: Some((server, name)) };
        }
        drop(folder);
        Self::file()
    }

    /// A file, whatever engine is tested.
    pub fn file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("palabre.sqlite").display());
        Self { url, folder, postgres: None }
    }

    pub fn is_postgres(&self) -> bool {
        self.postgres.is_some()
    }

    /// Runs statements beside the program, on PostgreSQL.
    pub fn beside(&self, statements: &str) {
        sql(&self.url, statements);
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.postgres {
            sql(server, &format!("drop database if exists {name} with (force)"));
        }
    }
}

/// The driver blocks, and must not run on an asynchronous thread.
fn sql(url: &str, statements: &str) {
    let (url, statements) = (url.to_owned(), statements.to_owned());
    let work =
        move || postgres::Client::connect(&url, postgres::NoTls).and_then(|mut db| db.batch_execute(&statements));
    std::thread::spawn(work).join().unwrap().unwrap();
}

/// A running server.
pub struct Town {
    pub app: App,
    pub address: SocketAddr,
    /// Moves the clock.
    pub hand: Arc<AtomicI64>,
    pub database: Arc<Database>,
    flags: Vec<String>,
    neighbours: Vec<u16>,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

impl Town {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With flags of the command line.
    pub async fn start_with(flags: &[&str]) -> Self {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Self::open(Arc::new(Database::new()), flags, START).await
    }

    /// Beside servers of the test's own, which the program may call on these ports of this machine.
    pub async fn start_beside(neighbours: &[u16], flags: &[&str]) -> Self {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Self::open_beside(Arc::new(Database::new()), flags, neighbours.to_vec(), START).await
    }

    /// On a database that exists.
    pub async fn open(database: Arc<Database>, flags: Vec<String>, now: i64) -> Self {
        Self::open_beside(database, flags, Vec::new(), now).await
    }

    async fn open_beside(database: Arc<Database>, flags: Vec<String>, neighbours: Vec<u16>, now: i64) -> Self {
        Self::open_with(database, flags, neighbours, now, Options::default()).await
    }

    /// With a store of other options.
    pub async fn open_with(
        database: Arc<Database>,
        flags: Vec<String>,
        neighbours: Vec<u16>,
        now: i64,
        options: Options,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let data = database.folder.path().display().to_string();
        let mut line: Vec<String> = ["palabre", "--rate-limits", "off", "--listen"].map(str::to_owned).to_vec();
        line.extend([address.to_string(), "--data".into(), data, "--database-url".into(), database.url.clone()]);
        // Not a flag of the program: this machine's own address then counts like any other.
        let is_from_afar = flags.iter().any(|flag| flag == "from-afar");
        line.extend(flags.iter().filter(|flag| *flag != "from-afar").cloned());
        let settings = Line::try_parse_from(line).unwrap().settings;
        let (clock, hand) = Clock::set(now);
        let mut config = Config::new(&settings).unwrap();
        config.loopback_ports.clone_from(&neighbours);
        if is_from_afar {
            config.shared_networks.clear();
        }
        // Where nobody listens, nothing is to happen beside what a test counts.
        let patience = if neighbours.is_empty() { Duration::from_secs(3_600) } else { Duration::ZERO };
        (config.push_patience, config.push_pause) = (patience, Duration::from_millis(1));
        let app = App::open_with(config, clock, options).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = serve(listener, app.clone(), async {
            let _ = stopped.await;
        });
        let served = tokio::spawn(async move { serving.await.unwrap() });
        Self { app, address, hand, database, flags, neighbours, stop: Some(stop), served: Some(served) }
    }

    /// Ends the server as a supervisor would.
    pub async fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(served) = self.served.take() {
            within("the server ends", served).await.unwrap();
        }
    }

    /// Ends the server and starts another on the same database. Browsers keep their cookies through [`Browser::moves_to`].
    pub async fn restart(mut self) -> Self {
        self.stop().await;
        let now = self.hand.load(Ordering::SeqCst);
        Self::open_beside(self.database.clone(), self.flags.clone(), self.neighbours.clone(), now).await
    }

    /// Moves the clock by so many seconds.
    pub fn pass(&self, seconds: i64) {
        self.hand.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    /// Somebody without an account.
    pub fn visitor(&self) -> Browser {
        Browser::new(self.address)
    }

    /// Somebody who connects from another address of this machine.
    pub fn visitor_from(&self, address: &str) -> Browser {
        Browser::from(self.address, Some(address.parse().unwrap()))
    }

    /// Somebody who has opened an account: `alice@example.org`, password `correct horse`.
    pub async fn person(&self, first_name: &str) -> Browser {
        let mut browser = self.visitor();
        let email = format!("{}@example.org", first_name.to_lowercase());
        let form =
            [("email", email.as_str()), ("password", PASSWORD), ("first_name", first_name), ("last_name", "Martin")];
        let answer = browser.post("/register", &form).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        browser.id = answer.json()["user"]["id"].as_i64().unwrap();
        browser.name = first_name.to_owned();
        browser
    }
}

pub const PASSWORD: &str = "correct horse";

/// A goal and its room.
#[derive(Debug, Clone, Copy)]
pub struct Goal {
    pub id: i64,
    pub room: i64,
}

impl Goal {
    /// `newcomer` asks, `decider` approves.
    pub async fn lets_in(&self, decider: &Browser, newcomer: &Browser) {
        let asked = newcomer.post(&format!("/goal/{}/join", self.id), &[]).await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
        let approved = decider.post(&self.participation(newcomer, "approve"), &[]).await;
        assert_eq!(approved.status, StatusCode::OK, "{}", approved.text);
    }

    pub fn participation(&self, user: &Browser, verb: &str) -> String {
        format!("/goal/{}/participation/{}/{verb}", self.id, user.id)
    }

    pub fn path(&self) -> String {
        format!("/message/chatroom/{}", self.room)
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A person's browser, or a program: asks for JSON unless told otherwise. Follows no redirect.
#[derive(Clone)]
pub struct Browser {
    pub id: i64,
    pub name: String,
    pub address: SocketAddr,
    pub cookies: Arc<Mutex<BTreeMap<String, String>>>,
    client: reqwest::Client,
}

impl Browser {
    pub fn new(address: SocketAddr) -> Self {
        Self::from(address, None)
    }

    fn from(address: SocketAddr, local: Option<IpAddr>) -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).local_address(local);
        let client = client.build().unwrap();
        Self { id: 0, name: String::new(), address, cookies: Arc::default(), client }
    }

    /// The same person at a restarted server, which listens elsewhere: the session's cookie is renamed with the port.
    pub fn moves_to(&mut self, town: &Town) {
        let mut cookies = self.cookies.lock().unwrap();
        if let Some(token) = cookies.remove(&format!("palabre_{}", self.address.port())) {
            cookies.insert(format!("palabre_{}", town.address.port()), token);
        }
        self.address = town.address;
    }

    /// A request with this browser's cookies; `headers` come on top.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Response {
        let mut request = self.client.request(method, format!("http://{}{path}", self.address)).body(body);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
            request = request.header("accept", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = within(path, request.header("cookie", self.cookie_header()).send()).await.unwrap();
        self.keep_cookies(response.headers());
        response
    }

    pub fn cookie_header(&self) -> String {
        let cookies = self.cookies.lock().unwrap();
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep_cookies(&self, headers: &HeaderMap) {
        for line in headers.get_all("set-cookie").iter().filter_map(|line: &HeaderValue| line.to_str().ok()) {
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap_or_default();
            let mut cookies = self.cookies.lock().unwrap();
            if line.contains("Max-Age=0") {
                cookies.remove(name)
            } else {
                cookies.insert(name.into(), value.into())
            };
        }
    }

    pub async fn answer(&self, response: Response) -> Answer {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = within("the answer's body", response.text()).await.unwrap();
        Answer { status, headers, text }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.answer(self.request(Method::GET, path, &[], "").await).await
    }

    /// As a browser loads a page.
    pub async fn page(&self, path: &str) -> Answer {
        self.answer(self.request(Method::GET, path, &[("accept", "text/html")], "").await).await
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.post_with(path, &[], form).await
    }

    /// As a browser submits a form without JavaScript.
    pub async fn submit(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.post_with(path, &[("accept", "text/html")], form).await
    }

    pub async fn post_with(&self, path: &str, headers: &[(&str, &str)], form: &[(&str, &str)]) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        self.answer(self.request(Method::POST, path, &headers, urlencoded(form)).await).await
    }

    /// Founds a goal.
    pub async fn founds(&self, title: &str) -> Goal {
        let answer = self.post("/goal/new", &[("title", title)]).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        let goal = &answer.json()["goal"];
        Goal { id: goal["id"].as_i64().unwrap(), room: goal["chatroom_id"].as_i64().unwrap() }
    }

    /// Sends a message under a fresh nonce; the change.
    pub async fn says(&self, goal: &Goal, content: &str) -> Value {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let nonce = format!("nonce-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let answer = self.post(&goal.path(), &[("content", content), ("client_nonce", &nonce)]).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.json()
    }

    /// Polls.
    pub async fn fetch(&self, goal: &Goal, query: &str) -> Value {
        let answer = self.get(&format!("{}/fetch?{query}", goal.path())).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    }
}

pub fn urlencoded(form: &[(&str, &str)]) -> String {
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    form.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

/// Two servers and one person.
impl Browser {
    /// The same browser, sending to another address.
    pub fn elsewhere(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// A copy of the browser with its cookies as they are now.
    pub fn copy(&self) -> Self {
        let cookies = self.cookies.lock().unwrap().clone();
        Self { cookies: Arc::new(Mutex::new(cookies)), ..self.clone() }
    }
}
