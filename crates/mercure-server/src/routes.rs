//! Every route of the main port: the hub, and the small pages around it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use tower_http::compression::CompressionLayer;

use crate::server::Site;
use crate::{debugger, playground};

/// What the hub can be asked when nobody can publish.
const READING: &str = "GET, HEAD, QUERY, OPTIONS";
const HTML: &str = "text/html; charset=utf-8";

/// What every small page carries; those that need more of the policy set their own. `connect-src`: who tries the hub from the console of its page, or runs a
/// conformance suite there, opens streams to this origin. It lets in nothing that the page loads by itself: it has no script.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'self'; connect-src 'self'"),
    ),
];

pub(crate) fn router(site: &Arc<Site>) -> Router {
    let mut pages = Router::new()
        .route("/healthz", get(healthz))
        .route("/robots.txt", get(async || "User-agent: *\nDisallow: /\n"))
        .fallback(async || (StatusCode::NOT_FOUND, "Not Found\n"));
    pages = match &site.playground {
        Some(_) => pages.route("/", get(async || found(debugger::PATH))),
        None => pages.route("/", get(async || ([(header::CONTENT_TYPE, HTML)], HOME))),
    };
    if site.echo {
        pages = pages.merge(playground::router());
    }
    if site.debugger {
        pages = pages.merge(debugger::router());
    }
    // Compression stays off the hub: it would hold events back.
    let pages =
        pages.with_state(Arc::clone(site)).layer(axum::middleware::map_response(dress)).layer(CompressionLayer::new());
    let hub = site.hub.router();
    let hub = if site.read_only { hub.layer(axum::middleware::from_fn(only_read)) } else { hub };
    hub.merge(pages)
}

/// As the reference does without a publisher's key: a token would be of no use.
async fn only_read(request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    dress((StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, READING)], "Method Not Allowed\n").into_response()).await
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
