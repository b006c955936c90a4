//! Web Push without a vendor's gateway: a message that only the browser can read (RFC 8291 over RFC 8188), and the proof of who sends it
//! (VAPID, RFC 8292).

use crate::clock::Micros;
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use std::sync::Arc;

/// The record size that we state; every message fits into one record.
const RECORD: u32 = 4_096;
/// Messages are filled up to a multiple of this, so that their length says little.
const BLOCK: usize = 256;
/// The longest message that services must take (RFC 8030, 7.2, less what the encryption adds).
pub const MESSAGE_MAX: usize = 3_072;
/// How long a proof is good: a day is the most (RFC 8292, 2).
const PROOF_SECONDS: i64 = 12 * 3_600;

/// The keys of a subscription, or our own, are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key of Web Push")]
pub struct BadKey;

impl From<aws_lc_rs::error::Unspecified> for BadKey {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}

/// What a browser gave out so that only it can read what it is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    public: Vec<u8>,
    auth: Vec<u8>,
}

impl Keys {
    /// Reads `p256dh` and `auth` as browsers write them: base64url.
    ///
    /// # Errors
    /// `BadKey` for anything but an uncompressed point of P-256 and 16 bytes.
    pub fn parse(p256dh: &str, auth: &str) -> Result<Self, BadKey> {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| BadKey);
        let keys = Self { public: decode(p256dh)?, auth: decode(auth)? };
        if keys.public.len() != 65 || keys.auth.len() != 16 {
            return Err(BadKey);
        }
        // A point beside the curve is found out here, not at the first message.
        keys.seal(b"").map(|_| keys)
    }

    /// A message that this browser alone can open, ready to be posted with `Content-Encoding: aes128gcm`.
    ///
    /// # Errors
    /// `BadKey`; also for more than [`MESSAGE_MAX`] bytes.
    pub fn seal(&self, message: &[u8]) -> Result<Vec<u8>, BadKey> {
        let own = PrivateKey::generate(&ECDH_P256)?;
        let mut salt = [0; 16];
        aws_lc_rs::rand::fill(&mut salt)?;
        if message.len() > MESSAGE_MAX {
            return Err(BadKey);
        }
        self.seal_with(&own, &salt, message, message.len().next_multiple_of(BLOCK) - message.len())
    }

    fn seal_with(&self, own: &PrivateKey, salt: &[u8; 16], message: &[u8], padding: usize) -> Result<Vec<u8>, BadKey> {
        let own_public = own.compute_public_key()?;
        let info: [&[u8]; 3] = [b"WebPush: info\0", &self.public, own_public.as_ref()];
        let input = agree(own, UnparsedPublicKey::new(&ECDH_P256, &self.public), BadKey, |secret| {
            derive::<32>(&self.auth, secret, &info)
        })?;
        let key = derive::<16>(salt, &input, &[b"Content-Encoding: aes128gcm\0"])?;
        let nonce = derive::<12>(salt, &input, &[b"Content-Encoding: nonce\0"])?;
        let mut sealed = [message, &[2], &vec![0; padding]].concat();
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?);
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)?;
        Ok([salt.as_slice(), &RECORD.to_be_bytes(), &[65], own_public.as_ref(), &sealed].concat())
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF (RFC 5869) with SHA-256.
fn derive<const N: usize>(salt: &[u8], input: &[u8], info: &[&[u8]]) -> Result<[u8; N], BadKey> {
    let mut derived = [0; N];
    Salt::new(HKDF_SHA256, salt).extract(input).expand(info, Length(N))?.fill(&mut derived)?;
    Ok(derived)
}

/// Our own key: push services know by it that it is the same server each time. A cheap clone.
#[derive(Clone)]
pub struct Vapid {
    key: EncodingKey,
    public: Arc<str>,
    subject: Arc<str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    exp: i64,
    sub: &'a str,
}

impl Vapid {
    /// A fresh key as text, to be kept.
    ///
    /// # Errors
    /// `BadKey` when the system has no randomness.
    pub fn generate() -> Result<String, BadKey> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
        let der = pair.to_pkcs8v1().map_err(|_| BadKey)?;
        Ok(URL_SAFE_NO_PAD.encode(der.as_ref()))
    }

    /// The key of a kept text. `subject`: where a push service reaches us, a `mailto:` or an `https:` address.
    ///
    /// # Errors
    /// `BadKey` when the text is none.
    pub fn parse(text: &str, subject: &str) -> Result<Self, BadKey> {
        let der = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadKey)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).map_err(|_| BadKey)?;
        Ok(Self {
            key: EncodingKey::from_ec_der(&der),
            public: Arc::from(URL_SAFE_NO_PAD.encode(pair.public_key().as_ref())),
            subject: Arc::from(subject),
        })
    }

    /// What a browser is given when it subscribes.
    pub fn public_key(&self) -> &str {
        &self.public
    }

    /// The header `Authorization` for a push service.
    ///
    /// # Errors
    /// `BadKey` when it cannot be signed.
    pub fn authorization(&self, origin: &str, now: Micros) -> Result<String, BadKey> {
        let claims = Claims { aud: origin, exp: now / 1_000_000 + PROOF_SECONDS, sub: &self.subject };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.key).map_err(|_| BadKey)?;
        Ok(format!("vapid t={token}, k={}", self.public))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// RFC 8291, appendix A.
    #[test]
    fn the_example_of_the_standard_comes_out_byte_for_byte() {
        let own =
            PrivateKey::from_private_key(&ECDH_P256, &bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).unwrap();
        let keys = Keys::parse(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "BTBZMqHH6r4Tts7J_aSIgg",
        )
        .unwrap();
        let salt: [u8; 16] = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let sealed = keys.seal_with(&own, &salt, b"When I grow up, I want to be a watermelon", 0).unwrap();
        assert_eq!(
            URL_SAFE_NO_PAD.encode(sealed),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let point = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
        let auth = "BTBZMqHH6r4Tts7J_aSIgg";
        let beside = URL_SAFE_NO_PAD.encode([&[4_u8][..], &[7; 64]].concat());
        assert!(Keys::parse(point, &format!("{auth}==")).is_ok(), "padding does no harm");
        for (p256dh, auth) in
            [("", auth), (point, ""), (point, "AAAA"), (&point[2..], auth), (&beside, auth), ("é", auth)]
        {
            assert!(Keys::parse(p256dh, auth).is_err(), "{p256dh} {auth}");
        }
        let keys = Keys::parse(point, auth).unwrap();
        assert!(keys.seal(&[0; MESSAGE_MAX]).is_ok_and(|sealed| sealed.len() <= 4_096));
        assert!(keys.seal(&[0; MESSAGE_MAX + 1]).is_err());
        assert_eq!(keys.seal(b"oui").unwrap().len(), keys.seal(&[b'x'; 200]).unwrap().len(), "lengths say little");
    }

    #[test]
    fn the_proof_names_the_service_and_ends_within_a_day() {
        let vapid = Vapid::parse(&Vapid::generate().unwrap(), "mailto:admin@example.org").unwrap();
        let header = vapid.authorization("https://push.example", 1_000_000_000_000_000).unwrap();
        let (token, key) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!((key, bytes(key).len()), (vapid.public_key(), 65));
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&["https://push.example"]);
        validation.validate_exp = false;
        let point = bytes(key);
        let x = URL_SAFE_NO_PAD.encode(&point[1..33]);
        let y = URL_SAFE_NO_PAD.encode(&point[33..]);
        let key = DecodingKey::from_ec_components(&x, &y).unwrap();
        let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims;
        assert_eq!(claims["sub"], "mailto:admin@example.org");
        assert_eq!(claims["exp"], 1_000_000_000 + PROOF_SECONDS);
        assert!(Vapid::parse("nonsense", "").is_err());
    }
}
