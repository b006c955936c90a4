//! Replies: every refusal as one status with its challenge, and the headers that all answers carry.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{auth::origin::Origins, engine::admission::Refused};

/// What the hub's address can be asked.
const METHODS: &str = "GET, HEAD, POST, QUERY, OPTIONS";

/// Says in which forms a QUERY may come (RFC 10008 section 3).
static ACCEPT_QUERY: HeaderName = HeaderName::from_static("accept-query");
const QUERY_FORM: &str = "application/x-www-form-urlencoded";

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
    /// 404.
    NotFound,
    /// 405.
    Method,
    /// 408: the body did not come.
    Timeout,
    /// 409: an update with this id is known, and ids may not repeat.
    Duplicate,
    /// 413.
    TooLarge,
    /// 415: a query in another form.
    MediaType,
    /// 421: the hub is not reached under this address.
    Misdirected,
    /// 429: this person has too many streams.
    TooMany,
    /// 429: this token has published too much; to come back after so many seconds.
    Paced(u32),
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
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::Duplicate => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::TooMany | Self::Paced(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable | Self::NotWritten => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The challenge of RFC 6750 section 3 with which it is answered, and the error code in it.
    fn challenge(self) -> Option<Option<&'static str>> {
        match self {
            Self::NoToken | Self::ForeignOrigin => Some(None),
            Self::InvalidToken => Some(Some("invalid_token")),
            Self::Forbidden => Some(Some("insufficient_scope")),
            Self::Malformed => Some(Some("invalid_request")),
            Self::Bad(_)
            | Self::Upgrade
            | Self::NotFound
            | Self::Method
            | Self::Timeout
            | Self::Duplicate
            | Self::TooLarge
            | Self::MediaType
            | Self::Misdirected
            | Self::TooMany
            | Self::Paced(_)
            | Self::Unavailable
            | Self::NotWritten => None,
        }
    }

    fn header(self) -> Option<(HeaderName, &'static str)> {
        match self {
            Self::Upgrade => Some((header::SEC_WEBSOCKET_VERSION, "13")),
            Self::Method => Some((header::ALLOW, METHODS)),
            Self::MediaType => Some((ACCEPT_QUERY.clone(), QUERY_FORM)),
            Self::TooMany | Self::Unavailable | Self::NotWritten => Some((header::RETRY_AFTER, "5")),
            Self::NoToken
            | Self::InvalidToken
            | Self::Forbidden
            | Self::Malformed
            | Self::ForeignOrigin
            | Self::Bad(_)
            | Self::NotFound
            | Self::Paced(_)
            | Self::Timeout
            | Self::Duplicate
            | Self::TooLarge
            | Self::Misdirected => None,
        }
    }

    /// The answer. A challenge tells where the hub's metadata stand (RFC 9728 section 5.1), which `metadata` knows.
    pub(crate) fn respond(self, metadata: impl FnOnce() -> Option<String>) -> Response {
        let text = match self {
            Self::Bad(text) => text,
            Self::NotWritten => "The update could not be stored",
            Self::NoToken
            | Self::InvalidToken
            | Self::Forbidden
            | Self::Malformed
            | Self::ForeignOrigin
            | Self::Upgrade
            | Self::NotFound
            | Self::Method
            | Self::Timeout
            | Self::Duplicate
            | Self::TooLarge
            | Self::MediaType
            | Self::Misdirected
            | Self::TooMany
            | Self::Paced(_)
            | Self::Unavailable => self.status().canonical_reason().unwrap_or_default(),
        };
        let mut response = (self.status(), format!("{text}\n")).into_response();
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        if let Self::Paced(seconds) = self {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(error) = self.challenge() {
            let error = error.map(|error| format!("error=\"{error}\""));
            // A URL holds no quotes, so neither needs escaping.
            let metadata = metadata().map(|url| format!("resource_metadata=\"{url}\""));
            let parameters: Vec<_> = error.into_iter().chain(metadata).collect();
            let challenge = format!("Bearer {}", parameters.join(", "));
            if let Ok(value) = HeaderValue::from_str(challenge.trim_end()) {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
            }
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.respond(|| None)
    }
}

/// What every answer carries against being framed, sniffed or run as a page.
const SECURITY: [(HeaderName, HeaderValue); 5] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // The addresses hold topics, and may hold a token.
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_XSS_PROTECTION, HeaderValue::from_static("1; mode=block")),
];

/// Puts the security headers on an answer.
pub(crate) fn secure(response: &mut Response) {
    response.headers_mut().extend(SECURITY.map(|(name, value)| (Some(name), value)));
}

/// Puts the security headers on an answer, and what lets the pages of listed origins read it.
pub(crate) fn dress(response: &mut Response, origin: Option<&HeaderValue>, allowed: &Origins) {
    secure(response);
    let headers = response.headers_mut();
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
    headers.insert(header::ALLOW, HeaderValue::from_static(METHODS));
    headers.insert(ACCEPT_QUERY.clone(), HeaderValue::from_static(QUERY_FORM));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST, QUERY"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, cache-control, last-event-id"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    (StatusCode::NO_CONTENT, headers).into_response()
}
