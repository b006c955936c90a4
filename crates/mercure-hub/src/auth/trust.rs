//! Whom the hub trusts: issuers with their keys, and the keys of the older generation, which belong to no issuer.

use crate::{
    auth::{jwks::FetchError, key::Key, keys::Keys, token::FailedCheck},
    config::HubConfig,
};

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Publisher,
    Subscriber,
}

/// Whose tokens are good, and for which hub.
///
/// The keys `publisher_key` and `subscriber_key` of the [`HubConfig`] verify tokens of the older generation only (those with a `mercure` claim). Tokens of the
/// newer one come from an [`Issuer`]; where the same key signs both, it is named in both places.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Takes tokens of the older generation: any JWT with a `mercure` claim, `exp` and `aud` not needed.
    pub legacy: bool,
    /// Takes tokens that have no `mercure` claim, too, from those who subscribe: they read what is public, as with the reference at 0.x. Off where an
    /// [`Authorizer`](crate::Authorizer) decides by the `sub`: whatever else the key signs would open what that person may read.
    pub legacy_claim_optional: bool,
    /// Lets a token of the older generation publish public updates on topics that it does not list, as the reference did until its version 0.13. A list,
    /// perhaps empty, it must have.
    pub legacy_public_topics: bool,
    /// More keys for publishers with such tokens.
    pub publisher_keys: Keys,
    /// More keys for subscribers with such tokens.
    pub subscriber_keys: Keys,
    /// Takes a token of the older generation from the query parameter `authorization`. Addresses end up in logs, so this is off unless old clients need it.
    pub legacy_query_token: bool,
    /// Who issues tokens of the newer generation (RFC 9068, `authorization_details`). A token is verified with the keys of its `iss` and no others.
    pub issuers: Vec<Issuer>,
    /// What the `aud` of those tokens must contain: the public URL of the hub, as a rule. Without it, the scheme and the `Host` of each request and the
    /// hub's path make it: to be set where a proxy stands before the hub, or where people reach it under an internal name.
    pub resource_identifier: Option<String>,
    /// Under which addresses the hub may be reached; only scheme, host and port count. Requests for others are answered with 421. Empty means all; what
    /// is no URL lets nothing in.
    pub public_urls: Vec<String>,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            legacy: true,
            legacy_claim_optional: false,
            legacy_public_topics: false,
            publisher_keys: Keys::default(),
            subscriber_keys: Keys::default(),
            legacy_query_token: false,
            issuers: Vec::new(),
            resource_identifier: None,
            public_urls: Vec::new(),
        }
    }
}

/// Who issues tokens of the newer generation.
///
/// ```
/// use mercure_hub::{HubConfig, Issuer, Key, Keys, Tokens};
///
/// let key = Key::hs256("a secret of thirty-two bytes or more");
/// let issuer = Issuer { subscriber: Some(Keys::from(key)), ..Issuer::new("https://app.example") };
/// let config = HubConfig { tokens: Tokens { issuers: vec![issuer], ..Tokens::default() }, ..HubConfig::default() };
/// # let _ = config;
/// ```
#[derive(Clone, Debug)]
pub struct Issuer {
    /// Its identifier, compared byte for byte with the token's `iss`.
    pub id: String,
    /// Its keys for publishers; without them its tokens publish nothing.
    pub publisher: Option<Keys>,
    /// Its keys for subscribers; without them its tokens read nothing.
    pub subscriber: Option<Keys>,
    /// The authorization server that clients get its tokens from, to be told in the hub's metadata (RFC 9728).
    pub authorization_server: Option<String>,
}

impl Issuer {
    /// An issuer that has no keys yet.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), publisher: None, subscriber: None, authorization_server: None }
    }
}

/// The same, made ready for looking up.
#[derive(Debug)]
pub(crate) struct Trust {
    legacy: bool,
    claim_optional: bool,
    publisher: Keys,
    subscriber: Keys,
    issuers: Vec<Issuer>,
}

impl Trust {
    pub(crate) fn new(config: &HubConfig) -> Self {
        let tokens = &config.tokens;
        let with = |key: &Option<Key>, keys: &Keys| Keys::from_iter(key.clone()).and(keys.clone());
        Self {
            legacy: tokens.legacy,
            claim_optional: tokens.legacy_claim_optional,
            publisher: with(&config.publisher_key, &tokens.publisher_keys),
            subscriber: with(&config.subscriber_key, &tokens.subscriber_keys),
            issuers: tokens.issuers.clone(),
        }
    }

    pub(crate) fn takes_legacy(&self) -> bool {
        self.legacy
    }

    /// Whether a token for this may lack the `mercure` claim.
    pub(crate) fn needs_no_claim(&self, role: Role) -> bool {
        self.legacy && self.claim_optional && role == Role::Subscriber
    }

    /// Whether tokens of the newer generation are good at all.
    pub(crate) fn has_issuers(&self) -> bool {
        self.issuers.iter().any(|issuer| issuer.publisher.is_some() || issuer.subscriber.is_some())
    }

    /// The keys for tokens of the older generation.
    pub(crate) fn legacy(&self, role: Role) -> Option<&Keys> {
        let keys = match role {
            Role::Publisher => &self.publisher,
            Role::Subscriber => &self.subscriber,
        };
        Some(keys).filter(|keys| self.legacy && !keys.is_empty())
    }

    /// The keys of an issuer. They are never pooled: one issuer must not sign in the name of another.
    pub(crate) fn of_issuer(&self, id: &str, role: Role) -> Result<&Keys, FailedCheck> {
        let issuer = self.issuers.iter().find(|issuer| issuer.id == id).ok_or("iss")?;
        let keys = match role {
            Role::Publisher => &issuer.publisher,
            Role::Subscriber => &issuer.subscriber,
        };
        keys.as_ref().ok_or("iss has no key for this")
    }

    /// Whether there is nobody whose token could be good.
    pub(crate) fn nobody(&self) -> bool {
        let legacy = [Role::Publisher, Role::Subscriber].into_iter().any(|role| self.legacy(role).is_some());
        !legacy && !self.has_issuers()
    }

    pub(crate) fn authorization_servers(&self) -> Vec<&str> {
        let mut servers: Vec<_> =
            self.issuers.iter().filter_map(|issuer| issuer.authorization_server.as_deref()).collect();
        servers.dedup();
        servers
    }

    /// Fetches every key set once.
    pub(crate) async fn load(&self) -> Result<(), FetchError> {
        // Collected first: an iterator with closures in it would not let the future be spawned.
        let of_issuers = self.issuers.iter().flat_map(|issuer| [&issuer.publisher, &issuer.subscriber]).flatten();
        let all: Vec<&Keys> = [&self.publisher, &self.subscriber].into_iter().chain(of_issuers).collect();
        for keys in all {
            keys.load().await?;
        }
        Ok(())
    }
}
