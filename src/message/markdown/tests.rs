//! What Markdown makes of what people write.

use super::*;
use std::time::{Duration, Instant};

#[test]
fn what_people_write_reads_well() {
    assert_eq!(to_html("Salut **toi**\nça va ?"), "<p>Salut <strong>toi</strong><br>\nça va ?</p>");
    assert_eq!(to_html("# Titre"), "<p><strong>Titre</strong></p>");
    assert_eq!(to_html("~~non~~ `a<b`"), "<p><del>non</del> <code>a&lt;b</code></p>");
    assert_eq!(
        to_html("voir https://a.fr/x_y?z=1&t=2."),
        "<p>voir <a href=\"https://a.fr/x_y?z=1&amp;t=2\" rel=\"noopener nofollow ugc\">https://a.fr/x_y?z=1&amp;t=2</a>.</p>"
    );
}

#[test]
fn nothing_that_runs_gets_through() {
    let hostile = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "<javascript:alert(1)>",
        "![x](https://evil.example/track.png)",
        "[![x](javascript:a)](https://a.fr)",
        "[a](https://a.fr \"onmouseover=alert(1)\")",
        "<a href='vbscript:x' onclick=x>y</a>",
        "<svg/onload=alert(1)>",
        "<style>*{display:none}</style>",
        "[x](//evil.example)",
    ];
    for text in hostile {
        let html = to_html(text);
        let mut rest = html.as_str();
        while let Some(at) = rest.find('<') {
            rest = &rest[at + 1..];
            let tag: String = rest.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
            assert!(TAGS.contains(&tag.as_str()), "{text:?} gave {html:?}");
            let inside = rest.split('>').next().unwrap_or("");
            for bad in ["javascript:", "data:", "vbscript:", "onerror", "onclick", "onload", "src=", "style="] {
                assert!(!inside.to_lowercase().contains(bad), "{text:?} gave {html:?}");
            }
        }
    }
}

#[test]
fn a_hostile_depth_stays_flat_and_quick() {
    let start = Instant::now();
    for text in [">".repeat(10_000), "*a _a ".repeat(1_600), "- ".repeat(5_000), "[".repeat(10_000), "`".repeat(10_000)]
    {
        let html = to_html(&text);
        assert!(html.matches("<blockquote>").count() <= DEPTH_MAX, "{}", html.len());
        to_excerpt(&to_text(&text));
    }
    assert!(start.elapsed() < Duration::from_secs(20), "an attack of ten thousand characters costs little");
}

#[test]
fn an_excerpt_is_one_plain_line() {
    let excerpt = |markdown: &str| to_excerpt(&to_text(markdown));
    assert_eq!(excerpt("# A\n\n**b** `c`\nd"), "A b c d");
    assert_eq!(excerpt("**Pa**labre [un *lien*](https://a.fr)s\n- x\n- y"), "Palabre un liens x y");
    assert_eq!(excerpt(&"é".repeat(200)).chars().count(), EXCERPT_MAX + 1);
    assert_eq!(excerpt("👩‍🚀".repeat(200).as_str()).graphemes(true).count(), EXCERPT_MAX + 1);
}

/// Where nobody is named a slot shows what stands there without one: `＠` has none and is otherwise the same.
#[test]
fn a_slot_that_names_nobody_does_not_show() {
    for text in [
        "@ben & <b> \"c\" 'd' \u{a0}> :tada:\u{1}\u{c}é",
        "| @a | b |\n|---|---|\n| @ | **@c** |",
        "- @a\n- [x] @b\n\n> @c\n\n# @d",
        "`@a` [@b](https://a.fr) https://a.fr/c @d <https://a.fr/e> ![@f](https://a.fr)",
        "```rust\n@a\n```\n\n    @b",
        "<span data-slot=\"0\"></span> @a <span data-slot=\"0\">",
        "&lt;span data-slot=&quot;0&quot;&gt;&lt;/span&gt; @a",
        "[x](https://a.fr/<span%20data-slot=\"0\"></span>) @a",
        "*@a*b **_@c_** ~~@d~~ a\n@b\\\n@c",
    ] {
        assert_eq!(to_html(text).replace('@', "＠"), to_html(&text.replace('@', "＠")), "{text}");
    }
    assert!(!to_template("a `@b` https://a.fr/@c").has_slots());
    assert!(!to_html("@a <span data-slot=\"0\"></span>").contains("<span"));
}
