//! Settings that the reference does not have: how strict the hub is, and how much it lets one client take.

use clap::Args;
use clap::builder::FalseyValueParser;

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
}
