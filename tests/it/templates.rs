//! Every template, in both languages, under every condition that its page knows; a template that asks for what it is not
//! given is an error 500 here.

use crate::harness::{Answer, Browser, Goal, Town};
use crate::message::id;
use crate::user::registration;
use palabre::db::{Lane, Writer};
use palabre::id::UserId;
use palabre::view::Views;
use palabre::{params, sql};
use reqwest::{Method, StatusCode};
use std::collections::BTreeSet;

/// Pages that a route renders; the others are parts of these.
const PAGES: [&str; 13] = [
    "chatroom/chatroom.html",
    "chatroom/marked.html",
    "chatroom/search.html",
    "error.html",
    "goal/edit.html",
    "goal/index.html",
    "goal/new.html",
    "goal/show.html",
    "notification/index.html",
    "security/login.html",
    "security/register.html",
    "settings/index.html",
    "settings/unsubscribe.html",
];
/// What is rendered for no browser (tests/it/mail.rs reads it).
const LETTERS: [&str; 1] = ["mail/digest.html"];

/// What an archive's page is made of: `tests/it/export.rs` reads it.
const ARCHIVE: [&str; 2] = ["export/head.html", "export/messages.html"];

/// Is whole, speaks the language, leaves no trace of how it was made, and names nothing twice.
fn is_whole(page: &Answer, language: &str, what: &str) {
    let text = &page.text;
    assert!(!page.status.is_server_error(), "{what}: {text}");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{what}");
    assert!(text.trim_start().starts_with("<!doctype html>") && text.trim_end().ends_with("</html>"), "{what}: {text}");
    assert!(text.contains(&format!("<html lang=\"{language}\"")), "{what}");
    for trace in ["{{", "{%", "undefined", "[object", "None<", "Some("] {
        assert!(!text.contains(trace), "{what}: {trace} in {text}");
    }
    let mut ids = BTreeSet::new();
    for part in outside_of_patterns(text).split(" id=\"").skip(1) {
        let id = part.split('"').next().unwrap_or_default();
        assert!(!id.is_empty() && ids.insert(id.to_owned()), "{what}: the id {id:?} stands twice");
    }
    for part in text.split(" aria-labelledby=\"").skip(1) {
        let id = part.split('"').next().unwrap_or_default();
        assert!(ids.contains(id) || text.contains(&format!("id=\"{id}\"")), "{what}: nothing is named {id}");
    }
}

fn outside_of_patterns(text: &str) -> String {
    let parts = text.split("<template").enumerate();
    parts
        .map(|(at, part)| if at == 0 { part } else { part.split_once("</template>").map_or("", |(_, rest)| rest) })
        .collect()
}

/// What the test has seen rendered: pages by the names of their templates.
struct Tour<'a> {
    language: &'static str,
    seen: &'a mut BTreeSet<&'static str>,
}

impl Tour<'_> {
    async fn speaks(&self, who: &Browser) {
        who.post("/preferences", &[("locale", self.language)]).await;
    }

    fn check(&mut self, template: &'static str, page: &Answer, expected: u16, what: &str) {
        assert_eq!(page.status.as_u16(), expected, "{what}: {}", page.text);
        is_whole(page, self.language, what);
        self.seen.insert(template);
    }

    async fn look(&mut self, template: &'static str, who: &Browser, path: &str, expected: u16) {
        let page = who.page(path).await;
        self.check(template, &page, expected, &format!("{path} as {:?}", who.name));
    }

    async fn submit(
        &mut self,
        template: &'static str,
        who: &Browser,
        path: &str,
        form: &[(&str, &str)],
        expected: u16,
    ) {
        let page = who.submit(path, form).await;
        self.check(template, &page, expected, &format!("POST {path} as {:?}", who.name));
    }
}

async fn sets_state(town: &Town, state: &'static str) {
    let change = move |tx: &mut Writer<'_>| tx.execute(sql!("update chatroom set state = $1"), params![state]);
    town.app.db.write(Lane::None, change).await.unwrap();
}

async fn tour(language: &'static str, seen: &mut BTreeSet<&'static str>) {
    let town = Town::start().await;
    let mut tour = Tour { language, seen };
    let visitor = town.visitor();
    tour.speaks(&visitor).await;
    doors(&mut tour, &visitor).await;
    let alice = town.person("Alice").await;
    tour.speaks(&alice).await;
    for who in [&visitor, &alice] {
        tour.look("goal/index.html", who, "/goals", 200).await;
    }
    tour.look("security/register.html", &visitor, "/register?next=%2Fgoals", 200).await;
    goals(&mut tour, &town, &visitor, &alice).await;
}

async fn doors(tour: &mut Tour<'_>, visitor: &Browser) {
    tour.look("security/register.html", visitor, "/register", 200).await;
    tour.submit("security/register.html", visitor, "/register", &[("email", "x")], 422).await;
    tour.look("security/login.html", visitor, "/login", 200).await;
    tour.look("security/login.html", visitor, "/login?next=%2Fgoals&notice=signed-out", 200).await;
    tour.submit("security/login.html", visitor, "/login", &[("email", "x@example.org")], 422).await;
    tour.look("goal/index.html", visitor, "/goals", 200).await;
    tour.look("error.html", visitor, "/nowhere", 404).await;
}

async fn goals(tour: &mut Tour<'_>, town: &Town, visitor: &Browser, alice: &Browser) {
    let bob = town.person("Bob").await;
    let carol = town.person("Carol").await;
    let dan = town.person("Dan").await;
    for who in [&bob, &carol, &dan] {
        tour.speaks(who).await;
    }
    tour.look("goal/new.html", alice, "/goal/new", 200).await;
    let stop = format!("/unsubscribe/{}", town.app.postman.token(UserId(alice.id)));
    tour.look("settings/unsubscribe.html", visitor, &stop, 200).await;
    tour.submit("settings/unsubscribe.html", visitor, &stop, &[], 200).await;
    let wrong = [("title", "x"), ("start_date", "y"), ("end_date", "z"), ("description", "Pourquoi ?")];
    tour.submit("goal/new.html", alice, "/goal/new", &wrong, 422).await;
    let dates = [("2026-03-01", "2026-08-31"), ("", "2026-02-01"), ("2026-12-01", ""), ("", "")];
    for (start, end) in dates {
        let form = [("title", "Marathon"), ("description", start), ("start_date", start), ("end_date", end)];
        assert_eq!(alice.post("/goal/new", &form).await.status, StatusCode::CREATED);
    }
    let goal = Goal { id: 1, room: 1 };
    goal.lets_in(alice, &bob).await;
    goal.lets_in(alice, &carol).await;
    alice.post(&goal.participation(&bob, "role"), &[("role", "admin")]).await;
    dan.post("/goal/1/join", &[]).await;
    for who in [visitor, alice, &bob, &carol, &dan] {
        tour.look("goal/index.html", who, "/goals", 200).await;
        for path in ["/goal/1?notice=approved", "/goal/2", "/goal/3", "/goal/4"] {
            tour.look("goal/show.html", who, path, 200).await;
        }
    }
    for who in [alice, &bob] {
        tour.look("goal/edit.html", who, "/goal/1/edit", 200).await;
        let wrong = [("title", "x"), ("status", "y"), ("progress", "z")];
        tour.submit("goal/edit.html", who, "/goal/1/edit", &wrong, 422).await;
    }
    tour.submit("goal/edit.html", alice, "/goal/1/delete", &[("confirm", "Autre chose")], 422).await;
    tour.look("error.html", &carol, "/goal/1/edit", 403).await;
    rooms(tour, town, &goal, alice, [&bob, &carol, &dan]).await;
}

async fn rooms(tour: &mut Tour<'_>, town: &Town, goal: &Goal, alice: &Browser, [bob, carol, dan]: [&Browser; 3]) {
    const ROOM: &str = "chatroom/chatroom.html";
    let room = goal.path();
    for who in [alice, bob, carol] {
        tour.look(ROOM, who, &format!("{room}?notice=goal-created"), 200).await;
    }
    let source = id(&alice.says(goal, "**Salut**").await).to_string();
    let reply = bob.post(&room, &[("content", "Oui"), ("reply_to", &source)]).await.json();
    bob.post(&format!("/message/{}/edit", id(&reply)), &[("content", "Oui !")]).await;
    let deleted = id(&carol.says(goal, "Non").await).to_string();
    alice.post(&room, &[("content", "Ah ?"), ("reply_to", &deleted)]).await;
    carol.post(&format!("/message/{deleted}/delete"), &[]).await;
    for (who, act) in [(alice, "pin"), (alice, "react/like"), (bob, "react/like"), (bob, "hide")] {
        assert_eq!(who.post(&format!("/message/{source}/{act}"), &[]).await.status, StatusCode::OK, "{act}");
        for list in ["pins", "hidden"] {
            tour.look("chatroom/marked.html", who, &format!("{room}/{list}"), 200).await;
            tour.look("chatroom/marked.html", carol, &format!("{room}/{list}"), 200).await;
        }
        tour.look(ROOM, who, &room, 200).await;
    }
    for n in 0..50 {
        alice.says(goal, &format!("n° {n}")).await;
    }
    for who in [alice, bob, carol] {
        for query in [
            "",
            "?before=12",
            "?before=1",
            &format!("?reply_to={source}"),
            &format!("?reply_to={deleted}"),
            &format!("?edit={source}"),
            &format!("?edit={deleted}"),
            &format!("?edit={}", id(&reply)),
        ] {
            tour.look(ROOM, who, &format!("{room}{query}"), 200).await;
        }
        tour.look("notification/index.html", who, "/notifications", 200).await;
        tour.look("settings/index.html", who, "/settings?notice=saved", 200).await;
        tour.submit(ROOM, who, &room, &[("content", ""), ("reply_to", &source)], 422).await;
        tour.submit(ROOM, who, &room, &[("content", "x"), ("reply_to", "0")], 422).await;
    }
    searches(tour, &room, alice, dan).await;
    tour.submit(ROOM, alice, &format!("/message/{source}/edit"), &[("content", "")], 422).await;
    tour.look(ROOM, alice, "/message/chatroom/2", 200).await;
    tour.submit("error.html", carol, &format!("/message/{source}/edit"), &[("content", "x")], 403).await;
    tour.look("error.html", dan, &room, 404).await;
    tour.look("error.html", dan, "/goal/1/join", 405).await;
    tour.submit("error.html", alice, "/goal/1/leave", &[], 409).await;
    tour.submit("error.html", alice, &goal.participation(bob, "role"), &[("role", "x")], 422).await;
    for state in ["locked", "archived"] {
        sets_state(town, state).await;
        for who in [alice, carol] {
            tour.look(ROOM, who, &room, 200).await;
            tour.submit("error.html", who, &room, &[("content", "x")], 409).await;
        }
        tour.look(ROOM, alice, "/message/chatroom/2", 200).await;
    }
}

#[tokio::test]
async fn every_page_is_whole_in_both_languages() {
    for language in ["fr", "en"] {
        let mut seen = BTreeSet::new();
        tour(language, &mut seen).await;
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), PAGES);
    }
    let town = Town::start_with(&["--registration", "closed"]).await;
    town.person("Alice").await;
    is_whole(&town.visitor().page("/register").await, "fr", "the closed door");
}

async fn searches(tour: &mut Tour<'_>, room: &str, alice: &Browser, dan: &Browser) {
    const SEARCH: &str = "chatroom/search.html";
    let inside = format!("{room}/search");
    for path in ["/search", &inside] {
        for query in [
            "",
            "?q=oui",
            "?q=zzz",
            "?q=n%C2%B0&has_file=false",
            "?q=oui&from=2026-01-01&room=1&author=1&has_file=true",
        ] {
            tour.look(SEARCH, alice, &format!("{path}{query}"), 200).await;
        }
        tour.look(SEARCH, alice, &format!("{path}?q=a"), 422).await;
        tour.look(SEARCH, alice, &format!("{path}?q=oui&from=x"), 422).await;
    }
    tour.look(SEARCH, alice, &format!("{inside}?q=oui&everywhere=true"), 200).await;
    tour.look(SEARCH, dan, "/search?q=oui", 200).await;
    tour.look("error.html", dan, &inside, 404).await;
}

/// What a template takes from others.
fn parts(name: &str) -> BTreeSet<String> {
    let path = format!("{}/templates/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut parts = BTreeSet::new();
    for tag in text.split("{%").skip(1) {
        let tag = tag.trim_start_matches('-').trim_start();
        if ["extends ", "include ", "from ", "import "].iter().any(|word| tag.starts_with(word)) {
            parts.insert(tag.split('"').nth(1).expect("a template by its name").to_owned());
        }
    }
    parts
}

/// So the tour has rendered them all: a template that no page reaches is dead, a page that the tour does not know is new.
#[test]
fn every_template_is_a_page_or_part_of_one() {
    let pages = PAGES.iter().chain(&ARCHIVE).chain(&LETTERS);
    let mut reached: BTreeSet<String> = pages.map(|page| (*page).to_owned()).collect();
    let mut next: Vec<String> = reached.iter().cloned().collect();
    while let Some(name) = next.pop() {
        next.extend(parts(&name).into_iter().filter(|part| reached.insert(part.clone())));
    }
    assert_eq!(reached, Views::names().collect());
}

/// Known ways of getting this wrong, 16: one fragment for all, with nothing about who looks.
#[tokio::test]
async fn everybody_reads_the_same_fragment() {
    let town = Town::start().await;
    let (alice, bob, goal) = crate::message::two(&town).await;
    bob.post("/preferences", &[("locale", "en"), ("theme", "dark")]).await;
    let change = alice.says(&goal, "Salut **toi**").await;
    let html = change["message"]["html"].as_str().unwrap();
    for who in [&alice, &bob] {
        assert_eq!(who.fetch(&goal, "").await["messages"][1]["html"], html);
        assert!(who.page(&goal.path()).await.text.contains(html), "{} reads the same bytes", who.name);
    }
    for word in ["Modifier", "Edit", "Supprimer", "Delete", "Répondre", "Reply", "is-mine", "form", "button"] {
        assert!(!html.contains(word), "{word} is not for everybody");
    }
}

/// Known ways of getting this wrong, 12: initials and quotes are cut between letters as people see them.
#[tokio::test]
async fn letters_are_not_cut_in_two() {
    let town = Town::start().await;
    let zoe = town.visitor();
    let form =
        [("email", "z@example.org"), ("password", "correct horse"), ("first_name", "👩‍🚀 Zoé"), ("last_name", "élan")];
    let answer = zoe.post("/register", &form).await;
    assert_eq!(answer.json()["user"]["initials"], "👩‍🚀É");
    let goal = zoe.founds("Marathon").await;
    let source = zoe.says(&goal, &"👩‍🚀".repeat(200)).await;
    let reply = [("content", "Oui"), ("reply_to", &id(&source).to_string())];
    let excerpt = zoe.post(&goal.path(), &reply).await.json()["quoted"]["excerpt"].as_str().unwrap().to_owned();
    assert_eq!(excerpt, format!("{}…", "👩‍🚀".repeat(140)));
}

/// CVE-2026-24050 and its like: what people call themselves and their goals, everywhere that it is shown.
#[tokio::test]
async fn a_hostile_name_is_only_a_name() {
    let town = Town::start().await;
    const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let alice = town.visitor();
    let answer = alice.post("/register", &registration("alice@example.org", HOSTILE, HOSTILE)).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.json()["user"]["first_name"], HOSTILE, "JSON carries it as it is");
    assert!(answer.header("content-type").starts_with("application/json"));
    let founded = alice.post("/goal/new", &[("title", HOSTILE), ("description", HOSTILE)]).await;
    assert_eq!(founded.status, StatusCode::CREATED);
    let goal = Goal { id: 1, room: 1 };
    let bob = town.visitor();
    bob.post("/register", &registration("bob@example.org", HOSTILE, HOSTILE)).await;
    bob.post("/goal/1/join", &[]).await;
    let said = alice.says(&goal, HOSTILE).await;
    let id = said["message"]["id"].to_string();
    alice.post(&goal.path(), &[("content", "Réponse"), ("reply_to", &id)]).await;
    let reply = format!("{}?reply_to={id}", goal.path());
    let edit = format!("{}?edit={id}", goal.path());
    let mut shown = vec![said["message"]["html"].as_str().unwrap().to_owned()];
    for path in ["/goals", "/goal/1", "/goal/new", &goal.path(), &reply, &edit, "/nowhere"] {
        shown.push(alice.page(path).await.text);
        shown.push(town.visitor().page(path).await.text);
    }
    bob.post("/goal/1/leave", &[]).await;
    shown.push(alice.submit("/register", &registration("x", HOSTILE, HOSTILE)).await.text);
    shown.push(alice.submit("/login", &[("email", HOSTILE), ("password", "x"), ("next", HOSTILE)]).await.text);
    shown.push(
        alice.submit("/goal/new", &[("title", "x"), ("description", HOSTILE), ("start_date", HOSTILE)]).await.text,
    );
    shown.push(alice.page(&format!("/login?next=/{}", "%22%3E%3Cscript%3Ealert(1)%3C/script%3E")).await.text);
    shown.push(alice.page("/goals?notice=%3Cscript%3Ealert(1)").await.text);
    shown.push(alice.page("/nowhere?\"><script>alert(1)</script>").await.text);
    for page in shown {
        assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{page}");
    }
    let head = alice.answer(alice.request(Method::GET, "/goals", &[("accept", "text/html")], "").await).await;
    let policy = head.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'self';") && !policy.contains("unsafe")
    );
    assert_eq!(head.header("x-content-type-options"), "nosniff");
    assert_eq!(head.header("cache-control"), "private, no-store");
}
