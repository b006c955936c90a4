//! The bytes of a stream, read by the algorithm of the standard (HTML, "Interpreting an event stream"): what was published comes back, whatever it is made of.

use mercure_hub::Update;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};

use crate::client::{Server, open_config};

/// What a page is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Message {
    kind: String,
    data: String,
    last_id: String,
}

/// A browser's parser: lines that end in CR LF, LF or CR, fields, dispatch at an empty line.
#[derive(Debug, Default)]
struct EventSource {
    kind: String,
    data: String,
    last_id: String,
    retry: Option<u64>,
    messages: Vec<Message>,
}

impl EventSource {
    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut rest = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut source = Self::default();
        // What follows the last end of a line is no line.
        while let Some(end) = rest.find(['\r', '\n']) {
            let (line, tail) = rest.split_at(end);
            source.line(line);
            rest = tail.strip_prefix("\r\n").unwrap_or(&tail[1..]);
        }
        source
    }

    fn line(&mut self, line: &str) {
        if line.is_empty() {
            return self.dispatch();
        }
        match line.split_once(':') {
            Some(("", _comment)) => {}
            Some((field, value)) => self.field(field, value.strip_prefix(' ').unwrap_or(value)),
            None => self.field(line, ""),
        }
    }

    fn field(&mut self, name: &str, value: &str) {
        match name {
            "event" => self.kind = value.to_owned(),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => self.last_id = value.to_owned(),
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => self.retry = value.parse().ok(),
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        let (kind, data) = (std::mem::take(&mut self.kind), std::mem::take(&mut self.data));
        let Some(data) = data.strip_suffix('\n') else { return };
        let kind = if kind.is_empty() { "message".to_owned() } else { kind };
        self.messages.push(Message { kind, data: data.to_owned(), last_id: self.last_id.clone() });
    }
}

#[test]
fn the_parser_reads_the_examples_of_the_standard() {
    let message = |kind: &str, data: &str, last_id: &str| Message {
        kind: kind.into(),
        data: data.into(),
        last_id: last_id.into(),
    };
    for (stream, messages) in [
        ("data: YHOO\ndata: +2\ndata: 10\n\n", vec![message("message", "YHOO\n+2\n10", "")]),
        (
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            vec![
                message("message", "first event", "1"),
                message("message", "second event", ""),
                message("message", " third event", ""),
            ],
        ),
        ("data\n\ndata\ndata\n\ndata:", vec![message("message", "", ""), message("message", "\n", "")]),
        ("data:test\n\ndata: test\n\n", vec![message("message", "test", ""), message("message", "test", "")]),
        ("\u{feff}event: add\r\ndata: 1\r\r\n", vec![message("add", "1", "")]),
    ] {
        assert_eq!(EventSource::read(stream.as_bytes()).messages, messages, "{stream:?}");
    }
}

/// Ends of lines are all the same to a browser.
fn as_read(data: &str) -> String {
    data.replace("\r\n", "\n").replace('\r', "\n")
}

// H 10, H 32, H 33, H 86, H 111, C event_test
#[tokio::test]
async fn whatever_was_published_is_read_back() {
    let data = "(\\PC|\r|\n|\r\n|\0|\u{feff}|\u{2028}|\u{85}|:|data: |id: x|event: y|retry: 1| ){0,30}";
    let name = "[a-zA-Z0-9:/ é名=#-]{0,12}";
    let update = (data, name, name, prop::option::of(any::<u64>()));
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let server = Server::start(open_config()).await;
    let mut sse = server.sse("match=a", "").await;
    let (mut expected, mut retries) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        let (data, id, kind, retry) = update.new_tree(&mut runner).unwrap().current();
        let mut update = Update::new("a", &data).unwrap();
        if let Ok(named) = update.clone().id(&id) {
            update = named;
        }
        if let Ok(typed) = update.clone().event_type(&kind) {
            update = typed;
        }
        if let Some(retry) = retry {
            update = update.retry(retry);
            retries.push(retry);
        }
        let kind = update.kind().unwrap_or("message").to_owned();
        let last_id = server.hub.publish(update).unwrap().to_string();
        expected.push(Message { kind, data: as_read(&data), last_id });
    }
    server.hub.close().await;
    let text = sse.rest().await;
    let source = EventSource::read(text.as_bytes());
    for (read, published) in source.messages.iter().zip(&expected) {
        assert_eq!(read, published);
    }
    assert_eq!(source.messages.len(), expected.len());
}

// H 10, H 32, C event_test
#[tokio::test]
async fn an_event_has_the_bytes_of_the_reference() {
    let server = Server::start(open_config()).await;
    let mut sse = server.sse("match=a", "").await;
    let data = "several\nlines\rwith\r\neol";
    let update = || Update::new("a", data).unwrap().id("custom-id").unwrap();
    server.hub.publish(update().event_type("type").unwrap().retry(5)).unwrap();
    server.hub.publish(update().retry(5)).unwrap();
    server.hub.publish(update().event_type("type").unwrap()).unwrap();
    server.hub.publish(Update::new("a", "").unwrap().id("empty").unwrap()).unwrap();
    server.hub.close().await;
    let lines = "id: custom-id\ndata: several\ndata: lines\ndata: with\ndata: eol\n\n";
    let all = format!("event: type\nretry: 5\n{lines}retry: 5\n{lines}event: type\n{lines}id: empty\ndata: \n\n");
    let text = sse.rest().await;
    assert!(text.starts_with(&all), "{text:?}");
}

// C subscribe_test: the reference's first bytes and first event.
#[tokio::test]
async fn a_stream_begins_with_a_comment_that_carries_the_headers() {
    let server = Server::start(open_config()).await;
    let mut sse = server.sse_unread("match=a", "").await;
    assert!(sse.comment().await);
    server.hub.publish(Update::new("a", "Hello World").unwrap().id("b").unwrap()).unwrap();
    server.hub.close().await;
    assert!(sse.rest().await.starts_with("id: b\ndata: Hello World\n\n"));
}
