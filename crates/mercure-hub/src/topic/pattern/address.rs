//! URL patterns (WHATWG URL Pattern), compiled by the crate `urlpattern` and kept here in the form that a test needs: one small matcher for each component, without
//! groups, which nobody asks for.
//!
//! Expressions in parentheses are those of the crate `regex`: no look-around and no back-references, and time linear in the text. A pattern that holds what this engine
//! does not know is refused as malformed. Case is never ignored; schemes and hosts are folded by the parsing of URLs.

use std::{panic, sync::OnceLock};

use regex::bytes::Regex;
use url::Url;
use urlpattern::{
    RegexSyntax, UrlPattern, UrlPatternInit, UrlPatternOptions, component::Component, matcher::InnerMatcher,
    regexp::RegExp,
};

use super::compile;

/// Bytes of one compiled component. The slowest expression of this size takes 9 ms for a topic of 4,096 bytes, and a common one less than a microsecond.
const MAX_COMPILED: usize = 16 << 10;

/// A topic as a URL, in the eight components that a pattern looks at.
#[derive(Debug)]
pub(super) struct Address(Url);

impl Address {
    /// The topic as a URL reference; nothing when it is none, even against the base.
    pub(super) fn new(topic: &str, base: Option<&Url>) -> Option<Self> {
        Url::options().base_url(base).parse(topic).ok().map(Self)
    }

    fn components(&self) -> [&str; 8] {
        let url = &self.0;
        [
            url.scheme(),
            url.username(),
            url.password().unwrap_or_default(),
            url.host_str().unwrap_or_default(),
            url::quirks::port(url),
            url.path(),
            url.query().unwrap_or_default(),
            url.fragment().unwrap_or_default(),
        ]
    }
}

/// A compiled URL pattern: what each component must be, in the order of [`Address::components`].
#[derive(Debug)]
pub(super) struct AddressPattern([Part; 8]);

impl AddressPattern {
    /// Nothing when the text is malformed, or too large once it is compiled.
    pub(super) fn new(text: &str, base: Option<&Url>) -> Option<Self> {
        // The library asserts here and there what it believes about its input, which comes from strangers.
        panic::catch_unwind(|| {
            let mut init = UrlPatternInit::parse_constructor_string::<Lazy>(text, base.cloned()).ok()?;
            if init.protocol.is_some() {
                // The standard would put the base's path before that of `urn\\:isbn\\::id`.
                init.base_url = None;
            }
            Self::compile(init)
        })
        .ok()?
    }

    fn compile(init: UrlPatternInit) -> Option<Self> {
        let options = UrlPatternOptions { regex_syntax: RegexSyntax::Rust, ignore_case: false };
        let pattern = UrlPattern::<Lazy>::parse(init, options).ok()?;
        Some(Self([
            Part::new(pattern.protocol)?,
            Part::new(pattern.username)?,
            Part::new(pattern.password)?,
            Part::new(pattern.hostname)?,
            Part::new(pattern.port)?,
            Part::new(pattern.pathname)?,
            Part::new(pattern.search)?,
            Part::new(pattern.hash)?,
        ]))
    }

    pub(super) fn matches(&self, address: &Address) -> bool {
        self.matches_components(address.components())
    }

    fn matches_components(&self, components: [&str; 8]) -> bool {
        self.0.iter().zip(components).all(|(part, text)| part.matches(text))
    }
}

/// What one component must be.
#[derive(Debug)]
enum Part {
    Anything,
    Literal(Box<str>),
    Framed { prefix: Box<str>, inner: Inner, suffix: Box<str> },
}

/// What stands between the prefix and the suffix.
#[derive(Debug)]
enum Inner {
    Wildcard { without: Option<char>, may_be_empty: bool },
    Expression(Regex),
}

impl Part {
    fn new(component: Component<Lazy>) -> Option<Self> {
        let matcher = component.matcher;
        let inner = match matcher.inner {
            InnerMatcher::Literal { literal } => return Some(Self::Literal(literal.into())),
            InnerMatcher::SingleCapture { filter: None, allow_empty: true }
                if matcher.prefix.is_empty() && matcher.suffix.is_empty() =>
            {
                return Some(Self::Anything);
            }
            InnerMatcher::SingleCapture { filter, allow_empty } => {
                Inner::Wildcard { without: filter, may_be_empty: allow_empty }
            }
            InnerMatcher::RegExp { regexp } => Inner::Expression(compile(&regexp.ok()?.text, MAX_COMPILED)?),
        };
        Some(Self::Framed { prefix: matcher.prefix.into(), inner, suffix: matcher.suffix.into() })
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::Literal(literal) => **literal == *text,
            Self::Framed { prefix, inner, suffix } => {
                let middle = text.strip_prefix(&**prefix).and_then(|text| text.strip_suffix(&**suffix));
                middle.is_some_and(|middle| match inner {
                    Inner::Wildcard { without, may_be_empty } => {
                        (*may_be_empty || !middle.is_empty()) && without.is_none_or(|c| !middle.contains(c))
                    }
                    Inner::Expression(regex) => regex.is_match(middle.as_bytes()),
                })
            }
        }
    }
}

/// An expression that the library has built. It builds one for each component, and needs few of them: so only those are compiled.
#[derive(Debug)]
struct Lazy {
    text: String,
    compiled: OnceLock<Option<Regex>>,
}

impl RegExp for Lazy {
    fn syntax() -> RegexSyntax {
        RegexSyntax::Rust
    }

    fn parse(pattern: &str, _flags: &str, _force_eval: bool) -> Result<Self, ()> {
        Ok(Self { text: pattern.to_owned(), compiled: OnceLock::new() })
    }

    /// Asked by the library only for whether the protocol can be one of the special ones; it does not look at the groups.
    fn matches<'a>(&self, text: &'a str) -> Option<Vec<Option<&'a str>>> {
        let regex = self.compiled.get_or_init(|| compile(&self.text, MAX_COMPILED)).as_ref()?;
        regex.is_match(text.as_bytes()).then(Vec::new)
    }

    fn pattern_string(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://hub.example/.well-known/mercure").unwrap()
    }

    /// Nothing when the pattern is malformed.
    fn matches(pattern: &str, topic: &str) -> Option<bool> {
        let pattern = AddressPattern::new(pattern, Some(&base()))?;
        Some(Address::new(topic, Some(&base())).is_some_and(|address| pattern.matches(&address)))
    }

    #[test]
    fn url_patterns_match_as_the_standard_says() {
        for (pattern, topic, expected) in [
            ("https://example.com/books/:id", "https://example.com/books/1", true),
            ("https://example.com/books/:id", "https://example.com/books/1/2", false),
            ("https://example.com/books/:id", "https://example.com/books/", false),
            ("https://example.com/books/:id", "https://EXAMPLE.com/books/1", true),
            ("https://Example.com/books/:id", "https://example.com/books/1", true),
            ("https://example.com/books/:id", "https://example.com/Books/1", false),
            ("https://example.com/:type/:id", "https://example.com/books/1", true),
            ("https://example.com/*", "https://example.com/a/b/c", true),
            ("https://example.com/books{/:id}?", "https://example.com/books", true),
            ("https://example.com/books{/:id}?", "https://example.com/books/1", true),
            ("https://example.com/books{/:id}?", "https://example.com/books/1/2", false),
            ("https://example.com/books/:id(\\d+)", "https://example.com/books/42", true),
            ("https://example.com/books/:id(\\d+)", "https://example.com/books/4x", false),
            ("http{s}?://example.com/a", "http://example.com/a", true),
            ("http{s}?://example.com/a", "ftp://example.com/a", false),
            ("https://*.example.com/a", "https://b.example.com/a", true),
            ("https://*.example.com/a", "https://example.com/a", false),
            ("*://example.com/a", "https://example.com/a", true),
            ("*://example.com/a", "custom://example.com/a", true),
            ("*://example.com/a", "custom://example.org/a", false),
            ("/books/:id", "/books/1", true),
            ("/books/:id", "https://hub.example/books/1", true),
            ("/books/:id", "https://other.example/books/1", false),
            ("books/:id", "books/1", true),
            ("books/:id", "/.well-known/books/1", true),
            ("books/:id", "/books/1", false),
            ("/.well-known/mercure/subscriptions/:type/a/:who", "/.well-known/mercure/subscriptions/exact/a/b", true),
            ("/books/:id", "http://[broken", false),
            ("https://example.com/%C3%A9", "https://example.com/é", true),
            ("https://example.com/é", "https://example.com/%C3%A9", true),
            ("urn\\:book\\::id", "urn:book:1", true),
            ("https://example.com/a?b=:c", "https://example.com/a?b=1", true),
            ("https://example.com/a?b=:c", "https://example.com/a?d=1", false),
        ] {
            assert_eq!(matches(pattern, topic), Some(expected), "{pattern} {topic}");
        }
    }

    #[test]
    fn what_is_malformed_or_would_be_slow_is_refused() {
        let long = format!("/({})", "(?:[a-z]{100}){100}".repeat(20));
        let deep = format!("/({}a{})", "(?:".repeat(200), ")".repeat(200));
        for pattern in [
            "{unclosed",
            "https://example.com/(",
            "/:id(",
            "/:a/:a",
            "/(?=x)y",
            "/(a(?=b))",
            "/(a(?!b).*)",
            "/(a(?<=b))",
            "/((?:a)\\1)",
            "https://exa mple/",
            "https://example.com:65536/",
            "/({é})",
            &long,
            &deep,
        ] {
            assert_eq!(matches(pattern, "/x"), None, "{pattern}");
        }
    }

    #[test]
    fn without_a_base_relative_patterns_are_malformed() {
        assert!(AddressPattern::new("/a", None).is_none());
        let absolute = AddressPattern::new("https://example.com/a", None).unwrap();
        assert!(absolute.matches(&Address::new("https://example.com/a", None).unwrap()));
        assert!(Address::new("/a", None).is_none());
    }

    /// The data set of the web platform tests lies in the source of the library, where the package manager put it.
    fn web_platform_tests() -> Vec<serde_json::Value> {
        let cargo = std::process::Command::new(env!("CARGO"))
            .args(["metadata", "--format-version=1", "--offline", "--filter-platform=x86_64-unknown-linux-gnu"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let metadata: serde_json::Value = serde_json::from_slice(&cargo.stdout).unwrap();
        let packages = metadata["packages"].as_array().unwrap();
        let library = packages.iter().find(|package| package["name"] == "urlpattern").unwrap();
        let manifest = std::path::Path::new(library["manifest_path"].as_str().unwrap());
        let data = std::fs::read(manifest.with_file_name("src/testdata/urlpatterntestdata.json")).unwrap();
        serde_json::from_slice(&data).unwrap()
    }

    fn string_or_init(value: &serde_json::Value) -> urlpattern::quirks::StringOrInit<'static> {
        serde_json::from_value(value.clone()).unwrap()
    }

    /// Nothing when the input is an error, which matches nothing.
    fn components(inputs: &[serde_json::Value]) -> Option<[String; 8]> {
        use urlpattern::quirks;
        let (input, base) = (string_or_init(inputs.first()?), inputs.get(1).and_then(serde_json::Value::as_str));
        let (input, _) = quirks::process_match_input(input, base).ok()??;
        let input = quirks::parse_match_input(input)?;
        let quirks::MatchInput { protocol, username, password, hostname, port, pathname, search, hash } = input;
        Some([protocol, username, password, hostname, port, pathname, search, hash])
    }

    #[test]
    fn the_web_platform_tests_pass() {
        let (mut run, mut refused) = (0, 0);
        for case in web_platform_tests() {
            let arguments = case["pattern"].as_array().unwrap();
            let ignores_case = arguments.iter().any(|argument| argument.get("ignoreCase").is_some());
            if ignores_case || case.get("skip").is_some() || arguments.len() > 2 {
                continue;
            }
            let default = serde_json::json!({});
            let input = string_or_init(arguments.first().unwrap_or(&default));
            let base = arguments.get(1).and_then(serde_json::Value::as_str);
            let pattern = urlpattern::quirks::process_construct_pattern_input(input, base);
            let pattern = pattern.ok().and_then(AddressPattern::compile);
            run += 1;
            if case["expected_obj"] == "error" {
                assert!(pattern.is_none(), "{case}");
                refused += 1;
                continue;
            }
            let pattern = pattern.unwrap_or_else(|| panic!("{case}"));
            let inputs = case["inputs"].as_array().filter(|inputs| !inputs.is_empty()).cloned();
            let inputs = inputs.unwrap_or_else(|| vec![default]);
            let found =
                components(&inputs).is_some_and(|all| pattern.matches_components(all.each_ref().map(|text| &**text)));
            assert_eq!(found, case["expected_match"].is_object(), "{case}");
        }
        assert!(run > 300 && refused > 30, "{run} {refused}");
    }
}
