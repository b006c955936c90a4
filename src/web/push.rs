//! Web Push: a browser subscribes, takes it back, tries it out; and the script that wakes up for it.

use crate::app::App;
use crate::db::Lane;
use crate::error::{Error, Result, Text};
use crate::user::push::{self, Subscription};
use crate::web::access::CurrentUser;
use crate::web::asking::Asking;
use crate::web::form::Form;
use crate::web::reply;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Where to come back to without a script; the forms are only shown with one.
const BACK: &str = "/settings";

/// GET `/sw.js`: stands at the root, because a service worker rules over what lies below it; asked for anew each time.
pub async fn worker(State(app): State<App>) -> Result<Response> {
    let asset = app.views.assets().read("sw.js").ok_or(Error::NotFound)?;
    let mut response = Body::from(asset.body.into_owned()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, asset.media_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(HeaderName::from_static("service-worker-allowed"), HeaderValue::from_static("/"));
    Ok(response)
}

/// POST `/push/subscribe`: `endpoint`, `p256dh`, `auth`. 201; this browser is told until it signs out.
pub async fn subscribe(State(app): State<App>, asking: Asking, form: Form) -> Result<Response> {
    let session = asking.session().ok_or(Error::Unauthenticated)?;
    let (user, hash) = (session.user.id, session.token_hash);
    if !app.live.courier.may_call(form.text("endpoint")) {
        return Err(Error::field("endpoint", Text::new("error-invalid")));
    }
    let new = Subscription::new(form.text("endpoint"), form.text("p256dh"), form.text("auth"))?;
    let now = app.clock.now();
    app.db.write(Lane::None, move |tx| push::subscribe(tx, user, &hash, &new, now)).await?;
    reply::done(&asking, StatusCode::CREATED, &json!({}), BACK)
}

/// POST `/push/unsubscribe`: `endpoint`.
pub async fn unsubscribe(
    State(app): State<App>,
    asking: Asking,
    CurrentUser(user): CurrentUser,
    form: Form,
) -> Result<Response> {
    let endpoint = form.owned("endpoint");
    app.db.write(Lane::None, move |tx| push::unsubscribe(tx, user.id, &endpoint)).await?;
    reply::done(&asking, StatusCode::OK, &json!({}), BACK)
}

/// POST `/push/test`: `endpoint`, one of the person's own. 503 when its push service does not take the notification.
pub async fn test(
    State(app): State<App>,
    asking: Asking,
    CurrentUser(user): CurrentUser,
    form: Form,
) -> Result<Response> {
    let endpoint = form.owned("endpoint");
    let browser = app.db.read(move |db| push::find(db, user.id, &endpoint)).await?;
    let browser = browser.ok_or_else(|| Error::field("endpoint", Text::new("error-invalid")))?;
    app.live.courier.try_out(&browser, asking.locale()).await?;
    reply::done(&asking, StatusCode::OK, &json!({}), BACK)
}
