//! Outcomes become answers here and nowhere else: one exhaustive match from outcome to status, then a page or JSON.

use crate::app::App;
use crate::error::{Error, Fields, Result, Text};
use crate::view::context::{ErrorPage, Errors};
use crate::view::locale::Locale;
use crate::web::asking::Asking;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use tokio::task::JoinError;

/// Sentences that a redirect may ask the next page to show: `?notice=` and one of these.
const NOTICES: [&str; 17] = [
    "notice-signed-out",
    "notice-joined-asked",
    "notice-approved",
    "notice-refused",
    "notice-left",
    "notice-removed",
    "notice-goal-created",
    "notice-handed-over",
    "notice-role-changed",
    "notice-goal-edited",
    "notice-goal-deleted",
    "notice-room-deleted",
    "notice-room-locked",
    "notice-room-unlocked",
    "notice-room-archived",
    "notice-room-restored",
    "notice-saved",
];

/// Seconds after which an overload may have passed.
const OVERLOAD_RETRY: u64 = 2;

/// The notice that a query asks for.
pub fn notice(query: &str) -> Option<&'static str> {
    let wanted = query.split('&').find_map(|pair| pair.strip_prefix("notice="))?;
    NOTICES.into_iter().find(|key| key.strip_prefix("notice-") == Some(wanted))
}

/// An outcome on its way out, until [`explain`] knows who asked.
#[derive(Clone)]
struct Unexplained(Arc<Error>);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = status(&self).into_response();
        if let Some(seconds) = retry_after(&self) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Unexplained(Arc::new(self)));
        response
    }
}

/// When it may work, for those that pass by themselves.
fn retry_after(error: &Error) -> Option<u64> {
    match error {
        Error::TooMany { retry_after } | Error::Busy { retry_after } => Some(*retry_after),
        Error::Unavailable => Some(OVERLOAD_RETRY),
        Error::Unauthenticated
        | Error::Forbidden(_)
        | Error::NotFound
        | Error::Conflict(_)
        | Error::Invalid(_)
        | Error::TooLarge
        | Error::FileTooLarge(_)
        | Error::Full(_)
        | Error::Internal(_) => None,
    }
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::Unauthenticated => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::NotFound => StatusCode::NOT_FOUND,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::TooLarge | Error::FileTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Error::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
        Error::Busy { .. } | Error::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Code, title and sentence of an outcome.
fn words(error: &Error) -> (&'static str, Text, Text) {
    let titled = |code, title, message| (code, Text::new(title), message);
    match error {
        Error::Unauthenticated => {
            titled("unauthenticated", "error-unauthenticated-title", Text::new("error-unauthenticated"))
        }
        Error::Forbidden(text) => titled("forbidden", "error-forbidden-title", text.clone()),
        Error::NotFound => titled("not_found", "error-not-found-title", Text::new("error-not-found")),
        Error::Conflict(text) => titled("conflict", "error-conflict-title", text.clone()),
        Error::Invalid(fields) => {
            let first = fields.0.first().map(|(_, text)| text.clone());
            titled("invalid", "error-invalid-title", first.unwrap_or_else(|| Text::new("error-invalid")))
        }
        Error::TooLarge => titled("too_large", "error-too-large-title", Text::new("error-too-large")),
        Error::FileTooLarge(text) => titled("too_large", "error-too-large-title", text.clone()),
        Error::TooMany { retry_after } => titled("too_many", "error-too-many-title", wait(*retry_after)),
        Error::Full(text) => titled("full", "error-full-title", text.clone()),
        Error::Busy { .. } | Error::Unavailable => {
            titled("unavailable", "error-unavailable-title", Text::new("error-unavailable"))
        }
        Error::Internal(_) => titled("internal", "error-internal-title", Text::new("error-internal")),
    }
}

/// When to come back, in a unit that can be read.
fn wait(seconds: u64) -> Text {
    match seconds {
        0..120 => Text::new("too-many-attempts").with("seconds", seconds),
        120..7_200 => Text::new("too-many-attempts-minutes").with("minutes", seconds.div_ceil(60)),
        _ => Text::new("too-many-attempts-hours").with("hours", seconds.div_ceil(3_600)),
    }
}

/// Faults by field, in a language.
pub fn errors(fields: &Fields, locale: Locale) -> Errors {
    fields.0.iter().map(|(field, text)| (field.to_string(), locale.text(text))).collect()
}

/// Gives an outcome its body, now that it is known who asked; logs our own faults, once.
pub fn explain(app: &App, asking: &Asking, mut response: Response) -> Response {
    let Some(Unexplained(error)) = response.extensions_mut().remove::<Unexplained>() else { return response };
    if let Error::Internal(source) = &*error {
        // What a task panicked with may quote what somebody wrote.
        match source.is::<JoinError>() {
            true => tracing::error!("internal error: a task was cut off"),
            false => tracing::error!(error = %source, "internal error"),
        }
    }
    if matches!(*error, Error::Unauthenticated) && !asking.wants_json() {
        return see_other(&login_url(asking));
    }
    let (code, title, text) = words(&error);
    let locale = asking.locale();
    let message = locale.text(&text);
    let explained = if asking.wants_json() {
        let mut body = json!({ "error": { "code": code, "message": message } });
        if let Error::Invalid(fields) = &*error {
            let fields: Map<String, Value> =
                errors(fields, locale).into_iter().map(|(field, text)| (field, Value::String(text))).collect();
            body["error"]["fields"] = Value::Object(fields);
        }
        json_text(response.status(), body.to_string())
    } else {
        let context = ErrorPage {
            page: asking.page(app),
            status: response.status().as_u16(),
            title: locale.text(&title),
            message,
        };
        match app.views.render("error.html", &context) {
            Ok(html) => html_text(response.status(), html),
            Err(error) => {
                tracing::error!(%error, "the error page cannot be rendered");
                (response.status(), context.message).into_response()
            }
        }
    };
    let (parts, body) = explained.into_parts();
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().extend(parts.headers);
    *response.body_mut() = body;
    response
}

/// Where to sign in, and come back.
fn login_url(asking: &Asking) -> String {
    match asking.path() {
        "/" | "/logout" => "/login".to_owned(),
        path => {
            format!("/login?next={}", percent_encoding::utf8_percent_encode(path, percent_encoding::NON_ALPHANUMERIC))
        }
    }
}

/// A page.
///
/// # Errors
/// `Internal`.
pub fn page(app: &App, status: StatusCode, template: &str, context: &impl Serialize) -> Result<Response> {
    app.views.render(template, context).map(|html| html_text(status, html))
}

fn html_text(status: StatusCode, html: String) -> Response {
    let mut response = (status, Body::from(html)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// JSON from a value.
///
/// # Errors
/// `Internal`.
pub fn json(status: StatusCode, value: &impl Serialize) -> Result<Response> {
    serde_json::to_string(value).map(|text| json_text(status, text)).map_err(Error::internal)
}

/// JSON that is written already.
pub fn json_text(status: StatusCode, text: String) -> Response {
    let mut response = (status, Body::from(text)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Elsewhere, after a form.
pub fn see_other(location: &str) -> Response {
    let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// JSON for a program, a redirect for a form.
///
/// # Errors
/// `Internal`.
pub fn done(asking: &Asking, status: StatusCode, value: &impl Serialize, location: &str) -> Result<Response> {
    if asking.wants_json() { json(status, value) } else { Ok(see_other(location)) }
}

/// A path on this site to go to, or none: `//host` and `/\host` are other sites.
pub fn local_path(text: &str) -> Option<&str> {
    let mut chars = text.chars();
    let is_local = chars.next() == Some('/') && !matches!(chars.next(), Some('/' | '\\'));
    (is_local && !text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_stays_on_this_site() {
        assert_eq!(local_path("/goal/1?x=y"), Some("/goal/1?x=y"));
        for foreign in ["", "goal", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nSet-Cookie: x"]
        {
            assert_eq!(local_path(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn only_known_notices_are_shown() {
        assert_eq!(notice("a=b&notice=left"), Some("notice-left"));
        assert_eq!(notice("notice=<b>"), None);
    }
}
