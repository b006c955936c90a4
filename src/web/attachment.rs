//! Files of messages, served: membership asked at each request, in parts when a player wants parts, and never as a page of ours.

use crate::app::App;
use crate::error::{Error, Result};
use crate::files::{Bytestream, Name};
use crate::id::AttachmentId;
use crate::message::attachment::{self, Stored};
use crate::web::access::{CurrentUser, member, number};
use crate::web::header_text;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::ops::Range;

/// What a browser may show by itself. Everything else (texts, PDF, SVG and HTML among it) is a download.
const INLINE: [&str; 13] = [
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "video/mp4",
    "video/webm",
    "video/quicktime",
    "audio/mpeg",
    "audio/mp4",
    "audio/ogg",
    "audio/flac",
    "audio/wav",
    "audio/aac",
];
/// Whatever a file holds, it runs nothing and knows nothing of this site; a player that a browser puts around it may play it.
const POLICY: &str =
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";
/// RFC 8187, section 3.2.1: what needs no percent sign in `filename*`.
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// A file of a message that the person who asks may see.
pub struct OnAttachment(Stored);

impl FromRequestParts<App> for OnAttachment {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let CurrentUser(user) = CurrentUser::from_request_parts(parts, app).await?;
        let id = AttachmentId(number(parts, app, "id").await?);
        let room = app.db.read(move |db| attachment::room_of(db, id)).await?.ok_or(Error::NotFound)?;
        let member = member(app, room, user.id).await?;
        app.db.read(move |db| attachment::find(db, &member, id)).await?.map(Self).ok_or(Error::NotFound)
    }
}

/// GET `/attachment/{id}`: the bytes, whole or a part of them.
pub async fn show(State(app): State<App>, OnAttachment(file): OnAttachment, headers: HeaderMap) -> Result<Response> {
    let is_inline = INLINE.contains(&file.media_type.as_str());
    let served = Served {
        tag: tag(&file.sha256, ""),
        media_type: if file.media_type == "text/plain" { "text/plain; charset=utf-8" } else { &file.media_type },
        disposition: disposition(is_inline, &file.name),
    };
    if is_known(&headers, &served.tag) {
        return served.unchanged();
    }
    match wanted(&headers, &served.tag, file.size) {
        Wanted::All => served.bytes(&app, &file.storage, None, file.size).await,
        Wanted::Part(range) => served.bytes(&app, &file.storage, Some(range), file.size).await,
        Wanted::Nothing => served.beyond(file.size),
    }
}

/// GET `/attachment/{id}/thumbnail`: the smaller picture.
pub async fn thumbnail(
    State(app): State<App>,
    OnAttachment(file): OnAttachment,
    headers: HeaderMap,
) -> Result<Response> {
    let small = file.thumbnail.as_ref().ok_or(Error::NotFound)?;
    let mut served =
        Served { tag: tag(&file.sha256, "-small"), media_type: "image/jpeg", disposition: "inline".to_owned() };
    if is_known(&headers, &served.tag) {
        return served.unchanged();
    }
    let mut bytes = app.files.read(small, None).await?.ok_or(Error::NotFound)?;
    let mut whole = Vec::new();
    while let Some(piece) = futures_util::TryStreamExt::try_next(&mut bytes).await.map_err(Error::internal)? {
        whole.extend_from_slice(&piece);
    }
    // A smaller picture is a JPEG, or a PNG where something shows through.
    if whole.starts_with(b"\x89PNG") {
        served.media_type = "image/png";
    }
    let mut response = Body::from(whole).into_response();
    served.describe(&mut response)?;
    Ok(response)
}

/// What every answer about a file says.
struct Served<'a> {
    tag: String,
    media_type: &'a str,
    disposition: String,
}

impl Served<'_> {
    async fn bytes(&self, app: &App, name: &Name, range: Option<Range<u64>>, size: u64) -> Result<Response> {
        let Some(bytes): Option<Bytestream> = app.files.read(name, range.clone()).await? else {
            // The message was deleted a moment ago, or somebody took the file away.
            tracing::warn!(file = %name, "a file that a row names is not in the store");
            return Err(Error::NotFound);
        };
        let mut response = Body::from_stream(bytes).into_response();
        let mut length = size;
        if let Some(range) = range {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            length = range.end - range.start;
            let part = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            response.headers_mut().insert(header::CONTENT_RANGE, value(&part)?);
        }
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        self.describe(&mut response)?;
        Ok(response)
    }

    fn unchanged(&self) -> Result<Response> {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        self.describe(&mut response)?;
        Ok(response)
    }

    fn beyond(&self, size: u64) -> Result<Response> {
        let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
        response.headers_mut().insert(header::CONTENT_RANGE, value(&format!("bytes */{size}"))?);
        self.describe(&mut response)?;
        Ok(response)
    }

    fn describe(&self, response: &mut Response) -> Result<()> {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, value(self.media_type)?);
        headers.insert(header::CONTENT_DISPOSITION, value(&self.disposition)?);
        headers.insert(header::ETAG, value(&self.tag)?);
        // Kept, but asked for each time: who was removed, or signed out, sees it no more.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        let same_origin = HeaderValue::from_static("same-origin");
        headers.insert(HeaderName::from_static("cross-origin-resource-policy"), same_origin);
        Ok(())
    }
}

fn value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(Error::internal)
}

fn tag(sha256: &[u8], variant: &str) -> String {
    let hex: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}{variant}\"")
}

/// RFC 6266 with RFC 8187: the name in ASCII for the oldest, in full for everybody else.
fn disposition(is_inline: bool, name: &str) -> String {
    let word = if is_inline { "inline" } else { "attachment" };
    let ascii: String =
        name.chars().map(|c| if c.is_ascii_graphic() && !"\"\\%;".contains(c) || c == ' ' { c } else { '_' }).collect();
    format!("{word}; filename=\"{ascii}\"; filename*=UTF-8''{}", utf8_percent_encode(name, ATTR_CHAR))
}

/// Whether the browser has these bytes already.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    header_text(headers, header::IF_NONE_MATCH)
        .split(',')
        .any(|known| matches!(known.trim().trim_start_matches("W/"), known if known == tag || known == "*"))
}

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(Range<u64>),
    Nothing,
}

/// RFC 9110, section 14: one range; several, or what cannot be read, is as good as none.
fn wanted(headers: &HeaderMap, tag: &str, size: u64) -> Wanted {
    let condition = header_text(headers, header::IF_RANGE);
    if !condition.is_empty() && condition != tag {
        return Wanted::All;
    }
    let Some(spec) = header_text(headers, header::RANGE).strip_prefix("bytes=") else { return Wanted::All };
    let Some((first, last)) = spec.trim().split_once('-') else { return Wanted::All };
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let range = match (first, number(first), last, number(last)) {
        ("", _, _, Some(suffix)) => size.saturating_sub(suffix)..size,
        (_, Some(first), "", _) => first..size,
        (_, Some(first), _, Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        _ => return Wanted::All,
    };
    if range.start < range.end { Wanted::Part(range) } else { Wanted::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_served_and_what_cannot_be_read_is_none() {
        let wanted = |range: &str| {
            let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_str(range).unwrap())]);
            super::wanted(&headers, "\"t\"", 100)
        };
        for (range, part) in [
            ("bytes=0-9", 0..10),
            ("bytes=90-", 90..100),
            ("bytes=-10", 90..100),
            ("bytes=-1000", 0..100),
            ("bytes=50-1000", 50..100),
            ("bytes=0-18446744073709551615", 0..100),
        ] {
            assert_eq!(wanted(range), Wanted::Part(part), "{range}");
        }
        for beyond in ["bytes=100-", "bytes=200-300", "bytes=-0"] {
            assert_eq!(wanted(beyond), Wanted::Nothing, "{beyond}");
        }
        for other in ["bytes=", "bytes=-", "bytes=9-0", "bytes=0-1,5-6", "items=0-1", "bytes=+1-2", "bytes=a-b", ""] {
            assert_eq!(wanted(other), Wanted::All, "{other}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(
            disposition(false, "Été \"2026\"; x=1\\.pdf"),
            "attachment; filename=\"_t_ _2026__ x=1_.pdf\"; filename*=UTF-8''%C3%89t%C3%A9%20%222026%22%3B%20x%3D1%5C.pdf"
        );
        assert_eq!(disposition(true, "a.png"), "inline; filename=\"a.png\"; filename*=UTF-8''a.png");
        assert!(HeaderValue::from_str(&disposition(true, "a\r\nSet-Cookie: x\u{7f}.png")).is_ok());
    }
}
