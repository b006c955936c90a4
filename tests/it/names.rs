//! Names, titles and texts of nothing, names that turn what stands beside them, and names that look like another's.

use crate::harness::{Answer, PASSWORD, Town};
use crate::message::two;
use reqwest::StatusCode;
use serde_json::Value;

/// What is not seen: each alone is no name, no title and no message.
const UNSEEN: [&str; 16] = [
    "\u{200b}",
    "\u{2800}",
    "\u{3164}",
    "\u{ad}",
    "\u{feff}",
    "\u{2060}",
    "\u{200d}",
    "\u{200c}",
    "\u{ffa0}",
    "\u{115f}\u{1160}",
    "\u{180e}",
    "\u{fe0f}",
    "\u{e0061}",
    "\u{2028}",
    "\u{202e}\u{202c}",
    "\u{200b}\u{2800} \u{3164}",
];
/// What turns the reading direction.
const TURNING: [char; 13] = [
    '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
    '\u{200e}', '\u{200f}', '\u{61c}', '\u{206a}',
];

async fn register(town: &Town, number: usize, first: &str, last: &str) -> Answer {
    let email = format!("p{number}@example.org");
    town.visitor()
        .post("/register", &[("email", &email), ("password", PASSWORD), ("first_name", first), ("last_name", last)])
        .await
}

fn fields(answer: &Answer) -> Vec<String> {
    let fields = answer.json()["error"]["fields"].as_object().cloned().unwrap_or_default();
    fields.into_iter().map(|(field, _)| field).collect()
}

#[tokio::test]
async fn s15_what_is_not_seen_is_no_name() {
    let town = Town::start().await;
    town.person("Alice").await;
    for (number, nothing) in UNSEEN.into_iter().chain(["\u{301}", "\u{301}\u{20dd}\u{489}"]).enumerate() {
        let answer = register(&town, number, nothing, nothing).await;
        assert_eq!(
            (answer.status.as_u16(), fields(&answer)),
            (422, vec!["first_name".into(), "last_name".into()]),
            "{nothing:?}"
        );
        assert!(!answer.json()["error"]["fields"]["first_name"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn s15_a_name_is_kept_as_it_looks() {
    let town = Town::start().await;
    for (number, c) in TURNING.into_iter().chain(['\u{200b}', '\u{2060}', '\u{ad}', '\u{feff}']).enumerate() {
        let answer = register(&town, number, &format!("{c}Zo{c}e\u{301}{c}"), &format!("Ex{c}ample")).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        let user = &answer.json()["user"];
        assert_eq!(
            (&user["first_name"], &user["last_name"], &user["initials"]),
            (&"Zoé".into(), &"Example".into(), &"ZE".into())
        );
    }
    for (number, name) in ["می‌خواهم", "👩‍🚀", "ශ්‍රී", "Jean-Luc", "שלום", "O’Brien"].into_iter().enumerate()
    {
        let answer = register(&town, 100 + number, name, "Martin").await;
        assert_eq!(answer.json()["user"]["first_name"], name, "what a script needs stays");
    }
}

#[tokio::test]
async fn s15_titles_and_descriptions_turn_nothing() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    for nothing in UNSEEN {
        let title = nothing.repeat(3);
        let answer = alice.post("/goal/new", &[("title", &title)]).await;
        assert_eq!((answer.status.as_u16(), fields(&answer)), (422, vec!["title".to_owned()]), "{nothing:?}");
    }
    let goal = alice.founds("Marathon").await;
    for c in TURNING {
        let form = [("title", format!("Mara{c}thon de{c} Lille")), ("description", format!("{c}Un\n{c}deux{c}"))];
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        for path in ["/goal/new".to_owned(), format!("/goal/{}/edit", goal.id)] {
            let answer = alice.post(&path, &form).await;
            assert!(answer.status.is_success(), "{}", answer.text);
            let kept = answer.json()["goal"].clone();
            assert_eq!(
                (&kept["title"], &kept["description"]),
                (&"Marathon de Lille".into(), &"Un\ndeux".into()),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn s15_a_message_of_nothing_is_empty() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let said = alice.says(&goal, "Salut").await["message"]["id"].clone();
    for nothing in UNSEEN.into_iter().chain(["&#8203;", "&ZeroWidthSpace; &#x2800;", " \u{200b}\n\u{ad}"]) {
        for path in [goal.path(), format!("/message/{said}/edit")] {
            let answer = alice.post(&path, &[("content", nothing)]).await;
            assert_eq!(
                (answer.status.as_u16(), fields(&answer)),
                (422, vec!["content".to_owned()]),
                "{path} {nothing:?}"
            );
        }
    }
    for something in ["\u{301}", "👩‍🚀", "می‌خواهم", "a\u{200b}b", "&", "&amp;"] {
        assert_eq!(alice.says(&goal, something).await["message"]["content"], something, "kept as typed");
    }
}

/// What comes in through a name never turns the words of the page: each name stands in an element of its own.
#[tokio::test]
async fn s15_names_are_isolated_in_pages_and_exports() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    alice.says(&goal, "Salut").await;
    let said = alice.says(&goal, "Une question").await["message"]["id"].to_string();
    bob.post(&goal.path(), &[("content", "oui"), ("reply_to", &said)]).await;
    alice.post(&format!("/message/{said}/pin"), &[]).await;
    let page = alice.page(&goal.path()).await.text;
    for isolated in [
        r#"<b class="message-author"><bdi>Alice Martin</bdi></b>"#,
        r#"<b class="entry-quote-author"><bdi>Alice Martin</bdi></b>"#,
        r#"<b class="pins-author"><bdi>Alice Martin</bdi></b>"#,
        r#"<b class="person-name"><bdi>Bob Martin</bdi></b>"#,
        r#"<bdi class="account-name">Alice Martin</bdi>"#,
    ] {
        assert!(page.contains(isolated), "{isolated}");
    }
    for path in
        [format!("/goal/{}", goal.id), format!("{}/pins", goal.path()), format!("{}/search?q=question", goal.path())]
    {
        assert!(alice.page(&path).await.text.contains("<bdi>Alice Martin</bdi>"), "{path}");
    }
    let html = alice.says(&goal, "encore").await["message"]["html"].as_str().unwrap().to_owned();
    assert!(html.contains("<bdi>Alice Martin</bdi>"), "{html}");
}

/// Another's name, in the same letters or in those of another script: who decides is told before, everybody sees numbers after.
#[tokio::test]
async fn s15_a_name_that_looks_like_anothers_is_marked() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let carol = town.person("Carol").await;
    let path = format!("/goal/{}", goal.id);
    goal.lets_in(&alice, &carol).await;
    let number = |person: &Value| format!(">#{person}</span>");
    let hidden = |page: &str, person: &Value| {
        let before = page.split_once(&number(person)).unwrap_or_else(|| panic!("{person}: {page}")).0;
        before.rsplit_once("<span class=\"person-number\"").unwrap().1.contains(" hidden")
    };
    for room in [goal.path(), path.clone()] {
        assert!(hidden(&alice.page(&room).await.text, &bob.id.into()), "nobody is mistaken for Bob yet");
    }
    // A capital o of another script, a zero-width space, another case.
    for (index, (first, last)) in
        [("B\u{43e}b", "Martin"), ("Bob\u{200b}", "Martin"), ("bob", "MARTIN")].into_iter().enumerate()
    {
        let mut twin = town.visitor();
        let email = format!("twin{index}@example.org");
        let form = [("email", email.as_str()), ("password", PASSWORD), ("first_name", first), ("last_name", last)];
        twin.id = twin.post("/register", &form).await.json()["user"]["id"].as_i64().unwrap();
        twin.post(&format!("{path}/join"), &[]).await;
        for room in [goal.path(), path.clone()] {
            let page = alice.page(&room).await.text;
            assert!(page.contains("porte un nom d’apparence identique"), "who decides is told: {room}");
            assert!(
                !hidden(&page, &bob.id.into()) && !hidden(&page, &twin.id.into()) && hidden(&page, &carol.id.into())
            );
        }
        alice.post(&goal.participation(&twin, "approve"), &[]).await;
        let page = carol.page(&goal.path()).await.text;
        assert!(!hidden(&page, &bob.id.into()) && !hidden(&page, &twin.id.into()) && hidden(&page, &carol.id.into()));
        alice.post(&goal.participation(&twin, "remove"), &[]).await;
    }
}

/// How a keyboard composes its letters is nobody's business: one address, one password.
#[tokio::test]
async fn s15_an_address_and_a_password_are_what_they_look_like() {
    let town = Town::start().await;
    let (composed, apart) = ("zoé@exemple.fr", "zoe\u{301}@exemple.fr");
    let form = |email, password| [("email", email), ("password", password), ("first_name", "Zoé"), ("last_name", "M")];
    let visitor = town.visitor();
    assert_eq!(visitor.post("/register", &form(apart, "un e\u{301}te\u{301} chaud")).await.status, StatusCode::CREATED);
    let again = town.visitor().post("/register", &form(composed, PASSWORD)).await;
    assert_eq!((again.status.as_u16(), fields(&again)), (422, vec!["email".to_owned()]));
    for (email, password) in
        [(composed, "un été chaud"), (apart, "un e\u{301}te\u{301} chaud"), ("ZOÉ@exemple.fr", "un\u{a0}été chaud")]
    {
        let signed_in = town.visitor().post("/login", &[("email", email), ("password", password)]).await;
        assert_eq!(signed_in.status, StatusCode::OK, "{email} {password:?}");
    }
    let hidden = town.visitor().post("/register", &form("z\u{200b}oé@exemple.fr", PASSWORD)).await;
    assert_eq!((hidden.status.as_u16(), fields(&hidden)), (422, vec!["email".to_owned()]));
}
