//! The event: an update as it travels, encoded once for all who receive it over the same wire.

use std::{fmt::Write as _, sync::OnceLock};

use bytes::{Bytes, BytesMut};

use crate::{
    subscriptions::presence::Change,
    topic::Topic,
    update::{Update, UpdateId},
    wire::{chunk, socket::frame},
};

/// The ways to the subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// `text/event-stream`, framed by the HTTP server that owns the connection.
    Sse,
    /// `text/event-stream` on a connection of the hub's own: in chunks of HTTP/1.1 (RFC 9112 section 7.1).
    Chunked,
    /// WebSocket text frames.
    Socket,
    /// The same objects in one answer, each followed by a comma.
    Json,
}

/// What may happen to an event when the subscriber is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// It arrives, or the stream ends.
    Durable,
    /// It may be dropped.
    Ephemeral,
}

/// An update on its way. What a wire needs is encoded when somebody listens there, once for all of them.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: UpdateId,
    pub(crate) topics: Box<[Topic]>,
    pub(crate) private: bool,
    pub(crate) class: Class,
    /// The subscription it tells of, if it is the hub's own word about one.
    pub(crate) change: Option<Change>,
    /// Empty for none.
    pub(crate) kind: Box<str>,
    pub(crate) retry: Option<u64>,
    pub(crate) data: Box<str>,
    sse: OnceLock<Bytes>,
    socket: OnceLock<Bytes>,
    json: OnceLock<Bytes>,
}

impl Event {
    pub(crate) fn new(update: Update) -> Self {
        let Update { topics, data, id, kind, retry, private, ephemeral } = update;
        let id = id.unwrap_or_else(|| if ephemeral { UpdateId::random() } else { UpdateId::generate() });
        let class = if ephemeral { Class::Ephemeral } else { Class::Durable };
        let (topics, kind, data) = (topics.into(), kind.unwrap_or_default().into(), data.into());
        Self {
            id,
            topics,
            private,
            class,
            change: None,
            kind,
            retry,
            data,
            sse: OnceLock::new(),
            socket: OnceLock::new(),
            json: OnceLock::new(),
        }
    }

    /// The event's text on this wire; for [`Wire::Chunked`] without the chunk around it, which several events share.
    pub(crate) fn on(&self, wire: Wire) -> &Bytes {
        match wire {
            Wire::Sse | Wire::Chunked => self.sse.get_or_init(|| sse(&self.id, &self.kind, self.retry, &self.data)),
            Wire::Socket => {
                let topic = self.topics.first().map_or("", Topic::as_str);
                self.socket.get_or_init(|| socket(&self.id, &self.kind, topic, &self.data))
            }
            Wire::Json => {
                let topic = self.topics.first().map_or("", Topic::as_str);
                self.json.get_or_init(|| format!("{},", json(&self.id, &self.kind, topic, &self.data)).into())
            }
        }
    }

    /// What the event takes in memory, roughly but never less than its texts and one encoding of them.
    pub(crate) fn weight(&self) -> usize {
        const OVERHEAD: usize = 512;
        let names: usize = self.topics.iter().map(|topic| topic.as_str().len()).sum();
        2 * (self.data.len() + self.id.as_str().len() + self.kind.len()) + names + OVERHEAD
    }
}

/// Events in a row as one frame.
pub(crate) fn join<'a>(wire: Wire, events: impl Iterator<Item = &'a Event> + Clone) -> Bytes {
    let mut rest = events.clone();
    match (wire, rest.next(), rest.next()) {
        (Wire::Sse | Wire::Socket | Wire::Json, Some(only), None) => only.on(wire).clone(),
        (_, None, _) => Bytes::new(),
        (_, Some(_), _) => {
            let length = events.clone().map(|event| event.on(wire).len()).sum();
            let mut out = BytesMut::with_capacity(length + chunk::ROOM);
            if wire == Wire::Chunked {
                chunk::open(&mut out, length);
            }
            events.for_each(|event| out.extend_from_slice(event.on(wire)));
            if wire == Wire::Chunked {
                chunk::shut(&mut out);
            }
            out.freeze()
        }
    }
}

/// An event of the hub's own, for one wire only.
pub(crate) fn own(wire: Wire, id: &UpdateId, kind: &str, data: &str) -> Bytes {
    match wire {
        Wire::Sse => sse(id, kind, None, data),
        Wire::Chunked => chunk::whole(&sse(id, kind, None, data)),
        Wire::Socket => socket(id, kind, "", data),
        Wire::Json => Bytes::new(),
    }
}

/// An id without an event, on the wires of event streams: it moves the client's cursor, and nothing is dispatched for it.
pub(crate) fn cursor(wire: Wire, id: &UpdateId) -> Option<Bytes> {
    let text = || Bytes::from(format!("id: {id}\n\n"));
    match wire {
        Wire::Sse => Some(text()),
        Wire::Chunked => Some(chunk::whole(&text())),
        Wire::Socket | Wire::Json => None,
    }
}

/// The text of an event stream: one `data` line for each line of the value, whichever way its lines end, so that a value can't write fields.
fn sse(id: &UpdateId, kind: &str, retry: Option<u64>, data: &str) -> Bytes {
    let mut out = String::with_capacity(data.len() + id.as_str().len() + kind.len() + 48);
    if !kind.is_empty() {
        out.extend(["event: ", kind, "\n"]);
    }
    if let Some(retry) = retry {
        // Writing to a String can't fail.
        let _ = writeln!(out, "retry: {retry}");
    }
    out.extend(["id: ", id.as_str(), "\n"]);
    let mut rest = data;
    while let Some(end) = rest.find(['\r', '\n']) {
        let (line, tail) = rest.split_at(end);
        out.extend(["data: ", line, "\n"]);
        rest = tail.strip_prefix("\r\n").unwrap_or_else(|| tail.get(1..).unwrap_or_default());
    }
    out.extend(["data: ", rest, "\n\n"]);
    out.into()
}

/// One text frame.
fn socket(id: &UpdateId, kind: &str, topic: &str, data: &str) -> Bytes {
    frame::text(&json(id, kind, topic, data))
}

/// A JSON object that begins with the id.
fn json(id: &UpdateId, kind: &str, topic: &str, data: &str) -> String {
    let mut out = String::with_capacity(data.len() + data.len() / 8 + 128);
    for (name, value) in [("{\"id\":", id.as_str()), (",\"type\":", kind), (",\"topic\":", topic), (",\"data\":", data)]
    {
        out.push_str(name);
        push_json(&mut out, value);
    }
    out.push('}');
    out
}

/// Writes a JSON string (RFC 8259 section 7).
fn push_json(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let mut chars = tail.chars();
        match chars.next() {
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(c) if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            Some(c) => out.extend(['\\', c]),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sse_of(update: Update) -> String {
        String::from_utf8(Event::new(update).on(Wire::Sse).to_vec()).unwrap()
    }

    #[test]
    fn the_text_of_an_event_with_everything() {
        let update = Update::new("t", "several\nlines\rwith\r\neol")
            .unwrap()
            .id("custom-id")
            .unwrap()
            .event_type("type")
            .unwrap()
            .retry(5);
        assert_eq!(
            sse_of(update),
            "event: type\nretry: 5\nid: custom-id\ndata: several\ndata: lines\ndata: with\ndata: eol\n\n"
        );
    }

    #[test]
    fn the_text_of_smaller_events() {
        let update = |data: &str| Update::new("t", data).unwrap().id("b").unwrap();
        assert_eq!(sse_of(update("Hello World")), "id: b\ndata: Hello World\n\n");
        assert_eq!(sse_of(update("")), "id: b\ndata: \n\n");
        assert_eq!(sse_of(update("").retry(0)), "retry: 0\nid: b\ndata: \n\n");
        assert_eq!(sse_of(update("a\n")), "id: b\ndata: a\ndata: \n\n");
        assert_eq!(sse_of(update("\r\n\r\n")), "id: b\ndata: \ndata: \ndata: \n\n");
        assert_eq!(sse_of(update("x\n\nevent: evil")), "id: b\ndata: x\ndata: \ndata: event: evil\n\n");
        assert_eq!(sse_of(update("é\r\u{2028}名")), "id: b\ndata: é\ndata: \u{2028}名\n\n");
    }

    #[test]
    fn ids_are_made_when_none_is_given() {
        let id = Event::new(Update::new("t", "").unwrap()).id;
        assert!(id.as_str().starts_with("urn:uuid:") && id.as_str().len() == 45, "{id}");
    }

    #[test]
    fn strings_survive_json() {
        for text in [
            "",
            "plain",
            "\"quoted\" \\ back",
            "line\nreturn\rtab\t",
            "\0\u{1}\u{1f}\u{7f}",
            "é 名 👩 \u{2028}",
            "</script>",
        ] {
            let mut out = String::new();
            push_json(&mut out, text);
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }

    #[test]
    fn a_socket_frame_is_the_json_of_the_event() {
        let event =
            Event::new(Update::new("room/1", "{\"a\":1}").unwrap().id("x").unwrap().event_type("message").unwrap());
        let bytes = event.on(Wire::Socket);
        assert_eq!(&bytes[2..], br#"{"id":"x","type":"message","topic":"room/1","data":"{\"a\":1}"}"#);
        assert_eq!(bytes[..2], [0x81, (bytes.len() - 2) as u8]);
    }
}
