//! The administrator's address: health, for supervisors and balancers, and metrics.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::server::Site;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) fn router(site: Arc<Site>) -> Router {
    Router::new().fallback(answer).with_state(site)
}

async fn answer(State(site): State<Arc<Site>>, request: Request) -> Response {
    let path = request.uri().path();
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    if path == "/metrics" && is_read {
        return ([(header::CONTENT_TYPE, TEXT)], site.hub.metrics().to_prometheus()).into_response();
    }
    if path == "/metrics" {
        return only_read();
    }
    let Some(rest) = path.strip_prefix("/mercure/health/") else { return failed(StatusCode::NOT_FOUND, "not found") };
    let (name, check) = rest.rsplit_once('/').map_or((None, rest), |(name, check)| (Some(name), check));
    let Some(is_well) = check_of(check, &site) else { return failed(StatusCode::NOT_FOUND, "not found") };
    if !is_read {
        return only_read();
    }
    if name.is_some_and(|name| name != site.name) {
        return failed(StatusCode::NOT_FOUND, "unknown hub");
    }
    if is_well {
        json(StatusCode::OK, "{\"status\":\"ok\"}\n".to_owned())
    } else {
        // Why stands in the log; whoever may ask here need not know it.
        failed(StatusCode::SERVICE_UNAVAILABLE, "transport health check failed")
    }
}

/// The reference refuses HEAD, too, but ships a `wget` whose `--spider` sends GET; that of Debian sends HEAD.
fn only_read() -> Response {
    let mut answer = failed(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    answer
}

/// Ready: new clients are welcome. Live: there is no need to start it anew.
fn check_of(check: &str, site: &Site) -> Option<bool> {
    match check {
        "ready" => Some(site.is_ready()),
        "live" => Some(true),
        _ => None,
    }
}

fn failed(status: StatusCode, why: &str) -> Response {
    json(status, format!("{{\"status\":\"error\",\"error\":\"{why}\"}}\n"))
}

fn json(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body).into_response()
}
