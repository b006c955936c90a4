//! What a supervisor asks.

use crate::app::App;
use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::message::search;
use crate::setting;
use crate::web::reply;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long the database may take to answer whether it takes writes.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long that answer is given to others: anybody may ask, and each test is a commit.
const FRESH: Duration = Duration::from_secs(1);

/// Whether the database took the last test, and when that was.
#[derive(Default)]
pub struct Readiness(Mutex<Option<(Instant, bool)>>);

impl Readiness {
    /// Whether the database takes writes: the last one of somebody was kept, and a test is. One test at a time.
    async fn takes_writes(&self, app: &App) -> bool {
        let mut last = self.0.lock().await;
        let is_taken = match *last {
            Some((at, is_taken)) if at.elapsed() < FRESH => is_taken,
            Some(_) | None => {
                // Before the test, which may find room where a larger write did not.
                let refused = app.db.last_write();
                let is_taken = matches!(timeout(PATIENCE, app.db.probe(setting::probe)).await, Ok(Ok(())));
                *last = Some((Instant::now(), is_taken));
                is_taken && refused.is_none()
            }
        };
        is_taken && app.db.last_write().is_none()
    }
}

/// GET `/healthz`: the program runs.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// GET `/readyz`: the program can serve, and keep what it is told. A hub that takes nothing is told, and does not fail it: pages poll
/// meanwhile.
pub async fn ready(State(app): State<App>) -> Result<Response> {
    let read = timeout(PATIENCE, app.db.read(search::progress)).await.unwrap_or(Err(Error::Unavailable));
    let takes_writes = read.is_ok() && app.readiness.takes_writes(&app).await;
    let has_room = has_room(&app);
    let is_ready = takes_writes && has_room && !*app.stopping.borrow();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = |is_good| if is_good { "ok" } else { "error" };
    let hub = if app.live.bell.is_embedded() { "embedded" } else { "external" };
    let mut body = json!({
        "status": word(is_ready),
        "database": word(read.is_ok()),
        "writes": word(takes_writes),
        "disk": word(has_room),
        "hub": { "kind": hub, "status": word(app.live.bell.is_healthy()) },
    });
    if let Ok(index) = read {
        body["search_index"] = json!({ "done": index.done, "total": index.total });
    }
    reply::json(status, &body)
}

/// Whether more is free on the disk than the floor under which no files are taken.
fn has_room(app: &App) -> bool {
    let floor = app.budgets.most(Budget::Disk).unwrap_or(0);
    floor == 0 || app.files.free_bytes().is_ok_and(|free| free >= floor)
}
