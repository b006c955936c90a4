//! The door of an accept loop: how many connections may be open, in total and from one client; what the log is told of those that are not taken.

use std::{
    fmt, io,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use ipnet::IpNet;

use crate::{
    PeerAddress,
    limits::seats::{Seat, Tally},
    sync::lock,
};

/// Counts the connections that are open. Clones share the counts.
#[derive(Clone, Debug)]
pub struct Connections {
    total: Arc<Tally<()>>,
    addresses: Arc<Tally<u128>>,
    exempt: Arc<[IpNet]>,
}

/// The place of one connection, given back when the last clone of it is dropped. As a request extension it stays with the stream that the request opens:
/// a stream that the hub has taken over is still a connection.
#[derive(Clone)]
pub struct ConnectionSeat(#[expect(dead_code, reason = "held for its end")] Arc<Places>);

#[expect(dead_code, reason = "held for its end")]
struct Places(Option<Seat<()>>, Option<Seat<u128>>);

impl fmt::Debug for ConnectionSeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionSeat")
    }
}

impl Connections {
    /// So many in total and so many from one address, of which an IPv6 /64 counts as one; zero is "no limit". Networks that are exempt count in total
    /// only: proxies, which speak for many.
    pub fn new(total: usize, per_address: usize, exempt: &[IpNet]) -> Self {
        Self { total: Tally::new(total), addresses: Tally::new(per_address), exempt: exempt.into() }
    }

    /// A place for one more connection, if there is one.
    pub fn admit(&self, peer: IpAddr) -> Option<ConnectionSeat> {
        let peer = peer.to_canonical();
        let is_exempt = self.exempt.iter().any(|network| network.contains(&peer));
        let address = if is_exempt { None } else { self.addresses.sit(PeerAddress(peer).block()).ok()? };
        let total = self.total.sit(()).ok()?;
        Some(ConnectionSeat(Arc::new(Places(total, address))))
    }
}

/// How often the log may be told.
const EVERY: Duration = Duration::from_secs(1);

/// Tells the log of connections that were not taken: one line a second at most, with their number.
#[derive(Debug, Default)]
pub struct AcceptLog(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    last: Option<Instant>,
    untold: u64,
}

impl AcceptLog {
    /// A connection was refused: all places are taken.
    pub fn refused(&self) {
        if let Some(count) = self.count(Instant::now()) {
            tracing::warn!(count, "connections were refused: too many are open, in total or from one address");
        }
    }

    /// A connection could not be accepted: its client left, or the system has no descriptor left for it.
    pub fn failed(&self, error: &io::Error) {
        if let Some(count) = self.count(Instant::now()) {
            tracing::warn!(%error, count, "connections could not be accepted");
        }
    }

    /// Counts one more; how many there were since the last line, when it is time for another.
    fn count(&self, now: Instant) -> Option<u64> {
        let mut told = lock(&self.0);
        told.untold += 1;
        if told.last.is_some_and(|last| now.duration_since(last) < EVERY) {
            return None;
        }
        told.last = Some(now);
        Some(std::mem::take(&mut told.untold))
    }
}

/// Raises the number of files that the process may have open to the most that it may ask for; what it is then. Sockets are files: the usual soft limit of 1,024
/// is for programs that use `select`.
#[cfg(target_os = "linux")]
pub fn raise_file_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // A system that refuses leaves what there was.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Elsewhere the limit stays what it is; how high that is, nobody knows.
#[cfg(not(target_os = "linux"))]
pub fn raise_file_limit() -> u64 {
    u64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_so_many_connections_and_all_together_so_many() {
        let doors = Connections::new(5, 2, &["10.0.0.0/8".parse().unwrap(), "127.0.0.0/8".parse().unwrap()]);
        let admit = |address: &str| doors.admit(address.parse().unwrap());
        let mut held: Vec<_> =
            ["192.0.2.1", "::ffff:192.0.2.1"].iter().map(|address| admit(address).unwrap()).collect();
        assert!(admit("192.0.2.1").is_none());
        held.push(admit("2001:db8::1").unwrap());
        held.push(admit("2001:db8::ffff:1").unwrap());
        assert!(admit("2001:db8::2").is_none(), "an IPv6 /64 is one client");
        held.push(admit("10.0.0.1").unwrap());
        assert!(admit("192.0.2.9").is_none(), "all places are taken");
        drop(held.remove(0));
        assert!(admit("2001:db8::2").is_none());
        let copy = admit("192.0.2.1").unwrap();
        let kept = copy.clone();
        drop(copy);
        assert!(admit("192.0.2.1").is_none(), "a stream still holds it");
        drop(kept);
        held.clear();
        let proxied: Vec<_> = (0..5).map(|_| admit("10.0.0.1").unwrap()).collect();
        assert!(admit("127.0.0.1").is_none(), "in total an exempt network counts too");
        drop(proxied);
        assert!(Connections::new(0, 0, &[]).admit("192.0.2.1".parse().unwrap()).is_some());
    }

    #[test]
    fn the_log_is_told_once_a_second() {
        let (log, start) = (AcceptLog::default(), Instant::now());
        let told: Vec<_> = (0..3_000).filter_map(|ms| log.count(start + Duration::from_millis(ms))).collect();
        assert_eq!(told, [1, 1_000, 1_000]);
    }

    #[test]
    fn as_many_files_as_the_system_allows() {
        let raised = raise_file_limit();
        assert_eq!(raise_file_limit(), raised);
        assert!(raised >= 1_024);
    }
}
