//! Every setting of the program: a flag and a variable each. The variables without `HUB` in their name are those of the reference image.

mod rules;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};
use ipnet::IpNet;
use mercure_hub::ForwardedFields;

use crate::directives;

pub use rules::Rules;

/// The settings as they were given. Those that are empty count as not given: compose files pass them so.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Address and port to listen on, without regard to SERVER_NAME [default: 127.0.0.1:3000 when SERVER_NAME is not set]
    #[arg(long, env = "HUB_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,

    /// Names to serve, as the reference image reads them: `:80`, `localhost`, `hub.example.com`, `http://hub.example.com:8080`; several apart by commas
    #[arg(long, env = "SERVER_NAME", value_name = "NAMES")]
    pub server_name: Option<String>,

    /// Secret or public key (PEM) that verifies the tokens of publishers
    #[arg(
        long,
        env = "MERCURE_PUBLISHER_JWT_KEY",
        value_name = "KEY",
        hide_env_values = true,
        allow_hyphen_values = true
    )]
    pub publisher_jwt_key: Option<String>,

    /// Its algorithm [default: HS256 for a secret; a PEM must name one]
    #[arg(long, env = "MERCURE_PUBLISHER_JWT_ALG", value_name = "NAME")]
    pub publisher_jwt_alg: Option<String>,

    /// Secret or public key (PEM) that verifies the tokens of subscribers
    #[arg(
        long,
        env = "MERCURE_SUBSCRIBER_JWT_KEY",
        value_name = "KEY",
        hide_env_values = true,
        allow_hyphen_values = true
    )]
    pub subscriber_jwt_key: Option<String>,

    /// Its algorithm [default: HS256 for a secret; a PEM must name one]
    #[arg(long, env = "MERCURE_SUBSCRIBER_JWT_ALG", value_name = "NAME")]
    pub subscriber_jwt_alg: Option<String>,

    /// The `iss` that tokens of the 1.0 generation must carry to be verified with the two keys above
    #[arg(long, env = "MERCURE_TRUSTED_ISSUERS", value_name = "ISSUERS", default_value = "https://localhost")]
    pub trusted_issuers: String,

    /// Directives of the reference hub, one a line
    #[arg(long, env = "MERCURE_EXTRA_DIRECTIVES", value_name = "TEXT", hide_env_values = true)]
    pub directives: Option<String>,

    /// A file of such directives; those of --directives come after it
    #[arg(long, env = "HUB_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Where the history lives, in the older spelling: bolt:///data/mercure.db?size=1000, local://local
    #[arg(long, env = "MERCURE_TRANSPORT_URL", value_name = "URL")]
    pub transport_url: Option<String>,

    /// For trying things out, never in public: anonymous subscribers, every origin, subscriptions, the debugger page with a token for everything
    #[arg(long, env = "HUB_DEV", value_parser = FalseyValueParser::new())]
    pub dev: bool,

    /// Address of health checks and metrics; `off` for none [default: the option `admin` of GLOBAL_OPTIONS, else 127.0.0.1:2019]
    #[arg(long, env = "HUB_ADMIN", value_name = "ADDRESS")]
    pub admin: Option<String>,

    /// Certificate chain (PEM) for TLS; read again when it changes, and on SIGHUP
    #[arg(long, env = "HUB_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Its private key (PEM)
    #[arg(long, env = "HUB_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Mail address told to the certificate authority (only with the feature `acme`)
    #[arg(long, env = "HUB_ACME_EMAIL", value_name = "ADDRESS")]
    pub acme_email: Option<String>,

    /// Directory URL of the certificate authority (only with the feature `acme`) [default: Let's Encrypt]
    #[arg(long, env = "HUB_ACME_DIRECTORY", value_name = "URL")]
    pub acme_directory: Option<String>,

    /// Folder for what is kept when nothing else says where: the history, certificates
    #[arg(long, env = "HUB_DATA", value_name = "FOLDER", default_value = "./var/hub")]
    pub data: PathBuf,

    /// Proxies that say where requests come from: addresses or networks, apart by commas
    #[arg(long, env = "HUB_TRUSTED_PROXIES", value_name = "NETWORKS", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,

    /// The header in which they say so: X-Forwarded-For (with X-Forwarded-Proto) or Forwarded (RFC 7239). The other one is the client's own
    #[arg(
        long,
        env = "HUB_FORWARDED_HEADER",
        value_name = "NAME",
        default_value = "x-forwarded-for",
        ignore_case = true
    )]
    pub forwarded_header: ForwardedHeader,

    /// At the end: how long readiness fails before anything is closed, so that a balancer looks elsewhere first
    #[arg(long, env = "HUB_DRAIN_DELAY", value_name = "DURATION", default_value = "0s", value_parser = directives::duration)]
    pub drain_delay: Duration,

    /// At the end: over how long the open streams are closed, one after the other [default: the directive drain_timeout, else 5s]
    #[arg(long, env = "HUB_DRAIN_TIMEOUT", value_name = "DURATION", value_parser = directives::duration)]
    pub drain_timeout: Option<Duration>,

    /// What the reference does not have.
    #[command(flatten)]
    pub rules: Rules,

    /// Global options of the reference image; only `debug` and `admin` mean something here
    #[arg(long, env = "GLOBAL_OPTIONS", value_name = "TEXT", hide = true)]
    pub global_options: Option<String>,

    /// Of the reference image; not read here
    #[arg(long, env = "CADDY_EXTRA_CONFIG", value_name = "TEXT", hide = true, hide_env_values = true)]
    pub caddy_extra_config: Option<String>,

    /// Of the reference image; not read here
    #[arg(long, env = "CADDY_SERVER_EXTRA_DIRECTIVES", value_name = "TEXT", hide = true, hide_env_values = true)]
    pub caddy_server_extra_directives: Option<String>,

    /// Of the reference image; no licence is needed here
    #[arg(long, env = "MERCURE_LICENSE", value_name = "TEXT", hide = true, hide_env_values = true)]
    pub license: Option<String>,
}

/// In which header proxies say where requests come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, with `X-Forwarded-Proto`.
    XForwardedFor,
    /// `Forwarded`.
    Forwarded,
}

impl From<ForwardedHeader> for ForwardedFields {
    fn from(header: ForwardedHeader) -> Self {
        match header {
            ForwardedHeader::XForwardedFor => Self::XForwarded,
            ForwardedHeader::Forwarded => Self::Forwarded,
        }
    }
}

impl Settings {
    /// Whether `GLOBAL_OPTIONS` asks for a detailed log.
    pub fn wants_debug_log(&self) -> bool {
        self.global_options().is_ok_and(|options| options.iter().any(|option| option.name == "debug"))
    }

    /// What `GLOBAL_OPTIONS` says: the block at the head of a Caddyfile, with or without its braces.
    pub(crate) fn global_options(&self) -> Result<Vec<directives::GlobalOption>, directives::Fault> {
        directives::global_options(self.global_options.as_deref().unwrap_or_default())
    }
}

/// The setting, unless it is empty.
pub(crate) fn given(setting: Option<&String>) -> Option<&str> {
    setting.map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| format!("{text:?} is neither an address nor a network such as 10.0.0.0/8"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        _settings: Settings,
    }

    #[test]
    fn every_setting_has_a_variable_and_stands_in_the_readme() {
        let readme = include_str!("../README.md");
        let rows: Vec<&str> = readme.lines().filter(|line| line.starts_with("| `")).collect();
        let command = Line::command();
        for argument in command.get_arguments().filter(|argument| argument.get_id() != "help") {
            let variable = argument.get_env().expect("a variable").to_string_lossy().into_owned();
            let flag = format!("`--{}`", argument.get_long().expect("a flag"));
            let row = rows.iter().find(|row| row.starts_with(&format!("| `{variable}` ")));
            let row = row.unwrap_or_else(|| panic!("README.md has no row for {variable}"));
            assert!(row.contains(&flag), "the row of {variable} names its flag {flag}");
        }
    }
}
