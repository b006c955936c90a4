//! The command line of `bench hub`.

use crate::target::Transport;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use url::Url;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Case {
    /// One topic, many subscribers: flat out, and at a calm rate
    Fanout,
    /// Many topics with a few subscribers each
    Topics,
    /// Memory of a connection on which nothing happens
    Idle,
    /// Publications a second, each to a topic with one subscriber of its own
    Publish,
    /// One reader in a hundred never reads
    Stalled,
}

/// When the next message may leave in a run that goes as fast as possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Window {
    /// When an earlier one was answered and has reached all its readers: no server can fall behind
    Delivered,
    /// When an earlier one was answered: a server that answers at once must cope with what piles up
    Answered,
}

/// A server that this command can start by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub enum Server {
    /// This hub
    Ours,
    /// Bun's WebSocket server (uWebSockets), and its event streams
    Bun,
    /// Nchan in nginx
    Nchan,
    /// The lower bound: the same bytes to as many sockets, one write for each message
    Limit,
    /// The lower bound, messages that came together in one write
    LimitBatched,
    /// axum's own event streams over a broadcast channel
    Axum,
    /// `palabre hub` as it is shipped, without a history on disk; only from `palabre bench`, and only when it is named
    Program,
}

/// Measures a Mercure hub: this one, any other by its address, or this one beside its rivals.
#[derive(Args, Clone, Debug)]
pub struct HubBench {
    /// What to measure; everything when nothing is named
    pub cases: Vec<Case>,
    /// The address of a running hub; without it one is started for each case, alone on its core
    #[arg(long, value_name = "URL")]
    pub target: Option<Url>,
    /// The process of the target, if it runs on this machine: its processor time and memory are measured too
    #[arg(long, value_name = "PID", requires = "target")]
    pub target_pid: Option<u32>,
    /// The target is yours and may be put under load, even if it is not on this machine
    #[arg(long)]
    pub i_own_the_target: bool,
    /// The token to publish with
    #[arg(long, value_name = "JWT", requires = "target")]
    pub publisher_token: Option<String>,
    /// The secret (HS256) to make a publisher's token with
    #[arg(long, value_name = "SECRET", requires = "target", conflicts_with = "publisher_token")]
    pub publisher_key: Option<String>,
    /// The token to subscribe with; without one only public updates are sent
    #[arg(long, value_name = "JWT", requires = "target")]
    pub subscriber_token: Option<String>,
    /// The secret (HS256) to make a subscriber's token with
    #[arg(long, value_name = "SECRET", requires = "target", conflicts_with = "subscriber_token")]
    pub subscriber_key: Option<String>,
    /// Also start and measure every rival that is installed (see rivals.sh)
    #[arg(long, conflicts_with = "target")]
    pub rivals: bool,
    /// Start and measure these, in this order
    #[arg(long, value_delimiter = ',', default_value = "ours", conflicts_with = "target")]
    pub servers: Vec<Server>,
    /// Where Bun's program is, if not in the search path
    #[arg(long, value_name = "FILE", env = "MERCURE_BENCH_BUN", default_value = "bun")]
    pub bun: PathBuf,
    /// Where nginx is, if not in the search path; it must have Nchan
    #[arg(long, value_name = "FILE", env = "MERCURE_BENCH_NGINX", default_value = "nginx")]
    pub nginx: PathBuf,
    /// How subscribers listen
    #[arg(long, value_delimiter = ',', default_value = "sse,websocket")]
    pub transport: Vec<Transport>,
    /// Subscribers of the one topic
    #[arg(long, default_value_t = 1_000, value_parser = count())]
    pub subscribers: u32,
    /// Many topics: how many
    #[arg(long, default_value_t = 1_000, value_parser = count())]
    pub topics: u32,
    /// Many topics: subscribers of each
    #[arg(long, default_value_t = 10, value_parser = count())]
    pub readers: u32,
    /// Idle connections
    #[arg(long, value_delimiter = ',', default_value = "1000,10000", value_parser = count())]
    pub idle: Vec<u32>,
    /// Publications: subscribers, each with a topic of its own
    #[arg(long, default_value_t = 20_000, value_parser = count())]
    pub unique: u32,
    /// Publications: connections that publish
    #[arg(long, default_value_t = 64, value_parser = count())]
    pub publishers: u32,
    /// Messages a second in the calm run
    #[arg(long, default_value_t = 50, value_parser = count())]
    pub rate: u32,
    /// Messages under way when going flat out
    #[arg(long, default_value_t = 8, value_parser = count())]
    pub in_flight: u32,
    /// When the next message may leave when going flat out
    #[arg(long, value_enum, default_value = "delivered")]
    pub window: Window,
    /// Bytes of a message
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(27..=1_000_000))]
    pub payload: u32,
    /// Seconds that are measured in each run
    #[arg(long, default_value_t = 5.0, value_parser = seconds)]
    pub seconds: f64,
    /// Seconds before the measuring begins
    #[arg(long, default_value_t = 1.0, value_parser = seconds)]
    pub warmup: f64,
    /// Runs of each case; the medians are shown
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub repeat: u32,
    /// Publish public updates to subscribers without a token
    #[arg(long)]
    pub public: bool,
    /// Where folders for histories on disk are made: must be a disk, not memory
    #[arg(long, value_name = "FOLDER", default_value_os_t = std::env::temp_dir())]
    pub disk: PathBuf,
    /// The publish case also inside this process, without HTTP
    #[arg(long)]
    pub in_process: bool,
    /// Write the figures as JSON
    #[arg(long)]
    pub json: bool,
}

impl HubBench {
    /// The cases that were asked for.
    pub(crate) fn cases(&self) -> &[Case] {
        if self.cases.is_empty() { Case::value_variants() } else { &self.cases }
    }
}

fn count() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=1_000_000)
}

fn seconds(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.05..=3600.0).contains(&value) { Ok(value) } else { Err("must lie between 0.05 and 3600".to_owned()) }
}
