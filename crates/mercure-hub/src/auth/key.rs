//! Keys, and the tokens that an application makes with them.

use std::{fmt, sync::Arc};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Hs256 => hmac::HMAC_SHA256,
            Self::Hs384 => hmac::HMAC_SHA384,
            Self::Hs512 => hmac::HMAC_SHA512,
        }
    }

    fn jwt(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::Hs384 => jsonwebtoken::Algorithm::HS384,
            Self::Hs512 => jsonwebtoken::Algorithm::HS512,
        }
    }
}

/// Tells keys apart without disclosing them: the same key has the same id in every process. Zero is nobody's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 16]);

/// A secret and the one algorithm it is good for. What the token says about its algorithm is compared with it, never obeyed.
#[derive(Clone)]
pub struct Key {
    algorithm: Algorithm,
    secret: Arc<[u8]>,
    verifier: DecodingKey,
}

impl Key {
    /// HMAC with SHA-256. The secret should have 32 bytes or more; an empty one verifies nothing.
    pub fn hs256(secret: impl AsRef<[u8]>) -> Self {
        Self::hmac(Algorithm::Hs256, secret.as_ref())
    }

    /// HMAC with SHA-384. The secret should have 48 bytes or more.
    pub fn hs384(secret: impl AsRef<[u8]>) -> Self {
        Self::hmac(Algorithm::Hs384, secret.as_ref())
    }

    /// HMAC with SHA-512. The secret should have 64 bytes or more.
    pub fn hs512(secret: impl AsRef<[u8]>) -> Self {
        Self::hmac(Algorithm::Hs512, secret.as_ref())
    }

    /// What tells it apart.
    pub fn id(&self) -> KeyId {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.secret);
        KeyId(hash.as_ref().first_chunk().copied().unwrap_or_default())
    }

    /// Header and payload, encoded and signed (RFC 7515 section 7.1).
    pub(crate) fn sign(&self, header: &[u8], payload: &[u8]) -> String {
        let (header, payload) = (URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signed = format!("{header}.{payload}");
        let tag = hmac::sign(&hmac::Key::new(self.algorithm.hmac(), &self.secret), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// What verifies its tokens; nothing when the secret is empty.
    pub(crate) fn verifier(&self) -> Option<(jsonwebtoken::Algorithm, &DecodingKey)> {
        (!self.secret.is_empty()).then(|| (self.algorithm.jwt(), &self.verifier))
    }

    fn hmac(algorithm: Algorithm, secret: &[u8]) -> Self {
        Self { algorithm, secret: secret.into(), verifier: DecodingKey::from_secret(secret) }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

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

/// The `mercure` claim: topics, or `*` for all.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Grant {
    /// Private topics that may be read.
    pub subscribe: Vec<String>,
    /// Topics that may be published to.
    pub publish: Vec<String>,
}

/// Signs a token.
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
    let header = format!("{{\"typ\":\"JWT\",\"alg\":\"{}\"}}", key.algorithm.name());
    // Strings and numbers always serialise; were it otherwise, the empty payload grants nothing.
    key.sign(header.as_bytes(), &serde_json::to_vec(claims).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_print_its_secret() {
        assert!(!format!("{:?}", Key::hs256("!ChangeThis!")).contains("Change"));
    }

    #[test]
    fn the_signature_is_that_of_the_standard() {
        // RFC 7515 appendix A.1, with its key.
        let jwk = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = Key::hs256(URL_SAFE_NO_PAD.decode(jwk).unwrap());
        let token = key.sign(
            b"{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}",
            b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}",
        );
        assert!(token.ends_with(".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "{token}");
    }
}
