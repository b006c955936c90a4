//! Messages: sent, edited, deleted, fetched. One send path for pages, scripts and programs.

use crate::app::App;
use crate::chatroom::{self, Member};
use crate::db::{Lane, Writer};
use crate::error::{Error, Fields, Result, Text};
use crate::id::MessageId;
use crate::live::change::Fetched;
use crate::message::page::{self, Cursor, NEWEST};
use crate::message::{self as model, Content, Draft, Sent, Shown};
use crate::web::access::{InRoom, OnMessage, member};
use crate::web::asking::Asking;
use crate::web::chatroom::{Wanted, render};
use crate::web::form::Form;
use crate::web::{header_text, reply};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::time::Duration;

/// The longest that a poll may wait, in seconds.
const WAIT_MAX: u64 = 30;

/// POST `/message/chatroom/{id}`: `content`, `reply_to`, `client_nonce`. 201 with the change, 200 for a repetition.
pub async fn create(State(app): State<App>, asking: Asking, InRoom(member): InRoom, form: Form) -> Result<Response> {
    match send(&app, &member, &form).await {
        Ok((status, json, _)) if asking.wants_json() => Ok(reply::json_text(status, json)),
        Ok((_, _, id)) => Ok(reply::see_other(&format!("/message/chatroom/{}#message-{id}", member.room()))),
        Err(Error::Invalid(faults)) if !asking.wants_json() => {
            show_again(&app, &asking, member, &form, faults, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        // The room was closed to writing meanwhile: what was typed is not lost by that.
        Err(Error::Conflict(why)) if !asking.wants_json() => {
            let faults = Fields(vec![("content".into(), why)]);
            show_again(&app, &asking, member, &form, faults, StatusCode::CONFLICT).await
        }
        Err(error) => Err(error),
    }
}

/// The room with what was typed, and what is wrong with it.
async fn show_again(
    app: &App,
    asking: &Asking,
    member: Member,
    form: &Form,
    faults: Fields,
    status: StatusCode,
) -> Result<Response> {
    let wanted = Wanted {
        reply_to: form.id("reply_to").ok().flatten().map(MessageId),
        content: Some(form.owned("content")),
        faults,
        ..Wanted::default()
    };
    render(app, asking, member, wanted, status).await
}

async fn send(app: &App, member: &Member, form: &Form) -> Result<(StatusCode, String, MessageId)> {
    let reply_to = form.id("reply_to")?.map(MessageId);
    let draft = Draft::new(form.text("content"), reply_to, form.text("client_nonce"), &app.clock)?;
    let (live, member, now) = (app.live.clone(), member.clone(), app.clock.now());
    app.db
        .write(Lane::Room(member.room().0), move |tx| match model::create(tx, &member, &draft, now)? {
            Sent::New(shown) => {
                let id = shown.message.id;
                Ok((StatusCode::CREATED, live.announce(tx, shown)?, id))
            }
            Sent::Repeated(shown) => {
                let id = shown.message.id;
                Ok((StatusCode::OK, live.render(shown)?, id))
            }
        })
        .await
}

/// GET `/message/{id}`: the message as it is now, as its latest change; a browser is led to its place in the room.
pub async fn show(State(app): State<App>, asking: Asking, OnMessage(member, id): OnMessage) -> Result<Response> {
    let room = member.room();
    let shown = app.db.read(move |db| model::look(db, &member, id)).await?;
    if asking.wants_json() {
        return Ok(reply::json_text(StatusCode::OK, app.live.render(shown)?));
    }
    let below = shown.message.position + 1;
    Ok(reply::see_other(&format!("/message/chatroom/{room}?before={below}#message-{id}")))
}

/// POST `/message/{id}/edit`: `content`. 200 with the change.
pub async fn edit(
    State(app): State<App>,
    asking: Asking,
    OnMessage(member, id): OnMessage,
    form: Form,
) -> Result<Response> {
    let content = Content::new(form.text("content"));
    let (who, window, now) = (member.clone(), app.config.edit_window, app.clock.now());
    let result = match content {
        Ok(content) => change(&app, &member, move |tx| model::edit(tx, &who, id, &content, window, now)).await,
        Err(error) => Err(error),
    };
    match result {
        Err(Error::Invalid(faults)) if !asking.wants_json() => {
            let wanted = Wanted { edit: Some(id), content: Some(form.owned("content")), faults, ..Wanted::default() };
            render(&app, &asking, member, wanted, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        result => changed(&asking, &member, id, result?),
    }
}

/// POST `/message/{id}/delete`. 200 with the change: a tombstone.
pub async fn delete(State(app): State<App>, asking: Asking, OnMessage(member, id): OnMessage) -> Result<Response> {
    let (who, now) = (member.clone(), app.clock.now());
    let json = change(&app, &member, move |tx| model::delete(tx, &who, id, now)).await?;
    changed(&asking, &member, id, json)
}

/// POST `/message/{id}/mark-read`: everything up to this message was read. 200 with the watermark.
pub async fn mark_read(State(app): State<App>, asking: Asking, OnMessage(member, id): OnMessage) -> Result<Response> {
    let who = member.clone();
    let (position, has_moved) = app
        .db
        .write(Lane::Room(member.room().0), move |tx| -> Result<_> {
            let message = model::find(tx, &who, id)?.ok_or(Error::NotFound)?;
            Ok((message.position, chatroom::mark_read(tx, &who, message.position)?))
        })
        .await?;
    if has_moved {
        app.live.tell_read(member.user(), member.room(), position);
    }
    let body = json!({ "room": member.room(), "position": position });
    reply::done(&asking, StatusCode::OK, &body, &format!("/message/chatroom/{}", member.room()))
}

pub(super) async fn change(
    app: &App,
    member: &Member,
    mut act: impl FnMut(&mut Writer<'_>) -> Result<(bool, Shown)> + Send + 'static,
) -> Result<String> {
    let live = app.live.clone();
    app.db
        .write(Lane::Room(member.room().0), move |tx| {
            let (is_new, shown) = act(tx)?;
            if is_new { live.announce(tx, shown) } else { live.render(shown) }
        })
        .await
}

pub(super) fn changed(asking: &Asking, member: &Member, id: MessageId, json: String) -> Result<Response> {
    if asking.wants_json() {
        return Ok(reply::json_text(StatusCode::OK, json));
    }
    Ok(reply::see_other(&format!("/message/chatroom/{}#message-{id}", member.room())))
}

/// What a poll asks for.
#[derive(Debug)]
struct Query {
    cursor: Cursor,
    wait: u64,
    limit: i64,
}

impl Query {
    /// `since` wins over `lastMessageId`; a cursor of another history means nothing here.
    fn parse(text: &str, epoch: &str) -> Result<Self> {
        let param = |name: &str| text.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let number = |name: &'static str| -> Result<Option<i64>> {
            match param(name) {
                None | Some("") => Ok(None),
                Some(text) => {
                    let number = text.parse::<i64>().ok().filter(|number| *number >= 0);
                    number.map(Some).ok_or_else(|| Error::field(name, Text::new("field-number")))
                }
            }
        };
        let is_foreign = param("epoch").is_some_and(|known| !known.is_empty() && known != epoch);
        let cursor = match (number("before")?, number("since")?, number("lastMessageId")?) {
            (Some(position), _, _) => Cursor::Before(position),
            (None, Some(_), _) if is_foreign => Cursor::Since(-1),
            (None, Some(since), _) => Cursor::Since(since),
            (None, None, Some(id)) => Cursor::LastMessage(MessageId(id)),
            (None, None, None) => Cursor::Newest,
        };
        let wait = u64::try_from(number("wait")?.unwrap_or(0)).unwrap_or(0).min(WAIT_MAX);
        Ok(Self { cursor, wait, limit: number("limit")?.unwrap_or(NEWEST) })
    }
}

/// GET `/message/chatroom/{id}/fetch`: what a cursor has not seen. When that is nothing, the answer comes from memory.
pub async fn fetch(
    State(app): State<App>,
    asking: Asking,
    InRoom(mut who): InRoom,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let query = Query::parse(query.as_deref().unwrap_or_default(), &app.live.epoch)?;
    if let Cursor::Since(since) = query.cursor
        && app.live.tops.get(who.room()) == Some(since)
    {
        if query.wait > 0 {
            wait_for_news(&app, &who, since, query.wait).await;
            // Who was removed or signed out meanwhile must not learn what came after.
            let user = asking.still_signed_in(&app).await?;
            who = member(&app, who.room(), user).await?;
        }
        if app.live.tops.get(who.room()) == Some(since) {
            return nothing_new(&app, &who, since, &headers);
        }
    }
    let (reader, room) = (who.clone(), who.room());
    let (cursor, limit) = (query.cursor, query.limit);
    let page = app.db.read(move |db| page::read(db, &reader, cursor, limit)).await?;
    let fetched = Fetched::new(&app.live, room, page)?;
    let tag = etag(&app, fetched.revision);
    let mut response = reply::json(StatusCode::OK, &fetched)?;
    let is_history = matches!(cursor, Cursor::Before(_));
    if !is_history {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

async fn wait_for_news(app: &App, who: &Member, since: i64, seconds: u64) {
    let mut stopping = app.stopping.subscribe();
    tokio::select! {
        () = app.live.tops.above(who.room(), since) => {}
        () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
        _ = stopping.wait_for(|is_stopping| *is_stopping) => {}
    }
}

fn nothing_new(app: &App, who: &Member, revision: i64, headers: &HeaderMap) -> Result<Response> {
    let tag = etag(app, revision);
    let is_known = tag.to_str().is_ok_and(|tag| {
        header_text(headers, header::IF_NONE_MATCH).split(',').any(|known| known.trim().trim_start_matches("W/") == tag)
    });
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let page = page::Page { revision, ..page::Page::default() };
        reply::json(StatusCode::OK, &Fetched::new(&app.live, who.room(), page)?)?
    };
    response.headers_mut().insert(header::ETAG, tag);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

fn etag(app: &App, revision: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{}.{revision}\"", app.live.epoch)).unwrap_or(HeaderValue::from_static("\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_waits_half_a_minute_at_most() {
        let wait = |text| Query::parse(text, "e").map(|query| query.wait).ok();
        assert_eq!([wait(""), wait("wait="), wait("wait=7"), wait("wait=30")], [Some(0), Some(0), Some(7), Some(30)]);
        assert_eq!([wait("wait=31"), wait("wait=86400")], [Some(30), Some(30)]);
        assert_eq!([wait("wait=-1"), wait("wait=x")], [None, None]);
    }

    #[test]
    fn since_wins_and_another_history_means_nothing() {
        let cursor = |text| Query::parse(text, "e").map(|query| query.cursor).ok();
        assert_eq!(cursor("since=4&lastMessageId=7"), Some(Cursor::Since(4)));
        assert_eq!(cursor("since=4&epoch=e"), Some(Cursor::Since(4)));
        assert_eq!(cursor("since=4&epoch=f"), Some(Cursor::Since(-1)));
        assert_eq!(cursor("lastMessageId=7"), Some(Cursor::LastMessage(MessageId(7))));
        assert_eq!(cursor("before=7&since=4"), Some(Cursor::Before(7)));
        assert_eq!(cursor("since=&x"), Some(Cursor::Newest));
    }
}
