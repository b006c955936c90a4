//! Replies: every refusal as one status with its challenge, and the headers that all answers carry.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{auth::origin::Origins, engine::admission::Refused};

/// Why a request is not served. It never says more than its bearer needs: the reason of a 401 stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 401 without an error code: a token is needed and there is none (RFC 6750 section 3.1).
    NoToken,
    /// 401 `invalid_token`.
    InvalidToken,
    /// 403 `insufficient_scope`: a good token, or a cookie from a page that is not listed, that does not allow this.
    Forbidden,
    /// 400 `invalid_request`: the token is presented in a way that is none.
    Malformed,
    /// 403: a WebSocket from a page that is not listed.
    ForeignOrigin,
    /// 400 for anything else in the request.
    Bad(&'static str),
    /// 426: a WebSocket handshake of another version.
    Upgrade,
    /// 405.
    Method,
    /// 408: the body did not come.
    Timeout,
    /// 413.
    TooLarge,
    /// 429: this person has too many streams.
    TooMany,
    /// 503: the hub is closed or full.
    Unavailable,
    /// 503: the history on disk fails.
    NotWritten,
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Revoked => Self::InvalidToken,
            Refused::TooManyOfSubject => Self::TooMany,
            Refused::Closed | Refused::TooMany => Self::Unavailable,
        }
    }
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::NoToken | Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::Malformed | Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::Upgrade => StatusCode::UPGRADE_REQUIRED,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable | Self::NotWritten => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn header(self) -> Option<(HeaderName, &'static str)> {
        match self {
            Self::NoToken | Self::ForeignOrigin => Some((header::WWW_AUTHENTICATE, "Bearer")),
            Self::InvalidToken => Some((header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")),
            Self::Forbidden => Some((header::WWW_AUTHENTICATE, "Bearer error=\"insufficient_scope\"")),
            Self::Malformed => Some((header::WWW_AUTHENTICATE, "Bearer error=\"invalid_request\"")),
            Self::Upgrade => Some((header::SEC_WEBSOCKET_VERSION, "13")),
            Self::Method => Some((header::ALLOW, "GET, HEAD, POST, OPTIONS")),
            Self::TooMany | Self::Unavailable | Self::NotWritten => Some((header::RETRY_AFTER, "5")),
            Self::Bad(_) | Self::Timeout | Self::TooLarge => None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let text = match self {
            Self::Bad(text) => text,
            Self::NotWritten => "The update could not be stored",
            Self::NoToken
            | Self::InvalidToken
            | Self::Forbidden
            | Self::Malformed
            | Self::ForeignOrigin
            | Self::Upgrade
            | Self::Method
            | Self::Timeout
            | Self::TooLarge
            | Self::TooMany
            | Self::Unavailable => self.status().canonical_reason().unwrap_or_default(),
        };
        let mut response = (self.status(), format!("{text}\n")).into_response();
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// What every answer carries against being framed, sniffed or run as a page.
const SECURITY: [(HeaderName, HeaderValue); 4] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::X_XSS_PROTECTION, HeaderValue::from_static("1; mode=block")),
];

/// Puts the security headers on an answer, and what lets the pages of listed origins read it.
pub(crate) fn dress(response: &mut Response, origin: Option<&HeaderValue>, allowed: &Origins) {
    let headers = response.headers_mut();
    headers.extend(SECURITY.map(|(name, value)| (Some(name), value)));
    let Some(origin) = origin else { return };
    if allowed.any() {
        // With credentials the wildcard would hand every page the streams of its visitors.
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if !origin.to_str().is_ok_and(|origin| allowed.allow(origin)) {
            return;
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    let exposed = HeaderValue::from_static("Link, Mercure-Last-Event-ID, Last-Event-ID");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
}

/// The answer to a preflight; [`dress`] says to whom it applies.
pub(crate) fn preflight() -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST, OPTIONS"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, cache-control, last-event-id"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    (StatusCode::NO_CONTENT, headers).into_response()
}
