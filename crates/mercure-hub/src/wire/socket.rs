//! WebSocket (RFC 6455): the handshake, and the conversation of one connection. The frames are the hub's own, written whole and shared by all.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header, request::Parts},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf},
    time::timeout,
};

use crate::{
    Hub,
    auth::origin::{self, Twice},
    engine::ending::Ending,
    engine::feed::Feed,
    engine::subscriber::Subscriber,
    event::Wire,
    http::reply::Refusal,
    http::request::{Answer, Requests},
    wire::offer::{self, Offer, Offered},
};

pub(crate) mod frame;

/// What RFC 6455 section 1.3 adds to the client's key.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// How long a last word may take.
const GOODBYE: Duration = Duration::from_secs(1);
/// How long the client may take to read the answer to its handshake.
const UPGRADE: Duration = Duration::from_secs(10);

/// A handshake that is in order.
#[derive(Debug)]
pub(crate) struct Handshake {
    accept: String,
    /// Nothing when the hub takes the connection over.
    upgrade: Option<OnUpgrade>,
}

/// The handshake of a request, if it is one (RFC 6455 section 4.2.1). A browser sends cookies along with a socket that any page opens, and no rule about
/// cross-origin reading applies to it: so the page's origin must be the addressed host or one that is listed. Who sends no origin is no browser.
pub(crate) fn handshake(hub: &Hub, parts: &mut Parts) -> Result<Option<Handshake>, Refusal> {
    let headers = &parts.headers;
    if parts.method != Method::GET || !has_token(headers, &header::UPGRADE, "websocket") {
        return Ok(None);
    }
    if parts.version != Version::HTTP_11 || !has_token(headers, &header::CONNECTION, "upgrade") {
        return Err(Refusal::Bad("Bad WebSocket handshake"));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Refusal::Upgrade);
    }
    let allowed = match origin::only(headers, &header::ORIGIN) {
        Ok(None) => true,
        Ok(Some(page)) => {
            page.to_str().is_ok_and(|page| origin::is_same_host(page, headers) || hub.origins().socket.allow(page))
        }
        Err(Twice) => false,
    };
    if !allowed {
        tracing::debug!(check = "page origin", "socket refused");
        return Err(Refusal::ForeignOrigin);
    }
    let key = origin::only(headers, &header::SEC_WEBSOCKET_KEY).ok().flatten();
    let key = key.filter(|key| STANDARD.decode(key).is_ok_and(|key| key.len() == 16)).and_then(|key| key.to_str().ok());
    let accept = accept_key(key.ok_or(Refusal::Bad("Bad WebSocket handshake"))?);
    let upgrade = parts.extensions.remove::<OnUpgrade>().filter(|_| !offer::is_takeable(parts));
    if upgrade.is_none() && !offer::is_takeable(parts) {
        return Err(Refusal::Bad("This connection can't be upgraded"));
    }
    Ok(Some(Handshake { accept, upgrade }))
}

fn has_token(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|found| found.trim().eq_ignore_ascii_case(token))
}

fn accept_key(key: &str) -> String {
    let algorithm = &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY;
    STANDARD.encode(aws_lc_rs::digest::digest(algorithm, format!("{key}{GUID}").as_bytes()))
}

impl Handshake {
    /// Switches protocols; the conversation runs on a task of its own.
    pub(crate) fn accept(self, hub: &Hub, feed: Feed) -> Response {
        let mut response = (StatusCode::SWITCHING_PROTOCOLS, Body::empty()).into_response();
        match self.upgrade {
            Some(upgrade) => {
                tokio::spawn(run(hub.clone(), upgrade, feed));
            }
            None => {
                response.extensions_mut().insert(Offer::new(Offered { hub: hub.clone(), feed }));
            }
        }
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::from_str(&self.accept) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        response
    }
}

/// How a conversation is over.
enum Over {
    /// With a word to the peer.
    Say(Ending),
    /// The peer said goodbye first.
    Echo(Option<u16>),
    /// The connection is gone, or takes nothing any more.
    Broken,
}

async fn run(hub: Hub, upgrade: OnUpgrade, feed: Feed) {
    let Ok(Ok(upgraded)) = timeout(UPGRADE, upgrade).await else {
        return;
    };
    let (reader, writer) = tokio::io::split(TokioIo::new(upgraded));
    let subscriber = Arc::clone(feed.subscriber());
    let mut reader = Reader { io: reader, buffer: BytesMut::new() };
    let mut writer = Writer { io: writer, subscriber, timeout: hub.config().write_timeout };
    let over = converse(&hub, feed, &mut reader, &mut writer).await;
    // What the peer still does is of no interest after a second.
    let _ = timeout(GOODBYE, say_goodbye(over, &mut reader, &mut writer)).await;
}

/// Until one of the two ends it. The feed, and with it the place in the engine, is given up on the way out.
async fn converse(hub: &Hub, mut feed: Feed, reader: &mut Reader, writer: &mut Writer) -> Over {
    let subscriber = Arc::clone(feed.subscriber());
    let requests = Requests::new(hub, feed.registration());
    loop {
        tokio::select! {
            bytes = feed.next() => match bytes {
                Some(bytes) => if let Err(over) = writer.write(&bytes).await {
                    return over;
                },
                None => return feed.ending().map_or(Over::Broken, Over::Say),
            },
            incoming = reader.next() => {
                subscriber.heard();
                let answered = match incoming {
                    Err(over) => Err(over),
                    Ok(frame::Incoming::Pong) => Ok(()),
                    Ok(frame::Incoming::Ping(content)) => writer.write(&frame::pong(&content)).await,
                    Ok(frame::Incoming::Close(code)) => Err(Over::Echo(code)),
                    Ok(frame::Incoming::Text(text)) => tokio::select! {
                        answer = requests.take(&text) => match answer {
                            Answer::Done => Ok(()),
                            Answer::Refused(reason) => Err(Over::Say(Ending::Peer(1008, reason))),
                        },
                        ending = ended(&subscriber) => Err(Over::Say(ending)),
                    },
                };
                if let Err(over) = answered {
                    return over;
                }
            }
        }
    }
}

async fn ended(subscriber: &Subscriber) -> Ending {
    std::future::poll_fn(|context| subscriber.queue.poll_end(context)).await
}

async fn say_goodbye(over: Over, reader: &mut Reader, writer: &mut Writer) {
    let waits = match over {
        Over::Broken => return,
        Over::Say(ending) => writer.io.write_all(&ending.farewell(Wire::Socket)).await.is_ok(),
        Over::Echo(code) => {
            let _ = writer.io.write_all(&frame::close(code, "")).await;
            false
        }
    };
    // Closing a socket that still has unread bytes would reset it, and the peer might lose the reason.
    while waits && !matches!(reader.next().await, Ok(frame::Incoming::Close(_)) | Err(_)) {}
    let _ = writer.io.shutdown().await;
}

struct Writer {
    io: WriteHalf<TokioIo<Upgraded>>,
    subscriber: Arc<Subscriber>,
    timeout: Duration,
}

impl Writer {
    /// Writes whole frames. A stream that ends meanwhile gets a last moment to take what it has begun.
    async fn write(&mut self, bytes: &Bytes) -> Result<(), Over> {
        let written = {
            let write = self.io.write_all(bytes);
            tokio::pin!(write);
            tokio::select! {
                biased;
                written = &mut write => written.map_err(|_| Over::Broken),
                ending = ended(&self.subscriber) => match timeout(GOODBYE, write).await {
                    Ok(Ok(())) => Err(Over::Say(ending)),
                    Ok(Err(_)) | Err(_) => Err(Over::Broken),
                },
                () = expired(self.timeout) => Err(Over::Broken),
            }
        };
        match written {
            // Gentle endings come after what waits, and the feed tells them in their turn.
            Err(Over::Say(ending)) if !ending.is_abrupt() => Ok(()),
            written => written,
        }
    }
}

async fn expired(timeout: Duration) {
    if timeout.is_zero() { std::future::pending().await } else { tokio::time::sleep(timeout).await }
}

struct Reader {
    io: ReadHalf<TokioIo<Upgraded>>,
    buffer: BytesMut,
}

impl Reader {
    /// The next frame. May be dropped and called again: what was read stays in the buffer.
    async fn next(&mut self) -> Result<frame::Incoming, Over> {
        loop {
            match frame::decode(&mut self.buffer) {
                Ok(Some(incoming)) => return Ok(incoming),
                Ok(None) => {}
                Err(frame::Violation(code, reason)) => {
                    return Err(Over::Say(Ending::Peer(code, reason)));
                }
            }
            self.buffer.reserve(512);
            match self.io.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return Err(Over::Broken),
                Ok(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_accept_key_of_the_standard() {
        assert_eq!(super::accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
