//! What stands around a test: a hub on a real port, and small clients written by hand, so that every byte is looked at.

use std::{future::Future, sync::Arc, time::Duration};

use mercure_hub::{Claims, Grant, Hub, HubConfig, Key, mint};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub const SECRET: &str = "!ChangeThisMercureHubJWTSecretKey!";
pub const PATH: &str = "/.well-known/mercure";

/// Waits for something that must happen, and not for ever.
pub async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what)
        .await
        .expect("it happens in time")
}

/// Waits until something is so.
pub async fn until(mut so: impl FnMut() -> bool) {
    within(async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// A hub that is served.
pub struct Server {
    pub hub: Hub,
    pub address: std::net::SocketAddr,
}

pub fn config() -> HubConfig {
    HubConfig {
        publisher_key: Some(Key::hs256(SECRET)),
        subscriber_key: Some(Key::hs256(SECRET)),
        ..HubConfig::default()
    }
}

pub fn open_config() -> HubConfig {
    HubConfig {
        anonymous: true,
        ..config()
    }
}

pub fn now() -> f64 {
    (HubConfig::default().clock)()
}

pub fn claims(sub: Option<&str>, subscribe: &[&str], publish: &[&str]) -> Claims {
    let list = |topics: &[&str]| topics.iter().map(ToString::to_string).collect();
    Claims {
        sub: sub.map(str::to_owned),
        iat: Some(now()),
        exp: Some(now() + 60.0),
        mercure: Grant {
            subscribe: list(subscribe),
            publish: list(publish),
        },
    }
}

/// A token for reading these topics.
pub fn reader(sub: &str, topics: &[&str]) -> String {
    mint(&Key::hs256(SECRET), &claims(Some(sub), topics, &[]))
}

/// A token for publishing to these topics.
pub fn publisher(topics: &[&str]) -> String {
    mint(&Key::hs256(SECRET), &claims(None, &[], topics))
}

pub fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

impl Server {
    pub async fn start(config: HubConfig) -> Self {
        let hub = Hub::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, hub.router()).into_future());
        Self { hub, address }
    }

    pub fn now(&self, topic: &str, data: &str) {
        self.hub
            .publish(mercure_hub::Update::new(topic, data).unwrap())
            .unwrap();
    }

    pub fn now_private(&self, topic: &str, data: &str) {
        let update = mercure_hub::Update::new(topic, data).unwrap().private();
        self.hub.publish(update).unwrap();
    }

    async fn send(&self, request: Vec<u8>) -> Connection {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(&request).await.unwrap();
        Connection {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Any request; `headers` are whole lines.
    pub async fn request(&self, method: &str, target: &str, headers: &str, body: &str) -> Reply {
        let length = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: hub.test\r\nConnection: close\r\n{length}{headers}\r\n{body}"
        );
        let mut connection = self.send(request.into_bytes()).await;
        within(async {
            let mut reply = connection.head().await;
            if method != "HEAD" {
                let mut rest = std::mem::take(&mut connection.buffer);
                connection.stream.read_to_end(&mut rest).await.unwrap();
                reply.body = String::from_utf8(rest).unwrap();
            }
            reply
        })
        .await
    }

    pub async fn post(&self, token: &str, form: &str) -> Reply {
        let headers = format!(
            "{}Content-Type: application/x-www-form-urlencoded\r\n",
            bearer(token)
        );
        self.request("POST", PATH, &headers, form).await
    }

    pub async fn get(&self, query: &str, headers: &str) -> Reply {
        self.request("GET", &format!("{PATH}?{query}"), headers, "")
            .await
    }

    /// An open stream. It is registered when this returns: its first bytes have come.
    pub async fn sse(&self, query: &str, headers: &str) -> Sse {
        let mut sse = self.sse_unread(query, headers).await;
        within(sse.chunk()).await;
        assert!(sse.text.starts_with(":\n"), "{:?}", sse.text);
        sse.text.drain(..2);
        sse
    }

    /// An open stream of which only the head was read.
    pub async fn sse_unread(&self, query: &str, headers: &str) -> Sse {
        let request = format!("GET {PATH}?{query} HTTP/1.1\r\nHost: hub.test\r\n{headers}\r\n");
        let mut connection = self.send(request.into_bytes()).await;
        let head = within(connection.head()).await;
        assert_eq!(head.status, 200, "{head:?}");
        Sse {
            connection,
            head,
            text: String::new(),
            ended: false,
        }
    }

    /// The head of the answer to a GET with these headers, on a connection that stays open.
    pub async fn request_head(&self, headers: &str) -> Reply {
        let request = format!("GET {PATH}?topic=a HTTP/1.1\r\nHost: hub.test\r\n{headers}\r\n");
        let mut connection = self.send(request.into_bytes()).await;
        within(connection.head()).await
    }

    /// An open WebSocket, or the refusal.
    pub async fn try_socket(&self, query: &str, headers: &str) -> Result<Socket, Reply> {
        self.handshake(query, headers, &[]).await
    }

    /// A WebSocket whose client does not wait for the answer before it sends these bytes.
    pub async fn socket_with_bytes(&self, query: &str, bytes: &[u8]) -> Socket {
        self.handshake(query, "", bytes).await.unwrap()
    }

    async fn handshake(&self, query: &str, headers: &str, bytes: &[u8]) -> Result<Socket, Reply> {
        let request = format!(
            "GET {PATH}?{query} HTTP/1.1\r\nHost: hub.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        let mut connection = self.send([request.as_bytes(), bytes].concat()).await;
        let head = within(connection.head()).await;
        if head.status != 101 {
            return Err(head);
        }
        assert_eq!(
            head.header("sec-websocket-accept"),
            Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        );
        assert_eq!(head.header("sec-websocket-extensions"), None);
        Ok(Socket { connection, head })
    }

    pub async fn socket(&self, query: &str, headers: &str) -> Socket {
        self.try_socket(query, headers).await.unwrap()
    }
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn fill(&mut self) -> bool {
        self.stream.read_buf(&mut self.buffer).await.unwrap_or(0) > 0
    }

    async fn head(&mut self) -> Reply {
        let end = loop {
            if let Some(end) = self
                .buffer
                .windows(4)
                .position(|bytes| bytes == b"\r\n\r\n")
            {
                break end;
            }
            assert!(self.fill().await, "the head comes whole: {:?}", self.buffer);
        };
        let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Reply {
            status,
            headers,
            body: String::new(),
        }
    }

    async fn exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < count {
            if !self.fill().await {
                return None;
            }
        }
        Some(self.buffer.drain(..count).collect())
    }
}

/// An event as a browser would read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    pub kind: String,
    pub data: String,
    pub retry: Option<u64>,
}

pub struct Sse {
    connection: Connection,
    pub head: Reply,
    text: String,
    ended: bool,
}

impl Sse {
    /// One chunk of the chunked body; `false` at the end.
    async fn chunk(&mut self) -> bool {
        let size = loop {
            if let Some(end) = self
                .connection
                .buffer
                .windows(2)
                .position(|bytes| bytes == b"\r\n")
            {
                let line: Vec<u8> = self.connection.buffer.drain(..end + 2).collect();
                break usize::from_str_radix(String::from_utf8(line).unwrap().trim(), 16).unwrap();
            }
            if !self.connection.fill().await {
                return false;
            }
        };
        let Some(chunk) = self.connection.exactly(size + 2).await else {
            return false;
        };
        self.text
            .push_str(std::str::from_utf8(&chunk[..size]).unwrap());
        size > 0
    }

    async fn block(&mut self) -> Option<String> {
        loop {
            // A bare comment is followed by no empty line.
            while self.text.starts_with(":\n") {
                self.text.drain(..2);
            }
            if let Some(end) = self.text.find("\n\n") {
                return Some(self.text.drain(..end + 2).collect());
            }
            if self.ended || !self.chunk().await {
                self.ended = true;
                return None;
            }
        }
    }

    /// The next event; nothing when the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        within(async {
            loop {
                let block = self.block().await?;
                if let Some(event) = parse(&block) {
                    return Some(event);
                }
            }
        })
        .await
    }

    pub async fn event(&mut self) -> Event {
        self.next().await.expect("an event")
    }

    pub async fn data(&mut self) -> String {
        self.event().await.data
    }

    /// Everything up to the end of the stream.
    pub async fn rest(&mut self) -> String {
        within(async {
            while self.chunk().await {}
            std::mem::take(&mut self.text)
        })
        .await
    }

    /// How many whole events have come and were not looked at yet.
    pub fn buffered_events(&self) -> usize {
        self.text.matches("\n\n").count()
    }

    /// Whether a bare comment comes next.
    pub async fn comment(&mut self) -> bool {
        within(async {
            while self.text.is_empty() && self.chunk().await {}
            let found = self.text.starts_with(":\n");
            if found {
                self.text.drain(..2);
            }
            found
        })
        .await
    }
}

/// The interpretation of the WHATWG standard; nothing when the block holds no data.
fn parse(block: &str) -> Option<Event> {
    let mut event = Event::default();
    let mut data: Vec<&str> = Vec::new();
    for line in block.lines().filter(|line| !line.starts_with(':')) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => event.id = value.to_owned(),
            "event" => event.kind = value.to_owned(),
            "data" => data.push(value),
            "retry" => event.retry = value.parse().ok(),
            "" => {}
            _ => panic!("unknown field {field:?}"),
        }
    }
    event.data = data.join("\n");
    (!data.is_empty()).then_some(event)
}

#[derive(Debug)]
pub struct Socket {
    connection: Connection,
    pub head: Reply,
}

/// A frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    Text(String),
    Ping,
    Pong(Vec<u8>),
    Close(u16, String),
    /// The connection has ended without a word.
    End,
}

impl Socket {
    pub async fn frame(&mut self) -> Frame {
        within(async { self.try_frame().await.unwrap_or(Frame::End) }).await
    }

    async fn try_frame(&mut self) -> Option<Frame> {
        let head = self.connection.exactly(2).await?;
        assert_eq!(head[1] & 0x80, 0, "a server does not mask");
        let length = match head[1] {
            126 => self
                .connection
                .exactly(2)
                .await?
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
            127 => self
                .connection
                .exactly(8)
                .await?
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
            short => usize::from(short),
        };
        let content = self.connection.exactly(length).await?;
        Some(match head[0] {
            0x81 => Frame::Text(String::from_utf8(content).unwrap()),
            0x88 if content.is_empty() => Frame::Close(1005, String::new()),
            0x88 => Frame::Close(
                u16::from_be_bytes([content[0], content[1]]),
                String::from_utf8(content[2..].to_vec()).unwrap(),
            ),
            0x89 => Frame::Ping,
            0x8A => Frame::Pong(content),
            other => panic!("unexpected frame {other:x}"),
        })
    }

    /// The next text, as JSON; pings are passed over, unanswered.
    pub async fn json(&mut self) -> Value {
        loop {
            match self.frame().await {
                Frame::Text(text) => return serde_json::from_str(&text).unwrap(),
                Frame::Ping => {}
                other => panic!("not a text: {other:?}"),
            }
        }
    }

    pub async fn data(&mut self) -> String {
        self.json().await["data"].as_str().unwrap().to_owned()
    }

    /// The close frame, whatever comes before it.
    pub async fn closed(&mut self) -> Frame {
        loop {
            match self.frame().await {
                Frame::Text(_) | Frame::Ping | Frame::Pong(_) => {}
                end => return end,
            }
        }
    }

    /// Sends a frame, masked; `first` is its first byte.
    pub async fn send(&mut self, first: u8, content: &[u8]) {
        let mut frame = vec![first];
        match content.len() {
            length @ 0..=125 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
        }
        let mask = [1, 2, 3, 4];
        frame.extend(mask);
        frame.extend(
            content
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, key)| byte ^ key),
        );
        self.send_raw(&frame).await;
    }

    pub async fn send_raw(&mut self, bytes: &[u8]) {
        self.connection.stream.write_all(bytes).await.unwrap();
    }

    pub async fn say(&mut self, message: Value) {
        self.send(0x81, message.to_string().as_bytes()).await;
    }

    /// Everything sent so far has been understood when the answer to a ping is here.
    pub async fn settle(&mut self) {
        self.send(0x89, b"settle").await;
        while self.frame().await != Frame::Pong(b"settle".to_vec()) {}
    }
}

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub struct TestClock(Arc<std::sync::Mutex<f64>>);

impl TestClock {
    pub fn new() -> Self {
        Self(Arc::new(std::sync::Mutex::new(now())))
    }

    pub fn now(&self) -> f64 {
        *self.0.lock().unwrap()
    }

    pub fn advance(&self, seconds: f64) {
        *self.0.lock().unwrap() += seconds;
    }

    pub fn clock(&self) -> mercure_hub::Clock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}
