//! Key sets from the web. Feature `jwks-url`.

use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::{Client, header::CACHE_CONTROL, redirect::Policy};

use crate::auth::{
    jwks::{FetchError, FetchKeys, FetchedKeys},
    key::InvalidKey,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Fetches over HTTP. It follows no redirect: the operator named one address, and a redirect could point into the hub's own network (SSRF).
pub(crate) struct Web(Client);

impl Web {
    pub(crate) fn new() -> Result<Self, InvalidKey> {
        let client = Client::builder().redirect(Policy::none()).connect_timeout(CONNECT_TIMEOUT).build();
        client.map(Self).map_err(|_| InvalidKey::Address)
    }
}

impl FetchKeys for Web {
    fn fetch<'a>(&'a self, url: &'a str, limit: usize) -> BoxFuture<'a, Result<FetchedKeys, FetchError>> {
        Box::pin(async move {
            // The address may hold a secret, so it stays out of the error.
            let failed = |error: reqwest::Error| FetchError(error.without_url().to_string());
            let mut response = self.0.get(url).send().await.map_err(failed)?;
            if response.status() != 200 {
                return Err(FetchError(format!("status {}", response.status().as_u16())));
            }
            let caching = response.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
            let max_age = caching.and_then(max_age);
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(failed)? {
                if body.len() + chunk.len() > limit {
                    return Err(FetchError("too large".to_owned()));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(FetchedKeys { body, max_age })
        })
    }
}

/// `max-age` of a `Cache-Control` (RFC 9111 section 5.2.2.1); zero when the answer is not to be kept.
fn max_age(value: &str) -> Option<Duration> {
    let directives = value.split(',').map(|directive| directive.trim().to_ascii_lowercase());
    let ages = directives.filter_map(|directive| match directive.as_str() {
        "no-store" | "no-cache" => Some(0),
        other => other.strip_prefix("max-age=")?.trim_matches('"').parse().ok(),
    });
    ages.min().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_says_how_long_its_keys_are_good() {
        for (value, seconds) in [
            ("max-age=300", Some(300)),
            ("public, Max-Age=\"60\", must-revalidate", Some(60)),
            ("max-age=300, no-store", Some(0)),
            ("s-maxage=10", None),
            ("max-age=soon", None),
        ] {
            assert_eq!(max_age(value), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
