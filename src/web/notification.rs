//! What a person was told: the list behind the bell, and how much of a room one wants to hear.

use crate::app::App;
use crate::chatroom::member::{self, Level};
use crate::clock::rfc3339;
use crate::db::Lane;
use crate::error::{Error, Result, Text};
use crate::user::notice::{self, Notice};
use crate::user::notification;
use crate::view::context::{NoticeView, Notifications};
use crate::view::locale::Locale;
use crate::web::access::{CurrentUser, InRoom};
use crate::web::asking::Asking;
use crate::web::form::Form;
use crate::web::reply;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

/// GET `/notifications`: the newest, with the number of those that are new.
pub async fn index(State(app): State<App>, asking: Asking, CurrentUser(user): CurrentUser) -> Result<Response> {
    let (notices, unseen, revision) = app
        .db
        .read(move |db| -> Result<_> {
            Ok((notice::list(db, user.id)?, notice::unseen(db, user.id)?, notification::top(db, user.id)?))
        })
        .await?;
    let notices: Vec<NoticeView> = notices.into_iter().map(|notice| view(notice, asking.locale())).collect();
    if asking.wants_json() {
        return reply::json(StatusCode::OK, &json!({ "unseen": unseen, "revision": revision, "notices": notices }));
    }
    let context = Notifications { page: asking.page(&app), notices, unseen, revision };
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

/// A line in the person's language.
fn view(notice: Notice, locale: Locale) -> NoticeView {
    let name = |name: &crate::user::Name| format!("{} {}", name.first_name, name.last_name).trim().to_owned();
    let actor = notice.actor.as_ref().map(name).unwrap_or_default();
    let place = notice.chatroom.as_ref().map(|(_, title)| title).or(notice.goal.as_ref().map(|(_, title)| title));
    let role = notice.role.as_deref().and_then(|role| locale.translate(&format!("told-role-{role}"), []));
    let args = [("name", actor), ("place", place.cloned().unwrap_or_default()), ("role", role.unwrap_or_default())];
    let key = format!("told-{}", notice.kind.replace('_', "-"));
    let text = locale.translate(&key, args.map(|(name, value)| (name, value.into()))).unwrap_or_default();
    let url = match (&notice.chatroom, notice.message, &notice.goal) {
        (Some((room, _)), Some(message), _) => format!("/message/chatroom/{room}#message-{message}"),
        (_, _, Some((goal, _))) => format!("/goal/{goal}"),
        (Some(_) | None, Some(_) | None, None) => "/goals".to_owned(),
    };
    NoticeView {
        revision: notice.revision,
        kind: notice.kind,
        text,
        excerpt: notice.excerpt.unwrap_or_default(),
        actor: notice.actor,
        at: rfc3339(notice.created_at),
        created_at: notice.created_at,
        seen: notice.is_seen,
        url,
    }
}
