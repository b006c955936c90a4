//! What a message will look like before it is sent, by the very code that renders it then; and taking link previews away afterwards.

use crate::app::App;
use crate::budget::{Budget, Key};
use crate::error::Result;
use crate::message::link;
use crate::web::access::{InRoom, OnMessage};
use crate::web::asking::Asking;
use crate::web::form::Form;
use crate::web::message::{change, changed};
use crate::web::reply;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

/// POST `/message/chatroom/{id}/preview`: `content`; `links` = `true` looks behind its links too. Nothing is kept of the text.
pub async fn show(State(app): State<App>, InRoom(member): InRoom, form: Form) -> Result<Response> {
    let content = app.renderer.content(&member, form.text("content"), None).await?.or_refused()?;
    let may_fetch =
        form.truth("links")? == Some(true) && app.budgets.spend(Budget::Links, Key::Person(member.user())).is_ok();
    let links = app.unfurl.cards(member.user(), &content, may_fetch).await?;
    reply::json(StatusCode::OK, &json!({ "html": content.shown(), "links": links }))
}

/// POST `/message/{id}/previews/remove`: by its author. 200 with the change.
pub async fn remove(State(app): State<App>, asking: Asking, OnMessage(member, id): OnMessage) -> Result<Response> {
    let who = member.clone();
    let json = change(&app, &member, move |tx| link::remove(tx, &who, id)).await?;
    changed(&asking, &member, id, json)
}
