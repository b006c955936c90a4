//! A PostgreSQL that restarts, goes away, refuses connections, takes no writes, or holds a row: on the server that the tests run on, or on one
//! of the test's own.

use super::{is_told_as_temporary, nonces, readiness, sends, town_with, until_ready};
use crate::harness::{Database, START, Town, within};
use palabre::db::Options;
use reqwest::StatusCode;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;

pub fn is_tested() -> bool {
    std::env::var("PALABRE_TEST_ENGINE").is_ok_and(|engine| engine == "postgres")
}

/// A server of a test's own. It ends with the test, however that ends.
pub struct OwnServer {
    folder: TempDir,
    pub port: u16,
    child: Option<Child>,
}

impl OwnServer {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if Self::is_root() {
            let owner = Command::new("chown").arg("postgres").arg(folder.path()).status();
            assert!(owner.unwrap().success());
        }
        let server = Self { folder, port, child: None };
        let data = server.data();
        let made =
            server.command("initdb").args(["-D", &data, "-U", "postgres", "--auth", "trust", "--no-sync"]).output();
        let made = made.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server
    }

    fn is_root() -> bool {
        Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.starts_with(b"0\n"))
    }

    fn data(&self) -> String {
        self.folder.path().join("db").display().to_string()
    }

    /// A program of PostgreSQL, as its user; it gets SIGINT when this process dies.
    fn command(&self, name: &str) -> Command {
        let mut versions: Vec<_> =
            std::fs::read_dir("/usr/lib/postgresql").unwrap().map(|entry| entry.unwrap().path()).collect();
        versions.sort();
        let mut command = Command::new("setpriv");
        if Self::is_root() {
            command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]);
        }
        command.args(["--pdeathsig", "INT"]).arg(versions.pop().unwrap().join("bin").join(name));
        command.env("LC_ALL", "C.UTF-8").current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Starts it and waits until it takes connections. Called from a thread that lives as long as the test.
    pub fn start(&mut self) {
        let mut command = self.command("postgres");
        command.args([
            "-D",
            &self.data(),
            "-p",
            &self.port.to_string(),
            "-k",
            &self.folder.path().display().to_string(),
        ]);
        command
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let is_ready = lines.by_ref().any(|line| line.unwrap().contains("ready to accept connections"));
        assert!(is_ready, "PostgreSQL did not start");
        // Read on: a full pipe would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        self.child = Some(child);
    }

    /// Stops it with a signal: `INT` ends sessions politely, `QUIT` at once.
    pub fn stop(&mut self, signal: &str) {
        if let Some(mut child) = self.child.take() {
            let id = child.id().to_string();
            assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
            child.wait().unwrap();
        }
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// A database as the tests have them, on this server.
    pub fn database(&self) -> Database {
        let mut database = Database::file();
        database.url = self.url("postgres");
        database
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.stop("QUIT");
    }
}

/// A session beside the program that keeps what the statement locks until it is dropped.
struct Lock {
    end: Option<std::sync::mpsc::Sender<()>>,
    held: Option<std::thread::JoinHandle<()>>,
}

impl Lock {
    fn take(url: &str, statement: &str) -> Self {
        let (url, statement) = (url.to_owned(), statement.to_owned());
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let (taken, is_taken) = std::sync::mpsc::channel();
        let held = std::thread::spawn(move || {
            let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
            let mut transaction = client.transaction().unwrap();
            transaction.batch_execute(&statement).unwrap();
            taken.send(()).unwrap();
            let _ = ended.recv();
        });
        is_taken.recv().unwrap();
        Self { end: Some(end), held: Some(held) }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        drop(self.end.take());
        self.held.take().map(|held| held.join());
    }
}

/// Ends every session of the program, and waits until they have ended.
fn end_sessions(database: &Database) {
    let here = "datname = current_database() and pid <> pg_backend_pid()";
    database.beside(&format!("select pg_terminate_backend(pid, 10000) from pg_stat_activity where {here}"));
}

fn impatient() -> Options {
    Options { patience: Duration::from_millis(300), ..Options::default() }
}

#[tokio::test]
async fn a_restart_under_load_loses_nothing_and_doubles_nothing() {
    if !is_tested() {
        return;
    }
    let mut server = OwnServer::new();
    server.start();
    let town = Town::open(Arc::new(server.database()), Vec::new(), START).await;
    let alice = town.person("Alice").await;
    let goal = alice.founds("Marathon").await;
    let (kept, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut writers = Vec::new();
    for writer in 0..4 {
        let (alice, kept, is_over) = (alice.clone(), kept.clone(), is_over.clone());
        writers.push(tokio::spawn(async move {
            let mut sent = BTreeSet::new();
            for number in 0.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                let nonce = format!("w{writer}-{number}");
                // As the outbox does: again, with the same nonce.
                loop {
                    let answer = sends(&alice, &goal, "sous charge", &nonce).await;
                    if answer.status.is_success() {
                        break;
                    }
                    is_told_as_temporary(&answer);
                }
                kept.fetch_add(1, Ordering::Relaxed);
                sent.insert(nonce);
            }
            sent
        }));
    }
    for signal in ["INT", "QUIT"] {
        let enough = kept.load(Ordering::Relaxed) + 20;
        within("messages are kept", async {
            while kept.load(Ordering::Relaxed) < enough {
                tokio::task::yield_now().await;
            }
        })
        .await;
        server.stop(signal);
        server.start();
    }
    let enough = kept.load(Ordering::Relaxed) + 20;
    within("messages are kept again", async {
        while kept.load(Ordering::Relaxed) < enough {
            tokio::task::yield_now().await;
        }
    })
    .await;
    is_over.store(true, Ordering::Relaxed);
    let mut sent = BTreeSet::new();
    for writer in writers {
        sent.extend(within("the writer ends", writer).await.unwrap());
    }
    let found = nonces(&alice, &goal).await;
    assert_eq!(found.len(), sent.len(), "nothing twice");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), sent, "nothing lost");
    until_ready(&alice, StatusCode::OK).await;
}

#[tokio::test]
async fn a_server_that_is_away_is_told_as_what_it_is() {
    if !is_tested() {
        return;
    }
    let mut server = OwnServer::new();
    server.start();
    let database = Arc::new(server.database());
    let mut town = Town::open_with(database, Vec::new(), Vec::new(), START, impatient()).await;
    let alice = town.person("Alice").await;
    let goal = alice.founds("Marathon").await;
    alice.says(&goal, "avant").await;
    server.stop("INT");
    let room = goal.path();
    is_told_as_temporary(&sends(&alice, &goal, "pendant", "n1").await);
    is_told_as_temporary(&alice.get(&format!("{}/fetch?since=0", goal.path())).await);
    let page = alice.page(&room).await;
    is_told_as_temporary(&page);
    assert!(page.text.contains("<html"), "{}", page.text);
    let form = [("email", "alice@example.org"), ("password", "correct horse")];
    is_told_as_temporary(&town.visitor().submit("/login", &form).await);
    assert_eq!(readiness(&alice, "database").await, (StatusCode::SERVICE_UNAVAILABLE, "error".to_owned()));
    server.start();
    until_ready(&alice, StatusCode::OK).await;
    assert_eq!(sends(&alice, &goal, "pendant", "n1").await.status, StatusCode::CREATED);
    assert_eq!(alice.page(&room).await.status, StatusCode::OK);
    assert_eq!(nonces(&alice, &goal).await.len(), 2);
    server.stop("INT");
    // The end does not wait for it.
    town.stop().await;
}

#[tokio::test]
async fn a_row_that_somebody_holds_delays_only_its_room() {
    if !is_tested() {
        return;
    }
    let town = town_with(impatient()).await;
    let alice = town.person("Alice").await;
    let (held, free) = (alice.founds("Marathon").await, alice.founds("Lecture").await);
    let row = format!("select 1 from chatroom where id = {} for update", held.room);
    let lock = Lock::take(&town.database.url, &row);
    is_told_as_temporary(&sends(&alice, &held, "retenu", "n1").await);
    alice.says(&free, "libre").await;
    assert_eq!(readiness(&alice, "writes").await, (StatusCode::OK, "ok".to_owned()), "one row is not the database");
    drop(lock);
    assert_eq!(sends(&alice, &held, "retenu", "n1").await.status, StatusCode::CREATED);
    assert_eq!(nonces(&alice, &held).await, ["n1"]);
}

#[tokio::test]
async fn the_time_limit_of_the_url_is_told_as_temporary() {
    if !is_tested() {
        return;
    }
    let mut database = Database::new();
    database.url.push_str("?options=-c%20statement_timeout%3D200%20-c%20lock_timeout%3D0");
    let town = Town::open(Arc::new(database), Vec::new(), START).await;
    let alice = town.person("Alice").await;
    let goal = alice.founds("Marathon").await;
    let (url, _) = town.database.url.split_once('?').unwrap();
    let lock = Lock::take(url, &format!("select 1 from chatroom where id = {} for update", goal.room));
    is_told_as_temporary(&sends(&alice, &goal, "trop long", "n1").await);
    drop(lock);
    assert_eq!(sends(&alice, &goal, "trop long", "n1").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_role_of_two_connections_serves_everybody() {
    if !is_tested() {
        return;
    }
    let mut database = Database::new();
    let role = format!("two_{}_{}", std::process::id(), database.url.len());
    let name = database.url.rsplit_once('/').unwrap().1.to_owned();
    database.beside(&format!(
        "drop role if exists {role}; create role {role} login connection limit 2; alter database {name} owner to {role};
         grant all on schema public to {role}"
    ));
    let (admin, url) = (database.url.clone(), database.url.replacen("postgres@", &format!("{role}@"), 1));
    database.url = url;
    let mut town = Town::open(Arc::new(database), Vec::new(), START).await;
    let alice = town.person("Alice").await;
    let goal = alice.founds("Marathon").await;
    let mut opened = Vec::new();
    for _ in 0..24 {
        let (alice, room) = (alice.clone(), goal.path());
        opened.push(tokio::spawn(async move { alice.page(&room).await.status }));
    }
    for open in opened {
        assert_eq!(open.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(alice.get("/readyz").await.status, StatusCode::OK);
    town.stop().await;
    let role = role.clone();
    let dropped = format!("reassign owned by {role} to postgres; drop owned by {role}; drop role {role}");
    std::thread::spawn(move || {
        postgres::Client::connect(&admin, postgres::NoTls).unwrap().batch_execute(&dropped).unwrap()
    })
    .join()
    .unwrap();
}

#[tokio::test]
async fn workers_that_get_no_connection_leave_the_work_to_those_that_have_one() {
    if !is_tested() {
        return;
    }
    let mut server = OwnServer::new();
    server.start();
    let database = Arc::new(server.database());
    let town = Town::open_with(database.clone(), Vec::new(), Vec::new(), START, impatient()).await;
    let alice = town.person("Alice").await;
    let goal = alice.founds("Marathon").await;
    // After the start, and not for the sessions that are there: nobody knew.
    database.beside("alter role postgres nosuperuser connection limit 3");
    let mut opened = Vec::new();
    for _ in 0..24 {
        let (alice, room) = (alice.clone(), goal.path());
        opened.push(tokio::spawn(async move { alice.page(&room).await.status }));
    }
    for open in opened {
        assert_eq!(open.await.unwrap(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_not_ready() {
    if !is_tested() {
        return;
    }
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let goal = alice.founds("Marathon").await;
    alice.says(&goal, "avant").await;
    let name = town.database.url.rsplit_once('/').unwrap().1.to_owned();
    let alter = |value: &str| {
        let set = format!("alter database {name} set default_transaction_read_only = {value}");
        town.database.beside(&format!("begin read write; {set}; commit"));
    };
    alter("on");
    end_sessions(&town.database);
    is_told_as_temporary(&sends(&alice, &goal, "trop tard", "n1").await);
    until_ready(&alice, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(readiness(&alice, "writes").await.1, "error");
    assert_eq!(readiness(&alice, "database").await.1, "ok");
    assert_eq!(alice.page(&goal.path()).await.status, StatusCode::OK, "reading goes on");
    alter("off");
    within("writes are taken again", async {
        while sends(&alice, &goal, "trop tard", "n1").await.status != StatusCode::CREATED {
            tokio::task::yield_now().await;
        }
    })
    .await;
    until_ready(&alice, StatusCode::OK).await;
    assert_eq!(nonces(&alice, &goal).await.len(), 2);
}
