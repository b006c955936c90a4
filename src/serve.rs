//! The accept loop: ours, because the hub takes sockets over, and because a shutdown must not wait for open streams.

use crate::app::App;
use crate::web;
use crate::web::asking::{Client, Peer};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use mercure_hub::{
    AcceptLog, ConnectionOptions, ConnectionSeat, ForwardedFields, PeerAddress, client_origin, raise_file_limit,
    serve_connection,
};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tower::ServiceExt;

/// How long a client may take for the head of a request, from its first byte on.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a connection may idle between two requests: longer than proxies keep theirs, so that they are the ones to close it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// How long nobody is accepted after the system had no descriptor left: some connections end meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long, once the program is to end, answers under way may take, counted from then; who was here is written down after that.
const DRAIN: Duration = Duration::from_secs(5);
const LAST_WRITE: Duration = Duration::from_secs(6);
/// When the database is left alone, whatever it is doing: what was committed is kept, and nobody is there to be answered.
const END: Duration = Duration::from_secs(8);
/// How long a client may take none of what is written to it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest head of a request: a page may ask the hub for a hundred topics.
const HEAD_MAX: usize = 32 * 1024;

/// Serves until `shutdown` ends, then lets what is under way finish, ends the streams and closes the database: within `END`, whatever is
/// running. A thread that is busy still goes on until the process ends.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(listener: TcpListener, app: App, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let router = web::router(&app);
    let mut connections = JoinSet::new();
    let open = app.budgets.connections(raise_file_limit());
    let log = AcceptLog::default();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => match open.admit(peer.ip()) {
                    Some(seat) => drop(connections.spawn(connection(stream, peer, seat, router.clone(), app.clone()))),
                    None => log.refused(),
                },
                // One client's misfortune (it left) or a shortage that passes (no file descriptor): never the end.
                Err(error) => {
                    log.failed(&error);
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    stop(&app, connections).await;
    Ok(())
}

async fn stop(app: &App, mut connections: JoinSet<()>) {
    let begun = Instant::now();
    app.begin_to_stop();
    let drained = async {
        app.live.bell.close().await;
        while connections.join_next().await.is_some() {}
    };
    if timeout_at(begun + DRAIN, drained).await.is_err() {
        tracing::warn!("some connections were still open and are cut");
        connections.abort_all();
    }
    if timeout_at(begun + LAST_WRITE, app.write_seen()).await.is_err() {
        tracing::warn!("who was here last is not written down: the database is busy");
    }
    if timeout_at(begun + END, app.db.close()).await.is_err() {
        tracing::warn!("the database was still busy and is left to itself");
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, seat: ConnectionSeat, router: Router, app: App) {
    let (trusted, budgets) = (app.config.trusted_proxies.clone(), app.budgets.clone());
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        let origin = client_origin(peer.ip(), request.headers(), &trusted, ForwardedFields::XForwarded);
        request.extensions_mut().insert(Client(origin.address));
        // An address that many share says nothing about who asks: no limit per address holds for it.
        if budgets.is_telling(origin.address) {
            request.extensions_mut().insert(PeerAddress(origin.address));
        } else {
            request.extensions_mut().remove::<PeerAddress>();
        }
        // A stream keeps it, also when the hub takes the socket over.
        request.extensions_mut().insert(seat.clone());
        let answer = router.clone().oneshot(request);
        async move { answer.await.map_err(|never: Infallible| match never {}) }
    });
    let options = ConnectionOptions {
        head_timeout: HEAD_TIMEOUT,
        idle_timeout: IDLE_TIMEOUT,
        head_bytes: HEAD_MAX,
        write_timeout: WRITE_TIMEOUT,
    };
    let mut stopping = app.stopping.subscribe();
    // Streams leave here: the hub takes their sockets, and ends them when it is closed.
    if let Err(error) = serve_connection(stream, service, &options, stopped(&mut stopping)).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Ends once the program is to end.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
}
