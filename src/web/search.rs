//! Search, in a room and in all of one's rooms: a page for who runs no script, JSON for everybody else.

use crate::app::App;
use crate::chatroom::people::{self, First};
use crate::chatroom::{self, MemberState};
use crate::clock::Micros;
use crate::db::Reader;
use crate::error::{Error, Fields, Result, Text};
use crate::id::{MessageId, RoomId, UserId};
use crate::message::search::{self, Filter, Hits, Query, Results};
use crate::view::context::{FoundView, MemberView, Search, SearchForm};
use crate::web::access::{CurrentUser, InRoom};
use crate::web::asking::Asking;
use crate::web::form::Form;
use crate::web::reply;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime};

/// GET `/message/chatroom/{id}/search`: `q`, `author`, `from`, `to`, `has_file`, `before`; `everywhere` leaves the room.
pub async fn in_room(
    State(app): State<App>,
    asking: Asking,
    InRoom(member): InRoom,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let form = Form::from_query(query.as_deref().unwrap_or_default())?;
    let room = (form.truth("everywhere")? != Some(true)).then(|| member.room());
    answer(&app, &asking, member.user(), room, form).await
}

/// GET `/search`: the same over all rooms of the person; `room` narrows it to one of them.
pub async fn everywhere(
    State(app): State<App>,
    asking: Asking,
    CurrentUser(user): CurrentUser,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let form = Form::from_query(query.as_deref().unwrap_or_default())?;
    answer(&app, &asking, user.id, None, form).await
}

async fn answer(app: &App, asking: &Asking, user: UserId, room: Option<RoomId>, form: Form) -> Result<Response> {
    let query = understand(&form, room);
    if !asking.wants_json() {
        return show(app, asking, user, room, form, query).await;
    }
    let query = query?;
    let asked = query.clone();
    let hits = app.db.read(move |db| search::find(db, user, &query)).await?;
    let results = app.renderer.results(user, hits, asked).await?;
    reply::json(StatusCode::OK, &as_json(app, results)?)
}

/// The page: the form alone before anything was asked.
async fn show(
    app: &App,
    asking: &Asking,
    user: UserId,
    room: Option<RoomId>,
    form: Form,
    query: Result<Query>,
) -> Result<Response> {
    let (query, faults) = match query {
        Ok(query) => (Some(query), Fields::default()),
        Err(Error::Invalid(_)) if form.text("q").is_empty() => (None, Fields::default()),
        Err(Error::Invalid(faults)) => (None, faults),
        Err(error) => return Err(error),
    };
    let status = if faults.0.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let asked = query.clone();
    let author = form.id("author").ok().flatten().map(UserId);
    let (hits, rooms, people) = app
        .db
        .read(move |db| -> Result<_> {
            let hits = query.map_or_else(|| Ok(Hits::default()), |query| search::find(db, user, &query))?;
            let people = room.map_or_else(|| Ok(Vec::new()), |room| to_choose_from(db, room, user, author))?;
            Ok((hits, chatroom::of_user(db, user)?, people))
        })
        .await?;
    let has_query = asked.is_some();
    let results = match asked {
        Some(query) => app.renderer.results(user, hits, query).await?,
        None => Results::default(),
    };
    let context = Search {
        page: asking.page(app),
        room: rooms.iter().find(|listed| Some(listed.room.id) == room).map(|listed| listed.room.clone()),
        rooms: rooms.into_iter().map(|listed| listed.room).collect(),
        people: people.into_iter().map(MemberView::from).collect(),
        next_url: results.next.map(|next| next_url(room, &form, next)),
        found: results.found.into_iter().map(FoundView::from).collect(),
        has_query,
        form: SearchForm {
            q: form.owned("q"),
            room: form.owned("room"),
            author: form.owned("author"),
            from: form.owned("from"),
            to: form.owned("to"),
            has_file: matches!(form.truth("has_file"), Ok(Some(true))),
        },
        errors: reply::errors(&faults, asking.locale()),
    };
    reply::page(app, status, "chatroom/search.html", &context)
}

/// The people of a room whose messages may be asked for: those that its page lists, and the one who is asked for.
fn to_choose_from(
    db: &mut Reader<'_>,
    room: RoomId,
    viewer: UserId,
    author: Option<UserId>,
) -> Result<Vec<MemberState>> {
    let mut shown = people::shown(db, room, First { viewer: Some(viewer), ..First::default() })?.members;
    if let Some(author) = author.filter(|author| shown.iter().all(|member| member.user.id != *author)) {
        shown.extend(people::one(db, room, author)?);
    }
    Ok(shown)
}

fn understand(form: &Form, room: Option<RoomId>) -> Result<Query> {
    let filter = Filter {
        room: match room {
            Some(room) => Some(room),
            None => form.id("room")?.map(RoomId),
        },
        author: form.id("author")?.map(UserId),
        from: moment(form, "from", false)?,
        until: moment(form, "to", true)?,
        has_file: form.truth("has_file")?.unwrap_or(false),
        before: form.id("before")?.map(MessageId),
    };
    Query::new(form.text("q"), filter)
}

/// A moment of RFC 3339 (a script knows where the reader's day begins), or a day in UTC; `to` means up to the day's end.
fn moment(form: &Form, name: &'static str, is_end: bool) -> Result<Option<Micros>> {
    let text = form.text(name).trim();
    if text.is_empty() {
        return Ok(None);
    }
    let day = format_description!("[year]-[month]-[day]");
    let at = match Date::parse(text, &day) {
        // The calendar ends with the year 9999: the end of its last day is its last moment.
        Ok(date) => {
            Some(date.midnight().assume_utc().saturating_add(if is_end { Duration::DAY } else { Duration::ZERO }))
        }
        Err(_) => OffsetDateTime::parse(text, &Rfc3339).ok(),
    };
    let micros = at.and_then(|at| i64::try_from(at.unix_timestamp_nanos() / 1_000).ok());
    micros.map(Some).ok_or_else(|| Error::field(name, Text::new("field-date")))
}

fn as_json(app: &App, results: Results) -> Result<Value> {
    let next = results.next;
    let found = results.found.into_iter().map(|found| {
        let room = json!({ "id": found.message.chatroom, "title": found.room_title });
        Ok(json!({ "room": room, "excerpt": found.excerpt, "message": app.live.message_object(found.message)? }))
    });
    Ok(json!({ "results": found.collect::<Result<Vec<Value>>>()?, "next": next }))
}

fn next_url(room: Option<RoomId>, form: &Form, next: MessageId) -> String {
    let path = room.map_or_else(|| "/search".to_owned(), |room| format!("/message/chatroom/{room}/search"));
    let kept = ["q", "room", "author", "from", "to", "has_file"];
    let kept = kept.iter().filter(|name| !form.text(name).is_empty());
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let query: String = kept.map(|name| format!("{name}={}&", encode(form.text(name)))).collect();
    format!("{path}?{query}before={next}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_and_the_first_day_of_the_calendar_are_days() {
        let at = |text: &str, is_end| {
            let form = Form::from_query(&query(text)).unwrap();
            moment(&form, "to", is_end).map(|at| at.unwrap_or_default())
        };
        let day = 86_400_000_000;
        assert_eq!(at("2026-03-01", true).unwrap() - at("2026-03-01", false).unwrap(), day);
        let last = at("9999-12-31", false).unwrap();
        assert_eq!(at("9999-12-31", true).unwrap(), last + day - 1);
        for edge in [
            "0000-01-01",
            "-9999-01-01",
            "9999-12-31T23:59:59-23:59",
            "0000-01-01T00:00:00+23:59",
            "2016-12-31T23:59:60Z",
        ] {
            let _ = at(edge, true); // No panic, whether it is a date or not.
        }
        for wrong in ["10000-01-01", "2026-13-01", "2026-02-30", "x", "9999-12-31T24:00:00Z"] {
            assert!(matches!(at(wrong, true), Err(Error::Invalid(_))), "{wrong}");
        }
    }

    fn query(date: &str) -> String {
        format!("to={}", percent_encoding::utf8_percent_encode(date, percent_encoding::NON_ALPHANUMERIC))
    }
}
