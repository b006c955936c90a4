//! A person's settings: what one is told, and where.

use crate::app::App;
use crate::db::Lane;
use crate::error::{Error, Result, Text};
use crate::user::choice::{self, Choices};
use crate::user::push;
use crate::view::context::{ChoicesView, Settings, Unsubscribe};
use crate::web::access::{CurrentUser, StopLink};
use crate::web::asking::Asking;
use crate::web::form::Form;
use crate::web::reply;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

/// GET `/settings`.
pub async fn show(State(app): State<App>, asking: Asking, CurrentUser(user): CurrentUser) -> Result<Response> {
    let (choices, browsers) =
        app.db.read(move |db| -> Result<_> { Ok((choice::find(db, user.id)?, push::count(db, user.id)?)) }).await?;
    let sharing = app.live.aware.sharing_of(&app.db, user.id).await?;
    let choices = ChoicesView::from(choices);
    if asking.wants_json() {
        return reply::json(StatusCode::OK, &json!({ "notifications": choices, "browsers": browsers }));
    }
    let context = Settings {
        page: asking.page(&app),
        choices,
        sharing,
        browsers,
        push_key: app.live.courier.public_key().to_owned(),
        sends_mail: app.config.mail.is_some(),
    };
    reply::page(&app, StatusCode::OK, "settings/index.html", &context)
}

/// POST `/settings`: `email_notices` (`digest` or `none`) and `push_text` (yes or no), each where it is to change.
pub async fn save(
    State(app): State<App>,
    asking: Asking,
    CurrentUser(user): CurrentUser,
    form: Form,
) -> Result<Response> {
    let digest = match form.text("email_notices") {
        "" => None,
        "digest" => Some(true),
        "none" => Some(false),
        _ => return Err(Error::field("email_notices", Text::new("error-invalid"))),
    };
    let push_text = form.truth("push_text")?;
    let choices = app
        .db
        .write(Lane::None, move |tx| -> Result<_> {
            let mut choices = choice::find(tx, user.id)?;
            choices.digest = digest.unwrap_or(choices.digest);
            choices.push_text = push_text.unwrap_or(choices.push_text);
            choice::keep(tx, user.id, choices)?;
            Ok(choices)
        })
        .await?;
    reply::done(&asking, StatusCode::OK, &ChoicesView::from(choices), "/settings?notice=saved")
}

/// GET `/unsubscribe/{token}`: asks once more. A reader's mail program may look at every link.
pub async fn unsubscribe_form(State(app): State<App>, asking: Asking, link: StopLink) -> Result<Response> {
    let context = Unsubscribe { page: asking.page(&app), token: link.token, done: false };
    reply::page(&app, StatusCode::OK, "settings/unsubscribe.html", &context)
}

/// POST `/unsubscribe/{token}`: no more letters, for who has the link, signed in or not (RFC 8058).
pub async fn unsubscribe(State(app): State<App>, asking: Asking, link: StopLink) -> Result<Response> {
    let user = link.user;
    app.db
        .write(Lane::None, move |tx| -> Result<()> {
            let choices = choice::find(tx, user)?;
            choice::keep(tx, user, Choices { digest: false, ..choices })
        })
        .await?;
    let context = Unsubscribe { page: asking.page(&app), token: link.token, done: true };
    reply::page(&app, StatusCode::OK, "settings/unsubscribe.html", &context)
}
