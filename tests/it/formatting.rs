//! Markdown as people and attackers write it: what gets through the wire is on the list of what may.

use crate::harness::Town;
use crate::message::{id, two};
use crate::random::{Dice, Seed};
use palabre::message::markdown;
use reqwest::StatusCode;
use std::time::{Duration, Instant};

/// Elements, and the attributes that each may have.
const ALLOWED: &[(&str, &[&str])] = &[
    ("a", &["href", "rel"]),
    ("blockquote", &[]),
    ("br", &[]),
    ("code", &[]),
    ("del", &[]),
    ("em", &[]),
    ("hr", &[]),
    ("li", &["class"]),
    ("ol", &["start"]),
    ("p", &[]),
    ("pre", &["tabindex", "data-language"]),
    ("span", &["class"]),
    ("strong", &[]),
    ("table", &["tabindex"]),
    ("tbody", &[]),
    ("td", &[]),
    ("th", &[]),
    ("thead", &[]),
    ("tr", &[]),
    ("ul", &[]),
];

/// Parses as a browser does and looks at every element: CVE-2018-9986, CVE-2017-1000054, CVE-2021-22886.
fn is_listed(html: &str, what: &str) {
    let document = scraper::Html::parse_fragment(html);
    for element in document.root_element().descendent_elements().skip(1) {
        let value = element.value();
        let allowed = ALLOWED.iter().find(|(name, _)| *name == value.name());
        let (_, attributes) = allowed.unwrap_or_else(|| panic!("{what:?} made <{}>: {html}", value.name()));
        for (name, text) in value.attrs() {
            assert!(attributes.contains(&name), "{what:?} made {name}=: {html}");
            match name {
                "href" => assert!(
                    ["https://", "http://", "mailto:"].iter().any(|scheme| text.starts_with(scheme)),
                    "{what:?}: {html}"
                ),
                "class" => assert!(text.starts_with("code-") || text.starts_with("task"), "{what:?}: {html}"),
                "data-language" => {
                    assert!(text.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"'&".contains(&b)), "{what:?}: {html}")
                }
                _ => {}
            }
        }
    }
}

const CORPUS: &[&str] = &[
    // CVE-2017-1000054: javascript: and data: in every disguise.
    "[x](javascript:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](\u{1}javascript:alert(1))",
    "[x](  javascript:alert(1))",
    "[x](JAVASCRIPT&colon;alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "[x](//evil.example)",
    "[x](\\\\evil.example)",
    "[x](file:///etc/passwd)",
    "[x](https:javascript:alert(1))",
    // CVE-2021-22886: nesting that changes what an inner part means.
    "[![x](javascript:alert(1))](https://a.fr)",
    "![[x](https://a.fr)](x\" onerror=\"alert(1))",
    "[a [b](javascript:alert(1)) c](https://a.fr)",
    "**[x](https://a.fr \"**\" onclick=alert(1))",
    "`[x](`javascript:alert(1)`)`",
    "> - `a\n> </code><script>alert(1)</script>",
    "[x](https://a.fr'onmouseover='alert(1))",
    "[x](https://a.fr\"onmouseover=\"alert(1))",
    "https://a.fr/\"onmouseover=\"alert(1)",
    "https://a.fr/<script>alert(1)</script>",
    "| a | <b onclick=alert(1)> |\n|---|---|\n| [x](javascript:a) | `|` |",
    // CVE-2018-9986: HTML by itself, broken, and in the places that Markdown leaves alone.
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<style>*{display:none}</style>",
    "<iframe srcdoc=\"<script>alert(1)</script>\">",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<!-- --!><img src=x onerror=alert(1)> -->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?>",
    "</p></article><script>alert(1)</script>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "```\"><script>alert(1)</script>\nx\n```",
    "```html\n<script>alert(1)</script>\n```",
    "~~~js onclick=alert(1)\nx\n~~~",
    "```<img/src=x>\n```",
    "- [x] <b onclick=alert(1)>",
    "1. <details open ontoggle=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    ":tada<script>:",
    ":<b>:",
];

#[tokio::test]
async fn hostile_markdown_makes_only_what_is_listed_in_message_and_preview() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    for text in CORPUS {
        let sent = alice.says(&goal, text).await;
        let html = sent["message"]["html"].as_str().unwrap();
        let body = html.split_once("<div class=\"message-body\">").unwrap().1.rsplit_once("</div>").unwrap().0;
        is_listed(body, text);
        // CVE-2026-27154: what is shown while editing passes the same guards.
        let preview = alice.post(&format!("{}/preview", goal.path()), &[("content", text)]).await.json();
        assert_eq!(preview["html"], body, "{text:?}");
        let edited = alice.post(&format!("/message/{}/edit", id(&sent)), &[("content", &format!("{text} "))]).await;
        assert_eq!(edited.status, StatusCode::OK);
    }
    let page = bob.page(&goal.path()).await.text;
    assert!(!page.contains("<script>alert") && !page.contains("onerror=alert(1)>\n"), "nor in the page");
}

/// CVE-2024-34341: HTML that somebody pastes or posts is text.
#[tokio::test]
async fn pasted_html_is_text() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let sent =
        alice.says(&goal, "<div data-trix-attachment='{\"content\":\"<img src=x onerror=alert(1)>\"}'></div>").await;
    let html = sent["message"]["html"].as_str().unwrap();
    assert!(html.contains("&lt;div data-trix-attachment="), "{html}");
    assert_eq!(sent["message"]["excerpt"].as_str().unwrap().chars().next(), Some('<'));
}

/// Arbitrary text: signs that mean something, in any order.
#[test]
fn any_text_makes_only_what_is_listed() {
    const PIECES: [&str; 44] = [
        "<",
        ">",
        "\"",
        "'",
        "&",
        "script",
        "img src=x onerror=",
        "javascript:",
        "data:text/html,",
        "https://a.fr",
        "[",
        "]",
        "(",
        ")",
        "![",
        "](",
        "`",
        "```",
        "```rust\n",
        "\n",
        "\n\n",
        "    ",
        "> ",
        "- ",
        "- [x] ",
        "1. ",
        "# ",
        "**",
        "_",
        "~~",
        "|",
        "|---|\n",
        "<!--",
        "-->",
        "<b ",
        "</",
        "\\",
        "&#x3c;",
        ":tada:",
        "é",
        "🎉",
        "\u{202E}",
        "\t",
        "x",
    ];
    let seed = std::env::var("PALABRE_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_122);
    let seed = Seed(seed);
    let mut dice = Dice(seed.0);
    let start = Instant::now();
    for _ in 0..2_000 {
        let text: String = (0..1 + dice.below(24)).map(|_| PIECES[dice.below(PIECES.len())]).collect();
        is_listed(&markdown::to_html(&text), &text);
        markdown::to_excerpt(&text);
        markdown::links(&text);
    }
    assert!(start.elapsed() < Duration::from_secs(240));
}

/// Blocks of code of any kind and size: no panic, no text lost, and an end.
#[test]
fn any_code_is_coloured_or_left_plain() {
    const PIECES: [&str; 26] = [
        "\"", "'", "`", "/*", "*/", "//", "#", "<", ">", "{", "}", "(", ")", "\\", "\n", "=", "fn ", "def ", "<?php",
        "<script>", "${", "é", "🎉", "0x1f", "  ", "--",
    ];
    const LANGUAGES: [&str; 22] = [
        "rust", "python", "js", "ts", "html", "css", "sql", "bash", "c", "cpp", "java", "go", "php", "ruby", "yaml",
        "json", "xml", "md", "latex", "perl", "haskell", "zz",
    ];
    let seed = Seed(std::env::var("PALABRE_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(4));
    let mut dice = Dice(seed.0);
    for _ in 0..120 {
        let code: String = (0..dice.below(60)).map(|_| PIECES[dice.below(PIECES.len())]).collect();
        let language = LANGUAGES[dice.below(LANGUAGES.len())];
        let html = markdown::to_html(&format!("~~~{language}\n{code}\n~~~"));
        is_listed(&html, &code);
        let shown: String = scraper::Html::parse_fragment(&html).root_element().text().collect();
        assert_eq!(shown.trim(), code.trim(), "{language}");
    }
    for piece in ["(", "\"", "/*", "{{", "<a ", "\\", "(a|a)*"] {
        for language in ["js", "php", "html", "md", "perl", "ruby"] {
            let start = Instant::now();
            markdown::to_html(&format!("~~~{language}\n{}\n~~~", piece.repeat(9_900 / piece.len())));
            assert!(start.elapsed() < Duration::from_secs(60), "{language} {piece}");
        }
    }
}

#[tokio::test]
async fn shortcodes_become_emoji_where_they_are_words() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    for (text, shown) in [
        ("Bravo :tada: !", "<p>Bravo 🎉 !</p>"),
        ("**:thumbsup:**", "<p><strong>👍</strong></p>"),
        (":+1::tada:", "<p>👍🎉</p>"),
        ("`:tada:`", "<p><code>:tada:</code></p>"),
        (
            "10:30:45 a:b:c :qqq: https://a.fr/:b:/x",
            "<p>10:30:45 a:b:c :qqq: <a href=\"https://a.fr/:b:/x\" rel=\"noopener nofollow ugc\">https://a.fr/:b:/x</a></p>",
        ),
        (":smile_cat:", "<p>😸</p>"),
    ] {
        let sent = alice.says(&goal, text).await;
        let html = sent["message"]["html"].as_str().unwrap();
        assert!(html.contains(shown), "{text}: {html}");
        assert_eq!(sent["message"]["content"], text, "kept as typed");
    }
    let excerpt = alice.says(&goal, "Bravo :tada: `:tada:`").await["message"]["excerpt"].clone();
    assert_eq!(excerpt, "Bravo 🎉 :tada:");
    let found = alice.get(&format!("{}/search?q=%F0%9F%8E%89", goal.path())).await.json();
    assert_eq!(found["results"].as_array().unwrap().len(), 3, "and found as what they show");
}

#[tokio::test]
async fn a_list_of_tasks_is_shown_as_one() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let sent = alice.says(&goal, "- [x] chaux\n- [ ] échelle\n- rien").await;
    let html = sent["message"]["html"].as_str().unwrap();
    assert!(
        html.contains("<li class=\"task-done\">chaux</li>") && html.contains("<li class=\"task\">échelle</li>"),
        "{html}"
    );
    assert!(html.contains("<li>rien</li>"));
}
