//! The real program, asked to stop while it works on something that takes long: it ends well within ten seconds.

use crate::crash::{Process, ended, person};
use crate::harness::{Answer, Browser, DEADLINE, Database, Goal};
use crate::laborious::{code, mp4};
use crate::pictures::from_a_phone;
use crate::wire::multipart;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// What was promised.
const END: Duration = Duration::from_secs(10);

struct Running {
    process: Process,
    database: Database,
    alice: Browser,
    goal: Goal,
}

impl Running {
    async fn start() -> Self {
        let database = Database::new();
        let process = Process::start(&database);
        let alice = person(process.address, "alice").await;
        let goal = alice.founds("Marathon").await;
        Self { process, database, alice, goal }
    }

    /// Uploads a file so many times in one form, and waits until all of the first has come: from then on it is worked on.
    async fn uploads(&self, path: &str, field: &'static str, bytes: &[u8], count: usize) -> JoinHandle<Answer> {
        let size = bytes.len() as u64;
        let parts: Vec<_> = std::iter::once(("client_nonce", None, &b"n"[..]))
            .chain(std::iter::repeat_n((field, Some("a"), bytes), count))
            .collect();
        let body = multipart("--b--", &parts);
        let (alice, path) = (self.alice.clone(), path.to_owned());
        let answer = async move { alice.post_body(&path, "multipart/form-data; boundary=--b--", body).await };
        let answer = tokio::spawn(answer);
        let folder = self.database.folder.path().join("files/tmp");
        let until = Instant::now() + DEADLINE;
        while !has_file(&folder, size) {
            assert!(Instant::now() < until, "the upload did not come");
            tokio::task::yield_now().await;
        }
        answer
    }

    async fn ends_well(mut self) {
        let begun = Instant::now();
        let mut terminate = Command::new("sh");
        terminate.args(["-c", &format!("kill -TERM {}", self.process.child.id())]);
        assert!(ended(terminate).await.status.success());
        let wait = tokio::task::spawn_blocking(move || (self.process.child.wait().unwrap(), self.database));
        let (status, _database) = tokio::time::timeout(DEADLINE, wait).await.expect("it does not end").unwrap();
        assert_eq!(status.code(), Some(0));
        assert!(begun.elapsed() < END, "{:?}", begun.elapsed());
    }
}

fn has_file(folder: &Path, size: u64) -> bool {
    let mut files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.any(|file| file.metadata().is_ok_and(|metadata| metadata.len() == size))
}

#[tokio::test]
async fn s5_it_ends_while_a_recording_is_decoded() {
    let running = Running::start().await;
    running.uploads(&format!("{}/send-voice", running.goal.path()), "voice", &mp4(125_000, 110_000), 1).await;
    running.ends_well().await;
}

#[tokio::test]
async fn s11_it_ends_while_pictures_are_opened() {
    let running = Running::start().await;
    // As many megapixels as are opened at all when they have to be turned: about a second each, and nothing interrupts one.
    let picture = from_a_phone(6, 6_000, 5_500);
    let answer = running.uploads(&running.goal.path(), "attachment", &picture, 10).await;
    assert!(!answer.is_finished(), "the other nine are still to come");
    running.ends_well().await;
}

#[tokio::test]
async fn s4_it_ends_while_texts_are_rendered() {
    let running = Running::start().await;
    for n in 0..30 {
        let (alice, goal) = (running.alice.clone(), running.goal);
        let path = if n % 2 == 0 { goal.path() } else { format!("{}/preview", goal.path()) };
        let text = code("make", "int a(int b, ", 9_900);
        tokio::spawn(async move { alice.post(&path, &[("content", &text), ("client_nonce", &format!("n{n}"))]).await });
    }
    running.alice.get("/healthz").await;
    running.ends_well().await;
}

#[tokio::test]
async fn s5_it_ends_while_passwords_are_hashed() {
    let running = Running::start().await;
    for n in 0..60 {
        let visitor = Browser::new(running.process.address);
        let form =
            [("email".to_owned(), format!("p{n}@example.org")), ("password".to_owned(), "correct horse".to_owned())];
        tokio::spawn(async move {
            let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            visitor.post("/login", &form).await
        });
    }
    running.alice.get("/healthz").await;
    running.ends_well().await;
}

/// Who downloads an export and reads nothing of it holds nothing up.
#[tokio::test]
async fn s5_it_ends_while_an_export_is_under_way() {
    let running = Running::start().await;
    let text = "texte ".repeat(1_600);
    for _ in 0..150 {
        running.alice.says(&running.goal, &text).await;
    }
    let path = format!("{}/export?format=json", running.goal.path());
    let under_way = running.alice.request(reqwest::Method::GET, &path, &[], "").await;
    assert!(under_way.status().is_success(), "{}", under_way.status());
    running.ends_well().await;
    drop(under_way);
}
