//! Code with its parts marked by class, so that the page's own colours apply in both themes and no inline style is needed.
//!
//! A highlighter of our own, and a plain one: those that read editors' grammars (syntect; also with Oniguruma) match them by backtracking. One
//! line of 200 characters took up to 355 ms there, and no clock can be looked at inside of a line. This one passes over the text once.

mod languages;
mod lexer;

use languages::Language;

const COMMENT: &str = "code-comment";
const STRING: &str = "code-string";
const NUMBER: &str = "code-number";
const KEYWORD: &str = "code-keyword";
const FUNCTION: &str = "code-function";
const TYPE: &str = "code-type";
const TAG: &str = "code-tag";
const ADDED: &str = "code-added";
const REMOVED: &str = "code-removed";

/// The classes that a block may hold.
pub(super) const CLASSES: [&str; 9] = [COMMENT, STRING, NUMBER, KEYWORD, FUNCTION, TYPE, TAG, ADDED, REMOVED];

/// The language that a fence names: its first word, letters that a label may have, in small ones.
pub(super) fn language(info: &str) -> Option<String> {
    let word = info.split([' ', ',', '\t', '{']).next().unwrap_or_default().trim_start_matches('.');
    let is_name = !word.is_empty()
        && word.len() <= 20
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"+#-_.".contains(&b));
    is_name.then(|| word.to_ascii_lowercase())
}

/// Safe HTML of a block, with its language.
pub(super) fn block(code: &str, language: Option<&str>) -> String {
    let mut html = String::with_capacity(code.len() * 2 + 64);
    html.push_str("<pre");
    if let Some(language) = language {
        html.push_str(" data-language=\"");
        escape(language, &mut html);
        html.push('"');
    }
    html.push_str("><code>");
    match language.and_then(Language::find) {
        Some(known) => {
            let mut span = Span::default();
            lexer::cut(code, known, &mut |text, class| span.push(text, class, &mut html));
            span.close(&mut html);
        }
        None => escape(code, &mut html),
    }
    html.push_str("</code></pre>\n");
    html
}

/// The span that is open, and the space behind what was written last: it belongs to the span only when that goes on behind it.
#[derive(Default)]
struct Span {
    class: Option<&'static str>,
    space: String,
}

impl Span {
    fn push(&mut self, text: &str, class: Option<&'static str>, html: &mut String) {
        if text.trim().is_empty() {
            self.space.push_str(text);
            return;
        }
        if class != self.class {
            self.close(html);
            if let Some(class) = class {
                html.push_str("<span class=\"");
                html.push_str(class);
                html.push_str("\">");
            }
            self.class = class;
        }
        html.push_str(&std::mem::take(&mut self.space));
        escape(text, html);
    }

    fn close(&mut self, html: &mut String) {
        if self.class.take().is_some() {
            html.push_str("</span>");
        }
        html.push_str(&std::mem::take(&mut self.space));
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
        block(code, Some(language))
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
        assert!(shown("{\"a\": 1}", "json").contains("code-number"));
        for (language, code, marked) in [
            ("python", "def f(x):\n    return 12\n", "keyword:def function:f keyword:return number:12"),
            ("python", "a = \"\"\"1\n2\"\"\"", "string:\"\"\"1\n2\"\"\""),
            ("ts", "const x = new Map()", "keyword:const keyword:new function:Map"),
            ("rust", "fn f<'a>(x: &'a Path) -> u8 { 0x1f }", "keyword:fn type:Path keyword:u8 number:0x1f"),
            ("c", "#include <a.h>\nint main(void)", "keyword:#include keyword:int function:main keyword:void"),
            ("sql", "SELECT a FROM b -- c", "keyword:SELECT keyword:FROM comment:-- c"),
            ("bash", "echo \"$HOME\" # a", "keyword:echo string:\"$HOME\" comment:# a"),
            ("php", "$a = null;", "type:$a number:null"),
            (
                "html",
                "<a href=\"/b\">c &amp; d</a><!-- e -->",
                "tag:<a type:href string:\"/b\" tag:> number:&amp tag:</a tag:> comment:<!-- e -->",
            ),
            ("yaml", "a: 1\n- b-c: \"d\" # e", "type:a number:1 type:b-c string:\"d\" comment:# e"),
            ("ini", "[a]\nb = true", "keyword:[a] type:b number:true"),
            ("diff", "--- a\n@@ 1 @@\n-b\n+c\n d", "keyword:--- a function:@@ 1 @@ removed:-b added:+c"),
            ("css", "@media x { color: #fff; }", "keyword:@media"),
            ("json", "{\"a\": true}", "string:\"a\" number:true"),
        ] {
            let found: Vec<String> = marks(code, language);
            assert_eq!(found.join(" "), marked, "{language}: {code}");
        }
    }

    /// What is marked, with its class.
    fn marks(code: &str, language: &str) -> Vec<String> {
        let mut marks = Vec::new();
        lexer::cut(code, Language::find(language).unwrap(), &mut |text, class| {
            marks.extend(class.map(|class| format!("{}:{}", &class["code-".len()..], text.trim_end())));
        });
        marks
    }

    #[test]
    fn what_has_no_grammar_stays_plain() {
        assert_eq!(shown("a < b\n", "brainfuck"), "<pre data-language=\"brainfuck\"><code>a &lt; b\n</code></pre>\n");
        assert_eq!(block("a", None), "<pre><code>a</code></pre>\n");
        assert_eq!(shown("let a", "text"), "<pre data-language=\"text\"><code>let a</code></pre>\n");
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
