//! Who can reach this installation, as far as its settings say.

use super::Config;
use std::net::IpAddr;

impl Config {
    /// Whether others than this machine may come: it listens to them, or people are told an address elsewhere.
    pub fn is_public(&self) -> bool {
        let host = self.public_url.split_once("://").map_or("", |(_, rest)| rest).split('/').next().unwrap_or_default();
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        let is_local_name = name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost");
        let is_local =
            is_local_name || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
        !is_local || !self.listen.ip().to_canonical().is_loopback()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::config;

    #[test]
    fn who_can_come_is_known() {
        let public = |flags: &[&str]| config(flags).unwrap().is_public();
        assert!(!public(&[]));
        for url in ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:8080", "https://chat.localhost/"] {
            assert!(!public(&["--public-url", url]), "{url}");
        }
        for url in
            ["https://chat.example", "http://192.168.1.2:8080", "http://localhost.example", "http://[2001:db8::1]"]
        {
            assert!(public(&["--public-url", url]), "{url}");
        }
        for listen in ["0.0.0.0:8080", "[::]:8080", "192.168.1.2:80"] {
            assert!(public(&["--listen", listen, "--public-url", "http://localhost:8080"]), "{listen}");
        }
        assert!(!public(&["--listen", "[::1]:8080"]));
    }
}
