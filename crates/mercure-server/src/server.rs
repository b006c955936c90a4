//! The server: a plan carried out, from the first listener to the last connection.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use mercure_hub::{Connections, Drain, Hub, LogConfig, raise_file_limit};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::accept::{Gate, accept};
use crate::plan::{Certificates, Listener, Plan, Playground, Role};
use crate::shutdown::Shutdown;
use crate::{admin, routes, tls};

/// Where the hub is, in both generations.
pub(crate) const HUB_PATH: &str = "/.well-known/mercure";
/// How long answers under way may take once the streams are closed.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be had.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// The history cannot be used.
    #[error("the history cannot be used: {0}")]
    History(String),
    /// The certificate cannot be used.
    #[error("the certificate cannot be used: {0}")]
    Certificate(io::Error),
}

/// What the routes know.
pub(crate) struct Site {
    pub(crate) hub: Hub,
    pub(crate) name: String,
    pub(crate) read_only: bool,
    pub(crate) debugger: bool,
    pub(crate) echo: bool,
    pub(crate) playground: Option<Playground>,
    is_draining: AtomicBool,
}

impl Site {
    pub(crate) fn is_ready(&self) -> bool {
        !self.is_draining.load(Ordering::Relaxed) && self.hub.is_ready() && self.hub.can_store()
    }
}

/// A server that listens and does not answer yet.
pub struct Server {
    plan: Plan,
    site: Arc<Site>,
    listeners: Vec<(TcpListener, Role)>,
    admin: Option<TcpListener>,
    acceptor: Option<TlsAcceptor>,
    /// What goes on beside: renewing the certificate.
    beside: JoinSet<()>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("addresses", &self.addresses()).finish_non_exhaustive()
    }
}

/// Listens, serves until `shutdown`, ends gracefully.
///
/// # Errors
/// When an address or the certificate cannot be used.
pub async fn run(plan: Plan, shutdown: Shutdown) -> Result<(), StartError> {
    Server::bind(plan).await?.serve(shutdown).await;
    Ok(())
}

impl Server {
    /// Takes the addresses and reads the certificate.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub async fn bind(plan: Plan) -> Result<Self, StartError> {
        for notice in &plan.notices {
            tracing::info!("{notice}");
        }
        for warning in &plan.warnings {
            tracing::warn!("{warning}");
        }
        let mut beside = JoinSet::new();
        let acceptor = acceptor(&plan.certificates, &mut beside).map_err(StartError::Certificate)?;
        let mut listeners = Vec::new();
        for Listener { address, role } in &plan.listeners {
            listeners.push((listen(*address).await?, *role));
        }
        let admin = match plan.admin {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let site = Arc::new(Site {
            hub: hub(&plan)?,
            name: plan.name.clone(),
            read_only: plan.read_only,
            debugger: plan.debugger,
            echo: plan.echo,
            playground: plan.playground.clone(),
            is_draining: AtomicBool::new(false),
        });
        Ok(Self { plan, site, listeners, admin, acceptor, beside })
    }

    /// Where it listens, in the plan's order.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|(listener, _)| listener.local_addr().ok()).collect()
    }

    /// Where health and metrics are.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// The hub itself, to publish from within.
    pub fn hub(&self) -> &Hub {
        &self.site.hub
    }

    /// Serves until `shutdown`. Then, in this order: readiness fails; after `drain_delay` nobody new is let in; the streams are closed over `drain_timeout`;
    /// answers under way finish. When `shutdown` asks for more haste, the rest is cut.
    pub async fn serve(self, mut shutdown: Shutdown) {
        let (end, ending) = watch::channel(false);
        let connections = Arc::new(Mutex::new(JoinSet::new()));
        let mut gate = Gate {
            router: routes::router(&self.site),
            tls: None,
            trusted_proxies: self.plan.trusted_proxies.as_slice().into(),
            forwarded: self.plan.forwarded,
            open: Connections::new(connections_max(), 0, &[]),
            log: Arc::default(),
            write_timeout: Some(self.plan.hub.write_timeout).filter(|time| !time.is_zero()).unwrap_or(Duration::MAX),
            ending,
        };
        let mut doors = JoinSet::new();
        for (listener, role) in self.listeners {
            tracing::info!(address = ?listener.local_addr().ok(), ?role, "listening");
            gate.tls = if role == Role::Tls { self.acceptor.clone() } else { None };
            let mut gate = gate.clone();
            if let Role::Redirect(port) = role {
                gate.router = Router::new().fallback(async move |request: Request| redirect(&request, port));
            }
            doors.spawn(accept(listener, gate, Arc::clone(&connections)));
        }
        let mut admin_door = JoinSet::new();
        if let Some(listener) = self.admin {
            let gate = Gate { router: admin::router(Arc::clone(&self.site)), tls: None, ..gate };
            // Connections of its own: health is answered to the end, and nobody waits for it.
            admin_door.spawn(accept(listener, gate, Arc::default()));
        }
        let _beside = self.beside;

        // A set that cannot be had yet is asked for again when a token needs it.
        let hub = self.site.hub.clone();
        let mut loading = JoinSet::new();
        loading.spawn(async move {
            if let Err(error) = hub.load_keys().await {
                tracing::warn!("{error}");
            }
        });

        shutdown.begins().await;
        let mut haste = shutdown.clone();
        let gently = async {
            self.site.is_draining.store(true, Ordering::Relaxed);
            tracing::info!(streams = self.site.hub.subscribers(), "draining");
            tokio::time::sleep(self.plan.drain_delay).await;
            doors.shutdown().await;
            let window = self.plan.drain_timeout;
            self.site.hub.drain(Drain { notice: Duration::ZERO, window, ..Drain::default() }).await;
            end.send_replace(true);
            let mut connections = connections.lock().await;
            let drained = async { while connections.join_next().await.is_some() {} };
            tokio::time::timeout(LAST_ANSWERS, drained).await.is_ok()
        };
        let is_done = tokio::select! {
            is_done = gently => is_done,
            () = haste.is_now() => false,
        };
        if !is_done {
            tracing::warn!("some connections were still open and are cut");
            // Streams whose sockets the hub has taken are none of the connections here: they are told, and not waited for.
            let _ = tokio::time::timeout(Duration::ZERO, self.site.hub.close()).await;
        }
        connections.lock().await.shutdown().await;
    }
}

/// As many connections as there may be open files, less some for everything else.
fn connections_max() -> usize {
    const OTHERS: u64 = 128;
    let files = raise_file_limit();
    usize::try_from(files.saturating_sub(OTHERS).max(files / 2)).unwrap_or(usize::MAX)
}

/// Reading the history takes a moment, and nobody is served yet.
fn hub(plan: &Plan) -> Result<Hub, StartError> {
    let Some(log) = &plan.log else { return Ok(Hub::new(plan.hub.clone())) };
    let failed = |error: &dyn std::fmt::Display| StartError::History(error.to_string());
    if let Some(folder) = log.path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| failed(&format!("{}: {error}", folder.display())))?;
    }
    let mut config = LogConfig::at(&log.path);
    (config.events, config.bytes) = (log.events, log.bytes);
    Hub::open(plan.hub.clone(), &config).map_err(|error| failed(&error))
}

/// Sends a request to the same place behind `https:`. 308 keeps the method.
fn redirect(request: &Request, port: u16) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = host.and_then(|host| host.parse::<axum::http::uri::Authority>().ok());
    let target = authority.and_then(|authority| {
        let authority = if port == 443 { authority.host().to_owned() } else { format!("{}:{port}", authority.host()) };
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        Uri::builder().scheme("https").authority(authority).path_and_query(path).build().ok()
    });
    match target {
        Some(target) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, target.to_string())]).into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    let listener = match TcpListener::bind(address).await {
        // No IPv6 on this machine: "everywhere" is IPv4 then.
        Err(error) if address.ip().is_unspecified() && error.kind() != io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()))).await.map_err(|_| error)
        }
        result => result,
    };
    listener.map_err(|error| StartError::Listen { address, error })
}

fn acceptor(certificates: &Certificates, beside: &mut JoinSet<()>) -> io::Result<Option<TlsAcceptor>> {
    let config = match certificates {
        Certificates::None => return Ok(None),
        Certificates::Files { cert, key } => {
            let files = Arc::new(tls::Files::open(cert, key)?);
            let watched = Arc::clone(&files);
            beside.spawn(async move { watched.watch().await });
            tls::config(files)?
        }
        Certificates::SelfSigned(names) => tls::config(Arc::new(tls::SelfSigned::new(names)?))?,
        #[cfg(feature = "acme")]
        Certificates::Acme { names, email, directory, cache } => {
            crate::acme::config(names, email.as_deref(), directory.as_deref(), cache, beside)?
        }
        #[cfg(not(feature = "acme"))]
        Certificates::Acme { .. } => return Err(io::Error::other("this program was built without the feature `acme`")),
    };
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}
