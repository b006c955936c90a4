//! Every route of the site, asked by the people it is for, in the large room. What is done is undone, so that a site can be visited again.

use super::fill::Site;
use crate::files::{file_id, picture, sends};
use crate::harness::{Browser, Goal, START, Town};
use crate::message::id;
use crate::push;
use crate::voice;
use palabre::id::UserId;
use palabre::web::ROUTES;
use reqwest::Method;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

/// A visit of a site.
pub struct Visit<'a> {
    town: &'a Town,
    goal: Goal,
    messages: &'a [i64],
    people: Vec<Browser>,
    asked: BTreeSet<(&'static str, &'static str)>,
}

impl<'a> Visit<'a> {
    pub fn new(town: &'a Town, site: &'a Site) -> Self {
        let mut people = site.people.clone();
        people.iter_mut().for_each(|person| *person = person.copy());
        people.iter_mut().for_each(|person| person.moves_to(town));
        Self { town, goal: site.goal, messages: &site.messages, people, asked: BTreeSet::new() }
    }

    pub fn who(&self, name: &str) -> Browser {
        self.people.iter().find(|person| person.name == name).expect("somebody of that name").clone()
    }

    /// Routes that were not asked.
    pub fn left(&self) -> Vec<(&'static str, &'static str)> {
        ROUTES.iter().filter(|route| !self.asked.contains(*route)).copied().collect()
    }

    /// Asks a route of the table: `place` stands for the route's parameter, `tail` comes after the path.
    async fn ask(
        &mut self,
        who: &str,
        method: &'static str,
        route: &'static str,
        place: &[String],
        tail: &str,
        form: &[(&str, &str)],
    ) {
        let mut path = String::new();
        let mut places = place.iter();
        for part in route.split('/').skip(1) {
            let given =
                if part.starts_with('{') { places.next().expect("a value for each parameter").as_str() } else { part };
            path.push('/');
            path.push_str(given);
        }
        path.push_str(tail);
        self.asked.insert((method, route));
        let who = self.who(who);
        let answer = if method == "GET" {
            who.page(&path).await;
            who.get(&path).await
        } else {
            who.post(&path, form).await
        };
        let status = answer.status;
        assert!(!status.is_client_error() && !status.is_server_error(), "{method} {path}: {status} {}", answer.text);
    }

    pub async fn everything(&mut self) {
        self.pages().await;
        self.room().await;
        self.searches().await;
        self.marks().await;
        self.membership().await;
        self.files().await;
        self.ends().await;
    }

    async fn pages(&mut self) {
        for (who, route) in [
            ("Frank", "/"),
            ("Frank", "/healthz"),
            ("Frank", "/readyz"),
            ("Frank", "/robots.txt"),
            ("Frank", "/sw.js"),
            ("Carol", "/goals"),
            ("Carol", "/goal/new"),
            ("Carol", "/notifications"),
            ("Dan", "/notifications"),
            ("Carol", "/settings"),
            ("Carol", "/user/fetch"),
            ("Alice", "/user/fetch"),
        ] {
            self.ask(who, "GET", route, &[], "", &[]).await;
        }
        self.ask("Carol", "GET", "/user/fetch", &[], "?since=3", &[]).await;
        for tail in ["?order=newest", "?order=title", "?q=marathon", "?q=introuvable&order=title", "?mine=true"] {
            self.ask("Carol", "GET", "/goals", &[], tail, &[]).await;
        }
        self.ask("Dan", "GET", "/notifications", &[], "?before=9", &[]).await;
        let asset = self.town.app.views.assets().url("app.js");
        let (digest, path) = asset.trim_start_matches("/public/").split_once('/').expect("a digest");
        self.ask("Carol", "GET", "/public/{digest}/{*path}", &[digest.into(), path.into()], "", &[]).await;
        for route in ["/login", "/register"] {
            self.asked.insert(("GET", route));
            self.town.visitor().page(route).await;
        }
        let person = format!("neu{}", fresh());
        let registered = self.town.person(&person).await;
        self.asked.insert(("POST", "/register"));
        let login = [("email", format!("{person}@example.org")), ("password", crate::harness::PASSWORD.to_owned())];
        let login: Vec<(&str, &str)> = login.iter().map(|(name, value)| (*name, value.as_str())).collect();
        registered.post("/login", &login).await;
        registered.post("/logout", &[]).await;
        self.asked.extend([("POST", "/login"), ("POST", "/logout")]);
        self.ask("Carol", "POST", "/preferences", &[], "", &[("theme", "dark"), ("locale", "fr")]).await;
        self.ask("Carol", "POST", "/realtime/token", &[], "", &[]).await;
        self.ask("Zoe", "POST", "/realtime/mode", &[], "", &[("mode", "hybrid")]).await;
        self.ask("Carol", "POST", "/settings", &[], "", &[("email_notices", "digest")]).await;
        for shows in ["false", "true"] {
            self.ask("Carol", "POST", "/settings/reads", &[], "", &[("shows_reads", shows)]).await;
        }
        self.ask("Carol", "POST", "/presence/away", &[], "", &[]).await;
        self.ask("Dan", "POST", "/notifications/seen", &[], "", &[("revision", "2")]).await;
        let token = self.town.app.postman.token(UserId(self.who("Dan").id));
        self.ask("Frank", "GET", "/unsubscribe/{token}", std::slice::from_ref(&token), "", &[]).await;
        self.ask("Frank", "POST", "/unsubscribe/{token}", &[token], "", &[]).await;
        let endpoint = "https://push.example/carol";
        let browser = [("endpoint", endpoint), ("p256dh", push::POINT), ("auth", push::AUTH)];
        self.ask("Carol", "POST", "/push/subscribe", &[], "", &browser).await;
        self.asked.insert(("POST", "/push/test"));
        self.who("Carol").post("/push/test", &[("endpoint", endpoint)]).await;
        self.ask("Carol", "POST", "/push/unsubscribe", &[], "", &[("endpoint", endpoint)]).await;
    }

    async fn room(&mut self) {
        let (room, goal) = ([self.goal.room.to_string()], [self.goal.id.to_string()]);
        let top = self.town.app.live.tops.get(palabre::id::RoomId(self.goal.room)).unwrap_or(1);
        for who in ["Alice", "Carol", "Dan"] {
            self.ask(who, "GET", "/message/chatroom/{id}", &room, "", &[]).await;
        }
        for tail in [
            String::new(),
            "?since=0&limit=50".into(),
            format!("?since={}", top - 20),
            format!("?since={top}"),
            format!("?since={}", top + 9),
            format!("?before={}&limit=50", top - 10),
            format!("?before={}&limit=50", 2_000 + top / 2),
            format!("?lastMessageId={}", self.messages[self.messages.len() - 9]),
        ] {
            self.ask("Dan", "GET", "/message/chatroom/{id}/fetch", &room, &tail, &[]).await;
        }
        for route in ["/message/chatroom/{id}/pins", "/message/chatroom/{id}/hidden", "/presence/{id}", "/goal/{id}"] {
            let place = if route.starts_with("/goal") { &goal } else { &room };
            self.ask("Dan", "GET", route, place, "", &[]).await;
        }
        for tail in ["", "?q=martin", "?q=introuvable", "?limit=8"] {
            self.ask("Dan", "GET", "/chatroom/{id}/members", &room, tail, &[]).await;
        }
        self.ask("Alice", "GET", "/goal/{id}", &goal, "", &[]).await;
        self.ask("Alice", "GET", "/goal/{id}/edit", &goal, "", &[]).await;
        for title in ["Grand marathon", "Marathon"] {
            let edit = [("title", title), ("status", "active"), ("progress", "3"), ("history", "all")];
            self.ask("Alice", "POST", "/goal/{id}/edit", &goal, "", &edit).await;
        }
        self.ask("Dan", "POST", "/presence/typing/{id}", &room, "", &[("on", "true")]).await;
        self.ask("Dan", "POST", "/message/chatroom/{id}/preview", &room, "", &[("content", "@Carol Martin ?")]).await;
        let answered = self.messages[self.messages.len() / 2].to_string();
        for (content, reply) in [("Bonjour", ""), ("Salut @Carol Martin et @Ali3", answered.as_str()), ("@all ici", "")]
        {
            let nonce = format!("visit-{}", fresh());
            let form = [("content", content), ("client_nonce", nonce.as_str()), ("reply_to", reply)];
            self.ask("Alice", "POST", "/message/chatroom/{id}", &room, "", &form).await;
            self.ask("Alice", "POST", "/message/chatroom/{id}", &room, "", &form).await;
        }
    }

    async fn searches(&mut self) {
        let room = [self.goal.room.to_string()];
        let day = START - 3_600 * 1_000_000;
        let author = self.who("Alice").id;
        let at = |micros: i64| palabre::clock::rfc3339(micros).replace('+', "%2B");
        for tail in [
            // In every message, in a third, in a fiftieth, in one, in none, two letters, unlucky.
            "?q=reunion".to_owned(),
            "?q=demain".into(),
            "?q=%E6%9D%B1%E4%BA%AC".into(),
            format!("?q=numero{}e", 2),
            "?q=introuvable".into(),
            "?q=me".into(),
            "?q=demain+photo".into(),
            format!("?q=reunion&from={}", at(day)),
            format!("?q=reunion&to={}", at(START - 100 * 86_400 * 1_000_000)),
            format!("?q=reunion&from={}", at(START + 100 * 86_400 * 1_000_000)),
            format!("?q=reunion&author={author}"),
            "?q=reunion&has_file=true".into(),
            format!("?q=reunion&before={}", self.messages[self.messages.len() / 2]),
        ] {
            self.ask("Carol", "GET", "/message/chatroom/{id}/search", &room, &tail, &[]).await;
            self.ask("Carol", "GET", "/search", &[], &tail, &[]).await;
        }
    }

    async fn marks(&mut self) {
        let change = self.who("Carol").says(&self.goal, "Voici http://127.0.0.1/x").await;
        let own = [id(&change).to_string()];
        let old = [self.messages[3].to_string()];
        let middle = [self.messages[self.messages.len() / 2].to_string()];
        for place in [&own, &old, &middle] {
            for (who, method, route) in [
                ("Carol", "GET", "/message/{id}"),
                ("Carol", "GET", "/message/{id}/reactions"),
                ("Carol", "GET", "/message/{id}/reads"),
                ("Alice", "GET", "/message/{id}/versions"),
                ("Dan", "POST", "/message/{id}/mark-read"),
                ("Dan", "POST", "/message/{id}/mark-unread"),
            ] {
                self.ask(who, method, route, place, "", &[]).await;
            }
            for (who, route, form) in [
                ("Alice", "/message/{id}/pin", [("on", "true")]),
                ("Alice", "/message/{id}/unpin", [("on", "true")]),
                ("Carol", "/message/{id}/hide", [("on", "true")]),
                ("Carol", "/message/{id}/hide", [("on", "false")]),
            ] {
                self.ask(who, "POST", route, place, "", &form).await;
            }
            for _ in 0..2 {
                let react = [place[0].clone(), "heart".to_owned()];
                self.ask("Carol", "POST", "/message/{id}/react/{emoji}", &react, "", &[]).await;
            }
        }
        // What was unpinned a moment ago was pinned on the day of the fill.
        self.ask("Alice", "POST", "/message/{id}/pin", &old, "", &[]).await;
        // The fill gave every fifth message a link that its text does not hold; every second is Alice's.
        for message in self.messages.iter().filter(|message| *message % 5 == 0).take(4) {
            self.who("Alice")
                .post(&format!("/message/{message}/edit"), &[("content", &format!("Relu {}", fresh()))])
                .await;
        }
        self.ask("Carol", "POST", "/message/{id}/edit", &own, "", &[("content", "Voilà @Dan Martin")]).await;
        self.ask("Carol", "POST", "/message/{id}/previews/remove", &own, "", &[]).await;
        self.ask("Carol", "POST", "/message/{id}/delete", &own, "", &[]).await;
        let room = [self.goal.room.to_string()];
        for level in ["mentions", "all"] {
            self.ask("Carol", "POST", "/chatroom/{id}/notifications", &room, "", &[("level", level)]).await;
        }
    }

    async fn membership(&mut self) {
        let goal = self.goal.id.to_string();
        let eve = [goal.clone(), self.who("Eve").id.to_string()];
        let place = std::slice::from_ref(&goal);
        self.ask("Eve", "POST", "/goal/{id}/join", place, "", &[]).await;
        self.ask("Alice", "POST", "/goal/{id}/participation/{user}/refuse", &eve, "", &[]).await;
        self.ask("Eve", "POST", "/goal/{id}/join", place, "", &[]).await;
        self.ask("Alice", "GET", "/goal/{id}", place, "", &[]).await;
        self.ask("Alice", "POST", "/goal/{id}/participation/{user}/approve", &eve, "", &[]).await;
        for role in ["admin", "member"] {
            self.ask("Alice", "POST", "/goal/{id}/participation/{user}/role", &eve, "", &[("role", role)]).await;
        }
        self.ask("Alice", "POST", "/goal/{id}/participation/{user}/remove", &eve, "", &[]).await;
        self.ask("Eve", "POST", "/goal/{id}/join", place, "", &[]).await;
        self.ask("Alice", "POST", "/goal/{id}/participation/{user}/approve", &eve, "", &[]).await;
        self.ask("Eve", "POST", "/goal/{id}/leave", place, "", &[]).await;
        let room = [self.goal.room.to_string()];
        for route in
            ["/chatroom/{id}/lock", "/chatroom/{id}/unlock", "/chatroom/{id}/archive", "/chatroom/{id}/restore"]
        {
            self.ask("Alice", "POST", route, &room, "", &[]).await;
        }
    }

    async fn files(&mut self) {
        let alice = self.who("Alice");
        let change = sends(&alice, &self.goal, "Image", &[("a.png", &picture(600, 2, image::ImageFormat::Png))]).await;
        let file = [file_id(&change).to_string()];
        for route in ["/attachment/{id}", "/attachment/{id}/thumbnail"] {
            self.ask("Carol", "GET", route, &file, "", &[]).await;
        }
        let path = format!("{}/send-voice", self.goal.path());
        voice::posts(&alice, &path, &format!("voice-{}", fresh()), &voice::wave(1)).await;
        self.asked.insert(("POST", "/message/chatroom/{id}/send-voice"));
        self.asked.insert(("GET", "/message/chatroom/{id}/export"));
        let path = format!("{}/export", self.goal.path());
        let archive = alice.request(Method::GET, &path, &[], "").await;
        assert!(archive.status().is_success());
        archive.bytes().await.unwrap();
    }

    /// A goal that comes and goes, and the large one last.
    async fn ends(&mut self) {
        let spare = self.who("Alice").founds("Éphémère").await;
        self.asked.insert(("POST", "/goal/new"));
        self.ask("Alice", "POST", "/goal/{id}/delete", &[spare.id.to_string()], "", &[]).await;
        self.ask("Alice", "POST", "/chatroom/{id}/delete", &[self.goal.room.to_string()], "", &[]).await;
    }
}

/// A number that no visit had.
fn fresh() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
