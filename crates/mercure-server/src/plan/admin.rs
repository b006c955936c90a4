//! Where health and metrics are served: `HUB_ADMIN`, else the option `admin` of `GLOBAL_OPTIONS`, as the reference image reads it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::plan::{Told, WrongSetting};
use crate::settings::{Settings, given};

/// The port that a Caddyfile need not name.
const PORT: u16 = 2019;
const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT);

/// The address, or `None` for none. Says which of the global options mean nothing here.
pub(super) fn address(settings: &Settings, told: &mut Told) -> Result<Option<SocketAddr>, WrongSetting> {
    let options = settings.global_options().map_err(|fault| WrongSetting::new("GLOBAL_OPTIONS", fault.to_string()))?;
    let mut others: Vec<&str> = options.iter().map(|option| option.name.as_str()).collect();
    others.retain(|name| !["admin", "debug"].contains(name));
    if !others.is_empty() {
        let others = others.join(", ");
        told.warnings.push(format!("GLOBAL_OPTIONS: only `admin` and `debug` are read; ignored: {others}"));
    }
    // The last word counts, as in a Caddyfile. Without an address only a block was given, about who may use Caddy's own interface.
    let of_options = options.iter().rev().filter(|option| option.name == "admin");
    let of_options = of_options.filter_map(|option| option.arguments.first()).next();
    match (given(settings.admin.as_ref()), of_options) {
        (Some(text), _) => read(text).map_err(|why| WrongSetting::new("HUB_ADMIN", why)),
        (None, Some(text)) if text.starts_with("unix/") || text.starts_with("fd/") => {
            told.warnings.push(format!(
                "GLOBAL_OPTIONS: health and metrics are served over TCP alone, at {DEFAULT} and not at {text}"
            ));
            Ok(Some(DEFAULT))
        }
        (None, Some(text)) => read(text).map_err(|why| WrongSetting::new("GLOBAL_OPTIONS", format!("admin: {why}"))),
        (None, None) => Ok(Some(DEFAULT)),
    }
}

/// `off`, `:2019`, `localhost:2019`, `0.0.0.0:2019`, `[::]:2019`, `tcp/…`, or an address alone.
fn read(text: &str) -> Result<Option<SocketAddr>, String> {
    if text == "off" {
        return Ok(None);
    }
    let address = text.strip_prefix("tcp/").unwrap_or(text);
    let address = match address.strip_prefix("localhost") {
        Some(rest) if rest.is_empty() || rest.starts_with(':') => format!("127.0.0.1{rest}"),
        _ if address.starts_with(':') => format!("[::]{address}"),
        _ => address.to_owned(),
    };
    let alone = || address.trim_matches(['[', ']']).parse().ok().map(|ip| SocketAddr::new(ip, PORT));
    let read = address.parse().ok().or_else(alone);
    read.map(Some).ok_or_else(|| format!("{text:?} is no address and port, nor off"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_a_caddyfile_writes_them() {
        for (text, address) in [
            (":2019", "[::]:2019"),
            ("0.0.0.0:2019", "0.0.0.0:2019"),
            ("localhost:9000", "127.0.0.1:9000"),
            ("localhost", "127.0.0.1:2019"),
            ("tcp/127.0.0.1:2020", "127.0.0.1:2020"),
            ("[::1]:2019", "[::1]:2019"),
            ("0.0.0.0", "0.0.0.0:2019"),
            ("[::]", "[::]:2019"),
        ] {
            assert_eq!(read(text).map(|read| read.unwrap().to_string()), Ok(address.to_owned()), "{text}");
        }
        assert_eq!(read("off"), Ok(None));
        for text in ["", "example.com:2019", ":port", "0.0.0.0:99999", "{", "localhostx:1"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
