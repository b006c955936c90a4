//! Keys: what a token is verified with, and signed. Each is parsed once, and good for the algorithms that were fixed when it was made.

use std::{fmt, str::FromStr, sync::Arc};

use aws_lc_rs::{
    digest,
    encoding::AsDer,
    hmac,
    rand::SystemRandom,
    rsa::PublicKey,
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, ParsedPublicKey, RsaKeyPair, VerificationAlgorithm},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::json;

use crate::auth::{
    algorithm::{Algorithm, Family},
    jwk, pem,
};

/// The bytes of the modulus that an RSA key may have: 2,048 to 8,192 bits (RFC 7518 section 3.3 demands the lower bound).
const RSA_MODULUS: std::ops::RangeInclusive<usize> = 256..=1_024;

/// A key, and the algorithms it is good for. What a token says about its algorithm is compared with them, never obeyed. Clones share it.
#[derive(Clone)]
pub struct Key(Arc<Material>);

struct Material {
    id: KeyId,
    /// The `kid` of its JWK.
    name: Option<String>,
    verifiers: Vec<(Algorithm, Verifier)>,
    signer: Option<(Algorithm, Signer)>,
}

enum Verifier {
    Hmac(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

enum Signer {
    Hmac(Box<hmac::Key>),
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// Why something is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Whoever has a public key could sign with it, were it taken as a secret.
    #[error(
        "a PEM key can't be the secret of an HMAC algorithm: name the algorithm that the key is for, RS256 for example"
    )]
    PemAsSecret,
    /// An empty secret would verify what anybody signs.
    #[error("the secret is empty")]
    Empty,
    /// Neither a public key, nor a certificate, nor an unencrypted private key.
    #[error("expected a PEM text with a public key, a certificate or an unencrypted private key")]
    Pem,
    /// Malformed, or of a type, curve, use or algorithm that the hub does not verify with.
    #[error("expected a JSON Web Key for signatures, of an algorithm that is allowed")]
    Jwk,
    /// Malformed, too large, or without a single key that can be used.
    #[error("expected a JSON Web Key Set with at least one usable key")]
    JwkSet,
    /// The key is of another kind than its algorithm.
    #[error("the key is not one for {0}")]
    Mismatch(Algorithm),
    /// RSA below 2,048 bits, or above 8,192.
    #[error("an RSA key needs 2048 to 8192 bits")]
    RsaSize,
    /// Neither `file:`, nor `https:` or `http:` with the cargo feature `jwks-url`.
    #[error("key sets can't be fetched from such an address")]
    Address,
}

/// Tells keys apart without disclosing them: the same key has the same id in every process. Zero is nobody's.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 16]);

impl Key {
    /// A key as it stands in a configuration: the secret of an HMAC algorithm, else a PEM text.
    ///
    /// ```
    /// use mercure_hub::{Algorithm, InvalidKey, Key};
    ///
    /// assert!(Key::new(Algorithm::Hs256, "a secret of thirty-two bytes or more").is_ok());
    /// let pem = "-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n";
    /// assert_eq!(Key::new(Algorithm::Hs256, pem).err(), Some(InvalidKey::PemAsSecret));
    /// ```
    pub fn new(algorithm: Algorithm, text: impl AsRef<[u8]>) -> Result<Self, InvalidKey> {
        let text = text.as_ref();
        match algorithm.family() {
            Family::Hmac(_) if pem::looks_like(text) => Err(InvalidKey::PemAsSecret),
            Family::Hmac(_) if text.is_empty() => Err(InvalidKey::Empty),
            Family::Hmac(_) => Ok(Self::secret(&[algorithm], text, None)),
            Family::Rsa(..) | Family::Ec(_) | Family::Ed => Self::from_pem(algorithm, text),
        }
    }

    /// HMAC with SHA-256. The secret should have 32 bytes or more; one that is empty, or a PEM text, verifies nothing.
    pub fn hs256(secret: impl AsRef<[u8]>) -> Self {
        Self::secret(&[Algorithm::Hs256], secret.as_ref(), None)
    }

    /// HMAC with SHA-384. The secret should have 48 bytes or more; one that is empty, or a PEM text, verifies nothing.
    pub fn hs384(secret: impl AsRef<[u8]>) -> Self {
        Self::secret(&[Algorithm::Hs384], secret.as_ref(), None)
    }

    /// HMAC with SHA-512. The secret should have 64 bytes or more; one that is empty, or a PEM text, verifies nothing.
    pub fn hs512(secret: impl AsRef<[u8]>) -> Self {
        Self::secret(&[Algorithm::Hs512], secret.as_ref(), None)
    }

    /// The first key of a PEM text (RFC 7468): a public key, a certificate, or a private key, which can sign too.
    pub fn from_pem(algorithm: Algorithm, text: impl AsRef<[u8]>) -> Result<Self, InvalidKey> {
        if matches!(algorithm.family(), Family::Hmac(_)) {
            return Err(InvalidKey::PemAsSecret);
        }
        match pem::read(text.as_ref())? {
            pem::Found::Public(der) => Self::public(&[algorithm], &der, None),
            pem::Found::Private(der) => Self::private(algorithm, &der),
        }
    }

    /// A JSON Web Key (RFC 7517) in JSON, for those of these algorithms that its type, its curve and its own `alg` leave. A private part is not used.
    pub fn from_jwk(json: impl AsRef<[u8]>, allowed: &[Algorithm]) -> Result<Self, InvalidKey> {
        jwk::read(json.as_ref(), allowed)
    }

    /// What tells it apart.
    pub fn id(&self) -> KeyId {
        self.0.id
    }

    /// Its `kid`, when it came with one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Whether it takes this algorithm.
    pub(crate) fn takes(&self, algorithm: Algorithm) -> bool {
        self.0.verifiers.iter().any(|(own, _)| *own == algorithm)
    }

    pub(crate) fn verify(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        self.0.verifiers.iter().any(|(own, verifier)| {
            *own == algorithm
                && match verifier {
                    Verifier::Hmac(key) => hmac::verify(key, signed, signature).is_ok(),
                    Verifier::Public(key) => key.verify_sig(signed, signature).is_ok(),
                }
        })
    }

    /// Signs a token of this `typ`; nothing when the key can only verify. `None` for the type leaves the member out.
    ///
    /// ```
    /// use mercure_hub::Key;
    ///
    /// let key = Key::hs256("a secret of thirty-two bytes or more");
    /// let claims = serde_json::json!({
    ///     "iss": "https://app.example",
    ///     "aud": "https://hub.example/.well-known/mercure",
    ///     "exp": 1_800_000_000,
    ///     "authorization_details": [{
    ///         "type": "https://mercure.rocks/authorization-detail",
    ///         "actions": ["subscribe"],
    ///         "topics": [{"match": "https://app.example/books/:id", "match_type": "urlpattern"}],
    ///     }],
    /// });
    /// assert_eq!(key.sign("at+jwt", &claims).unwrap().split('.').count(), 3);
    /// ```
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Option<String> {
        let (algorithm, _) = self.0.signer.as_ref()?;
        let mut header = json!({"typ": typ, "alg": algorithm.name()});
        if let Some(name) = &self.0.name {
            header["kid"] = name.as_str().into();
        }
        self.sign_parts(header.to_string().as_bytes(), &serde_json::to_vec(claims).ok()?)
    }

    /// Header and payload, encoded and signed (RFC 7515 section 7.1).
    pub(crate) fn sign_parts(&self, header: &[u8], payload: &[u8]) -> Option<String> {
        let (header, payload) = (URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signed = format!("{header}.{payload}");
        let signature = self.signature(signed.as_bytes())?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn signature(&self, signed: &[u8]) -> Option<Vec<u8>> {
        let (algorithm, signer) = self.0.signer.as_ref()?;
        match signer {
            Signer::Hmac(key) => Some(hmac::sign(key, signed).as_ref().to_vec()),
            Signer::Ec(pair) => pair.sign(&SystemRandom::new(), signed).ok().map(|made| made.as_ref().to_vec()),
            Signer::Ed(pair) => pair.try_sign(signed).ok().map(|made| made.as_ref().to_vec()),
            Signer::Rsa(pair) => {
                let Family::Rsa(_, encoding) = algorithm.family() else { return None };
                let mut made = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), signed, &mut made).ok().map(|()| made)
            }
        }
    }

    /// The secret of HMAC algorithms. What must not be one stays without a verifier, so that nothing passes.
    pub(crate) fn secret(algorithms: &[Algorithm], secret: &[u8], name: Option<String>) -> Self {
        let usable = !secret.is_empty() && !pem::looks_like(secret);
        let keys = algorithms.iter().filter(|_| usable).filter_map(|algorithm| match algorithm.family() {
            Family::Hmac(hash) => Some((*algorithm, Box::new(hmac::Key::new(hash, secret)))),
            Family::Rsa(..) | Family::Ec(_) | Family::Ed => None,
        });
        let keys: Vec<_> = keys.collect();
        let signer = keys.first().map(|(algorithm, key)| (*algorithm, Signer::Hmac(key.clone())));
        // A keyed hash: the id stands in logs, and must not help to guess the secret more than a token does.
        let id = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), b"mercure-hub key id");
        let verifiers = keys.into_iter().map(|(algorithm, key)| (algorithm, Verifier::Hmac(key))).collect();
        Self(Arc::new(Material { id: KeyId::cut(id.as_ref()), name, verifiers, signer }))
    }

    /// A public key: a SubjectPublicKeyInfo, a PKCS#1 RSAPublicKey, or the bare bytes of a curve's point. All algorithms must be those of its kind.
    pub(crate) fn public(algorithms: &[Algorithm], der: &[u8], name: Option<String>) -> Result<Self, InvalidKey> {
        let verifiers = algorithms.iter().map(|algorithm| Ok((*algorithm, parse(*algorithm, der)?)));
        let verifiers: Vec<_> = verifiers.collect::<Result<_, _>>()?;
        let (_, first) = verifiers.first().ok_or(InvalidKey::Jwk)?;
        let info = first.as_der().map_err(|_| InvalidKey::Pem)?;
        let id = KeyId::cut(digest::digest(&digest::SHA256, info.as_ref()).as_ref());
        let verifiers = verifiers.into_iter().map(|(algorithm, key)| (algorithm, Verifier::Public(key))).collect();
        Ok(Self(Arc::new(Material { id, name, verifiers, signer: None })))
    }

    /// A private key: PKCS#8, PKCS#1 or SEC 1.
    fn private(algorithm: Algorithm, der: &[u8]) -> Result<Self, InvalidKey> {
        let mismatch = |_| InvalidKey::Mismatch(algorithm);
        let (signer, public) = match algorithm.family() {
            Family::Hmac(_) => return Err(InvalidKey::PemAsSecret),
            Family::Rsa(..) => {
                let pair = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der)).map_err(mismatch)?;
                let public = pair.public_key().as_ref().to_vec();
                (Signer::Rsa(pair), public)
            }
            Family::Ec(curve) => {
                let pair = EcdsaKeyPair::from_private_key_der(curve.signing, der).map_err(mismatch)?;
                let public = pair.public_key().as_ref().to_vec();
                (Signer::Ec(pair), public)
            }
            Family::Ed => {
                let pair = Ed25519KeyPair::from_pkcs8(der).map_err(mismatch)?;
                let public = pair.public_key().as_ref().to_vec();
                (Signer::Ed(pair), public)
            }
        };
        let Self(mut material) = Self::public(&[algorithm], &public, None)?;
        if let Some(material) = Arc::get_mut(&mut material) {
            material.signer = Some((algorithm, signer));
        }
        Ok(Self(material))
    }
}

fn parse(algorithm: Algorithm, der: &[u8]) -> Result<ParsedPublicKey, InvalidKey> {
    let verification: &'static dyn VerificationAlgorithm = match algorithm.family() {
        Family::Hmac(_) => return Err(InvalidKey::PemAsSecret),
        Family::Rsa(verification, _) => {
            let key = PublicKey::from_der(der).map_err(|_| InvalidKey::Mismatch(algorithm))?;
            if !RSA_MODULUS.contains(&key.modulus_len()) {
                return Err(InvalidKey::RsaSize);
            }
            verification
        }
        Family::Ec(curve) => curve.verification,
        Family::Ed => &signature::ED25519,
    };
    ParsedPublicKey::new(verification, der).map_err(|_| InvalidKey::Mismatch(algorithm))
}

impl fmt::Debug for Key {
    /// Neither the secret nor the private part.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithms: Vec<_> = self.0.verifiers.iter().map(|(algorithm, _)| algorithm.name()).collect();
        f.debug_struct("Key")
            .field("id", &self.0.id)
            .field("name", &self.0.name)
            .field("algorithms", &algorithms)
            .finish_non_exhaustive()
    }
}

impl KeyId {
    fn cut(hash: &[u8]) -> Self {
        Self(hash.first_chunk().copied().unwrap_or_default())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = std::num::ParseIntError;

    /// The 32 hexadecimal digits that a log shows.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Longer texts do not fit, shorter ones are short of leading zeros.
        u128::from_str_radix(text, 16).map(|id| Self(id.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests;
