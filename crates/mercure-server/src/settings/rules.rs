//! Settings that the reference does not have: how strict the hub is, and how much it lets one client take.

use clap::Args;
use clap::builder::FalseyValueParser;

use crate::directives;

/// Strictness and limits. A limit of zero is none.
#[derive(Debug, Clone, Args)]
pub struct Rules {
    /// Speak the newer generation (draft-08) alone, without extensions: no `topic` query, no `mercure` claim, no WebSocket
    #[arg(long, env = "HUB_STRICT", value_parser = FalseyValueParser::new())]
    pub strict: bool,

    /// Refuse an update whose id the history still knows, with 409
    #[arg(long, env = "HUB_REFUSE_DUPLICATE_IDS", value_parser = FalseyValueParser::new())]
    pub refuse_duplicate_ids: bool,

    /// Streams open at the same time
    #[arg(long, env = "HUB_MAX_STREAMS", value_name = "COUNT", default_value_t = 0)]
    pub max_streams: usize,

    /// Streams open at the same time for one `sub`
    #[arg(long, env = "HUB_MAX_STREAMS_PER_SUBJECT", value_name = "COUNT", default_value_t = 0)]
    pub max_streams_per_subject: usize,

    /// Streams open at the same time from one address (an IPv6 /64 counts as one)
    #[arg(long, env = "HUB_MAX_STREAMS_PER_ADDRESS", value_name = "COUNT", default_value_t = 0)]
    pub max_streams_per_address: usize,

    /// Streams open at the same time with one token
    #[arg(long, env = "HUB_MAX_STREAMS_PER_TOKEN", value_name = "COUNT", default_value_t = 0)]
    pub max_streams_per_token: usize,

    /// Updates that one token may publish in a second, in the long run
    #[arg(long, env = "HUB_PUBLISHES_PER_SECOND", value_name = "NUMBER", default_value_t = 0.0, value_parser = rate)]
    pub publishes_per_second: f64,

    /// Bytes that one token may publish in a second, in the long run
    #[arg(long, env = "HUB_PUBLISH_BYTES_PER_SECOND", value_name = "SIZE", default_value = "0", value_parser = directives::size)]
    pub publish_bytes_per_second: usize,
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| format!("{text:?} is no number of updates in a second"))
}
