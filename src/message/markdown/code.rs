//! Code with its parts marked by class, so that the page's own colours apply in both themes and no inline style is needed.
//!
//! The grammars are loaded at the first block that names a language, and stay. What is large, strange or slow stays plain.

use std::str::FromStr;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

/// Longer lines are data, not code.
const LINE_MAX: usize = 1_000;
/// Time for one message's blocks together; what is left then stays plain.
pub(super) const PATIENCE: Duration = Duration::from_millis(250);

/// The classes that [`highlight`] writes, each after the prefix `code-`.
pub(super) const CLASSES: [&str; 9] = [
    "code-comment",
    "code-string",
    "code-number",
    "code-keyword",
    "code-function",
    "code-type",
    "code-tag",
    "code-added",
    "code-removed",
];

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);

/// Which scope of a grammar gets which class; the longer names first.
static MEANINGS: LazyLock<Vec<(Scope, Option<&'static str>)>> = LazyLock::new(|| {
    let [comment, string, number, keyword, function, kind, tag, added, removed] = CLASSES;
    let all = [
        ("comment", Some(comment)),
        ("string", Some(string)),
        ("constant.character.escape", Some(number)),
        ("constant", Some(number)),
        ("keyword.operator", None),
        ("keyword", Some(keyword)),
        ("storage", Some(keyword)),
        ("entity.name.function", Some(function)),
        ("support.function", Some(function)),
        ("variable.function", Some(function)),
        ("entity.name.tag", Some(tag)),
        ("entity.other.attribute-name", Some(kind)),
        ("entity.name", Some(kind)),
        ("support.type", Some(kind)),
        ("support.class", Some(kind)),
        ("markup.inserted", Some(added)),
        ("markup.deleted", Some(removed)),
        ("markup.heading", Some(keyword)),
    ];
    all.into_iter().filter_map(|(name, class)| Some((Scope::from_str(name).ok()?, class))).collect()
});

/// The language that a fence names: its first word, letters that a label may have, in small ones.
pub(super) fn language(info: &str) -> Option<String> {
    let word = info.split([' ', ',', '\t', '{']).next().unwrap_or_default().trim_start_matches('.');
    let is_name = !word.is_empty()
        && word.len() <= 20
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"+#-_.".contains(&b));
    is_name.then(|| word.to_ascii_lowercase())
}

/// Safe HTML of a block.
pub(super) fn block(code: &str, language: Option<&str>, until: Instant) -> String {
    let mut html = String::with_capacity(code.len() * 2 + 64);
    html.push_str("<pre");
    if let Some(language) = language {
        html.push_str(" data-language=\"");
        escape(language, &mut html);
        html.push('"');
    }
    html.push_str("><code>");
    match language.and_then(syntax) {
        Some(syntax) => highlight(code, syntax, until, &mut html),
        None => escape(code, &mut html),
    }
    html.push_str("</code></pre>\n");
    html
}

/// The grammar of a language, or of a near relative of one that has none here.
fn syntax(language: &str) -> Option<&'static SyntaxReference> {
    let name = match language {
        "ts" | "tsx" | "typescript" | "jsx" | "mjs" | "javascript" => "js",
        "shell" | "console" | "zsh" | "dockerfile" | "docker" => "bash",
        "kotlin" | "kt" => "java",
        "toml" | "ini" | "conf" => "properties",
        "jsonc" | "json5" => "json",
        "text" | "txt" | "plain" | "plaintext" => return None,
        other => other,
    };
    SYNTAXES.find_syntax_by_token(name)
}

fn highlight(code: &str, syntax: &SyntaxReference, until: Instant, html: &mut String) {
    let mut state = ParseState::new(syntax);
    let mut stack = ScopeStack::new();
    let mut span = Span::default();
    let mut rest = code;
    while let Some(line) = rest.split_inclusive('\n').next() {
        if line.len() > LINE_MAX || Instant::now() > until {
            break;
        }
        let Ok(operations) = state.parse_line(line, &SYNTAXES) else { break };
        rest = &rest[line.len()..];
        let mut at = 0;
        for (place, operation) in operations {
            span.push(line.get(at..place).unwrap_or_default(), class(&stack), html);
            at = place;
            if stack.apply(&operation).is_err() {
                break;
            }
        }
        span.push(line.get(at..).unwrap_or_default(), class(&stack), html);
    }
    span.close(html);
    escape(rest, html);
}

/// What the innermost scope that means something says.
fn class(stack: &ScopeStack) -> Option<&'static str> {
    let meaning =
        |scope: &Scope| MEANINGS.iter().find(|(known, _)| known.is_prefix_of(*scope)).map(|(_, class)| *class);
    stack.as_slice().iter().rev().find_map(meaning).flatten()
}

/// The span that is open.
#[derive(Default)]
struct Span(Option<&'static str>);

impl Span {
    fn push(&mut self, text: &str, class: Option<&'static str>, html: &mut String) {
        if text.is_empty() {
            return;
        }
        // Space has no colour: a span goes on across it.
        if class != self.0 && !text.trim().is_empty() {
            self.close(html);
            if let Some(class) = class {
                html.push_str("<span class=\"");
                html.push_str(class);
                html.push_str("\">");
            }
            self.0 = class;
        }
        escape(text, html);
    }

    fn close(&mut self, html: &mut String) {
        if self.0.take().is_some() {
            html.push_str("</span>");
        }
    }
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(code: &str, language: &str) -> String {
        block(code, Some(language), Instant::now() + Duration::from_secs(60))
    }

    #[test]
    fn parts_of_code_are_marked() {
        let html = shown("let a = \"é<b>\"; // 1 & 2\n", "rust");
        for part in [
            "<pre data-language=\"rust\"><code>",
            "<span class=\"code-keyword\">let</span>",
            "<span class=\"code-string\">&quot;é&lt;b&gt;&quot;</span>",
            "<span class=\"code-comment\">// 1 &amp; 2",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        assert!(shown("def f(x):\n    return 12\n", "python").contains("<span class=\"code-function\">f</span>"));
        assert!(shown("{\"a\": 1}", "json").contains("code-number"));
        assert!(shown("const x = 1", "ts").contains("code-keyword"), "a near relative's grammar");
    }

    #[test]
    fn what_has_no_grammar_stays_plain() {
        assert_eq!(shown("a < b\n", "brainfuck"), "<pre data-language=\"brainfuck\"><code>a &lt; b\n</code></pre>\n");
        assert_eq!(block("a", None, Instant::now()), "<pre><code>a</code></pre>\n");
        let long = format!("let a = 1;\n{}\nlet b = 2;", "x".repeat(LINE_MAX + 1));
        let html = shown(&long, "rust");
        assert!(html.ends_with("\nlet b = 2;</code></pre>\n") && html.contains("code-keyword"), "plain from there on");
        assert!(
            !block("let a = 1;", Some("rust"), Instant::now() - Duration::from_secs(1)).contains("span"),
            "no time left"
        );
    }

    #[test]
    fn a_language_is_a_word() {
        for (info, name) in [("rust", "rust"), ("C++ extra", "c++"), ("c#", "c#"), (".py", "py"), ("js{1,3}", "js")] {
            assert_eq!(language(info).as_deref(), Some(name), "{info}");
        }
        for info in ["", " x", "<b>", "a\"b", &"x".repeat(21), "é"] {
            assert_eq!(language(info), None, "{info}");
        }
    }

    #[test]
    fn no_text_is_lost_or_changed() {
        let code = "fn main() {\n\tprintln!(\"{}\", 'x'); /* é\n */ }\n\n#[a]\nstruct B<'a>(&'a str);";
        for language in
            ["rust", "python", "js", "html", "css", "sql", "bash", "c", "yaml", "md", "php", "diff", "latex", "xml"]
        {
            let html = shown(code, language);
            let text: String = html.split('<').flat_map(|part| part.split_once('>').map(|(_, text)| text)).collect();
            let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
            assert_eq!(text.trim_end(), code, "{language}");
        }
    }
}
