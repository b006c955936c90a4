//! The hub: the handle that an application holds, and the routes that the world sees.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Instant,
};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, Method, header},
    response::Response,
    routing::{any, get},
};

use crate::{
    auth::address::{Addresses, Asked},
    auth::jwks::FetchError,
    auth::key::KeyId,
    auth::origin::Origins,
    auth::trust::Trust,
    config::HubConfig,
    engine::subscriber::Subscriber,
    engine::ticker::{self, Pulse},
    engine::{Engine, Limits},
    event::Event,
    history::{Bounds, History, Log},
    http::metadata::metadata,
    http::publish::publish,
    http::reply::{self, Refusal},
    http::subscribe::{QUERY, subscribe},
    limits::Limiter,
    publication::{Answer, Publication},
    subscriptions::api,
    subscriptions::presence::Announcer,
    topic::{Namespace, nowhere},
    topic::{
        matcher::{MatchType, Matcher},
        pattern::Patterns,
    },
    update::{PublishError, Update, UpdateId},
};

/// A hub. Clones share it.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    config: HubConfig,
    namespace: Namespace,
    origins: AllowedOrigins,
    addresses: Addresses,
    trust: Trust,
    patterns: Patterns,
    engine: Arc<Engine>,
    ticking: AtomicBool,
    limiter: Limiter,
    /// Whether new streams are sent elsewhere.
    leaving: AtomicBool,
}

/// Which pages may do what.
pub(crate) struct AllowedOrigins {
    pub(crate) publish: Origins,
    pub(crate) socket: Origins,
    read: Origins,
}

#[cfg(feature = "durable")]
use crate::history::log::{LogConfig, OpenError, Opened};

impl Hub {
    /// A hub with these settings. Needs no runtime yet.
    pub fn new(config: HubConfig) -> Self {
        let history = History::new(bounds(&config), Arc::clone(&config.clock));
        Self::with_history(config, history)
    }

    /// A hub whose history is also on disk: what is published is safe there before anybody sees it, and outlives a restart or a crash.
    ///
    /// `history_events` and `history_bytes` then bound what is kept in memory, for those who come back soon; `history_age` counts for both. Needs no runtime yet.
    ///
    /// ```no_run
    /// use mercure_hub::{Hub, HubConfig, LogConfig};
    ///
    /// let hub = Hub::open(HubConfig::default(), &LogConfig::at("updates.db"))?;
    /// # Ok::<_, mercure_hub::OpenError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the file can't be opened, or belongs to another hub or program.
    #[cfg(feature = "durable")]
    pub fn open(config: HubConfig, log: &LogConfig) -> Result<Self, OpenError> {
        let clock = Arc::clone(&config.clock);
        let opened = Opened::new(log, config.history_age, Arc::clone(&clock))?;
        let history = History::of_log(bounds(&config), clock, Arc::clone(&opened.log) as _, opened.next);
        let hub = Self::with_history(config, history);
        hub.0.engine.state().presence.last = opened.last.clone();
        opened.start(&log.path, &hub.0.engine)?;
        Ok(hub)
    }

    fn with_history(config: HubConfig, history: History) -> Self {
        let limits = Limits {
            queue_bytes: config.queue_bytes,
            connections: config.max_connections,
            connections_per_subject: config.max_connections_per_subject,
            revocation: config.revocation,
            unique_ids: config.refuse_duplicate_ids,
            initial_id: config.initial_id,
            write_timeout: config.write_timeout,
        };
        let addresses = Addresses::new(&config.path, &config.tokens);
        Self(Arc::new(Inner {
            namespace: Namespace::new(&config.path, addresses.base().as_ref()),
            origins: AllowedOrigins {
                publish: Origins::new(&config.publish_origins),
                socket: Origins::new(&config.socket_origins),
                read: Origins::new(&config.cors_origins),
            },
            // When nobody has said under which URL the hub is reached, relative patterns match relative topics only.
            patterns: Patterns::new(addresses.base().or_else(|| nowhere(&config.path))),
            trust: Trust::new(&config),
            addresses,
            engine: Arc::new(Engine::new(
                limits,
                history,
                config.subscriptions.then(|| Announcer::new(&config.path)),
                config.attendance.clone(),
            )),
            ticking: AtomicBool::new(false),
            limiter: Limiter::new(&config.limits),
            leaving: AtomicBool::new(false),
            config,
        }))
    }

    /// Publishes. Returns when the update has its place in the one order that all subscribers see; never waits for a subscriber, and needs no runtime.
    ///
    /// With a history on disk the calling thread also waits until the update is safe there, some milliseconds: in async code
    /// [`publish_async`](Self::publish_async) does not hold the thread up.
    pub fn publish(&self, update: Update) -> Result<UpdateId, PublishError> {
        self.check(&update).and_then(|()| self.send(update))
    }

    /// Publishes. The update is under way when this returns, behind all that this thread has published before; the future tells when it has
    /// its place in the one order and, with a history on disk, is safe there.
    pub fn publish_async(&self, update: Update) -> Publication {
        match self.check(&update) {
            Ok(()) => self.send_async(update),
            Err(error) => Publication::known(Err(error)),
        }
    }

    fn send(&self, update: Update) -> Result<UpdateId, PublishError> {
        let Some(log) = &self.0.engine.log else {
            return self.send_now(update);
        };
        let (sender, receiver) = mpsc::sync_channel(1);
        self.append(log.as_ref(), update, Answer::thread(sender));
        receiver.recv().unwrap_or(Err(PublishError::Closed))
    }

    pub(crate) fn send_async(&self, update: Update) -> Publication {
        let Some(log) = &self.0.engine.log else {
            return Publication::known(self.send_now(update));
        };
        let (publication, answer) = Publication::open();
        self.append(log.as_ref(), update, answer);
        publication
    }

    fn append(&self, log: &dyn Log, update: Update, answer: Answer) {
        let named = update.id.is_some();
        let answer = answer.timed(Arc::clone(&self.0.engine.meter));
        log.append(Arc::new(Event::new(update)), named, answer);
    }

    fn send_now(&self, update: Update) -> Result<UpdateId, PublishError> {
        let start = Instant::now();
        let event = Arc::new(Event::new(update));
        let id = event.id.clone();
        self.0.engine.line.wait_for_room();
        let published = self.0.engine.publish(event);
        self.0.engine.meter.published(published.is_ok(), start.elapsed());
        published.map(|()| id)
    }

    fn check(&self, update: &Update) -> Result<(), PublishError> {
        let config = self.config();
        let names = update.topics.iter().map(|topic| topic.as_str().len());
        let longest =
            names.chain(update.id.iter().map(|id| id.as_str().len())).chain(update.kind.iter().map(String::len)).max();
        if exceeds(update.topics.len(), config.max_topics)
            || exceeds(longest.unwrap_or_default(), config.max_field_bytes)
        {
            return Err(PublishError::TooLarge);
        }
        if self.is_reserved(update) {
            return Err(PublishError::Reserved);
        }
        Ok(())
    }

    /// Ends all streams whose token has this `sub`, at once, and refuses such tokens made until now with 401. Returns how many streams it ended.
    pub fn disconnect(&self, subject: &str) -> usize {
        self.0.engine.disconnect(subject, || self.now())
    }

    /// Ends all streams whose token has this `sub` and this `sid` (OpenID Connect Front-Channel Logout 1.0, section 3), at once, and refuses all tokens with
    /// this `sid` with 401 for as long as [`revocation`](HubConfig::revocation) says, also those that are made later: an application that is asked for a token
    /// while its session is ended cannot hand out one that outlives the session. A session's id must never be used again. Returns how many streams it ended.
    pub fn disconnect_session(&self, subject: &str, session: &str) -> usize {
        self.0.engine.disconnect_session(subject, session, self.now())
    }

    /// Ends all streams whose token has this `jti`, at once, and refuses the token with 401 for as long as [`revocation`](HubConfig::revocation) says. Returns how
    /// many streams it ended.
    pub fn revoke_token(&self, id: &str) -> usize {
        let now = self.now();
        let covers = |subscriber: &Subscriber| subscriber.token_id.as_deref() == Some(id);
        self.0.engine.revoke(|revocations| revocations.revoke_token(id, now), covers)
    }

    /// Ends all streams whose token this key has verified, at once, and refuses all its tokens with 401 for as long as this hub lives. Returns how many
    /// streams it ended.
    pub fn revoke_key(&self, key: KeyId) -> usize {
        let covers = |subscriber: &Subscriber| subscriber.key == key && key != KeyId::default();
        self.0.engine.revoke(|revocations| revocations.revoke_key(key), covers)
    }

    /// Ends every stream, and lets all come back: for when they should ask anew on what terms. Returns how many it ended.
    pub fn recall(&self) -> usize {
        self.0.engine.recall()
    }

    /// How many streams are open.
    pub fn subscribers(&self) -> usize {
        self.0.engine.subscribers()
    }

    /// How many topics somebody is subscribed to by name.
    pub fn topics(&self) -> usize {
        self.0.engine.topics()
    }

    /// Ends every stream, each told to come back after a different while, and admits no more. Returns when all have ended, or when
    /// [`close_timeout`](HubConfig::close_timeout) is over. A history on disk is complete then, and its file free for the next hub. To be called before the server's own graceful shutdown, which waits for open responses.
    pub async fn close(&self) {
        self.leave();
        self.0.engine.close(|| rand::random_range(1_000..5_000));
        // Before the history is closed: it still hears which subscriptions have ended.
        self.0.engine.announce();
        let log = self.0.engine.log.clone();
        let ended = async {
            if let Some(log) = log {
                // What was taken is written first.
                let _ = tokio::task::spawn_blocking(move || log.stop()).await;
            }
            self.0.engine.emptied().await;
        };
        let _ = tokio::time::timeout(self.config().close_timeout, ended).await;
    }

    /// Whether it takes new streams: not while it is [drained](Self::drain), nor once it is closed.
    pub fn is_ready(&self) -> bool {
        !self.0.leaving.load(Ordering::Relaxed)
    }

    /// Whether what is published can be stored. `false` while the history on disk can't be written (the disk is full): updates are refused then, and subscribers
    /// are served all the same. The hub tries again by itself. Without a history on disk always `true`.
    pub fn can_store(&self) -> bool {
        self.0.engine.log.as_ref().is_none_or(|log| log.can_store())
    }

    /// From now on no stream is taken.
    pub(crate) fn leave(&self) {
        self.0.leaving.store(true, Ordering::Relaxed);
    }

    /// Fetches the key sets that are named by address. Not needed: the first token that could be signed by one fetches it too. But a server that starts with
    /// it can tell at once when an address is wrong.
    pub async fn load_keys(&self) -> Result<(), FetchError> {
        self.0.trust.load().await
    }

    /// The hub's own URL as far as the configuration tells it: the [`resource_identifier`](crate::Tokens::resource_identifier) if that is a URL with the hub's path,
    /// else the first of the [`public_urls`](crate::Tokens::public_urls). Relative topics and patterns are resolved against it.
    pub fn url(&self) -> Option<url::Url> {
        self.0.addresses.base()
    }

    /// The hub's routes: GET, HEAD, POST, QUERY and OPTIONS at its path, and its metadata (RFC 9728). The server must allow upgrades for WebSockets to work.
    pub fn router(&self) -> Router {
        let paths = self.0.addresses.metadata_paths();
        let mut router = Router::new().route(&self.config().path, any(handle));
        if self.config().subscriptions {
            let collection = format!("{}/subscriptions", self.config().path);
            router = router.route(&format!("{collection}/{{*rest}}"), any(list)).route(&collection, any(list));
        }
        paths.iter().fold(router, |router, path| router.route(path, get(metadata))).with_state(self.clone())
    }

    pub(crate) fn config(&self) -> &HubConfig {
        &self.0.config
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.0.engine
    }

    pub(crate) fn origins(&self) -> &AllowedOrigins {
        &self.0.origins
    }

    pub(crate) fn addresses(&self) -> &Addresses {
        &self.0.addresses
    }

    /// Where a client that was refused learns how to get a token; nowhere when no token is good.
    pub(crate) fn metadata_url(&self, asked: &Asked) -> Option<String> {
        if self.0.trust.nobody() { None } else { self.0.addresses.metadata(asked) }
    }

    pub(crate) fn trust(&self) -> &Trust {
        &self.0.trust
    }

    pub(crate) fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }

    pub(crate) fn patterns(&self) -> &Patterns {
        &self.0.patterns
    }

    pub(crate) fn now(&self) -> f64 {
        (self.0.config.clock)()
    }

    pub(crate) fn pulse(&self) -> Pulse {
        Pulse::new(Arc::clone(&self.0.engine), self.0.config.cursors.clone())
    }

    pub(crate) fn start_ticker(&self) {
        if !self.0.ticking.swap(true, Ordering::Relaxed) {
            let config = self.config();
            tokio::spawn(ticker::run(Arc::downgrade(&self.0.engine), config.cursors.clone(), config.heartbeat));
        }
    }

    /// Whether one of the topics belongs to the hub itself.
    pub(crate) fn is_reserved(&self, update: &Update) -> bool {
        update.topics.iter().any(|topic| self.0.namespace.holds(topic))
    }

    /// A subscriber's matcher, if it is one and not too long.
    pub(crate) fn matcher(&self, kind: MatchType, text: &str) -> Option<Matcher> {
        let short = !exceeds(text.len(), self.config().max_field_bytes);
        short.then(|| Matcher::new(kind, text, self.patterns()).ok()).flatten()
    }

    /// Whether one request names too much, of either generation.
    pub(crate) fn is_too_many(&self, newer: usize, of_topic: usize) -> bool {
        let config = self.config();
        match config.max_legacy_matchers {
            Some(max) => exceeds(newer, config.max_matchers) || exceeds(of_topic, max),
            None => exceeds(newer + of_topic, config.max_matchers),
        }
    }

    /// Topics that a WebSocket may be subscribed to, whose messages are of no generation: the more generous of the bounds.
    pub(crate) fn max_named(&self) -> usize {
        let config = self.config();
        let older = config.max_legacy_matchers.filter(|_| config.tokens.legacy).unwrap_or(config.max_matchers);
        if config.max_matchers == 0 || older == 0 { usize::MAX } else { older.max(config.max_matchers) }
    }
}

fn bounds(config: &HubConfig) -> Bounds {
    Bounds { events: config.history_events, bytes: config.history_bytes, age: config.history_age }
}

fn exceeds(value: usize, limit: usize) -> bool {
    limit > 0 && value > limit
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("config", &self.0.config)
            .field("subscribers", &self.subscribers())
            .finish_non_exhaustive()
    }
}

async fn handle(State(hub): State<Hub>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (asked, origin) = (Asked::of(&parts), parts.headers.get(header::ORIGIN).cloned());
    let answered = if !hub.addresses().serve(&asked) {
        Err(Refusal::Misdirected)
    } else if parts.method == Method::POST {
        publish(&hub, &parts, body).await
    } else if parts.method == Method::GET || parts.method == Method::HEAD || parts.method.as_str() == QUERY {
        subscribe(&hub, parts, body).await
    } else if parts.method == Method::OPTIONS {
        Ok(reply::preflight())
    } else {
        Err(Refusal::Method)
    };
    finish(&hub, &asked, origin.as_ref(), answered)
}

/// The subscription API.
async fn list(State(hub): State<Hub>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let (asked, origin) = (Asked::of(&parts), parts.headers.get(header::ORIGIN).cloned());
    let answered = if !hub.addresses().serve(&asked) {
        Err(Refusal::Misdirected)
    } else if parts.method == Method::GET || parts.method == Method::HEAD {
        api::answer(&hub, &parts).await
    } else if parts.method == Method::OPTIONS {
        Ok(reply::preflight())
    } else {
        Err(Refusal::Method)
    };
    finish(&hub, &asked, origin.as_ref(), answered)
}

/// What all answers have in common.
fn finish(hub: &Hub, asked: &Asked, origin: Option<&HeaderValue>, answered: Result<Response, Refusal>) -> Response {
    let mut response = answered.unwrap_or_else(|refusal| refusal.respond(|| hub.metadata_url(asked)));
    hub.engine().meter.answered(response.status());
    reply::dress(&mut response, origin, &hub.origins().read);
    response
}
