//! The application: every handle that a handler may need, put together once. The first parameter everywhere above.

mod first_account;
mod tidy;

use crate::budget::{Amount, Amounts, Budget, Budgets};
use crate::chatroom::{self, Listed, people, receipt};
use crate::clock::Clock;
use crate::config::{Config, Realtime};
use crate::db::{self, Db, Lane};
use crate::error::{Error, Result};
use crate::files::Files;
use crate::goal;
use crate::id::UserId;
use crate::live::Live;
use crate::live::awareness::{self, Awareness};
use crate::live::bell::{self, Bell};
use crate::live::courier::Courier;
use crate::live::postman::Postman;
use crate::live::receipts::Receipts;
use crate::live::revocations::Revocations;
use crate::live::rights::{Members, Rights, RoomTops, Topics};
use crate::live::sessions::Sessions;
use crate::live::unfurl::Unfurl;
use crate::mail::Mailer;
use crate::message::renderer::Renderer;
use crate::message::search;
use crate::outbound::Outbound;
use crate::quiet::Quiet;
use crate::recent::Recent;
use crate::setting;
use crate::sound::Listener;
use crate::tops::Tops;
use crate::turns::Turns;
use crate::user::password::Passwords;
use crate::view::Views;
use crate::web::health::Readiness;
use crate::web::security::device::Devices;
use crate::webpush::Vapid;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mercure_hub::{Hub, HubConfig, Key, RateLimits};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::watch;

/// Sessions and memberships that are kept in memory.
const RECENT: usize = 20_000;

/// Messages older than the search's index that are indexed in the first transaction.
const INDEXED_AT_FIRST: i64 = 16;

/// How long such a transaction is to take: others wait as long at most.
const INDEXED_WITHIN: Duration = Duration::from_millis(10);

/// How long nothing is indexed after the database could not take it.
const INDEX_PAUSE: Duration = Duration::from_secs(5);

/// Every handle. A cheap clone.
#[derive(Clone)]
pub struct App {
    /// The settings.
    pub config: Arc<Config>,
    /// The store.
    pub db: Db,
    /// Time and randomness.
    pub clock: Clock,
    /// Who is told what.
    pub live: Live,
    /// Where readers say how far they have come.
    pub receipts: Receipts,
    /// HTML.
    pub views: Views,
    /// Hashing, on a thread of its own.
    pub passwords: Passwords,
    /// Browsers that have signed in before.
    pub devices: Devices,
    /// Open sessions, as recently asked.
    pub sessions: Sessions,
    /// What everybody may use, and has used.
    pub budgets: Budgets,
    /// Makes messages' contents of what people type.
    pub renderer: Renderer,
    /// Decodes recordings, a few at a time.
    pub listener: Listener,
    /// The bytes of files.
    pub files: Files,
    /// Calls addresses that people name.
    pub outbound: Outbound,
    /// Writes to who is away.
    pub postman: Postman,
    /// Looks behind links.
    pub unfurl: Unfurl,
    /// The code that the first account asks for, when it asks for one.
    pub first_code: Arc<OnceLock<String>>,
    /// Whether something was deleted since the search's index was written anew.
    has_erased: Arc<AtomicBool>,
    /// Whether the database's log is about to be emptied.
    is_erasing: Arc<AtomicBool>,
    /// Whether the database takes writes, as `/readyz` has found out.
    pub readiness: Arc<Readiness>,
    /// True once the program is to end: long polls are answered at once.
    pub stopping: Arc<watch::Sender<bool>>,
}

/// What the program reads from the database before it answers anybody.
struct Beginnings {
    epoch: String,
    jwt_secret: String,
    push_key: String,
    mail_secret: String,
    device_secret: String,
    realtime: Option<String>,
    tops: Vec<(crate::id::RoomId, i64)>,
    reads: Vec<(crate::id::RoomId, i64)>,
}

impl App {
    /// Opens the database and puts everything together.
    ///
    /// # Errors
    /// `Internal`, with what stands in the way.
    pub async fn open(config: Config, clock: Clock) -> Result<Self> {
        let options = db::Options {
            // One of the connections holds the lock of the database.
            workers: config.database_connections - 1,
            start_patience: config.database_wait,
            ..db::Options::default()
        };
        Self::open_with(config, clock, options).await
    }

    /// The same with a store of another size.
    ///
    /// # Errors
    /// `Internal`, with what stands in the way.
    pub async fn open_with(config: Config, clock: Clock, options: db::Options) -> Result<Self> {
        let target = config.database.clone();
        let opened = tokio::task::spawn_blocking(move || Db::open(&target, options)).await;
        let db = opened.map_err(Error::internal)?.map_err(Error::internal)?;
        // The store knows more of its trouble than what people are told.
        let begin = begin(&db, &clock).await.map_err(|error| db.last_write().map_or(error, Error::internal))?;
        while db.write(Lane::None, goal::list::catch_up).await? {}
        while db.write(Lane::None, people::catch_up).await? {}
        let views = Views::default();
        let tops = Tops::new(begin.tops, Handle::current());
        let members: Members = Recent::new(RECENT);
        let topics = Topics::new(&config.topic_prefix);
        let budgets = Budgets::new(config.budgets.clone(), config.shared_networks.clone(), clock.clone());
        let (aware, words) = Awareness::new(Quiet::new(begin.reads), clock.now());
        let secret = config.jwt_secret.clone().unwrap_or(begin.jwt_secret);
        let bell = match &config.external_hub {
            Some(hub) => Bell::external(hub.clone(), Key::hs256(&secret))?,
            None => {
                let (db, members, topics, sharing) =
                    (db.clone(), members.clone(), topics.clone(), aware.sharing.clone());
                let cursors = RoomTops { tops: tops.clone(), topics: topics.clone() };
                let rights = Rights { db, members, topics, sharing, tops: tops.clone(), budgets: budgets.clone() };
                let hub = embedded_hub(&config, &clock, &secret, (rights, cursors, aware.clone()));
                Bell::embedded(hub, Key::hs256(&secret))
            }
        };
        let vapid = Vapid::parse(&begin.push_key, &contact(&config)).map_err(Error::internal)?;
        let outbound = Outbound::new(&config).map_err(Error::internal)?;
        let stopping = Arc::new(watch::Sender::new(false));
        let stop = stopping.subscribe();
        let courier = Courier::start(&config, db.clone(), clock.clone(), outbound.clone(), (vapid, stop));
        let mailer = config.mail.as_ref().map(Mailer::new).transpose().map_err(Error::internal)?;
        let (url, secret) = (&config.public_url, &begin.mail_secret);
        let postman = Postman::new(mailer, db.clone(), clock.clone(), views.clone(), url, secret);
        let epoch = Arc::from(begin.epoch);
        let sessions = Sessions::new(RECENT);
        let live = Live::new(
            bell,
            tops,
            members,
            sessions.clone(),
            topics,
            epoch,
            courier,
            views.clone(),
            aware,
            clock.clone(),
        );
        live.set_mode(begin.realtime.and_then(|mode| realtime(&mode)).unwrap_or(config.realtime));
        let mut revocations = Revocations::default();
        // Tokens of sessions that ended before the start are void before the first stream opens.
        revocations.look(&live, &db).await?;
        tokio::spawn(revocations.run(live.clone(), db.clone(), clock.clone(), stopping.subscribe()));
        tokio::spawn(awareness::run(live.clone(), db.clone(), clock.clone(), words, stopping.subscribe()));
        tokio::spawn(index_older_messages(db.clone()));
        let unfurl = match config.has_link_previews {
            true => Unfurl::start(db.clone(), live.clone(), clock.clone(), outbound.clone(), &config.public_url),
            false => Unfurl::default(),
        };
        let app = Self {
            receipts: Receipts::start(live.clone(), db.clone()),
            unfurl,
            budgets,
            renderer: Renderer::new(db.clone(), config.budgets.of(Budget::Sends) != Amount::Off),
            listener: Listener::default(),
            files: Files::open(&config, clock.clone())?,
            outbound,
            postman,
            config: Arc::new(config),
            db,
            clock,
            live,
            views,
            passwords: Passwords::start()?,
            devices: Devices::new(&begin.device_secret),
            sessions,
            first_code: Arc::default(),
            has_erased: Arc::default(),
            is_erasing: Arc::default(),
            readiness: Arc::default(),
            stopping,
        };
        Postman::start(&app);
        Ok(app)
    }

    /// A person's rooms.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn rooms_of(&self, user: UserId) -> Result<Vec<Listed>> {
        self.db.read(move |db| chatroom::of_user(db, user)).await
    }

    /// Writes down who was here to the end.
    pub async fn write_seen(&self) {
        awareness::write_seen(&self.live, &self.db, self.clock.now(), true).await;
    }

    /// From now on long polls are answered at once, work that waits for its turn is told to come back, and what is being decoded ends.
    pub fn begin_to_stop(&self) {
        self.stopping.send_replace(true);
        let turns = [self.renderer.turns(), self.listener.turns()];
        turns.into_iter().chain(self.files.turns()).chain(self.unfurl.turns()).for_each(Turns::close);
    }

    /// Ends everything that holds a connection or the database open.
    pub async fn close(&self) {
        self.begin_to_stop();
        self.live.bell.close().await;
        self.write_seen().await;
        self.db.close().await;
    }
}

async fn begin(db: &Db, clock: &Clock) -> Result<Beginnings> {
    let epoch = URL_SAFE_NO_PAD.encode(clock.random::<9>());
    let [secret, mail_secret, device_secret] = [(); 3].map(|()| URL_SAFE_NO_PAD.encode(clock.random::<32>()));
    let push_key = Vapid::generate().map_err(Error::internal)?;
    db.write(Lane::None, move |tx| {
        Ok(Beginnings {
            push_key: setting::find_or_put(tx, setting::PUSH_KEY, &push_key)?,
            mail_secret: setting::find_or_put(tx, setting::MAIL_SECRET, &mail_secret)?,
            device_secret: setting::find_or_put(tx, setting::DEVICE_SECRET, &device_secret)?,
            epoch: setting::find_or_put(tx, setting::EPOCH, &epoch)?,
            jwt_secret: setting::find_or_put(tx, setting::JWT_SECRET, &secret)?,
            realtime: setting::find(tx, setting::REALTIME)?,
            tops: chatroom::tops(tx)?,
            reads: receipt::counts(tx)?,
        })
    })
    .await
}

/// Where push services reach us: who sends the mails, else the site itself.
fn contact(config: &Config) -> String {
    let host = || config.public_url.split_once("://").map_or("localhost", |(_, host)| host).split([':', '/']).next();
    match &config.mail {
        Some(mail) => format!("mailto:{}", mail.from.email),
        None if config.is_secure() => config.public_url.clone(),
        None => format!("mailto:palabre@{}", host().unwrap_or("localhost")),
    }
}

/// Indexes for the search what was written before there was an index, a batch at a time between the writes of people: batches as large as
/// can be done quickly, and after each a rest as long as it took. What is left when the program ends is done after the next start.
async fn index_older_messages(db: Db) {
    let mut count = INDEXED_AT_FIRST;
    loop {
        let started = Instant::now();
        match db.write(Lane::None, move |tx| search::catch_up_some(tx, count)).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(Error::Unavailable) if db.is_closed() => return,
            Err(Error::Unavailable) => tokio::time::sleep(INDEX_PAUSE).await,
            Err(error) => return tracing::error!(%error, "older messages are not indexed for the search"),
        }
        let took = started.elapsed();
        count = if took < INDEXED_WITHIN { (count * 2).min(search::BATCH) } else { (count / 2).max(1) };
        tokio::time::sleep(took).await;
    }
}

fn realtime(word: &str) -> Option<Realtime> {
    [Realtime::Hybrid, Realtime::Mercure, Realtime::Polling].into_iter().find(|mode| mode.as_str() == word)
}

/// A number as the hub's library takes it: zero is no limit.
fn number(amounts: &Amounts, budget: Budget) -> usize {
    match amounts.of(budget) {
        Amount::Number(number) => usize::try_from(number).unwrap_or(usize::MAX),
        Amount::Rate { .. } | Amount::Size(_) | Amount::Off => 0,
    }
}

/// A rate as the hub's library takes it.
fn per_second(amounts: &Amounts, budget: Budget) -> f64 {
    match amounts.of(budget) {
        Amount::Rate { refill, per, .. } => f64::from(refill) / f64::from(per),
        Amount::Number(_) | Amount::Size(_) | Amount::Off => 0.0,
    }
}

fn embedded_hub(config: &Config, clock: &Clock, secret: &str, hooks: (Rights, RoomTops, Awareness)) -> Hub {
    let (rights, cursors, aware) = hooks;
    let origin = config.public_url.clone();
    let (clock, attended_at, heard) = (clock.clone(), clock.clone(), aware.clone());
    let person = |subject: &str| subject.parse().map(UserId);
    Hub::new(HubConfig {
        path: bell::PATH.to_owned(),
        publisher_key: Some(Key::hs256(secret)),
        subscriber_key: Some(Key::hs256(secret)),
        publish_origins: vec![origin.clone()],
        socket_origins: vec![origin],
        // It would replay to newcomers what was said before them, and to everybody what was deleted. Pages fetch what they missed.
        history_events: 0,
        history_bytes: 0,
        max_lifetime: Duration::from_secs(3_600),
        max_connections_per_subject: number(&config.budgets, Budget::Streams),
        // A page names each of its rooms.
        max_matchers: 1_000,
        // And nothing else: a pattern is compiled, kept and tried on every update.
        max_patterns: 0,
        // No topic of ours is longer.
        max_field_bytes: 256 + config.topic_prefix.len(),
        revocation: Duration::from_secs(2 * 3_600),
        authorizer: Some(Arc::new(rights)),
        cursors: Some(Arc::new(cursors)),
        // Nobody types that fast: what a page says of its person.
        limits: RateLimits {
            messages_per_second: per_second(&config.budgets, Budget::Signals),
            streams_per_address: number(&config.budgets, Budget::AddressStreams),
            ..RateLimits::default()
        },
        inbound: Some(Arc::new(move |subject, frame| person(subject).is_ok_and(|user| heard.take_frame(user, frame)))),
        attendance: Some(Arc::new(move |subject, streams| {
            if let Ok(user) = person(subject) {
                aware.attend(user, streams, attended_at.now());
            }
        })),
        #[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 stay exact in a double until 2255")]
        clock: Arc::new(move || clock.now() as f64 / 1e6),
        ..HubConfig::default()
    })
}
