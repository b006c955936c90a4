//! What a person was told: the list behind the bell, and how much of a room one wants to hear.

use crate::app::App;
use crate::chatroom::member::{self, Level};
use crate::db::Lane;
use crate::error::{Error, Result, Text};
use crate::user::notice;
use crate::user::notification;
use crate::view::context::{NoticeView, Notifications};
use crate::view::told;
use crate::web::access::{CurrentUser, InRoom};
use crate::web::asking::Asking;
use crate::web::form::Form;
use crate::web::reply;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

/// GET `/notifications`: the newest, or those `before` a revision, with the number of those that are new.
pub async fn index(
    State(app): State<App>,
    asking: Asking,
    CurrentUser(user): CurrentUser,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let before = Form::from_query(query.as_deref().unwrap_or_default())?.id("before")?;
    let (page, unseen, revision) = app
        .db
        .read(move |db| -> Result<_> {
            Ok((notice::list(db, user.id, before)?, notice::unseen(db, user.id)?, notification::top(db, user.id)?))
        })
        .await?;
    let next = page.next;
    let notices: Vec<NoticeView> = page.notices.into_iter().map(|notice| told::line(notice, asking.locale())).collect();
    if asking.wants_json() {
        return reply::json(
            StatusCode::OK,
            &json!({ "unseen": unseen, "revision": revision, "notices": notices, "next": next }),
        );
    }
    let is_further = before.is_some();
    let context = Notifications { page: asking.page(&app), notices, unseen, revision, is_further, next };
    reply::page(&app, StatusCode::OK, "notification/index.html", &context)
}

/// POST `/notifications/seen`: everything up to `revision` was seen; without it, everything there is.
pub async fn seen(
    State(app): State<App>,
    asking: Asking,
    CurrentUser(user): CurrentUser,
    form: Form,
) -> Result<Response> {
    let up_to = form.id("revision")?.unwrap_or(i64::MAX);
    app.db.write(Lane::None, move |tx| notice::mark_seen(tx, user.id, up_to)).await?;
    reply::done(&asking, StatusCode::OK, &json!({}), "/notifications")
}

/// POST `/chatroom/{id}/notifications`: `level` is `all`, `mentions` or `none`.
pub async fn level(State(app): State<App>, asking: Asking, InRoom(member): InRoom, form: Form) -> Result<Response> {
    let wrong = || Error::field("level", Text::new("error-invalid"));
    let level = Level::parse(form.text("level")).ok_or_else(wrong)?;
    let back = format!("/message/chatroom/{}", member.room());
    app.db.write(Lane::Room(member.room().0), move |tx| member::set_level(tx, &member, level)).await?;
    reply::done(&asking, StatusCode::OK, &json!({ "level": level.as_str() }), &back)
}
