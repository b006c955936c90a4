//! A server of the benchmark's own: a child process on a port of 127.0.0.1, with an empty data folder. Nothing else is ever a target.

use crate::Trouble;
use crate::options::Program;
use mercure_bench::process::{self, Family};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::{TcpSocket, TcpStream};

/// The soft limit of open files that service managers and shells give.
const OPEN_FILES: u64 = 1_024;
/// How long a server may take to start, and to end when it is asked to.
const START: Duration = Duration::from_secs(20);
const END: Duration = Duration::from_secs(25);

/// Where requests may go. Only a [`Server`] makes one, once it knows that its own child listens there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target(SocketAddrV4);

impl Target {
    /// The address of a path.
    pub(crate) fn url(self, path: &str) -> String {
        format!("http://{}{path}", self.0)
    }

    /// A new connection from this address.
    pub(crate) async fn connect(self, from: Ipv4Addr) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((from, 0)))?;
        socket.connect(self.0.into()).await
    }
}

/// A running server. It ends with this value.
pub(crate) struct Server {
    child: Child,
    family: Family,
    target: Target,
    folder: TempDir,
}

impl Server {
    /// Starts a program with the usual settings, an empty data folder and nothing of the caller's environment: a database or a hub
    /// that is named there is not meant for this.
    pub(crate) fn start(program: &Program) -> Result<Self, Trouble> {
        let start = |error| Trouble::Start { program: program.path.clone(), error };
        let folder = tempfile::tempdir().map_err(start)?;
        let log = File::create(folder.path().join("log")).map_err(start)?;
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).map_err(start)?.port();
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        let mut command = Command::new(&program.path);
        command.env_clear().env("TMPDIR", folder.path()).stdin(Stdio::null());
        command.stdout(log.try_clone().map_err(start)?).stderr(log);
        command.args(["serve", "--link-previews", "off", "--listen", &address.to_string(), "--data"]);
        command.arg(folder.path().join("data"));
        let child = process::start_with_file_limit(&mut command, OPEN_FILES).map_err(start)?;
        let family = Family::of(child.id());
        let mut server = Self { child, family, target: Target(address), folder };
        if server.is_ready() {
            Ok(server)
        } else {
            Err(Trouble::Silent(program.path.display().to_string(), server.last_words()))
        }
    }

    /// Waits until the child itself listens on its port.
    fn is_ready(&mut self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < START && matches!(self.child.try_wait(), Ok(None)) {
            if listens(self.child.id(), self.target.0) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    pub(crate) fn target(&self) -> Target {
        self.target
    }

    /// Resident memory, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        self.family.resident()
    }

    /// Bytes of everything in the data folder.
    pub(crate) fn stored(&self) -> u64 {
        size(&self.folder.path().join("data"))
    }

    /// Asks the server to end. How long it took; none when it had to be killed.
    pub(crate) fn stop(&mut self) -> Option<Duration> {
        process::end(&mut self.child, END)
    }

    /// The end of its log.
    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        log.lines().next_back().unwrap_or_default().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        process::end(&mut self.child, Duration::from_secs(3));
    }
}

/// Whether a process has the socket that listens at this address: `/proc/net/tcp` names the socket, `/proc/PID/fd` the owner.
fn listens(pid: u32, address: SocketAddrV4) -> bool {
    // The kernel writes the address as a number in its own byte order, and state 0A for one that listens.
    let local = format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port());
    let sockets: HashSet<String> = fs::read_to_string("/proc/net/tcp")
        .unwrap_or_default()
        .lines()
        .map(|line| line.split_ascii_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields.get(1) == Some(&local.as_str()) && fields.get(3) == Some(&"0A"))
        .filter_map(|fields| fields.get(9).map(|inode| format!("socket:[{inode}]")))
        .collect();
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|link| sockets.contains(&*link.to_string_lossy()))
}

fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => size(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_a_target_only_when_the_child_itself_listens_there() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok();
        let port =
            listener.as_ref().and_then(|listener| listener.local_addr().ok()).map_or(0, |address| address.port());
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        assert!(listens(std::process::id(), address));
        let other = Command::new("sleep").arg("60").spawn();
        let is_others = other.as_ref().is_ok_and(|other| !listens(other.id(), address));
        let ended = other.is_ok_and(|mut other| process::end(&mut other, END).is_some());
        assert!(is_others && ended, "it is another process's");
        drop(listener);
        assert!(!listens(std::process::id(), address), "nobody listens any more");
    }
}
