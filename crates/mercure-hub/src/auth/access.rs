//! Who asks: the token a request carries, by header, by cookie or, where old clients need it, by query; and what it allows.

use std::borrow::Cow;

use axum::http::{HeaderMap, header, request::Parts};

use crate::{
    Hub,
    auth::address::Asked,
    auth::origin::{self, Twice},
    auth::token::{self, Case, FailedCheck, Said, Verified},
    auth::trust::Role,
    http::form,
    http::reply::Refusal,
};

/// How much of what a token says of itself is logged.
const SHOWN_CHARS: usize = 100;

/// How the token came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    Header,
    Cookie,
    Query,
}

/// Who subscribes. Without a token there is nobody, who may read what is public.
pub(crate) async fn reader(hub: &Hub, parts: &Parts) -> Result<Verified, Refusal> {
    match token_of(hub, parts)? {
        Some((token, carrier)) => verify(hub, parts, &token, carrier, Role::Subscriber).await,
        None if hub.config().anonymous => Ok(Verified::default()),
        None => Err(no_token()),
    }
}

/// Who publishes. A cookie travels with every request that some page makes a browser send, so it counts only from the pages that are listed.
pub(crate) async fn publisher(hub: &Hub, parts: &Parts) -> Result<Verified, Refusal> {
    let (token, carrier) = token_of(hub, parts)?.ok_or_else(no_token)?;
    let trusted = match carrier {
        Carrier::Header | Carrier::Query => true,
        Carrier::Cookie => origin::of_page(&parts.headers).is_some_and(|page| hub.origins().publish.allow(&page)),
    };
    if !trusted {
        tracing::info!(target: "mercure_hub::auth", check = "page origin", "publishing by cookie refused");
        return Err(Refusal::Forbidden);
    }
    verify(hub, parts, &token, carrier, Role::Publisher).await
}

async fn verify(hub: &Hub, parts: &Parts, token: &str, carrier: Carrier, role: Role) -> Result<Verified, Refusal> {
    let resource = || hub.addresses().resource(&Asked::of(parts));
    let case = Case {
        trust: hub.trust(),
        patterns: hub.patterns(),
        role,
        resource: &resource,
        strict_allowed: carrier != Carrier::Query,
        now: hub.now(),
    };
    let mut said = Said::default();
    let verified = token::verify(token, &case, &mut said).await.and_then(|mut verified| {
        verified.bearer = Some(hub.limiter().bearer(&verified, token));
        if hub.engine().is_revoked(verified.credentials()) { Err("revoked") } else { Ok(verified) }
    });
    verified.map_err(|check| {
        tell(check, role, &said);
        Refusal::InvalidToken
    })
}

/// "Why 401?": the answer does not say, the log does. Never the token itself; what it says of itself is quoted, so that it can't write lines of its own.
fn tell(check: FailedCheck, role: Role, said: &Said) {
    let shown = |text: &Option<String>| text.as_ref().map(|text| text.chars().take(SHOWN_CHARS).collect::<String>());
    tracing::info!(
        target: "mercure_hub::auth",
        check,
        ?role,
        generation = ?said.generation,
        alg = said.algorithm,
        kid = ?shown(&said.key_name),
        iss = ?shown(&said.issuer),
        "token refused"
    );
}

fn no_token() -> Refusal {
    tracing::info!(target: "mercure_hub::auth", check = "no token", "request refused");
    Refusal::NoToken
}

/// The token of a request. The header wins: when it stands there, nothing else is looked at, however bad the header is.
fn token_of<'a>(hub: &Hub, parts: &'a Parts) -> Result<Option<(Cow<'a, str>, Carrier)>, Refusal> {
    match origin::only(&parts.headers, &header::AUTHORIZATION) {
        Err(Twice) => return Err(malformed("authorization twice")),
        Ok(Some(value)) => {
            let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).unwrap_or_default();
            let token = token.trim();
            if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
                return Err(malformed("authorization scheme"));
            }
            return Ok(Some((token.into(), Carrier::Header)));
        }
        Ok(None) => {}
    }
    if hub.config().tokens.legacy_query_token
        && let Some(token) = in_query(parts)?
    {
        return Ok(Some((token.into(), Carrier::Query)));
    }
    let names = &hub.config().cookie_names;
    let found = names.iter().find_map(|name| cookie(&parts.headers, name));
    Ok(found.map(|token| (token.into(), Carrier::Cookie)))
}

fn malformed(check: FailedCheck) -> Refusal {
    tracing::info!(target: "mercure_hub::auth", check, "token refused");
    Refusal::Malformed
}

/// The parameter of draft-07. It may stand once.
fn in_query(parts: &Parts) -> Result<Option<String>, Refusal> {
    let query = parts.uri.query().unwrap_or_default();
    let mut found = form::pairs(query.as_bytes()).filter(|(name, _)| name == b"authorization");
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some((_, value)), None) => {
            String::from_utf8(value).map(Some).map_err(|_| malformed("authorization parameter"))
        }
        (Some(_), Some(_)) => Err(malformed("authorization parameter twice")),
    }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(found, value)| *found == name && !value.is_empty())?;
    Some(value.trim_matches('"'))
}
