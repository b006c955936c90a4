//! What people do to a message besides writing: react, pin, hide, look at its earlier versions.

use crate::app::App;
use crate::chatroom::{self, Member};
use crate::clock::rfc3339;
use crate::db::{Lane, Reader};
use crate::error::{Error, Result, Text};
use crate::id::{MessageId, RoomId};
use crate::message::reaction::Emoji;
use crate::message::{hidden, pin, reaction, version};
use crate::user::notification::{self, Kind, Notice};
use crate::view::context::Marked;
use crate::web::access::{InRoom, OnMessage};
use crate::web::asking::Asking;
use crate::web::form::Form;
use crate::web::message::{change, changed};
use crate::web::reply;
use axum::extract::{RawPathParams, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

/// POST `/message/{id}/react/{emoji}`: `on` = `true` or `false`; without it, the other of the two. 200 with the change.
pub async fn react(
    State(app): State<App>,
    asking: Asking,
    OnMessage(member, id): OnMessage,
    path: RawPathParams,
    form: Form,
) -> Result<Response> {
    let emoji = path.iter().find(|(name, _)| *name == "emoji").and_then(|(_, text)| Emoji::parse(text));
    let emoji = emoji.ok_or_else(|| Error::field("emoji", Text::new("field-emoji")))?;
    let on = form.truth("on")?;
    let (who, now) = (member.clone(), app.clock.now());
    let json = change(&app, &member, move |tx| reaction::set(tx, &who, id, &emoji, on, now)).await?;
    changed(&asking, &member, id, json)
}

/// POST `/message/{id}/pin`. 200 with the change of the room.
pub async fn pin(State(app): State<App>, asking: Asking, OnMessage(member, id): OnMessage) -> Result<Response> {
    set_pin(&app, &asking, member, id, true).await
}

/// POST `/message/{id}/unpin`. 200 with the change of the room.
pub async fn unpin(State(app): State<App>, asking: Asking, OnMessage(member, id): OnMessage) -> Result<Response> {
    set_pin(&app, &asking, member, id, false).await
}

async fn set_pin(app: &App, asking: &Asking, member: Member, id: MessageId, on: bool) -> Result<Response> {
    let (live, who, now) = (app.live.clone(), member.clone(), app.clock.now());
    let json = app
        .db
        .write(Lane::Room(member.room().0), move |tx| match pin::set(tx, &who, id, on, now)? {
            Some(room) => live.announce_room(tx, room, who.first_position()),
            None => Ok("{}".to_owned()),
        })
        .await?;
    changed(asking, &member, id, json)
}

/// GET `/message/chatroom/{id}/pins`: what is pinned, the latest first.
pub async fn pins(State(app): State<App>, asking: Asking, InRoom(member): InRoom) -> Result<Response> {
    let (room, may_act) = (member.room(), member.role().may_moderate());
    let (title, items) =
        app.db.read(move |db| -> Result<_> { Ok((title(db, room)?, pin::list(db, &member)?)) }).await?;
    if asking.wants_json() {
        return reply::json(StatusCode::OK, &json!({ "pins": items }));
    }
    let context = Marked { page: asking.page(&app), room, title, kind: "pins", may_act, items };
    reply::page(&app, StatusCode::OK, "chatroom/marked.html", &context)
}

/// GET `/message/chatroom/{id}/hidden`: what the person has hidden, the latest message first.
pub async fn all_hidden(State(app): State<App>, asking: Asking, InRoom(member): InRoom) -> Result<Response> {
    let room = member.room();
    let (title, items) =
        app.db.read(move |db| -> Result<_> { Ok((title(db, room)?, hidden::list(db, &member)?)) }).await?;
    if asking.wants_json() {
        return reply::json(StatusCode::OK, &json!({ "hidden": items }));
    }
    let context = Marked { page: asking.page(&app), room, title, kind: "hidden", may_act: true, items };
    reply::page(&app, StatusCode::OK, "chatroom/marked.html", &context)
}

fn title(db: &mut Reader<'_>, room: RoomId) -> Result<String> {
    chatroom::find(db, room)?.map(|room| room.title).ok_or(Error::NotFound)
}

/// GET `/message/{id}/reactions`: each emoji with the names of who put it there.
pub async fn reactions(State(app): State<App>, OnMessage(member, id): OnMessage) -> Result<Response> {
    let reactions = app.db.read(move |db| reaction::named(db, &member, id)).await?;
    reply::json(StatusCode::OK, &json!({ "reactions": reactions }))
}

/// POST `/message/{id}/hide`: `on` = `false` shows it again. For oneself, on all devices.
pub async fn hide(
    State(app): State<App>,
    asking: Asking,
    OnMessage(member, id): OnMessage,
    form: Form,
) -> Result<Response> {
    let on = form.truth("on")?.unwrap_or(true);
    let (live, who, now) = (app.live.clone(), member.clone(), app.clock.now());
    app.db
        .write(Lane::None, move |tx| -> Result<()> {
            if hidden::set(tx, &who, id, on)? {
                let (members, key) = (live.members.clone(), (who.room(), who.user()));
                tx.after_commit(move || members.forget(&key));
                let notice = Notice {
                    user: who.user(),
                    kind: if on { Kind::Hidden } else { Kind::Shown },
                    goal: None,
                    chatroom: Some(who.room()),
                    message: Some(id),
                    actor: who.user(),
                    role: None,
                };
                for event in notification::create_all(tx, vec![notice], now)? {
                    live.announce_event(tx, &event)?;
                }
            }
            Ok(())
        })
        .await?;
    let body = json!({ "message": id, "hidden": on });
    reply::done(&asking, StatusCode::OK, &body, &format!("/message/chatroom/{}", member.room()))
}

/// GET `/message/{id}/versions`: what it said before its edits, oldest first; for its author and for who moderates. `next`, when there is more, goes
/// into `after`.
pub async fn versions(
    State(app): State<App>,
    OnMessage(member, id): OnMessage,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let query = Form::from_query(query.as_deref().unwrap_or_default())?;
    // Zero, as a script has it at its beginning, is before all of them.
    let after = if query.text("after") == "0" { 0 } else { query.id("after")?.unwrap_or(0) };
    let versions = app.db.read(move |db: &mut Reader<'_>| version::list(db, &member, id, after)).await?;
    let next = versions.last().filter(|_| versions.len() as i64 == version::PAGE).map(|version| version.revision);
    let versions: Vec<Value> = versions
        .into_iter()
        .map(|version| json!({ "content": version.content, "written_at": rfc3339(version.written_at) }))
        .collect();
    reply::json(StatusCode::OK, &json!({ "versions": versions, "next": next }))
}
