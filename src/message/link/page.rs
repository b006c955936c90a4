//! What a page says of itself. Only its `title` and `meta` elements are looked at, each by itself and within bounds: a page's nesting, size and
//! scripts mean nothing here (CVE-2022-31052).

use super::Preview;
use scraper::{Html, Selector};
use std::collections::HashMap;
use unicode_segmentation::UnicodeSegmentation;

/// Bytes of a page that are looked at.
const LOOKED_AT: usize = 256 * 1024;
/// Elements that are looked at.
const ELEMENTS_MAX: usize = 200;
/// Bytes of one element.
const ELEMENT_MAX: usize = 4_096;
const TITLE_MAX: usize = 160;
const DESCRIPTION_MAX: usize = 300;
const SITE_MAX: usize = 60;

/// What a page says of itself, as plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its title, never empty.
    pub title: String,
    /// What it is about.
    pub description: String,
    /// The site's name, or its host.
    pub site: String,
}

impl About {
    /// Reads a page; nothing when it has no title.
    pub fn read(body: &[u8], charset: Option<&str>, host: &str) -> Option<Self> {
        let text = decode(&body[..body.len().min(LOOKED_AT)], charset);
        let said = said(&text);
        let first = |names: &[&str], most: usize| {
            names.iter().filter_map(|name| said.get(*name)).map(|text| tidy(text, most)).find(|text| !text.is_empty())
        };
        let title = first(&["og:title", "twitter:title", "title"], TITLE_MAX)?;
        let description = first(&["og:description", "twitter:description", "description"], DESCRIPTION_MAX);
        let site = first(&["og:site_name"], SITE_MAX);
        Some(Self {
            title,
            description: description.unwrap_or_default(),
            site: site.unwrap_or_else(|| tidy(host.strip_prefix("www.").unwrap_or(host), SITE_MAX)),
        })
    }
}

impl About {
    /// As it stands below a link; nothing without a title.
    pub fn preview(&self, url: &str) -> Option<Preview> {
        let Self { title, description, site } = self.clone();
        (!title.is_empty()).then(|| Preview { url: url.to_owned(), title, description, site })
    }
}

/// UTF-8 unless the server says that it is Latin; what cannot be read is replaced.
fn decode(bytes: &[u8], charset: Option<&str>) -> String {
    match charset {
        Some("iso-8859-1" | "iso-8859-15" | "latin1" | "windows-1252") => {
            bytes.iter().map(|byte| char::from(*byte)).collect()
        }
        Some(_) | None => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// The first value under each name.
fn said(page: &str) -> HashMap<String, String> {
    let mut said = HashMap::new();
    // The same length as the page: what is found in one stands there in the other.
    let small = page.to_ascii_lowercase();
    let mut at = 0;
    for _ in 0..ELEMENTS_MAX {
        let Some(found) = small[at..].find("<meta").into_iter().chain(small[at..].find("<title")).min() else { break };
        at += found;
        let is_title = small[at..].starts_with("<title");
        let end = if is_title { small[at..].find("</title") } else { element_end(&small[at..]) };
        let Some(end) = end else { break };
        if end <= ELEMENT_MAX {
            read_element(&page[at..at + end], &mut said);
        }
        at += end.max(1);
    }
    said
}

/// Where a tag ends; a sign in quotes does not end it.
fn element_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (place, byte) in text.bytes().enumerate().take(ELEMENT_MAX * 2) {
        match (quote, byte) {
            (None, b'>') => return Some(place + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    // A quote that never closes: the tag is skipped.
    (text.len() > ELEMENT_MAX * 2).then_some(5)
}

fn read_element(html: &str, said: &mut HashMap<String, String>) {
    let fragment = Html::parse_fragment(html);
    let Ok(selector) = Selector::parse("meta, title") else { return };
    for element in fragment.select(&selector) {
        let value = element.value();
        let (name, text) = if value.name() == "title" {
            ("title", element.text().collect::<String>())
        } else {
            let Some(name) = value.attr("property").or_else(|| value.attr("name")) else { continue };
            (name, value.attr("content").unwrap_or_default().to_owned())
        };
        said.entry(name.trim().to_ascii_lowercase()).or_insert(text);
    }
}

/// One line of plain text, shortened; without what would turn the text around it.
fn tidy(text: &str, most: usize) -> String {
    let line = crate::text::line(text);
    let short: String = line.graphemes(true).take(most).collect();
    if short.len() < line.len() { format!("{short}…") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn read(page: &str) -> Option<About> {
        About::read(page.as_bytes(), Some("utf-8"), "www.a.fr")
    }

    #[test]
    fn a_page_says_what_it_is() {
        let about = read(
            "<!doctype html><html><head><TITLE>Titre &amp; l&#39;été</TITLE><meta name=description content='Deux\n mots'>\
             <meta property=\"og:site_name\" content=\"Le journal\"></head>",
        );
        let expected =
            About { title: "Titre & l'été".into(), description: "Deux mots".into(), site: "Le journal".into() };
        assert_eq!(about.unwrap(), expected);
        let better = read(
            "<title>x</title><meta content=\"a > b\" property=og:title><meta name='twitter:description' content=y>",
        )
        .unwrap();
        assert_eq!((better.title.as_str(), better.description.as_str(), better.site.as_str()), ("a > b", "y", "a.fr"));
        assert_eq!(read("<p>rien</p>"), None);
        assert_eq!(read("<title> </title>"), None);
        assert_eq!(About::read(b"<title>\xe9t\xe9</title>", Some("iso-8859-1"), "a.fr").unwrap().title, "été");
    }

    #[test]
    fn nothing_in_it_is_more_than_text() {
        let about = read("<title><b>gras</b> <script>alert(1)</script></title><meta property=og:description content='\u{202E}<img src=x>'>").unwrap();
        assert_eq!(about.title, "<b>gras</b> <script>alert(1)</script>");
        assert_eq!(about.description, "<img src=x>");
        assert_eq!(read(&format!("<title>{}</title>", "é".repeat(500))).unwrap().title.chars().count(), TITLE_MAX + 1);
    }

    /// CVE-2022-31052: neither depth nor size nor brokenness costs anything.
    #[test]
    fn a_hostile_page_costs_nothing() {
        let start = Instant::now();
        let hostile = [
            "<div>".repeat(100_000),
            (0..40_000).map(|n| format!("<b a={n}>")).collect(),
            "<meta".repeat(100_000),
            "<meta \"".repeat(100_000),
            "<title".repeat(100_000),
            "<title>".repeat(100_000),
            "<meta name=x content=y>".repeat(50_000),
            "<svg><title>".repeat(50_000),
            "\u{FFFD}".repeat(100_000),
        ];
        for page in hostile {
            read(&format!("{page}<title>x</title>"));
            About::read(&page.as_bytes()[1..], None, "a.fr");
        }
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}
