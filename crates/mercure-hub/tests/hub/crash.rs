//! A process that is killed while it publishes.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use mercure_hub::{Hub, HubConfig, LogConfig, Update};

use crate::{client::open_config, durable::Folder};

/// Published to by a process that is killed in the middle.
const CRASH: &str = "MERCURE_HUB_TEST_CRASH";

/// The process to be killed: publishes from several threads and says of each update when it was told that it is safe.
#[test]
fn publishes_until_it_is_killed() {
    let Some(path) = std::env::var_os(CRASH) else { return };
    let hub = Hub::open(open_config(), &LogConfig::at(Path::new(&path))).unwrap();
    std::thread::scope(|scope| {
        for publisher in 0..8 {
            let hub = &hub;
            scope.spawn(move || {
                for n in 0.. {
                    let update = Update::new("a", n.to_string()).unwrap().id(format!("{publisher}/{n}")).unwrap();
                    println!("\nsafe {}", hub.publish(update).unwrap());
                }
            });
        }
    });
}

// H 83, D2
#[tokio::test]
async fn a_kill_loses_nothing_that_was_answered() {
    let folder = Folder::new();
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::publishes_until_it_is_killed", "--nocapture"])
            .env(CRASH, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut safe: Vec<String> = Vec::new();
        let id_in = |line: String| line.strip_prefix("safe ").map(str::to_owned);
        while safe.len() < 500 * round {
            safe.extend(id_in(lines.next().unwrap()));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // The last line may be cut.
        let rest: Vec<_> = lines.collect();
        safe.extend(rest.into_iter().rev().skip(1).filter_map(id_in));

        let server = folder.start(HubConfig { max_field_bytes: 0, ..open_config() }).await;
        let mut sse = server.sse("topic=a&lastEventID=earliest", "").await;
        let mut missing: HashSet<_> = safe.into_iter().collect();
        let mut next = [0; 8];
        while !missing.is_empty() {
            let event = sse.event().await;
            let (publisher, n) = event.id.split_once('/').unwrap();
            let (publisher, n) = (publisher.parse::<usize>().unwrap(), n.parse::<usize>().unwrap());
            assert_eq!(n, next[publisher], "each publisher's updates without a hole, in order");
            next[publisher] += 1;
            missing.remove(&event.id);
        }
        server.hub.close().await;
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", folder.path().display()));
        }
    }
}
