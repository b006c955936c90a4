//! A client of event streams that takes the chunks and the fields apart itself.

use super::{Connection, Reply, within};

/// An event as a browser would read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    pub kind: String,
    pub data: String,
    pub retry: Option<u64>,
}

pub struct Sse {
    pub(super) connection: Connection,
    pub head: Reply,
    pub(super) text: String,
    pub(super) ended: bool,
}

impl Sse {
    /// One chunk of the chunked body; `false` at the end.
    pub(super) async fn chunk(&mut self) -> bool {
        let size = loop {
            if let Some(end) = self.connection.buffer.windows(2).position(|bytes| bytes == b"\r\n") {
                let line: Vec<u8> = self.connection.buffer.drain(..end + 2).collect();
                break usize::from_str_radix(String::from_utf8(line).unwrap().trim(), 16).unwrap();
            }
            if !self.connection.fill().await {
                return false;
            }
        };
        let Some(chunk) = self.connection.exactly(size + 2).await else {
            return false;
        };
        self.text.push_str(std::str::from_utf8(&chunk[..size]).unwrap());
        size > 0
    }

    async fn block(&mut self) -> Option<String> {
        loop {
            // A bare comment is followed by no empty line.
            while self.text.starts_with(":\n") {
                self.text.drain(..2);
            }
            if let Some(end) = self.text.find("\n\n") {
                return Some(self.text.drain(..end + 2).collect());
            }
            if self.ended || !self.chunk().await {
                self.ended = true;
                return None;
            }
        }
    }

    /// The next event; nothing when the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        within(async {
            loop {
                let block = self.block().await?;
                if let Some(event) = parse(&block) {
                    return Some(event);
                }
            }
        })
        .await
    }

    /// The id of a block that is no event, which moves a client's cursor.
    pub async fn cursor(&mut self) -> String {
        let block = within(self.block()).await.expect("a block");
        block.strip_prefix("id: ").and_then(|id| id.strip_suffix("\n\n")).expect(&block).to_owned()
    }

    pub async fn event(&mut self) -> Event {
        self.next().await.expect("an event")
    }

    pub async fn data(&mut self) -> String {
        self.event().await.data
    }

    /// Everything up to the end of the stream.
    pub async fn rest(&mut self) -> String {
        within(async {
            while self.chunk().await {}
            std::mem::take(&mut self.text)
        })
        .await
    }

    /// How many whole events have come and were not looked at yet.
    pub fn buffered_events(&self) -> usize {
        self.text.matches("\n\n").count()
    }

    /// Whether a bare comment comes next.
    pub async fn comment(&mut self) -> bool {
        within(async {
            while self.text.is_empty() && self.chunk().await {}
            let found = self.text.starts_with(":\n");
            if found {
                self.text.drain(..2);
            }
            found
        })
        .await
    }
}

/// The interpretation of the WHATWG standard; nothing when the block holds no data.
fn parse(block: &str) -> Option<Event> {
    let mut event = Event::default();
    let mut data: Vec<&str> = Vec::new();
    for line in block.lines().filter(|line| !line.starts_with(':')) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => event.id = value.to_owned(),
            "event" => event.kind = value.to_owned(),
            "data" => data.push(value),
            "retry" => event.retry = value.parse().ok(),
            "" => {}
            _ => panic!("unknown field {field:?}"),
        }
    }
    event.data = data.join("\n");
    (!data.is_empty()).then_some(event)
}
