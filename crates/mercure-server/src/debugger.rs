//! The debugger page: plain files, and what the page has to know of this hub.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::server::{HUB_PATH, Site};

/// Where the newer generation has it.
pub(crate) const PATH: &str = "/.well-known/mercure/debug/";
/// Where the older one has it.
const OLDER_PATH: &str = "/.well-known/mercure/ui/";

/// Scripts and styles come from here alone; requests go wherever the person points them: to other hubs, too.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src *; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Name, media type, content.
const FILES: [(&str, &str, &str); 9] = [
    ("", "text/html; charset=utf-8", include_str!("../debugger/index.html")),
    ("debugger.css", "text/css; charset=utf-8", include_str!("../debugger/debugger.css")),
    ("debugger.js", "text/javascript; charset=utf-8", include_str!("../debugger/debugger.js")),
    ("hub.js", "text/javascript; charset=utf-8", include_str!("../debugger/hub.js")),
    ("stream.js", "text/javascript; charset=utf-8", include_str!("../debugger/stream.js")),
    ("log.js", "text/javascript; charset=utf-8", include_str!("../debugger/log.js")),
    ("words.js", "text/javascript; charset=utf-8", include_str!("../debugger/words.js")),
    ("people.js", "text/javascript; charset=utf-8", include_str!("../debugger/people.js")),
    ("icon.svg", "image/svg+xml", include_str!("../debugger/icon.svg")),
];

pub(crate) fn router() -> Router<Arc<Site>> {
    let mut router = Router::new();
    for folder in [PATH, OLDER_PATH] {
        for (name, kind, content) in FILES {
            let file = async move || file(kind, content);
            router = router.route(&format!("{folder}{name}"), get(file));
        }
        router = router
            .route(&format!("{folder}session.json"), get(session))
            .route(folder.trim_end_matches('/'), get(async move || Redirect::permanent(folder)));
    }
    router
}

fn file(kind: &'static str, content: &'static str) -> Response {
    let headers =
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache"), (header::CONTENT_SECURITY_POLICY, POLICY)];
    (headers, content).into_response()
}

/// What the page begins with. No other origin can read it: it allows none.
async fn session(State(site): State<Arc<Site>>, request: Request) -> Response {
    let token = site.playground.as_ref().and_then(|playground| playground.token_for(&request));
    let body = json!({
        "hub": HUB_PATH,
        "playground": site.playground.is_some(),
        "echo": site.echo,
        "subscribe": token,
        "publish": token,
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
