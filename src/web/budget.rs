//! The layer that takes what a request costs from the budgets of who asks, before anything else is done for it.

use crate::app::App;
use crate::budget::{self, Budget, Key, Scope};
use crate::error::{Error, Result};
use crate::web::asking::{self, Asking};
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use mercure_hub::PeerAddress;
use std::time::Duration;

/// What is read and thrown away of a refused body, so that its sender hears why: a browser listens only once it has sent everything.
const DRAIN_MAX: usize = 32 << 20;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);

/// The layer.
pub async fn spend(State(app): State<App>, request: Request, next: Next) -> Response {
    match pay(&app, &request) {
        Ok(()) => next.run(request).await,
        Err(error) => {
            let _ = tokio::time::timeout(DRAIN_TIMEOUT, drain(request.into_body())).await;
            error.into_response()
        }
    }
}

/// The layer of the hub's own routes, which know sessions only by their cookie.
pub async fn connect(State(app): State<App>, request: Request, next: Next) -> Response {
    let session = match asking::find_session(&app, request.headers()).await {
        Ok(session) => session,
        Err(error) => return error.into_response(),
    };
    let address = request.extensions().get::<PeerAddress>().map(|peer| Key::Address(peer.0));
    let paid = match (session, address) {
        (Some(session), _) => app.budgets.spend(Budget::Connects, Key::Person(session.user.id)),
        (None, Some(address)) => app.budgets.spend(Budget::Visits, address),
        (None, None) => Ok(()),
    };
    match paid {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn pay(app: &App, request: &Request) -> Result<()> {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let Some(costs) = budget::costs(request.method().as_str(), path) else { return Ok(()) };
    let asking = request.extensions().get::<Asking>();
    let asking = asking.ok_or_else(|| Error::internal("the layer that identifies is missing"))?;
    let address = asking.address();
    match asking.user() {
        Some(user) => app.budgets.spend(Budget::Requests, Key::Person(user))?,
        None if app.budgets.is_telling(address) => app.budgets.spend(Budget::Visits, Key::Address(address))?,
        None => {}
    }
    // Those of addresses and accounts are the handlers': they depend on what came of it.
    let user = asking.user().map(Key::Person);
    let mine = costs.iter().filter(|budget| budget.line().scope == Scope::Person).zip(std::iter::repeat(user));
    mine.filter_map(|(budget, user)| Some((budget, user?)))
        .try_for_each(|(budget, user)| app.budgets.spend(*budget, user))
}

async fn drain(mut body: Body) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, bytes::Bytes::len);
        if read > DRAIN_MAX {
            return;
        }
    }
}
