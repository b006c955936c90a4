//! What stands around a test: a hub on a real port, and small clients written by hand, so that every byte is looked at.

use std::{future::Future, sync::Arc, time::Duration};

// With paths, because `foreign.rs` includes this file too.
#[path = "client/log.rs"]
mod log;
#[path = "client/socket.rs"]
mod socket;
#[path = "client/sse.rs"]
mod sse;

pub use log::Log;
pub use socket::{Frame, Socket};
pub use sse::{Event, Sse};

use crate::OVER;
use hyper_util::service::TowerToHyperService;
use mercure_hub::{Claims, ConnectionOptions, Grant, Hub, HubConfig, Key, WriteTimeout, mint, serve_connection};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub const SECRET: &str = "!ChangeThisMercureHubJWTSecretKey!";
/// How long a write may be stuck.
pub const PATIENCE: Duration = Duration::from_secs(2);
pub const PATH: &str = "/.well-known/mercure";

/// Waits for something that must happen, and not for ever.
pub async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("it happens in time")
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
    HubConfig { anonymous: true, ..config() }
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
        mercure: Grant { subscribe: list(subscribe), publish: list(publish) },
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
        Self::start_with(config, |router| router).await
    }

    /// A hub whose routes something stands before.
    pub async fn start_with(config: HubConfig, wrap: impl FnOnce(axum::Router) -> axum::Router) -> Self {
        Self::serve_with(Hub::new(Self::impatient(config)), wrap).await
    }

    /// With a patience that a test can wait for.
    pub fn impatient(mut config: HubConfig) -> HubConfig {
        config.write_timeout = config.write_timeout.min(PATIENCE);
        config
    }

    pub async fn serve(hub: Hub) -> Self {
        Self::serve_with(hub, |router| router).await
    }

    async fn serve_with(hub: Hub, wrap: impl FnOnce(axum::Router) -> axum::Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = wrap(hub.router());
        match OVER {
            Over::TakenSockets => drop(tokio::spawn(accept(listener, router))),
            Over::ForeignServer => drop(tokio::spawn(axum::serve(Impatient(listener), router).into_future())),
        }
        Self { hub, address }
    }

    pub fn now(&self, topic: &str, data: &str) {
        self.hub.publish(mercure_hub::Update::new(topic, data).unwrap()).unwrap();
    }

    pub fn now_private(&self, topic: &str, data: &str) {
        let update = mercure_hub::Update::new(topic, data).unwrap().private();
        self.hub.publish(update).unwrap();
    }

    async fn send(&self, request: Vec<u8>) -> Connection {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(&request).await.unwrap();
        Connection { stream, buffer: Vec::new() }
    }

    /// Any request; `headers` are whole lines.
    pub async fn request(&self, method: &str, target: &str, headers: &str, body: &str) -> Reply {
        self.request_to("hub.test", method, target, headers, body).await
    }

    /// The same, with the name under which the client knows the hub.
    pub async fn request_to(&self, host: &str, method: &str, target: &str, headers: &str, body: &str) -> Reply {
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let request =
            format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{length}{headers}\r\n{body}");
        let mut connection = self.send(request.into_bytes()).await;
        within(async {
            let mut reply = connection.head().await;
            if method != "HEAD" {
                let mut rest = std::mem::take(&mut connection.buffer);
                connection.stream.read_to_end(&mut rest).await.unwrap();
                let chunked = reply.header("transfer-encoding") == Some("chunked");
                reply.body = String::from_utf8(if chunked { joined(&rest) } else { rest }).unwrap();
            }
            reply
        })
        .await
    }

    pub async fn post(&self, token: &str, form: &str) -> Reply {
        let headers = format!("{}Content-Type: application/x-www-form-urlencoded\r\n", bearer(token));
        self.request("POST", PATH, &headers, form).await
    }

    pub async fn get(&self, query: &str, headers: &str) -> Reply {
        self.request("GET", &format!("{PATH}?{query}"), headers, "").await
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
        self.stream(format!("GET {PATH}?{query} HTTP/1.1\r\nHost: hub.test\r\n{headers}\r\n")).await
    }

    /// A stream that was asked for by QUERY.
    pub async fn query(&self, query: &str, headers: &str, body: &str) -> Sse {
        let length = body.len();
        self.stream(format!(
            "QUERY {PATH}?{query} HTTP/1.1\r\nHost: hub.test\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        ))
        .await
    }

    async fn stream(&self, request: String) -> Sse {
        let mut connection = self.send(request.into_bytes()).await;
        let head = within(connection.head()).await;
        assert_eq!(head.status, 200, "{head:?}");
        Sse { connection, head, text: String::new(), ended: false }
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
        assert_eq!(head.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!(head.header("sec-websocket-extensions"), None);
        Ok(Socket { connection, head })
    }

    pub async fn socket(&self, query: &str, headers: &str) -> Socket {
        self.try_socket(query, headers).await.unwrap()
    }
}

/// The content of a chunked body.
fn joined(mut body: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    loop {
        let line = body.windows(2).position(|bytes| bytes == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&body[..line]).unwrap(), 16).unwrap();
        if size == 0 {
            return content;
        }
        content.extend_from_slice(&body[line + 2..line + 2 + size]);
        body = &body[line + 4 + size..];
    }
}

/// How the hub's streams travel in this run of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(dead_code, reason = "each run has one of them")]
pub enum Over {
    /// The hub takes the sockets over.
    TakenSockets,
    /// A server that knows nothing of the hub carries its bodies.
    ForeignServer,
}

/// The accept loop that a server of its own has.
async fn accept(listener: TcpListener, router: axum::Router) {
    let options = ConnectionOptions { write_timeout: PATIENCE, ..ConnectionOptions::default() };
    while let Ok((stream, _)) = listener.accept().await {
        let (service, options) = (TowerToHyperService::new(router.clone()), options.clone());
        tokio::spawn(async move { serve_connection(stream, service, &options, std::future::pending()).await });
    }
}

/// Accepts connections that give up on a peer which takes nothing.
struct Impatient(TcpListener);

impl axum::serve::Listener for Impatient {
    type Io = WriteTimeout<TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = axum::serve::Listener::accept(&mut self.0).await;
        (WriteTimeout::new(stream, PATIENCE), address)
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    /// How a refusal is explained, without the address of the metadata, which `access` looks at.
    pub fn challenge(&self) -> Option<&str> {
        let challenge = self.header("www-authenticate")?;
        let (shown, metadata) = challenge.split_once("resource_metadata=").unwrap_or((challenge, "\"http\""));
        assert!(metadata.starts_with("\"http") && metadata.ends_with('"'), "{challenge}");
        Some(shown.trim_end_matches([',', ' ']))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
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
            if let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end;
            }
            assert!(self.fill().await, "the head comes whole: {:?}", self.buffer);
        };
        let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        Reply { status, headers, body: String::new() }
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
