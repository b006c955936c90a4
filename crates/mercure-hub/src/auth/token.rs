//! Tokens of the 0.x generation (draft-07 section "Authorization"): a signed JWT whose `mercure` claim lists topics.
//!
//! A token of the newer generation (`typ` of `at+jwt`, or `authorization_details`) is refused as long as its stricter rules are not implemented: judging it by
//! the older ones would weaken them.

use jsonwebtoken::Validation;
use serde_json::{Map, Value};

use crate::{
    auth::key::{Key, KeyId},
    auth::revocation::Credentials,
    limits::Bearer,
    topic::{
        matcher::{Grants, MatchType, Matcher},
        pattern::Patterns,
    },
};

/// Shorter than any signed token can be.
const MIN_LENGTH: usize = 41;
const MAX_LENGTH: usize = 16 << 10;
/// Topics in one claim.
const MAX_MATCHERS: usize = 1_000;
const MAX_MATCHER_BYTES: usize = 4_096;

/// A token that passed every check.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    pub(crate) subject: Option<String>,
    pub(crate) issuer: Option<String>,
    /// The `jti`.
    pub(crate) token_id: Option<String>,
    /// The key that verified it.
    pub(crate) key: KeyId,
    /// Tells this token from others; nothing when there was none.
    pub(crate) bearer: Option<Bearer>,
    pub(crate) issued_at: Option<f64>,
    pub(crate) expires_at: Option<f64>,
    pub(crate) publish: Grants,
    pub(crate) subscribe: Grants,
}

impl Verified {
    /// Whether it came from a token at all.
    pub(crate) fn is_anonymous(&self) -> bool {
        self.bearer.is_none()
    }

    /// By what it may be shut out.
    pub(crate) fn credentials(&self) -> Credentials<'_> {
        let (subject, token_id) = (self.subject.as_deref(), self.token_id.as_deref());
        Credentials { subject, issued_at: self.issued_at, token_id, key: self.key }
    }
}

/// The name of the check that failed. For the log only: the answer to the bearer stays terse.
pub(crate) type FailedCheck = &'static str;

/// Checks form, signature, times and claims, in this order.
pub(crate) fn verify(token: &str, key: &Key, patterns: &Patterns, now: f64) -> Result<Verified, FailedCheck> {
    if !(MIN_LENGTH..=MAX_LENGTH).contains(&token.len()) {
        return Err("length");
    }
    let (algorithm, verifier) = key.verifier().ok_or("no secret")?;
    // The library compares times as whole seconds of the system's clock; ours have fractions and a clock that can be set.
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let decoded = jsonwebtoken::decode::<Map<String, Value>>(token, verifier, &validation)
        .map_err(|error| failed_check(&error))?;
    if decoded.header.crit.is_some() {
        return Err("crit");
    }
    let strict = decoded.header.typ.is_some_and(|typ| typ.to_ascii_lowercase().ends_with("at+jwt"));
    read(decoded.claims, strict, patterns, now)
}

fn failed_check(error: &jsonwebtoken::errors::Error) -> FailedCheck {
    use jsonwebtoken::errors::ErrorKind;
    if matches!(error.kind(), ErrorKind::InvalidSignature) {
        "signature"
    } else if matches!(error.kind(), ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName) {
        "alg"
    } else {
        "form"
    }
}

fn read(claims: Map<String, Value>, strict: bool, patterns: &Patterns, now: f64) -> Result<Verified, FailedCheck> {
    if strict || claims.contains_key("authorization_details") {
        return Err("generation");
    }
    let expires_at = time(&claims, "exp").ok_or("exp")?;
    if expires_at.is_some_and(|at| at <= now) {
        return Err("expired");
    }
    if time(&claims, "nbf").ok_or("nbf")?.is_some_and(|at| at > now) {
        return Err("not yet valid");
    }
    let issued_at = time(&claims, "iat").ok_or("iat")?;
    let [subject, issuer, token_id] = ["sub", "iss", "jti"].map(|name| match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(name),
    });
    let grant = claims.get("mercure").or_else(|| claims.get("https://mercure.rocks/"));
    let grant = grant.and_then(Value::as_object).ok_or("mercure claim")?;
    Ok(Verified {
        subject: subject?,
        issuer: issuer?,
        token_id: token_id?,
        key: KeyId::default(),
        bearer: None,
        issued_at,
        expires_at,
        publish: grants(grant.get("publish"), patterns).ok_or("mercure.publish")?,
        subscribe: grants(grant.get("subscribe"), patterns).ok_or("mercure.subscribe")?,
    })
}

/// A NumericDate (RFC 7519 section 2), which may have a fraction. Outer `None` = it is something else.
fn time(claims: &Map<String, Value>, name: &str) -> Option<Option<f64>> {
    match claims.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(value) => value.as_f64().map(Some),
    }
}

/// A list of topics. One that can't be a topic spoils the token: half a grant would be a guess.
fn grants(list: Option<&Value>, patterns: &Patterns) -> Option<Grants> {
    let list = match list {
        None | Some(Value::Null) => return Some(Grants::default()),
        Some(list) => list.as_array().filter(|list| list.len() <= MAX_MATCHERS)?,
    };
    let matchers = list.iter().map(|value| {
        let value = value.as_str().filter(|value| value.len() <= MAX_MATCHER_BYTES)?;
        Matcher::new(MatchType::Legacy, value, patterns).ok()
    });
    matchers.collect::<Option<Vec<_>>>().map(Grants::new)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        auth::key::{Claims, Grant, mint},
        topic::Topic,
    };
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    const SECRET: &str = "!ChangeThisMercureHubJWTSecretKey!";
    const NOW: f64 = 1_800_000_000.5;

    fn sign(header: &Value, claims: &Value, key: &Key) -> String {
        key.sign(header.to_string().as_bytes(), claims.to_string().as_bytes())
    }

    fn check(header: Value, claims: Value) -> Result<Verified, FailedCheck> {
        let key = Key::hs256(SECRET);
        verify(&sign(&header, &claims, &key), &key, &Patterns::new(None), NOW)
    }

    fn claims(claims: Value) -> Option<FailedCheck> {
        check(json!({"alg": "HS256", "typ": "JWT"}), claims).err()
    }

    #[test]
    fn a_minted_token_is_read_back() {
        for key in [Key::hs256(SECRET), Key::hs384(SECRET), Key::hs512(SECRET)] {
            let grant = Grant { subscribe: vec!["user/3".into()], publish: vec!["*".into()] };
            let token = mint(
                &key,
                &Claims { sub: Some("3".into()), iat: Some(NOW - 0.25), exp: Some(NOW + 0.25), mercure: grant },
            );
            let read = verify(&token, &key, &Patterns::new(None), NOW).unwrap();
            assert_eq!(
                (read.subject.as_deref(), read.issued_at, read.expires_at),
                (Some("3"), Some(NOW - 0.25), Some(NOW + 0.25))
            );
            assert!(read.publish.cover(&Topic::new("x").unwrap()) && !read.subscribe.cover(&Topic::new("x").unwrap()));
            assert_eq!(verify(&token, &key, &Patterns::new(None), NOW + 0.25).err(), Some("expired"));
        }
    }

    #[test]
    fn the_algorithm_is_the_keys_own() {
        let claims = json!({"mercure": {}});
        let key = Key::hs256(SECRET);
        assert_eq!(
            verify(&sign(&json!({"alg": "HS256"}), &claims, &key), &Key::hs512(SECRET), &Patterns::new(None), NOW)
                .err(),
            Some("alg")
        );
        assert_eq!(
            verify(
                &sign(&json!({"alg": "HS256"}), &claims, &key),
                &Key::hs256("another secret"),
                &Patterns::new(None),
                NOW
            )
            .err(),
            Some("signature")
        );
        let unsigned = format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode("{\"alg\":\"none\"}"),
            URL_SAFE_NO_PAD.encode("{\"mercure\":{\"publish\":[\"*\"]}}")
        );
        assert!(verify(&unsigned, &key, &Patterns::new(None), NOW).is_err());
        let empty = Key::hs256("");
        assert_eq!(
            verify(&mint(&empty, &Claims::default()), &empty, &Patterns::new(None), NOW).err(),
            Some("no secret")
        );
        assert_eq!(check(json!({"alg": "HS256", "crit": ["exp"]}), claims).err(), Some("crit"));
        assert_eq!(verify("short", &key, &Patterns::new(None), NOW).err(), Some("length"));
        assert!(verify(&"x.".repeat(40), &key, &Patterns::new(None), NOW).is_err());
    }

    #[test]
    fn times_are_enforced_to_the_fraction() {
        for (times, failed) in [
            (json!({"exp": NOW + 0.1}), None),
            (json!({"exp": NOW}), Some("expired")),
            (json!({"exp": 1}), Some("expired")),
            (json!({"exp": "tomorrow"}), Some("exp")),
            (json!({"nbf": NOW + 0.1}), Some("not yet valid")),
            (json!({"nbf": NOW - 0.1}), None),
            (json!({"nbf": [1]}), Some("form")),
            (json!({"iat": true}), Some("iat")),
            (json!({"sub": 3}), Some("sub")),
            (json!({}), None),
        ] {
            let mut token = times.clone();
            token["mercure"] = json!({});
            assert_eq!(claims(token), failed, "{times}");
        }
    }

    #[test]
    fn only_whole_grants_count() {
        for (token, failed) in [
            (json!({"mercure": {"publish": ["*"], "subscribe": []}}), None),
            (json!({"https://mercure.rocks/": {"publish": ["*"]}}), None),
            (json!({"mercure": {"publish": null, "payload": {"x": 1}}}), None),
            (json!({}), Some("mercure claim")),
            (json!({"mercure": ["*"]}), Some("mercure claim")),
            (json!({"mercure": {"publish": "*"}}), Some("mercure.publish")),
            (json!({"mercure": {"subscribe": [1]}}), Some("mercure.subscribe")),
            (json!({"mercure": {"subscribe": ["a\n"]}}), Some("mercure.subscribe")),
            (json!({"mercure": {"subscribe": vec!["x"; 1_001]}}), Some("mercure.subscribe")),
            (json!({"mercure": {"subscribe": ["x".repeat(4_097)]}}), Some("mercure.subscribe")),
        ] {
            assert_eq!(claims(token.clone()), failed, "{token}");
        }
    }

    #[test]
    fn tokens_of_the_newer_generation_are_not_judged_by_the_older_rules() {
        let grant = json!({"mercure": {"subscribe": ["*"]}});
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
            assert_eq!(check(json!({"alg": "HS256", "typ": typ}), grant.clone()).err(), Some("generation"));
        }
        assert_eq!(claims(json!({"mercure": {}, "authorization_details": []})), Some("generation"));
    }
}
