//! Subscribing: the query, the rights of the one who asks, and the stream that answers, over whichever wire.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Method, request::Parts},
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
    http::form::{self, MediaType},
    http::query::{LAST_EVENT_ID, Query},
    http::reply::Refusal,
    limits::Seats,
    subscriptions::presence::Visible,
    wire::offer::{self, Offered},
    wire::poll,
    wire::socket,
    wire::sse,
};

/// The safe method with a body (RFC 10008).
pub(crate) const QUERY: &str = "QUERY";

/// The field of the answer that says where the stream begins.
static MERCURE_LAST_EVENT_ID: HeaderName = HeaderName::from_static("mercure-last-event-id");

/// Answers with a stream of events; with a WebSocket when the request is a handshake for one; with one answer to a poll.
pub(crate) async fn subscribe(hub: &Hub, mut parts: Parts, body: Body) -> Result<Response, Refusal> {
    let config = hub.config();
    let handshake = if config.extensions { socket::handshake(hub, &mut parts)? } else { None };
    let mut query = Query::read(parts.uri.query().unwrap_or_default().as_bytes());
    if parts.method.as_str() == QUERY {
        query = query.with(read_query(hub, &parts, body).await?);
    }
    let who = access::reader(hub, &parts).await?;
    let interest = Interest::new(query.matchers(hub)?);
    if parts.method == Method::HEAD {
        return Ok(sse::response(parts.version, None));
    }
    let last = query.last_id(&parts.headers);
    let beats = config.extensions && query.heartbeat();
    let poll = if config.extensions && handshake.is_none() { poll::wait(&parts.headers, query.wait())? } else { None };
    let taken = offer::is_takeable(&parts);
    let wire = match handshake {
        Some(_) => Wire::Socket,
        None if poll.is_some() => Wire::Json,
        None if taken => Wire::Chunked,
        None => Wire::Sse,
    };
    if !hub.is_ready() {
        return Err(Refusal::Unavailable);
    }
    let seats = hub.limiter().sit(&parts.extensions, who.bearer)?;
    let feed = open(hub, who, wire, interest, beats, last.as_ref(), seats).await?;
    let cursor = feed.starts_after(last.as_ref());
    let mut response = match (handshake, poll) {
        (Some(handshake), _) => handshake.accept(hub, feed),
        (None, Some(wait)) => poll::answer(feed, last.as_ref(), wait).await,
        (None, None) if taken => sse::taken(parts.version, Offered { hub: hub.clone(), feed }),
        (None, None) => sse::response(parts.version, Some(feed)),
    };
    if let Some(value) = cursor.and_then(|id| HeaderValue::from_bytes(id.as_bytes()).ok()) {
        if query.is_legacy() {
            response.headers_mut().insert(&LAST_EVENT_ID, value.clone());
        }
        response.headers_mut().insert(&MERCURE_LAST_EVENT_ID, value);
    }
    Ok(response)
}

/// The body of a QUERY request. Read before the token is looked at, for it may hold all of the query.
async fn read_query(hub: &Hub, parts: &Parts, body: Body) -> Result<Query, Refusal> {
    match form::media_type(&parts.headers) {
        MediaType::Form => {}
        MediaType::Missing => return Err(Refusal::Bad("Missing Content-Type")),
        MediaType::Other => return Err(Refusal::MediaType),
    }
    let body = form::read_body(body, hub.config().max_body_bytes).await?;
    Ok(Query::read(&body))
}

/// Asks for the rights, then registers. A disconnect between the two is found by the engine, which looks at the revocations again.
async fn open(
    hub: &Hub,
    mut who: Verified,
    wire: Wire,
    mut interest: Interest,
    beats: bool,
    last: Option<&LastId>,
    seats: Option<Box<Seats>>,
) -> Result<Feed, Refusal> {
    let config = hub.config();
    let doubtful = interest.named.keys().filter(|topic| !who.subscribe.cover(topic)).cloned().collect();
    interest.named.extend(feed::ask(config.authorizer.as_deref(), who.subject.as_deref(), doubtful).await);
    let matchers = std::mem::take(&mut interest.matchers);
    // A poll comes and goes all the time, and is no subscription that others would want to hear of.
    let shown = config.subscriptions && wire != Wire::Json;
    let visible = shown.then(|| Box::new(Visible::new(&matchers, std::mem::take(&mut who.payloads))));
    let traits = Traits {
        deadline: deadline(config.max_lifetime, who.expires_at.map(|at| at - hub.now())),
        subject: who.subject.map(Arc::from),
        token_id: who.token_id.map(Arc::from),
        session: who.session.map(Arc::from),
        key: who.key,
        wire,
        beats,
        grants: who.subscribe,
        interest,
        visible,
        seats,
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

#[cfg(test)]
mod tests {
    use super::*;

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
