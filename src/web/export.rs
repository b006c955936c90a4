//! A room as an archive that its admins take away: data, a page to print, and the files. Streamed: its size in memory does not
//! depend on the room's.

mod archive;
mod record;

use crate::app::App;
use crate::clock;
use crate::error::{Error, Result, Text};
use crate::message::export;
use crate::web::access::InRoom;
use crate::web::asking::Asking;
use archive::Archive;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use time::macros::format_description;

/// What goes into the archive beside the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Format {
    json: bool,
    html: bool,
}

impl Format {
    fn parse(query: &str) -> Result<Self> {
        match query.split('&').find_map(|pair| pair.strip_prefix("format=")) {
            None | Some("") => Ok(Self { json: true, html: true }),
            Some("json") => Ok(Self { json: true, html: false }),
            Some("html") => Ok(Self { json: false, html: true }),
            Some(_) => Err(Error::field("format", Text::new("field-export-format"))),
        }
    }
}

/// GET `/message/chatroom/{id}/export`: a ZIP with `room.json`, `room.html` (`format=json` or `html`: only that one) and `files/`.
pub async fn room(
    State(app): State<App>,
    asking: Asking,
    InRoom(member): InRoom,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let (room, user) = (member.room(), member.user());
    let begin = app.db.read(move |db| export::begin(db, room, user)).await?;
    let format = Format::parse(query.as_deref().unwrap_or_default())?;
    let now = app.clock.now();
    let day = clock::moment(now).format(format_description!("[year]-[month]-[day]")).unwrap_or_default();
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"palabre-{room}-{day}.zip\""));
    let archive = Archive::begin(app, begin, asking.locale(), format, now)?;
    let mut response = (StatusCode::OK, Body::from_stream(archive.stream())).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CONTENT_DISPOSITION, disposition.map_err(Error::internal)?);
    // It is compressed already, and no part of it can be had alone.
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("none"));
    Ok(response)
}
