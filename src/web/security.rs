//! Signing up, in and out.

pub mod device;
mod tries;

use crate::app::App;
use crate::budget::{Budget, Key};
use crate::db::Lane;
use crate::error::{Error, Fields, Result, Text};
use crate::user::password::{self, Turn};
use crate::user::session::{self, LIFETIME, Token};
use crate::user::{self as account, Registration, User};
use crate::view::context::{Login, LoginForm, Register, RegisterForm, Viewer};
use crate::web::asking::{Asking, session_cookie};
use crate::web::form::Form;
use crate::web::security::tries::Try;
use crate::web::{realtime, reply};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use serde_json::json;

/// GET `/login`.
pub async fn login_form(State(app): State<App>, asking: Asking, RawQuery(query): RawQuery) -> Result<Response> {
    if asking.user().is_some() {
        return Ok(reply::see_other("/"));
    }
    let form = LoginForm { email: String::new(), next: next(query.as_deref()) };
    show_login(&app, &asking, StatusCode::OK, form, &Fields::default())
}

/// POST `/login`: `email`, `password`, `next`.
pub async fn login(State(app): State<App>, asking: Asking, jar: CookieJar, form: Form) -> Result<Response> {
    let email = form.owned("email");
    match check_login(&app, &asking, &jar, &form).await {
        Ok(user) => open_session(&app, &asking, &jar, user, StatusCode::OK, &form).await,
        Err(Error::Invalid(fields)) if !asking.wants_json() => {
            let shown = LoginForm { email, next: form.owned("next") };
            show_login(&app, &asking, StatusCode::UNPROCESSABLE_ENTITY, shown, &fields)
        }
        Err(error) => Err(error),
    }
}

async fn check_login(app: &App, asking: &Asking, jar: &CookieJar, form: &Form) -> Result<User> {
    let failed = || Error::field("form", Text::new("login-failed"));
    let (email, password) = (form.owned("email"), form.owned("password"));
    // Nobody's: no budget and no work is spent on it.
    if email.len() > tries::ADDRESS_MAX || password.len() > password::MAX {
        return Err(failed());
    }
    let account = account::email_key(&email);
    let attempt = Try::new(app, &account, asking.address(), jar);
    let begun = attempt.begin().await?;
    let found = app.db.read(move |db| account::find_by_email(db, &email)).await?;
    let (user, hash) = found.unzip();
    let is_right = app.passwords.verify(password, hash, begun.turn).await?;
    match user {
        Some(user) if is_right && user.is_suspended => Err(Error::field("form", Text::new("login-suspended"))),
        Some(user) if is_right => Ok(user),
        Some(_) | None => {
            attempt.failed();
            Err(failed())
        }
    }
}

/// GET `/register`.
pub async fn register_form(State(app): State<App>, asking: Asking, RawQuery(query): RawQuery) -> Result<Response> {
    if asking.user().is_some() {
        return Ok(reply::see_other("/"));
    }
    let form = RegisterForm { next: next(query.as_deref()), ..RegisterForm::default() };
    show_register(&app, &asking, StatusCode::OK, form, &Fields::default()).await
}

/// POST `/register`: `email`, `password`, `first_name`, `last_name`, `next`; `code` for the first account of a public installation.
pub async fn register(State(app): State<App>, asking: Asking, jar: CookieJar, form: Form) -> Result<Response> {
    match open_account(&app, &asking, &form).await {
        Ok(user) => open_session(&app, &asking, &jar, user, StatusCode::CREATED, &form).await,
        Err(Error::Invalid(fields)) if !asking.wants_json() => {
            let shown = RegisterForm {
                email: form.owned("email"),
                first_name: form.owned("first_name"),
                last_name: form.owned("last_name"),
                next: form.owned("next"),
                code: form.owned("code"),
            };
            show_register(&app, &asking, StatusCode::UNPROCESSABLE_ENTITY, shown, &fields).await
        }
        Err(error) => Err(error),
    }
}

async fn open_account(app: &App, asking: &Asking, form: &Form) -> Result<User> {
    app.budgets.spend(Budget::Registrations, Key::Address(asking.address()))?;
    let is_first = app.db.read(account::is_first_account).await?;
    if is_first {
        app.check_first_code(form.text("code"))?;
    }
    if !app.config.is_registration_open && !is_first {
        return Err(Error::Forbidden(Text::new("registration-closed")));
    }
    let new = Registration {
        email: form.owned("email"),
        password: form.owned("password"),
        first_name: form.owned("first_name"),
        last_name: form.owned("last_name"),
        locale: asking.locale().as_str().to_owned(),
    }
    .checked()?;
    let places = tries::wait_for_turn(app, asking.address())?;
    let turn = Turn::Network(app.budgets.network(asking.address()));
    let hash = app.passwords.hash(new.password.clone(), turn).await?;
    drop(places);
    let now = app.clock.now();
    app.db.write(Lane::None, move |tx| account::create(tx, &new, &hash, now)).await
}

/// Opens a new session, whatever cookie came along: a session that somebody else planted is never taken over.
async fn open_session(
    app: &App,
    asking: &Asking,
    jar: &CookieJar,
    user: User,
    status: StatusCode,
    form: &Form,
) -> Result<Response> {
    let token = Token::new(&app.clock);
    let (hash, id, now) = (token.hash(), user.id, app.clock.now());
    let (former, live) = (asking.session().map(|session| session.id), app.live.clone());
    app.db
        .write(Lane::None, move |tx| -> Result<()> {
            let ended = former.map_or(Ok(None), |former| session::delete(tx, former))?;
            live.end_sessions(tx, ended);
            let ended = session::create(tx, id, &hash, now)?;
            live.end_sessions(tx, ended);
            Ok(())
        })
        .await?;
    let next = reply::local_path(form.text("next")).unwrap_or("/");
    let body = json!({ "user": Viewer::from(&user) });
    let mut response = reply::done(asking, status, &body, next)?;
    let seconds = LIFETIME / 1_000_000;
    set_cookie(&mut response, cookie(app, session_cookie(app), token.secret().to_owned(), seconds));
    device::remember(app, jar, &account::email_key(&user.email), &mut response);
    Ok(response)
}

/// POST `/logout`: the session, its streams, its tokens and its waiting polls end now.
pub async fn logout(State(app): State<App>, asking: Asking) -> Result<Response> {
    if let Some(session) = asking.session() {
        let (id, user, live) = (session.id, session.user.id, app.live.clone());
        app.db
            .write(Lane::None, move |tx| -> Result<()> {
                let ended = session::delete(tx, id)?;
                live.end_sessions(tx, ended);
                Ok(())
            })
            .await?;
        app.live.aware.presence.signed_out(user, app.clock.now());
    }
    let mut response = reply::done(&asking, StatusCode::OK, &json!({}), "/login?notice=signed-out")?;
    set_cookie(&mut response, cookie(&app, session_cookie(&app), String::new(), 0));
    set_cookie(&mut response, realtime::cookie(&app, String::new(), 0));
    // Pictures and pages that the browser kept. Not "storage": what is written and not sent yet lies there, and the page asks before it goes.
    response.headers_mut().insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\""));
    Ok(response)
}

/// A cookie that scripts cannot read and other sites' forms do not bring.
pub fn cookie(app: &App, name: String, value: String, seconds: i64) -> Cookie<'static> {
    Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(app.config.is_secure())
        .max_age(time::Duration::seconds(seconds))
        .build()
}

/// Adds a cookie to an answer.
pub fn set_cookie(response: &mut Response, cookie: Cookie<'static>) {
    if let Ok(value) = cookie.encoded().to_string().parse() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Where to go after signing in, as the query says.
fn next(query: Option<&str>) -> String {
    let text = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("next="))).unwrap_or_default();
    let path = percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    reply::local_path(&path).map(str::to_owned).unwrap_or_default()
}

fn show_login(app: &App, asking: &Asking, status: StatusCode, form: LoginForm, fields: &Fields) -> Result<Response> {
    let context = Login { page: asking.page(app), form, errors: reply::errors(fields, asking.locale()) };
    reply::page(app, status, "security/login.html", &context)
}

async fn show_register(
    app: &App,
    asking: &Asking,
    status: StatusCode,
    form: RegisterForm,
    fields: &Fields,
) -> Result<Response> {
    let first_account = app.db.read(account::is_first_account).await?;
    let context = Register {
        page: asking.page(app),
        form,
        errors: reply::errors(fields, asking.locale()),
        first_account,
        needs_code: first_account && app.needs_first_code(),
        open: first_account || app.config.is_registration_open,
    };
    reply::page(app, status, "security/register.html", &context)
}
