//! The outer form of a token: JWS compact serialisation (RFC 7515 section 7.1), split and decoded, not yet verified.
//!
//! Written here and not left to a library: those at hand parse the key anew for each token, know no ES512, and decode header and claims twice.

use std::{fmt, marker::PhantomData};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Value, value::RawValue};

use crate::auth::{algorithm::Algorithm, token::FailedCheck};

/// Shorter than any signed token can be.
const MIN_LENGTH: usize = 41;
/// Room for the largest token within the limits on what it grants, and a bound for what is read of an unsigned one.
const MAX_LENGTH: usize = 128 << 10;

/// A token, taken apart.
pub(crate) struct Jws<'a> {
    algorithm: Algorithm,
    header: Header,
    signed: &'a str,
    signature: Vec<u8>,
    payload: Vec<u8>,
}

/// The members of the header that are looked at. Keys and addresses of keys (`jwk`, `jku`, `x5u`, `x5c`) are not among them: a token can't bring the
/// key it is verified with.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
}

impl<'a> Jws<'a> {
    pub(crate) fn split(token: &'a str) -> Result<Self, FailedCheck> {
        if !(MIN_LENGTH..=MAX_LENGTH).contains(&token.len()) {
            return Err("length");
        }
        let (signed, signature) = token.rsplit_once('.').ok_or("form")?;
        let (header, payload) = signed.split_once('.').ok_or("form")?;
        let Object(header): Object<Header> = serde_json::from_slice(&decode(header)?).map_err(|_| "form")?;
        let algorithm = header.alg.parse().map_err(|_| "alg")?;
        // Extensions that must be understood (RFC 7515 section 4.1.11): none is.
        if header.crit.is_some() {
            return Err("crit");
        }
        Ok(Self { algorithm, header, signed, signature: decode(signature)?, payload: decode(payload)? })
    }

    /// What it says it is signed with. The key has the last word.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its `kid`.
    pub(crate) fn key_name(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// Whether its `typ` is that of an access token (RFC 9068 section 2.1), in either spelling and any case.
    pub(crate) fn is_access_token(&self) -> bool {
        let typ = self.header.typ.as_deref().unwrap_or_default();
        typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt")
    }

    pub(crate) fn signed(&self) -> &[u8] {
        self.signed.as_bytes()
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }

    pub(crate) fn claims(&self) -> Result<Claims<'_>, FailedCheck> {
        Claims::read(&self.payload)
    }
}

/// Without padding and without stray bits in the last character: one token has one spelling.
fn decode(part: &str) -> Result<Vec<u8>, FailedCheck> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| "form")
}

/// The claims that are looked at, each as its text: what is not verified is not read further than needed. A claim that stands twice spoils the token.
#[derive(Deserialize)]
pub(crate) struct Claims<'a> {
    #[serde(borrow)]
    pub(crate) iss: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) sub: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) aud: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) jti: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) sid: Option<&'a RawValue>,
    #[serde(borrow)]
    exp: Option<&'a RawValue>,
    #[serde(borrow)]
    nbf: Option<&'a RawValue>,
    #[serde(borrow)]
    iat: Option<&'a RawValue>,
    /// Its presence alone decides about the generation, so `null` is not absence.
    #[serde(borrow, default, deserialize_with = "present")]
    pub(crate) authorization_details: Option<&'a RawValue>,
    #[serde(borrow)]
    mercure: Option<&'a RawValue>,
    #[serde(borrow, rename = "https://mercure.rocks/")]
    namespaced: Option<&'a RawValue>,
}

/// When a token counts, in seconds since 1970, with fractions: Symfony's library writes them.
pub(crate) struct Times {
    pub(crate) issued_at: Option<f64>,
    pub(crate) expires_at: Option<f64>,
}

impl<'a> Claims<'a> {
    pub(crate) fn read(payload: &'a [u8]) -> Result<Self, FailedCheck> {
        serde_json::from_slice(payload).map(|Object(claims)| claims).map_err(|_| "form")
    }

    /// The claim of the older generation, under either of its names.
    pub(crate) fn mercure(&self) -> Option<&'a RawValue> {
        self.mercure.or(self.namespaced)
    }

    /// Reads the times and enforces `exp` and `nbf`. A time that is no number (RFC 7519 section 2) spoils the token.
    pub(crate) fn times(&self, now: f64) -> Result<Times, FailedCheck> {
        let expires_at = number(self.exp, "exp")?;
        if expires_at.is_some_and(|at| at <= now) {
            return Err("expired");
        }
        if number(self.nbf, "nbf")?.is_some_and(|at| at > now) {
            return Err("not yet valid");
        }
        Ok(Times { issued_at: number(self.iat, "iat")?, expires_at })
    }
}

/// A claim that is a text, if it is there.
pub(crate) fn text(claim: Option<&RawValue>, name: FailedCheck) -> Result<Option<String>, FailedCheck> {
    claim.map(|claim| serde_json::from_str(claim.get()).map_err(|_| name)).transpose()
}

/// A claim of any form.
pub(crate) fn value(claim: &RawValue, name: FailedCheck) -> Result<Value, FailedCheck> {
    serde_json::from_str(claim.get()).map_err(|_| name)
}

fn number(claim: Option<&RawValue>, name: FailedCheck) -> Result<Option<f64>, FailedCheck> {
    claim.map(|claim| serde_json::from_str(claim.get()).map_err(|_| name)).transpose()
}

/// A JSON object: left to itself, serde would take the members in a list as well.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(Object)
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}

/// Keeps a member that is there, `null` included.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(header: &str, payload: &str) -> Option<FailedCheck> {
        let token = format!(
            "{}.{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(payload),
            URL_SAFE_NO_PAD.encode([7; 32])
        );
        Jws::split(&token).and_then(|jws| jws.claims().map(|_| ())).err()
    }

    #[test]
    fn the_form_is_checked_before_anything_else() {
        for (header, payload, check) in [
            (r#"{"alg":"HS256"}"#, "{}", None),
            (r#"{"alg":"HS256","typ":null,"kid":null,"jwk":{"kty":"oct"},"jku":1}"#, "{}", None),
            (r#"{"alg":"none"}"#, "{}", Some("alg")),
            (r#"{"alg":"hs256"}"#, "{}", Some("alg")),
            (r#"{"alg":"HS256","crit":["exp"]}"#, "{}", Some("crit")),
            (r#"{"alg":"HS256","crit":null}"#, "{}", Some("crit")),
            (r#"{"alg":"HS256","alg":"HS256"}"#, "{}", Some("form")),
            (r#"{"alg":["HS256"]}"#, "{}", Some("form")),
            (r#"{"typ":"JWT","kid":"0"}"#, "{}", Some("form")),
            (r#"["HS256","JWT","0",null]"#, "{}", Some("form")),
            (r#"{"alg":"HS256"}"#, "[]", Some("form")),
            (r#"{"alg":"HS256"}"#, "[1,2,3,4,5,6,7,8,9,10]", Some("form")),
            (r#"{"alg":"HS256"}"#, "not JSON", Some("form")),
            (r#"{"alg":"HS256"}"#, r#"{"exp":1,"exp":2}"#, Some("form")),
        ] {
            assert_eq!(failed(header, payload), check, "{header} {payload}");
        }
        for token in [
            "short",
            &"x".repeat(60),
            &"x.".repeat(40),
            &format!("{}.e30.AAAA", "=".repeat(60)),
            &format!("eyJhbGciOiJIUzI1NiJ9.e30.{}", "A=".repeat(20)),
            // The last character holds bits that belong to no byte.
            &format!("eyJhbGciOiJIUzI1NiJ9.e31.{}", "A".repeat(43)),
            &format!("eyJhbGciOiJIUzI1NiJ9.e30.{}", "A".repeat(MAX_LENGTH)),
        ] {
            assert!(Jws::split(token).is_err(), "{token}");
        }
    }

    #[test]
    fn a_null_for_details_is_there() {
        let claims = |text: &'static str| Claims::read(text.as_bytes()).unwrap();
        assert!(claims(r#"{"authorization_details":null}"#).authorization_details.is_some());
        assert!(claims(r#"{"mercure":null}"#).mercure().is_none());
        assert!(claims(r#"{"mercure":null,"https://mercure.rocks/":{}}"#).mercure().is_some());
    }
}
