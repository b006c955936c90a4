//! Every route, then the layers around them with the reason for each.

pub mod access;
pub mod asking;
pub mod attachment;
pub mod budget;
pub mod chatroom;
pub mod export;
pub mod form;
pub mod goal;
pub mod headers;
pub mod health;
pub mod mark;
pub mod message;
pub mod notification;
pub mod presence;
pub mod preview;
pub mod public;
pub mod push;
pub mod realtime;
pub mod receipt;
pub mod reply;
pub mod request_id;
pub mod search;
pub mod security;
pub mod settings;
pub mod upload;
pub mod user;
pub mod voice;

use crate::app::App;
use axum::Router;
use axum::extract::Request;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate};
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::trace::TraceLayer;
use tracing::Instrument;

use crate::error::{Error, Text};
use std::any::Any;
use std::time::Duration;

/// All routes of the application, the hub beside them.
pub fn router(app: &App) -> Router {
    let router = routes().with_state(app.clone());
    let router = layers(router, app);
    match app.live.bell.hub() {
        // The hub has its own rules for cookies and origins, its own headers, and streams that no layer may hold up.
        Some(hub) => router.merge(hub_layers(hub.router(), app)),
        None => router,
    }
}

/// The table of routes: method and path, as `tests/it/policy.rs` walks through it.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/robots.txt"),
    ("GET", "/public/{digest}/{*path}"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/register"),
    ("POST", "/register"),
    ("POST", "/logout"),
    ("POST", "/preferences"),
    ("GET", "/user/fetch"),
    ("POST", "/realtime/token"),
    ("POST", "/realtime/mode"),
    ("GET", "/goals"),
    ("GET", "/goal/new"),
    ("POST", "/goal/new"),
    ("GET", "/goal/{id}"),
    ("GET", "/goal/{id}/edit"),
    ("POST", "/goal/{id}/edit"),
    ("POST", "/goal/{id}/delete"),
    ("POST", "/goal/{id}/join"),
    ("POST", "/goal/{id}/leave"),
    ("POST", "/goal/{id}/participation/{user}/approve"),
    ("POST", "/goal/{id}/participation/{user}/refuse"),
    ("POST", "/goal/{id}/participation/{user}/remove"),
    ("POST", "/goal/{id}/participation/{user}/role"),
    ("GET", "/message/chatroom/{id}"),
    ("POST", "/message/chatroom/{id}"),
    ("GET", "/message/chatroom/{id}/fetch"),
    ("POST", "/message/{id}/edit"),
    ("POST", "/message/{id}/delete"),
    ("POST", "/message/{id}/mark-read"),
    ("POST", "/message/{id}/react/{emoji}"),
    ("POST", "/message/{id}/pin"),
    ("POST", "/message/{id}/unpin"),
    ("POST", "/message/{id}/hide"),
    ("GET", "/message/{id}/versions"),
    ("GET", "/message/chatroom/{id}/pins"),
    ("POST", "/message/chatroom/{id}/send-voice"),
    ("GET", "/message/chatroom/{id}/export"),
    ("GET", "/attachment/{id}"),
    ("GET", "/attachment/{id}/thumbnail"),
    ("GET", "/message/chatroom/{id}/search"),
    ("GET", "/search"),
    ("POST", "/message/chatroom/{id}/preview"),
    ("POST", "/message/{id}/previews/remove"),
    ("GET", "/message/chatroom/{id}/hidden"),
    ("GET", "/message/{id}"),
    ("GET", "/message/{id}/reactions"),
    ("GET", "/chatroom/{id}/members"),
    ("POST", "/chatroom/{id}/lock"),
    ("POST", "/chatroom/{id}/unlock"),
    ("POST", "/chatroom/{id}/archive"),
    ("POST", "/chatroom/{id}/restore"),
    ("POST", "/chatroom/{id}/delete"),
    ("GET", "/notifications"),
    ("POST", "/notifications/seen"),
    ("POST", "/chatroom/{id}/notifications"),
    ("GET", "/sw.js"),
    ("POST", "/push/subscribe"),
    ("POST", "/push/unsubscribe"),
    ("POST", "/push/test"),
    ("GET", "/settings"),
    ("POST", "/settings"),
    ("GET", "/unsubscribe/{token}"),
    ("POST", "/unsubscribe/{token}"),
    ("POST", "/message/{id}/mark-unread"),
    ("GET", "/message/{id}/reads"),
    ("POST", "/presence/typing/{id}"),
    ("POST", "/presence/away"),
    ("GET", "/presence/{id}"),
    ("POST", "/settings/reads"),
];

fn routes() -> Router<App> {
    Router::new()
        // What machines ask
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/robots.txt", get(public::robots))
        .route("/public/{digest}/{*path}", get(public::file))
        // People
        .route("/", get(user::home))
        .route("/login", get(security::login_form).post(security::login))
        .route("/register", get(security::register_form).post(security::register))
        .route("/logout", post(security::logout))
        .route("/preferences", post(user::preferences))
        .route("/user/fetch", get(user::fetch))
        // The live link
        .route("/realtime/token", post(realtime::token))
        .route("/realtime/mode", post(realtime::mode))
        // Goals
        .route("/goals", get(goal::list::index))
        .route("/goal/new", get(goal::new).post(goal::create))
        .route("/goal/{id}", get(goal::show))
        .route("/goal/{id}/edit", get(goal::edit::show).post(goal::edit::edit))
        .route("/goal/{id}/delete", post(goal::edit::delete))
        .route("/goal/{id}/join", post(goal::join))
        .route("/goal/{id}/leave", post(goal::leave))
        .route("/goal/{id}/participation/{user}/approve", post(goal::approve))
        .route("/goal/{id}/participation/{user}/refuse", post(goal::refuse))
        .route("/goal/{id}/participation/{user}/remove", post(goal::remove))
        .route("/goal/{id}/participation/{user}/role", post(goal::role))
        // The room and its messages
        .route("/message/chatroom/{id}", get(chatroom::show).post(message::create))
        .route("/message/chatroom/{id}/fetch", get(message::fetch))
        .route("/message/{id}/edit", post(message::edit))
        .route("/message/{id}/delete", post(message::delete))
        .route("/message/{id}/mark-read", post(receipt::mark_read))
        .route("/message/{id}/react/{emoji}", post(mark::react))
        .route("/message/{id}/pin", post(mark::pin))
        .route("/message/{id}/unpin", post(mark::unpin))
        .route("/message/{id}/hide", post(mark::hide))
        .route("/message/{id}/versions", get(mark::versions))
        .route("/message/chatroom/{id}/pins", get(mark::pins))
        // What a person is told, and where
        .route("/notifications", get(notification::index))
        .route("/notifications/seen", post(notification::seen))
        .route("/chatroom/{id}/notifications", post(notification::level))
        .route("/sw.js", get(push::worker))
        .route("/push/subscribe", post(push::subscribe))
        .route("/push/unsubscribe", post(push::unsubscribe))
        .route("/push/test", post(push::test))
        .route("/settings", get(settings::show).post(settings::save))
        .route("/unsubscribe/{token}", get(settings::unsubscribe_form).post(settings::unsubscribe))
        .route("/message/chatroom/{id}/send-voice", post(voice::create))
        .route("/message/chatroom/{id}/export", get(export::room))
        .route("/attachment/{id}", get(attachment::show))
        .route("/attachment/{id}/thumbnail", get(attachment::thumbnail))
        .route("/message/chatroom/{id}/search", get(search::in_room))
        .route("/search", get(search::everywhere))
        .route("/message/chatroom/{id}/preview", post(preview::show))
        .route("/message/{id}/previews/remove", post(preview::remove))
        .route("/message/chatroom/{id}/hidden", get(mark::all_hidden))
        .route("/message/{id}", get(message::show))
        .route("/message/{id}/reactions", get(mark::reactions))
        // The room as a whole
        .route("/chatroom/{id}/members", get(chatroom::people::index))
        .route("/chatroom/{id}/lock", post(chatroom::state::lock))
        .route("/chatroom/{id}/unlock", post(chatroom::state::unlock))
        .route("/chatroom/{id}/archive", post(chatroom::state::archive))
        .route("/chatroom/{id}/restore", post(chatroom::state::restore))
        .route("/chatroom/{id}/delete", post(chatroom::state::delete))
        .route("/message/{id}/mark-unread", post(receipt::mark_unread))
        .route("/message/{id}/reads", get(receipt::seen))
        // Who types, who is here, and who shows it
        .route("/presence/typing/{id}", post(presence::typing))
        .route("/presence/away", post(presence::away))
        .route("/presence/{id}", get(presence::show))
        .route("/settings/reads", post(receipt::share))
        .fallback(async || Error::NotFound)
        .method_not_allowed_fallback(async || (StatusCode::METHOD_NOT_ALLOWED, Error::NotFound.into_response()))
}

/// The layers, the innermost first.
pub fn layers(router: Router, app: &App) -> Router {
    let id = request_id::NAME;
    // Only the browser knows whether its own page asks: Sec-Fetch-Site, or Origin against Host. A program sends neither.
    let csrf = CsrfLayer::new()
        .with_rejection_response(|_: ProtectionError| Error::Forbidden(Text::new("foreign-origin")).into_response());
    let csrf = csrf.clone().add_trusted_origin(&app.config.public_url).unwrap_or(csrf);
    router
        // A write goes on to its end when its client leaves: what was committed is rung.
        .layer(from_fn(detach))
        // What it costs. Inside of CSRF: a forged request takes nothing from who is made to send it.
        .layer(from_fn_with_state(app.clone(), budget::spend))
        .layer(csrf)
        // A panic is one request's misfortune, not the server's. Inside of the layers that explain and protect an answer.
        .layer(CatchPanicLayer::custom(panicked))
        // Who asks, in which language; turns an outcome into a page or JSON. Outside of CSRF, so that its refusal is told too.
        .layer(from_fn_with_state(app.clone(), asking::identify))
        // What may be asked for in parts is served as it is: a part of something compressed is nothing.
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(is_whole)))
        // What goes wrong in the layers around a handler: without words, but not without headers.
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(headers::Defaults::new(app), headers::secure))
        // Paths are people's business (they name rooms): the log has the method, the status and the request's id.
        .layer(TraceLayer::new_for_http().make_span_with(span).on_request(()).on_response(answered).on_failure(()))
        .layer(PropagateRequestIdLayer::new(id.clone()))
        .layer(SetRequestIdLayer::new(id, MakeRequestUuid))
        .layer(from_fn_with_state(app.clone(), request_id::keep_trusted))
}

/// The layers of the hub's own routes, the innermost first.
pub fn hub_layers(router: Router, app: &App) -> Router {
    let router = router.layer(from_fn_with_state(app.clone(), budget::connect));
    router.layer(CatchPanicLayer::custom(hub_panicked))
}

fn is_whole(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    !headers.contains_key(header::ACCEPT_RANGES)
}

fn span(request: &Request) -> tracing::Span {
    let id = request.headers().get(request_id::NAME).and_then(|id| id.to_str().ok()).unwrap_or_default();
    tracing::info_span!("request", method = %request.method(), id)
}

fn answered(response: &Response, took: Duration, _: &tracing::Span) {
    let status = response.status().as_u16();
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(status, ?took, "answered");
    } else {
        tracing::debug!(status, ?took, "answered");
    }
}

/// What a panic becomes: our own fault, like any other. Its words may quote what somebody wrote; `main` logs where it happened.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Error::internal("a handler panicked").into_response()
}

/// The hub's answers have no page and no layer of ours: a bare status that no browser reads anything into.
fn hub_panicked(_: Box<dyn Any + Send>) -> Response {
    let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
    for (name, value) in headers::BARE {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn detach(request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    match tokio::spawn(next.run(request).in_current_span()).await {
        Ok(response) => response,
        Err(error) => Error::internal(error).into_response(),
    }
}

/// A header by name, as text.
fn header_text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
