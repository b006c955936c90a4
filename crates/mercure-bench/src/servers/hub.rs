//! The hub alone in a process: what `bench hub` measures when no target is named.

use super::{READY, SECRET};
use axum::Router;
use clap::Args;
use hyper::body::Incoming;
use mercure_hub::{ConnectionOptions, Hub, HubConfig, Key, LogConfig, OpenError, serve_connection};
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

/// How the hub is set up for measuring.
#[derive(Args, Clone, Debug, Default)]
pub struct Serve {
    /// Subscribers need no token
    #[arg(long)]
    anonymous: bool,
    /// Keep the history on disk, in this file
    #[arg(long, value_name = "FILE")]
    durable: Option<PathBuf>,
}

impl Serve {
    /// With the history in this file, if there is one.
    pub(crate) fn with_history(durable: Option<PathBuf>) -> Self {
        Self { durable, ..Self::default() }
    }
}

/// The hub that is measured: rights, history and ids as an application would have them.
pub(crate) fn hub(serve: &Serve) -> Result<Hub, OpenError> {
    let key = Key::hs256(SECRET);
    let config = HubConfig {
        publisher_key: Some(key.clone()),
        subscriber_key: Some(key),
        anonymous: serve.anonymous,
        max_lifetime: Duration::ZERO,
        ..HubConfig::default()
    };
    match &serve.durable {
        Some(path) => Hub::open(config, &LogConfig::at(path)),
        None => Ok(Hub::new(config)),
    }
}

/// Serves until the process is ended.
pub(crate) async fn serve(serve: &Serve) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{READY}{}", listener.local_addr()?.port());
    let router = hub(serve).map_err(io::Error::other)?.router();
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
