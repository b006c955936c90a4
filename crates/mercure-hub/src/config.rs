//! What a hub can be told when it is made: one documented struct, every field with a default.

use std::{
    collections::HashSet,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::future::BoxFuture;
use url::Url;

use crate::{
    auth::{key::Key, origin::is_origin, trust::Tokens},
    limits::RateLimits,
};

/// Tells the time in seconds since 1970, with a fraction. Tokens and revocations are judged by it.
pub type Clock = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Takes a WebSocket message that is neither `subscribe` nor `unsubscribe`: the token's `sub` (empty when the token has none) and the JSON object.
/// `false` means that the message is not understood; the socket is then closed with 1008.
pub type Inbound = Arc<dyn Fn(&str, &serde_json::Value) -> bool + Send + Sync>;

/// Hears how many streams a `sub` has open: each time one has begun, and when one is over. Calls come one at a time, so the last one tells the truth.
/// Called on the threads that serve connections: it must answer at once.
pub type Attendance = Arc<dyn Fn(&str, usize) + Send + Sync>;

/// Says which private topics a person may read at this moment.
///
/// The hub asks when a stream opens, when a WebSocket subscribes to more, and for each page of history that it replays. Only topics that the
/// subscriber named exactly are asked about. What the token itself grants is granted without asking.
pub trait Authorizer: Send + Sync + 'static {
    /// One answer for each topic, in the same order. A missing answer counts as no.
    fn may_read<'a>(&'a self, subject: &'a str, topics: &'a [String]) -> BoxFuture<'a, Vec<bool>>;
}

/// Knows how far each topic has come, for the `heartbeat` event.
pub trait Cursors: Send + Sync + 'static {
    /// The highest revision of this topic, or nothing when the topic has none. Called from the publishing path: it must answer from memory.
    fn top(&self, topic: &str) -> Option<u64>;
}

/// The settings of a hub. `HubConfig { subscriber_key: Some(key), ..HubConfig::default() }` is the way to make one.
///
/// A limit of zero means "no limit", a duration of zero means "off", except where the field says otherwise.
#[derive(Clone)]
pub struct HubConfig {
    /// Where the hub is mounted: an absolute path. Topics that resolve to this path or below it are reserved.
    pub path: String,
    /// Offers what goes beyond the protocol: WebSockets, `heartbeat=1`.
    pub extensions: bool,
    /// Refuses an update whose id the history still knows, with 409: a request that is sent again, by mistake or by a thief, publishes nothing twice. Otherwise
    /// ids may repeat, and a cursor means the earliest of them.
    pub refuse_duplicate_ids: bool,
    /// Verifies tokens of the older generation (a JWT with a `mercure` claim) of those who publish by POST. Those of the newer one have an issuer in
    /// [`tokens`](Self::tokens). Without any key nobody can publish by POST.
    pub publisher_key: Option<Key>,
    /// Verifies such tokens of those who subscribe.
    pub subscriber_key: Option<Key>,
    /// Whose tokens are good besides, and under which address the hub is reached.
    pub tokens: Tokens,
    /// Lets people without a token subscribe, to public updates only. A bad token is refused all the same.
    pub anonymous: bool,
    /// Names of the cookies that may carry the token, the first one found wins. The first name is told to clients in the hub's metadata.
    pub cookie_names: Vec<String>,
    /// Origins whose pages may publish with the cookie: exact, `https://*.example.org`, `null`, or `*`. What is no origin lets nobody in; [`HubConfig::check`] finds it.
    pub publish_origins: Vec<String>,
    /// Origins whose pages may read the hub's answers. `*` lets every page in, without credentials.
    pub cors_origins: Vec<String>,
    /// Origins whose pages may open a WebSocket, besides the host that was addressed.
    pub socket_origins: Vec<String>,
    /// How many updates the history holds in memory; zero holds none.
    pub history_events: usize,
    /// How many bytes the history holds in memory; zero holds none.
    pub history_bytes: usize,
    /// How long an update stays in the history, in memory and on disk, by the hub's clock.
    pub history_age: Duration,
    /// How many bytes may wait for one subscriber before its stream is cut.
    pub queue_bytes: usize,
    /// How often an idle stream gets a sign of life.
    pub heartbeat: Duration,
    /// How long a stream may live. Each one ends at a random moment in the last fifth of it, so that they do not all return at once.
    pub max_lifetime: Duration,
    /// How long a subscriber may take nothing at all of what is written to it; for event streams on connections that the hub did not take over, the
    /// server decides that.
    pub write_timeout: Duration,
    /// How long [`Hub::close`](crate::Hub::close) waits for the streams to end.
    pub close_timeout: Duration,
    /// How long the mark of [`Hub::disconnect`](crate::Hub::disconnect) is kept: at least the lifetime of the tokens that are issued.
    pub revocation: Duration,
    /// Topics in one update.
    pub max_topics: usize,
    /// Matchers that one subscriber may name.
    pub max_matchers: usize,
    /// How many of the older generation's `topic` it may name instead, which then do not count among those; `None` counts all together.
    pub max_legacy_matchers: Option<usize>,
    /// How many of a subscriber's matchers may be more than the name of one topic: URL patterns, templates (a `topic` with an opening brace) and `*`. Zero allows
    /// none of them: each is compiled, kept and tried on every update, which a name is not. By default [`max_matchers`](Self::max_matchers) is the only bound.
    pub max_patterns: usize,
    /// Bytes in one topic, matcher, id or type.
    pub max_field_bytes: usize,
    /// Bytes in the body of one POST, and of one QUERY.
    pub max_body_bytes: usize,
    /// Likewise, of one POST that comes with a token of the older generation; `None` for the same.
    pub max_legacy_body_bytes: Option<usize>,
    /// Begins each event stream with an event that has an id and nothing else, from which a stream that gets no update can be resumed. Browsers dispatch nothing
    /// for it. The id tells nothing about updates; it is good for as long as this hub lives.
    pub initial_id: bool,
    /// Whether the hub tells who subscribes: by private updates below its own path, and by the API at `subscriptions` there. Off, nobody learns of anybody.
    pub subscriptions: bool,
    /// Streams open at the same time.
    pub max_connections: usize,
    /// Streams open at the same time for one `sub`.
    pub max_connections_per_subject: usize,
    /// Limits per address and per token.
    pub limits: RateLimits,
    /// Decides about private topics that the token does not grant.
    pub authorizer: Option<Arc<dyn Authorizer>>,
    /// Fills the `heartbeat` event.
    pub cursors: Option<Arc<dyn Cursors>>,
    /// Takes what WebSocket clients send besides subscriptions.
    pub inbound: Option<Inbound>,
    /// Hears who comes and goes.
    pub attendance: Option<Attendance>,
    /// The time.
    pub clock: Clock,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            path: "/.well-known/mercure".to_owned(),
            extensions: true,
            refuse_duplicate_ids: false,
            publisher_key: None,
            subscriber_key: None,
            tokens: Tokens::default(),
            anonymous: false,
            cookie_names: ["__Secure-mercure_access_token", "mercureAuthorization"].map(str::to_owned).into(),
            publish_origins: Vec::new(),
            cors_origins: Vec::new(),
            socket_origins: Vec::new(),
            history_events: 10_000,
            history_bytes: 16 << 20,
            history_age: Duration::ZERO,
            queue_bytes: 1 << 20,
            heartbeat: Duration::from_secs(15),
            max_lifetime: Duration::from_secs(600),
            write_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            revocation: Duration::from_secs(24 * 3600),
            max_topics: 1_000,
            max_matchers: 100,
            max_legacy_matchers: None,
            max_patterns: usize::MAX,
            max_field_bytes: 4_096,
            max_body_bytes: 1 << 20,
            max_legacy_body_bytes: None,
            initial_id: false,
            subscriptions: false,
            max_connections: 0,
            max_connections_per_subject: 0,
            limits: RateLimits::default(),
            authorizer: None,
            cursors: None,
            inbound: None,
            attendance: None,
            clock: Arc::new(system_time),
        }
    }
}

/// Why a hub can't work as it was told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidConfig {
    /// Neither `scheme://host` with an optional port, nor `*` or `null`.
    #[error("{0:?} is no origin")]
    Origin(String),
    /// Not an absolute `http` or `https` URL.
    #[error("{0:?} is no URL of a hub")]
    PublicUrl(String),
    /// Not an absolute path.
    #[error("{0:?} is no path of a hub")]
    Path(String),
    /// With a fragment, which a resource identifier does not have (RFC 9728 section 1.2).
    #[error("{0:?} is no resource identifier: it has a fragment")]
    Resource(String),
    /// Named twice: which of the keys count would be a guess.
    #[error("the issuer {0:?} is named twice")]
    Issuer(String),
}

impl HubConfig {
    /// Looks for what can't be meant: to be called before [`Hub::new`](crate::Hub::new), which takes no offence, wherever the settings come from a person.
    pub fn check(&self) -> Result<(), InvalidConfig> {
        let mut origins = self.publish_origins.iter().chain(&self.cors_origins).chain(&self.socket_origins);
        if let Some(origin) = origins.find(|origin| !is_origin(origin)) {
            return Err(InvalidConfig::Origin(origin.clone()));
        }
        let is_hub = |url: &&String| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if let Some(url) = self.tokens.public_urls.iter().find(|url| !is_hub(url)) {
            return Err(InvalidConfig::PublicUrl(url.clone()));
        }
        if let Some(resource) = self.tokens.resource_identifier.as_ref().filter(|resource| resource.contains('#')) {
            return Err(InvalidConfig::Resource(resource.clone()));
        }
        let mut seen = HashSet::new();
        if let Some(issuer) = self.tokens.issuers.iter().find(|issuer| !seen.insert(issuer.id.as_str())) {
            return Err(InvalidConfig::Issuer(issuer.id.clone()));
        }
        if self.path.starts_with('/') { Ok(()) } else { Err(InvalidConfig::Path(self.path.clone())) }
    }
}

impl fmt::Debug for HubConfig {
    /// Keys and hooks stay out of it: a configuration ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubConfig")
            .field("path", &self.path)
            .field("anonymous", &self.anonymous)
            .finish_non_exhaustive()
    }
}

fn system_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
