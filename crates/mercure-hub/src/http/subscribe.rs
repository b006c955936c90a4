//! Subscribing: the query, the rights of the one who asks, and the stream that answers, over either wire.

use std::{sync::Arc, time::Duration};

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, Method, request::Parts},
    response::Response,
};
use tokio::time::Instant;

use crate::{
    Hub,
    auth::access,
    auth::token::Verified,
    engine::ending::Ending,
    engine::feed::{self, Feed},
    engine::subscriber::{Interest, Traits},
    event::Wire,
    history::LastId,
    http::form,
    http::reply::Refusal,
    topic::matcher::{MatchType, Matcher},
    wire::socket,
    wire::sse,
};

static MERCURE_LAST_EVENT_ID: HeaderName = HeaderName::from_static("mercure-last-event-id");
static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What the query asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Query {
    /// The raw values of `topic`, `match` and `match_exact`.
    topics: Vec<Vec<u8>>,
    /// Whether `topic` was used, which makes the request one of the older generation.
    legacy: bool,
    last_id: Option<Vec<u8>>,
    heartbeat: bool,
    /// A name that starts with `match` and is no kind of matcher: to skip it would give the subscriber less than it thinks.
    unknown_matcher: bool,
}

/// Answers with a stream of events, or with a WebSocket when the request is a handshake for one.
pub(crate) async fn subscribe(hub: &Hub, mut parts: Parts) -> Result<Response, Refusal> {
    let handshake = socket::handshake(hub, &mut parts)?;
    let query = Query::read(parts.uri.query().unwrap_or_default());
    let who = access::reader(hub, &parts.headers)?;
    let interest = query.interest(hub)?;
    if parts.method == Method::HEAD {
        return Ok(sse::response(parts.version, None));
    }
    let last = last_id(&parts.headers, query.last_id);
    let wire = if handshake.is_some() { Wire::Socket } else { Wire::Sse };
    let feed = open(hub, who, wire, interest, query.heartbeat, last.as_ref()).await?;
    let cursor = feed.starts_after(last.as_ref());
    let mut response = match handshake {
        Some(handshake) => handshake.accept(hub, feed),
        None => sse::response(parts.version, Some(feed)),
    };
    if let Some(value) = cursor.and_then(|id| HeaderValue::from_bytes(id.as_bytes()).ok()) {
        if query.legacy {
            response.headers_mut().insert(&LAST_EVENT_ID, value.clone());
        }
        response.headers_mut().insert(&MERCURE_LAST_EVENT_ID, value);
    }
    Ok(response)
}

/// Asks for the rights, then registers. A disconnect between the two is found by the engine, which looks at the revocations again.
async fn open(
    hub: &Hub,
    who: Verified,
    wire: Wire,
    mut interest: Interest,
    beats: bool,
    last: Option<&LastId>,
) -> Result<Feed, Refusal> {
    let config = hub.config();
    let doubtful = interest.named.keys().filter(|topic| !who.subscribe.cover(topic)).cloned().collect();
    interest.named.extend(feed::ask(config.authorizer.as_deref(), who.subject.as_deref(), doubtful).await);
    let traits = Traits {
        deadline: deadline(config.max_lifetime, who.expires_at.map(|at| at - hub.now())),
        subject: who.subject.map(Arc::from),
        wire,
        beats,
        grants: who.subscribe,
        interest,
    };
    let begin = match last {
        Some(last) => hub.engine().locate(last).await.map_err(|_| Refusal::Unavailable)?,
        None => None,
    };
    let start = hub.engine().admit(traits, who.issued_at, begin)?;
    hub.start_ticker();
    Ok(Feed::new(start, hub.pulse(), config.authorizer.clone()))
}

/// When a stream ends by itself: in the last fifth of the longest lifetime, and no later than its token.
fn deadline(max_lifetime: Duration, token: Option<f64>) -> Option<(Instant, Ending)> {
    let lifetime =
        (!max_lifetime.is_zero()).then(|| (max_lifetime.mul_f64(rand::random_range(0.8..1.0)), Ending::Lifetime));
    // A timer fires late rather than early; the token must not be outlived.
    const MARGIN: f64 = 0.01;
    let token = token
        .and_then(|left| Duration::try_from_secs_f64((left - MARGIN).max(0.0)).ok())
        .map(|left| (left, Ending::Expired));
    let (left, ending) = [lifetime, token].into_iter().flatten().min_by_key(|(left, _)| *left)?;
    Some((Instant::now().checked_add(left)?, ending))
}

/// The id to continue from: the header wins over the query. Empty is an id that nothing has.
fn last_id(headers: &HeaderMap, query: Option<Vec<u8>>) -> Option<LastId> {
    let value = headers.get(&LAST_EVENT_ID).map(|value| value.as_bytes().to_vec()).or(query)?;
    let id = String::from_utf8(value).unwrap_or_default();
    Some(if id == "earliest" { LastId::Earliest } else { LastId::Id(id) })
}

impl Query {
    fn read(query: &str) -> Self {
        let mut read = Self::default();
        let mut last_ids: [Option<Vec<u8>>; 3] = Default::default();
        for (name, value) in form::pairs(query.as_bytes()) {
            let [newest, older, oldest] = &mut last_ids;
            match name.as_slice() {
                b"topic" => {
                    read.legacy = true;
                    read.topics.push(value);
                }
                b"match" | b"match_exact" => read.topics.push(value),
                b"heartbeat" => read.heartbeat |= value == b"1",
                b"last_event_id" => *newest = newest.take().or(Some(value)),
                b"lastEventID" => *older = older.take().or(Some(value)),
                b"Last-Event-ID" => *oldest = oldest.take().or(Some(value)),
                name => read.unknown_matcher |= name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"match")),
            }
        }
        read.last_id = last_ids.into_iter().flatten().next();
        read
    }

    fn interest(&self, hub: &Hub) -> Result<Interest, Refusal> {
        if self.unknown_matcher {
            return Err(Refusal::Bad("Unknown matcher type"));
        }
        if self.topics.is_empty() {
            return Err(Refusal::Bad("Missing \"topic\" or \"match\" parameter"));
        }
        let matchers = self
            .topics
            .iter()
            .map(|value| std::str::from_utf8(value).ok().and_then(|value| hub.matcher(MatchType::Legacy, value)));
        let matchers: Vec<Matcher> = matchers.collect::<Option<_>>().ok_or(Refusal::Bad("Invalid matcher"))?;
        let interest = Interest::new(matchers);
        if hub.is_too_many(interest.named.len()) { Err(Refusal::Bad("Too many matchers")) } else { Ok(interest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HubConfig;

    fn interest(query: &str) -> Result<usize, Refusal> {
        let hub = Hub::new(HubConfig { max_matchers: 3, max_field_bytes: 20, ..HubConfig::default() });
        Query::read(query).interest(&hub).map(|interest| interest.named.len() + usize::from(interest.everything))
    }

    #[test]
    fn matchers_are_taken_or_refused() {
        for (query, count) in [
            ("topic=a", 1),
            ("match=a&match_exact=b&topic=c", 3),
            ("topic=a&match=a&topic=%61", 1),
            ("topic=*&topic=a", 2),
            ("match=%7Bid%7D", 1),
            ("match=a&other=x&Topic=y&mat=z", 1),
        ] {
            assert_eq!(interest(query), Ok(count), "{query}");
        }
        for query in [
            "",
            "Topic=a",
            "topic=",
            "match",
            "topic=a&MATCH=b",
            "topic=a&Match=b",
            "topic=a&match_urlpattern=b",
            "topic=a&matchurlpattern=b",
            "topic=a&match_exactly=b",
            "topic=a&matchRegexp=b",
            "topic=a&match_Exact=b",
            "topic=a%00",
            "topic=a%0A",
            "topic=%7F",
            "topic=%C2%85",
            "topic=%ff",
            "topic=%E2%80%8B",
            "topic=a&topic=b&topic=c&topic=d",
            "topic=123456789012345678901",
        ] {
            assert!(matches!(interest(query), Err(Refusal::Bad(_))), "{query}");
        }
    }

    #[test]
    fn the_last_id_is_found_under_each_of_its_names() {
        let last = |query: &str, header: Option<&'static str>| {
            let headers =
                header.map(|value| (LAST_EVENT_ID.clone(), HeaderValue::from_static(value))).into_iter().collect();
            last_id(&headers, Query::read(query).last_id)
        };
        let id = |id: &str| Some(LastId::Id(id.to_owned()));
        assert_eq!(last("topic=a", None), None);
        for name in ["last_event_id", "lastEventID", "Last-Event-ID"] {
            assert_eq!(last(&format!("{name}=x"), None), id("x"), "{name}");
            assert_eq!(last(&format!("{name}=x"), Some("y")), id("y"), "{name}");
            assert_eq!(last(&format!("{name}="), None), id(""), "{name}");
        }
        assert_eq!(last("lastEventID=x&Last-Event-ID=x&last_event_id=z", None), id("z"));
        assert_eq!(last("last_event_id=earliest", None), Some(LastId::Earliest));
        assert_eq!(last("last_event_id=a", Some("")), id(""), "a header wins even when it is empty");
    }

    #[test]
    fn a_stream_ends_before_its_token_and_within_its_lifetime() {
        let left = |max_lifetime, token| {
            deadline(Duration::from_secs(max_lifetime), token).map(|(at, ending)| (at - Instant::now(), ending))
        };
        assert_eq!(left(0, None), None);
        let (by_token, ending) = left(100, Some(60.0)).unwrap();
        assert!(ending == Ending::Expired && by_token < Duration::from_secs(60) && by_token > Duration::from_secs(59));
        let (by_age, ending) = left(100, Some(1e9)).unwrap();
        assert!(ending == Ending::Lifetime && by_age <= Duration::from_secs(100) && by_age > Duration::from_secs(79));
        assert_eq!(left(0, Some(1e300)), None, "too far away to be a date");
    }
}
