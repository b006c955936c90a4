//! What each route costs, besides the request itself: every route that changes something names a budget; `tests/it/abuse.rs` walks through all.

use super::Budget;

/// Method, path as in `web::ROUTES`, and what is taken from the budgets of who asks.
#[rustfmt::skip]
pub const ROUTES: &[(&str, &str, &[Budget])] = &[
    ("POST", "/login", &[Budget::Failures, Budget::AccountFailures, Budget::DeviceFailures, Budget::Slow]),
    ("POST", "/register", &[Budget::Registrations]),
    // Ends what a login has paid for, and must never be refused.
    ("POST", "/logout", &[Budget::Sessions]),
    ("POST", "/preferences", &[Budget::Preferences]),
    ("POST", "/realtime/token", &[Budget::Tokens]),
    ("POST", "/realtime/mode", &[Budget::Rooms]),
    ("POST", "/goal/new", &[Budget::Goals]),
    ("POST", "/goal/{id}/edit", &[Budget::Rooms]),
    ("POST", "/goal/{id}/delete", &[Budget::Rooms]),
    ("POST", "/goal/{id}/join", &[Budget::Joins]),
    ("POST", "/goal/{id}/leave", &[Budget::Participations]),
    ("POST", "/goal/{id}/participation/{user}/approve", &[Budget::Participations]),
    ("POST", "/goal/{id}/participation/{user}/refuse", &[Budget::Participations]),
    ("POST", "/goal/{id}/participation/{user}/remove", &[Budget::Participations]),
    ("POST", "/goal/{id}/participation/{user}/role", &[Budget::Participations]),
    ("POST", "/message/chatroom/{id}", &[Budget::Sends, Budget::Messages]),
    ("POST", "/message/chatroom/{id}/send-voice", &[Budget::Sends, Budget::Messages]),
    ("POST", "/message/{id}/edit", &[Budget::Edits]),
    ("POST", "/message/{id}/previews/remove", &[Budget::Edits]),
    ("POST", "/message/{id}/delete", &[Budget::Deletions]),
    ("POST", "/message/{id}/mark-read", &[Budget::Receipts]),
    ("POST", "/message/{id}/mark-unread", &[Budget::Receipts]),
    ("POST", "/message/{id}/react/{emoji}", &[Budget::Reactions]),
    ("POST", "/message/{id}/pin", &[Budget::Pins]),
    ("POST", "/message/{id}/unpin", &[Budget::Pins]),
    ("POST", "/message/{id}/hide", &[Budget::Hides]),
    ("POST", "/message/chatroom/{id}/preview", &[Budget::Previews]),
    ("POST", "/chatroom/{id}/lock", &[Budget::Rooms]),
    ("POST", "/chatroom/{id}/unlock", &[Budget::Rooms]),
    ("POST", "/chatroom/{id}/archive", &[Budget::Rooms]),
    ("POST", "/chatroom/{id}/restore", &[Budget::Rooms]),
    ("POST", "/chatroom/{id}/delete", &[Budget::Rooms]),
    ("POST", "/chatroom/{id}/notifications", &[Budget::Preferences]),
    ("POST", "/notifications/seen", &[Budget::Preferences]),
    ("POST", "/settings", &[Budget::Preferences]),
    ("POST", "/settings/reads", &[Budget::Signals]),
    ("POST", "/unsubscribe/{token}", &[Budget::Visits]),
    ("POST", "/push/subscribe", &[Budget::Pushes]),
    ("POST", "/push/unsubscribe", &[Budget::Pushes]),
    ("POST", "/push/test", &[Budget::PushTests]),
    ("POST", "/presence/typing/{id}", &[Budget::Signals]),
    ("POST", "/presence/away", &[Budget::Signals]),
    ("GET", "/search", &[Budget::Searches]),
    ("GET", "/message/chatroom/{id}/search", &[Budget::Searches]),
    ("GET", "/message/chatroom/{id}/export", &[Budget::Exports]),
];

/// Paths that cost nothing, not even the request: files that never change, and what a supervisor asks.
const FREE: [&str; 5] = ["/public/{digest}/{*path}", "/healthz", "/readyz", "/robots.txt", "/logout"];

/// What a request costs; nothing at all where the path is free.
pub fn costs(method: &str, path: &str) -> Option<&'static [Budget]> {
    if FREE.contains(&path) {
        return None;
    }
    let method = if method == "HEAD" { "GET" } else { method };
    let found = ROUTES.iter().find(|(of, route, _)| *of == method && *route == path);
    Some(found.map_or(&[], |(_, _, costs)| *costs))
}
