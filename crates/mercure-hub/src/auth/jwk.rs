//! JSON Web Keys and sets of them (RFC 7517, RFC 7518 section 6, RFC 8037).

use aws_lc_rs::{encoding::AsDer, rsa::PublicKeyComponents};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

use crate::auth::{
    algorithm::{Algorithm, Family},
    key::{InvalidKey, Key},
};

/// Keys in one set: each may be tried on a token.
const MAX_KEYS: usize = 100;

/// The members that matter. Private ones are not read.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Value>,
}

/// One key, for those of the allowed algorithms that it is made for.
pub(crate) fn read(json: &[u8], allowed: &[Algorithm]) -> Result<Key, InvalidKey> {
    let jwk: Jwk = serde_json::from_slice(json).map_err(|_| InvalidKey::Jwk)?;
    jwk.key(allowed)
}

/// The usable keys of a set. The others are skipped: sets hold keys for encryption and for algorithms to come (RFC 7517 section 5).
pub(crate) fn read_set(json: &[u8], allowed: &[Algorithm]) -> Result<Vec<Key>, InvalidKey> {
    let set: JwkSet = serde_json::from_slice(json).map_err(|_| InvalidKey::JwkSet)?;
    if set.keys.len() > MAX_KEYS {
        return Err(InvalidKey::JwkSet);
    }
    let read = set.keys.into_iter().filter_map(|value| serde_json::from_value::<Jwk>(value).ok());
    let keys: Vec<_> = read.filter_map(|jwk| jwk.key(allowed).ok()).collect();
    if keys.is_empty() { Err(InvalidKey::JwkSet) } else { Ok(keys) }
}

impl Jwk {
    fn key(self, allowed: &[Algorithm]) -> Result<Key, InvalidKey> {
        let verifies = self.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && self.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|name| name == "verify"));
        if !verifies {
            return Err(InvalidKey::Jwk);
        }
        let own = match &self.alg {
            Some(name) => Some(name.parse::<Algorithm>().map_err(|_| InvalidKey::Jwk)?),
            None => None,
        };
        let algorithms = allowed.iter().copied();
        let algorithms =
            algorithms.filter(|algorithm| own.is_none_or(|own| own == *algorithm) && self.fits(*algorithm));
        let algorithms: Vec<_> = algorithms.collect();
        let first = algorithms.first().ok_or(InvalidKey::Jwk)?;
        let der = match first.family() {
            Family::Hmac(_) => {
                let secret = decode(self.k.as_ref())?;
                if secret.is_empty() {
                    return Err(InvalidKey::Empty);
                }
                return Ok(Key::secret(&algorithms, &secret, self.kid));
            }
            Family::Rsa(..) => {
                let components = PublicKeyComponents { n: decode(self.n.as_ref())?, e: decode(self.e.as_ref())? };
                components.as_der().map_err(|_| InvalidKey::Jwk)?.as_ref().to_vec()
            }
            Family::Ec(curve) => {
                let (x, y) = (decode(self.x.as_ref())?, decode(self.y.as_ref())?);
                if [x.len(), y.len()] != [curve.coordinate; 2] {
                    return Err(InvalidKey::Jwk);
                }
                // SEC 1 section 2.3.3: an uncompressed point.
                [&[4], x.as_slice(), y.as_slice()].concat()
            }
            Family::Ed => decode(self.x.as_ref())?,
        };
        Key::public(&algorithms, &der, self.kid)
    }

    /// Whether type and curve are those of the algorithm.
    fn fits(&self, algorithm: Algorithm) -> bool {
        let curve = self.crv.as_deref();
        match algorithm.family() {
            Family::Hmac(_) => self.kty == "oct",
            Family::Rsa(..) => self.kty == "RSA",
            Family::Ec(own) => self.kty == "EC" && curve == Some(own.name),
            Family::Ed => self.kty == "OKP" && curve == Some("Ed25519"),
        }
    }
}

fn decode(member: Option<&String>) -> Result<Vec<u8>, InvalidKey> {
    member.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or(InvalidKey::Jwk)
}
