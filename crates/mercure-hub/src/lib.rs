//! A Mercure hub as a library: it pushes updates to browsers over server-sent events and WebSockets.
//!
//! It speaks the Mercure protocol in both generations that are alive, decided per request and per token: the 0.x form (draft-dunglas-mercure-07: `topic` with URI
//! templates, the `mercure` claim, the cookie `mercureAuthorization`) and the 1.0 form (draft-dunglas-mercure-08: `match`, `match_exact`, `match_urlpattern`, the method
//! QUERY, access tokens with `authorization_details`, `last_event_id`, reserved topics, challenges by RFC 6750, metadata by RFC 9728). What it does not speak yet stands in
//! the README.
//!
//! ```no_run
//! use mercure_hub::{Hub, HubConfig, Key, Update};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let key = Key::hs256("a secret of thirty-two bytes or more");
//! let hub = Hub::new(HubConfig { subscriber_key: Some(key), anonymous: true, ..HubConfig::default() });
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! tokio::spawn(axum::serve(listener, hub.router()).into_future());
//! hub.publish(Update::new("greetings", "hello")?)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! * `hub`: the handle, and the routes; `config`: what can be set, and the hooks.
//! * `update`: what is published; its constructors keep out what could break a stream. `event`: the same, encoded once for all.
//! * `topic`: names, which of them are the hub's own, and how they are matched: `matcher`; `pattern`, with `template` and `address` for its two languages.
//! * `auth`: who asks, and what they may. `access`: how a token is presented; `token`, `jws`, `details`: how it is judged; `trust`: whom the hub believes; `address`:
//!   under which name it is reached. `algorithm`, `key`, `keys`, `pem`, `jwk`: keys; `jwks`, `fetch`: sets of them that live elsewhere. `mint`, `origin`, `revocation`.
//! * `http`: the two requests, `publish` and `subscribe`; `form`, `query`; `reply` with refusals and headers; `metadata`; `request`: what comes over a WebSocket.
//! * `serve`: a connection of an accept loop, until the hub takes it over; `door`: how many may be open; `client`: whose a request is.
//! * `wire`: how a stream's bytes travel: `sse`, `socket`, `poll`; `link`: a connection taken over by `offer`, where `sse` travels in `chunk`s; `timeout`: peers that
//!   take nothing.
//! * `engine`: the one short lock, around `history`, `index` and `roll`; `admission`: how a stream gets its place there; `attendance`: who is told of it. `line`: the thread that
//!   delivers, fed by a `handover`; `dispatch`: from the lock's order into queues and sockets. `subscriber`, `queue`: one stream. `feed`: its replay, then live. `ticker`: heartbeats and deadlines. `ending`: why a stream ends.
//! * `subscriptions`: what others learn of them: `presence`, the updates; `roster`, those that are active; `path`, `document` and `api`, how they are listed.
//! * `limits`: streams per address and token in `seats`, publications in `bucket`s. `drain`: leaving in order. `metrics`: what is counted.
//! * `history`: the stored updates: `memory`, the newest; `log`, all of them on disk (feature `durable`). `publication`: what becomes of an update.
//!
//! # Invariants
//!
//! * Every subscriber sees the same order, that of the history, across all topics.
//! * Nothing is skipped in silence: what can't be delivered ends the stream, with a reason.
//! * No lock is held while an update is delivered, and nobody who publishes waits for a subscriber.
//! * A private update is shown to those who may read one of its topics: by their token, or because the [`Authorizer`] said so when they subscribed.
//! * No token, topic or data is written to a log. Why a token was refused is, under the target `mercure_hub::auth`: the check, and the names in it of issuer and key.
//! * A token of the newer generation is judged by the stricter rules, whatever else is allowed; its key is one of its issuer, never one that it brought along.

mod auth;
mod client;
mod config;
mod door;
mod drain;
mod engine;
mod event;
#[doc(hidden)]
pub mod fuzzing;
mod history;
mod http;
mod hub;
mod limits;
mod metrics;
mod publication;
mod serve;
mod subscriptions;
mod sync;
mod topic;
mod update;
mod wire;

/// The README's example is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use auth::address::Scheme;
pub use auth::algorithm::{Algorithm, UnknownAlgorithm};
pub use auth::jwks::{FetchError, FetchKeys, FetchedKeys};
pub use auth::key::{InvalidKey, Key, KeyId};
pub use auth::keys::Keys;
pub use auth::mint::{Claims, Grant, mint};
pub use auth::trust::{Issuer, Tokens};
pub use client::{ClientOrigin, ForwardedFields, client_origin};
pub use config::{Attendance, Authorizer, Clock, Cursors, HubConfig, Inbound, InvalidConfig};
pub use door::{AcceptLog, ConnectionSeat, Connections, raise_file_limit};
pub use drain::Drain;
pub use futures_util::future::BoxFuture;
#[cfg(feature = "durable")]
pub use history::log::{LogConfig, OpenError};
pub use hub::Hub;
pub use limits::bucket::Buckets;
pub use limits::{PeerAddress, RateLimits};
pub use metrics::{Histogram, Metrics};
pub use publication::Publication;
pub use serve::{ConnectionOptions, serve_connection, serve_stream};
pub use topic::{InvalidTopic, Topic};
pub use update::{InvalidUpdate, PublishError, Update, UpdateId};
pub use wire::timeout::WriteTimeout;
