//! Which addresses are of the public internet, and a resolver that gives no others.

use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

/// IANA's special-purpose blocks that are not reachable from everywhere, multicast, and what is reserved.
const CLOSED_V4: [Ipv4Net; 17] = [
    v4(0, 0, 0, 8),
    v4(10, 0, 0, 8),
    // Carriers' own, behind their NAT.
    v4(100, 64, 0, 10),
    v4(127, 0, 0, 8),
    // Link-local; clouds answer here with their machines' credentials.
    v4(169, 254, 0, 16),
    v4(172, 16, 0, 12),
    v4(192, 0, 0, 24),
    v4(192, 0, 2, 24),
    v4(192, 31, 196, 24),
    v4(192, 52, 193, 24),
    // Relays from IPv4 into 6to4.
    v4(192, 88, 99, 24),
    v4(192, 168, 0, 16),
    v4(198, 18, 0, 15),
    v4(198, 51, 100, 24),
    v4(203, 0, 113, 24),
    v4(224, 0, 0, 4),
    v4(240, 0, 0, 4),
];

/// All that is public of IPv6 is given out of this block: everything else (loopback, mapped, compatible and translated IPv4, unique
/// local, link-local, multicast) is closed without being named.
const OPEN_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

const CLOSED_V6: [Ipv6Net; 5] = [
    // Teredo, ORCHID, benchmarks and other protocol assignments.
    v6(0x2001, 0, 0, 23),
    v6(0x2001, 0xdb8, 0, 32),
    // 6to4: an IPv4 address in disguise.
    v6(0x2002, 0, 0, 16),
    // AS112's sinks.
    v6(0x2620, 0x4f, 0x8000, 48),
    v6(0x3fff, 0, 0, 20),
];

const fn v4(a: u8, b: u8, c: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), length)
}

const fn v6(a: u16, b: u16, c: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

/// Whether an address is one of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !CLOSED_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => OPEN_V6.contains(&address) && !CLOSED_V6.iter().any(|net| net.contains(&address)),
    }
}

/// The addresses of a name, or why there are none.
pub type Found = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Who knows the addresses of a name.
pub trait Lookup: Send + Sync {
    /// Asks once.
    fn lookup(&self, name: &str) -> Found;
}

/// The system's own resolver.
pub struct System;

impl Lookup for System {
    fn lookup(&self, name: &str) -> Found {
        let name = name.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
    }
}

/// A name has no public address.
#[derive(Debug, thiserror::Error)]
#[error("no public address")]
pub struct NotPublic;

/// A resolver that keeps the public addresses of an answer and forgets the others.
pub struct Guard(Arc<dyn Lookup>);

impl Guard {
    /// A guard before somebody who knows names.
    pub fn new(lookup: Arc<dyn Lookup>) -> Self {
        Self(lookup)
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.lookup(name.as_str());
        Box::pin(async move {
            let mut open = found.await?;
            open.retain(|address| is_public(*address));
            if open.is_empty() {
                return Err(NotPublic.into());
            }
            // Port 0 stands for the URL's.
            Ok(Box::new(open.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}
