//! The names of the directives, by where they may stand.

use super::value::nearest;

/// Directly in `mercure { … }`.
pub(super) const TOP: [&str; 35] = [
    "anonymous",
    "cookie_name",
    "cors_origins",
    "debugger",
    "demo",
    "dispatch_timeout",
    "drain_timeout",
    "events_query",
    "heartbeat",
    "initial_event_id",
    "issuer",
    "license",
    "max_field_size",
    "max_matchers",
    "max_request_body_size",
    "max_topics",
    "mercure",
    "name",
    "playground",
    "protocol_version_compatibility",
    "public_urls",
    "publish_origins",
    "publisher_jwks_url",
    "publisher_jwt",
    "resource_identifier",
    "subscriber_jwks_url",
    "subscriber_jwt",
    "subscriber_list_cache_size",
    "subscriptions",
    "topic_matcher_cache",
    "topic_selector_cache",
    "transport",
    "transport_url",
    "ui",
    "write_timeout",
];

/// In `issuer <id> { … }`.
pub(super) const ISSUER: [&str; 3] = ["authorization_server", "publisher", "subscriber"];

/// In `publisher { … }` and `subscriber { … }`.
pub(super) const ROLE: [&str; 2] = ["jwt", "jwks_uri"];

/// In `transport bolt { … }`.
pub(super) const BOLT: [&str; 4] = ["path", "bucket_name", "size", "cleanup_frequency"];

/// In `jwks_uri <url> { … }`.
pub(super) const JWKS: [&str; 1] = ["algorithms"];

/// Says that a name is unknown here, and which one may have been meant.
pub(super) fn unknown(name: &str, place: &str, known: &'static [&'static str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("unknown directive {name:?}{place}; is {near:?} meant?"),
        None => format!("unknown directive {name:?}{place}; known are {}", known.join(", ")),
    }
}
