//! Who is asking, and how to answer: found once per request, then outcomes become a page or JSON.

use crate::app::App;
use crate::error::{Error, Result};
use crate::id::UserId;
use crate::user::session::{self, Session, Token, TokenHash};
use crate::view::context::{Page, Viewer};
use crate::view::locale::Locale;
use crate::web::{header_text, reply};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// Who holds the other end of the connection, a proxy perhaps; put into each request by the accept loop.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Whom a request comes from, as far as the trusted proxies say; put into each request by the accept loop. Also an address that many may
/// share: tries to sign in are told apart by it, limits per address are not kept for it.
#[derive(Debug, Clone, Copy)]
pub struct Client(pub IpAddr);

/// Cookie of the chosen language.
pub const LOCALE_COOKIE: &str = "palabre_locale";
/// Cookie of the chosen theme.
pub const THEME_COOKIE: &str = "palabre_theme";

/// Who is asking. A cheap clone.
#[derive(Debug, Clone)]
pub struct Asking(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    session: Option<Session>,
    locale: Locale,
    theme: &'static str,
    wants_json: bool,
    path: String,
    notice: Option<&'static str>,
    address: IpAddr,
}

impl Asking {
    /// The open session, when somebody is signed in.
    pub fn session(&self) -> Option<&Session> {
        self.0.session.as_ref()
    }

    /// Who is signed in.
    pub fn user(&self) -> Option<UserId> {
        self.session().map(|session| session.user.id)
    }

    /// Who is signed in, asked again: for an answer that was long in coming.
    ///
    /// # Errors
    /// `Unauthenticated` when the session was closed meanwhile.
    pub async fn still_signed_in(&self, app: &App) -> Result<Session> {
        let hash = self.session().map(|session| session.token_hash).ok_or(Error::Unauthenticated)?;
        open_session(app, hash).await?.ok_or(Error::Unauthenticated)
    }

    /// Whether who was signed in when the request began still is: for a body that was long in coming.
    ///
    /// # Errors
    /// `Unauthenticated` when the session was closed meanwhile.
    pub async fn check_session(&self, app: &App) -> Result<()> {
        match self.session() {
            Some(_) => self.still_signed_in(app).await.map(drop),
            None => Ok(()),
        }
    }

    /// The language to answer in.
    pub fn locale(&self) -> Locale {
        self.0.locale
    }

    /// Whether a program asks, or a page's script.
    pub fn wants_json(&self) -> bool {
        self.0.wants_json
    }

    /// Where the request comes from, behind the proxies that are trusted.
    pub fn address(&self) -> IpAddr {
        self.0.address
    }

    /// The path and query of the page that was asked for, or of the one whose form was sent: where to come back to.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// What every page of this person knows.
    pub fn page(&self, app: &App) -> Page {
        Page {
            locale: self.0.locale.as_str(),
            theme: self.0.theme,
            path: self.0.path.clone(),
            signed_in: self.0.session.is_some(),
            viewer: self.session().map(|session| Viewer::from(&session.user)),
            strings: self.0.locale.browser_strings(),
            realtime: app.live.mode().as_str(),
            notice: self.0.notice.and_then(|key| self.0.locale.translate(key, [])),
        }
    }
}

/// The layer: finds out who asks, runs the rest, explains what went wrong.
pub async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let session = find_session(&app, &parts.headers).await;
    let mut asking = ask(&app, &parts);
    let failed = match session {
        Ok(session) => {
            if let Some(session) = session {
                asking.locale = chosen_locale(&parts.headers).or(session.user.locale.parse().ok()).unwrap_or_default();
                asking.session = Some(session);
            }
            None
        }
        Err(error) => Some(error),
    };
    let asking = Asking(Arc::new(asking));
    if let Some(error) = failed {
        return reply::explain(&app, &asking, axum::response::IntoResponse::into_response(error));
    }
    request = Request::from_parts(parts, body);
    request.extensions_mut().insert(asking.clone());
    let response = next.run(request).await;
    reply::explain(&app, &asking, response)
}

/// The open session that a cookie names.
///
/// # Errors
/// Those of the store.
pub(super) async fn find_session(app: &App, headers: &HeaderMap) -> Result<Option<Session>> {
    let jar = CookieJar::from_headers(headers);
    let name = session_cookie(app);
    let Some(token) = jar.get(&name).and_then(|cookie| Token::parse(cookie.value())) else { return Ok(None) };
    open_session(app, token.hash()).await
}

async fn open_session(app: &App, hash: TokenHash) -> Result<Option<Session>> {
    let now = app.clock.now();
    let found = app.sessions.get(hash, app.db.read(move |db| session::find(db, &hash, now))).await?;
    Ok(found.filter(|session| session.expires_at > now))
}

/// The name of the session's cookie: bound to this host and path where the browser can check it (RFC 6265bis, 4.1.3), with
/// the port in it elsewhere, so that two instances on one host do not sign each other's people out.
pub fn session_cookie(app: &App) -> String {
    if app.config.is_secure() { "__Host-palabre".to_owned() } else { format!("palabre_{}", app.config.listen.port()) }
}

fn ask(app: &App, parts: &Parts) -> Inner {
    let headers = &parts.headers;
    let accept_language = header_text(headers, header::ACCEPT_LANGUAGE);
    let theme = CookieJar::from_headers(headers).get(THEME_COOKIE).map(|cookie| cookie.value().to_owned());
    Inner {
        session: None,
        locale: chosen_locale(headers).unwrap_or_else(|| Locale::negotiate(accept_language)),
        theme: match theme.as_deref() {
            Some("light") => "light",
            Some("dark") => "dark",
            Some(_) | None => "auto",
        },
        wants_json: wants_json(parts),
        path: page_path(app, parts).to_owned(),
        notice: parts.uri.query().and_then(reply::notice),
        // The accept loop has looked behind the trusted proxies.
        address: parts.extensions.get::<Client>().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |client| client.0),
    }
}

/// The address of a form is no page: who comes back there by a link would only read that the method is wrong.
fn page_path<'a>(app: &App, parts: &'a Parts) -> &'a str {
    if parts.method.is_safe() {
        return parts.uri.path_and_query().map_or("/", |path| path.as_str());
    }
    let referer = header_text(&parts.headers, header::REFERER);
    let host = header_text(&parts.headers, header::HOST);
    let after_host = referer.split_once("://").and_then(|(_, rest)| rest.strip_prefix(host));
    after_host.or_else(|| referer.strip_prefix(&*app.config.public_url)).and_then(reply::local_path).unwrap_or("/")
}

fn chosen_locale(headers: &HeaderMap) -> Option<Locale> {
    CookieJar::from_headers(headers).get(LOCALE_COOKIE).and_then(|cookie| cookie.value().parse().ok())
}

/// `Accept: application/json`, the seed's `X-Requested-With`, or a route that only programs use.
fn wants_json(parts: &Parts) -> bool {
    let accept = header_text(&parts.headers, header::ACCEPT);
    let json = accept.find("application/json");
    let html = accept.find("text/html");
    let prefers_json = json.is_some_and(|json| html.is_none_or(|html| json < html));
    let is_script = parts
        .headers
        .get("x-requested-with")
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"xmlhttprequest"));
    let path = parts.uri.path();
    prefers_json || is_script || path.ends_with("/fetch") || path == "/realtime/token"
}
