//! Who types and who is here: for pages without a socket, and to begin with. Nothing here writes to the database.

use crate::app::App;
use crate::chatroom::company;
use crate::chatroom::people::{HERE_MAX, LISTED};
use crate::db::Reader;
use crate::error::Result;
use crate::id::UserId;
use crate::live::awareness::Here;
use crate::web::access::{CurrentUser, InRoom};
use crate::web::form::Form;
use crate::web::reply;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

/// POST `/presence/typing/{id}`: `on` = `true` or `false`, true when it does not come. 409 where nothing can be written.
pub async fn typing(State(app): State<App>, InRoom(member): InRoom, form: Form) -> Result<Response> {
    let on = form.truth("on")?.unwrap_or(true);
    app.live.type_in(&app.db, &member, on, app.clock.now()).await?;
    reply::json(StatusCode::OK, &json!({ "chatroom": member.room(), "on": on }))
}

/// POST `/presence/away`: `on` = `true` when nobody has looked at the page for some minutes, `false` when somebody does again.
pub async fn away(State(app): State<App>, CurrentUser(user): CurrentUser, form: Form) -> Result<Response> {
    let on = form.truth("on")?.unwrap_or(true);
    app.live.aware.presence.away(user.id, on, app.clock.now());
    if on {
        app.live.tell_away(user.id);
    }
    reply::json(StatusCode::OK, &json!({ "away": on }))
}

/// GET `/presence/{id}`: who of the room is here, of those who show it; and who types. Who does not show it sees nobody. Of a large room: who
/// is here, and the `users` (numbers with commas) that the page lists.
pub async fn show(State(app): State<App>, InRoom(member): InRoom, RawQuery(query): RawQuery) -> Result<Response> {
    let form = Form::from_query(query.as_deref().unwrap_or_default())?;
    let listed = form.text("users").split(',').filter_map(|id| id.parse().ok()).map(UserId).take(HERE_MAX);
    let (room, now) = (member.room(), app.clock.now());
    let sees = app.live.aware.sharing_of(&app.db, member.user()).await?.presence;
    let mut asked = app.live.aware.presence.some_here(HERE_MAX, now);
    asked.extend(listed);
    let read = move |db: &mut Reader<'_>| -> Result<_> {
        let all = company::of_room(db, room, LISTED + 1)?;
        let is_large = i64::try_from(all.len()).is_ok_and(|found| found > LISTED);
        if is_large { company::some_of_room(db, room, &asked) } else { Ok(all) }
    };
    let people = if sees { app.db.read(read).await? } else { Vec::new() };
    let people: Vec<Here> = people.into_iter().map(|(user, seen_at)| app.live.here(user, seen_at, now)).collect();
    let (typing, names) = (app.live.aware.typing.list(room, now), app.live.aware.typing.names(room, now));
    let body = json!({ "chatroom": room, "people": people, "typing": typing, "typist_names": names });
    reply::json(StatusCode::OK, &body)
}
