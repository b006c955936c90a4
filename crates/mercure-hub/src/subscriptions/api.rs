//! The subscription API (draft-08 section "Subscription API"): collections and single subscriptions, as they are after the update that the answer names.
//!
//! A collection is written while it is sent, 64 KB at a time, from a listing that holds its subscriptions as they were at one moment: 100,000 of them take some 35 MB on the wire, and
//! 3 KB of pointers here, besides what changes meanwhile.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use crate::{
    Hub,
    auth::access,
    auth::token::{Generation, Verified},
    http::reply::Refusal,
    subscriptions::document::{self, Collection},
    subscriptions::path::{BadPath, Resource},
    subscriptions::roster::{Choice, Listing},
    topic::Topic,
    topic::matcher::MatchType,
};

/// How long an answer may wait for what still has to be written to a history on disk.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a collection that are written at a time, and by a little more once.
const PIECE: usize = 64 << 10;

/// Answers a GET or HEAD below `/subscriptions`.
pub(crate) async fn answer(hub: &Hub, parts: &Parts) -> Result<Response, Refusal> {
    let who = access::reader(hub, parts).await?;
    let (hub_path, path) = (hub.config().path.as_str(), parts.uri.path());
    let rest = path.strip_prefix(hub_path).and_then(|rest| rest.strip_prefix("/subscriptions"));
    let resource = Resource::read(rest.ok_or(Refusal::NotFound)?)
        .map_err(|BadPath| Refusal::Bad("Invalid matcher type or path"))?;
    let id = resource.path(hub_path);
    let takes_legacy = hub.config().tokens.legacy;
    if !takes_legacy && resource.is_legacy() {
        return Err(Refusal::NotFound);
    }
    let granted = |path: &str| Topic::new(path).is_ok_and(|topic| who.subscribe.cover(&topic));
    // The query takes no part in it, and how the client spelled the path does not matter.
    if !granted(&id) && !granted(path) {
        return Err(if who.is_anonymous() { Refusal::NoToken } else { Refusal::Forbidden });
    }
    let legacy = takes_legacy && is_legacy(&resource, &who, &parts.headers);
    let asked = match resource {
        Resource::All => Ask::List(Choice::Generation { legacy }),
        Resource::Of(kind, text) => Ask::List(Choice::Matcher(kind, text.into())),
        Resource::One(kind, text, subscriber) => Ask::One(kind, text, subscriber),
    };
    let engine = hub.engine();
    // What has happened before this request shows in its answer. Without that an answer is as true, for the moment that its cursor names.
    let _ = tokio::time::timeout(PATIENCE, engine.up_to_date()).await;
    let state = engine.state();
    let last = state.presence.last.clone();
    let found = match asked {
        Ask::List(choice) => Found::List(state.presence.roster.list(choice)),
        Ask::One(kind, text, subscriber) => {
            Found::One(state.presence.roster.find(kind, &text, &subscriber).ok_or(Refusal::NotFound)?)
        }
    };
    drop(state);
    let last = last.as_ref().map_or("earliest", |last| last.as_str());
    let etag = etag(last);
    let mut response = if is_fresh(&parts.headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let body = match found {
            _ if parts.method == Method::HEAD => Body::empty(),
            Found::One(subscription) => Body::from(document::one(&subscription, &id, last)),
            Found::List(listing) => write(listing, &id, legacy, last, hub_path),
        };
        let media_type = HeaderValue::from_static(media_type(legacy));
        (StatusCode::OK, [(header::CONTENT_TYPE, media_type)], body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, must-revalidate"));
    headers.append(header::VARY, HeaderValue::from_static("Accept, Authorization, Cookie"));
    for (name, value) in [(header::ETAG, etag), (header::LINK, link(hub_path, last, legacy))] {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.insert(name, value);
        }
    }
    Ok(response)
}

enum Ask {
    List(Choice),
    One(MatchType, String, String),
}

enum Found {
    List(Listing),
    One(std::sync::Arc<crate::subscriptions::roster::Subscription>),
}

fn media_type(legacy: bool) -> &'static str {
    if legacy { "application/ld+json" } else { "application/json" }
}

/// In which shape to answer. One URL stands for the collection of all in both generations: who asks for JSON-LD, or comes with a token of the older
/// generation and has not asked for plain JSON, gets the older one.
fn is_legacy(resource: &Resource, who: &Verified, headers: &HeaderMap) -> bool {
    match resource {
        Resource::Of(..) | Resource::One(..) => resource.is_legacy(),
        Resource::All => {
            let accepts = |media_type: &str| {
                let values = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
                let mut ranges = values.flat_map(|value| value.split(',')).filter_map(|range| range.split(';').next());
                ranges.any(|range| range.trim().eq_ignore_ascii_case(media_type))
            };
            accepts("application/ld+json") || (who.generation == Generation::Legacy && !accepts("application/json"))
        }
    }
}

/// A collection under way.
struct Writing {
    listing: Listing,
    collection: Collection,
    hub_path: String,
}

impl Writing {
    /// The next piece, and the rest if there is one.
    fn piece(mut self, mut out: String) -> (Bytes, Option<Self>) {
        while out.len() < PIECE {
            let Some(chunk) = self.listing.next_chunk() else {
                self.collection.end(&mut out);
                return (out.into(), None);
            };
            chunk.iter().for_each(|subscription| self.collection.add(&self.hub_path, subscription, &mut out));
        }
        (out.into(), Some(self))
    }
}

/// The collection: at once when it is small, else piece by piece.
fn write(listing: Listing, id: &str, legacy: bool, last: &str, hub_path: &str) -> Body {
    let mut begun = String::new();
    let collection = Collection::begin(id, legacy, last, &mut begun);
    let (first, rest) = Writing { listing, collection, hub_path: hub_path.to_owned() }.piece(begun);
    if rest.is_none() {
        return Body::from(first);
    }
    let rest = stream::unfold(rest, |rest| std::future::ready(rest.map(|rest| rest.piece(String::new()))));
    Body::from_stream(stream::once(std::future::ready(first)).chain(rest).map(Ok::<_, std::convert::Infallible>))
}

/// The cursor as an entity tag: what could end or split it is escaped (RFC 9110 section 8.8.3).
fn etag(last: &str) -> String {
    let mut out = String::with_capacity(last.len() + 2);
    out.push('"');
    for c in last.chars() {
        if matches!(c, ' ' | '"' | '%') || c.is_control() {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes).bytes().for_each(|byte| out.push_str(&format!("%{byte:02X}")));
        } else {
            out.push(c);
        }
    }
    out.push('"');
    out
}

/// Whether the client has this already (RFC 9110 section 13.1.2; tags are compared weakly). Clients of the older generation send the id back without quotation marks.
fn is_fresh(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).into_iter();
    let mut tags = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    let bare = etag.trim_matches('"');
    tags.any(|tag| {
        let tag = tag.strip_prefix(b"W/").unwrap_or(tag);
        tag == b"*" || tag == etag.as_bytes() || tag == bare.as_bytes()
    })
}

/// Where to subscribe from here on (draft-08 section "Discovery").
fn link(hub_path: &str, last: &str, legacy: bool) -> String {
    let last = last.replace('\\', "\\\\").replace('"', "\\\"");
    let kind = if legacy { "" } else { " type=\"mercure\";" };
    format!("<{hub_path}>; rel=\"mercure\"; last-event-id=\"{last}\";{kind} content-type=\"{}\"", media_type(legacy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_holds_nothing_that_ends_it() {
        for (last, tag) in [
            ("urn:uuid:1", "\"urn:uuid:1\""),
            ("a \"b\"%", "\"a%20%22b%22%25\""),
            ("é,'\\", "\"é,'\\\""),
            ("earliest", "\"earliest\""),
        ] {
            assert_eq!(etag(last), tag);
        }
    }

    #[test]
    fn a_known_tag_is_found_among_others() {
        let fresh = |value: &str| {
            is_fresh(&[(header::IF_NONE_MATCH, HeaderValue::from_str(value).unwrap())].into_iter().collect(), "\"x\"")
        };
        assert!(fresh("\"x\"") && fresh("W/\"x\"") && fresh("\"y\", \"x\"") && fresh("*"));
        assert!(fresh("x") && fresh("y, x"), "without quotation marks, as 0.x had it");
        assert!(!fresh("\"y\"") && !fresh("y") && !fresh("\"x") && !is_fresh(&HeaderMap::new(), "\"x\""));
    }

    #[test]
    fn the_link_quotes_the_cursor() {
        assert_eq!(
            link("/hub", "a\"\\", false),
            "</hub>; rel=\"mercure\"; last-event-id=\"a\\\"\\\\\"; type=\"mercure\"; content-type=\"application/json\""
        );
        assert_eq!(
            link("/hub", "x", true),
            "</hub>; rel=\"mercure\"; last-event-id=\"x\"; content-type=\"application/ld+json\""
        );
    }
}
