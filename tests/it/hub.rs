//! `palabre hub` as a process: started by the environment alone, asked, stopped politely; and started wrongly.

use crate::harness::within;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};

/// The command with these variables and no others.
fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_palabre"));
    command.env_clear().arg("hub").envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn finished(work: impl FnOnce() -> Output + Send + 'static) -> Output {
    within("the program ends", tokio::task::spawn_blocking(work)).await.unwrap()
}

#[tokio::test]
async fn the_hub_runs_alone_and_ends_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap().to_owned();
    let output = finished(move || {
        let mut child = command(&[
            ("HUB_LISTEN", "127.0.0.1:0"),
            ("HUB_ADMIN", "off"),
            ("HUB_DATA", &data),
            ("MERCURE_PUBLISHER_JWT_KEY", "!ChangeThisMercureHubJWTSecretKey!"),
            ("MERCURE_SUBSCRIBER_JWT_KEY", "!ChangeThisMercureHubJWTSecretKey!"),
            ("MERCURE_EXTRA_DIRECTIVES", "anonymous\ncors_origins http://127.0.0.1:8000"),
        ])
        .spawn()
        .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line.trim().rsplit_once(' ').unwrap().1.to_owned();
        let mut socket = TcpStream::connect(&address).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(told.success());
        let mut output = child.wait_with_output().unwrap();
        stdout.read_to_end(&mut output.stdout).unwrap();
        output
    })
    .await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("The hub has stopped."));
    assert!(String::from_utf8_lossy(&output.stderr).contains("everybody knows"), "the example's secret is warned of");
}

/// What the compose file of the Symfony recipe has as its command, and what images of before 0.11 have as variables.
#[tokio::test]
async fn finding_5_commands_and_variables_of_the_reference_images_are_answered_with_a_sentence() {
    let output =
        finished(move || command(&[]).args(["caddy", "run", "--config", "/etc/caddy/dev.Caddyfile"]).output().unwrap())
            .await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("leave it out") && said.contains("HUB_DEV=1"), "{said}");
    let output = finished(move || command(&[]).args(["run", "--config", "x"]).output().unwrap()).await;
    assert!(String::from_utf8_lossy(&output.stderr).contains("a command of the reference image"));

    let older = [("JWT_KEY", "a secret that is not shown"), ("ALLOW_ANONYMOUS", "1"), ("ADDR", ":3000")];
    let output = finished(move || command(&older).output().unwrap()).await;
    let said = String::from_utf8_lossy(&output.stderr);
    for part in
        ["nobody could publish", "JWT_KEY is now MERCURE_PUBLISHER_JWT_KEY", "ADDR is now SERVER_NAME", "anonymous"]
    {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    assert!(!said.contains("not shown"), "{said}");
}

#[tokio::test]
async fn a_directive_that_is_none_stops_the_start() {
    let variables = [
        ("MERCURE_PUBLISHER_JWT_KEY", "a secret of thirty-two bytes or more"),
        ("MERCURE_EXTRA_DIRECTIVES", "anonymus"),
    ];
    let output = finished(move || command(&variables).output().unwrap()).await;
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("line 1, column 1") && said.contains("is \"anonymous\" meant?"), "{said}");
}
