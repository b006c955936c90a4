//! Accounts and sessions: who gets in, who stays in, who is out.

use crate::harness::{Answer, Browser, PASSWORD, Town};
use reqwest::StatusCode;
use serde_json::json;

pub fn registration<'a>(email: &'a str, first_name: &'a str, last_name: &'a str) -> [(&'a str, &'a str); 4] {
    [("email", email), ("password", PASSWORD), ("first_name", first_name), ("last_name", last_name)]
}

/// The session's cookie as an answer sets it: `(name, value, attributes)`.
fn session_cookie(answer: &Answer) -> (String, String, String) {
    let line = answer.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok());
    let line = line.map(str::to_owned).find(|line| line.contains("palabre") && !line.contains("_locale"));
    let line = line.expect("a session's cookie");
    let (pair, attributes) = line.split_once(';').unwrap();
    let (name, value) = pair.split_once('=').unwrap();
    (name.to_owned(), value.to_owned(), attributes.to_owned())
}

async fn is_in(browser: &Browser) -> bool {
    browser.get("/user/fetch").await.status == StatusCode::OK
}

#[tokio::test]
async fn the_first_account_administers_the_site() {
    let town = Town::start().await;
    let visitor = town.visitor();
    assert_eq!(visitor.page("/").await.location(), "/register", "an empty installation asks for its first account");
    let alice = visitor.post("/register", &registration("Alice@Example.org", "Alice", "Martin")).await;
    assert_eq!(alice.status, StatusCode::CREATED);
    let user = json!({
        "id": 1, "first_name": "Alice", "last_name": "Martin", "initials": "AM", "email": "Alice@Example.org",
        "is_site_admin": true,
    });
    assert_eq!(alice.json(), json!({ "user": user }));
    let bob = town.visitor().post("/register", &registration("bob@example.org", "Bob", "Petit")).await;
    assert_eq!(bob.json()["user"]["is_site_admin"], false);
    assert_eq!(town.visitor().page("/").await.location(), "/goals");
    assert!(!alice.text.contains(PASSWORD) && !alice.text.contains("argon2"));
}

#[tokio::test]
async fn what_is_wrong_with_a_registration_is_told_field_by_field() {
    let town = Town::start().await;
    let form = [("email", "alice"), ("password", "court"), ("first_name", "Élodie"), ("last_name", " ")];
    let answer = town.visitor().post("/register", &form).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = answer.json()["error"]["fields"].clone();
    assert_eq!(fields.as_object().unwrap().keys().collect::<Vec<_>>(), ["email", "last_name", "password"]);
    let page = town.visitor().submit("/register", &form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains("value=\"Élodie\"") && page.text.contains("value=\"alice\""), "what was typed stays");
    assert!(!page.text.contains("court\""), "but not the password");
}

#[tokio::test]
async fn an_address_is_one_account_whatever_its_case() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let again = town.visitor().post("/register", &registration("ALICE@example.ORG", "Alice", "Deux")).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.json()["error"]["fields"]["email"].is_string());
    let login = town.visitor().post("/login", &[("email", " aLiCe@EXAMPLE.org "), ("password", PASSWORD)]).await;
    assert_eq!(login.status, StatusCode::OK);
    assert_eq!(login.json()["user"]["id"], alice.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_registrations_at_once_are_one_account_and_one_administrator() {
    let town = Town::start().await;
    let together = (0..4).map(|n| {
        let visitor = town.visitor();
        tokio::spawn(async move {
            let email = if n < 2 { "alice@example.org".to_owned() } else { format!("bob{n}@example.org") };
            visitor.post("/register", &registration(&email, "Alice", "Martin")).await
        })
    });
    let mut statuses = Vec::new();
    let mut admins = 0;
    for answer in together.collect::<Vec<_>>() {
        let answer = answer.await.unwrap();
        statuses.push(answer.status.as_u16());
        admins += i32::from(answer.text.contains("\"is_site_admin\":true"));
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 201, 422]);
    assert_eq!(admins, 1);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_the_same() {
    let town = Town::start().await;
    town.person("Alice").await;
    let try_in = async |email: &str, password: &str| {
        let visitor = town.visitor();
        let answer = visitor.post("/login", &[("email", email), ("password", password)]).await;
        assert!(!is_in(&visitor).await);
        assert_eq!(answer.headers.get("set-cookie"), None);
        (answer.status, answer.text)
    };
    let wrong = try_in("alice@example.org", "wrong horse").await;
    assert_eq!(wrong.0, StatusCode::UNPROCESSABLE_ENTITY);
    for (email, password) in [
        ("nobody@example.org", PASSWORD),
        ("alice@example.org", ""),
        ("alice@example.org", "Correct horse"),
        ("", ""),
        ("alice@example.org' or '1'='1", PASSWORD),
    ] {
        assert_eq!(try_in(email, password).await, wrong, "{email} {password}");
    }
    let page = town.visitor().submit("/login", &[("email", "alice@example.org"), ("password", "wrong horse")]).await;
    assert!(page.text.contains("value=\"alice@example.org\"") && !page.text.contains("wrong horse"));
}

#[tokio::test]
async fn the_cookie_is_the_sessions_alone() {
    let town = Town::start().await;
    let answer = town.visitor().post("/register", &registration("alice@example.org", "Alice", "Martin")).await;
    let (name, value, attributes) = session_cookie(&answer);
    assert_eq!(name, format!("palabre_{}", town.address.port()));
    assert_eq!(value.len(), 43, "256 bits");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"] {
        assert!(attributes.contains(attribute), "{attributes}");
    }
    assert!(!attributes.contains("Secure") && !attributes.contains("Domain"));
}

#[tokio::test]
async fn behind_https_the_cookie_is_bound_to_the_host() {
    let town = Town::start_with(&["--public-url", "https://chat.example"]).await;
    let alice = town.visitor();
    let answer = alice.post("/register", &registration("alice@example.org", "Alice", "Martin")).await;
    let (name, _, attributes) = session_cookie(&answer);
    assert_eq!(name, "__Host-palabre");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Secure"] {
        assert!(attributes.contains(attribute), "{attributes}");
    }
    assert!(!attributes.contains("Domain"));
    assert!(answer.header("strict-transport-security").starts_with("max-age="));
    assert!(is_in(&alice).await);
    let origin = [("origin", "https://chat.example"), ("host", "chat.example")];
    assert_eq!(alice.post_with("/preferences", &origin, &[("theme", "dark")]).await.status, StatusCode::OK);
}

/// CVE-2021-32676 and its like: a session that somebody planted before the login is worth nothing after it.
#[tokio::test]
async fn a_login_never_takes_over_a_session() {
    let town = Town::start().await;
    town.person("Alice").await;
    let mallory = town.person("Mallory").await;
    let name = format!("palabre_{}", town.address.port());
    let planted = mallory.cookies.lock().unwrap()[&name].clone();
    for planted in [planted, "A".repeat(43)] {
        let victim = town.visitor();
        victim.cookies.lock().unwrap().insert(name.clone(), planted.clone());
        assert_eq!(victim.signs_in_as("Alice").await.status, StatusCode::OK);
        let fresh = victim.cookies.lock().unwrap()[&name].clone();
        assert_ne!(fresh, planted);
        let thief = town.visitor();
        thief.cookies.lock().unwrap().insert(name.clone(), planted);
        assert!(!is_in(&thief).await, "what was planted opens nothing");
        let again = victim.signs_in_as("Alice").await;
        assert_ne!(session_cookie(&again).1, fresh, "each login is a session of its own");
        victim.cookies.lock().unwrap().insert(name.clone(), fresh);
        assert!(!is_in(&victim).await, "and ends the one that it replaces");
    }
}

/// CVE-2021-37866 and its like: signing out is the end of the session, not of the cookie.
#[tokio::test]
async fn signing_out_ends_that_session_at_once_and_no_other() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let phone = alice.second_browser().await;
    assert!(is_in(&alice).await && is_in(&phone).await);
    let kept = alice.cookie_header();
    let out = alice.submit("/logout", &[]).await;
    assert_eq!(out.location(), "/login?notice=signed-out");
    assert!(alice.page(out.location()).await.text.contains("Vous êtes déconnecté"));
    let left = alice.cookie_header();
    assert!(left.starts_with("palabre_device_") && !left.contains(';'), "both cookies are gone: {left}");
    let thief = town.visitor();
    let answer = thief.get_with("/user/fetch", &[("cookie", &kept)]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "and the server has forgotten the session too");
    assert!(is_in(&phone).await);
    assert_eq!(
        town.visitor().post("/logout", &[]).await.status,
        StatusCode::OK,
        "signing out twice is signing out once"
    );
}

#[tokio::test]
async fn a_session_ends_after_thirty_days() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    const DAY: i64 = 24 * 3_600;
    town.pass(30 * DAY - 1);
    assert!(is_in(&alice).await);
    town.pass(1 + DAY);
    assert!(!is_in(&alice).await, "though it was asked for recently");
    assert_eq!(alice.signs_in_as("Alice").await.status, StatusCode::OK);
    assert!(is_in(&alice).await);
}

#[tokio::test]
async fn a_session_survives_a_restart() {
    let town = Town::start().await;
    let mut alice = town.person("Alice").await;
    let town = town.restart().await;
    alice.moves_to(&town);
    assert!(is_in(&alice).await);
}

#[tokio::test]
async fn a_closed_site_lets_its_first_account_in_and_nobody_else() {
    let town = Town::start_with(&["--registration", "closed"]).await;
    let alice = town.person("Alice").await;
    let page = town.visitor().page("/register").await;
    assert!(!page.text.contains("name=\"password\"") && page.text.contains("Inscriptions fermées"));
    let answer = town.visitor().post("/register", &registration("bob@example.org", "Bob", "Petit")).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "forbidden"));
    assert_eq!(alice.signs_in_as("Bob").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(alice.signs_in_as("Alice").await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_tries_too_often_is_told_when_to_come_back() {
    let town = Town::start_with(&["--rate-limits", "on"]).await;
    town.person("Alice").await;
    let visitor = town.visitor();
    let mut last = None;
    for _ in 0..11 {
        last = Some(visitor.post("/login", &[("email", "alice@example.org"), ("password", "wrong horse")]).await);
    }
    let last = last.unwrap();
    assert_eq!((last.status, last.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "too_many"));
    let seconds: u64 = last.header("retry-after").parse().unwrap();
    assert!((1..=31).contains(&seconds));
    assert!(last.message().contains("Trop d’essais"), "{}", last.text);
    let right = visitor.signs_in_as("Alice").await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS, "the right password does not get around it");
    let mut registrations = Vec::new();
    for n in 0..11 {
        let email = format!("bob{n}@example.org");
        registrations.push(town.visitor().post("/register", &registration(&email, "Bob", "Petit")).await);
    }
    let refused = registrations.iter().find(|answer| answer.status != StatusCode::CREATED).unwrap();
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!refused.header("retry-after").is_empty());
    let page = visitor.submit("/login", &[("email", "alice@example.org"), ("password", PASSWORD)]).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(page.text.contains("Trop d’essais") && !page.header("retry-after").is_empty());
}

#[tokio::test]
async fn a_page_speaks_the_persons_language() {
    let town = Town::start().await;
    let visitor = town.visitor();
    let lang = async |headers: &[(&str, &str)]| {
        let mut all = vec![("accept", "text/html")];
        all.extend_from_slice(headers);
        let page = visitor.get_with("/login", &all).await.text;
        page.split_once("<html lang=\"").unwrap().1[..2].to_owned()
    };
    assert_eq!(lang(&[]).await, "fr", "French when in doubt");
    assert_eq!(lang(&[("accept-language", "en-GB,en;q=0.9")]).await, "en");
    assert_eq!(lang(&[("accept-language", "de, fr;q=0.4, en;q=0.5")]).await, "en");
    let chosen = visitor.submit("/preferences", &[("locale", "fr"), ("back", "/login")]).await;
    assert_eq!(chosen.location(), "/login");
    assert_eq!(lang(&[("accept-language", "en")]).await, "fr", "a choice wins over the browser");
    let alice = town.person("Alice").await;
    assert_eq!(alice.post("/preferences", &[("locale", "en")]).await.status, StatusCode::OK);
    let phone = alice.second_browser().await;
    let page = phone.page("/goals").await;
    assert!(page.text.contains("<html lang=\"en\""), "the account keeps the choice for its other browsers");
    let error = phone.get("/goal/999").await;
    assert_eq!(error.message(), "This page does not exist, or it is not open to you.");
    let odd = alice.post("/preferences", &[("locale", "tlh")]).await;
    assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_theme_is_kept_and_nothing_else_is() {
    let town = Town::start().await;
    let visitor = town.visitor();
    let theme = async || {
        let page = visitor.page("/login").await.text;
        page.split_once("data-theme=\"").unwrap().1.split('"').next().unwrap().to_owned()
    };
    assert_eq!(theme().await, "auto");
    assert_eq!(visitor.submit("/preferences", &[("theme", "dark"), ("back", "/login")]).await.location(), "/login");
    assert_eq!(theme().await, "dark");
    let odd = visitor.post("/preferences", &[("theme", "\"><script>")]).await;
    assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(theme().await, "dark");
    visitor.cookies.lock().unwrap().insert("palabre_theme".into(), "\"><script>".into());
    assert_eq!(theme().await, "auto");
}

#[tokio::test]
async fn a_door_leads_nowhere_else() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let elsewhere = [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=y",
        "/\t/evil.example",
        "evil",
    ];
    for next in elsewhere {
        let form = [("email", "alice@example.org"), ("password", PASSWORD), ("next", next)];
        assert_eq!(town.visitor().submit("/login", &form).await.location(), "/", "{next:?}");
        let query = percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC).to_string();
        let page = town.visitor().page(&format!("/login?next={query}")).await;
        assert!(page.text.contains("name=\"next\" value=\"\""), "{next:?}");
        let back = alice.submit("/preferences", &[("theme", "dark"), ("back", next)]).await;
        assert_eq!(back.location(), "/", "{next:?}");
    }
    let form = [("email", "alice@example.org"), ("password", PASSWORD), ("next", "/goal/7?x=y")];
    assert_eq!(town.visitor().submit("/login", &form).await.location(), "/goal/7?x=y");
    let page = town.visitor().page("/login?next=%2Fgoal%2F7").await;
    assert!(page.text.contains("value=\"&#x2f;goal&#x2f;7\""));
}

/// Who was signed out while writing gets back to a page, never to the address of a form.
#[tokio::test]
async fn the_way_back_is_a_page() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let goal = alice.founds("Marathon").await;
    let message = alice.says(&goal, "Salut").await["message"]["id"].as_i64().unwrap();
    let visitor = town.visitor();
    let page = format!("http://{}{}", town.address, goal.path());
    for path in [format!("/message/{message}/edit"), format!("/goal/{}/join", goal.id)] {
        let headers = [("accept", "text/html"), ("referer", page.as_str())];
        let asked = visitor.post_with(&path, &headers, &[("content", "Tard")]).await;
        let next = asked.location().strip_prefix("/login?next=").expect("a way back").to_owned();
        let next = percent_encoding::percent_decode_str(&next).decode_utf8_lossy().into_owned();
        assert_eq!(next, goal.path(), "{path}");
        let foreign = [("accept", "text/html"), ("referer", "https://evil.example/goal/1")];
        assert_eq!(visitor.post_with(&path, &foreign, &[]).await.location(), "/login");
        assert_eq!(visitor.post_with(&path, &[("accept", "text/html")], &[]).await.location(), "/login");
    }
    let wrong = alice.submit(&format!("/message/{message}/edit"), &[("content", "")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        !wrong.text.contains(&format!("value=\"&#x2f;message&#x2f;{message}&#x2f;edit\"")),
        "for the switches neither"
    );
}
