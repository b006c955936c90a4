//! A person's own: where to begin, language and theme, news of all rooms for who polls.

use crate::app::App;
use crate::chatroom;
use crate::db::Lane;
use crate::error::{Error, Result, Text};
use crate::user::{self as account, notification};
use crate::view::locale::Locale;
use crate::web::access::CurrentUser;
use crate::web::asking::{Asking, LOCALE_COOKIE, THEME_COOKIE};
use crate::web::form::Form;
use crate::web::{reply, security};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

/// How long a choice of language or theme is kept, in seconds: a year.
const YEAR: i64 = 365 * 24 * 3_600;

/// GET `/`: the first account, the goals, or the person's first room.
pub async fn home(State(app): State<App>, asking: Asking) -> Result<Response> {
    let Some(user) = asking.user() else {
        let is_first = app.db.read(account::is_first_account).await?;
        return Ok(reply::see_other(if is_first { "/register" } else { "/goals" }));
    };
    let rooms = app.rooms_of(user).await?;
    let unread_first = rooms.iter().max_by_key(|listed| (listed.unread > 0, listed.room.top));
    Ok(match unread_first {
        Some(listed) => reply::see_other(&format!("/message/chatroom/{}", listed.room.id)),
        None => reply::see_other("/goals"),
    })
}

/// POST `/preferences`: `locale`, `theme`, and `back` to return to.
pub async fn preferences(State(app): State<App>, asking: Asking, form: Form) -> Result<Response> {
    let back = reply::local_path(form.text("back")).unwrap_or("/");
    let mut response = reply::done(&asking, StatusCode::OK, &json!({}), back)?;
    if !form.text("locale").is_empty() {
        let locale: Locale =
            form.text("locale").parse().map_err(|_| Error::field("locale", Text::new("error-invalid")))?;
        if let Some(session) = asking.session() {
            let (user, hash) = (session.user.id, session.token_hash);
            app.db.write(Lane::None, move |tx| account::update_locale(tx, user, locale.as_str())).await?;
            app.sessions.forget(&hash);
        }
        let cookie = security::cookie(&app, LOCALE_COOKIE.to_owned(), locale.as_str().to_owned(), YEAR);
        security::set_cookie(&mut response, cookie);
    }
    match form.text("theme") {
        "" => {}
        theme @ ("auto" | "light" | "dark") => {
            let cookie = security::cookie(&app, THEME_COOKIE.to_owned(), theme.to_owned(), YEAR);
            security::set_cookie(&mut response, cookie);
        }
        _ => return Err(Error::field("theme", Text::new("error-invalid"))),
    }
    Ok(response)
}

/// GET `/user/fetch?since=`: all my rooms and my own events in one answer, for pages that poll.
pub async fn fetch(
    State(app): State<App>,
    CurrentUser(user): CurrentUser,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    app.live.aware.presence.polled(user.id, app.clock.now());
    let since = query.as_deref().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("since=")));
    let since: Option<i64> = match since {
        None | Some("") => None,
        Some(text) => Some(text.parse().map_err(|_| Error::field("since", Text::new("field-number")))?),
    };
    let (top, events, rooms) = app
        .db
        .read(move |db| -> Result<_> {
            let top = notification::top(db, user.id)?;
            // Who asks without a cursor has just loaded a page, or comes from another history: the lists tell the rest.
            let events = match since {
                Some(since) if since < top => notification::since(db, user.id, since)?,
                Some(_) | None => Vec::new(),
            };
            Ok((top, events, chatroom::of_user(db, user.id)?))
        })
        .await?;
    let rooms: Vec<Value> = rooms
        .into_iter()
        .map(|listed| {
            json!({
                "id": listed.room.id,
                "title": listed.room.title,
                "kind": listed.room.kind,
                "state": listed.room.state,
                "epoch": &*app.live.epoch,
                "revision": listed.room.top,
                "unread": listed.unread,
                "mentions": listed.mentions,
                "muted": listed.is_muted,
            })
        })
        .collect();
    let revision = events.last().map_or(top, |event| event.revision);
    reply::json(
        StatusCode::OK,
        &json!({ "revision": revision, "mode": app.live.mode(), "rooms": rooms, "events": events }),
    )
}
