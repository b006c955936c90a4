//! Somebody with an account and an address of their own within 127.0.0.0/8, as a program that talks to the server.

use crate::Trouble;
use crate::server::Target;
use crate::tally::Outcome;
use bytes::Bytes;
use reqwest::{Client, Method, header, redirect};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// How long a person waits for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const PASSWORD: &str = "correct horse battery";
/// Between the parts of a multipart body.
const BOUNDARY: &str = "----part-of-the-body";
const FORM: &str = "application/x-www-form-urlencoded";

/// A goal and its room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    pub(crate) id: i64,
    pub(crate) room: i64,
}

impl Goal {
    /// The room's path, with something after it.
    pub(crate) fn path(self, below: &str) -> String {
        format!("/message/chatroom/{}{below}", self.room)
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: Method,
    path: String,
    accept: &'static str,
    kind: String,
    bytes: Bytes,
}

impl Request {
    fn new(method: Method, path: String, kind: &str, bytes: Bytes) -> Self {
        Self { method, path, accept: "application/json", kind: kind.into(), bytes }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path.into(), FORM, Bytes::new())
    }

    /// As a browser loads a page.
    pub(crate) fn page(path: impl Into<String>) -> Self {
        Self { accept: "text/html", ..Self::get(path) }
    }

    /// Fields, urlencoded.
    pub(crate) fn post(path: impl Into<String>, fields: &[(&str, &str)]) -> Self {
        Self::new(Method::POST, path.into(), FORM, urlencoded(fields).into())
    }

    /// A message with files: its nonce, then the files under one field's name.
    pub(crate) fn files(path: impl Into<String>, field: &str, files: &[Bytes]) -> Self {
        let head =
            |rest: &str| format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name={rest}\r\n\r\n").into_bytes();
        let mut body = [head("client_nonce"), nonce().into_bytes()].concat();
        for (number, file) in files.iter().enumerate() {
            body.extend([b"\r\n".to_vec(), head(&format!("{field}; filename=\"{number}\""))].concat());
            body.extend_from_slice(file);
        }
        body.extend(format!("\r\n--{BOUNDARY}--\r\n").into_bytes());
        Self::new(Method::POST, path.into(), &format!("multipart/form-data; boundary={BOUNDARY}"), body.into())
    }

    /// An event stream whose matchers come in the body (RFC 10008).
    pub(crate) fn query(path: &str, matchers: &[(&str, &str)]) -> Self {
        // The name is a token, which is all that a method needs to be (RFC 9110, 9.1).
        let method = Method::from_bytes(b"QUERY").unwrap_or_default();
        let request = Self::new(method, path.into(), FORM, urlencoded(matchers).into());
        Self { accept: "text/event-stream", ..request }
    }
}

fn urlencoded(fields: &[(&str, &str)]) -> String {
    let encoded =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
}

/// A nonce that was not used before in this run.
pub(crate) fn nonce() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("attack-bench-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Somebody's program: a client with its own connections from one address, and a session or none. A cheap clone.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: i64,
    pub(crate) target: Target,
    pub(crate) email: String,
    client: Client,
    cookies: BTreeMap<String, String>,
}

impl Person {
    /// Without an account.
    pub(crate) fn visitor(target: Target, from: Ipv4Addr) -> Result<Self, Trouble> {
        // Whatever proxy the environment names is not the benchmark's target.
        let client = Client::builder().no_proxy().local_address(IpAddr::V4(from)).redirect(redirect::Policy::none());
        let client = client.timeout(PATIENCE).build()?;
        Ok(Self { id: 0, target, email: String::new(), client, cookies: BTreeMap::new() })
    }

    /// With an account that is opened now.
    pub(crate) async fn register(target: Target, from: Ipv4Addr, name: &str) -> Result<Self, Trouble> {
        let mut person = Self::visitor(target, from)?;
        person.email = format!("{}@example.org", name.to_lowercase());
        let email = person.email.clone();
        let fields = [("email", email.as_str()), ("password", PASSWORD), ("first_name", name), ("last_name", "Martin")];
        let answer = person.send(&Request::post("/register", &fields)).await?;
        person.keep_cookies(&answer);
        person.id = json(answer, 201).await?["user"]["id"].as_i64().unwrap_or_default();
        Ok(person)
    }

    /// Keeps the cookies of an answer for the next requests.
    fn keep_cookies(&mut self, answer: &reqwest::Response) {
        let lines = answer.headers().get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
        for (name, value) in lines.filter_map(|line| line.split(';').next()?.split_once('=')) {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Founds a goal.
    pub(crate) async fn found(&self, title: &str) -> Result<Goal, Trouble> {
        let answer = self.send(&Request::post("/goal/new", &[("title", title)])).await?;
        let goal = json(answer, 201).await?["goal"].take();
        let number = |name: &str| goal[name].as_i64().unwrap_or_default();
        Ok(Goal { id: number("id"), room: number("chatroom_id") })
    }

    /// Asks for something.
    pub(crate) async fn send(&self, what: &Request) -> Result<reqwest::Response, reqwest::Error> {
        let mut request = self.client.request(what.method.clone(), self.target.url(&what.path));
        request = request.header(header::ACCEPT, what.accept);
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        if !what.bytes.is_empty() {
            request = request.header(header::CONTENT_TYPE, &what.kind).body(what.bytes.clone());
        }
        request.send().await
    }

    /// The same, to the end of the answer, which is thrown away.
    pub(crate) async fn ask(&self, what: &Request) -> Outcome {
        match self.send(what).await {
            Ok(answer) => finish(answer).await,
            Err(_) => Outcome::NoAnswer,
        }
    }

    /// The same, and keeps the cookies that come.
    pub(crate) async fn ask_as_browser(&mut self, what: &Request) -> Outcome {
        match self.send(what).await {
            Ok(answer) => {
                self.keep_cookies(&answer);
                finish(answer).await
            }
            Err(_) => Outcome::NoAnswer,
        }
    }

    /// Posts a message.
    pub(crate) async fn say(&self, goal: Goal, content: &str) -> Outcome {
        self.ask(&Request::post(goal.path(""), &[("content", content), ("client_nonce", &nonce())])).await
    }

    /// Asks for an object.
    pub(crate) async fn json(&self, path: &str) -> Result<Value, Trouble> {
        json(self.send(&Request::get(path)).await?, 200).await
    }
}

async fn finish(answer: reqwest::Response) -> Outcome {
    let status = answer.status().as_u16();
    answer.bytes().await.map_or(Outcome::NoAnswer, |_| Outcome::Status(status))
}

async fn json(answer: reqwest::Response, expected: u16) -> Result<Value, Trouble> {
    let (path, status) = (answer.url().path().to_owned(), answer.status().as_u16());
    let text = answer.text().await?;
    let value = serde_json::from_str(&text).ok().filter(|_| status == expected);
    value.ok_or(Trouble::Refused { path, status, text })
}

/// Asks for `/healthz` on a new connection from this address, without a client whose making would be measured too.
pub(crate) async fn ask_for_health(target: Target, from: Ipv4Addr) -> Outcome {
    let asked = async {
        let mut stream = target.connect(from).await?;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.map(|_| answer)
    };
    let answer = timeout(PATIENCE, asked).await.ok().and_then(Result::ok).unwrap_or_default();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.map_or(Outcome::NoAnswer, Outcome::Status)
}

/// Signing in.
pub(crate) fn sign_in(email: &str, password: &str) -> Request {
    Request::post("/login", &[("email", email), ("password", password)])
}
