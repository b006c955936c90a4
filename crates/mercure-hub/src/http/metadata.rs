//! The hub's metadata as a protected resource (RFC 9728, draft-08 section "Protected Resource Metadata"): what a client must know to get a token.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    Hub,
    auth::{address::Asked, details},
    http::reply::{self, Refusal},
};

/// Answers with the document. Public, so pages of every origin may read it.
pub(crate) async fn metadata(State(hub): State<Hub>, request: Request) -> Response {
    let asked = Asked::of(&request.into_parts().0);
    let mut response = document(&hub, &asked).unwrap_or_else(IntoResponse::into_response);
    reply::secure(&mut response);
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// A hub without keys takes no token, so there is nothing to say.
fn document(hub: &Hub, asked: &Asked) -> Result<Response, Refusal> {
    if !hub.addresses().serve(asked) {
        return Err(Refusal::Misdirected);
    }
    if hub.trust().nobody() {
        return Err(Refusal::NotFound);
    }
    let resource = hub.addresses().resource(asked).ok_or(Refusal::Bad("Invalid Host"))?;
    let mut document = json!({
        "resource": resource,
        "bearer_methods_supported": ["header"],
        "mercure_matcher_types_supported": ["exact", "urlpattern"],
    });
    // Where no issuer is trusted, a token that has them is refused.
    if hub.trust().has_issuers() {
        document["authorization_details_types_supported"] = json!([details::TYPE]);
    }
    if hub.config().subscriptions {
        document["mercure_subscriptions"] = true.into();
    }
    let servers = hub.trust().authorization_servers();
    if !servers.is_empty() {
        document["authorization_servers"] = servers.into();
    }
    if let Some(cookie) = hub.config().cookie_names.first() {
        document["mercure_cookie"] = cookie.as_str().into();
    }
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::VARY, "Host"),
    ];
    Ok((StatusCode::OK, headers, document.to_string()).into_response())
}
