//! Starting a server in a process and on a core of its own, and what it costs there.

pub(crate) mod axum_sse;
pub(crate) mod hub;
pub(crate) mod limit;

use crate::client::Watch;
use crate::options::{HubBench, Server};
use crate::process::{self, Family, Threads};
use crate::target::{BadTarget, Dialect, Target, Transport};
use mercure_hub::{Claims, Grant, Key, mint};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use url::Url;

/// Signs the tokens of a hub that is started here; it never leaves this machine.
pub(crate) const SECRET: &str = "only for measuring, and only on this machine";
/// How long a server may take to start.
const START: Duration = Duration::from_secs(20);
/// How long it may take to end.
const END: Duration = Duration::from_secs(3);
/// A server's first line on its standard output ends with its port; this is what ours say before it.
pub(crate) const READY: &str = "listening on port ";

const BUN: &str = include_str!("../rivals/bun.js");
const NGINX: &str = include_str!("../rivals/nginx.conf");

/// Why there is no server to measure.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoServer {
    /// The target that was named.
    #[error(transparent)]
    Target(#[from] BadTarget),
    /// The program can't be started.
    #[error("{} can't be started: {error}", program.display())]
    Start { program: PathBuf, error: io::Error },
    /// Nowhere to write.
    #[error("no folder can be made there: {0}")]
    Disk(io::Error),
    /// This program serves no hub by settings.
    #[error("only the program palabre has this server")]
    NotHere,
    /// It says nothing.
    #[error("{} did not become ready", .0.display())]
    Silent(PathBuf),
}

impl Server {
    /// As it stands in a table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "this hub",
            Self::Bun => "Bun (uWebSockets)",
            Self::Nchan => "Nchan",
            Self::Limit => "limit, one write each",
            Self::LimitBatched => "limit, joined writes",
            Self::Axum => "axum Sse",
            Self::Program => "palabre hub",
        }
    }

    pub(crate) fn speaks(self, transport: Transport) -> bool {
        match transport {
            Transport::Sse => true,
            Transport::Websocket => matches!(self, Self::Ours | Self::Program | Self::Bun | Self::Nchan),
            Transport::Poll => matches!(self, Self::Ours | Self::Program),
        }
    }
}

/// How the program that calls starts itself as a server.
#[derive(Clone, Copy, Debug, Default)]
pub struct Itself {
    /// The arguments that lead to the commands of this crate.
    pub bench: &'static [&'static str],
    /// The arguments that serve a hub alone by the reference image's settings, if it can.
    pub hub: Option<&'static [&'static str]>,
}

/// A server that runs, for as long as this value lives if it was started here.
pub(crate) struct Running {
    pub(crate) target: Target,
    /// Its processes, if they are known.
    pub(crate) family: Option<Family>,
    child: Option<Child>,
    _folder: Option<tempfile::TempDir>,
}

impl Running {
    /// The target that the options name.
    pub(crate) fn named(url: &Url, options: &HubBench) -> Result<Self, NoServer> {
        let token = |token: &Option<String>, secret: &Option<String>| {
            token.clone().or_else(|| secret.as_ref().map(|secret| all_topics(secret)))
        };
        let publisher = token(&options.publisher_token, &options.publisher_key);
        let subscriber = token(&options.subscriber_token, &options.subscriber_key);
        let private = subscriber.is_some() && !options.public;
        let target = Target::new(url, Dialect::Mercure, options.i_own_the_target)?;
        process::pin(&split(&process::cores()).1);
        Ok(Self {
            target: target.with_tokens(publisher, subscriber, private),
            family: options.target_pid.map(Family::of),
            child: None,
            _folder: None,
        })
    }

    /// Starts a server on cores of its own. What follows in this thread runs on the others.
    pub(crate) fn start(server: Server, durable: bool, options: &HubBench, itself: Itself) -> Result<Self, NoServer> {
        let folder = tempfile::tempdir_in(&options.disk).map_err(NoServer::Disk)?;
        let (mut command, port) = command(server, durable, options, itself, folder.path())?;
        let program = PathBuf::from(command.get_program());
        let (theirs, own) = split(&process::cores());
        process::pin(&theirs);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        process::pin(&own);
        let mut child = child.map_err(|error| NoServer::Start { program: program.clone(), error })?;
        let port = match port {
            Some(port) => answers(port).then_some(port),
            None => said(&mut child),
        };
        let is_mercure = matches!(server, Server::Ours | Server::Program);
        let running = |port| {
            let target = format!("http://127.0.0.1:{port}/.well-known/mercure");
            let target = Url::parse(&target).map_err(|_| NoServer::Silent(program.clone()))?;
            let dialect = if is_mercure { Dialect::Mercure } else { Dialect::Plain };
            Ok::<_, NoServer>(Target::new(&target, dialect, false)?)
        };
        let target = match port.ok_or_else(|| NoServer::Silent(program.clone())).and_then(running) {
            Ok(target) => target,
            Err(error) => {
                process::end(&mut child, END);
                return Err(error);
            }
        };
        let token = is_mercure.then(|| all_topics(SECRET));
        let subscriber = token.clone().filter(|_| !options.public);
        let private = subscriber.is_some();
        Ok(Self {
            target: target.with_tokens(token, subscriber, private),
            family: Some(Family::of(child.id())),
            child: Some(child),
            _folder: Some(folder),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            process::end(child, END);
        }
    }
}

/// The first core for the server, the others for the client; all for both where there is one.
fn split(cores: &[usize]) -> (Vec<usize>, Vec<usize>) {
    static ALL: std::sync::OnceLock<Vec<usize>> = std::sync::OnceLock::new();
    match ALL.get_or_init(|| cores.to_vec()).as_slice() {
        [server, client @ ..] if !client.is_empty() => (vec![*server], client.to_vec()),
        one => (one.to_vec(), one.to_vec()),
    }
}

fn command(
    server: Server,
    durable: bool,
    options: &HubBench,
    itself: Itself,
    folder: &Path,
) -> Result<(Command, Option<u16>), NoServer> {
    let this = || std::env::current_exe().map_err(|error| NoServer::Start { program: "this program".into(), error });
    let hidden = |name: &str| {
        let mut command = Command::new(this()?);
        command.args(itself.bench).arg(name);
        Ok((command, None))
    };
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        let written = std::fs::File::create(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map(|()| path.clone()).map_err(|error| NoServer::Start { program: path, error })
    };
    match server {
        Server::Ours => hidden("serve").map(|(mut command, port)| {
            if durable {
                command.arg("--durable").arg(folder.join("updates.db"));
            }
            (command, port)
        }),
        Server::Limit => hidden("limit"),
        Server::LimitBatched => hidden("limit").map(|(mut command, port)| {
            command.arg("--joined");
            (command, port)
        }),
        Server::Axum => hidden("axum-sse"),
        Server::Program => {
            let mut command = Command::new(this()?);
            // What the caller has set for a hub of its own is not meant for this one.
            command.args(itself.hub.ok_or(NoServer::NotHere)?).env_clear().envs([
                ("HUB_LISTEN", "127.0.0.1:0"),
                ("HUB_ADMIN", "off"),
                ("MERCURE_TRANSPORT_URL", "local://local"),
                ("MERCURE_PUBLISHER_JWT_KEY", SECRET),
                ("MERCURE_SUBSCRIBER_JWT_KEY", SECRET),
            ]);
            Ok((command, None))
        }
        Server::Bun => {
            let mut command = Command::new(&options.bun);
            command.arg(write("bun.js", BUN)?);
            Ok((command, None))
        }
        Server::Nchan => {
            let port = free_port().map_err(|error| NoServer::Start { program: options.nginx.clone(), error })?;
            let path = write("nginx.conf", &NGINX.replace("PORT", &port.to_string()))?;
            let mut command = Command::new(&options.nginx);
            command.arg("-p").arg(folder).arg("-e").arg("error.log").arg("-c").arg(path);
            Ok((command, Some(port)))
        }
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Waits until somebody listens.
fn answers(port: u16) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < START {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            // An nginx has its worker a moment after its socket.
            std::thread::sleep(Duration::from_millis(300));
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

/// Reads the port from the child's first line.
fn said(child: &mut Child) -> Option<u16> {
    let mut line = String::new();
    BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
    line.trim().rsplit([' ', ':']).next()?.parse().ok()
}

fn all_topics(secret: &str) -> String {
    let grant = Grant { subscribe: vec!["*".into()], publish: vec!["*".into()] };
    mint(&Key::hs256(secret), &Claims { sub: Some("bench".into()), mercure: grant, ..Claims::default() })
}

/// Watches a server for the time of one run.
pub(crate) struct Watcher<'a> {
    family: Option<&'a Family>,
    /// The most resident memory seen.
    pub(crate) peak: u64,
    progress: &'a dyn Fn(f64),
}

impl<'a> Watcher<'a> {
    pub(crate) fn new(running: &'a Running, progress: &'a dyn Fn(f64)) -> Self {
        Self { family: running.family.as_ref(), peak: 0, progress }
    }
}

impl Watch for Watcher<'_> {
    fn threads(&mut self) -> Option<Threads> {
        self.family.map(Family::threads)
    }

    fn tick(&mut self, part: f64) {
        self.peak = self.peak.max(self.family.map_or(0, Family::resident));
        (self.progress)(part);
    }
}
