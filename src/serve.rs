//! The accept loop: ours, because the hub will take sockets over, and because a shutdown must not wait for open streams.

use crate::app::App;
use crate::web;
use crate::web::asking::Peer;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use mercure_hub::WriteTimeout;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

/// How long a client may take for the head of a request, and how long a connection may idle between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// How long answers under way may take once the program is to end.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a client may take none of what is written to it: a stream's reader that stalls must not hold its socket.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest head of a request: a page may ask the hub for a hundred topics.
const HEAD_MAX: usize = 32 * 1024;

/// Serves until `shutdown` ends, then lets what is under way finish, ends the streams and closes the database.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(listener: TcpListener, app: App, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let router = web::router(&app);
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer, router.clone(), app.clone()));
                }
                // One client's misfortune (it left) or a shortage that passes (no file descriptor): never the end.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    app.stopping.send_replace(true);
    app.live.bell.close().await;
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("some connections were still open and are cut");
        connections.shutdown().await;
    }
    app.db.close().await;
    Ok(())
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, app: App) {
    // A chat's writes are small and due at once.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        let answer = router.clone().oneshot(request);
        async move { answer.await.map_err(|never: Infallible| match never {}) }
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD_MAX)
            .serve_connection(TokioIo::new(WriteTimeout::new(stream, WRITE_TIMEOUT)), service)
            .with_upgrades()
    );
    let mut stopping = app.stopping.subscribe();
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stopped(&mut stopping) => {
            // Finishes the answer under way, takes no further request on this connection.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Ends once the program is to end.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
}
