//! Each case for a moment: against a hub in this process, which is named as the target, and against one that the program starts itself.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

use mercure_hub::{ConnectionOptions, Hub, HubConfig, Key, serve_connection};
use serde_json::Value;
use std::convert::Infallible;
use std::process::{Command, Output};
use tower::ServiceExt;

const SECRET: &str = "a secret of thirty-two bytes or more";
/// Small and short: what counts is that everything arrives.
const SMALL: &[&str] = &[
    "--json",
    "--seconds",
    "0.2",
    "--warmup",
    "0.1",
    "--subscribers",
    "20",
    "--topics",
    "5",
    "--readers",
    "2",
    "--idle",
    "10",
    "--unique",
    "30",
    "--publishers",
    "4",
];

fn bench(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mercure-bench"));
    command.arg("hub").args(arguments).output().unwrap()
}

fn records(output: &Output) -> Vec<Value> {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["missing"], serde_json::json!([]), "{report:#}");
    report["records"].as_array().unwrap().clone()
}

/// A hub on a port of 127.0.0.1, served for as long as the test's runtime lives.
async fn start() -> String {
    let key = Key::hs256(SECRET);
    let config = HubConfig {
        publisher_key: Some(key.clone()),
        subscriber_key: Some(key),
        anonymous: true,
        ..HubConfig::default()
    };
    let router = Hub::new(config).router();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let router = router.clone();
            let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let answer = router.clone().oneshot(request.map(axum::body::Body::new));
                async move { answer.await.map_err(|never: Infallible| match never {}) }
            });
            tokio::spawn(async move {
                let _ = serve_connection(stream, service, &ConnectionOptions::default(), std::future::pending()).await;
            });
        }
    });
    format!("http://{address}/.well-known/mercure")
}

async fn against_a_target(extra: &[&str]) -> Output {
    let url = start().await;
    let arguments: Vec<String> =
        SMALL.iter().chain(&["--target", &url]).chain(extra).map(ToString::to_string).collect();
    let run = move || bench(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn figure(record: &Value, name: &str) -> f64 {
    record["figures"][name].as_f64().unwrap_or_else(|| panic!("no {name} in {record:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_measures_a_hub_that_is_named() {
    let pid = std::process::id().to_string();
    let extra = ["--publisher-key", SECRET, "--subscriber-key", SECRET, "--target-pid", &pid];
    let records = records(&against_a_target(&extra).await);
    let cases: Vec<_> = records.iter().map(|record| record["case"].as_str().unwrap()).collect();
    for (case, times) in [("fan-out", 4), ("topics", 4), ("idle", 2), ("publish", 1), ("stalled", 2)] {
        assert_eq!(cases.iter().filter(|name| name.starts_with(case)).count(), times, "{case} in {cases:?}");
    }
    for record in &records {
        assert_eq!(figure(record, "ended"), 0.0, "{record:#}");
        if record["case"].as_str().unwrap().starts_with("idle") {
            assert!(record["figures"]["pss_per_connection"].is_number(), "{record:#}");
            continue;
        }
        assert_eq!((figure(record, "lost"), figure(record, "repeated")), (0.0, 0.0), "{record:#}");
        assert!(figure(record, "delivered") > 0.0, "{record:#}");
        assert!(record["figures"]["cpu_us_per_delivery"].is_number(), "{record:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_miss_nothing_between_two_answers() {
    let extra = ["fanout", "topics", "--transport", "poll", "--publisher-key", SECRET, "--subscriber-key", SECRET];
    let records = records(&against_a_target(&extra).await);
    assert_eq!(records.len(), 4);
    for record in &records {
        assert_eq!((figure(record, "lost"), figure(record, "repeated")), (0.0, 0.0), "{record:#}");
        assert!(figure(record, "delivered") > 0.0, "{record:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_refuses_is_reported_and_not_measured() {
    let output = against_a_target(&["fanout", "--publisher-key", "another secret, also of enough bytes"]).await;
    assert!(!output.status.success());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let missing = report["missing"][0].as_str().unwrap();
    assert!(missing.contains("answered with 401"), "{missing}");
}

#[test]
fn without_a_target_it_starts_hubs_and_the_lower_bound_itself() {
    let extra = ["fanout", "--transport", "sse", "--servers", "ours,limit,limit-batched,axum"];
    let records = records(&bench(&[SMALL, &extra].concat()));
    assert_eq!(records.len(), 8);
    for record in &records {
        assert_eq!((figure(record, "lost"), figure(record, "repeated")), (0.0, 0.0), "{record:#}");
        assert!(figure(record, "delivered") > 0.0, "{record:#}");
    }
}

#[test]
fn publishing_is_measured_on_disk_and_in_process_too() {
    let records = records(&bench(&[SMALL, &["publish", "--in-process"]].concat()));
    let names: Vec<_> = records.iter().map(|record| record["case"].as_str().unwrap()).collect();
    let expected = ["publish, a topic each", "publish, on disk", "publish in process", "publish in process, on disk"];
    assert_eq!(names, expected);
    for record in &records {
        assert!(figure(record, "cpu_us_per_publish") >= 0.0, "{record:#}");
    }
}

#[test]
fn people_get_a_table_with_the_targets_that_were_judged() {
    let arguments: Vec<_> = SMALL.iter().copied().filter(|argument| *argument != "--json").collect();
    let extra = ["fanout", "idle", "--transport", "sse", "--servers", "ours,limit"];
    let output = bench(&[&arguments[..], &extra].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("CPU µs/delivery") && text.contains("bytes/connection"), "{text}");
    assert!(text.contains("against the limit program") && text.contains("≤ 1.15"), "{text}");
}

#[test]
fn somebody_elses_machine_is_not_put_under_load() {
    let output = bench(&["fanout", "--target", "http://192.0.2.1/.well-known/mercure"]);
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("--i-own-the-target"));
}
