//! Tokens that an application makes, of the older generation (draft-07 section "Authorization").

use serde::Serialize;

use crate::auth::key::Key;

/// What a token says.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Claims {
    /// Whom it is for; [`Hub::disconnect`](crate::Hub::disconnect) and the [`Authorizer`](crate::Authorizer) know people by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// When it was made, in seconds since 1970, fractions included. Without it the token does not survive a disconnect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<f64>,
    /// When it ends, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<f64>,
    /// What it grants.
    pub mercure: Grant,
}

/// The `mercure` claim: topics, templates, or `*` for all.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Grant {
    /// Private topics that may be read.
    pub subscribe: Vec<String>,
    /// Topics that may be published to.
    pub publish: Vec<String>,
}

/// Signs a token. A key that can only verify gives an empty text, which opens nothing.
///
/// ```
/// use mercure_hub::{Claims, Grant, Key, mint};
///
/// let key = Key::hs256("a secret of thirty-two bytes or more");
/// let grant = Grant { subscribe: vec!["user/3".into()], ..Grant::default() };
/// let token = mint(&key, &Claims { sub: Some("3".into()), iat: Some(1_800_000_000.25), exp: Some(1_800_000_060.25), mercure: grant });
/// assert_eq!(token.split('.').count(), 3);
/// ```
pub fn mint(key: &Key, claims: &Claims) -> String {
    key.sign("JWT", claims).unwrap_or_default()
}
