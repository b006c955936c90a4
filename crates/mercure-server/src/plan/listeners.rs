//! `--listen` and `SERVER_NAME` into addresses and certificates.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::plan::{Certificates, Listener, Role, Told, WrongSetting};
use crate::settings::{Settings, given};
use crate::site::{self, Site};

/// Where the hub listens when nothing is said.
const DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 3000);

pub(super) fn listeners(settings: &Settings, told: &mut Told) -> Result<(Vec<Listener>, Certificates), WrongSetting> {
    let files = settings.tls_cert.clone().zip(settings.tls_key.clone());
    let files = files.map(|(cert, key)| Certificates::Files { cert, key });
    let names = given(settings.server_name.as_ref());
    let (address, names) = match (settings.listen, names) {
        (Some(address), Some(_)) => {
            told.notices.push("SERVER_NAME is not looked at, because --listen says where".to_owned());
            (address, None)
        }
        (Some(address), None) => (address, None),
        (None, names) => (DEFAULT, names),
    };
    let Some(names) = names else {
        let role = if files.is_some() { Role::Tls } else { Role::Plain };
        return Ok((vec![Listener { address, role }], files.unwrap_or(Certificates::None)));
    };
    let sites = site::sites(names).map_err(|why| WrongSetting::new("SERVER_NAME", why))?;
    let certificates = certificates(settings, &sites, files, told)?;
    Ok((of_sites(&sites)?, certificates))
}

/// One listener a port. A secure site at 443 also has its visitors sent there from port 80, unless that port serves something.
fn of_sites(sites: &[Site]) -> Result<Vec<Listener>, WrongSetting> {
    let mut listeners: Vec<Listener> = Vec::new();
    for site in sites {
        let role = if site.is_secure { Role::Tls } else { Role::Plain };
        let address = SocketAddr::from((Ipv6Addr::UNSPECIFIED, site.port));
        match listeners.iter().find(|other| other.address == address) {
            Some(other) if other.role != role => {
                let why = format!("port {} cannot speak both plain HTTP and TLS", site.port);
                return Err(WrongSetting::new("SERVER_NAME", why));
            }
            Some(_) => {}
            None => listeners.push(Listener { address, role }),
        }
    }
    let redirect = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 80));
    let has = |port, role| listeners.iter().any(|listener| listener.address.port() == port && listener.role == role);
    if has(443, Role::Tls) && !has(80, Role::Plain) {
        listeners.push(Listener { address: redirect, role: Role::Redirect(443) });
    }
    Ok(listeners)
}

fn certificates(
    settings: &Settings,
    sites: &[Site],
    files: Option<Certificates>,
    told: &mut Told,
) -> Result<Certificates, WrongSetting> {
    if !sites.iter().any(|site| site.is_secure) {
        return Ok(Certificates::None);
    }
    if let Some(files) = files {
        return Ok(files);
    }
    let mut names: Vec<String> =
        sites.iter().filter(|site| site.is_secure).filter_map(|site| site.host.clone()).collect();
    names.dedup();
    let public: Vec<&String> = names.iter().filter(|name| !site::is_local(name)).collect();
    let Some(first) = public.first() else {
        if names.is_empty() {
            names.push("localhost".to_owned());
        }
        told.warnings.push(format!(
            "the certificate for {} is made anew at each start and signed by nobody: give --tls-cert and --tls-key, or serve plain HTTP (SERVER_NAME=:80)",
            names.join(", ")
        ));
        return Ok(Certificates::SelfSigned(names));
    };
    if !cfg!(feature = "acme") {
        let why = format!(
            "{first} needs a certificate: give --tls-cert and --tls-key, or build with the feature `acme`, or write http://{first} behind a proxy that speaks TLS"
        );
        return Err(WrongSetting::new("SERVER_NAME", why));
    }
    if let Some(other) = names.iter().find(|name| site::is_local(name) || name.starts_with("*.")) {
        let why = format!("no authority certifies {other} this way; give --tls-cert and --tls-key");
        return Err(WrongSetting::new("SERVER_NAME", why));
    }
    Ok(Certificates::Acme {
        names,
        email: given(settings.acme_email.as_ref()).map(str::to_owned),
        directory: given(settings.acme_directory.as_ref()).map(str::to_owned),
        cache: settings.data.join("certificates"),
    })
}
