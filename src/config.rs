//! The configuration: the settings, understood together. A wrong one stops the start with a sentence that names its variable.

mod reach;
mod settings;

use crate::budget::{Amounts, WrongBudget};
use crate::clock::Micros;
use crate::db::Target;
use ipnet::IpNet;
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
pub use settings::{LogFormat, Realtime, Registration, Settings, Switch};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

#[cfg(test)]
mod tests;

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
