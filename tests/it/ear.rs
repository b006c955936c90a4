//! Clients of the live link, as simple as they can be: an ear on each transport, and a bare socket for what no client does.

use crate::harness::{Browser, Goal, urlencoded, within};
use futures_util::{FutureExt, SinkExt, StreamExt};
use mercure_hub::Update;
use palabre::App;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

pub const HUB: &str = "/.well-known/mercure";

/// One event, whichever way it came. `data` is the text as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub id: String,
    pub kind: String,
    pub data: String,
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|_| panic!("no JSON: {}", self.data))
    }
}

/// The topics of a room and of a person.
pub fn room_topic(goal: &Goal) -> String {
    format!("chatroom/{}", goal.room)
}

pub fn user_topic(browser: &Browser) -> String {
    format!("user/{}", browser.id)
}

/// A fresh cookie for the hub; the answer.
pub async fn ticket(browser: &Browser) -> Value {
    let answer = browser.post("/realtime/token", &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

/// Asks for a token and names the room and the own topic.
pub async fn query_for(browser: &Browser, goal: &Goal) -> String {
    ticket(browser).await;
    topics(&[&room_topic(goal), &user_topic(browser)])
}

pub fn topics(topics: &[&str]) -> String {
    topics.iter().map(|topic| urlencoded(&[("topic", topic)])).collect::<Vec<_>>().join("&")
}

/// Rings a person's own topic: whoever hears this has heard everything that was rung before.
pub fn mark(app: &App, browser: &Browser) {
    let update = Update::new(user_topic(browser), "mark").unwrap().private().event_type("mark").unwrap();
    app.live.bell.ring(update);
}

/// What the hub answers to a subscription, without listening.
pub async fn status(browser: &Browser, query: &str, headers: &[(&str, &str)]) -> StatusCode {
    browser.request(Method::GET, &format!("{HUB}?{query}"), headers, "").await.status()
}

/// Server-sent events.
pub struct Sse {
    response: reqwest::Response,
    buffer: Vec<u8>,
    /// The comments so far: signs of life, and the reason at the end.
    pub comments: Vec<String>,
}

impl Sse {
    /// Opens; subscribed when this returns.
    pub async fn open(browser: &Browser, query: &str) -> Self {
        Self::at(browser.address, browser, query).await
    }

    /// At a hub that stands elsewhere.
    pub async fn at(address: SocketAddr, browser: &Browser, query: &str) -> Self {
        Self::open_with(address, browser, query, &[]).await
    }

    /// With headers of one's own.
    pub async fn open_with(address: SocketAddr, browser: &Browser, query: &str, headers: &[(&str, &str)]) -> Self {
        let there = browser.elsewhere(address);
        let headers = [&[("accept", "text/event-stream")], headers].concat();
        let response = there.request(Method::GET, &format!("{HUB}?{query}"), &headers, "").await;
        assert_eq!(response.status(), StatusCode::OK);
        Self { response, buffer: Vec::new(), comments: Vec::new() }
    }

    pub fn header(&self, name: &str) -> &str {
        self.response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The next event; none when the stream has ended.
    pub async fn next(&mut self) -> Option<Heard> {
        within("an event by SSE, or its end", async {
            loop {
                if let Some(heard) = self.parse() {
                    return Some(heard);
                }
                match self.response.chunk().await {
                    Ok(Some(bytes)) => self.buffer.extend_from_slice(&bytes),
                    Ok(None) | Err(_) => {
                        self.buffer.extend_from_slice(b"\n\n");
                        return self.parse();
                    }
                }
            }
        })
        .await
    }

    /// What has already come, without waiting. `Err` when the stream has ended.
    pub fn ready(&mut self) -> Result<Option<Heard>, ()> {
        loop {
            if let Some(heard) = self.parse() {
                return Ok(Some(heard));
            }
            match self.response.chunk().now_or_never() {
                Some(Ok(Some(bytes))) => self.buffer.extend_from_slice(&bytes),
                Some(Ok(None) | Err(_)) => return Err(()),
                None => return Ok(None),
            }
        }
    }

    /// The first whole event in the buffer; comments are put aside.
    fn parse(&mut self) -> Option<Heard> {
        loop {
            let end = self.buffer.windows(2).position(|two| two == b"\n\n");
            // A comment of one line needs no blank line after it.
            let end = match (end, self.buffer.strip_prefix(b":\n")) {
                (_, Some(_)) => 0,
                (Some(end), None) => end,
                (None, None) => return None,
            };
            let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
            let text = String::from_utf8(block).unwrap();
            let (mut id, mut kind, mut data) = (String::new(), String::new(), Vec::new());
            for line in text.lines() {
                match line.split_once(": ").or_else(|| line.split_once(':')) {
                    Some(("", comment)) => self.comments.push(comment.to_owned()),
                    Some(("id", value)) => value.clone_into(&mut id),
                    Some(("event", value)) => value.clone_into(&mut kind),
                    Some(("data", value)) => data.push(value.to_owned()),
                    Some(_) | None => {}
                }
            }
            if !data.is_empty() {
                return Some(Heard { id, kind, data: data.join("\n") });
            }
        }
    }
}

/// A WebSocket on the same address.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// Code and reason, once the server has closed.
    pub closed: Option<(u16, String)>,
}

impl Socket {
    pub async fn open(browser: &Browser, query: &str) -> Self {
        Self::try_open(browser, query, &[]).await.unwrap()
    }

    /// Opens, or says with which status it was refused.
    pub async fn try_open(
        browser: &Browser,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, StatusCode> {
        let mut request = format!("ws://{}{HUB}?{query}", browser.address).into_client_request().unwrap();
        request.headers_mut().insert("cookie", browser.cookie_header().parse().unwrap());
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let tcp = TcpStream::connect(browser.address).await.unwrap();
        match within("the handshake", client_async(request, tcp)).await {
            Ok((stream, _)) => Ok(Self { stream, closed: None }),
            Err(tungstenite::Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn say(&mut self, frame: &Value) {
        self.stream.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next event; none when the socket has ended.
    pub async fn next(&mut self) -> Option<Heard> {
        within("an event by WebSocket, or its end", async {
            loop {
                let message = self.stream.next().await;
                if let Some(heard) = self.take(message) {
                    return heard;
                }
            }
        })
        .await
    }

    /// What has already come, without waiting. `Err` when the socket has ended.
    pub fn ready(&mut self) -> Result<Option<Heard>, ()> {
        while let Some(message) = self.stream.next().now_or_never() {
            match self.take(message) {
                Some(Some(heard)) => return Ok(Some(heard)),
                Some(None) => return Err(()),
                None => {}
            }
        }
        Ok(None)
    }

    /// An event, the end, or nothing of interest.
    fn take(&mut self, message: Option<tungstenite::Result<Message>>) -> Option<Option<Heard>> {
        match message {
            Some(Ok(Message::Text(text))) => {
                let frame: Value = serde_json::from_str(&text).unwrap();
                let field = |name: &str| frame[name].as_str().unwrap().to_owned();
                Some(Some(Heard { id: field("id"), kind: field("type"), data: field("data") }))
            }
            Some(Ok(Message::Close(frame))) => {
                self.closed = frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                None
            }
            Some(Ok(_)) => None,
            Some(Err(_)) | None => Some(None),
        }
    }
}

/// Either ear of the hub.
pub enum Ear {
    Sse(Sse),
    Socket(Socket),
}

impl Ear {
    pub async fn next(&mut self) -> Option<Heard> {
        match self {
            Self::Sse(sse) => sse.next().await,
            Self::Socket(socket) => socket.next().await,
        }
    }

    pub fn ready(&mut self) -> Result<Option<Heard>, ()> {
        match self {
            Self::Sse(sse) => sse.ready(),
            Self::Socket(socket) => socket.ready(),
        }
    }

    /// The next event that is no sign of life and no mark; none at the end.
    pub async fn next_change(&mut self) -> Option<Heard> {
        loop {
            match self.next().await {
                Some(heard) if heard.kind.is_empty() => return Some(heard),
                Some(_) => {}
                None => return None,
            }
        }
    }

    /// Everything up to the mark, and the mark must come.
    pub async fn until_mark(&mut self) -> Vec<Heard> {
        let mut all = Vec::new();
        loop {
            match self.next().await {
                Some(heard) if heard.kind == "mark" => return all,
                Some(heard) => all.push(heard),
                None => panic!("the stream ended before the mark, after {all:?}"),
            }
        }
    }

    /// Reads to the end; what came before it.
    pub async fn rest(&mut self) -> Vec<Heard> {
        let mut all = Vec::new();
        while let Some(heard) = self.next().await {
            all.push(heard);
        }
        all
    }
}

/// The two kinds of ear on the same query.
pub async fn both(browser: &Browser, query: &str) -> [Ear; 2] {
    [Ear::Sse(Sse::open(browser, query).await), Ear::Socket(Socket::open(browser, query).await)]
}

/// A poll that waits, under way.
pub fn long_poll(browser: &Browser, goal: &Goal, since: i64) -> tokio::task::JoinHandle<(StatusCode, String)> {
    let (browser, path) = (browser.clone(), format!("{}/fetch?since={since}&wait=25", goal.path()));
    tokio::spawn(async move {
        let answer = browser.get(&path).await;
        (answer.status, answer.text)
    })
}

/// A request written by hand on a socket of its own: one can leave without reading the answer.
pub async fn raw_post(browser: &Browser, path: &str, form: &[(&str, &str)]) -> TcpStream {
    let body = urlencoded(form);
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\nCookie: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        browser.address,
        browser.cookie_header(),
        body.len()
    );
    let mut stream = TcpStream::connect(browser.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// A stream of events that is opened and of which only the head is read, with a small window.
pub async fn deaf_sse(browser: &Browser, query: &str) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(browser.address).await.unwrap();
    let request = format!(
        "GET {HUB}?{query} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nConnection: close\r\n\r\n",
        browser.address,
        browser.cookie_header()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        head.push(within("the head", stream.read_u8()).await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    stream
}

/// The frame with which a client asks for more topics.
pub fn subscribe(topics: &[&str]) -> Value {
    json!({ "subscribe": topics })
}
