//! The bell: the embedded hub, or another Mercure hub reached by HTTP POST. Ringing never waits and never fails a send.

mod outgoing;

use crate::clock::Micros;
use crate::config::ExternalHub;
use crate::error::{Error, Result};
use crate::id::{SessionId, UserId};
use mercure_hub::{Claims, Grant, Hub, Key, Update};
pub use outgoing::Outgoing;
use serde::Serialize;
use std::sync::Arc;

const SECOND: Micros = 1_000_000;

/// Where changes are told. A cheap clone.
#[derive(Clone)]
pub struct Bell {
    kind: Kind,
    key: Arc<Key>,
}

#[derive(Clone)]
enum Kind {
    Embedded(Hub),
    External { hub: ExternalHub, outgoing: Outgoing },
}

impl Bell {
    /// The hub inside this program.
    pub fn embedded(hub: Hub, key: Key) -> Self {
        Self { kind: Kind::Embedded(hub), key: Arc::new(key) }
    }

    /// A hub somewhere else that shares the key.
    ///
    /// # Errors
    /// `Internal` when no HTTP client can be made.
    pub fn external(hub: ExternalHub, key: Key) -> Result<Self> {
        let key = Arc::new(key);
        let outgoing = Outgoing::start(&hub.publish_url, key.clone()).map_err(Error::internal)?;
        Ok(Self { kind: Kind::External { hub, outgoing }, key })
    }

    /// Tells subscribers.
    pub fn ring(&self, update: Update) {
        match &self.kind {
            Kind::Embedded(hub) => {
                if let Err(error) = hub.publish(update) {
                    tracing::debug!(%error, "the hub took no update");
                }
            }
            Kind::External { outgoing, .. } => outgoing.send(update),
        }
    }

    /// Ends a person's streams and makes the person's tokens void. Another hub cannot be told: its tokens live a minute.
    pub fn disconnect(&self, user: UserId) {
        if let Kind::Embedded(hub) = &self.kind {
            hub.disconnect(&user.to_string());
        }
    }

    /// Ends the streams of one session and makes its tokens void, also those that are still to be made.
    pub fn disconnect_session(&self, user: UserId, session: SessionId) {
        if let Kind::Embedded(hub) = &self.kind {
            hub.disconnect_session(&user.to_string(), &session.to_string());
        }
    }

    /// Ends all streams, so that pages ask anew how to hear of news. Pages at another hub learn it with their next token.
    pub fn recall(&self) {
        if let Kind::Embedded(hub) = &self.kind {
            hub.recall();
        }
    }

    /// Ends all streams, for the end of the program.
    pub async fn close(&self) {
        match &self.kind {
            Kind::Embedded(hub) => hub.close().await,
            Kind::External { outgoing, .. } => outgoing.flush().await,
        }
    }

    /// The hub inside this program, when it is that.
    pub fn hub(&self) -> Option<&Hub> {
        match &self.kind {
            Kind::Embedded(hub) => Some(hub),
            Kind::External { .. } => None,
        }
    }

    /// Whether the hub is inside this program.
    pub fn is_embedded(&self) -> bool {
        self.hub().is_some()
    }

    /// Whether what is published might be replayed by the hub later, to whoever may read the topic then.
    pub fn history(&self) -> History {
        match &self.kind {
            Kind::Embedded(_) => History::None,
            Kind::External { hub, .. } if hub.keeps_history => History::Kept,
            Kind::External { .. } => History::Promised,
        }
    }

    /// Whether the last update that was due has been taken.
    pub fn is_healthy(&self) -> bool {
        match &self.kind {
            Kind::Embedded(_) => true,
            Kind::External { outgoing, .. } => outgoing.is_healthy(),
        }
    }

    /// Where browsers subscribe.
    pub fn url(&self) -> &str {
        match &self.kind {
            Kind::Embedded(_) => PATH,
            Kind::External { hub, .. } => &hub.public_url,
        }
    }

    /// How long a page's token lives.
    pub fn ticket_lifetime(&self) -> Micros {
        if self.is_embedded() { 3_600 * SECOND } else { 60 * SECOND }
    }

    /// Signs a token for the pages of a session.
    pub fn mint_ticket(
        &self,
        (user, session): (UserId, SessionId),
        subscribe: Vec<String>,
        issued_at: Micros,
        expires_at: Micros,
    ) -> String {
        let claims = Claims {
            sub: Some(user.to_string()),
            iat: Some(seconds(issued_at)),
            exp: Some(seconds(expires_at)),
            mercure: Grant { subscribe, publish: Vec::new() },
        };
        // A key that can only verify signs nothing, and nothing opens nothing.
        self.key.sign("JWT", &PageClaims { claims, sid: session.to_string() }).unwrap_or_default()
    }
}

/// A page's token says which session it was made for, so that it ends with it.
#[derive(Serialize)]
struct PageClaims {
    #[serde(flatten)]
    claims: Claims,
    sid: String,
}

/// What a hub keeps of what is published there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Nothing: it is our own.
    None,
    /// Nothing, as its operator promises.
    Promised,
    /// Everything, for all we know; and we cannot delete there.
    Kept,
}

/// Where the embedded hub stands.
pub const PATH: &str = "/.well-known/mercure";

/// A NumericDate with its fraction: two tokens of one second must not look alike to a revocation (RFC 7519, 2).
#[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 stay exact in a double until the year 2255")]
fn seconds(at: Micros) -> f64 {
    at as f64 / 1e6
}
