//! Starts that cannot be, and say why; a start that waits.

use super::postgres::{OwnServer, is_tested};
use crate::crash::{Process, ended, follow, person, program};
use crate::harness::{Database, within};
use reqwest::StatusCode;
use std::io::{BufRead, BufReader};

/// What a start says when it gives up.
async fn refusal(database: &Database, url: &str, wait: &str) -> String {
    let data = database.folder.path().display().to_string();
    let flags = ["--listen", "127.0.0.1:0", "--data", &data, "--database-url", url, "--database-wait", wait];
    let output = ended(program(&flags)).await;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("DATABASE_URL: ") && !error.contains("internal:"), "{error}");
    error
}

#[tokio::test]
async fn a_start_says_why_it_gives_up() {
    let database = Database::file();
    let error = refusal(&database, "postgres://postgres@127.0.0.1:1/none", "0").await;
    assert!(error.contains("refused"), "{error}");
    if !is_tested() {
        return;
    }
    let database = Database::new();
    let error = refusal(&database, &database.url.replacen("postgres@", "nobody_of_this_name@", 1), "60").await;
    assert!(error.contains("nobody_of_this_name"), "at once, since waiting changes nothing: {error}");
    let error = refusal(&database, &format!("{}_not", database.url), "60").await;
    assert!(error.contains("does not exist"), "{error}");
    let name = database.url.rsplit_once('/').unwrap().1.to_owned();
    database.beside(&format!("alter database {name} set default_transaction_read_only = on"));
    let error = refusal(&database, &database.url, "0").await;
    assert!(error.contains("read-only transaction"), "{error}");
}

#[tokio::test]
async fn a_start_waits_for_a_database_that_comes_later() {
    if !is_tested() {
        return;
    }
    let mut server = OwnServer::new();
    let database = server.database();
    let data = database.folder.path().display().to_string();
    let mut child = program(&[
        "--listen",
        "127.0.0.1:0",
        "--data",
        &data,
        "--database-url",
        &database.url,
        "--database-wait",
        "60",
    ])
    .spawn()
    .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    assert!(line.contains("the start waits for the database"), "{line}");
    server.start();
    let mut said = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert!(said.contains("Palabre is ready"), "{said}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn two_servers_on_one_database_are_refused_and_a_crash_frees_it() {
    if !is_tested() {
        return;
    }
    let database = Database::new();
    let first = Process::start(&database);
    let alice = person(first.address, "alice").await;
    let error = refusal(&database, &database.url, "1").await;
    assert!(error.contains("another server is using this PostgreSQL database"), "{error}");
    assert_eq!(alice.get("/readyz").await.status, StatusCode::OK, "the first is unharmed");
    first.kill();
    let second = Process::start(&database);
    let alice = follow(&alice, second.address);
    assert_eq!(within("it answers", alice.get("/user/fetch")).await.status, StatusCode::OK);
    second.kill();
}
