//! Who asks, and what they may: keys, tokens, the origin of a page, and what was taken back.

pub(crate) mod access;
pub(crate) mod address;
pub(crate) mod algorithm;
pub(crate) mod details;
#[cfg(feature = "jwks-url")]
pub(crate) mod fetch;
pub(crate) mod jwk;
pub(crate) mod jwks;
pub(crate) mod jws;
pub(crate) mod key;
pub(crate) mod keys;
pub(crate) mod mint;
pub(crate) mod origin;
pub(crate) mod pem;
pub(crate) mod revocation;
pub(crate) mod token;
pub(crate) mod trust;
