//! What stands around a test: a server on free ports, and a client written by hand, so that every byte is looked at.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use mercure_hub::{Claims, Grant, Hub, Key, mint};
use mercure_server::{Plan, Server, Settings, Trigger, WrongSetting, shutdown};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

pub const SECRET: &str = "!ChangeThisMercureHubJWTSecretKey!";
pub const HUB: &str = "/.well-known/mercure";

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    settings: Settings,
}

/// Settings as a command line gives them.
pub fn settings(flags: &[&str]) -> Settings {
    Line::try_parse_from([&["hub"], flags].concat()).unwrap_or_else(|error| panic!("{error}")).settings
}

pub fn plan(flags: &[&str]) -> Result<Plan, WrongSetting> {
    Plan::new(&settings(flags))
}

/// Why these settings cannot be.
pub fn wrong(flags: &[&str]) -> String {
    match plan(flags) {
        Ok(_) => panic!("{flags:?} is accepted"),
        Err(error) => error.to_string(),
    }
}

/// Waits for something that must happen, and not for ever.
pub async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("it happens in time")
}

/// A server that runs.
pub struct Running {
    pub addresses: Vec<SocketAddr>,
    pub admin: SocketAddr,
    pub hub: Hub,
    pub trigger: Trigger,
    pub task: JoinHandle<()>,
    _data: tempfile::TempDir,
}

impl Running {
    /// Starts with both keys set to [`SECRET`], these directives, and these flags.
    pub async fn start(directives: &str, flags: &[&str]) -> Self {
        let keys = ["--publisher-jwt-key", SECRET, "--subscriber-jwt-key", SECRET, "--directives", directives];
        Self::start_with(&[&keys, flags].concat()).await
    }

    pub async fn start_with(flags: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().to_str().unwrap();
        let own = ["--admin", "127.0.0.1:0", "--data", folder];
        let mut plan = plan(&[&own, flags].concat()).unwrap_or_else(|error| panic!("{error}"));
        for listener in &mut plan.listeners {
            listener.address = "127.0.0.1:0".parse().unwrap();
        }
        let server = Server::bind(plan).await.unwrap();
        let (addresses, admin, hub) = (server.addresses(), server.admin_address().unwrap(), server.hub().clone());
        let (trigger, shutdown) = shutdown();
        let task = tokio::spawn(server.serve(shutdown));
        Self { addresses, admin, hub, trigger, task, _data: data }
    }

    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    pub async fn get(&self, target: &str) -> Reply {
        request(self.address(), "GET", target, "", "").await
    }

    /// Publishes a form with a token.
    pub async fn post(&self, token: &str, form: &str) -> Reply {
        let headers = format!("Authorization: Bearer {token}\r\n{FORM}");
        request(self.address(), "POST", HUB, &headers, form).await
    }

    pub async fn admin(&self, method: &str, target: &str) -> Reply {
        request(self.admin, method, target, "", "").await
    }

    /// Opens a stream, and returns once it is open.
    pub async fn subscribe(&self, query: &str, headers: &str) -> Stream {
        let target = format!("{HUB}?{query}");
        let mut stream =
            Stream { socket: send(self.address(), "GET", &target, headers, "").await, read: String::new() };
        stream.until("\r\n\r\n").await;
        stream
    }
}

pub const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// A token for these topics.
pub fn token(subscribe: &[&str], publish: &[&str]) -> String {
    let list = |topics: &[&str]| topics.iter().map(ToString::to_string).collect();
    let mercure = Grant { subscribe: list(subscribe), publish: list(publish) };
    mint(&Key::hs256(SECRET), &Claims { mercure, ..Claims::default() })
}

pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    /// A header's value, empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

async fn send(address: SocketAddr, method: &str, target: &str, headers: &str, body: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let host = if headers.contains("Host:") { "" } else { "Host: hub.test\r\n" };
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let text = format!("{method} {target} HTTP/1.1\r\n{host}Connection: close\r\n{length}{headers}\r\n{body}");
    socket.write_all(text.as_bytes()).await.unwrap();
    socket
}

pub async fn request(address: SocketAddr, method: &str, target: &str, headers: &str, body: &str) -> Reply {
    within(async {
        let mut socket = send(address, method, target, headers, body).await;
        let mut bytes = Vec::new();
        // A server that has refused may reset a connection whose body it did not read.
        let _ = socket.read_to_end(&mut bytes).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {target}: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head: head.to_owned(), body: body.to_owned() }
    })
    .await
}

/// A stream of events.
pub struct Stream {
    socket: TcpStream,
    pub read: String,
}

impl Stream {
    /// Reads until this text has come.
    pub async fn until(&mut self, text: &str) {
        within(async {
            while !self.read.contains(text) {
                let mut bytes = [0; 4096];
                let length = self.socket.read(&mut bytes).await.unwrap();
                assert!(length > 0, "the stream ended before {text:?}: {}", self.read);
                self.read.push_str(&String::from_utf8_lossy(&bytes[..length]));
            }
        })
        .await;
    }

    /// Reads to the end.
    pub async fn end(mut self) -> String {
        within(async {
            let mut rest = Vec::new();
            let _ = self.socket.read_to_end(&mut rest).await;
            self.read + &String::from_utf8_lossy(&rest)
        })
        .await
    }
}
