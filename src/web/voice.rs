//! Voice messages: the one way of sending, for a recording that was decoded before anything of it is written down.

use crate::app::App;
use crate::chatroom::Member;
use crate::error::{Error, Result, Text};
use crate::files::intake::{Kept, Kind};
use crate::id::MessageId;
use crate::message::attachment::New;
use crate::message::{Content, Draft, Kind as Message};
use crate::sound::Refused;
use crate::web::access::InRoom;
use crate::web::asking::Asking;
use crate::web::upload::{self, Parcel, Rules};
use crate::web::{message, reply};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use std::time::Duration;

/// A recorder is stopped by a clock that is not the microphone's: so much more is no fault of the person who speaks.
const SLACK: Duration = Duration::from_secs(1);

/// POST `/message/chatroom/{id}/send-voice`: `client_nonce`, `reply_to`, `voice` (a file). 201 with the change, 200 for a
/// repetition.
pub async fn create(
    State(app): State<App>,
    asking: Asking,
    InRoom(member): InRoom,
    request: Request,
) -> Result<Response> {
    let rules = Rules { field: "voice", count: 1, size: app.config.file_limit };
    let parcel = upload::read(&app, &member, request, &rules).await?;
    let (status, json, id) = send(&app, &member, parcel).await?;
    if asking.wants_json() {
        return Ok(reply::json_text(status, json));
    }
    Ok(reply::see_other(&format!("/message/chatroom/{}#message-{id}", member.room())))
}

async fn send(app: &App, member: &Member, parcel: Parcel) -> Result<(StatusCode, String, MessageId)> {
    let Parcel { form, files, fault } = parcel;
    if let Some(fault) = fault {
        return Err(fault);
    }
    let reply_to = form.id("reply_to")?.map(MessageId);
    let Some(received) = files.into_iter().next() else { return Err(wrong("field-voice-missing")) };
    let longest = app.config.voice_limit;
    let sound = app.listener.listen(member.user(), received.file.path().to_owned(), longest + SLACK).await?;
    let sound = sound.map_err(|refused| explain(refused, longest))?;
    let kept = Kept::plain(&app.files, received.file, Kind::Voice, sound.media_type).await?;
    let names: Vec<_> = kept.names().cloned().collect();
    let file = New {
        // By the bytes alone: a retry under the same nonce is the same message, whatever it is called.
        name: format!("voice.{}", sound.extension),
        kept,
        duration_ms: Some(sound.duration_ms),
        waveform: Some(sound.waveform),
    };
    let nonce = form.text("client_nonce");
    let sent = match Draft::with_files(Message::Voice, Content::default(), vec![file], reply_to, nonce, &app.clock) {
        Ok(draft) => message::post(app, member, draft).await,
        Err(error) => Err(error),
    };
    // What did not become a message now has no message.
    if !matches!(sent, Ok((StatusCode::CREATED, ..))) {
        app.files.discard(&names).await;
    }
    sent
}

fn wrong(key: &'static str) -> Error {
    Error::field("voice", Text::new(key))
}

/// Why a recording is refused, in words.
fn explain(refused: Refused, longest: Duration) -> Error {
    match refused {
        Refused::NotAudio => wrong("field-voice-not-audio"),
        Refused::Empty => wrong("field-voice-empty"),
        Refused::Broken => wrong("field-voice-broken"),
        Refused::Laborious => wrong("field-voice-laborious"),
        Refused::Stopping => Error::Unavailable,
        Refused::TooLong => Error::field("voice", limit_text(longest)),
        Refused::Unreadable => Error::internal("a recording could not be opened"),
    }
}

fn limit_text(longest: Duration) -> Text {
    match longest.as_secs() {
        seconds if seconds % 60 == 0 => Text::new("field-voice-long").with("minutes", seconds / 60),
        seconds => Text::new("field-voice-long-seconds").with("seconds", seconds),
    }
}
