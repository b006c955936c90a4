//! The hub alone in a process: what `bench hub` measures when no target is named.

use super::{READY, SECRET};
use axum::Router;
use clap::Args;
use hyper::body::Incoming;
use mercure_hub::{ConnectionOptions, Hub, HubConfig, Key, serve_connection};
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

/// How the hub is set up for measuring.
#[derive(Args, Clone, Debug, Default)]
pub struct Serve {
    /// Subscribers need no token
    #[arg(long)]
    anonymous: bool,
}

/// The hub that is measured: rights, history and ids as an application would have them.
pub(crate) fn hub(serve: &Serve) -> Hub {
    let key = Key::hs256(SECRET);
    Hub::new(HubConfig {
        publisher_key: Some(key.clone()),
        subscriber_key: Some(key),
        anonymous: serve.anonymous,
        max_lifetime: Duration::ZERO,
        ..HubConfig::default()
    })
}

/// Serves until the process is ended.
pub(crate) async fn serve(serve: &Serve) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{READY}{}", listener.local_addr()?.port());
    let router = hub(serve).router();
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(connection(stream, router.clone()));
    }
}

/// Serves one connection as the program's own accept loop does. A reader that leaves in the middle of a stream is how each run ends, and no error.
pub(crate) async fn connection(stream: TcpStream, router: Router) {
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        router.clone().oneshot(request.map(axum::body::Body::new))
    });
    let _ = serve_connection(stream, service, &ConnectionOptions::default(), std::future::pending()).await;
}
