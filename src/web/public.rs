//! The browser's files, and what crawlers may read.

use crate::app::App;
use crate::error::{Error, Result};
use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// GET `/public/{digest}/{path}`: a file that never changes under its address.
pub async fn file(State(app): State<App>, params: RawPathParams) -> Result<Response> {
    let param = |name| params.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value);
    let asset = app.views.assets().find(param("digest"), param("path")).ok_or(Error::NotFound)?;
    let mut response = Body::from(asset.body.into_owned()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, asset.media_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    Ok(response)
}

/// GET `/robots.txt`: rooms are private and lists of goals no business of search engines.
pub async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /\n"
}
