//! The playground's echo: pages that a subscriber can discover the hub from. Everything in them comes from the address, so nobody can be harmed by them
//! only because the browser is told to treat them as foreign and inert.

use std::sync::Arc;

use axum::Router;
use axum::extract::{OriginalUri, Query};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::server::{HUB_PATH, Site};

/// What the page is asked to be.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    body: String,
    /// A token, to be set as the cookie that a real application would set.
    #[serde(default)]
    jwt: String,
}

pub(crate) fn router() -> Router<Arc<Site>> {
    Router::new()
        .route("/playground/", get(echo))
        .route("/playground/{*path}", get(echo))
        .route("/.well-known/mercure/ui/demo/", get(echo))
        .route("/.well-known/mercure/ui/demo/{*path}", get(echo))
}

async fn echo(OriginalUri(uri): OriginalUri, Query(asked): Query<Asked>) -> Response {
    let path = uri.path();
    let kind = match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("json") => "application/json",
        Some("jsonld") => "application/ld+json",
        _ => "text/plain; charset=utf-8",
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    // A path comes percent-encoded; `>` in it would end the link.
    let links = [format!("<{HUB_PATH}>; rel=\"mercure\""), format!("<{}>; rel=\"self\"", path.replace('>', "%3E"))];
    for link in links {
        headers.extend(HeaderValue::try_from(link).ok().map(|link| (header::LINK, link)));
    }
    let is_token = asked.jwt.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !asked.jwt.is_empty() && is_token {
        let cookie = format!("mercure_access_token={}; Path={HUB_PATH}; HttpOnly; SameSite=Strict", asked.jwt);
        headers.extend(HeaderValue::try_from(cookie).ok().map(|cookie| (header::SET_COOKIE, cookie)));
    }
    (headers, asked.body).into_response()
}
