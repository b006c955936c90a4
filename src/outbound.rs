//! The one HTTP client that calls addresses which people name: link previews, push services. It reaches public web servers and nothing of the
//! operator's own network, whatever a name resolves to and wherever a redirect points (SSRF).

pub mod address;

use crate::config::Config;
use address::{Guard, Lookup, NotPublic, System};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Client, Response, Url, redirect::Policy};
use std::sync::Arc;
use std::time::Duration;

/// The most that is ever read of an answer, in bytes.
pub const BODY_MAX: usize = 1 << 20;
/// Redirects that are followed, each looked at like the first address.
const HOPS_MAX: usize = 3;
/// For everything together: names, connections, redirects, body.
const PATIENCE: Duration = Duration::from_secs(5);
const URL_MAX: usize = 2_048;
const NAME: &str = concat!("Palabre/", env!("CARGO_PKG_VERSION"));

/// The guarded client. A cheap clone; it keeps no cookies, asks no proxy, and tells nobody where an address was found.
#[derive(Clone)]
pub struct Outbound {
    client: Client,
    loopback: Arc<[u16]>,
    patience: Duration,
}

/// What came back.
#[derive(Debug)]
pub struct Fetched {
    /// Where the redirects ended.
    pub url: Url,
    /// `text/html`: lower-case, without parameters; empty when the server says nothing.
    pub media_type: String,
    /// The parameter `charset`, lower-case.
    pub charset: Option<String>,
    /// The body, or as much of it as was asked for.
    pub body: Vec<u8>,
    /// Whether the body ended within the limit.
    pub is_whole: bool,
}

/// The answer to a POST. Its body is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posted {
    /// HTTP status.
    pub status: u16,
    /// Seconds that the server asks us to wait (`Retry-After`).
    pub retry_after: Option<u64>,
}

/// Why nothing came. It never holds the address: that is people's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No http or https, a name and password in it, another port than 80 and 443, too long, or no address at all.
    #[error("the address is not one of the public web")]
    Url,
    /// It leads into a private or reserved network.
    #[error("the address is not public")]
    Address,
    /// More than three redirects, or one to nowhere.
    #[error("too many redirects")]
    Redirects,
    /// Any status but 200.
    #[error("the server answered {0}")]
    Status(u16),
    /// Compressed, though nobody asked for that: it might unfold without end.
    #[error("the answer is compressed")]
    Encoded,
    /// Five seconds were not enough.
    #[error("too slow")]
    TooSlow,
    /// No connection, no name, no TLS, no HTTP.
    #[error("the server cannot be reached")]
    Unreachable,
}

impl Outbound {
    /// A client that resolves names as the system does.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(config: &Config) -> Result<Self, reqwest::Error> {
        Self::with_lookup(config, Arc::new(System))
    }

    /// The same with another way to resolve names.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn with_lookup(config: &Config, lookup: Arc<dyn Lookup>) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .user_agent(NAME)
            .connect_timeout(PATIENCE)
            .timeout(PATIENCE)
            .pool_idle_timeout(Duration::from_secs(30))
            // The connection goes to an address of this very answer: nobody asks a second time.
            .dns_resolver(Arc::new(Guard::new(lookup)))
            .build()?;
        Ok(Self { client, loopback: Arc::from(config.loopback_ports.as_slice()), patience: PATIENCE })
    }

    /// Whether an address may be called at all, as far as its text tells. What its name resolves to is judged at the call.
    ///
    /// # Errors
    /// `Url`, `Address`.
    pub fn check(&self, url: &str) -> Result<Url, Refused> {
        let url = Url::parse(url).map_err(|_| Refused::Url)?;
        self.judge(&url).map(|()| url)
    }

    /// Fetches a document of the media types in `accept`, at most `limit` bytes of it (and never more than [`BODY_MAX`]).
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn get(&self, url: &str, accept: &'static str, limit: usize) -> Result<Fetched, Refused> {
        let url = self.check(url)?;
        let work = async {
            let (url, response) = self.follow(url, accept).await?;
            read(url, response, limit.min(BODY_MAX)).await
        };
        tokio::time::timeout(self.patience, work).await.unwrap_or(Err(Refused::TooSlow))
    }

    /// Posts a body and follows no redirect: what it holds is meant for this address.
    ///
    /// # Errors
    /// [`Refused`], but not for a status.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: Vec<u8>) -> Result<Posted, Refused> {
        let url = self.check(url)?;
        let response = self.client.post(url).headers(headers).body(body).send().await.map_err(reason)?;
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Ok(Posted { status: response.status().as_u16(), retry_after })
    }

    async fn follow(&self, mut url: Url, accept: &'static str) -> Result<(Url, Response), Refused> {
        for _ in 0..=HOPS_MAX {
            self.judge(&url)?;
            let request = self
                .client
                .get(url.clone())
                .header(ACCEPT, HeaderValue::from_static(accept))
                .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            let response = request.send().await.map_err(reason)?;
            if !response.status().is_redirection() {
                return Ok((url, response));
            }
            let target = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
            url = url.join(target).map_err(|_| Refused::Url)?;
        }
        Err(Refused::Redirects)
    }

    /// A literal address never meets the resolver, so it is judged here, in whatever notation it was written: the parser has made
    /// `0x7f.1`, `2130706433` and `[::ffff:127.0.0.1]` plain.
    fn judge(&self, url: &Url) -> Result<(), Refused> {
        let host = url.host_str().unwrap_or_default();
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        if matches!(url.scheme(), "http")
            && host == "127.0.0.1"
            && url.port().is_some_and(|port| self.loopback.contains(&port))
        {
            return Ok(());
        }
        let is_web = match url.scheme() {
            "http" => url.port().is_none_or(|port| port == 443),
            "https" => url.port().is_none_or(|port| port == 80),
            _ => false,
        };
        let has_user = !url.username().is_empty() || url.password().is_some();
        if !is_web || has_user || host.is_empty() || url.as_str().len() > URL_MAX {
            return Err(Refused::Url);
        }
        if literal.is_some_and(|literal| !address::is_public(literal)) { Err(Refused::Address) } else { Ok(()) }
    }
}

async fn read(url: Url, mut response: Response, limit: usize) -> Result<Fetched, Refused> {
    if response.status() != 200 {
        return Err(Refused::Status(response.status().as_u16()));
    }
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !matches!(text(CONTENT_ENCODING).trim(), "" | "identity") {
        return Err(Refused::Encoded);
    }
    let stated = text(CONTENT_TYPE).to_ascii_lowercase();
    let mut parts = stated.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_owned();
    let charset = parts.find_map(|part| part.strip_prefix("charset=")).map(|name| name.trim_matches('"').to_owned());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reason)? {
        let room = limit - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok(Fetched { url, media_type, charset, body, is_whole: false });
        }
    }
    Ok(Fetched { url, media_type, charset, body, is_whole: true })
}

fn reason(error: reqwest::Error) -> Refused {
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        if inner.is::<NotPublic>() {
            return Refused::Address;
        }
        source = inner.source();
    }
    if error.is_timeout() { Refused::TooSlow } else { Refused::Unreachable }
}

#[cfg(test)]
mod tests;
