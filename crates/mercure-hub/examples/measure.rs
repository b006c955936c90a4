//! What a stream costs the hub: memory while it is idle, processor time for each delivery.
//!
//! ```text
//! cargo run --release -p mercure-hub --example measure -- idle sse 10000
//! cargo run --release -p mercure-hub --example measure -- fanout socket 1000 5 0      # five seconds, flat out
//! cargo run --release -p mercure-hub --example measure -- fanout sse 1000 5 50        # fifty updates a second
//! cargo run --release -p mercure-hub --example measure -- limit sse 1000 5 50         # the same bytes, without a hub
//! ```
//!
//! The hub runs in a process of its own, on one core where there are two, with a token for each reader and private updates. Linux only.
#![expect(clippy::unwrap_used, reason = "a measurement that fails should say where")]

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hyper_util::service::TowerToHyperService;
use mercure_hub::{Claims, ConnectionOptions, Grant, Hub, HubConfig, Key, mint, serve_connection};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

const SECRET: &str = "!ChangeThisMercureHubJWTSecretKey!";
const PATH: &str = "/.well-known/mercure";
/// Stands once in each payload, and nowhere else, not even in the head of a frame of that length.
const MARK: u8 = b'^';
const PUBLISHERS: usize = 8;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |at: usize, or: u64| words.get(at).map_or(or, |word| word.parse().unwrap());
    match words.first().copied() {
        Some("serve") => multi_thread().block_on(serve()),
        Some("serve-limit") => limit(number(1, 50)),
        Some("idle") => single_thread().block_on(idle(words[1], number(2, 10_000))),
        Some(what @ ("fanout" | "limit")) => {
            let length = Duration::from_secs(number(3, 5));
            single_thread().block_on(fanout(what, words[1], number(2, 1_000), length, number(4, 0)));
        }
        _ => eprintln!("idle WIRE COUNT | fanout WIRE COUNT SECONDS RATE | limit sse COUNT SECONDS RATE"),
    }
}

fn multi_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

fn single_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn key() -> Key {
    Key::hs256(SECRET)
}

async fn serve() {
    let hub = Hub::new(HubConfig {
        publisher_key: Some(key()),
        subscriber_key: Some(key()),
        max_lifetime: Duration::from_secs(3_600),
        ..HubConfig::default()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let service = TowerToHyperService::new(hub.router());
        tokio::spawn(async move {
            let _ = serve_connection(stream, service, &ConnectionOptions::default(), std::future::pending()).await;
        });
    }
}

/// The least a server can do: the same bytes to each socket, one write each.
fn limit(rate: u64) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    let sockets: Arc<std::sync::Mutex<Vec<std::net::TcpStream>>> = Arc::default();
    let accepted = Arc::clone(&sockets);
    std::thread::spawn(move || {
        loop {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            let _ = std::io::Read::read(&mut stream, &mut [0; 4_096]);
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n:\n").unwrap();
            stream.set_nonblocking(true).unwrap();
            accepted.lock().unwrap().push(stream);
        }
    });
    let frame = format!("115\r\nid: urn:uuid:0195f3a0-0000-7000-8000-000000000000\ndata: {}\n\n\r\n", payload());
    let step = Duration::from_secs(1) / u32::try_from(rate.max(1)).unwrap();
    let mut next = Instant::now();
    loop {
        for socket in sockets.lock().unwrap().iter_mut() {
            let _ = socket.write(frame.as_bytes());
        }
        next += step;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

fn payload() -> String {
    format!("{}{}", char::from(MARK), "x".repeat(199))
}

/// The server, in a process of its own.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let program = env::current_exe().unwrap();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut command = if cores > 1 { Command::new("taskset") } else { Command::new(&program) };
        if cores > 1 {
            command.args(["-c", "0"]).arg(&program);
        }
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().parse().unwrap() }
    }

    /// Bytes that only this process keeps in memory, and its share of the others.
    fn memory(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with("Pss:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1_024
    }

    /// Nanoseconds on a processor, of all threads.
    fn cpu(&self) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let spent = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("schedstat")).ok());
        spent.filter_map(|text| text.split(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// A stream whose head was read.
    async fn subscribe(&self, wire: &str, number: u64) -> TcpStream {
        let grant = Grant { subscribe: vec!["room/1".into(), format!("user/{number}")], ..Grant::default() };
        let claims = Claims { sub: Some(number.to_string()), mercure: grant, ..Claims::default() };
        let upgrade = match wire {
            "sse" => "",
            "socket" => {
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            }
            _ => panic!("sse or socket"),
        };
        let request = format!(
            "GET {PATH}?topic=room/1&topic=user/{number} HTTP/1.1\r\nHost: hub.test\r\nAuthorization: Bearer {}\r\n{upgrade}\r\n",
            mint(&key(), &claims)
        );
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut read = Vec::new();
        while !read.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
            assert!(stream.read_buf(&mut read).await.unwrap() > 0, "{}", String::from_utf8_lossy(&read));
        }
        assert!(read.starts_with(b"HTTP/1.1 200") || read.starts_with(b"HTTP/1.1 101"));
        stream
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn idle(wire: &str, count: u64) {
    let server = Server::start(&["serve"]);
    // What the first ones need for good (threads, tables) is not theirs.
    let mut streams = Vec::new();
    for number in 0..100 {
        streams.push(server.subscribe(wire, number).await);
    }
    let before = server.memory();
    for number in 100..count + 100 {
        streams.push(server.subscribe(wire, number).await);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = server.memory();
    println!(
        "{wire}: {} bytes for each of {count} idle streams, {} KB in all",
        (after - before) / count,
        after / 1_024
    );
}

async fn fanout(what: &str, wire: &str, count: u64, length: Duration, rate: u64) {
    let server = Arc::new(if what == "limit" {
        Server::start(&["serve-limit", &rate.to_string()])
    } else {
        Server::start(&["serve"])
    });
    let deliveries = Arc::new(AtomicU64::new(0));
    for number in 0..count {
        let mut stream = server.subscribe(wire, number).await;
        let deliveries = Arc::clone(&deliveries);
        tokio::spawn(async move {
            let mut buffer = vec![0; 16 << 10];
            while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                let marks = buffer[..read].iter().filter(|byte| **byte == MARK).count();
                deliveries.fetch_add(marks as u64, Ordering::Relaxed);
            }
        });
    }
    let mut publishers = JoinSet::new();
    if what == "fanout" {
        let flat_out = rate == 0;
        for _ in 0..if flat_out { PUBLISHERS } else { 1 } {
            let server = Arc::clone(&server);
            let step = (!flat_out).then(|| Duration::from_secs(1) / u32::try_from(rate).unwrap());
            publishers.spawn(async move { publish(server.address, step).await });
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (start, cpu, before) = (Instant::now(), server.cpu(), deliveries.load(Ordering::Relaxed));
    tokio::time::sleep(length).await;
    let (cpu, delivered) = (server.cpu() - cpu, deliveries.load(Ordering::Relaxed) - before);
    println!(
        "{what} {wire}: {:.2} µs of processor time for a delivery, {:.0} deliveries a second",
        cpu as f64 / 1e3 / delivered as f64,
        delivered as f64 / start.elapsed().as_secs_f64()
    );
}

/// Publishes by POST on one connection, each after the answer to the one before.
async fn publish(address: SocketAddr, step: Option<Duration>) {
    let grant = Grant { publish: vec!["*".into()], ..Grant::default() };
    let token = mint(&key(), &Claims { mercure: grant, ..Claims::default() });
    let body = format!("topic=room%2F1&private=on&data={}", payload());
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nHost: hub.test\r\nAuthorization: Bearer {token}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = vec![0; 4_096];
    let mut ticks = step.map(tokio::time::interval);
    loop {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        if stream.write_all(request.as_bytes()).await.is_err() {
            return;
        }
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        assert!(read == 0 || buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..read]));
        if read == 0 {
            return;
        }
    }
}
