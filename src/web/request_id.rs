//! The number of a request in the log and in its answer. Ours: what a client writes there would stand in the log as it is.

use crate::app::App;
use crate::web::asking::Peer;
use axum::extract::{Request, State};
use axum::http::HeaderName;
use axum::middleware::Next;
use axum::response::Response;

/// The header.
pub const NAME: HeaderName = HeaderName::from_static("x-request-id");
/// The longest number that is taken from a proxy, in bytes: a UUID has 36.
const LENGTH_MAX: usize = 64;

/// The layer: takes a number away that no trusted proxy gave, or that is none. The next layer gives one where none is.
pub async fn keep_trusted(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let is_ours = request.extensions().get::<Peer>().is_some_and(|peer| {
        let address = peer.0.ip().to_canonical();
        app.config.trusted_proxies.iter().any(|net| net.contains(&address))
    });
    let mut given = request.headers().get_all(NAME).iter();
    let is_kept = match (given.next(), given.next()) {
        (Some(id), None) => is_ours && is_number(id.as_bytes()),
        (None, _) | (Some(_), Some(_)) => false,
    };
    if !is_kept {
        request.headers_mut().remove(NAME);
    }
    next.run(request).await
}

/// Short, and nothing in it that could mean anything in a log: letters, digits, `-`, `_`, `.`, `:`, `=`, `+`, `/`.
fn is_number(id: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:=+/".contains(byte);
    (1..=LENGTH_MAX).contains(&id.len()) && id.iter().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_short_and_plain() {
        for good in ["7", "0af7651916cd43dd8448eb211c80319c", "Root=1-67891233-abcdef012345678912345678"] {
            assert!(is_number(good.as_bytes()), "{good}");
        }
        for bad in ["", "a b", "a\tb", "é", "a\"b", "{a}", "\u{1b}[31m", &"a".repeat(65)] {
            assert!(!is_number(bad.as_bytes()), "{bad:?}");
        }
    }
}
