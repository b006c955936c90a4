//! The browser's side: everything under `public/`, inside the binary, under an address that names its content.

use aws_lc_rs::digest::{Context, SHA256};
use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rust_embed::RustEmbed;
use std::borrow::Cow;
use std::sync::Arc;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/public"]
struct Files;

/// All files, under one digest: relative imports between them need no map. A cheap clone.
#[derive(Clone)]
pub struct Assets(Arc<str>);

impl Default for Assets {
    fn default() -> Self {
        let mut names: Vec<Cow<'static, str>> = Files::iter().collect();
        names.sort();
        let mut context = Context::new(&SHA256);
        for name in names {
            context.update(name.as_bytes());
            context.update(&[0]);
            if let Some(file) = Files::get(&name) {
                context.update(&file.data);
            }
        }
        let digest = URL_SAFE_NO_PAD.encode(context.finish().as_ref());
        Self(Arc::from(&digest[..16]))
    }
}

/// A file to be answered.
pub struct Asset {
    /// Its bytes.
    pub body: Cow<'static, [u8]>,
    /// Its media type.
    pub media_type: HeaderValue,
}

impl Assets {
    /// Where a browser finds a file of `public/`.
    pub fn url(&self, path: &str) -> String {
        format!("/public/{}/{path}", self.0)
    }

    /// The file of an address, if the digest is this binary's.
    pub fn find(&self, digest: &str, path: &str) -> Option<Asset> {
        if digest == &*self.0 { self.read(path) } else { None }
    }

    /// A file of `public/` that is asked for under an address of its own.
    pub fn read(&self, path: &str) -> Option<Asset> {
        let file = Files::get(path)?;
        let media_type = match path.rsplit_once('.').map(|(_, ending)| ending) {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("json") => "application/json",
            Some("webmanifest") => "application/manifest+json",
            Some(_) | None => "application/octet-stream",
        };
        Some(Asset { body: file.data, media_type: HeaderValue::from_static(media_type) })
    }
}
