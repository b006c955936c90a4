//! Every route of the main port: the hub, and the small pages around it.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use tower_http::compression::CompressionLayer;

use crate::server::Site;
use crate::{debugger, playground};

const HTML: &str = "text/html; charset=utf-8";

/// What every small page carries; those that need more of the policy set their own.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; style-src 'self'")),
];

pub(crate) fn router(site: &Arc<Site>) -> Router {
    let mut pages = Router::new()
        .route("/healthz", get(healthz))
        .route("/robots.txt", get(async || "User-agent: *\nDisallow: /\n"))
        .fallback(async || (StatusCode::NOT_FOUND, "Not Found\n"));
    pages = match &site.playground {
        Some(_) => pages.route("/", get(async || found(debugger::PATH))).merge(playground::router()),
        None => pages.route("/", get(async || ([(header::CONTENT_TYPE, HTML)], HOME))),
    };
    if site.debugger || site.playground.is_some() {
        pages = pages.merge(debugger::router());
    }
    // Compression stays off the hub: it would hold events back.
    let pages =
        pages.with_state(Arc::clone(site)).layer(axum::middleware::map_response(dress)).layer(CompressionLayer::new());
    site.hub.router().merge(pages)
}

const HOME: &str = include_str!("../pages/home.html");

async fn healthz(State(site): State<Arc<Site>>) -> Response {
    let status = if site.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")]).into_response()
}

fn found(path: &'static str) -> Response {
    let mut answer = Redirect::to(path).into_response();
    *answer.status_mut() = StatusCode::FOUND;
    answer
}

async fn dress(mut answer: Response) -> Response {
    for (name, value) in HEADERS {
        answer.headers_mut().entry(name).or_insert(value);
    }
    answer
}
