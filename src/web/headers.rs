//! What every answer of the application tells the browser to refuse.

use crate::app::App;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

/// The layer: adds to every answer what it does not say itself.
pub async fn secure(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    add(response.headers_mut(), &app);
    response
}

fn add(headers: &mut HeaderMap, app: &App) {
    let mut put = |name: HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    put(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    put(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    put(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    put(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    put(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    put(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(self), payment=(), usb=()"),
    );
    if let Ok(policy) = HeaderValue::from_str(&content_security_policy(app)) {
        put(header::CONTENT_SECURITY_POLICY, policy);
    }
    if app.config.is_secure() {
        put(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    // Who goes back after signing out must not see the room again.
    put(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
}

/// Nothing inline, nothing from elsewhere; HTML enters a page only through the one named policy of Trusted Types.
fn content_security_policy(app: &App) -> String {
    let hub = app.config.external_hub.as_ref().map_or("", |hub| hub.public_url.as_str());
    // 'self' means the page's scheme to some browsers: ws: to the same host is named for them.
    let socket = app.config.public_url.replacen("http", "ws", 1);
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; \
         connect-src 'self' {socket} {hub}; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types palabre"
    )
}
