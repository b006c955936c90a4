//! Publishing by POST: the form, checked in the order authorisation, size, fields, grant.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::{
    Hub,
    auth::access,
    http::form,
    http::reply::Refusal,
    update::{InvalidUpdate, PublishError, Update},
};

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Takes an update and answers with its id. A client that hangs up once the body is read cannot stop the update half way: it is under way before anything else is waited for.
pub(crate) async fn publish(hub: &Hub, parts: &Parts, body: Body) -> Result<Response, Refusal> {
    let grants = access::publisher(hub, &parts.headers)?;
    let body = read_body(&parts.headers, body, hub.config().max_body_bytes).await?;
    let update = read_form(&body, hub)?;
    if !grants.cover_all(update.topics()) {
        return Err(Refusal::Forbidden);
    }
    let id = hub.publish_async(update).await.map_err(|error| match error {
        PublishError::Reserved => Refusal::Bad("Reserved \"topic\" parameter"),
        PublishError::TooLarge => Refusal::TooLarge,
        PublishError::Closed | PublishError::Busy => Refusal::Unavailable,
        PublishError::NotWritten => Refusal::NotWritten,
    })?;
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], id.to_string()).into_response())
}

async fn read_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Vec<u8>, Refusal> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Refusal::Bad("Expected application/x-www-form-urlencoded"));
    }
    let limit = if limit == 0 { usize::MAX } else { limit };
    let read =
        tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, limit).collect()).await.map_err(|_| Refusal::Timeout)?;
    let body =
        read.map_err(
            |error| {
                if error.is::<LengthLimitError>() { Refusal::TooLarge } else { Refusal::Bad("Unreadable body") }
            },
        )?;
    Ok(body.to_bytes().into())
}

/// The form. `topic` may stand several times; of the other fields the first counts, and unknown ones are ignored.
fn read_form(body: &[u8], hub: &Hub) -> Result<Update, Refusal> {
    let (max_topics, max_bytes) = (hub.config().max_topics, hub.config().max_field_bytes);
    let mut topics = Vec::new();
    let (mut data, mut id, mut kind, mut retry, mut private) = (None, None, None, None, false);
    for (name, value) in form::pairs(body) {
        let field = match name.as_slice() {
            b"topic" => {
                if max_topics > 0 && topics.len() == max_topics {
                    return Err(Refusal::TooLarge);
                }
                topics.push(short_text(value, max_bytes)?);
                continue;
            }
            b"private" => {
                // Its presence alone counts, whatever it says.
                private = true;
                continue;
            }
            b"data" => &mut data,
            b"id" => &mut id,
            b"type" => &mut kind,
            b"retry" => &mut retry,
            _ => continue,
        };
        if field.is_none() {
            *field = Some(value);
        }
    }
    let mut topics = topics.into_iter();
    let canonical = topics.next().ok_or(Refusal::Bad("Missing \"topic\" parameter"))?;
    let mut update = Update::new(canonical, text(data.unwrap_or_default())?)?;
    for topic in topics {
        update = update.alternate(topic)?;
    }
    // Symfony leaves absent fields out, others send them empty: an empty id is no id.
    if let Some(id) = id.filter(|id| !id.is_empty()) {
        update = update.id(short_text(id, max_bytes)?)?;
    }
    if let Some(kind) = kind {
        update = update.event_type(short_text(kind, max_bytes)?)?;
    }
    if let Some(retry) = retry.filter(|retry| !retry.is_empty()) {
        update = update.retry(milliseconds(&retry).ok_or(Refusal::Bad("Invalid \"retry\" parameter"))?);
    }
    Ok(if private { update.private() } else { update })
}

fn text(value: Vec<u8>) -> Result<String, Refusal> {
    String::from_utf8(value).map_err(|_| Refusal::Bad("Invalid UTF-8"))
}

fn short_text(value: Vec<u8>, max_bytes: usize) -> Result<String, Refusal> {
    if max_bytes > 0 && value.len() > max_bytes { Err(Refusal::TooLarge) } else { text(value) }
}

/// ASCII digits only: no sign, no space.
fn milliseconds(value: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(value).ok().filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

impl From<InvalidUpdate> for Refusal {
    fn from(invalid: InvalidUpdate) -> Self {
        Self::Bad(match invalid {
            InvalidUpdate::Topic => "Invalid \"topic\" parameter",
            InvalidUpdate::Id => "Invalid \"id\" parameter",
            InvalidUpdate::Type => "Invalid \"type\" parameter",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HubConfig, event::Event, event::Wire};

    fn read(body: &str) -> Result<Update, Refusal> {
        read_form(body.as_bytes(), &Hub::new(HubConfig { max_topics: 3, max_field_bytes: 20, ..HubConfig::default() }))
    }

    #[test]
    fn a_form_becomes_an_update() {
        let update =
            read("topic=room%2F1&topic=other&data=a+b%0Ac&private=&id=x&type=note&retry=007&unknown=1&id=second")
                .unwrap();
        assert_eq!(update.topics().iter().map(ToString::to_string).collect::<Vec<_>>(), ["room/1", "other"]);
        assert!(update.private && !update.ephemeral);
        let bytes = Event::new(update).on(Wire::Sse).to_vec();
        assert_eq!(String::from_utf8(bytes).unwrap(), "event: note\nretry: 7\nid: x\ndata: a b\ndata: c\n\n");
        assert!(!read("topic=t").unwrap().private);
        assert_eq!(read("topic=t").unwrap().data, "");
    }

    #[test]
    fn what_is_wrong_is_refused_by_name() {
        let bad = Refusal::Bad;
        for (body, refusal) in [
            ("", bad("Missing \"topic\" parameter")),
            ("data=x&Topic=t", bad("Missing \"topic\" parameter")),
            ("topic=", bad("Invalid \"topic\" parameter")),
            ("topic=*", bad("Invalid \"topic\" parameter")),
            ("topic=t&topic=*", bad("Invalid \"topic\" parameter")),
            ("topic=a%00", bad("Invalid \"topic\" parameter")),
            ("topic=a%0Ab", bad("Invalid \"topic\" parameter")),
            ("topic=a%0D", bad("Invalid \"topic\" parameter")),
            ("topic=%ff", bad("Invalid UTF-8")),
            ("topic=t&data=%ff", bad("Invalid UTF-8")),
            ("topic=t&id=%2342", bad("Invalid \"id\" parameter")),
            ("topic=t&id=earliest", bad("Invalid \"id\" parameter")),
            ("topic=t&id=a%0Ab", bad("Invalid \"id\" parameter")),
            ("topic=t&type=mercure", bad("Invalid \"type\" parameter")),
            ("topic=t&type=%00", bad("Invalid \"type\" parameter")),
            ("topic=t&retry=1s", bad("Invalid \"retry\" parameter")),
            ("topic=t&retry=-1", bad("Invalid \"retry\" parameter")),
            ("topic=t&retry=%2B1", bad("Invalid \"retry\" parameter")),
            ("topic=t&retry=99999999999999999999", bad("Invalid \"retry\" parameter")),
            ("topic=a&topic=b&topic=c&topic=d", Refusal::TooLarge),
            ("topic=123456789012345678901", Refusal::TooLarge),
        ] {
            assert_eq!(read(body).err(), Some(refusal), "{body}");
        }
    }
}
