//! Long poll: the same updates with the same rights and ids, for clients that can neither stream nor open a WebSocket. One answer a request: what was missed,
//! or else what comes first, or nothing after a while.

use std::time::Duration;

use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use bytes::BytesMut;
use tokio::time::{Instant, timeout_at};

use crate::{engine::feed::Feed, history::LastId, http::reply::Refusal};

/// How long an answer may take when the client does not say.
const WAIT: Duration = Duration::from_secs(25);
/// The longest that it may ask for: proxies give up on silent requests after a minute.
const MAX_WAIT: Duration = Duration::from_secs(55);
/// Once an answer is so large, the rest is left to the next one.
const MAX_ANSWER: usize = 256 << 10;

/// How long to wait, if the request is a poll: one that takes JSON and no event stream. Browsers' event sources always name the latter.
pub(crate) fn wait(headers: &HeaderMap, seconds: Option<&[u8]>) -> Result<Option<Duration>, Refusal> {
    let accepted = |media_type: &str| {
        let values = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
        let mut types = values.flat_map(|value| value.split(',')).filter_map(|range| range.split(';').next());
        types.any(|found| found.trim().eq_ignore_ascii_case(media_type))
    };
    if !accepted("application/json") || accepted("text/event-stream") {
        return Ok(None);
    }
    let Some(seconds) = seconds else { return Ok(Some(WAIT)) };
    let digits = std::str::from_utf8(seconds).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let seconds: u64 = digits.and_then(|text| text.parse().ok()).ok_or(Refusal::Bad("Invalid \"wait\" parameter"))?;
    Ok(Some(Duration::from_secs(seconds).min(MAX_WAIT)))
}

/// `{"last_event_id": "…", "events": […]}`, the events as over a WebSocket. The next poll continues from that id, and so nothing is lost between two.
pub(crate) async fn answer(mut feed: Feed, asked: Option<&LastId>, wait: Duration) -> Response {
    let mut events = BytesMut::new();
    let mut until = Instant::now() + wait;
    while events.len() < MAX_ANSWER
        && let Ok(Some(bytes)) = timeout_at(until, feed.next()).await
    {
        events.extend_from_slice(&bytes);
        // What is here already comes along; nothing else is waited for.
        until = Instant::now();
    }
    let mut place = None;
    if events.is_empty() && feed.is_live() {
        place = feed.registration().engine().retire(feed.subscriber().id);
        while let Some(bytes) = feed.next().await {
            events.extend_from_slice(&bytes);
        }
    }
    // Each object is followed by a comma.
    let events = String::from_utf8_lossy(events.strip_suffix(b",").unwrap_or_default());
    let last = last_id(&events).or_else(|| Some(place?.as_str().to_owned())).unwrap_or_else(|| match asked {
        Some(LastId::Id(id)) if !feed.is_live() => id.clone(),
        _ => "earliest".to_owned(),
    });
    let last = serde_json::Value::from(last);
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "private, no-store")];
    (headers, format!("{{\"last_event_id\":{last},\"events\":[{events}]}}")).into_response()
}

/// The id of the last of these objects. Quotes inside of a string are escaped, so this beginning is that of an object.
fn last_id(events: &str) -> Option<String> {
    let (_, object) = events.rsplit_once("{\"id\":")?;
    serde_json::Deserializer::from_str(object).into_iter().next()?.ok()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_poll_is_known_by_what_it_accepts() {
        for (accept, is_poll) in [
            ("", false),
            ("*/*", false),
            ("text/event-stream", false),
            ("application/json", true),
            ("text/html, Application/JSON;q=0.9", true),
            ("application/json, text/event-stream", false),
            ("application/jsonlines", false),
        ] {
            let headers = [(header::ACCEPT, HeaderValue::from_static(accept))].into_iter().collect();
            assert_eq!(wait(&headers, None).unwrap().is_some(), is_poll, "{accept}");
        }
    }

    #[test]
    fn the_wait_is_a_number_of_seconds() {
        let headers = [(header::ACCEPT, HeaderValue::from_static("application/json"))].into_iter().collect();
        for (seconds, expected) in [("0", 0), ("7", 7), ("3600", 55)] {
            assert_eq!(wait(&headers, Some(seconds.as_bytes())).unwrap(), Some(Duration::from_secs(expected)));
        }
        for seconds in ["", "x", "-1", "+1", "1.5", "99999999999999999999"] {
            assert!(wait(&headers, Some(seconds.as_bytes())).is_err(), "{seconds}");
        }
    }

    #[test]
    fn the_last_id_is_that_of_the_last_object() {
        assert_eq!(last_id(""), None);
        let tricky = r#"{"id":"a","data":"{\"id\":\"no\"}"},{"id":"\"b\"","data":"{\"id\":\"no\"}"}"#;
        assert_eq!(last_id(tricky).as_deref(), Some("\"b\""));
    }
}
