//! The accept loops: sockets into requests.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use ipnet::IpNet;
use mercure_hub::{
    AcceptLog, ConnectionOptions, ConnectionSeat, Connections, ForwardedFields, PeerAddress, Scheme, WriteTimeout,
    client_origin, serve_connection, serve_stream,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// How long a client may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a connection may idle between two requests.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// How long nobody is accepted after the system had no descriptor left: some connections end meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a client may take to agree on TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest head of a request: what Go's server, and so the reference, takes by default.
const HEAD_MAX: usize = 1 << 20;
/// What a client that speaks HTTP/2 without TLS begins with (RFC 9113 section 3.4); no method of HTTP/1 begins so.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// What all connections of one listener share.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) router: Router,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) trusted_proxies: Arc<[IpNet]>,
    pub(crate) forwarded: ForwardedFields,
    pub(crate) open: Connections,
    pub(crate) log: Arc<AcceptLog>,
    /// How long a client may take none of what is written to it.
    pub(crate) write_timeout: Duration,
    /// True once answers under way are the last ones.
    pub(crate) ending: watch::Receiver<bool>,
}

/// Serves a listener until this future is dropped; connections that are open then go on until they end or are told to.
pub(crate) async fn accept(listener: TcpListener, gate: Gate, connections: Arc<tokio::sync::Mutex<JoinSet<()>>>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let Some(seat) = gate.open.admit(peer.ip()) else {
                    gate.log.refused();
                    continue;
                };
                let mut connections = connections.lock().await;
                while connections.try_join_next().is_some() {}
                connections.spawn(connection(stream, peer, seat, gate.clone()));
            }
            // One client's misfortune (it left) or a shortage that passes (no file descriptor): never the end.
            Err(error) => {
                gate.log.failed(&error);
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, seat: ConnectionSeat, gate: Gate) {
    // Events are small and due at once.
    let _ = stream.set_nodelay(true);
    let result = match gate.tls.clone() {
        None if begins_with_preface(&stream).await => {
            serve_h2(WriteTimeout::new(stream, gate.write_timeout), gate.visitor(peer, &seat)).await
        }
        None => serve_taken(stream, gate.visitor(peer, &seat)).await,
        Some(acceptor) => {
            let stream = WriteTimeout::new(stream, gate.write_timeout);
            match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
                Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                    serve_h2(stream, gate.visitor(peer, &seat)).await
                }
                Ok(Ok(stream)) => serve_h1(stream, gate.visitor(peer, &seat)).await,
                Ok(Err(error)) => Err(error.into()),
                Err(late) => Err(io::Error::from(late).into()),
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Whether the first bytes are those of HTTP/2. A client sends them in one go; one that does not is taken for HTTP/1, which refuses it.
async fn begins_with_preface(stream: &TcpStream) -> bool {
    let mut first = [0; PREFACE.len()];
    let peeked = tokio::time::timeout(HEAD_TIMEOUT, stream.peek(&mut first)).await;
    matches!(peeked, Ok(Ok(length)) if length >= 4 && PREFACE.starts_with(&first[..length]))
}

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// In clear, by HTTP/1.1: the hub takes the sockets of its streams.
async fn serve_taken(stream: TcpStream, visitor: Visitor) -> Ended {
    let (mut ending, options) = (visitor.gate.ending.clone(), visitor.gate.options());
    let service = hyper::service::service_fn(move |request| visitor.answer(request));
    Ok(serve_connection(stream, service, &options, ended(&mut ending)).await?)
}

/// By TLS: the streams stay with the library.
async fn serve_h1(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, visitor: Visitor) -> Ended {
    let (mut ending, options) = (visitor.gate.ending.clone(), visitor.gate.options());
    let service = hyper::service::service_fn(move |request| visitor.answer(request));
    Ok(serve_stream(stream, service, &options, ended(&mut ending)).await?)
}

async fn serve_h2(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, visitor: Visitor) -> Ended {
    let mut ending = visitor.gate.ending.clone();
    let service = hyper::service::service_fn(move |request| visitor.answer(request));
    let mut connection = std::pin::pin!(
        http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            // A peer that vanished is noticed although nothing is published.
            .keep_alive_interval(IDLE_TIMEOUT)
            .max_header_list_size(HEAD_MAX as u32)
            .serve_connection(TokioIo::new(stream), service)
    );
    tokio::select! {
        result = connection.as_mut() => return Ok(result?),
        () = ended(&mut ending) => connection.as_mut().graceful_shutdown(),
    }
    Ok(connection.await?)
}

/// One client, as far as the connection tells.
struct Visitor {
    gate: Gate,
    peer: IpAddr,
    /// Given back when the connection is closed, by whoever has it then.
    seat: ConnectionSeat,
}

impl Gate {
    fn options(&self) -> ConnectionOptions {
        ConnectionOptions {
            head_timeout: HEAD_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
            head_bytes: HEAD_MAX,
            write_timeout: self.write_timeout,
        }
    }

    fn visitor(&self, peer: SocketAddr, seat: &ConnectionSeat) -> Visitor {
        Visitor { gate: self.clone(), peer: peer.ip(), seat: seat.clone() }
    }
}

impl Visitor {
    /// Answers a request, which is told where it comes from.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Result<Response, Infallible>> + Send + use<> {
        let mut request = request.map(Body::new);
        let trusted = &self.gate.trusted_proxies;
        let origin = client_origin(self.peer, request.headers(), trusted, self.gate.forwarded);
        let scheme = if self.gate.tls.is_some() { Some(Scheme::Https) } else { origin.scheme };
        if let Some(scheme) = scheme {
            request.extensions_mut().insert(scheme);
        }
        request.extensions_mut().insert(PeerAddress(origin.address));
        request.extensions_mut().insert(self.seat.clone());
        self.gate.router.clone().oneshot(request)
    }
}

async fn ended(ending: &mut watch::Receiver<bool>) {
    if ending.wait_for(|is_ending| *is_ending).await.is_err() {
        std::future::pending::<()>().await;
    }
}
