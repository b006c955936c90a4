//! Who asks: the token a request carries, by header or by cookie, and what it allows.

use axum::http::{HeaderMap, header};

use crate::{
    Hub,
    auth::key::Key,
    auth::origin::{self, Twice},
    auth::token::{self, Verified},
    http::reply::Refusal,
};

/// How the token came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    Header,
    Cookie,
}

/// Who subscribes. Without a token there is nobody, who may read what is public.
pub(crate) fn reader(hub: &Hub, headers: &HeaderMap) -> Result<Verified, Refusal> {
    match token_of(hub, headers)? {
        Some((token, _)) => verify(hub, &token, hub.config().subscriber_key.as_ref()),
        None if hub.config().anonymous => Ok(Verified::default()),
        None => Err(Refusal::NoToken),
    }
}

/// Who publishes. A cookie travels with every request that some page makes a browser send, so it counts only from the pages that
/// are listed.
pub(crate) fn publisher(hub: &Hub, headers: &HeaderMap) -> Result<Verified, Refusal> {
    let (token, carrier) = token_of(hub, headers)?.ok_or(Refusal::NoToken)?;
    let trusted = match carrier {
        Carrier::Header => true,
        Carrier::Cookie => origin::of_page(headers).is_some_and(|page| hub.origins().publish.allow(&page)),
    };
    if !trusted {
        tracing::debug!(check = "page origin", "publish refused");
        return Err(Refusal::Forbidden);
    }
    verify(hub, &token, hub.config().publisher_key.as_ref())
}

fn verify(hub: &Hub, token: &str, key: Option<&Key>) -> Result<Verified, Refusal> {
    let verified = key.ok_or("no key").and_then(|key| {
        let mut verified = token::verify(token, key, hub.patterns(), hub.now())?;
        verified.key = key.id();
        verified.bearer = Some(hub.limiter().bearer(&verified, token));
        if hub.engine().is_revoked(verified.credentials()) { Err("revoked") } else { Ok(verified) }
    });
    verified.map_err(|check| {
        tracing::debug!(check, "token refused");
        Refusal::InvalidToken
    })
}

/// The token of a request. The header wins: when it stands there, the cookie is not looked at, however bad the header is.
fn token_of(hub: &Hub, headers: &HeaderMap) -> Result<Option<(String, Carrier)>, Refusal> {
    match origin::only(headers, &header::AUTHORIZATION) {
        Err(Twice) => Err(malformed("authorization twice")),
        Ok(Some(value)) => {
            let parts = value.to_str().ok().and_then(|value| value.split_once(' '));
            let token =
                parts.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
            let token = token.filter(|token| !token.is_empty()).ok_or_else(|| malformed("authorization scheme"))?;
            Ok(Some((token.to_owned(), Carrier::Header)))
        }
        Ok(None) => {
            let names = &hub.config().cookie_names;
            Ok(names.iter().find_map(|name| cookie(headers, name)).map(|token| (token, Carrier::Cookie)))
        }
    }
}

fn malformed(check: &'static str) -> Refusal {
    tracing::debug!(check, "token refused");
    Refusal::Malformed
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(found, value)| *found == name && !value.is_empty())?;
    Some(value.trim_matches('"').to_owned())
}
