//! The playground: its tokens, and its echo, which `demo` has too: pages that a subscriber can discover the hub from. Everything in those comes from the
//! address, so nobody can be harmed by them only because the browser is told to treat them as foreign and inert.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{OriginalUri, Query, Request};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use mercure_hub::{Claims, Clock, Grant, Key, PeerAddress, mint};
use serde::Deserialize;

use crate::server::{HUB_PATH, Site};

/// How long a token of the playground is good.
const LIFETIME: f64 = 12.0 * 3600.0;
/// What a proxy writes. Behind one, everybody seems to come from its machine.
const OF_PROXIES: [&str; 5] = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/// Makes tokens for everything, for the page of the playground. They are signed by a key that is made at the start and known to nobody: what was
/// handed out is worth nothing at another hub, nor here once the playground is off.
#[derive(Clone)]
pub struct Playground {
    key: Key,
    clock: Clock,
}

impl Playground {
    pub(crate) fn new(clock: Clock) -> Self {
        let secret = format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
        Self { key: Key::hs256(secret), clock }
    }

    /// What verifies its tokens.
    pub(crate) fn key(&self) -> Key {
        self.key.clone()
    }

    /// A token, if this request comes from a browser on this machine that was pointed to this machine. A name that only resolves to it is an attacker's.
    pub(crate) fn token_for(&self, request: &Request) -> Option<String> {
        let is_here = request.extensions().get().is_some_and(|PeerAddress(peer)| peer.to_canonical().is_loopback());
        let headers = request.headers();
        if !is_here || OF_PROXIES.iter().any(|name| headers.contains_key(*name)) || !is_local(request) {
            return None;
        }
        let all = vec!["*".to_owned()];
        let mercure = Grant { subscribe: all.clone(), publish: all };
        let (sub, now) = (Some("playground".to_owned()), (self.clock)());
        Some(mint(&self.key, &Claims { sub, iat: Some(now), exp: Some(now + LIFETIME), mercure }))
    }
}

/// Whether the host that was asked for is a name or an address of the loopback interface (RFC 6761 section 6.3).
fn is_local(request: &Request) -> bool {
    let of_header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()?.parse().ok());
    let Some(authority) = request.uri().authority().cloned().or(of_header) else { return false };
    let host = authority.host().trim_matches(['[', ']']).to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost") || host.parse().is_ok_and(|host: IpAddr| host.is_loopback())
}

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
