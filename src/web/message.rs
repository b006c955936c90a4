//! Messages: sent, edited, deleted, fetched. One send path for pages, scripts and programs.

use crate::app::App;
use crate::budget::{Budget, Held, Key};
use crate::chatroom::Member;
use crate::chatroom::receipt::{self, Marks};
use crate::db::{Lane, Writer};
use crate::error::{Error, Fields, Result, Text};
use crate::id::{MessageId, UserId};
use crate::live::change::{Beside, Fetched, Polled};
use crate::message::attachment::New;
use crate::message::page::{self, Cursor, NEWEST};
use crate::message::storage;
use crate::message::{self as model, Draft, Kind, Sent, Shown};
use crate::quiet::Counts;
use crate::web::access::{InRoom, OnMessage, member};
use crate::web::asking::Asking;
use crate::web::chatroom::{Wanted, render, seen_here};
use crate::web::form::Form;
use crate::web::upload::{self, Parcel, Received, Rules};
use crate::web::{header_text, reply};
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;

/// The longest that a poll may wait, in seconds.
const WAIT_MAX: u64 = 30;

/// POST `/message/chatroom/{id}`: `content`, `attachment` (files), `reply_to`, `client_nonce`. 201 with the change, 200 for a
/// repetition.
pub async fn create(
    State(app): State<App>,
    asking: Asking,
    InRoom(member): InRoom,
    request: Request,
) -> Result<Response> {
    let mut parcel = upload::read(&app, &member, request, &Rules::attachments(&app)).await?;
    match send(&app, &member, &mut parcel).await {
        Ok((status, json, _)) if asking.wants_json() => Ok(reply::json_text(status, json)),
        Ok((_, _, id)) => Ok(reply::see_other(&format!("/message/chatroom/{}#message-{id}", member.room()))),
        Err(Error::Invalid(faults)) if !asking.wants_json() => {
            show_again(&app, &asking, member, &parcel.form, faults, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(Error::FileTooLarge(why)) if !asking.wants_json() => {
            let faults = Fields(vec![("attachment".into(), why)]);
            show_again(&app, &asking, member, &parcel.form, faults, StatusCode::PAYLOAD_TOO_LARGE).await
        }
        // The room was closed to writing meanwhile: what was typed is not lost by that.
        Err(Error::Conflict(why)) if !asking.wants_json() => {
            let faults = Fields(vec![("content".into(), why)]);
            show_again(&app, &asking, member, &parcel.form, faults, StatusCode::CONFLICT).await
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

async fn send(app: &App, member: &Member, parcel: &mut Parcel) -> Result<(StatusCode, String, MessageId)> {
    if let Some(fault) = parcel.fault.take() {
        return Err(fault);
    }
    let mut files = Vec::new();
    let sent = deliver(app, member, parcel, &mut files).await;
    // What did not become part of a message now has no message.
    if !matches!(sent, Ok((StatusCode::CREATED, ..))) {
        let names: Vec<_> = files.iter().flat_map(|file| file.kept.names().cloned()).collect();
        app.files.discard(&names).await;
    }
    sent
}

async fn deliver(
    app: &App,
    member: &Member,
    parcel: &mut Parcel,
    files: &mut Vec<New>,
) -> Result<(StatusCode, String, MessageId)> {
    let reply_to = parcel.form.id("reply_to")?.map(MessageId);
    let content = app.renderer.content(member, parcel.form.text("content"), None).await?;
    for Received { name, file } in std::mem::take(&mut parcel.files) {
        files.push(New::of(name, app.files.take(member.user(), file).await?));
    }
    let nonce = parcel.form.text("client_nonce");
    let draft = Draft::with_files(Kind::Text, content, files.clone(), reply_to, nonce, &app.clock)?;
    post(app, member, draft).await
}

/// Puts a draft into the room and tells everybody: the one way of sending.
///
/// # Errors
/// Those of the model.
pub(super) async fn post(app: &App, member: &Member, draft: Draft) -> Result<(StatusCode, String, MessageId)> {
    let (live, who, now) = (app.live.clone(), member.clone(), app.clock.now());
    live.stop_typing(member);
    let (links, markdown) = (draft.content.links().to_vec(), draft.content.markdown().to_owned());
    spend_characters(app, member, &markdown)?;
    let (limits, bytes) = (upload::storage_limits(app), draft.files.iter().map(|file| file.kept.size).sum());
    let sent: Result<_> = app
        .db
        .write(Lane::Room(member.room().0), move |tx| match model::create(tx, &who, &draft, now)? {
            Sent::New(shown) => {
                storage::add(tx, who.user(), bytes, limits, now)?;
                let id = shown.message.id;
                Ok((StatusCode::CREATED, live.announce(tx, shown)?, id))
            }
            Sent::Repeated(shown) => {
                let id = shown.message.id;
                Ok((StatusCode::OK, live.render(shown)?, id))
            }
        })
        .await;
    let sent = sent?;
    app.unfurl.look(member.user(), member.room(), sent.2, (&links, &markdown));
    Ok(sent)
}

/// What is written becomes rows, indexes and pages: it is counted by the character.
fn spend_characters(app: &App, member: &Member, text: &str) -> Result<()> {
    let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    app.budgets.spend_many(Budget::Characters, Key::Person(member.user()), characters)
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
    let result = rewrite(&app, &member, id, form.text("content")).await;
    match result {
        Err(Error::Invalid(faults)) if !asking.wants_json() => {
            let wanted = Wanted { edit: Some(id), content: Some(form.owned("content")), faults, ..Wanted::default() };
            render(&app, &asking, member, wanted, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        result => changed(&asking, &member, id, result?),
    }
}

async fn rewrite(app: &App, member: &Member, id: MessageId, typed: &str) -> Result<String> {
    spend_characters(app, member, typed)?;
    let content = Arc::new(app.renderer.content(member, typed, Some(id)).await?);
    let (who, window, now) = (member.clone(), app.config.edit_window, app.clock.now());
    let new = content.clone();
    let json = change(app, member, move |tx| model::edit(tx, &who, id, &new, window, now)).await?;
    app.unfurl.look(member.user(), member.room(), id, (content.links(), content.markdown()));
    Ok(json)
}

/// POST `/message/{id}/delete`. 200 with the change: a tombstone.
pub async fn delete(State(app): State<App>, asking: Asking, OnMessage(member, id): OnMessage) -> Result<Response> {
    let (who, now) = (member.clone(), app.clock.now());
    let json = change(&app, &member, move |tx| model::delete(tx, &who, id, now)).await?;
    // Nobody can ask for its files any more; their bytes go now. Should that fail, the sweep does it.
    if let Err(error) = app.delete_forgotten().await {
        tracing::warn!(%error, "files of a deleted message are still in the store");
    }
    app.erase_soon();
    changed(&asking, &member, id, json)
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

/// What a poll asks for. Who names no count of receipts or typing is told of neither.
#[derive(Debug)]
struct Query {
    cursor: Cursor,
    wait: u64,
    limit: i64,
    reads: Option<i64>,
    typing: Option<i64>,
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
        let limit = number("limit")?.unwrap_or(NEWEST);
        Ok(Self { cursor, wait, limit, reads: number("reads")?, typing: number("typing")? })
    }

    /// Whether the reader knows these counts, or does not ask for them.
    fn knows(&self, counts: Counts) -> bool {
        self.reads.is_none_or(|reads| reads == counts.reads)
            && self.typing.is_none_or(|typing| u64::try_from(typing) == Ok(counts.typing))
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
    let mut query = Query::parse(query.as_deref().unwrap_or_default(), &app.live.epoch)?;
    app.live.aware.presence.polled(who.user(), app.clock.now());
    if query.reads.is_some() && !app.live.aware.sharing_of(&app.db, who.user()).await?.reads {
        query.reads = None;
    }
    if let Cursor::Since(since) = query.cursor {
        let is_told = is_told(&app, &who, &query, since, &headers);
        if query.wait > 0 && is_told && is_nothing_new(&app, &who, since, &query) {
            let _held = hold_poll(&app, &asking, who.user())?;
            wait_for_news(&app, &asking, &who, since, &query).await?;
            // Who was removed or signed out meanwhile must not learn what came after.
            let session = asking.still_signed_in(&app).await?;
            who = member(&app, who.room(), session.user.id).await?;
        }
        if is_nothing_new(&app, &who, since, &query) {
            return nothing_new(&app, &who, since, &query, &headers);
        }
    }
    let counts = app.live.aware.quiet.get(who.room());
    let (reader, room) = (who.clone(), who.room());
    let (cursor, limit, reads) = (query.cursor, query.limit, query.reads);
    let here = seen_here(&app, app.live.aware.sharing_of(&app.db, who.user()).await?);
    let (page, marks) = app
        .db
        .read(move |db| -> Result<_> {
            let page = page::read_with(db, &reader, cursor, limit, &here)?;
            // Who starts over gets all marks: the count may be of another history.
            let known = reads.map(|reads| if page.is_reset || reads > counts.reads { -1 } else { reads });
            Ok((page, known.map(|known| receipt::since(db, room, known)).transpose()?))
        })
        .await?;
    let fetched = Fetched::new(&app.live, room, page)?;
    let tag = etag(&app, &who, &query, counts, fetched.revision);
    let beside = beside(&app, &who, &query, counts, marks);
    let mut response = reply::json(StatusCode::OK, &Polled { fetched, beside })?;
    let is_history = matches!(cursor, Cursor::Before(_));
    if !is_history {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

/// What a poll is told besides the room's log.
fn beside(app: &App, who: &Member, query: &Query, counts: Counts, marks: Option<Marks>) -> Beside {
    let is_typing_asked = query.typing.is_some();
    let now = app.clock.now();
    Beside {
        reads: query.reads.map(|_| counts.reads),
        marks_partial: marks.as_ref().is_some_and(|marks| marks.is_partial),
        marks: marks.map(|marks| marks.marks).filter(|marks| !marks.is_empty()),
        typing: is_typing_asked.then_some(counts.typing),
        typists: is_typing_asked.then(|| app.live.aware.typing.list(who.room(), now)),
        typist_names: if is_typing_asked { app.live.aware.typing.names(who.room(), now) } else { Vec::new() },
    }
}

fn is_nothing_new(app: &App, who: &Member, since: i64, query: &Query) -> bool {
    app.live.tops.get(who.room()) == Some(since) && query.knows(app.live.aware.quiet.get(who.room()))
}

/// The places of a poll that waits.
fn hold_poll(app: &App, asking: &Asking, user: UserId) -> Result<(Held, Option<Held>)> {
    let mine = app.budgets.hold(Budget::Polls, Key::Person(user))?;
    let address = Some(asking.address()).filter(|address| app.budgets.is_telling(*address));
    let there = address.map(|address| app.budgets.hold(Budget::AddressPolls, Key::Address(address))).transpose()?;
    Ok((mine, there))
}

async fn wait_for_news(app: &App, asking: &Asking, who: &Member, since: i64, query: &Query) -> Result<()> {
    let session = asking.session().ok_or(Error::Unauthenticated)?;
    let mut watch = app.sessions.watch(session.id);
    asking.still_signed_in(app).await?;
    let (mut stopping, mode) = (app.stopping.subscribe(), app.live.mode());
    tokio::select! {
        () = app.live.mode_differs(mode) => {}
        () = app.live.tops.above(who.room(), since) => {}
        () = app.live.aware.quiet.differ(who.room(), |counts| query.knows(counts)) => {}
        () = tokio::time::sleep(Duration::from_secs(query.wait)) => {}
        () = watch.ended() => {}
        _ = stopping.wait_for(|is_stopping| *is_stopping) => {}
    }
    Ok(())
}

fn nothing_new(app: &App, who: &Member, revision: i64, query: &Query, headers: &HeaderMap) -> Result<Response> {
    let counts = app.live.aware.quiet.get(who.room());
    let tag = etag(app, who, query, counts, revision);
    let mut response = if is_known(&tag, headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let page = page::Page { revision, ..page::Page::default() };
        let fetched = Fetched::new(&app.live, who.room(), page)?;
        let beside = beside(app, who, query, counts, None);
        reply::json(StatusCode::OK, &Polled { fetched, beside })?
    };
    response.headers_mut().insert(header::ETAG, tag);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

fn is_known(tag: &HeaderValue, headers: &HeaderMap) -> bool {
    tag.to_str().is_ok_and(|tag| {
        header_text(headers, header::IF_NONE_MATCH).split(',').any(|known| known.trim().trim_start_matches("W/") == tag)
    })
}

/// Whether the reader may wait: who names another tag than the present one has not been told everything that stands beside the log.
fn is_told(app: &App, who: &Member, query: &Query, since: i64, headers: &HeaderMap) -> bool {
    let counts = app.live.aware.quiet.get(who.room());
    !headers.contains_key(header::IF_NONE_MATCH) || is_known(&etag(app, who, query, counts, since), headers)
}

/// Epoch, revision, the counters of what the reader is told besides, and how pages are to hear of news.
fn etag(app: &App, who: &Member, query: &Query, counts: Counts, revision: i64) -> HeaderValue {
    let reads = query.reads.map_or(0, |_| counts.reads);
    let typing = query.typing.map_or(0, |_| counts.typing);
    let mode = app.live.mode().as_str();
    let tag = format!("\"{}.{revision}.{reads}.{}.{typing}.{mode}\"", app.live.epoch, who.hides());
    HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""))
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
