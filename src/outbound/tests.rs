//! What the client refuses, and what it makes of an answer. Servers here are real ones, on loopback ports that the configuration lets in.

use super::address::{Found, Guard, Lookup, is_public};
use super::{Outbound, Refused};
use crate::config::Config;
use clap::Parser;
use reqwest::dns::Resolve;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    settings: crate::config::Settings,
}

fn config(ports: &[u16]) -> Config {
    let mut config = Config::new(&Line::try_parse_from(["palabre"]).unwrap().settings).unwrap();
    config.loopback_ports = ports.to_vec();
    config
}

/// Answers each lookup with the next of its answers, and counts.
struct Names {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Names {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let addresses = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self { answers: answers.iter().map(addresses).collect(), asked: AtomicUsize::new(0) })
    }
}

impl Lookup for Names {
    fn lookup(&self, _: &str) -> Found {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers[asked.min(self.answers.len() - 1)].clone();
        Box::pin(async move { Ok(answer) })
    }
}

/// Answers every connection with the same bytes, and gives what was asked.
async fn server(answer: String) -> (u16, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, asked) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                let mut part = [0; 1024];
                match socket.read(&mut part).await {
                    Ok(1..) => head.extend_from_slice(&part[..]),
                    Ok(0) | Err(_) => break,
                }
            }
            let _ = tell.send(String::from_utf8_lossy(&head).to_lowercase());
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    (port, asked)
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

fn page(headers: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}connection: close\r\n\r\n{body}", body.len())
}

/// CVE-2026-63306 (Stoat), CVE-2023-28112, CVE-2023-47121, CVE-2025-68662 (Discourse), CVE-2024-39713 (Rocket.Chat): what is not public
/// is not called, however it is written.
#[test]
fn no_notation_of_a_private_address_gets_through() {
    let out = Outbound::new(&config(&[])).unwrap();
    for host in [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0x7f000001",
        "127.0.0.1.",
        "①②⑦.0.0.1",
        "169.254.169.254",
        "0xa9fea9fe",
        "172.31.0.1",
        "192.0.0.8",
        "192.168.1.1",
        "198.19.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::1]",
        "[2001::1]",
        "[2001:db8::1]",
        "[2002:7f00:1::]",
        "[3fff::1]",
        "[5f00::1]",
        "[fc00::1]",
        "[fd12::1]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
    ] {
        assert_eq!(out.check(&format!("http://{host}/")), Err(Refused::Address), "{host}");
        assert_eq!(out.check(&format!("https://{host}/")), Err(Refused::Address), "{host}");
    }
    for host in ["93.184.215.14", "1.1.1.1", "172.32.0.1", "[2606:4700::1111]", "fr.wikipedia.org", "été.example"] {
        assert!(out.check(&format!("https://{host}/")).is_ok(), "{host}");
    }
}

#[test]
fn only_plain_web_addresses_are_called() {
    let out = Outbound::new(&config(&[4040])).unwrap();
    for url in [
        "",
        "a",
        "//a.example",
        "ftp://a.example/",
        "file:///etc/passwd",
        "gopher://a.example/",
        "data:text/html,x",
        "javascript:alert(1)",
        "http://a.example:22/",
        "http://a.example:6379/",
        "https://a.example:8443/",
        "http://user@a.example/",
        "http://user:word@a.example/",
        "http://1.1.1.1@127.0.0.1/",
        "https://127.0.0.1:4040/",
        "http://localhost:4040/",
        "http://[::1]:4040/",
        "http://127.0.0.2:4040/",
        "http://127.0.0.1:4041/",
    ] {
        assert_eq!(out.check(url), Err(Refused::Url), "{url}");
    }
    assert_eq!(out.check(&format!("http://a.example/{}", "x".repeat(3_000))), Err(Refused::Url));
    assert!(out.check("http://127.0.0.1:4040/").is_ok(), "a port that a test let in");
}

/// A name that answers differently each time is asked once a connection, and the connection goes to what was looked at.
#[tokio::test]
async fn a_name_that_turns_private_is_refused() {
    let names = Names::new(&[&["93.184.215.14", "127.0.0.1", "::1"], &["127.0.0.1"], &["::ffff:10.0.0.1"], &[]]);
    let guard = Guard::new(names.clone());
    let kept: Vec<_> = guard.resolve("a.example".parse().unwrap()).await.unwrap().map(|to| to.to_string()).collect();
    assert_eq!(kept, ["93.184.215.14:0"], "the private ones of an answer are dropped");
    for _ in 0..3 {
        assert!(guard.resolve("a.example".parse().unwrap()).await.is_err());
    }
    let names = Names::new(&[&["127.0.0.1"], &["93.184.215.14"]]);
    let out = Outbound::with_lookup(&config(&[]), names.clone()).unwrap();
    assert_eq!(out.get("http://a.example/", "text/html", 10).await.unwrap_err(), Refused::Address);
    assert_eq!(names.asked.load(Ordering::SeqCst), 1, "nobody asks a second time");
    assert!(!is_public("169.254.169.254".parse().unwrap()));
}

#[tokio::test]
async fn every_redirect_is_looked_at_like_the_first_address() {
    for (target, refused) in [
        ("http://127.0.0.1:1/", Refused::Url),
        ("http://10.0.0.1/", Refused::Address),
        ("//[::1]/", Refused::Address),
        ("http://inside.example/", Refused::Address),
        ("file:///etc/passwd", Refused::Url),
        ("http://user@1.1.1.1/", Refused::Url),
    ] {
        let (port, _asked) = server(redirect(target)).await;
        let out = Outbound::with_lookup(&config(&[port]), Names::new(&[&["192.168.1.1"]])).unwrap();
        let answer = out.get(&format!("http://127.0.0.1:{port}/"), "text/html", 10).await;
        assert_eq!(answer.unwrap_err(), refused, "{target}");
    }
    let (port, mut asked) = server(redirect("/again")).await;
    let out = Outbound::new(&config(&[port])).unwrap();
    let url = format!("http://127.0.0.1:{port}/");
    assert_eq!(out.get(&url, "text/html", 10).await.unwrap_err(), Refused::Redirects);
    let mut heads = Vec::new();
    while let Ok(head) = asked.try_recv() {
        heads.push(head);
    }
    assert_eq!(heads.len(), 4, "three redirects and no more");
    let is_bare = |head: &String| !["referer:", "cookie:", "authorization:"].iter().any(|name| head.contains(name));
    assert!(heads.iter().all(is_bare), "{heads:?}");
}

#[tokio::test]
async fn a_document_is_read_up_to_the_limit() {
    let (port, _asked) = server(page("content-type: Text/HTML; Charset=\"UTF-8\"\r\n", "<title>Bonjour</title>")).await;
    let out = Outbound::new(&config(&[port])).unwrap();
    let url = format!("http://127.0.0.1:{port}/");
    let whole = out.get(&url, "text/html", 1_000).await.unwrap();
    assert_eq!((whole.media_type.as_str(), whole.charset.as_deref()), ("text/html", Some("utf-8")));
    assert_eq!((whole.body.as_slice(), whole.is_whole), (b"<title>Bonjour</title>".as_slice(), true));
    let cut = out.get(&url, "text/html", 7).await.unwrap();
    assert_eq!((cut.body.as_slice(), cut.is_whole), (b"<title>".as_slice(), false));
    let (port, _asked) = server(page("content-encoding: gzip\r\n", "bomb")).await;
    let out = Outbound::new(&config(&[port])).unwrap();
    assert_eq!(out.get(&format!("http://127.0.0.1:{port}/"), "*/*", 10).await.unwrap_err(), Refused::Encoded);
}

#[tokio::test]
async fn a_post_says_what_was_answered_and_goes_no_further() {
    let (port, mut asked) = server("HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let out = Outbound::new(&config(&[port])).unwrap();
    let posted =
        out.post(&format!("http://127.0.0.1:{port}/p"), reqwest::header::HeaderMap::new(), b"x".to_vec()).await;
    assert_eq!(posted.map(|answer| (answer.status, answer.retry_after)), Ok((429, Some(7))));
    assert!(asked.recv().await.unwrap().starts_with("post /p "));
    let (port, _asked) = server(redirect("http://10.0.0.1/")).await;
    let out = Outbound::new(&config(&[port])).unwrap();
    let posted = out.post(&format!("http://127.0.0.1:{port}/p"), reqwest::header::HeaderMap::new(), Vec::new()).await;
    assert_eq!(posted.map(|answer| answer.status), Ok(302));
}

#[tokio::test]
async fn a_server_that_never_answers_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut out = Outbound::new(&config(&[port])).unwrap();
    out.patience = Duration::from_millis(50);
    assert_eq!(out.get(&format!("http://127.0.0.1:{port}/"), "*/*", 10).await.unwrap_err(), Refused::TooSlow);
}
