//! A WebSocket client that shows every frame.

use serde_json::Value;
use tokio::io::AsyncWriteExt;

use super::{Connection, Reply, within};

#[derive(Debug)]
pub struct Socket {
    pub(super) connection: Connection,
    pub head: Reply,
}

/// A frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    Text(String),
    Ping,
    Pong(Vec<u8>),
    Close(u16, String),
    /// The connection has ended without a word.
    End,
}

impl Socket {
    pub async fn frame(&mut self) -> Frame {
        within(async { self.try_frame().await.unwrap_or(Frame::End) }).await
    }

    async fn try_frame(&mut self) -> Option<Frame> {
        let head = self.connection.exactly(2).await?;
        assert_eq!(head[1] & 0x80, 0, "a server does not mask");
        let length = match head[1] {
            126 => self.connection.exactly(2).await?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
            127 => self.connection.exactly(8).await?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
            short => usize::from(short),
        };
        let content = self.connection.exactly(length).await?;
        Some(match head[0] {
            0x81 => Frame::Text(String::from_utf8(content).unwrap()),
            0x88 if content.is_empty() => Frame::Close(1005, String::new()),
            0x88 => Frame::Close(
                u16::from_be_bytes([content[0], content[1]]),
                String::from_utf8(content[2..].to_vec()).unwrap(),
            ),
            0x89 => Frame::Ping,
            0x8A => Frame::Pong(content),
            other => panic!("unexpected frame {other:x}"),
        })
    }

    /// The next text, as JSON; pings are passed over, unanswered.
    pub async fn json(&mut self) -> Value {
        loop {
            match self.frame().await {
                Frame::Text(text) => return serde_json::from_str(&text).unwrap(),
                Frame::Ping => {}
                other => panic!("not a text: {other:?}"),
            }
        }
    }

    pub async fn data(&mut self) -> String {
        self.json().await["data"].as_str().unwrap().to_owned()
    }

    /// The close frame, whatever comes before it.
    pub async fn closed(&mut self) -> Frame {
        loop {
            match self.frame().await {
                Frame::Text(_) | Frame::Ping | Frame::Pong(_) => {}
                end => return end,
            }
        }
    }

    /// Sends a frame, masked; `first` is its first byte.
    pub async fn send(&mut self, first: u8, content: &[u8]) {
        let mut frame = vec![first];
        match content.len() {
            length @ 0..=125 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
        }
        let mask = [1, 2, 3, 4];
        frame.extend(mask);
        frame.extend(content.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
        self.send_raw(&frame).await;
    }

    pub async fn send_raw(&mut self, bytes: &[u8]) {
        self.connection.stream.write_all(bytes).await.unwrap();
    }

    pub async fn say(&mut self, message: Value) {
        self.send(0x81, message.to_string().as_bytes()).await;
    }

    /// Everything sent so far has been understood when the answer to a ping is here.
    pub async fn settle(&mut self) {
        self.send(0x89, b"settle").await;
        loop {
            match self.frame().await {
                Frame::Pong(content) if content == b"settle" => return,
                Frame::Text(_) | Frame::Ping | Frame::Pong(_) => {}
                end => panic!("it has ended: {end:?}"),
            }
        }
    }
}
