//! What every answer of the application tells the browser to refuse.

use crate::app::App;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;

/// What an answer says that has no content.
pub const BARE: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::CACHE_CONTROL, "no-store"),
];

/// The headers, made once: they are the same on every answer. A cheap clone.
#[derive(Clone)]
pub struct Defaults(Arc<[(HeaderName, HeaderValue)]>);

impl Defaults {
    /// What this installation's answers say.
    pub fn new(app: &App) -> Self {
        let mut headers = vec![
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
            (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
            (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
            (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
            (
                HeaderName::from_static("permissions-policy"),
                HeaderValue::from_static("camera=(), geolocation=(), microphone=(self), payment=(), usb=()"),
            ),
            // Who goes back after signing out must not see the room again.
            (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
        ];
        let policy = HeaderValue::from_str(&content_security_policy(app));
        headers.extend(policy.map(|policy| (header::CONTENT_SECURITY_POLICY, policy)));
        if app.config.is_secure() {
            headers.push((header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000")));
        }
        Self(Arc::from(headers))
    }
}

/// The layer: adds to every answer what it does not say itself.
pub async fn secure(State(defaults): State<Defaults>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in &*defaults.0 {
        response.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    response
}

/// Nothing inline, nothing from elsewhere; HTML enters a page only through the one named policy of Trusted Types.
fn content_security_policy(app: &App) -> String {
    let hub = app.config.external_hub.as_ref().map_or("", |hub| hub.public_url.as_str());
    // 'self' means the page's scheme to some browsers: ws: to the same host is named for them.
    let socket = app.config.public_url.replacen("http", "ws", 1);
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
         media-src 'self' blob:; font-src 'self'; \
         connect-src 'self' {socket} {hub}; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types palabre"
    )
}
