//! Which keys may have signed a token: those that were given, and sets that are fetched.

use std::{fmt, sync::Arc};

use crate::auth::{
    algorithm::Algorithm,
    jwk,
    jwks::{self, FetchError, FetchKeys, Source},
    jws::Jws,
    key::{InvalidKey, Key, KeyId},
    token::FailedCheck,
};

/// Keys that are trusted for the same purpose. Clones share what is fetched.
///
/// ```
/// use mercure_hub::{Key, Keys};
///
/// let keys = Keys::from(Key::hs256("a secret of thirty-two bytes or more"));
/// let keys = keys.and(Key::hs256("the secret before it, until its last token has ended"));
/// # let _ = keys;
/// ```
#[derive(Clone, Default)]
pub struct Keys {
    fixed: Vec<Key>,
    sources: Vec<Arc<Source>>,
}

impl Keys {
    /// The usable keys of a JSON Web Key Set (RFC 7517 section 5), for these algorithms. No algorithm named means [`Algorithm::ASYMMETRIC`]: the secret
    /// of an HMAC in a set that is handed around is taken only when its algorithm is asked for.
    pub fn from_jwks(json: impl AsRef<[u8]>, allowed: &[Algorithm]) -> Result<Self, InvalidKey> {
        jwk::read_set(json.as_ref(), or_default(allowed)).map(|fixed| Self { fixed, sources: Vec::new() })
    }

    /// A set at a `file:` address, or, with the cargo feature `jwks-url`, at an `https:` or `http:` one. It is fetched when the first token asks for it or
    /// by [`Hub::load_keys`](crate::Hub::load_keys), and again as its `Cache-Control` says, within bounds. The algorithms are as in [`from_jwks`](Self::from_jwks).
    pub fn from_url(url: &str, allowed: &[Algorithm]) -> Result<Self, InvalidKey> {
        Ok(Self::fetched(url, allowed, jwks::fetcher(url)?))
    }

    /// The same with a way of fetching of your own.
    pub fn fetched(url: &str, allowed: &[Algorithm], fetch: Arc<dyn FetchKeys>) -> Self {
        Self { fixed: Vec::new(), sources: vec![Arc::new(Source::new(url, or_default(allowed), fetch))] }
    }

    /// These and others.
    #[must_use]
    pub fn and(mut self, others: impl Into<Self>) -> Self {
        let others = others.into();
        self.fixed.extend(others.fixed);
        self.sources.extend(others.sources);
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fixed.is_empty() && self.sources.is_empty()
    }

    /// Fetches what can be fetched.
    pub(crate) async fn load(&self) -> Result<(), FetchError> {
        for source in &self.sources {
            source.load().await?;
        }
        Ok(())
    }

    /// Which of the keys signed it. A fetched set is asked for first when there is none yet; for a `kid` that nobody has heard of it is fetched again.
    pub(crate) async fn verify(&self, jws: &Jws<'_>) -> Result<KeyId, FailedCheck> {
        for source in &self.sources {
            source.prepare().await;
        }
        let checked = self.check(jws);
        if checked.is_ok() || self.sources.is_empty() || !self.is_unheard_of(jws.key_name()) {
            return checked;
        }
        let mut renewed = false;
        for source in &self.sources {
            renewed |= source.look_again().await;
        }
        if renewed { self.check(jws) } else { checked }
    }

    fn is_unheard_of(&self, name: Option<&str>) -> bool {
        name.is_some_and(|name| !self.any(|key| key.name() == Some(name)))
    }

    /// The `kid` of the token is a hint: it rules out keys of another name, unless no key has that name.
    fn check(&self, jws: &Jws<'_>) -> Result<KeyId, FailedCheck> {
        let algorithm = jws.algorithm();
        let name = jws.key_name().filter(|name| self.any(|key| key.name() == Some(name)));
        let is_candidate =
            |key: &Key| key.takes(algorithm) && (name.is_none() || key.name().is_none() || key.name() == name);
        let (mut found, mut tried) = (None, false);
        self.any(|key| {
            let candidate = is_candidate(key);
            tried |= candidate;
            if candidate && key.verify(algorithm, jws.signed(), jws.signature()) {
                found = Some(key.id());
            }
            found.is_some()
        });
        found.ok_or(if tried { "signature" } else { "alg" })
    }

    fn any(&self, mut is_it: impl FnMut(&Key) -> bool) -> bool {
        self.fixed.iter().any(&mut is_it) || self.sources.iter().any(|source| source.keys().iter().any(&mut is_it))
    }
}

fn or_default(allowed: &[Algorithm]) -> &[Algorithm] {
    if allowed.is_empty() { &Algorithm::ASYMMETRIC } else { allowed }
}

impl From<Key> for Keys {
    fn from(key: Key) -> Self {
        Self { fixed: vec![key], sources: Vec::new() }
    }
}

impl FromIterator<Key> for Keys {
    fn from_iter<T: IntoIterator<Item = Key>>(keys: T) -> Self {
        Self { fixed: keys.into_iter().collect(), sources: Vec::new() }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("fixed", &self.fixed).field("sources", &self.sources).finish()
    }
}
