//! Tokens of both generations, and which rules each is judged by.
//!
//! Decided per token: one that is an access token (`typ` of `at+jwt`) or that has `authorization_details` is judged by the strict rules of draft-08, always.
//! Only of the others, and only where that is allowed, those with a `mercure` claim are judged by the rules of draft-07. So the strict rules are not weakened by
//! the presence of the older ones.

use serde_json::{Map, Value, value::RawValue};

use crate::{
    auth::{
        details::{self, Payloads},
        jws::{self, Claims, Jws, Times},
        key::KeyId,
        revocation::Credentials,
        trust::{Role, Trust},
    },
    limits::Bearer,
    topic::{
        matcher::{Grants, MatchType, Matcher},
        pattern::Patterns,
    },
};

/// Topics in one claim of the older generation.
const MAX_MATCHERS: usize = 1_000;
const MAX_MATCHER_BYTES: usize = 4_096;

/// By which rules a token was judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Generation {
    /// Draft-07: the `mercure` claim.
    Legacy,
    /// Draft-08: `at+jwt` with `authorization_details`. Who has no token is judged by it too.
    #[default]
    Strict,
}

/// A token that passed every check. The default is nobody, who has none.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    pub(crate) generation: Generation,
    /// Its `iss`.
    pub(crate) issuer: Option<String>,
    pub(crate) subject: Option<String>,
    /// Its `jti`.
    pub(crate) token_id: Option<String>,
    /// Its `sid`.
    pub(crate) session: Option<String>,
    /// The key that verified it.
    pub(crate) key: KeyId,
    /// Tells this token from others; nothing when there was none.
    pub(crate) bearer: Option<Bearer>,
    pub(crate) issued_at: Option<f64>,
    pub(crate) expires_at: Option<f64>,
    pub(crate) publish: Grants,
    /// Whether it has a list of topics to publish on, perhaps an empty one (the older generation).
    pub(crate) lists_topics: bool,
    pub(crate) subscribe: Grants,
    /// What its subscriptions are described with to those who watch them.
    pub(crate) payloads: Payloads,
}

impl Verified {
    /// Whether there was no token at all.
    pub(crate) fn is_anonymous(&self) -> bool {
        self.bearer.is_none()
    }

    /// By what it may be shut out.
    pub(crate) fn credentials(&self) -> Credentials<'_> {
        Credentials {
            subject: self.subject.as_deref(),
            issued_at: self.issued_at,
            token_id: self.token_id.as_deref(),
            session: self.session.as_deref(),
            key: self.key,
        }
    }
}

/// The name of the check that failed. For the log only: the answer to the bearer stays terse.
pub(crate) type FailedCheck = &'static str;

/// What a token said of itself before it was believed. For the log.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) algorithm: Option<&'static str>,
    pub(crate) key_name: Option<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) generation: Option<Generation>,
}

/// What a token is judged for.
pub(crate) struct Case<'a> {
    pub(crate) trust: &'a Trust,
    pub(crate) patterns: &'a Patterns,
    pub(crate) role: Role,
    /// Tells how the request addressed the hub, which a strict token must be meant for.
    pub(crate) resource: &'a (dyn Fn() -> Option<String> + Sync),
    /// Whether it may be a strict one: not when it stood in an address.
    pub(crate) strict_allowed: bool,
    /// Seconds since 1970.
    pub(crate) now: f64,
}

/// Checks form, generation, issuer and signature, then times, audience and grants.
pub(crate) async fn verify(token: &str, case: &Case<'_>, said: &mut Said) -> Result<Verified, FailedCheck> {
    let jws = Jws::split(token)?;
    said.algorithm = Some(jws.algorithm().name());
    said.key_name = jws.key_name().map(str::to_owned);
    let claims = jws.claims()?;
    // A legacy token may say anything here; a strict one is looked up by it.
    let issuer = jws::text(claims.iss, "iss");
    said.issuer = issuer.clone().ok().flatten();
    let generation = generation(&jws, &claims, case)?;
    said.generation = Some(generation);
    let issuer = match generation {
        Generation::Legacy => issuer.unwrap_or_default(),
        Generation::Strict if !case.strict_allowed => return Err("strict token in the address"),
        Generation::Strict if !jws.is_access_token() => return Err("typ"),
        Generation::Strict => Some(issuer?.ok_or("iss")?),
    };
    let keys = match &issuer {
        Some(issuer) if generation == Generation::Strict => case.trust.of_issuer(issuer, case.role)?,
        _ => case.trust.legacy(case.role).ok_or("no key")?,
    };
    let key = keys.verify(&jws).await?;
    let mut verified = match generation {
        Generation::Legacy => read_legacy(&claims, case)?,
        Generation::Strict => read_strict(&claims, case)?,
    };
    verified.issuer = issuer;
    verified.key = key;
    Ok(verified)
}

fn generation(jws: &Jws<'_>, claims: &Claims<'_>, case: &Case<'_>) -> Result<Generation, FailedCheck> {
    if jws.is_access_token() || claims.authorization_details.is_some() {
        Ok(Generation::Strict)
    } else if case.trust.takes_legacy() {
        let is_enough = claims.mercure().is_some() || case.trust.needs_no_claim(case.role);
        is_enough.then_some(Generation::Legacy).ok_or("mercure claim")
    } else {
        Err("typ")
    }
}

/// RFC 9068 section 4, without the claims that tokens in the wild lack: `sub`, `client_id`, `iat`, `jti`.
fn read_strict(claims: &Claims<'_>, case: &Case<'_>) -> Result<Verified, FailedCheck> {
    let times = claims.times(case.now)?;
    if times.expires_at.is_none() {
        return Err("exp");
    }
    let resource = (case.resource)().ok_or("no resource identifier")?;
    if !claims.aud.is_some_and(|audience| names(audience, &resource)) {
        return Err("aud");
    }
    let details = claims.authorization_details.map(|claim| details::read(claim, case.patterns)).transpose()?;
    let details = details.unwrap_or_default();
    let person = person(claims, Generation::Strict, times)?;
    Ok(Verified { publish: details.publish, subscribe: details.subscribe, payloads: details.payloads, ..person })
}

fn read_legacy(claims: &Claims<'_>, case: &Case<'_>) -> Result<Verified, FailedCheck> {
    let times = claims.times(case.now)?;
    let person = person(claims, Generation::Legacy, times)?;
    // Whether it may be missing was decided before the signature was looked at.
    let Some(grant) = claims.mercure() else { return Ok(person) };
    let Value::Object(mut grant) = jws::value(grant, "mercure claim")? else { return Err("mercure claim") };
    Ok(Verified {
        lists_topics: grant.get("publish").is_some_and(Value::is_array),
        publish: grants(&grant, "publish", case.patterns).ok_or("mercure.publish")?,
        subscribe: grants(&grant, "subscribe", case.patterns).ok_or("mercure.subscribe")?,
        payloads: Payloads::for_all(grant.remove("payload").filter(|payload| !payload.is_null())),
        ..person
    })
}

fn person(claims: &Claims<'_>, generation: Generation, times: Times) -> Result<Verified, FailedCheck> {
    Ok(Verified {
        generation,
        subject: jws::text(claims.sub, "sub")?,
        token_id: jws::text(claims.jti, "jti")?,
        // Not a registered claim of RFC 7519: what is no text there is somebody else's, and names no session.
        session: jws::text(claims.sid, "sid").unwrap_or_default(),
        issued_at: times.issued_at,
        expires_at: times.expires_at,
        ..Verified::default()
    })
}

/// Whether an audience, a text or a list of texts (RFC 7519 section 4.1.3), names the resource.
fn names(audience: &RawValue, resource: &str) -> bool {
    match jws::value(audience, "aud") {
        Ok(Value::String(one)) => one == resource,
        Ok(Value::Array(list)) => {
            list.iter().all(Value::is_string) && list.iter().any(|one| one.as_str() == Some(resource))
        }
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | Err(_) => false,
    }
}

/// A list of topics. One that can't be a topic spoils the token: half a grant would be a guess.
fn grants(grant: &Map<String, Value>, name: &str, patterns: &Patterns) -> Option<Grants> {
    let list = match grant.get(name) {
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
mod tests;
