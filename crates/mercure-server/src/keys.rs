//! Keys: text and an algorithm's name into what the hub verifies with.

use mercure_hub::Key;

use crate::directives::KeyText;

/// The secret that every guide shows.
const EXAMPLE: &str = "!ChangeThisMercureHubJWTSecretKey!";

/// A key, and what is to be said about it in the log.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) key: Key,
    pub(crate) warning: Option<String>,
}

/// A secret is for HMAC, HS256 unless said otherwise. A PEM is a public key and must name its algorithm, which must not be HMAC: whoever holds the
/// public key could otherwise sign with it.
pub(crate) fn key(given: &KeyText) -> Result<Read, String> {
    let is_pem = given.text.contains("-----BEGIN");
    let algorithm = match (given.algorithm.as_deref().map(str::trim), is_pem) {
        (Some(name), true) if name.starts_with("HS") => {
            return Err(format!(
                "a PEM is a public key, and {name} would take it for a secret; name RS256, ES256, EdDSA…"
            ));
        }
        (None, true) => return Err("a PEM must name its algorithm: RS256, ES256, EdDSA…".to_owned()),
        (Some(name), false) if !name.starts_with("HS") => {
            return Err(format!("{name} needs a public key as PEM, and this is none"));
        }
        (name, _) => name.unwrap_or("HS256"),
    };
    let (key, bytes) = match algorithm {
        "HS256" => (Key::hs256(&given.text), 32),
        "HS384" => (Key::hs384(&given.text), 48),
        "HS512" => (Key::hs512(&given.text), 64),
        other => return Err(format!("unknown algorithm {other:?}")),
    };
    let warning = if given.text == EXAMPLE {
        Some("is the secret of the guides, which everybody knows: change it before this is public".to_owned())
    } else {
        let length = given.text.len();
        (length < bytes)
            .then(|| format!("has {length} bytes; {algorithm} wants {bytes} or more (RFC 7518 section 3.2)"))
    };
    Ok(Read { key, warning })
}
