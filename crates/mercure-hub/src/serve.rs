//! Serving one connection of an accept loop, until the client leaves or the hub takes the socket over.
//!
//! An HTTP library holds buffers and a state machine for each connection, and copies what it writes. A stream needs neither once its request was read.
//! So the hub takes the socket away from the library, and writes the head and all that follows itself.

use std::{
    error::Error,
    future::{Future, pending, poll_fn},
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use axum::http::{Request, Response, StatusCode, header, response::Parts};
use bytes::{Bytes, BytesMut};
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::{Instant, sleep},
};

use crate::{
    PeerAddress,
    event::Wire,
    sync::lock,
    wire::{
        link,
        offer::{Offer, Offered, Takeable},
        sse,
        timeout::WriteTimeout,
    },
};

/// How a connection is served.
#[derive(Clone, Debug)]
pub struct ConnectionOptions {
    /// How long a client may take for the head of a request: from its first byte, however slowly the others follow, and for the first head from the beginning of the
    /// connection.
    pub head_timeout: Duration,
    /// How long a connection may idle between two requests.
    pub idle_timeout: Duration,
    /// Bytes in the head of a request.
    pub head_bytes: usize,
    /// How long a client may take none of an answer. For streams [`HubConfig::write_timeout`](crate::HubConfig::write_timeout) holds instead.
    pub write_timeout: Duration,
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(75),
            head_bytes: 32 << 10,
            write_timeout: Duration::from_secs(10),
        }
    }
}

/// Serves a connection of HTTP/1.1 without TLS, and lets hubs take it over.
///
/// `service` is the whole application, with [`Hub::router`](crate::Hub::router) somewhere inside. When one of its answers opens a stream, on whichever
/// request of the connection, the stream goes on as a small task without an HTTP library, and this function returns. The stream's head is the head of
/// that answer as it left `service`, with what the layers around the hub put there; only the length and the encoding of the body are the hub's own, and
/// what a layer does to the body has no effect.
///
/// Each request carries the [`PeerAddress`]: a layer that knows a proxy in front may put another in its place.
///
/// When `stop` ends, the answer under way is finished and no other request is taken. Streams that were taken over end by [`Hub::close`](crate::Hub::close).
///
/// Connections of TLS, of HTTP/2 or of another server need nothing of this: there the hub's streams are ordinary bodies.
///
/// # Errors
/// When the connection breaks, or its client breaks the protocol, before anything was taken over.
pub async fn serve_connection<S, B>(
    stream: TcpStream,
    service: S,
    options: &ConnectionOptions,
    stop: impl Future<Output = ()>,
) -> Result<(), hyper::Error>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    // Updates are small and due at once.
    let _ = stream.set_nodelay(true);
    let peer = stream.peer_addr().ok().map(|peer| PeerAddress(peer.ip()));
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(Takeable);
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        service.call(request)
    });
    if let Some(taken) = drive(WriteTimeout::new(stream, options.write_timeout), service, options, stop).await? {
        // A connection that breaks here had nothing to report to.
        let _ = take_over(taken.io.into_inner(), taken.read, &taken.head, taken.offered).await;
    }
    Ok(())
}

/// The same for a connection that hubs cannot take over, one of TLS: their streams are ordinary bodies there. What a client may take for its heads is the
/// same. The stream minds its own [`WriteTimeout`], and the caller says whose it is.
///
/// # Errors
/// When the connection breaks, or its client breaks the protocol.
pub async fn serve_stream<I, S, B>(
    stream: I,
    service: S,
    options: &ConnectionOptions,
    stop: impl Future<Output = ()>,
) -> Result<(), hyper::Error>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    drive(stream, service, options, stop).await.map(drop)
}

/// A connection that was taken out of the library's hands.
struct Taken<I> {
    io: I,
    /// What the library has read and not used.
    read: Bytes,
    head: Parts,
    offered: Offered,
}

/// Serves a connection until it ends, or until one of its answers is a stream that was offered.
async fn drive<I, S, B>(
    io: I,
    service: S,
    options: &ConnectionOptions,
    stop: impl Future<Output = ()>,
) -> Result<Option<Taken<I>>, hyper::Error>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let handover = Arc::new(Handover::default());
    let io = Watched { io, handover: Arc::clone(&handover), head: HeadEnd::default() };
    let service = service_fn(|request: Request<Incoming>| {
        let busy = Busy::new(&handover, request.body().is_end_stream());
        let (answer, handover) = (service.call(request), Arc::clone(&handover));
        async move {
            let mut response = answer.await?;
            match Offer::accept(response.extensions_mut()) {
                Some(offered) if matches!(response.status(), StatusCode::OK | StatusCode::SWITCHING_PROTOCOLS) => {
                    *lock(&handover.taken) = Some((response.into_parts().0, offered));
                    // The library waits for an answer that never comes, until the connection is taken out of its hands.
                    pending().await
                }
                // Some layer had another opinion: its answer goes out, and the stream ends unheard.
                _ => Ok::<_, S::Error>(response.map(|body| Answering { body: Box::pin(body), _busy: busy })),
            }
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.idle_timeout.max(options.head_timeout))
        .max_buf_size(options.head_bytes)
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades();
    let mut stop = pin!(stop);
    let mut stopping = false;
    let mut patience = pin!(sleep(options.head_timeout));
    let mut is_in_head = true;
    let taken = poll_fn(|context| {
        if !stopping && stop.as_mut().poll(context).is_ready() {
            stopping = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        if let Poll::Ready(ended) = Pin::new(&mut connection).poll(context) {
            return Poll::Ready(ended.map(|()| None));
        }
        let has_begun = handover.is_in_head.load(Ordering::Relaxed);
        if has_begun && !is_in_head {
            patience.as_mut().reset(Instant::now() + options.head_timeout);
        }
        is_in_head = has_begun;
        if is_in_head && patience.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(None));
        }
        // Answers to earlier requests may still stand in the library's buffer.
        if handover.is_full.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        lock(&handover.taken).take().map_or(Poll::Pending, |taken| Poll::Ready(Ok(Some(taken))))
    });
    let Some((head, offered)) = taken.await? else { return Ok(None) };
    let parts = connection.into_parts();
    Ok(parts.map(|parts| Taken { io: parts.io.into_inner().io, read: parts.read_buf, head, offered }))
}

/// Writes the head and what was missed, and leaves the rest to a link.
async fn take_over(stream: TcpStream, read: Bytes, head: &Parts, offered: Offered) -> io::Result<()> {
    let Offered { hub, mut feed } = offered;
    let wire = feed.subscriber().wire;
    let patience = feed.registration().engine().limits.write_timeout;
    let patience = if patience.is_zero() { Duration::MAX } else { patience };
    let mut stream = WriteTimeout::new(stream, patience);
    let mut first = write_head(head, wire);
    if wire == Wire::Chunked {
        first.extend_from_slice(sse::COMMENT_CHUNK);
    }
    stream.write_all(&first).await?;
    drop(first);
    while let Some(bytes) = feed.missed().await {
        stream.write_all(&bytes).await?;
    }
    link::start(&hub, feed.go_live(), stream.into_inner(), BytesMut::from(read));
    Ok(())
}

/// The head of an answer (RFC 9112 section 4), as the layers around the hub have left it.
fn write_head(head: &Parts, wire: Wire) -> Vec<u8> {
    let mut out = Vec::with_capacity(1_024);
    let reason = head.status.canonical_reason().unwrap_or_default();
    out.extend_from_slice(format!("HTTP/1.1 {} {reason}\r\n", head.status.as_str()).as_bytes());
    let framing = [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::TRANSFER_ENCODING];
    let mut put =
        |name: &[u8], value: &[u8]| [name, b": ", value, b"\r\n"].iter().for_each(|part| out.extend_from_slice(part));
    for (name, value) in head.headers.iter().filter(|(name, _)| !framing.contains(name)) {
        put(name.as_ref(), value.as_bytes());
    }
    if wire == Wire::Chunked {
        put(b"transfer-encoding", b"chunked");
    }
    if !head.headers.contains_key(header::DATE) {
        put(b"date", httpdate::fmt_http_date(SystemTime::now()).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// Between the library's connection and the one who takes it over.
#[derive(Debug)]
struct Handover {
    taken: Mutex<Option<(Parts, Offered)>>,
    /// Whether the client is at the head of a request: at the beginning of the connection, and from the first byte after an answer on.
    is_in_head: AtomicBool,
    /// Whether more came with a head than the head: its body, or the beginning of the next one.
    has_rest: AtomicBool,
    /// Requests that are being answered: one at most.
    busy: AtomicUsize,
    /// Whether the socket took nothing the last time. The library writes all it has whenever it can, so otherwise nothing is left in its buffer.
    is_full: AtomicBool,
}

impl Default for Handover {
    fn default() -> Self {
        Self {
            taken: Mutex::default(),
            is_in_head: AtomicBool::new(true),
            has_rest: AtomicBool::new(false),
            busy: AtomicUsize::new(0),
            is_full: AtomicBool::new(false),
        }
    }
}

/// A request is being answered, as long as this lives: what is read meanwhile is its body, and no head.
struct Busy {
    handover: Arc<Handover>,
    /// The request has no body: what came behind its head belongs to the next one.
    is_whole: bool,
}

impl Busy {
    fn new(handover: &Arc<Handover>, is_whole: bool) -> Self {
        handover.busy.fetch_add(1, Ordering::Relaxed);
        handover.is_in_head.store(false, Ordering::Relaxed);
        Self { handover: Arc::clone(handover), is_whole }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.handover.busy.fetch_sub(1, Ordering::Relaxed);
        if self.is_whole && self.handover.has_rest.load(Ordering::Relaxed) {
            self.handover.is_in_head.store(true, Ordering::Relaxed);
        }
    }
}

/// Looks for the end of a head in what is read: an empty line (RFC 9112 section 2.1; a line may end without the carriage return, section 2.2).
#[derive(Debug, Default)]
struct HeadEnd {
    is_at_line_start: bool,
    is_over: bool,
}

impl HeadEnd {
    /// Whether bytes stand behind the end.
    fn take(&mut self, bytes: &[u8]) -> bool {
        for (place, byte) in bytes.iter().enumerate() {
            if self.is_over {
                return place < bytes.len();
            }
            match byte {
                b'\n' if self.is_at_line_start => self.is_over = true,
                b'\n' => self.is_at_line_start = true,
                b'\r' => {}
                _ => self.is_at_line_start = false,
            }
        }
        false
    }
}

/// The body of an answer, which is under way until this is dropped.
struct Answering<B> {
    body: Pin<Box<B>>,
    _busy: Busy,
}

impl<B: Body> Body for Answering<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.body.as_mut().poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A socket that tells whether it is full, and when a head begins.
struct Watched<I> {
    io: I,
    handover: Arc<Handover>,
    head: HeadEnd,
}

impl<I> Watched<I> {
    /// Bytes came while nothing is answered: they are a head's, at least at their beginning.
    fn has_read(&mut self, bytes: &[u8]) {
        if !self.handover.is_in_head.swap(true, Ordering::Relaxed) || self.head.is_over {
            self.head = HeadEnd::default();
        }
        let has_rest = self.head.take(bytes);
        self.handover.has_rest.store(has_rest, Ordering::Relaxed);
    }

    fn note<T>(&self, written: Poll<T>) -> Poll<T> {
        self.handover.is_full.store(written.is_pending(), Ordering::Relaxed);
        written
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        if buffer.filled().len() > before && self.handover.busy.load(Ordering::Relaxed) == 0 {
            self.has_read(&buffer.filled()[before..]);
        }
        read
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, bytes);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
