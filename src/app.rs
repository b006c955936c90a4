//! The application: every handle that a handler may need, put together once. The first parameter everywhere above.

use crate::chatroom::{self, Listed};
use crate::clock::Clock;
use crate::config::{Config, Realtime};
use crate::db::{self, Db, Lane};
use crate::error::{Error, Result};
use crate::id::UserId;
use crate::live::Live;
use crate::live::bell::{self, Bell};
use crate::live::courier::Courier;
use crate::live::postman::Postman;
use crate::live::rights::{Members, Rights, RoomTops, Topics};
use crate::mail::Mailer;
use crate::outbound::Outbound;
use crate::recent::Recent;
use crate::setting;
use crate::tops::Tops;
use crate::user::password::Passwords;
use crate::user::session::{Session, TokenHash};
use crate::view::Views;
use crate::web::limits::Limits;
use crate::webpush::Vapid;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mercure_hub::{Hub, HubConfig, Key};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// Sessions and memberships that are kept in memory.
const RECENT: usize = 20_000;

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
    /// HTML.
    pub views: Views,
    /// Hashing, on a thread of its own.
    pub passwords: Passwords,
    /// Open sessions, as recently asked.
    pub sessions: Recent<TokenHash, Session>,
    /// Who tries too often.
    pub limits: Limits,
    /// Calls addresses that people name.
    pub outbound: Outbound,
    /// Writes to who is away.
    pub postman: Postman,
    /// True once the program is to end: long polls are answered at once.
    pub stopping: Arc<watch::Sender<bool>>,
}

/// What the program reads from the database before it answers anybody.
struct Beginnings {
    epoch: String,
    jwt_secret: String,
    push_key: String,
    mail_secret: String,
    realtime: Option<String>,
    tops: Vec<(crate::id::RoomId, i64)>,
}

impl App {
    /// Opens the database and puts everything together.
    ///
    /// # Errors
    /// `Internal`, with what stands in the way.
    pub async fn open(config: Config, clock: Clock) -> Result<Self> {
        Self::open_with(config, clock, db::Options::default()).await
    }

    /// The same with a store of another size.
    ///
    /// # Errors
    /// `Internal`, with what stands in the way.
    pub async fn open_with(config: Config, clock: Clock, options: db::Options) -> Result<Self> {
        let target = config.database.clone();
        let opened = tokio::task::spawn_blocking(move || Db::open(&target, options)).await;
        let db = opened.map_err(Error::internal)?.map_err(Error::internal)?;
        let begin = begin(&db, &clock).await?;
        let views = Views::default();
        let tops = Tops::new(begin.tops, Handle::current());
        let members: Members = Recent::new(RECENT);
        let topics = Topics::new(&config.topic_prefix);
        let secret = config.jwt_secret.clone().unwrap_or(begin.jwt_secret);
        let bell = match &config.external_hub {
            Some(hub) => Bell::external(hub.clone(), Key::hs256(&secret))?,
            None => {
                let rights = Rights { db: db.clone(), members: members.clone(), topics: topics.clone() };
                let cursors = RoomTops { tops: tops.clone(), topics: topics.clone() };
                Bell::embedded(embedded_hub(&config, &clock, &secret, rights, cursors), Key::hs256(&secret))
            }
        };
        let vapid = Vapid::parse(&begin.push_key, &contact(&config)).map_err(Error::internal)?;
        let outbound = Outbound::new(&config).map_err(Error::internal)?;
        let courier = Courier::start(&config, db.clone(), clock.clone(), outbound.clone(), vapid);
        let mailer = config.mail.as_ref().map(Mailer::new).transpose().map_err(Error::internal)?;
        let (url, secret) = (&config.public_url, &begin.mail_secret);
        let postman = Postman::new(mailer, db.clone(), clock.clone(), views.clone(), url, secret);
        let live = Live::new(bell, tops, members, topics, Arc::from(begin.epoch), courier, views.clone());
        live.set_mode(begin.realtime.and_then(|mode| realtime(&mode)).unwrap_or(config.realtime));
        let app = Self {
            limits: Limits::new(config.has_rate_limits),
            outbound,
            postman,
            config: Arc::new(config),
            db,
            clock,
            live,
            views,
            passwords: Passwords::start()?,
            sessions: Recent::new(RECENT),
            stopping: Arc::new(watch::Sender::new(false)),
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

    /// Ends everything that holds a connection or the database open.
    pub async fn close(&self) {
        self.stopping.send_replace(true);
        self.live.bell.close().await;
        self.db.close().await;
    }
}

async fn begin(db: &Db, clock: &Clock) -> Result<Beginnings> {
    let [epoch, secret, mail_secret] =
        [clock.random::<9>().to_vec(), clock.random::<32>().to_vec(), clock.random::<32>().to_vec()]
            .map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    let push_key = Vapid::generate().map_err(Error::internal)?;
    db.write(Lane::None, move |tx| {
        Ok(Beginnings {
            push_key: setting::find_or_put(tx, setting::PUSH_KEY, &push_key)?,
            mail_secret: setting::find_or_put(tx, setting::MAIL_SECRET, &mail_secret)?,
            epoch: setting::find_or_put(tx, setting::EPOCH, &epoch)?,
            jwt_secret: setting::find_or_put(tx, setting::JWT_SECRET, &secret)?,
            realtime: setting::find(tx, setting::REALTIME)?,
            tops: chatroom::tops(tx)?,
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

fn realtime(word: &str) -> Option<Realtime> {
    [Realtime::Hybrid, Realtime::Mercure, Realtime::Polling].into_iter().find(|mode| mode.as_str() == word)
}

fn embedded_hub(config: &Config, clock: &Clock, secret: &str, rights: Rights, cursors: RoomTops) -> Hub {
    let origin = config.public_url.clone();
    let clock = clock.clone();
    Hub::new(HubConfig {
        path: bell::PATH.to_owned(),
        publisher_key: Some(Key::hs256(secret)),
        subscriber_key: Some(Key::hs256(secret)),
        publish_origins: vec![origin.clone()],
        socket_origins: vec![origin],
        history_events: 2_000,
        history_bytes: 4 << 20,
        max_lifetime: Duration::from_secs(3_600),
        max_connections_per_subject: 64,
        // A page names each of its rooms.
        max_matchers: 1_000,
        revocation: Duration::from_secs(2 * 3_600),
        authorizer: Some(Arc::new(rights)),
        cursors: Some(Arc::new(cursors)),
        #[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 stay exact in a double until 2255")]
        clock: Arc::new(move || clock.now() as f64 / 1e6),
        ..HubConfig::default()
    })
}
