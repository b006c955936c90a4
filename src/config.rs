//! Every setting: its variable, its default, its meaning. README's table is tested against this file.
//!
//! A setting is a flag and an environment variable; the flag wins. A wrong one stops the start with a sentence that names
//! the variable.

mod reach;

use crate::budget::{Amounts, WrongBudget};
use crate::clock::Micros;
use crate::db::Target;
use clap::{Args, ValueEnum};
use ipnet::IpNet;
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use serde::Serialize;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// The settings as they were given.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Address and port to listen on
    #[arg(long, env = "PALABRE_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Folder of everything that is kept: the SQLite file, uploads
    #[arg(long, env = "PALABRE_DATA", value_name = "FOLDER", default_value = "./var")]
    pub data: PathBuf,

    /// The address that people type; https here makes the cookies secure [default: http:// and the listening address]
    #[arg(long, env = "PALABRE_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// `sqlite:` and a path, or a `postgres:` URL [default: sqlite:palabre.sqlite in the data folder]
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,

    /// Connections to PostgreSQL, at most; one of them holds the lock that keeps a second server off the database
    #[arg(long, env = "PALABRE_DATABASE_CONNECTIONS", value_name = "NUMBER", default_value_t = 17, value_parser = clap::value_parser!(u16).range(2..=1_000))]
    pub database_connections: u16,

    /// For how many seconds the start waits for a PostgreSQL that does not answer yet, or that another server is just leaving
    #[arg(long, env = "PALABRE_DATABASE_WAIT", value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=3_600))]
    pub database_wait: u64,

    /// How pages hear of news: push with polling behind it, push only, polling only
    #[arg(long, env = "PALABRE_REALTIME", value_name = "MODE", default_value = "hybrid")]
    pub realtime: Realtime,

    /// Where to publish when an external Mercure hub is used instead of the embedded one
    #[arg(long, env = "MERCURE_URL", value_name = "URL")]
    pub mercure_url: Option<String>,

    /// Where browsers reach that external hub [default: MERCURE_URL]
    #[arg(long, env = "MERCURE_PUBLIC_URL", value_name = "URL")]
    pub mercure_public_url: Option<String>,

    /// Whether that external hub keeps a history: it then gets changes without their content, and pages fetch them
    #[arg(long, env = "PALABRE_EXTERNAL_HUB_HISTORY", value_name = "ON|OFF", default_value = "on")]
    pub external_hub_history: Switch,

    /// Secret that signs the live link's tokens (HS256); an external hub must share it [default: made at the first start, kept in the database]
    #[arg(long, env = "MERCURE_JWT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub mercure_jwt_secret: Option<String>,

    /// Put before every topic, where a hub is shared with other applications
    #[arg(long, env = "PALABRE_TOPIC_PREFIX", value_name = "TEXT", default_value = "")]
    pub topic_prefix: String,

    /// Proxies whose X-Forwarded-For is believed: addresses or networks, separated by commas
    #[arg(long, env = "PALABRE_TRUSTED_PROXIES", value_name = "NETWORKS", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,

    /// The largest request body, in bytes
    #[arg(long, env = "PALABRE_BODY_LIMIT", value_name = "BYTES", default_value_t = 262_144)]
    pub body_limit: usize,

    /// The largest file that may be attached, in bytes
    #[arg(long, env = "PALABRE_FILE_LIMIT", value_name = "BYTES", default_value_t = 26_214_400)]
    pub file_limit: u64,

    /// The longest voice message, in seconds
    #[arg(long, env = "PALABRE_VOICE_LIMIT", value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub voice_limit: u64,

    /// Bucket that holds the files instead of the data folder (builds with the feature `s3`)
    #[arg(long, env = "PALABRE_S3_BUCKET", value_name = "NAME")]
    pub s3_bucket: Option<String>,

    /// Region of that bucket
    #[arg(long, env = "PALABRE_S3_REGION", value_name = "NAME", default_value = "us-east-1")]
    pub s3_region: String,

    /// Where that bucket is reached, when it is not Amazon's
    #[arg(long, env = "PALABRE_S3_ENDPOINT", value_name = "URL")]
    pub s3_endpoint: Option<String>,

    /// Key that may read and write in that bucket
    #[arg(long, env = "PALABRE_S3_ACCESS_KEY", value_name = "KEY")]
    pub s3_access_key: Option<String>,

    /// Secret of that key
    #[arg(long, env = "PALABRE_S3_SECRET_KEY", value_name = "SECRET", hide_env_values = true)]
    pub s3_secret_key: Option<String>,

    /// Put before the name of each file in that bucket
    #[arg(long, env = "PALABRE_S3_PREFIX", value_name = "TEXT", default_value = "palabre")]
    pub s3_prefix: String,

    /// For how many minutes after sending a message may be edited; 0 is for ever
    #[arg(long, env = "PALABRE_EDIT_WINDOW", value_name = "MINUTES", default_value_t = 0)]
    pub edit_window: u32,

    /// After how many days the content of a deleted goal or room is erased, its files too; 0 is never
    #[arg(long, env = "PALABRE_ERASE_AFTER", value_name = "DAYS", default_value_t = 30)]
    pub erase_after: u32,

    /// Whether rates and sizes are bounded (SECURITY.md, Budgets); off is for tests and benchmarks
    #[arg(long, env = "PALABRE_RATE_LIMITS", value_name = "ON|OFF", default_value = "on")]
    pub rate_limits: Switch,

    /// Budgets of persons, addresses and the installation that differ from the table in SECURITY.md: `sends=60,5/s upload-day=2GB visits=off`
    #[arg(long, env = "PALABRE_BUDGETS", value_name = "NAME=AMOUNT …", default_value = "")]
    pub budgets: String,

    /// Who may open an account; the first one of an installation always may
    #[arg(long, env = "PALABRE_REGISTRATION", value_name = "OPEN|CLOSED", default_value = "open")]
    pub registration: Registration,

    /// Mail server that sends summaries to who is away: `smtps://user:password@host`, `smtp://host:587?tls=required`; needs PALABRE_MAIL_FROM
    #[arg(long, env = "PALABRE_SMTP_URL", value_name = "URL", hide_env_values = true)]
    pub smtp_url: Option<String>,

    /// Address that summaries come from, such as `Palabre <palabre@example.org>`
    #[arg(long, env = "PALABRE_MAIL_FROM", value_name = "ADDRESS")]
    pub mail_from: Option<String>,
    /// Whether the server fetches the title and description of pages that messages link to
    #[arg(long, env = "PALABRE_LINK_PREVIEWS", value_name = "ON|OFF", default_value = "on")]
    pub link_previews: Switch,

    /// What is logged, as a tracing filter
    #[arg(long, env = "PALABRE_LOG", value_name = "FILTER", default_value = "palabre=info,mercure_hub=info,warn")]
    pub log: String,

    /// How the log is written
    #[arg(long, env = "PALABRE_LOG_FORMAT", value_name = "TEXT|JSON", default_value = "text")]
    pub log_format: LogFormat,
}

/// The three modes of the live link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Realtime {
    /// Push first, polling behind it.
    Hybrid,
    /// Push only.
    Mercure,
    /// Polling only.
    Polling,
}

impl Realtime {
    /// The word in settings, JSON and templates.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hybrid => "hybrid",
            Self::Mercure => "mercure",
            Self::Polling => "polling",
        }
    }
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// Who may open an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Registration {
    /// Everybody.
    Open,
    /// Nobody.
    Closed,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// A JSON object a line.
    Json,
}

fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| format!("{text:?} is neither an address nor a network such as 10.0.0.0/8"))
}

/// The settings after they were understood together.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Folder of everything that is kept.
    pub data: PathBuf,
    /// The address that people type, without a slash at its end.
    pub public_url: String,
    /// Which database.
    pub database: Target,
    /// Connections to PostgreSQL, two at least.
    pub database_connections: usize,
    /// How long the start waits for it.
    pub database_wait: Duration,
    /// The mode at the start; the administrator may have chosen another since.
    pub realtime: Realtime,
    /// An external hub, when there is one.
    pub external_hub: Option<ExternalHub>,
    /// Secret of the live link's tokens, when a setting names it.
    pub jwt_secret: Option<String>,
    /// Put before every topic.
    pub topic_prefix: String,
    /// Proxies whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The largest request body, in bytes.
    pub body_limit: usize,
    /// The largest file that may be attached, in bytes.
    pub file_limit: u64,
    /// The longest voice message.
    pub voice_limit: Duration,
    /// The bucket that holds the files, when they are not in the data folder.
    pub s3: Option<S3>,
    /// For how long after sending a message may be edited; none is for ever.
    pub edit_window: Option<Micros>,
    /// How long after its deletion a room's content is erased; none is never.
    pub erase_after: Option<Micros>,
    /// What one person, one address and the installation may use.
    pub budgets: Amounts,
    /// Networks whose addresses say nothing about who asks: trusted proxies, and this machine, where an unnamed proxy may run.
    pub shared_networks: Vec<IpNet>,
    /// Whether pages that messages link to are fetched.
    pub has_link_previews: bool,
    /// Whether anybody may open an account.
    pub is_registration_open: bool,
    /// Ports of 127.0.0.1 that outgoing requests may call by http: of a test's own servers. No setting opens them.
    pub loopback_ports: Vec<u16>,
    /// How long a message waits to be read before browsers without a page are told. No setting changes it.
    pub push_patience: Duration,
    /// The pause before a push that failed is tried again; the next ones are four times as long. No setting changes it.
    pub push_pause: Duration,
    /// The mail server, when there is one.
    pub mail: Option<Mail>,
}

/// How mail is sent.
#[derive(Clone)]
pub struct Mail {
    /// The server.
    pub smtp_url: String,
    /// Whom it comes from.
    pub from: Mailbox,
}

// The URL may hold a password.
impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mail(from {})", self.from)
    }
}

/// A bucket for files.
#[derive(Clone)]
pub struct S3 {
    /// Its name.
    pub bucket: String,
    /// Where it is.
    pub region: String,
    /// Its address, when it is not Amazon's.
    pub endpoint: Option<String>,
    /// The key.
    pub access_key: String,
    /// The key's secret.
    pub secret_key: String,
    /// Put before the name of each file.
    pub prefix: String,
}

// Keys stay out of logs.
impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

/// A Mercure hub that is not ours.
#[derive(Debug, Clone)]
pub struct ExternalHub {
    /// Where we publish.
    pub publish_url: String,
    /// Where browsers subscribe.
    pub public_url: String,
    /// Whether it may replay what was published.
    pub keeps_history: bool,
}

/// A setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongSetting {
    /// The environment variable.
    pub variable: &'static str,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for WrongSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.why)
    }
}

impl std::error::Error for WrongSetting {}

impl Config {
    /// Understands the settings together.
    ///
    /// # Errors
    /// The first that cannot be, by its variable's name.
    pub fn new(settings: &Settings) -> Result<Self, WrongSetting> {
        let wrong = |variable, why: String| WrongSetting { variable, why };
        let public_url = match &settings.public_url {
            Some(url) => web_url(url).map_err(|why| wrong("PALABRE_PUBLIC_URL", why))?,
            None => format!("http://{}", settings.listen),
        };
        let database = match &settings.database_url {
            Some(url) => Target::parse(url).map_err(|why| wrong("DATABASE_URL", why))?,
            None => Target::Sqlite(settings.data.join("palabre.sqlite")),
        };
        let external_hub = match (&settings.mercure_url, &settings.mercure_public_url) {
            (None, None) => None,
            (None, Some(_)) => return Err(wrong("MERCURE_PUBLIC_URL", "means nothing without MERCURE_URL".into())),
            (Some(url), public) => {
                let publish_url = web_url(url).map_err(|why| wrong("MERCURE_URL", why))?;
                let public_url = match public {
                    Some(public) => web_url(public).map_err(|why| wrong("MERCURE_PUBLIC_URL", why))?,
                    None => publish_url.clone(),
                };
                let keeps_history = settings.external_hub_history == Switch::On;
                Some(ExternalHub { publish_url, public_url, keeps_history })
            }
        };
        if external_hub.is_some() && settings.mercure_jwt_secret.is_none() {
            return Err(wrong("MERCURE_JWT_SECRET", "is needed with MERCURE_URL: the hub must share it".into()));
        }
        if settings.mercure_jwt_secret.as_ref().is_some_and(|secret| secret.len() < 16) {
            return Err(wrong("MERCURE_JWT_SECRET", "is shorter than 16 bytes".into()));
        }
        if settings.topic_prefix.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(wrong("PALABRE_TOPIC_PREFIX", "holds a space or a control character".into()));
        }
        if settings.body_limit < 16_384 {
            return Err(wrong("PALABRE_BODY_LIMIT", "is below 16384, less than a long message needs".into()));
        }
        Ok(Self {
            listen: settings.listen,
            data: settings.data.clone(),
            public_url,
            database,
            database_connections: usize::from(settings.database_connections),
            database_wait: Duration::from_secs(settings.database_wait),
            realtime: settings.realtime,
            external_hub,
            jwt_secret: settings.mercure_jwt_secret.clone(),
            topic_prefix: settings.topic_prefix.clone(),
            trusted_proxies: settings.trusted_proxies.clone(),
            body_limit: settings.body_limit,
            file_limit: settings.file_limit,
            voice_limit: Duration::from_secs(settings.voice_limit),
            s3: s3(settings)?,
            edit_window: (settings.edit_window > 0).then(|| Micros::from(settings.edit_window) * 60_000_000),
            erase_after: (settings.erase_after > 0).then(|| Micros::from(settings.erase_after) * 86_400_000_000),
            budgets: budgets(settings)?,
            shared_networks: shared_networks(&settings.trusted_proxies),
            has_link_previews: settings.link_previews == Switch::On,
            is_registration_open: settings.registration == Registration::Open,
            loopback_ports: Vec::new(),
            push_patience: Duration::from_secs(5),
            push_pause: Duration::from_secs(1),
            mail: mail(settings)?,
        })
    }

    /// Whether browsers reach us by https.
    pub fn is_secure(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

fn budgets(settings: &Settings) -> Result<Amounts, WrongSetting> {
    let wrong = |wrong: WrongBudget| WrongSetting { variable: "PALABRE_BUDGETS", why: wrong.to_string() };
    let amounts: Amounts = settings.budgets.parse().map_err(wrong)?;
    Ok(if settings.rate_limits == Switch::On { amounts } else { amounts.numbers_only() })
}

fn shared_networks(proxies: &[IpNet]) -> Vec<IpNet> {
    let loopback = [IpAddr::from([127, 0, 0, 0]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
    let loopback = loopback.into_iter().zip([8, 128]).filter_map(|(address, length)| IpNet::new(address, length).ok());
    loopback.chain(proxies.iter().copied()).collect()
}

/// The bucket that the settings name, when they name one.
fn s3(settings: &Settings) -> Result<Option<S3>, WrongSetting> {
    let wrong = |variable, why: &str| WrongSetting { variable, why: why.to_owned() };
    let Some(bucket) = &settings.s3_bucket else { return Ok(None) };
    if !cfg!(feature = "s3") {
        return Err(wrong("PALABRE_S3_BUCKET", "needs a program that was built with the feature `s3`"));
    }
    let needed = "is needed with PALABRE_S3_BUCKET";
    let access_key = settings.s3_access_key.clone().ok_or_else(|| wrong("PALABRE_S3_ACCESS_KEY", needed))?;
    let secret_key = settings.s3_secret_key.clone().ok_or_else(|| wrong("PALABRE_S3_SECRET_KEY", needed))?;
    let endpoint = settings.s3_endpoint.as_deref().map(web_url).transpose();
    Ok(Some(S3 {
        bucket: bucket.clone(),
        region: settings.s3_region.clone(),
        endpoint: endpoint.map_err(|why| wrong("PALABRE_S3_ENDPOINT", &why))?,
        access_key,
        secret_key,
        prefix: settings.s3_prefix.clone(),
    }))
}

fn mail(settings: &Settings) -> Result<Option<Mail>, WrongSetting> {
    let wrong = |variable, why: &str| WrongSetting { variable, why: why.to_owned() };
    match (&settings.smtp_url, &settings.mail_from) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(wrong("PALABRE_MAIL_FROM", "means nothing without PALABRE_SMTP_URL")),
        (Some(_), None) => {
            Err(wrong("PALABRE_MAIL_FROM", "is needed with PALABRE_SMTP_URL: mail must come from somebody"))
        }
        (Some(url), Some(from)) => {
            // The text may hold a password, so it stays out of the sentence.
            AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
                .map_err(|_| wrong("PALABRE_SMTP_URL", "is no smtp:// or smtps:// address"))?;
            let from = from.parse().map_err(|_| wrong("PALABRE_MAIL_FROM", "is no mail address"))?;
            Ok(Some(Mail { smtp_url: url.clone(), from }))
        }
    }
}

/// An http or https URL without a slash at its end.
fn web_url(text: &str) -> Result<String, String> {
    let url = text.trim().trim_end_matches('/');
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_url = host.is_some_and(|host| !host.is_empty() && !host.starts_with('/'))
        // It stands in the Content-Security-Policy too: nothing that would end a directive there.
        && url.chars().all(|c| c.is_ascii_graphic() && !"\"';,<>\\".contains(c));
    if is_url { Ok(url.to_owned()) } else { Err(format!("{text:?} is no http:// or https:// address")) }
}
