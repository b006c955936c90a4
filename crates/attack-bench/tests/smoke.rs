//! A small dose of an attack of each kind for a moment, on the server that stands beside this program: everything is measured and
//! everything ends. No figure is judged.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SMALL: &[&str] = &[
    "--people",
    "2",
    "--calm",
    "0.2",
    "--seconds",
    "0.2",
    "--longest",
    "5",
    "--settle",
    "0",
    "--scale",
    "0.01",
    "--json",
];

/// One of each file of `src/attacks`, and what has an action of its own.
const KINDS: &[&str] = &["code-message-1", "half-requests", "patterns", "lock-out", "joins", "uploads", "mp4", "webp"];

/// `cargo test --workspace` builds it, as the application's own tests need it.
fn palabre() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_attack-bench")).with_file_name("palabre");
    assert!(path.exists(), "{} is missing: build the package palabre with the same profile", path.display());
    path
}

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_attack-bench")).args(arguments).output().unwrap()
}

#[test]
fn attacks_of_each_kind_are_measured_and_end() {
    let palabre = palabre().display().to_string();
    let output = bench(&[SMALL, KINDS, &["--before", &palabre]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["missing"], serde_json::json!([]), "{}", String::from_utf8_lossy(&output.stderr));
    let records = report["records"].as_array().unwrap();
    assert_eq!(records.len(), KINDS.len());
    for record in records {
        let calm = &record["felt"]["send"]["calm"];
        assert!(calm["latency_ms"]["count"].as_u64() >= Some(1), "{record:#}");
        assert_eq!(calm["failures"], 0, "{record:#}");
        assert_eq!(record["server"], "before");
        let memory = &record["memory_bytes"];
        assert!(memory["peak"].as_u64() >= memory["calm"].as_u64() && memory["calm"].as_u64() > Some(0), "{record:#}");
        assert!(record["ended_after_s"].is_number(), "{record:#}");
    }
    assert_eq!(report["targets"].as_array().unwrap().len(), 3 * records.len());
}

#[test]
fn a_program_that_serves_nothing_is_told_and_no_address_is_taken() {
    let output = bench(&["goals", "--json", "--server", "true=/bin/true"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!output.status.success());
    assert!(report["missing"][0].as_str().unwrap().contains("/bin/true does not listen"), "{report:#}");
    assert_eq!(report["records"], serde_json::json!([]));
    for address in ["http://192.0.2.1:8080", "127.0.0.1:8080"] {
        let output = bench(&["goals", "--json", "--server", &format!("other={address}")]);
        assert!(String::from_utf8_lossy(&output.stdout).contains("can't be started"));
    }
}
