//! Publishing by POST: the form, checked in the order authorisation, size, topics, retry, grant, id and type.

use axum::{
    body::Body,
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};

use crate::{
    Hub,
    auth::access,
    auth::token::Generation,
    http::form::{self, MediaType},
    http::reply::Refusal,
    update::{InvalidUpdate, PublishError, Update},
};

/// Takes an update and answers with its id. A client that hangs up once the body is read cannot stop the update half way: it is under way before anything
/// else is waited for.
pub(crate) async fn publish(hub: &Hub, parts: &Parts, body: Body) -> Result<Response, Refusal> {
    let who = access::publisher(hub, parts).await?;
    let bearer = who.bearer.unwrap_or_default();
    hub.limiter().may_publish(bearer, hub.now())?;
    if form::media_type(&parts.headers) != MediaType::Form {
        return Err(Refusal::Bad("Expected application/x-www-form-urlencoded"));
    }
    let config = hub.config();
    let max_body_bytes = match who.generation {
        Generation::Legacy => config.max_legacy_body_bytes.unwrap_or(config.max_body_bytes),
        Generation::Strict => config.max_body_bytes,
    };
    let body = form::read_body(body, max_body_bytes).await?;
    hub.limiter().has_read(bearer, body.len(), hub.now())?;
    let mut form = Form::read(&body, config.max_topics, config.max_field_bytes)?;
    let update = form.take_update()?;
    // Before the grant: a reserved topic is a bad one, whatever the token says.
    if hub.is_reserved(&update) {
        return Err(PublishError::Reserved.into());
    }
    let is_free = config.tokens.legacy_public_topics && who.lists_topics && !update.private;
    if !is_free && !who.publish.cover_all(update.topics()) {
        return Err(Refusal::Forbidden);
    }
    let id = hub.publish_async(form.name(update)?).await?;
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], id.to_string()).into_response())
}

impl From<PublishError> for Refusal {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Reserved => Self::Bad("Reserved \"topic\" parameter"),
            PublishError::TooLarge => Self::TooLarge,
            PublishError::Duplicate => Self::Duplicate,
            PublishError::Busy => Self::Unavailable,
            PublishError::NotWritten => Self::NotWritten,
            PublishError::Closed => Self::Unavailable,
        }
    }
}

/// The fields of a publication as they came. `topic` may stand several times; of the other fields the first counts, and unknown ones are ignored.
#[derive(Debug, Default)]
pub(crate) struct Form {
    topics: Vec<String>,
    data: Option<Vec<u8>>,
    id: Option<Vec<u8>>,
    kind: Option<Vec<u8>>,
    retry: Option<Vec<u8>>,
    private: bool,
    max_bytes: usize,
}

impl Form {
    /// Takes the fields apart: a topic at least, and neither too many topics nor too long names. A limit of zero is none.
    pub(crate) fn read(body: &[u8], max_topics: usize, max_bytes: usize) -> Result<Self, Refusal> {
        let mut form = Self { max_bytes, ..Self::default() };
        let mut topics = Vec::new();
        for (name, value) in form::pairs(body) {
            let field = match name.as_slice() {
                b"topic" => {
                    if max_topics > 0 && topics.len() == max_topics {
                        return Err(Refusal::TooLarge);
                    }
                    topics.push(value);
                    continue;
                }
                b"private" => {
                    // Its presence alone counts, whatever it says.
                    form.private = true;
                    continue;
                }
                b"data" => &mut form.data,
                b"id" => &mut form.id,
                b"type" => &mut form.kind,
                b"retry" => &mut form.retry,
                _ => continue,
            };
            if field.is_none() {
                *field = Some(value);
            }
        }
        if topics.is_empty() {
            return Err(Refusal::Bad("Missing \"topic\" parameter"));
        }
        form.topics = topics.into_iter().map(|topic| short_text(topic, max_bytes)).collect::<Result<_, _>>()?;
        Ok(form)
    }

    /// Topics, data and retry; what names the update follows with [`Form::name`].
    pub(crate) fn take_update(&mut self) -> Result<Update, Refusal> {
        let data = self.data.take().unwrap_or_default();
        let mut topics = self.topics.drain(..);
        let mut update = Update::new(topics.next().unwrap_or_default(), "")?;
        for topic in topics {
            update = update.alternate(topic)?;
        }
        update.data = text(data)?;
        // Symfony leaves absent fields out, others send them empty.
        if let Some(retry) = self.retry.take().filter(|retry| !retry.is_empty()) {
            update = update.retry(milliseconds(&retry).ok_or(Refusal::Bad("Invalid \"retry\" parameter"))?);
        }
        Ok(if self.private { update.private() } else { update })
    }

    /// Adds id and type. An empty id is none.
    pub(crate) fn name(self, mut update: Update) -> Result<Update, Refusal> {
        if let Some(id) = self.id.filter(|id| !id.is_empty()) {
            update = update.id(short_text(id, self.max_bytes)?)?;
        }
        if let Some(kind) = self.kind {
            update = update.event_type(short_text(kind, self.max_bytes)?)?;
        }
        Ok(update)
    }
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
    use crate::{event::Event, event::Wire};

    fn read(body: &str) -> Result<Update, Refusal> {
        let mut form = Form::read(body.as_bytes(), 3, 20)?;
        let update = form.take_update()?;
        form.name(update)
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
