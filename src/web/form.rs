//! What a form brings: urlencoded or multipart, strict UTF-8, within the body's limit. Nothing is guessed or replaced. Routes that
//! take files read with [`upload`](crate::web::upload); here a file is refused.

use crate::app::App;
use crate::error::{Error, Result, Text};
use crate::web::asking::Asking;
use axum::body::Body;
use axum::extract::multipart::{Multipart, MultipartError};
use axum::extract::{FromRequest, Request};
use axum::http::header;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::borrow::Cow;
use std::time::Duration;

/// Fields that one form may have.
const FIELDS_MAX: usize = 64;
/// How long a body may take to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Fields by name, in the order in which they came.
#[derive(Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// A field's text; empty when it did not come.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The same, to keep.
    pub fn owned(&self, name: &str) -> String {
        self.text(name).to_owned()
    }

    /// Whether a field came, be it empty.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// A yes or no: `true`, `1`, `on`, or `false`, `0`, `off`; none when it did not come.
    ///
    /// # Errors
    /// `Invalid` for any other word: "false" must never mean yes because it is there.
    pub fn truth(&self, name: &'static str) -> Result<Option<bool>> {
        match self.text(name).trim() {
            "" => Ok(None),
            "true" | "1" | "on" => Ok(Some(true)),
            "false" | "0" | "off" => Ok(Some(false)),
            _ => Err(Error::field(name, Text::new("field-truth"))),
        }
    }

    /// A field that names a thing by its number; none when it is empty.
    ///
    /// # Errors
    /// `Invalid` when it is no number.
    pub fn id(&self, name: &'static str) -> Result<Option<i64>> {
        match self.text(name).trim() {
            "" => Ok(None),
            text => text
                .parse()
                .ok()
                .filter(|id: &i64| *id > 0)
                .map(Some)
                .ok_or_else(|| Error::field(name, Text::new("field-number"))),
        }
    }

    /// Bytes of all names and values.
    pub fn size(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// Adds a field.
    ///
    /// # Errors
    /// `TooLarge` for one more than a form has.
    pub fn add(&mut self, name: String, value: String) -> Result<()> {
        if self.0.len() >= FIELDS_MAX {
            return Err(Error::TooLarge);
        }
        self.0.push((name, value));
        Ok(())
    }

    /// What stands behind the question mark of an address.
    ///
    /// # Errors
    /// `Invalid`, `TooLarge`.
    pub fn from_query(query: &str) -> Result<Self> {
        urlencoded(query.as_bytes())
    }
}

impl FromRequest<App> for Form {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let asking = request.extensions().get::<Asking>().cloned();
        // A body that never ends must not hold its connection.
        let read = tokio::time::timeout(BODY_TIMEOUT, parse(request, app.config.body_limit)).await;
        if let Some(asking) = asking {
            asking.check_session(app).await?;
        }
        read.unwrap_or_else(|_| Err(broken()))
    }
}

async fn parse(request: Request, limit: usize) -> Result<Form> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if length.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > limit as u64) {
        return Err(Error::TooLarge);
    }
    let media_type = super::header_text(request.headers(), header::CONTENT_TYPE).trim().to_ascii_lowercase();
    if media_type.starts_with("multipart/form-data") {
        return multipart(request.map(|body| Body::new(Limited::new(body, limit)))).await;
    }
    let is_form = media_type.starts_with("application/x-www-form-urlencoded");
    let body = read(request.into_body(), limit).await?;
    if is_form || body.is_empty() { urlencoded(&body) } else { Err(broken()) }
}

async fn read(body: Body, limit: usize) -> Result<Bytes> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Error::TooLarge),
        Err(_) => Err(broken()),
    }
}

async fn multipart(request: Request) -> Result<Form> {
    let wrong = |error: MultipartError| match error.status().as_u16() {
        413 => Error::TooLarge,
        _ if is_over_limit(&error) => Error::TooLarge,
        _ => broken(),
    };
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| broken())?;
    let mut form = Form::default();
    while let Some(part) = parts.next_field().await.map_err(wrong)? {
        let name = part.name().unwrap_or_default().to_owned();
        let has_file = part.file_name().is_some_and(|file| !file.is_empty());
        let value = part.bytes().await.map_err(wrong)?;
        if has_file {
            return Err(Error::field("attachment", Text::new("field-attachment-unsupported")));
        }
        form.add(name, strict(value.to_vec())?)?;
    }
    Ok(form)
}

/// Whether the body went over its limit somewhere below the parser.
fn is_over_limit(error: &MultipartError) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if inner.is::<LengthLimitError>() {
            return true;
        }
        source = inner.source();
    }
    false
}

fn urlencoded(body: &[u8]) -> Result<Form> {
    let mut form = Form::default();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decode(halves.next().unwrap_or_default())?;
        let value = decode(halves.next().unwrap_or_default())?;
        form.add(name, value)?;
    }
    Ok(form)
}

fn decode(text: &[u8]) -> Result<String> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let bytes: Cow<'_, [u8]> = percent_encoding::percent_decode(&spaced).into();
    strict(bytes.into_owned())
}

/// The body is not what a form is, or did not come.
pub(super) fn broken() -> Error {
    Error::field("form", Text::new("error-invalid"))
}

pub(super) fn strict(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| Error::field("form", Text::new("field-encoding")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_browsers_write_it() {
        let form = urlencoded("content=a+%2B+b%0D%0A%C3%A9&reply_to=7&empty=".as_bytes()).unwrap();
        assert_eq!(form.text("content"), "a + b\r\né");
        assert_eq!(form.id("reply_to").unwrap(), Some(7));
        assert_eq!(form.id("empty").unwrap(), None);
        assert!(form.id("content").is_err());
        assert_eq!(form.text("missing"), "");
    }

    #[test]
    fn broken_utf8_is_told_not_repaired() {
        assert!(urlencoded(b"content=%FF").is_err());
        assert!(urlencoded(b"content=\xff").is_err());
        assert!(urlencoded(b"%C3=x").is_err());
        let many = "a=b&".repeat(FIELDS_MAX + 1);
        assert!(matches!(urlencoded(many.as_bytes()), Err(Error::TooLarge)));
    }
}
