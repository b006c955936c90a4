//! What a supervisor asks.

use crate::app::App;
use crate::chatroom;
use crate::error::Result;
use crate::id::RoomId;
use crate::web::reply;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

/// GET `/healthz`: the program runs.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// GET `/readyz`: the program can serve. A hub that takes nothing is told, and does not fail it: pages poll meanwhile.
pub async fn ready(State(app): State<App>) -> Result<Response> {
    let asked = app.db.read(|db| chatroom::find(db, RoomId(0))).await;
    let is_stopping = *app.stopping.borrow();
    let is_ready = asked.is_ok() && !is_stopping;
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = |is_good| if is_good { "ok" } else { "error" };
    let hub = if app.live.bell.is_embedded() { "embedded" } else { "external" };
    let body = json!({
        "status": word(is_ready),
        "database": word(asked.is_ok()),
        "hub": { "kind": hub, "status": word(app.live.bell.is_healthy()) },
    });
    reply::json(status, &body)
}
