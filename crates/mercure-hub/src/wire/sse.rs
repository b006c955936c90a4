//! Server-sent events: the response and its body, which takes shared frames straight from the feed.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, Version, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use hyper::body::Frame;

use crate::{
    engine::feed::Feed,
    event::Wire,
    wire::offer::{Offer, Offered},
};

/// A bare comment: the first bytes of a stream, so that everything on the way sends the head on, and its sign of life.
pub(crate) const COMMENT: &[u8] = b":\n";
/// The same as a chunk.
pub(crate) const COMMENT_CHUNK: &[u8] = b"2\r\n:\n\r\n";

/// What keeps caches and buffering proxies from holding the stream back.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
    (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache, no-store, must-revalidate, max-age=0")),
    (header::PRAGMA, HeaderValue::from_static("no-cache")),
    (header::EXPIRES, HeaderValue::from_static("0")),
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
];

/// A stream of events; without a feed, its head alone.
pub(crate) fn response(version: Version, feed: Option<Feed>) -> Response {
    let body = feed.map_or_else(Body::empty, |feed| Body::new(Events { feed, place: Place::Start }));
    let mut response = (StatusCode::OK, body).into_response();
    dress(&mut response, version);
    response
}

/// The head of a stream whose connection the hub takes over.
pub(crate) fn taken(version: Version, offered: Offered) -> Response {
    let mut response = StatusCode::OK.into_response();
    dress(&mut response, version);
    response.extensions_mut().insert(Offer::new(offered));
    response
}

fn dress(response: &mut Response, version: Version) {
    response.headers_mut().extend(HEADERS.map(|(name, value)| (Some(name), value)));
    if version < Version::HTTP_2 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("keep-alive"));
    }
}

/// How far the body has come.
#[derive(Debug)]
enum Place {
    Start,
    Middle,
    End,
}

/// The body of a stream. The connection pulls: while its socket takes nothing, frames wait in the subscriber's bounded queue.
#[derive(Debug)]
struct Events {
    feed: Feed,
    place: Place,
}

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match self.place {
            Place::Start => {
                self.place = Place::Middle;
                Some(Bytes::from_static(COMMENT))
            }
            Place::Middle => match ready!(self.feed.poll_next(context)) {
                Some(bytes) => Some(bytes),
                None => {
                    self.place = Place::End;
                    self.feed.ending().map(|ending| ending.farewell(Wire::Sse))
                }
            },
            Place::End => None,
        };
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.place, Place::End)
    }
}
