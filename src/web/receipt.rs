//! What has been read: one's own bookmark, what the others are told of it, and who is told anything at all.

use crate::app::App;
use crate::chatroom::reader::{self, Page, Place};
use crate::chatroom::receipt::{self, Advance};
use crate::db::Lane;
use crate::error::{Error, Result, Text};
use crate::message as model;
use crate::user::sharing::Sharing;
use crate::web::access::{CurrentUser, OnMessage};
use crate::web::asking::Asking;
use crate::web::form::Form;
use crate::web::reply;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

/// POST `/message/{id}/mark-read`: everything up to this message was read. 200 with the watermark.
pub async fn mark_read(State(app): State<App>, asking: Asking, OnMessage(member, id): OnMessage) -> Result<Response> {
    let who = member.clone();
    let message = app.db.read(move |db| model::find(db, &who, id)).await?.ok_or(Error::NotFound)?;
    let (room, user, position) = (member.room(), member.user(), message.position);
    let is_shared = app.live.aware.sharing_of(&app.db, user).await?.reads;
    app.receipts.advance(Advance { room, user, position, is_shared, at: app.clock.now() }).await?;
    let body = json!({ "room": room, "position": position });
    reply::done(&asking, StatusCode::OK, &body, &format!("/message/chatroom/{room}"))
}

/// POST `/message/{id}/mark-unread`: this message and what follows is to be read again. 200 with the watermark.
pub async fn mark_unread(State(app): State<App>, asking: Asking, OnMessage(member, id): OnMessage) -> Result<Response> {
    let who = member.clone();
    let position = app
        .db
        .write(Lane::None, move |tx| -> Result<_> {
            let message = model::find(tx, &who, id)?.ok_or(Error::NotFound)?;
            receipt::mark_unread(tx, &who, message.position)?;
            Ok(message.position)
        })
        .await?;
    app.live.tell_unread(member.user(), member.room(), position);
    let body = json!({ "room": member.room(), "position": position - 1 });
    reply::done(&asking, StatusCode::OK, &body, &format!("/message/chatroom/{}", member.room()))
}

/// GET `/message/{id}/reads`: who has seen it, and when, a page at a time (`after`: `next` of the page before). Nobody, for who does not show
/// it either.
pub async fn seen(
    State(app): State<App>,
    OnMessage(member, id): OnMessage,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let form = Form::from_query(query.as_deref().unwrap_or_default())?;
    let after = Some(form.text("after")).filter(|after| !after.is_empty());
    let place = after.map(|after| Place::read(after).ok_or_else(|| Error::field("after", Text::new("error-invalid"))));
    let place = place.transpose()?;
    let is_shared = app.live.aware.sharing_of(&app.db, member.user()).await?.reads;
    let page = app
        .db
        .read(move |db| -> Result<_> {
            let message = model::find(db, &member, id)?.ok_or(Error::NotFound)?;
            if is_shared { reader::of_message(db, member.room(), message.position, place) } else { Ok(Page::default()) }
        })
        .await?;
    let next = page.next.map(Place::write);
    let body = json!({ "message": id, "count": page.count, "reads": page.reads, "people": page.people, "next": next });
    reply::json(StatusCode::OK, &body)
}

/// POST `/settings/reads`: `shows_reads`, `shows_presence`, each a yes or a no; what does not come stays as it is.
pub async fn share(
    State(app): State<App>,
    asking: Asking,
    CurrentUser(user): CurrentUser,
    form: Form,
) -> Result<Response> {
    let before = app.live.aware.sharing_of(&app.db, user.id).await?;
    let sharing = Sharing {
        reads: form.truth("shows_reads")?.unwrap_or(before.reads),
        presence: form.truth("shows_presence")?.unwrap_or(before.presence),
    };
    if sharing != before {
        app.receipts.share(user.id, sharing).await?;
    }
    let body = json!({ "shows_reads": sharing.reads, "shows_presence": sharing.presence });
    let back = reply::local_path(form.text("back")).unwrap_or("/settings?notice=saved");
    reply::done(&asking, StatusCode::OK, &body, back)
}
