//! Everybody who is in a room, in pages and by name.

use crate::app::App;
use crate::chatroom;
use crate::chatroom::people::{self, LISTED, Page, Query};
use crate::error::{Error, Result};
use crate::view::context::{MemberView, mark_alike};
use crate::web::access::InRoom;
use crate::web::asking::Asking;
use crate::web::form::Form;
use crate::web::reply;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

/// GET `/chatroom/{id}/members`: `q` (beginnings of names), `after` (`next` of the page before), `limit`. JSON; a browser is led to the
/// page of the goal, where the same list stands.
pub async fn index(
    State(app): State<App>,
    asking: Asking,
    InRoom(member): InRoom,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let room = member.room();
    if !asking.wants_json() {
        let goal = app.db.read(move |db| chatroom::find(db, room)).await?.and_then(|room| room.goal_id);
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        return Ok(reply::see_other(&format!("/goal/{}{query}", goal.ok_or(Error::NotFound)?)));
    }
    let form = Form::from_query(query.as_deref().unwrap_or_default())?;
    let query = Query::new(form.text("q"), form.text("after"))?;
    let limit = form.id("limit")?.unwrap_or(LISTED);
    let Page { members, next, count } = app.db.read(move |db| people::page(db, room, &query, limit)).await?;
    let mut members: Vec<MemberView> = members.into_iter().map(MemberView::from).collect();
    mark_alike(&mut members, &mut []);
    let body = json!({ "chatroom": room, "count": count, "members": members, "next": next });
    reply::json(StatusCode::OK, &body)
}
