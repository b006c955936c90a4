//! The offer: how a request whose connection can be taken over says so, and how a stream finds its way from its handler to the accept loop.
//!
//! The accept loop marks each request as [`Takeable`]. The handler answers with the head of the stream, and puts the stream beside it as an extension,
//! so that every layer around the hub still sees, and changes, the head that goes out.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use axum::http::{Extensions, Method, Version, request::Parts};

use crate::{Hub, engine::feed::Feed, sync::lock};

/// Marks a request that came over a connection which can be given to the hub.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Takeable;

/// Whether the answer to this request may be written by the hub itself: chunks need HTTP/1.1, and a HEAD gets none.
pub(crate) fn is_takeable(parts: &Parts) -> bool {
    parts.version == Version::HTTP_11 && parts.method != Method::HEAD && parts.extensions.get::<Takeable>().is_some()
}

/// A stream that waits for its connection.
pub(crate) struct Offered {
    pub(crate) hub: Hub,
    pub(crate) feed: Feed,
}

impl fmt::Debug for Offered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offered").field("feed", &self.feed).finish_non_exhaustive()
    }
}

/// An extension of a response. Who drops it ends the stream.
#[derive(Clone, Debug)]
pub(crate) struct Offer(Arc<Mutex<Option<Offered>>>);

impl Offer {
    pub(crate) fn new(offered: Offered) -> Self {
        Self(Arc::new(Mutex::new(Some(offered))))
    }

    /// Takes the stream out of a response, if it holds one.
    pub(crate) fn accept(extensions: &mut Extensions) -> Option<Offered> {
        let offer = extensions.remove::<Self>()?;
        lock(&offer.0).take()
    }
}
