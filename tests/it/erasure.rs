//! What is deleted is gone from the disk too: from the file of the database, from its log, and from the folder of files.

use crate::files::{picture, sends};
use crate::harness::{Database, Town, within};
use crate::message::{id, two};
use image::ImageFormat;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const DAY: i64 = 24 * 3_600;

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(all_files(&path));
            found.push(path);
        } else {
            found.push(path);
        }
    }
    found
}

/// The files under the data folder that hold a text.
fn holding(town: &Town, text: &str) -> Vec<PathBuf> {
    let files = all_files(town.database.folder.path()).into_iter().filter(|path| path.is_file());
    let holds = |path: &PathBuf| std::fs::read(path).unwrap().windows(text.len()).any(|part| part == text.as_bytes());
    files.filter(holds).collect()
}

/// Awaits that nothing on the disk holds a text any more. PostgreSQL erases when it vacuums: there the rows are asked.
async fn is_erased(town: &Town, text: &str) {
    if town.database.is_postgres() {
        let rows = format!(
            "do $$ begin if exists (select 1 from message where content like '%{text}%' or body_html like '%{text}%' or excerpt like '%{text}%') \
             or exists (select 1 from message_version where content like '%{text}%') or exists (select 1 from message_text where folded like '%{text}%') \
             or exists (select 1 from attachment where name like '%{text}%') or exists (select 1 from link_preview where url like '%{text}%') \
             or exists (select 1 from goal where title like '%{text}%' or description like '%{text}%') then raise exception 'still there'; end if; end $$"
        );
        return town.database.beside(&rows);
    }
    let gone = async {
        while !holding(town, text).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    within(&format!("{text} is erased: {:?}", holding(town, text)), gone).await;
}

#[tokio::test]
async fn s21_a_deleted_message_is_gone_from_the_disk() {
    let town = Town::start_with(&["--link-previews", "off"]).await;
    let (alice, bob, goal) = two(&town).await;
    let mut deleted = Vec::new();
    for n in 0..30 {
        let change = alice
            .says(&goal, &format!("zqtypo password {n} https://zqtypo.example/{n} {}", "lorem ipsum ".repeat(n * 20)))
            .await;
        bob.says(&goal, &format!("zqkept {n}")).await;
        deleted.push(id(&change));
    }
    alice.post(&format!("/message/{}/edit", deleted[0]), &[("content", "zqtypo edited")]).await;
    sends(&alice, &goal, "zqtypo caption", &[("zqtypo.txt", b"zqtypo bytes")]).await;
    deleted.push(alice.fetch(&goal, "").await["messages"].as_array().unwrap().last().unwrap()["id"].as_i64().unwrap());
    for message in &deleted {
        assert_eq!(alice.post(&format!("/message/{message}/delete"), &[]).await.status, 200);
    }
    is_erased(&town, "zqtypo").await;
    assert!(
        town.database.is_postgres() || !holding(&town, "zqkept").is_empty(),
        "the search of this test finds what is there"
    );
    assert_eq!(
        bob.get(&format!("{}/search?q=zqkept", goal.path())).await.json()["results"].as_array().unwrap().len(),
        20
    );
}

#[tokio::test]
async fn s21_a_deleted_goal_is_forgotten_after_its_days() {
    let town = Town::start_with(&["--erase-after", "7", "--link-previews", "off"]).await;
    let (alice, bob, goal) = two(&town).await;
    let other = alice.founds("Zqother goal").await;
    alice.says(&other, "zqother stays").await;
    alice
        .post(&format!("/goal/{}/edit", goal.id), &[("title", "zqburied goal"), ("description", "zqburied too")])
        .await;
    for n in 0..450 {
        alice.says(&goal, &format!("zqburied {n} @Bob https://zqburied.example/{n}")).await;
    }
    let edited = id(&alice.says(&goal, "zqburied before").await);
    alice.post(&format!("/message/{edited}/edit"), &[("content", "zqburied after")]).await;
    sends(
        &bob,
        &goal,
        "zqburied picture",
        &[("zqburied.txt", b"zqburied bytes"), ("b.png", &picture(600, 300, ImageFormat::Png))],
    )
    .await;
    assert_eq!(alice.post(&format!("/goal/{}/delete", goal.id), &[]).await.status, 200);
    town.pass(7 * DAY - 1);
    assert_eq!(
        town.app.erase_deleted_rooms().await.unwrap(),
        0,
        "it may have been a mistake: the operator can still bring it back"
    );
    if !town.database.is_postgres() {
        assert!(!holding(&town, "zqburied").is_empty());
    }
    town.pass(1);
    assert_eq!(town.app.erase_deleted_rooms().await.unwrap(), 1);
    town.app.tidy().await.unwrap();
    is_erased(&town, "zqburied").await;
    let kept = town.database.folder.path().join("files/kept");
    assert_eq!(all_files(&kept).iter().filter(|path| path.is_file()).count(), 0, "its files are gone");
    assert_eq!(town.app.erase_deleted_rooms().await.unwrap(), 0, "once");
    assert_eq!(alice.fetch(&other, "").await["messages"][0]["content"], "zqother stays");
    for page in ["/goals", "/notifications", "/user/fetch?since=0", "/search?q=zqburied"] {
        for who in [&alice, &bob] {
            let answer = who.page(page).await;
            assert!(
                answer.status.is_success() && !answer.text.contains("zqburied") || page.contains("zqburied"),
                "{page}: {}",
                answer.status
            );
        }
    }
}

/// An address is looked behind beside the sending: what comes after the message was deleted is forgotten within the hour.
#[tokio::test]
async fn s21_what_was_found_behind_an_address_goes_too() {
    let town = Town::start_with(&["--link-previews", "off"]).await;
    let now = town.app.clock.now();
    let remember = move |tx: &mut palabre::db::Writer<'_>| {
        palabre::message::link::remember(tx, "https://zqlate.example/x", None, now)
    };
    town.app.db.write(palabre::db::Lane::None, remember).await.unwrap();
    town.app.tidy().await.unwrap();
    assert!(
        town.database.is_postgres() || !holding(&town, "zqlate").is_empty(),
        "a message that shows it may be on its way"
    );
    town.pass(3_600);
    town.app.tidy().await.unwrap();
    is_erased(&town, "zqlate").await;
}

#[tokio::test]
async fn s21_a_deleted_goal_stays_when_the_setting_says_so() {
    let town = Town::start_with(&["--erase-after", "0"]).await;
    let (alice, _, goal) = two(&town).await;
    alice.says(&goal, "zqburied").await;
    alice.post(&format!("/goal/{}/delete", goal.id), &[]).await;
    town.pass(10_000 * DAY);
    assert_eq!(town.app.erase_deleted_rooms().await.unwrap(), 0);
}

/// Other accounts of the machine read nothing, also of what was written before this was so.
#[tokio::test]
async fn s20_only_the_owner_reads_what_is_kept() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    sends(&alice, &goal, "", &[("a.txt", b"private"), ("b.png", &picture(600, 300, ImageFormat::Png))]).await;
    let folder = town.database.folder.path().to_owned();
    let open = |folder: &Path| {
        let mode = |path: &PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o077;
        all_files(folder).into_iter().filter(|path| mode(path) != 0).collect::<Vec<_>>()
    };
    assert_eq!(open(&folder), Vec::<PathBuf>::new());
    assert!(all_files(&folder).iter().any(|path| path.ends_with("files/kept")));
    for path in all_files(&folder) {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let town = town.restart().await;
    assert_eq!(open(&folder), Vec::<PathBuf>::new(), "what others could read is closed at the start");
    drop(town);
}

/// The real program closes its own data folder too, and a mask keeps everything that it makes from the others.
#[tokio::test]
async fn s20_the_program_makes_a_private_folder() {
    let database = Database::new();
    let data = database.folder.path().join("fresh");
    let mut command = std::process::Command::new("sh");
    command.args([
        "-c",
        "umask 000; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_palabre"),
        "--listen",
        "127.0.0.1:0",
        "--data",
    ]);
    command.arg(&data).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PALABRE_") || name.starts_with("DATABASE_"))
    {
        command.env_remove(name);
    }
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let modes: Vec<(PathBuf, u32)> = all_files(&data).into_iter().map(|path| (path.clone(), mode(&path))).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("Palabre is ready"), "{line}");
    assert_eq!(mode(&data), 0o700);
    assert!(modes.len() > 4 && modes.iter().all(|(_, mode)| mode & 0o077 == 0), "{modes:?}");
}
