//! What the history costs: publishing with 64 publishers, in memory, on disk, and by POST; coming back at any of 1,000,000 stored updates; memory.
//!
//! `cargo bench -p mercure-hub --bench history`. A number after `--` stores so many instead. Takes about two minutes and 1 GB of disk.
#![expect(clippy::unwrap_used, reason = "a benchmark that can't run has nothing to say")]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use mercure_hub::{Claims, Grant, Hub, HubConfig, Key, LogConfig, Update, mint};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    task::JoinSet,
};

const PUBLISHERS: usize = 64;
/// Updates of one topic, where topics have several.
const PER_TOPIC: usize = 1_000;
const PATH: &str = "/.well-known/mercure";

fn config() -> HubConfig {
    HubConfig {
        anonymous: true,
        publisher_key: Some(Key::hs256("a secret of thirty-two bytes or more")),
        history_events: usize::MAX,
        history_bytes: usize::MAX,
        ..HubConfig::default()
    }
}

fn update(n: usize, topics: usize) -> Update {
    // Neighbours in time are of different topics.
    let topic = n.wrapping_mul(0x9E37_79B9) % topics;
    let update = Update::new(format!("https://example.com/books/{topic}"), "x".repeat(200)).unwrap();
    update.id(format!("urn:uuid:01a20000-0000-7000-8000-{n:012x}")).unwrap()
}

fn topic_of(n: usize, topics: usize) -> String {
    format!("https://example.com/books/{}", n.wrapping_mul(0x9E37_79B9) % topics)
}

/// Processor time of this process, in seconds, and its resident memory in megabytes.
fn used() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    let at = |index: usize| fields.get(index).copied().unwrap_or_default();
    ((at(11) + at(12)) / 100.0, at(21) * 4096.0 / 1e6)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// One line of the table about a crowd of publishers.
fn report(name: &str, mut latencies: Vec<Duration>, elapsed: Duration, cpu: f64) {
    latencies.sort_unstable();
    let count = latencies.len();
    let at = |share: f64| milliseconds(latencies[((count as f64 * share) as usize).min(count - 1)]);
    println!(
        "{name:<44} {:>9.0} /s   p50 {:>6.2}  p99 {:>6.2}  max {:>6.1} ms   {:>5.1} µs CPU each",
        count as f64 / elapsed.as_secs_f64(),
        at(0.5),
        at(0.99),
        at(1.0),
        cpu * 1e6 / count as f64
    );
}

/// 64 tasks, each of which publishes, waits for the answer, and publishes again.
async fn crowd(hub: &Hub, count: usize, topics: usize) -> Vec<Duration> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..PUBLISHERS {
        let (hub, next) = (hub.clone(), Arc::clone(&next));
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= count {
                    return latencies;
                }
                let start = Instant::now();
                hub.publish_async(update(n, topics)).await.unwrap();
                latencies.push(start.elapsed());
            }
        });
    }
    tasks.join_all().await.concat()
}

async fn serve(hub: &Hub) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, hub.router()).into_future());
    address
}

/// The same over 64 connections that stay open. The clients' processor time is in the figure.
async fn posts(hub: &Hub, count: usize) -> Vec<Duration> {
    let address = serve(hub).await;
    let grant = Grant { publish: vec!["*".into()], ..Grant::default() };
    let token =
        mint(&Key::hs256("a secret of thirty-two bytes or more"), &Claims { mercure: grant, ..Claims::default() });
    let mut tasks = JoinSet::new();
    for publisher in 0..PUBLISHERS {
        let token = token.clone();
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (mut latencies, mut answer) = (Vec::new(), [0; 4_096]);
            for n in 0..count / PUBLISHERS {
                let body = format!("topic=https://example.com/books/{publisher}-{}&data={}", n % 100, "x".repeat(200));
                let request = format!(
                    "POST {PATH} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\
                     Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                let start = Instant::now();
                stream.write_all(request.as_bytes()).await.unwrap();
                let read = stream.read(&mut answer).await.unwrap();
                assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..read]));
                latencies.push(start.elapsed());
            }
            latencies
        });
    }
    tasks.join_all().await.concat()
}

/// From the connection to the first byte of the first replayed update.
async fn reconnect(address: std::net::SocketAddr, n: usize, topics: usize) -> Duration {
    let start = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET {PATH}?topic={} HTTP/1.1\r\nHost: bench\r\nLast-Event-ID: urn:uuid:01a20000-0000-7000-8000-{n:012x}\r\n\r\n",
        topic_of(n, topics)
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let (mut all, mut part) = (Vec::new(), [0; 16_384]);
    while !all.windows(4).any(|bytes| bytes == b"id: ") {
        let read = stream.read(&mut part).await.unwrap();
        assert!(read > 0, "the stream goes on");
        all.extend_from_slice(&part[..read]);
    }
    start.elapsed()
}

/// At the first update, everywhere between, and at one of the last; the very last has nothing after it.
async fn reconnects(name: &str, hub: &Hub, stored: usize) {
    let topics = stored / PER_TOPIC;
    let address = serve(hub).await;
    let last = stored - 2 * topics;
    let mut latencies = Vec::new();
    for step in 0..=500 {
        latencies.push(reconnect(address, last * step / 500, topics).await);
    }
    let (first, end) = (latencies[0], latencies[500]);
    latencies.sort_unstable();
    println!(
        "{name:<44} p50 {:.2}  p99 {:.2}  max {:.2} ms   (at the first {:.2}, at the end {:.2})",
        milliseconds(latencies[250]),
        milliseconds(latencies[495]),
        milliseconds(latencies[500]),
        milliseconds(first),
        milliseconds(end)
    );
}

fn measure(runtime: &Runtime, name: &str, run: impl Future<Output = Vec<Duration>>) {
    let (start, (before, _)) = (Instant::now(), used());
    let latencies = runtime.block_on(run);
    report(name, latencies, start.elapsed(), used().0 - before);
}

fn open(path: &Path) -> Hub {
    Hub::open(HubConfig { history_events: 10_000, history_bytes: 16 << 20, ..config() }, &LogConfig::at(path)).unwrap()
}

fn main() {
    let stored = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000_usize);
    let stored = stored.max(10 * PER_TOPIC);
    let some = (stored / 5).min(200_000);
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::TempDir::new_in(std::env::var_os("TMPDIR").unwrap_or_else(|| "/tmp".into())).unwrap();
    println!("{PUBLISHERS} publishers, each waits for its answer; 200 bytes an update");

    let hub = Hub::new(HubConfig { history_events: 10_000, ..config() });
    measure(&runtime, "memory, 100 topics", crowd(&hub, 5 * some, 100));
    let hub = open(&folder.path().join("some.db"));
    measure(&runtime, "disk, 100 topics", crowd(&hub, some, 100));
    runtime.block_on(hub.close());
    let hub = open(&folder.path().join("unique.db"));
    measure(&runtime, "disk, a topic for each update", crowd(&hub, some, usize::MAX));
    runtime.block_on(hub.close());
    let mut log = LogConfig::at(folder.path().join("bounded.db"));
    log.events = some as u64 / 10;
    let hub = Hub::open(config(), &log).unwrap();
    measure(&runtime, "disk, 100 topics, the oldest deleted", crowd(&hub, some, 100));
    runtime.block_on(hub.close());
    let hub = open(&folder.path().join("http.db"));
    measure(&runtime, "disk, by POST (clients' CPU included)", posts(&hub, some / 2));
    runtime.block_on(hub.close());
    drop(hub);

    println!("\n{stored} stored, {PER_TOPIC} to a topic");
    let path = folder.path().join("all.db");
    let hub = open(&path);
    measure(&runtime, "disk, filled", crowd(&hub, stored, stored / PER_TOPIC));
    runtime.block_on(hub.close());
    drop(hub);
    let start = Instant::now();
    let hub = open(&path);
    println!("{:<44} {:.1} ms", "disk, opened again", milliseconds(start.elapsed()));
    runtime.block_on(reconnects("disk, first update after a reconnect", &hub, stored));
    println!(
        "{:<44} {:.0} MB on disk, {:.0} MB resident",
        "",
        std::fs::metadata(&path).unwrap().len() as f64 / 1e6,
        used().1
    );
    runtime.block_on(hub.close());
    drop(hub);

    let before = used().1;
    let hub = Hub::new(config());
    measure(&runtime, "memory, filled", crowd(&hub, stored, stored / PER_TOPIC));
    runtime.block_on(reconnects("memory, first update after a reconnect", &hub, stored));
    println!("{:<44} {:.0} MB more resident", "", used().1 - before);
}
