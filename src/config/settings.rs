//! Every setting: its variable, its default, its meaning. README's table is tested against this file.
//!
//! A setting is a flag and an environment variable; the flag wins.

use clap::{Args, ValueEnum};
use ipnet::IpNet;
use serde::Serialize;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

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
