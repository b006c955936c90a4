//! Key sets that live elsewhere (RFC 7517 section 5): fetched when they are needed, kept while they are fresh, and kept on when they can't be renewed.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::time::Instant;
use url::Url;

use crate::auth::{
    algorithm::Algorithm,
    jwk,
    key::{InvalidKey, Key},
};

/// How large a set may be, in bytes.
const MAX_BYTES: usize = 512 << 10;
/// How long fetching it may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a set is fresh when its origin does not say, and the bounds of what it may say.
const FRESH: Duration = Duration::from_secs(15 * 60);
const FRESH_MIN: Duration = Duration::from_secs(60);
const FRESH_MAX: Duration = Duration::from_secs(24 * 3600);
/// How long a failed attempt is not repeated.
const RETRY: Duration = Duration::from_secs(10);
/// How long after an attempt a token with an unknown `kid` may cause another: whoever invents names must not make the hub a source of load.
const UNKNOWN_PAUSE: Duration = Duration::from_secs(30);

/// Gets the text of a key set.
pub trait FetchKeys: Send + Sync + 'static {
    /// At most `limit` bytes from this address. The hub gives up after ten seconds.
    fn fetch<'a>(&'a self, url: &'a str, limit: usize) -> BoxFuture<'a, Result<FetchedKeys, FetchError>>;
}

/// What was found.
#[derive(Clone, Debug)]
pub struct FetchedKeys {
    /// The set, in JSON.
    pub body: Vec<u8>,
    /// How long it may be used without asking again, if its origin says so.
    pub max_age: Option<Duration>,
}

/// Why there is no key set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key set can't be fetched: {0}")]
pub struct FetchError(pub String);

/// One set and where it comes from.
pub(crate) struct Source {
    url: String,
    allowed: Vec<Algorithm>,
    fetch: Arc<dyn FetchKeys>,
    state: RwLock<State>,
    /// Held while fetching, so that many who need the set fetch it once.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct State {
    keys: Arc<[Key]>,
    loaded: Option<Instant>,
    fresh: Duration,
    tried: Option<Instant>,
    /// How many attempts have ended, and how the last one did.
    attempts: u64,
    failure: Option<FetchError>,
}

/// What an ageing set asks for.
#[derive(Debug, PartialEq, Eq)]
enum Need {
    Nothing,
    /// It may still be used while it is renewed.
    Renewal,
    /// There is none yet, or one so old that a withdrawn key might stand in it.
    First,
}

impl Source {
    pub(crate) fn new(url: &str, allowed: &[Algorithm], fetch: Arc<dyn FetchKeys>) -> Self {
        Self {
            url: url.to_owned(),
            allowed: allowed.to_vec(),
            fetch,
            state: RwLock::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// The last good set; empty as long as there was none.
    pub(crate) fn keys(&self) -> Arc<[Key]> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner).keys)
    }

    fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches it now.
    pub(crate) async fn load(self: &Arc<Self>) -> Result<(), FetchError> {
        self.refresh(self.state().attempts).await
    }

    /// Sees to it that the set is fresh: waits for the first one, renews an ageing one in the background.
    pub(crate) async fn prepare(self: &Arc<Self>) {
        let now = Instant::now();
        let state = self.state();
        match state.need(now) {
            Need::Nothing => {}
            Need::Renewal => {
                // Marked before the task runs, so that the next request does not start another.
                self.state.write().unwrap_or_else(PoisonError::into_inner).tried = Some(now);
                let source = Arc::clone(self);
                tokio::spawn(async move { source.refresh(state.attempts).await });
            }
            Need::First => {
                let _ = self.refresh(state.attempts).await;
            }
        }
    }

    /// Fetches again because a token names a key that is not in the set. Whether that was done: not if somebody just did.
    pub(crate) async fn look_again(self: &Arc<Self>) -> bool {
        let (now, state) = (Instant::now(), self.state());
        let recently = state.tried.is_some_and(|tried| now < tried + UNKNOWN_PAUSE);
        !recently && self.refresh(state.attempts).await.is_ok()
    }

    /// Fetches, unless an attempt has ended since `seen` were counted. In a task of its own: a client that leaves must not stop what others wait for.
    async fn refresh(self: &Arc<Self>, seen: u64) -> Result<(), FetchError> {
        let source = Arc::clone(self);
        let task = tokio::spawn(async move {
            let _turn = source.turn.lock().await;
            let state = source.state();
            if state.attempts > seen {
                return state.failure.map_or(Ok(()), Err);
            }
            let got = source.get().await;
            source.keep(got)
        });
        task.await.unwrap_or_else(|error| Err(FetchError(error.to_string())))
    }

    async fn get(&self) -> Result<(Vec<Key>, Option<Duration>), FetchError> {
        let fetched = tokio::time::timeout(TIMEOUT, self.fetch.fetch(&self.url, MAX_BYTES)).await;
        let fetched = fetched.map_err(|_| FetchError("timeout".to_owned()))??;
        if fetched.body.len() > MAX_BYTES {
            return Err(FetchError("too large".to_owned()));
        }
        let keys = jwk::read_set(&fetched.body, &self.allowed).map_err(|error| FetchError(error.to_string()))?;
        Ok((keys, fetched.max_age))
    }

    fn keep(&self, got: Result<(Vec<Key>, Option<Duration>), FetchError>) -> Result<(), FetchError> {
        let now = Instant::now();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.tried = Some(now);
        state.attempts += 1;
        state.failure = got.as_ref().err().cloned();
        match got {
            Ok((keys, max_age)) => {
                state.keys = keys.into();
                state.loaded = Some(now);
                state.fresh = max_age.unwrap_or(FRESH).clamp(FRESH_MIN, FRESH_MAX);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(target: "mercure_hub::auth", url = shown(&self.url), %error, "keys not renewed");
                Err(error)
            }
        }
    }
}

impl State {
    fn need(&self, now: Instant) -> Need {
        let recently = self.tried.is_some_and(|tried| now < tried + RETRY);
        let age = self.loaded.map(|loaded| now.duration_since(loaded));
        match age {
            _ if recently => Need::Nothing,
            Some(age) if age < self.fresh => Need::Nothing,
            Some(age) if age < self.fresh * 2 => Need::Renewal,
            Some(_) | None => Need::First,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("url", &shown(&self.url)).finish_non_exhaustive()
    }
}

/// An address without what may be secret in it.
fn shown(url: &str) -> String {
    Url::parse(url).map_or_else(
        |_| "?".to_owned(),
        |url| format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path()),
    )
}

/// What gets sets from such an address.
pub(crate) fn fetcher(url: &str) -> Result<Arc<dyn FetchKeys>, InvalidKey> {
    let parsed = Url::parse(url).map_err(|_| InvalidKey::Address)?;
    match parsed.scheme() {
        "file" if parsed.to_file_path().is_ok() => Ok(Arc::new(File)),
        #[cfg(feature = "jwks-url")]
        "https" | "http" => Ok(Arc::new(crate::auth::fetch::Web::new()?)),
        _ => Err(InvalidKey::Address),
    }
}

/// Reads sets from files.
struct File;

impl FetchKeys for File {
    fn fetch<'a>(&'a self, url: &'a str, limit: usize) -> BoxFuture<'a, Result<FetchedKeys, FetchError>> {
        let path = Url::parse(url).ok().and_then(|url| url.to_file_path().ok());
        Box::pin(async move {
            let path = path.ok_or_else(|| FetchError("no path".to_owned()))?;
            let read = tokio::task::spawn_blocking(move || read_file(&path, limit)).await;
            let read = read.map_err(|error| FetchError(error.to_string()))?;
            let body = read.map_err(|error| FetchError(error.to_string()))?;
            // A file is cheap to read again, and whoever replaces it expects to see it soon.
            Ok(FetchedKeys { body, max_age: Some(FRESH_MIN) })
        })
    }
}

/// One byte more than allowed at most, which is found to be too large.
fn read_file(path: &std::path::Path, limit: usize) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut body = Vec::new();
    std::fs::File::open(path)?.take(limit as u64 + 1).read_to_end(&mut body)?;
    Ok(body)
}

#[cfg(test)]
mod tests;
