//! The live link's token, and the mode in which pages hear of news.

use crate::app::App;
use crate::config::Realtime;
use crate::db::Lane;
use crate::error::{Error, Result, Text};
use crate::setting;
use crate::web::access::{CurrentUser, SiteAdmin};
use crate::web::asking::Asking;
use crate::web::form::Form;
use crate::web::{reply, security};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum_extra::extract::cookie::{Cookie, SameSite};
use clap::ValueEnum;
use serde_json::json;

/// Topics that one page asks for; rooms beyond them are polled.
const TOPICS_MAX: usize = 100;

/// POST `/realtime/token`: where to listen, for what, and the cookie that opens it.
pub async fn token(State(app): State<App>, asking: Asking, CurrentUser(user): CurrentUser) -> Result<Response> {
    let mode = app.live.mode();
    if mode == Realtime::Polling {
        let body = json!({ "hub_url": null, "topics": [], "expires_at": null, "mode": mode, "websocket": false });
        return reply::json(StatusCode::OK, &body);
    }
    let issued_at = app.clock.now();
    let rooms = app.rooms_of(user.id).await?;
    let mut rooms: Vec<_> = rooms.into_iter().map(|listed| (listed.room.top, listed.room.id)).collect();
    rooms.sort_unstable_by(|a, b| b.cmp(a));
    let rooms: Vec<_> = rooms.into_iter().take(TOPICS_MAX).map(|(_, room)| room).collect();
    // Last of all: another hub cannot be told that a session has ended.
    let session = asking.still_signed_in(&app).await?;
    let ticket = app.live.ticket(&session, &rooms, issued_at);
    let seconds = (ticket.expires_at - app.clock.now()) / 1_000_000;
    let mut response = reply::json(
        StatusCode::OK,
        &json!({
            "hub_url": app.live.bell.url(),
            "topics": ticket.topics,
            "expires_at": crate::clock::rfc3339(ticket.expires_at),
            "mode": mode,
            "websocket": app.live.bell.is_embedded(),
        }),
    )?;
    security::set_cookie(&mut response, cookie(&app, ticket.token, seconds));
    Ok(response)
}

/// The hub's cookie, as Mercure names it; it goes to the hub alone.
pub fn cookie(app: &App, token: String, seconds: i64) -> Cookie<'static> {
    let url = app.live.bell.url();
    // The path of the hub's address: after the host, when it names one.
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => url,
    };
    Cookie::build(("mercureAuthorization", token))
        .path(path.to_owned())
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(app.config.is_secure())
        .max_age(time::Duration::seconds(seconds))
        .build()
}

/// POST `/realtime/mode` (`mode`): the site's administrator chooses how pages hear of news; they follow without a reload.
pub async fn mode(State(app): State<App>, asking: Asking, _: SiteAdmin, form: Form) -> Result<Response> {
    let mode =
        Realtime::from_str(form.text("mode"), false).map_err(|_| Error::field("mode", Text::new("error-invalid")))?;
    app.db.write(Lane::None, move |tx| setting::put(tx, setting::REALTIME, mode.as_str())).await?;
    app.live.change_mode(mode);
    reply::done(&asking, StatusCode::OK, &json!({ "mode": mode }), reply::local_path(form.text("back")).unwrap_or("/"))
}
