//! Who may do what: every route, every role, through the wire. A route that is not in the matrix fails the test.

use crate::files;
use crate::harness::{Answer, Browser, Goal, PASSWORD, Town};
use crate::push;
use crate::voice;
use palabre::id::{RoomId, UserId};
use palabre::web::ROUTES;
use reqwest::{Method, StatusCode};
use std::collections::BTreeSet;

/// Somebody signed in nowhere; signed in elsewhere; who has asked; in the goal as member, admin, owner; and the site's
/// administrator, who is in no goal.
const ROLES: [&str; 7] = ["anonymous", "stranger", "pending", "member", "admin", "owner", "site admin"];

/// What a signed-in person may do whoever it is.
const ALL: [u16; 7] = [200; 7];
const SIGNED_IN: [u16; 7] = [401, 200, 200, 200, 200, 200, 200];
const INSIDE: [u16; 7] = [401, 404, 404, 200, 200, 200, 404];
const DECIDES: [u16; 7] = [401, 404, 404, 403, 200, 200, 404];
const OWNS: [u16; 7] = [401, 404, 404, 403, 403, 200, 404];

/// Method, route, what exactly is tried, and the status for each of [`ROLES`] (for a program: JSON).
#[rustfmt::skip]
const MATRIX: &[(&str, &str, &str, [u16; 7])] = &[
    ("GET", "/", "", [303; 7]),
    ("GET", "/healthz", "", ALL),
    ("GET", "/readyz", "", ALL),
    ("GET", "/robots.txt", "", ALL),
    ("GET", "/public/{digest}/{*path}", "", ALL),
    ("GET", "/login", "", [200, 303, 303, 303, 303, 303, 303]),
    ("POST", "/login", "", ALL),
    ("GET", "/register", "", [200, 303, 303, 303, 303, 303, 303]),
    ("POST", "/register", "", [201; 7]),
    ("POST", "/logout", "", ALL),
    ("POST", "/preferences", "", ALL),
    ("GET", "/user/fetch", "", SIGNED_IN),
    ("POST", "/realtime/token", "", SIGNED_IN),
    ("POST", "/realtime/mode", "", [401, 404, 404, 404, 404, 404, 200]),
    ("GET", "/goals", "", ALL),
    ("GET", "/goal/new", "", SIGNED_IN),
    ("POST", "/goal/new", "", [401, 201, 201, 201, 201, 201, 201]),
    ("GET", "/goal/{id}", "", ALL),
    ("GET", "/goal/{id}/edit", "", DECIDES),
    ("POST", "/goal/{id}/edit", "", DECIDES),
    ("POST", "/goal/{id}/delete", "", OWNS),
    ("POST", "/goal/{id}/join", "", [401, 200, 200, 409, 409, 409, 200]),
    ("POST", "/goal/{id}/leave", "", [401, 404, 200, 200, 200, 409, 404]),
    ("POST", "/goal/{id}/participation/{user}/approve", "", DECIDES),
    ("POST", "/goal/{id}/participation/{user}/approve", "oneself", [401, 404, 404, 403, 200, 200, 404]),
    ("POST", "/goal/{id}/participation/{user}/refuse", "", DECIDES),
    ("POST", "/goal/{id}/participation/{user}/remove", "a member", DECIDES),
    ("POST", "/goal/{id}/participation/{user}/remove", "an admin", OWNS),
    ("POST", "/goal/{id}/participation/{user}/remove", "the owner", [401, 404, 404, 403, 403, 409, 404]),
    ("POST", "/goal/{id}/participation/{user}/role", "to admin", OWNS),
    ("POST", "/goal/{id}/participation/{user}/role", "to owner", OWNS),
    ("POST", "/goal/{id}/participation/{user}/role", "oneself to owner", OWNS),
    ("GET", "/message/chatroom/{id}", "", INSIDE),
    ("POST", "/message/chatroom/{id}", "", [401, 404, 404, 201, 201, 201, 404]),
    ("GET", "/message/chatroom/{id}/fetch", "", INSIDE),
    ("GET", "/message/chatroom/{id}/fetch", "the top", INSIDE),
    ("POST", "/message/{id}/edit", "own", INSIDE),
    ("POST", "/message/{id}/edit", "another's", [401, 404, 404, 403, 403, 403, 404]),
    ("POST", "/message/{id}/delete", "own", INSIDE),
    ("POST", "/message/{id}/delete", "another's", DECIDES),
    ("POST", "/message/{id}/mark-read", "another's", INSIDE),
    ("POST", "/message/{id}/react/{emoji}", "another's", INSIDE),
    ("POST", "/message/{id}/pin", "another's", DECIDES),
    ("POST", "/message/{id}/unpin", "another's", DECIDES),
    ("POST", "/message/{id}/hide", "another's", INSIDE),
    ("GET", "/message/{id}/versions", "own", INSIDE),
    ("GET", "/message/{id}/versions", "another's", DECIDES),
    ("GET", "/message/chatroom/{id}/pins", "", INSIDE),
    ("POST", "/message/chatroom/{id}/send-voice", "", [401, 404, 404, 201, 201, 201, 404]),
    ("GET", "/message/chatroom/{id}/export", "", DECIDES),
    ("GET", "/attachment/{id}", "", INSIDE),
    ("GET", "/attachment/{id}/thumbnail", "", INSIDE),
    ("GET", "/message/chatroom/{id}/search", "a word", INSIDE),
    ("GET", "/search", "a word", SIGNED_IN),
    ("POST", "/message/chatroom/{id}/preview", "", INSIDE),
    ("POST", "/message/{id}/previews/remove", "own", INSIDE),
    ("POST", "/message/{id}/previews/remove", "another's", [401, 404, 404, 403, 403, 403, 404]),
    ("GET", "/message/chatroom/{id}/hidden", "", INSIDE),
    ("GET", "/message/{id}", "another's", INSIDE),
    ("GET", "/message/{id}/reactions", "another's", INSIDE),
    ("GET", "/chatroom/{id}/members", "", INSIDE),
    ("POST", "/chatroom/{id}/lock", "", DECIDES),
    ("POST", "/chatroom/{id}/unlock", "", DECIDES),
    ("POST", "/chatroom/{id}/archive", "", DECIDES),
    ("POST", "/chatroom/{id}/restore", "", DECIDES),
    ("POST", "/chatroom/{id}/delete", "", OWNS),
    ("GET", "/notifications", "", SIGNED_IN),
    ("POST", "/notifications/seen", "", SIGNED_IN),
    ("POST", "/chatroom/{id}/notifications", "", INSIDE),
    ("GET", "/sw.js", "", ALL),
    ("POST", "/push/subscribe", "", [401, 201, 201, 201, 201, 201, 201]),
    ("POST", "/push/unsubscribe", "", SIGNED_IN),
    ("POST", "/push/test", "another's", [401, 422, 422, 422, 422, 422, 422]),
    ("GET", "/settings", "", SIGNED_IN),
    ("POST", "/settings", "", SIGNED_IN),
    ("GET", "/unsubscribe/{token}", "", ALL),
    ("POST", "/unsubscribe/{token}", "", ALL),
    ("POST", "/message/{id}/mark-unread", "another's", INSIDE),
    ("GET", "/message/{id}/reads", "own", INSIDE),
    ("GET", "/message/{id}/reads", "another's", INSIDE),
    ("POST", "/presence/typing/{id}", "", INSIDE),
    ("GET", "/presence/{id}", "", INSIDE),
    ("POST", "/presence/away", "", SIGNED_IN),
    ("POST", "/settings/reads", "", SIGNED_IN),
    // The hub opens a stream for whoever holds a token, and says nothing on topics without the right. Nobody but the
    // server publishes.
    ("GET", "/.well-known/mercure", "", SIGNED_IN),
    ("POST", "/.well-known/mercure", "", [401, 403, 403, 403, 403, 403, 403]),
];

/// One town, and in it the people; each case gets a goal of its own.
struct World {
    town: Town,
    zoe: Browser,
    alice: Browser,
    bob: Browser,
    carol: Browser,
    dan: Browser,
    eve: Browser,
    frank: Browser,
    gil: Browser,
}

/// A goal of one case: Alice owns it, Bob is admin, Carol and Dan are members, Eve and Gil have asked.
struct Scene {
    goal: Goal,
    others_message: i64,
    own_message: i64,
    /// A picture of Dan's, where the route is about one.
    file: i64,
}

impl World {
    async fn start() -> Self {
        let town = Town::start().await;
        Self {
            zoe: town.person("Zoe").await,
            alice: town.person("Alice").await,
            bob: town.person("Bob").await,
            carol: town.person("Carol").await,
            dan: town.person("Dan").await,
            eve: town.person("Eve").await,
            frank: town.person("Frank").await,
            gil: town.person("Gil").await,
            town,
        }
    }

    /// The person of a role; nobody when anonymous.
    fn person(&self, role: &str) -> Browser {
        match role {
            "stranger" => self.frank.clone(),
            "pending" => self.eve.clone(),
            "member" => self.carol.clone(),
            "admin" => self.bob.clone(),
            "owner" => self.alice.clone(),
            "site admin" => self.zoe.clone(),
            _ => self.town.visitor(),
        }
    }

    async fn scene(&self, who: &Browser, route: &str) -> Scene {
        let goal = self.alice.founds("Marathon").await;
        for insider in [&self.bob, &self.carol, &self.dan] {
            goal.lets_in(&self.alice, insider).await;
        }
        let promoted = self.alice.post(&goal.participation(&self.bob, "role"), &[("role", "admin")]).await;
        assert_eq!(promoted.status, StatusCode::OK);
        for asks in [&self.eve, &self.gil] {
            assert_eq!(asks.post(&format!("/goal/{}/join", goal.id), &[]).await.status, StatusCode::OK);
        }
        let others_message = self.dan.says(&goal, "Bonjour").await["message"]["id"].as_i64().unwrap();
        let insiders = [self.alice.id, self.bob.id, self.carol.id];
        let own_message = if insiders.contains(&who.id) {
            who.says(&goal, "Salut").await["message"]["id"].as_i64().unwrap()
        } else {
            others_message
        };
        let file = if route.starts_with("/attachment/") {
            let picture = files::picture(600, 2, image::ImageFormat::Png);
            files::file_id(&files::sends(&self.dan, &goal, "", &[("a.png", &picture)]).await)
        } else {
            0
        };
        Scene { goal, others_message, own_message, file }
    }

    /// Does what the matrix names, in a scene or on things that do not exist.
    async fn tries(&self, who: &Browser, method: &str, route: &str, what: &str, scene: Option<&Scene>) -> Answer {
        const NOWHERE: i64 = 999_999;
        let (goal, room) = scene.map_or((NOWHERE, NOWHERE), |scene| (scene.goal.id, scene.goal.room));
        let message = match what {
            "own" => scene.map_or(NOWHERE, |scene| scene.own_message),
            _ => scene.map_or(NOWHERE, |scene| scene.others_message),
        };
        let target = match (route.rsplit_once('/').map_or("", |(_, verb)| verb), what) {
            ("approve" | "role", "oneself" | "oneself to owner") => who.id.max(1),
            ("approve" | "refuse", _) => self.gil.id,
            ("remove", "an admin") => self.bob.id,
            ("remove", "the owner") => self.alice.id,
            _ => self.dan.id,
        };
        let id = match route {
            _ if route.starts_with("/goal/") => goal,
            _ if route.starts_with("/attachment/") => scene.map_or(NOWHERE, |scene| scene.file),
            _ if ["/message/chatroom/", "/chatroom/", "/presence/"].iter().any(|start| route.starts_with(start)) => {
                room
            }
            _ => message,
        };
        let mut path = route.replace("{id}", &id.to_string()).replace("{user}", &target.to_string());
        path = path.replace("{emoji}", "like");
        path = path.replace("{token}", &self.town.app.postman.token(UserId(self.dan.id)));
        if route.starts_with("/public/") {
            path = self.town.app.views.assets().url("app.js");
        }
        let email = format!("{}@example.org", if who.name.is_empty() { "frank" } else { &who.name }.to_lowercase());
        let fresh = format!("new-{}-{}@example.org", ROLES.len(), self.town.app.db.statements());
        let endpoint = format!("https://push.example/{}", who.id);
        let form: Vec<(&str, &str)> = match (route, what) {
            ("/login", _) => vec![("email", &email), ("password", PASSWORD)],
            ("/register", _) => {
                vec![("email", &fresh), ("password", PASSWORD), ("first_name", "Nadia"), ("last_name", "Petit")]
            }
            ("/preferences", _) => vec![("theme", "dark")],
            ("/realtime/mode", _) => vec![("mode", "hybrid")],
            ("/settings", _) => vec![("email_notices", "digest")],
            ("/push/subscribe", _) => vec![("endpoint", &endpoint), ("p256dh", push::POINT), ("auth", push::AUTH)],
            ("/push/test" | "/push/unsubscribe", _) => vec![("endpoint", "https://push.example/of-somebody-else")],
            ("/chatroom/{id}/notifications", _) => vec![("level", "mentions")],
            ("/goal/new", _) => vec![("title", "Un autre but")],
            ("/message/chatroom/{id}" | "/message/chatroom/{id}/preview" | "/message/{id}/edit", _) => {
                vec![("content", "Autre chose")]
            }
            (_, "to admin") => vec![("role", "admin")],
            (_, "to owner" | "oneself to owner") => vec![("role", "owner")],
            ("/.well-known/mercure", _) => vec![("topic", "chatroom/1"), ("data", "x"), ("private", "on")],
            _ => vec![],
        };
        if what == "the top" {
            let top = self.town.app.live.tops.get(RoomId(room)).unwrap_or(1);
            path = format!("{path}?since={top}");
        }
        if what == "a word" {
            path = format!("{path}?q=bonjour");
        }
        if route == "/.well-known/mercure" {
            who.post("/realtime/token", &[]).await;
            if method == "GET" {
                // A stream does not end: its head is the answer.
                let stream = [("accept", "text/event-stream")];
                let response = who.request(Method::GET, &format!("{path}?topic=chatroom/{room}"), &stream, "").await;
                return Answer { status: response.status(), headers: response.headers().clone(), text: String::new() };
            }
        }
        if route.ends_with("/send-voice") {
            return voice::posts(who, &path, "case", &voice::wave(1)).await;
        }
        if method == "GET" { who.get(&path).await } else { who.post(&path, &form).await }
    }
}

async fn check(route_filter: impl Fn(&str) -> bool) {
    let world = World::start().await;
    for (method, route, what, expected) in MATRIX.iter().filter(|(_, route, ..)| route_filter(route)) {
        for (role, expected) in ROLES.iter().zip(expected) {
            let case = format!("{method} {route} {what} as {role}");
            let who = world.person(role);
            // What was signed before a sign-out is void: the next token is of a later moment.
            world.town.pass(1);
            let scene = world.scene(&who, route).await;
            let room = RoomId(scene.goal.room);
            let before = world.town.app.live.tops.get(room);
            let answer = world.tries(&who, method, route, what, Some(&scene)).await;
            assert_eq!(answer.status.as_u16(), *expected, "{case}: {}", answer.text);
            if *expected >= 400 {
                assert_eq!(world.town.app.live.tops.get(room), before, "{case} was refused and yet changed the room");
            }
            if *expected == 404 && route.contains("{id}") {
                let nowhere = world.tries(&who, method, route, what, None).await;
                assert_eq!(nowhere.status, StatusCode::NOT_FOUND, "{case}");
                assert_eq!(nowhere.text, answer.text, "{case}: what is not yours looks like what is not there");
                assert_eq!(nowhere.headers.len(), answer.headers.len(), "{case}");
            }
            if matches!(*route, "/register" | "/logout") && *role != "anonymous" {
                assert_eq!(who.signs_in_as(&who.name).await.status, StatusCode::OK, "{case}: and back");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_people_and_the_live_link() {
    let elsewhere = ["/goal/", "/message/", "/chatroom/"];
    check(|route| !elsewhere.iter().any(|beginning| route.starts_with(beginning))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_goals() {
    check(|route| route.starts_with("/goal/")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_rooms_and_messages() {
    check(|route| route.starts_with("/message/") || route.starts_with("/chatroom/")).await;
}

#[test]
fn every_route_stands_in_the_matrix() {
    let known: BTreeSet<(&str, &str)> = MATRIX.iter().map(|(method, route, ..)| (*method, *route)).collect();
    let hub = [("GET", "/.well-known/mercure"), ("POST", "/.well-known/mercure")];
    let routes: BTreeSet<(&str, &str)> = ROUTES.iter().copied().chain(hub).collect();
    assert_eq!(known, routes);
}

/// The table of routes against the text that mounts them.
#[test]
fn the_table_of_routes_is_what_is_mounted() {
    let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web.rs")).unwrap();
    let mut mounted = BTreeSet::new();
    for rest in source.split(".route(").skip(1) {
        let (path, rest) = rest.trim_start().strip_prefix('"').expect("a literal path").split_once('"').unwrap();
        let mut depth = 1;
        let inside: String = rest
            .chars()
            .take_while(|c| {
                depth += match c {
                    '(' => 1,
                    ')' => -1,
                    _ => 0,
                };
                depth > 0
            })
            .collect();
        let names = |verb: &str| inside.contains(&format!(" {verb}(")) || inside.contains(&format!(".{verb}("));
        for (verb, method) in
            [("get", "GET"), ("post", "POST"), ("put", "PUT"), ("patch", "PATCH"), ("delete", "DELETE")]
        {
            if names(verb) {
                mounted.insert((method.to_owned(), path.to_owned()));
            }
        }
        assert!(!names("any") && !names("on"), "{path} answers to every method");
    }
    for elsewhere in [".nest(", ".route_service(", ".nest_service("] {
        assert!(!source.contains(elsewhere), "{elsewhere} mounts what this test does not see");
    }
    let listed: BTreeSet<_> = ROUTES.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(mounted, listed);
}

/// Each listed path is served, under the listed methods and no other; the rest is 404.
#[tokio::test]
async fn nothing_but_the_table_is_served() {
    let town = Town::start().await;
    let visitor = town.visitor();
    let all = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    for (_, route) in ROUTES {
        let path = route
            .replace("{id}", "7")
            .replace("{user}", "8")
            .replace("{emoji}", "like")
            .replace("{token}", "t")
            .replace("{digest}", "x")
            .replace("{*path}", "y");
        for method in &all {
            let status = visitor.request(method.clone(), &path, &[], "").await.status();
            let is_listed = ROUTES.contains(&(method.as_str(), route));
            assert_eq!(status != StatusCode::METHOD_NOT_ALLOWED, is_listed, "{method} {path}: {status}");
        }
    }
    for method in all {
        for path in [
            "/goal",
            "/message",
            "/chatroom/7",
            "/message/7/no",
            "/message/chatroom/7/no",
            "/admin",
            "/goals/",
            "/login/",
            "//goals",
        ] {
            let status = visitor.request(method.clone(), path, &[], "").await.status();
            assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}");
        }
    }
}

/// The pages too: a private room and no room at all look alike but for the address that was typed.
#[tokio::test]
async fn a_private_room_and_none_are_the_same_page() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let bob = town.person("Bob").await;
    let goal = alice.founds("Marathon").await;
    let message = alice.says(&goal, "Secret").await["message"]["id"].as_i64().unwrap();
    let pairs = [
        (goal.path(), "/message/chatroom/999999".to_owned()),
        (format!("{}/fetch", goal.path()), "/message/chatroom/999999/fetch".to_owned()),
    ];
    for (private, none) in pairs {
        let (one, other) = (bob.page(&private).await, bob.page(&none).await);
        assert_eq!(one.status, StatusCode::NOT_FOUND);
        assert_eq!(one.status, other.status);
        assert_eq!(without(&one, &private), without(&other, &none));
        assert!(!one.text.contains("Marathon"));
        let names = |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<BTreeSet<_>>();
        assert_eq!(names(&one), names(&other));
    }
    let edit = |id: i64| format!("/message/{id}/edit");
    let one = bob.submit(&edit(message), &[("content", "Mien")]).await;
    let other = bob.submit(&edit(999_999), &[("content", "Mien")]).await;
    assert_eq!((one.status, other.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    assert_eq!(without(&one, &edit(message)), without(&other, &edit(999_999)));
}

/// A page but for the address that was typed, which the page holds to come back to it.
fn without(page: &Answer, path: &str) -> String {
    page.text.replace(&path.replace('/', "&#x2f;"), "?")
}

/// A page sends who is not signed in to the door, and back afterwards.
#[tokio::test]
async fn who_is_not_signed_in_is_shown_the_door() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let goal = alice.founds("Marathon").await;
    let visitor = town.visitor();
    for path in [goal.path(), "/goal/new".to_owned()] {
        let answer = visitor.page(&path).await;
        let door = answer.location().to_owned();
        let door = percent_encoding::percent_decode_str(&door).decode_utf8_lossy().into_owned();
        assert_eq!(door, format!("/login?next={path}"));
    }
    let answer = visitor.submit(&format!("/goal/{}/join", goal.id), &[]).await;
    assert!(answer.location().starts_with("/login"));
}
