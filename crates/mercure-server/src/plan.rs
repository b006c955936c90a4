//! Settings and directives, understood together: what is listened to, who is believed, what the hub is told.

mod admin;
mod hub;
mod listeners;
mod older;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use mercure_hub::{ForwardedFields, HubConfig};

use crate::directives::{self, Directives, Issuer, KeyText, Position, Transport, Verifier};
pub use crate::playground::Playground;
use crate::settings::{Settings, given};

/// Over how long the streams are closed at the end, when nothing else is said: `docker stop` waits ten seconds.
const DRAIN: Duration = Duration::from_secs(5);

/// Bytes that the history may take when nobody has said anything about it. The reference lets it grow until the disk is full.
const DEFAULT_LOG: u64 = 1 << 30;

/// The issuer that the reference image trusts when none is named.
const ISSUER: &str = "https://localhost";

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {why}")]
pub struct WrongSetting {
    /// The variable, or the file.
    pub setting: String,
    /// What is wrong with it.
    pub why: String,
}

impl WrongSetting {
    fn new(setting: impl Into<String>, why: impl Into<String>) -> Self {
        Self { setting: setting.into(), why: why.into() }
    }
}

/// What a listener does with its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// HTTP/1.1, and HTTP/2 for clients that begin with it.
    Plain,
    /// The same inside TLS.
    Tls,
    /// Sends everybody to `https:`, at this port.
    Redirect(u16),
}

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Address and port; port 0 takes a free one.
    pub address: SocketAddr,
    /// What is spoken there.
    pub role: Role,
}

/// Where the certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificates {
    /// Nothing speaks TLS.
    None,
    /// Two PEM files.
    Files {
        /// The chain, the server's own certificate first.
        cert: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// Made at the start, for these names. Clients have to be told to trust it.
    SelfSigned(Vec<String>),
    /// From an authority (RFC 8555), for these names.
    Acme {
        /// The names.
        names: Vec<String>,
        /// A mail address for the authority.
        email: Option<String>,
        /// The authority's directory; Let's Encrypt when it is `None`.
        directory: Option<String>,
        /// Where account and certificates are kept.
        cache: PathBuf,
    },
}

/// A history on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The file. Its folder is made when there is none.
    pub path: PathBuf,
    /// How many updates are kept; zero for no limit.
    pub events: u64,
    /// How many bytes of updates are kept; zero for no limit.
    pub bytes: u64,
}

/// Everything that was decided before the start. [`run`](crate::run) carries it out.
#[derive(Clone)]
pub struct Plan {
    /// Where the hub is served.
    pub listeners: Vec<Listener>,
    /// Where health and metrics are served.
    pub admin: Option<SocketAddr>,
    /// The certificate of the TLS listeners.
    pub certificates: Certificates,
    /// The hub's name in health paths.
    pub name: String,
    /// What the hub is told.
    pub hub: HubConfig,
    /// Where the history is kept; `None` keeps none on disk.
    pub log: Option<Log>,
    /// Whether there is nobody who could publish: POST is answered 405.
    pub read_only: bool,
    /// Serve the debugger page.
    pub debugger: bool,
    /// Serve the echo endpoints.
    pub echo: bool,
    /// Serve the playground, with its tokens.
    pub playground: Option<Playground>,
    /// Proxies that are believed about their clients.
    pub trusted_proxies: Vec<IpNet>,
    /// In which fields they say so.
    pub forwarded: ForwardedFields,
    /// How long readiness fails before anything is closed.
    pub drain_delay: Duration,
    /// Over how long the streams are closed.
    pub drain_timeout: Duration,
    /// What the log says at the start.
    pub notices: Vec<String>,
    /// What the log warns of at the start.
    pub warnings: Vec<String>,
}

impl Plan {
    /// Understands the settings together.
    ///
    /// # Errors
    /// The first that cannot be, by its variable's name.
    pub fn new(settings: &Settings) -> Result<Self, WrongSetting> {
        let mut told = Told::default();
        let directives = directives_of(settings, &mut told)?;
        let (listeners, certificates) = listeners::listeners(settings, &mut told)?;
        let (hub, playground) = hub::hub(&directives, &settings.rules, &mut told)?;
        let admin = admin::address(settings, &mut told)?;
        ignored(settings, &mut told);
        Ok(Self {
            listeners,
            certificates,
            admin,
            name: directives.name.clone().unwrap_or_else(|| "default".to_owned()),
            hub,
            log: log(settings, directives.transport.as_ref(), &mut told),
            read_only: hub::is_read_only(&directives),
            debugger: directives.debugger || directives.demo,
            echo: directives.demo || directives.playground,
            playground,
            trusted_proxies: settings.trusted_proxies.clone(),
            forwarded: settings.forwarded_header.into(),
            drain_delay: settings.drain_delay,
            drain_timeout: settings.drain_timeout.or(directives.drain_timeout).unwrap_or(DRAIN),
            notices: told.notices,
            warnings: told.warnings,
        })
    }
}

/// What is to be said at the start.
#[derive(Default)]
struct Told {
    notices: Vec<String>,
    warnings: Vec<String>,
}

/// All directives: the file's, then the variable's, then what the other variables add to them.
fn directives_of(settings: &Settings, told: &mut Told) -> Result<Directives, WrongSetting> {
    let mut text = String::new();
    let mut file_lines = 0;
    if let Some(path) = &settings.config {
        let name = path.display().to_string();
        text = std::fs::read_to_string(path).map_err(|error| WrongSetting::new(&name, error.to_string()))?;
        directives::parse(&text).map_err(|fault| WrongSetting::new(&name, fault.to_string()))?;
        text.push('\n');
        file_lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
    }
    text.push_str(settings.directives.as_deref().unwrap_or_default());
    let mut directives = directives::parse(&text).map_err(|mut fault| {
        fault.at.line = fault.at.line.saturating_sub(file_lines);
        WrongSetting::new("MERCURE_EXTRA_DIRECTIVES", fault.to_string())
    })?;
    told.notices.append(&mut directives.notices);

    let roles = [
        (&mut directives.publisher, &settings.publisher_jwt_key, &settings.publisher_jwt_alg),
        (&mut directives.subscriber, &settings.subscriber_jwt_key, &settings.subscriber_jwt_alg),
    ];
    let of_variables = roles.map(|(verifier, key, algorithm)| {
        // Not trimmed: a secret is what it is, to the last byte.
        let text = key.as_ref().filter(|key| !key.trim().is_empty())?;
        let algorithm = given(algorithm.as_ref()).map(str::to_owned);
        let of_variable = Verifier::Key(KeyText { text: text.clone(), algorithm });
        verifier.get_or_insert_with(|| of_variable.clone());
        Some(of_variable)
    });
    if directives.playground || settings.dev {
        play(&mut directives);
    }
    let [publisher, subscriber] = of_variables;
    if publisher.is_some() || subscriber.is_some() {
        let issuers = given(Some(&settings.trusted_issuers)).unwrap_or(ISSUER);
        let issuers = issuers.split(|char: char| char == ',' || char.is_whitespace());
        for id in issuers.filter(|id| !id.is_empty()) {
            if !directives.issuers.iter().any(|issuer| issuer.id == id) {
                let (publisher, subscriber) = (publisher.clone(), subscriber.clone());
                let issuer = Issuer { id: id.to_owned(), is_authorization_server: false, publisher, subscriber };
                directives.issuers.push(issuer);
            }
        }
    }
    if let Some(url) = given(settings.transport_url.as_ref())
        && directives.transport.is_none()
    {
        let transport = directives::transport_url(url, Position::default());
        directives.transport =
            Some(transport.map_err(|fault| WrongSetting::new("MERCURE_TRANSPORT_URL", fault.message))?);
    }
    Ok(directives)
}

/// The reference's file is Bolt's, and stays untouched: ours stands beside it.
fn log(settings: &Settings, transport: Option<&Transport>, told: &mut Told) -> Option<Log> {
    let (path, events, bytes) = match transport {
        Some(Transport::Local) => return None,
        Some(Transport::Bolt { path, size }) => (path.as_ref(), *size, 0),
        None => (None, 0, DEFAULT_LOG),
    };
    let bolt = path.cloned().unwrap_or_else(|| settings.data.join("mercure.db"));
    if bolt.is_file() {
        told.notices.push(format!("{} is left as it is: the history of the reference hub is not read", bolt.display()));
    }
    Some(Log { path: bolt.with_extension("history"), events, bytes })
}

/// The playground: what protects is off. It has a key of its own, so nothing needs to be set.
fn play(directives: &mut Directives) {
    directives.playground = true;
    directives.debugger = true;
    directives.anonymous = true;
    directives.subscriptions = true;
    for origins in [&mut directives.cors_origins, &mut directives.publish_origins] {
        if origins.is_empty() {
            origins.push("*".to_owned());
        }
    }
}

/// Says what of the reference image is not read.
fn ignored(settings: &Settings, told: &mut Told) {
    for (name, value) in [
        ("CADDY_EXTRA_CONFIG", &settings.caddy_extra_config),
        ("CADDY_SERVER_EXTRA_DIRECTIVES", &settings.caddy_server_extra_directives),
    ] {
        if given(value.as_ref()).is_some() {
            told.warnings
                .push(format!("{name} is ignored: this is no Caddy; put a reverse proxy in front for what it did"));
        }
    }
    if given(settings.license.as_ref()).is_some() {
        told.notices.push("MERCURE_LICENSE is not needed: nothing is capped here".to_owned());
    }
}
