//! What those who moderate do to a room as a whole.

use crate::app::App;
use crate::chatroom::state::{self, Verb};
use crate::chatroom::{self, Member};
use crate::db::Lane;
use crate::error::{Error, Result};
use crate::goal::edit;
use crate::goal::participation::Owner;
use crate::message::pin;
use crate::message::system::What;
use crate::web::access::InRoom;
use crate::web::asking::Asking;
use crate::web::reply;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

/// POST `/chatroom/{id}/lock`. 200 with the change of the room.
pub async fn lock(State(app): State<App>, asking: Asking, InRoom(member): InRoom) -> Result<Response> {
    change(&app, &asking, member, Verb::Lock, What::RoomLocked).await
}

/// POST `/chatroom/{id}/unlock`. 200 with the change of the room.
pub async fn unlock(State(app): State<App>, asking: Asking, InRoom(member): InRoom) -> Result<Response> {
    change(&app, &asking, member, Verb::Unlock, What::RoomUnlocked).await
}

/// POST `/chatroom/{id}/archive`. 200 with the change of the room.
pub async fn archive(State(app): State<App>, asking: Asking, InRoom(member): InRoom) -> Result<Response> {
    change(&app, &asking, member, Verb::Archive, What::RoomArchived).await
}

/// POST `/chatroom/{id}/restore`. 200 with the change of the room.
pub async fn restore(State(app): State<App>, asking: Asking, InRoom(member): InRoom) -> Result<Response> {
    change(&app, &asking, member, Verb::Restore, What::RoomRestored).await
}

async fn change(app: &App, asking: &Asking, who: Member, verb: Verb, what: What<'static>) -> Result<Response> {
    let (live, room, now) = (app.live.clone(), who.room(), app.clock.now());
    let json = app
        .db
        .write(Lane::Room(room.0), move |tx| {
            let (is_new, changed) = state::change(tx, &who, verb)?;
            if !is_new {
                let pins = pin::list(tx, &who)?;
                return live.render_room(changed, pins);
            }
            let json = live.announce_room(tx, changed, who.first_position())?;
            live.tell(tx, room, what, who.user(), now)?;
            Ok(json)
        })
        .await?;
    if asking.wants_json() {
        return Ok(reply::json_text(StatusCode::OK, json));
    }
    Ok(reply::see_other(&format!("/message/chatroom/{room}?notice={}", what.as_str().replace('_', "-"))))
}

/// POST `/chatroom/{id}/delete`. A goal and its room are one: with the room the goal goes, and the rooms beside it.
pub async fn delete(State(app): State<App>, asking: Asking, InRoom(who): InRoom) -> Result<Response> {
    let (live, id, now) = (app.live.clone(), who.room(), app.clock.now());
    app.db
        .write(Lane::None, move |tx| -> Result<()> {
            let room = chatroom::find(tx, who.room())?.ok_or(Error::NotFound)?;
            let gone = match room.goal_id.filter(|_| room.kind == "goal") {
                Some(goal) => {
                    let by = Owner::of(tx, goal, who.user())?;
                    edit::delete(tx, &by, now)?
                }
                None => vec![state::delete(tx, &who, now)?],
            };
            gone.into_iter().try_for_each(|room| live.announce_deleted(tx, room))
        })
        .await?;
    reply::done(&asking, StatusCode::OK, &json!({ "room": id, "deleted": true }), "/goals?notice=room-deleted")
}
