//! The directives of the reference hub, of both its generations, as they stand in `MERCURE_EXTRA_DIRECTIVES` or between the braces of `mercure { … }`.
//!
//! One directive a line, in the syntax of a Caddyfile: words apart by blanks; `"…"` and backquotes around words with blanks; `#` begins a comment; a `\` at the
//! end of a line continues it; `{ … }` holds the options of `issuer` and `transport`; `{$NAME}`, `{$NAME:default}` and `{env.NAME}` stand for variables.

mod caddyfile;
mod global;
mod known;
mod lexer;
mod reading;
mod transport;
mod tree;
mod value;

use std::fmt;
use std::time::Duration;

pub(crate) use global::{GlobalOption, global_options};
pub use transport::Transport;
pub(crate) use transport::url as transport_url;
pub use value::{duration, size};

/// A place in the text. Both count from one, columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The word at fault.
    pub at: Position,
    /// A sentence for the person who wrote it.
    pub message: String,
}

impl Fault {
    fn new(at: Position, message: String) -> Self {
        Self { at, message }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.at.line, self.at.column, self.message)
    }
}

impl std::error::Error for Fault {}

/// A secret or a public key, as text, and the algorithm it is for.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyText {
    /// The secret itself, or PEM.
    pub text: String,
    /// `HS256`, `RS256`… as it was written.
    pub algorithm: Option<String>,
}

impl fmt::Debug for KeyText {
    /// A secret ends up in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyText").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// What verifies the tokens of one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verifier {
    /// One key.
    Key(KeyText),
    /// A set of keys (RFC 7517) at an `https:`, `http:` or `file:` URL.
    Jwks {
        /// Where it is.
        url: String,
        /// The algorithms that count; all asymmetric ones when none is named.
        algorithms: Vec<String>,
    },
}

/// A trusted issuer (RFC 9068 section 4), with keys of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issuer {
    /// The token's `iss`.
    pub id: String,
    /// Whether the resource metadata names it.
    pub is_authorization_server: bool,
    /// For those who publish; without it nobody does on this issuer's word.
    pub publisher: Option<Verifier>,
    /// For those who subscribe, likewise.
    pub subscriber: Option<Verifier>,
}

/// What the directives say. `None` and empty lists: nothing was said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Directives {
    /// `name`: the hub's name in health paths.
    pub name: Option<String>,
    /// `issuer`, in the order in which they stand.
    pub issuers: Vec<Issuer>,
    /// `publisher_jwt` or `publisher_jwks_url`.
    pub publisher: Option<Verifier>,
    /// `subscriber_jwt` or `subscriber_jwks_url`.
    pub subscriber: Option<Verifier>,
    /// `resource_identifier`: what the `aud` of a token must contain.
    pub resource_identifier: Option<String>,
    /// `public_urls`: the origins that the hub answers for.
    pub public_urls: Vec<String>,
    /// `anonymous`: no token is needed to subscribe.
    pub anonymous: bool,
    /// `publish_origins`: pages that may publish with a cookie.
    pub publish_origins: Vec<String>,
    /// `cors_origins`: pages that may read the answers.
    pub cors_origins: Vec<String>,
    /// `cookie_name`.
    pub cookie_name: Option<String>,
    /// `protocol_version_compatibility`: 7 or 8. Both generations are always spoken; this allows a token in the address, too, and 7 public updates on topics
    /// that the token does not list.
    pub compatibility: Option<u8>,
    /// `subscriptions`: events and API of active subscriptions.
    pub subscriptions: bool,
    /// `heartbeat`.
    pub heartbeat: Option<Duration>,
    /// `write_timeout`: how long a stream lives.
    pub write_timeout: Option<Duration>,
    /// `dispatch_timeout`: how long one write to one subscriber may take.
    pub dispatch_timeout: Option<Duration>,
    /// `drain_timeout`: over how long the streams are closed at the end.
    pub drain_timeout: Option<Duration>,
    /// `max_request_body_size`, in bytes; zero is no limit.
    pub max_request_body_size: Option<usize>,
    /// `max_field_size`: bytes of one topic, matcher, id or type; zero is no limit.
    pub max_field_size: Option<usize>,
    /// `max_topics`: topics that one subscription of the older generation may name; zero is no limit.
    pub max_topics: Option<usize>,
    /// `max_matchers`: matchers that one subscription of the newer generation may name; zero is no limit.
    pub max_matchers: Option<usize>,
    /// `initial_event_id`: each stream begins with an id to resume from.
    pub initial_event_id: bool,
    /// `transport` or `transport_url`: where the history lives.
    pub transport: Option<Transport>,
    /// `debugger` or `ui`: serve the debugger page.
    pub debugger: bool,
    /// `demo` (0.x): that page, and the echo endpoints. It gives no rights.
    pub demo: bool,
    /// `playground` (1.0): the same with a token for everything, and no protection at all.
    pub playground: bool,
    /// What was accepted and means nothing here, a sentence each.
    pub notices: Vec<String>,
}

/// Reads directives; variables come from the environment of this process.
///
/// # Errors
/// The first word that is wrong.
pub fn parse(text: &str) -> Result<Directives, Fault> {
    parse_with(text, &|name| std::env::var(name).ok())
}

/// Reads directives; variables come from `lookup`.
///
/// # Errors
/// The first word that is wrong.
pub fn parse_with(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Directives, Fault> {
    let words = lexer::words(text, lookup)?;
    let is_caddyfile = caddyfile::is_whole(&words);
    tree::nodes(words).and_then(|nodes| reading::read(&nodes)).map_err(|mut fault| {
        if is_caddyfile {
            fault.message.push_str(caddyfile::HINT);
        }
        fault
    })
}

#[cfg(test)]
mod tests;
