//! Keys: texts, algorithms' names and addresses into what the hub verifies with.

use mercure_hub::{Algorithm, Key, Keys};

use crate::directives::{KeyText, Verifier};

/// The secret that every guide shows.
const EXAMPLE: &str = "!ChangeThisMercureHubJWTSecretKey!";

/// What verifies, and what is to be said about it in the log.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) keys: Keys,
    pub(crate) warning: Option<String>,
}

pub(crate) fn read(verifier: &Verifier) -> Result<Read, String> {
    match verifier {
        Verifier::Key(text) => Ok(Read { keys: key(text)?.into(), warning: weakness(text) }),
        Verifier::Jwks { url, algorithms } => {
            let algorithms = algorithms.iter().map(|name| algorithm(name)).collect::<Result<Vec<_>, _>>()?;
            let keys = Keys::from_url(url, &algorithms).map_err(|error| format!("{url}: {error}"))?;
            Ok(Read { keys, warning: None })
        }
    }
}

/// A secret is for HMAC, HS256 unless said otherwise. A PEM is a public key and must name its algorithm, which must not be HMAC: whoever holds the
/// public key could otherwise sign with it.
fn key(given: &KeyText) -> Result<Key, String> {
    let algorithm = match (given.algorithm.as_deref(), is_pem(given)) {
        (None, true) => return Err("a PEM must name its algorithm: RS256, ES256, EdDSA…".to_owned()),
        (name, _) => algorithm(name.unwrap_or("HS256"))?,
    };
    match (algorithm.name().starts_with("HS"), is_pem(given)) {
        (true, true) => {
            Err(format!("a PEM is a public key, and {algorithm} would take it for a secret; name RS256, ES256, EdDSA…"))
        }
        (false, false) => Err(format!("{algorithm} needs a public key as PEM, and this is none")),
        _ => Key::new(algorithm, &given.text).map_err(|error| error.to_string()),
    }
}

fn is_pem(given: &KeyText) -> bool {
    given.text.contains("-----BEGIN")
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    name.trim().parse().map_err(|error| format!("{name:?}: {error}"))
}

/// Secrets should be as long as the hash (RFC 7518 section 3.2), and secret.
fn weakness(given: &KeyText) -> Option<String> {
    if is_pem(given) {
        return None;
    }
    if given.text == EXAMPLE {
        return Some("is the secret of the guides, which everybody knows: change it before this is public".to_owned());
    }
    let (algorithm, length) = (given.algorithm.as_deref().unwrap_or("HS256"), given.text.len());
    let bytes = match algorithm {
        "HS512" => 64,
        "HS384" => 48,
        _ => 32,
    };
    (length < bytes).then(|| format!("has {length} bytes; {algorithm} wants {bytes} or more (RFC 7518 section 3.2)"))
}
