//! What a subscriber asks for: the names and values of a query component, and of the body of a QUERY request.
//!
//! Both generations in one: `topic` asks as draft-07 does, every name that begins with `match` as draft-08 does.

use axum::http::{HeaderMap, HeaderName};

use crate::{
    Hub,
    history::LastId,
    http::form,
    http::reply::Refusal,
    topic::matcher::{MatchType, Matcher},
};

/// The request's header for the id to continue from, and draft-07's header for the answer.
pub(crate) static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The parts of a request that say what to subscribe to. The values are raw: whether they are matchers is looked at after the token.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    matchers: Vec<(MatchType, Vec<u8>)>,
    last_id: Option<Vec<u8>>,
    heartbeat: bool,
    wait: Option<Vec<u8>>,
    /// A name that starts with `match` and is no kind of matcher: to skip it would give the subscriber less than it thinks.
    unknown_matcher: bool,
}

impl Query {
    pub(crate) fn read(input: &[u8]) -> Self {
        let mut read = Self::default();
        let mut last_ids: [Option<Vec<u8>>; 4] = Default::default();
        for (name, value) in form::pairs(input) {
            let [newest, older, oldest, of_polyfill] = &mut last_ids;
            match name.as_slice() {
                b"topic" => read.matchers.push((MatchType::Legacy, value)),
                b"match" | b"match_exact" => read.matchers.push((MatchType::Exact, value)),
                b"match_urlpattern" => read.matchers.push((MatchType::UrlPattern, value)),
                b"heartbeat" => read.heartbeat |= value == b"1",
                b"wait" => read.wait = read.wait.take().or(Some(value)),
                b"last_event_id" => *newest = newest.take().or(Some(value)),
                b"lastEventID" => *older = older.take().or(Some(value)),
                // The default of the package event-source-polyfill, which is what can send an `Authorization` header in a browser.
                b"lastEventId" => *of_polyfill = of_polyfill.take().or(Some(value)),
                b"Last-Event-ID" => *oldest = oldest.take().or(Some(value)),
                name => read.unknown_matcher |= name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"match")),
            }
        }
        read.last_id = last_ids.into_iter().flatten().next();
        read
    }

    /// This query component together with a body: the matchers of both, and the component's id to continue from.
    pub(crate) fn with(mut self, body: Self) -> Self {
        self.matchers.extend(body.matchers);
        Self {
            matchers: self.matchers,
            last_id: self.last_id.or(body.last_id),
            heartbeat: self.heartbeat || body.heartbeat,
            wait: self.wait.or(body.wait),
            unknown_matcher: self.unknown_matcher || body.unknown_matcher,
        }
    }

    /// Whether the subscription is one of draft-07, in part at least.
    pub(crate) fn is_legacy(&self) -> bool {
        self.matchers.iter().any(|(kind, _)| *kind == MatchType::Legacy)
    }

    /// Whether `heartbeat` events are asked for.
    pub(crate) fn heartbeat(&self) -> bool {
        self.heartbeat
    }

    /// How many seconds a poll may wait, if it says so.
    pub(crate) fn wait(&self) -> Option<&[u8]> {
        self.wait.as_deref()
    }

    /// The id to continue from: the header wins over the query. Empty is an id that nothing has.
    pub(crate) fn last_id(&self, headers: &HeaderMap) -> Option<LastId> {
        let header = headers.get(&LAST_EVENT_ID).map(|value| value.as_bytes());
        let id = String::from_utf8_lossy(header.or(self.last_id.as_deref())?);
        Some(if id == "earliest" { LastId::Earliest } else { LastId::Id(id.into_owned()) })
    }

    /// The matchers, one at least. They are counted before anything is compiled.
    pub(crate) fn matchers(&self, hub: &Hub) -> Result<Vec<Matcher>, Refusal> {
        if self.unknown_matcher {
            return Err(Refusal::Bad("Unknown matcher type"));
        }
        if self.is_legacy() && !hub.config().tokens.legacy {
            return Err(Refusal::Bad("The \"topic\" parameter is not supported, use \"match\""));
        }
        if self.matchers.is_empty() {
            return Err(Refusal::Bad("Missing \"topic\" or \"match\" parameter"));
        }
        let of_topic = self.matchers.iter().filter(|(kind, _)| *kind == MatchType::Legacy).count();
        if hub.is_too_many(self.matchers.len() - of_topic, of_topic) {
            return Err(Refusal::Bad("Too many matchers"));
        }
        if self.matchers.iter().filter(|(kind, text)| kind.is_pattern(text)).count() > hub.config().max_patterns {
            return Err(Refusal::Bad("Too many patterns"));
        }
        let matchers = self.matchers.iter();
        matchers
            .map(|(kind, text)| std::str::from_utf8(text).ok().and_then(|text| hub.matcher(*kind, text)))
            .collect::<Option<_>>()
            .ok_or(Refusal::Bad("Invalid matcher"))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::{HubConfig, Tokens};

    fn hub(legacy: bool) -> Hub {
        let tokens = Tokens { legacy, ..Tokens::default() };
        Hub::new(HubConfig { max_matchers: 3, max_field_bytes: 20, tokens, ..HubConfig::default() })
    }

    fn count(query: &str) -> Result<usize, Refusal> {
        Query::read(query.as_bytes()).matchers(&hub(true)).map(|matchers| matchers.len())
    }

    #[test]
    fn matchers_are_taken_or_refused() {
        for (query, expected) in [
            ("topic=a", 1),
            ("match=a&match_exact=b&topic=c", 3),
            ("topic=a&topic=a&topic=%61", 3),
            ("topic=*&topic=a", 2),
            ("match=%7Bid%7D", 1),
            ("match=%7Bid&topic=%7Bid&topic=%7Bid%7D", 3),
            ("match_urlpattern=%2Fa%2F%3Aid&match_urlpattern=*", 2),
            ("match=a&other=x&Topic=y&mat=z", 1),
        ] {
            assert_eq!(count(query), Ok(expected), "{query}");
        }
        for query in [
            "",
            "Topic=a",
            "topic=",
            "match",
            "match_urlpattern=",
            "match_urlpattern=%7Bunclosed",
            "topic=a&MATCH=b",
            "topic=a&Match=b",
            "topic=a&matchurlpattern=b",
            "topic=a&match_UrlPattern=b",
            "topic=a&match_exactly=b",
            "topic=a&matchRegexp=b",
            "topic=a&match_Exact=b",
            "topic=a%00",
            "topic=a%0A",
            "topic=%7F",
            "topic=%C2%85",
            "topic=%ff",
            "topic=%E2%80%8B",
            "match_urlpattern=%2F%00",
            "topic=a&topic=b&topic=c&topic=d",
            "topic=a&topic=a&topic=a&topic=a",
            "topic=123456789012345678901",
        ] {
            assert!(matches!(count(query), Err(Refusal::Bad(_))), "{query}");
        }
    }

    #[test]
    fn the_older_generation_can_be_switched_off() {
        let strict = |query: &str| Query::read(query.as_bytes()).matchers(&hub(false));
        assert!(strict("topic=a").is_err() && strict("match=a&topic=a").is_err());
        assert!(strict("match=a").is_ok());
    }

    #[test]
    fn a_body_adds_to_the_query_component() {
        let both = |query: &str, body: &str| Query::read(query.as_bytes()).with(Query::read(body.as_bytes()));
        let union = both("match=a&match_urlpattern=%2Fb", "match=a&match_exact=c&heartbeat=1");
        assert_eq!(union.matchers(&hub(true)).unwrap_err(), Refusal::Bad("Too many matchers"));
        assert!(union.heartbeat() && !union.is_legacy());
        assert!(both("match=a", "Match=b").matchers(&hub(true)).is_err());
        assert!(both("match=a", "topic=b").is_legacy());
        let last = |query, body| both(query, body).last_id(&HeaderMap::new());
        assert_eq!(last("last_event_id=x", "last_event_id=y"), Some(LastId::Id("x".into())));
        assert_eq!(last("lastEventID=x", "last_event_id=y"), Some(LastId::Id("x".into())));
        assert_eq!(last("", "last_event_id=earliest"), Some(LastId::Earliest));
    }

    #[test]
    fn the_last_id_is_found_under_each_of_its_names() {
        let last = |query: &str, header: Option<&'static str>| {
            let headers =
                header.map(|value| (LAST_EVENT_ID.clone(), HeaderValue::from_static(value))).into_iter().collect();
            Query::read(query.as_bytes()).last_id(&headers)
        };
        let id = |id: &str| Some(LastId::Id(id.to_owned()));
        assert_eq!(last("topic=a", None), None);
        for name in ["last_event_id", "lastEventID", "Last-Event-ID", "lastEventId"] {
            assert_eq!(last(&format!("{name}=x"), None), id("x"), "{name}");
            assert_eq!(last(&format!("{name}=x"), Some("y")), id("y"), "{name}");
            assert_eq!(last(&format!("{name}="), None), id(""), "{name}");
        }
        assert_eq!(last("lastEventID=x&Last-Event-ID=x&last_event_id=z", None), id("z"));
        assert_eq!(last("last_event_id=earliest", None), Some(LastId::Earliest));
        assert_eq!(last("last_event_id=a", Some("")), id(""), "a header wins even when it is empty");
    }
}
