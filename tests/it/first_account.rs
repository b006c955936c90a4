//! The first account administers the site: where strangers may come first, it takes a code that only the operator has seen.

use crate::harness::{Answer, Browser, Database, PASSWORD, Town, within};
use reqwest::StatusCode;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

async fn register(browser: &Browser, email: &str, code: Option<&str>) -> Answer {
    let mut form = vec![("email", email), ("password", PASSWORD), ("first_name", "Alice"), ("last_name", "Martin")];
    form.extend(code.map(|code| ("code", code)));
    browser.post("/register", &form).await
}

#[tokio::test]
async fn s23_the_first_account_takes_the_code_and_no_other_does() {
    let town = Town::start().await;
    let code = town.app.require_first_code().await.unwrap().unwrap();
    assert_eq!(code.len(), 14, "{code}");
    for wrong in [None, Some(""), Some("AAAA-BBBB-CCCC"), Some(&code[..13]), Some("\u{fffd}"), Some(&code.repeat(2))] {
        let answer = register(&town.visitor(), "alice@example.org", wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
        let told = answer.json()["error"]["fields"]["code"].as_str().unwrap().to_owned();
        assert!(told.contains("le code que le serveur a affiché"), "{told}");
        assert!(!answer.text.contains(&code));
    }
    let page = town.visitor().page("/register").await.text;
    assert!(page.contains("name=\"code\"") && page.contains("Code du premier compte") && !page.contains(&code));
    let typed = format!(" {} ", code.to_lowercase().replace('-', " "));
    let alice = register(&town.visitor(), "alice@example.org", Some(&typed)).await;
    assert_eq!(alice.status, StatusCode::CREATED, "{}", alice.text);
    assert_eq!(alice.json()["user"]["is_site_admin"], true);
    assert!(!town.visitor().page("/register").await.text.contains("name=\"code\""), "nobody is asked any more");
    let bob = register(&town.visitor(), "bob@example.org", None).await;
    assert_eq!((bob.status, &bob.json()["user"]["is_site_admin"]), (StatusCode::CREATED, &false.into()));
    assert_eq!(town.app.require_first_code().await.unwrap(), None);
}

#[tokio::test]
async fn s23_tries_are_counted() {
    let town = Town::start_with(&["--rate-limits", "on"]).await;
    town.app.require_first_code().await.unwrap();
    let mut refused = 0;
    for _ in 0..40 {
        let answer = register(&town.visitor(), "alice@example.org", Some("AAAA-BBBB-CCCC")).await;
        refused += u32::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(refused > 0);
}

/// The real program prints the code where it is started, and logs it nowhere; on a machine's own address it asks for none.
#[tokio::test]
async fn s23_the_code_is_printed_and_not_logged() {
    for (url, is_public) in [("https://chat.example", true), ("http://localhost", false)] {
        let database = Database::new();
        let mut command = Command::new(env!("CARGO_BIN_EXE_palabre"));
        for (name, _) in
            std::env::vars().filter(|(name, _)| name.starts_with("PALABRE_") || name.starts_with("DATABASE_"))
        {
            command.env_remove(name);
        }
        command.args(["--log", "trace", "--log-format", "json", "--listen", "127.0.0.1:0", "--public-url", url]);
        command.args(["--data", &database.folder.path().display().to_string(), "--database-url", &database.url]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert!(line.starts_with("Palabre is ready"), "{line}");
        line.clear();
        if is_public {
            output.read_line(&mut line).unwrap();
        }
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        let (mut rest, mut log) = (String::new(), String::new());
        output.read_to_string(&mut rest).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        within("the program ends", tokio::task::spawn_blocking(move || child.wait().unwrap())).await.unwrap();
        let code = line.trim().rsplit_once(": ").map(|(_, code)| code.to_owned());
        assert_eq!(code.is_some(), is_public, "{url}: {line} {rest}");
        assert!(!rest.contains("code"), "{rest}");
        if let Some(code) = code {
            assert!(code.len() == 14 && !log.contains(&code), "{code}");
        }
    }
}
