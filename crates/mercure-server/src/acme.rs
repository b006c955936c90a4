//! Certificates from an authority: RFC 8555 with the challenge TLS-ALPN-01 (RFC 8737), answered on the TLS port itself.

use std::io;
use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_acme::AcmeConfig;
use rustls_acme::caches::DirCache;
use tokio::task::JoinSet;

use crate::tls;

/// The protocol by which the authority asks (RFC 8737 section 6.2).
const CHALLENGE: &[u8] = b"acme-tls/1";

/// What TLS listeners work with; a task beside them orders and renews.
pub(crate) fn config(
    names: &[String],
    email: Option<&str>,
    directory: Option<&str>,
    cache: &Path,
    beside: &mut JoinSet<()>,
) -> io::Result<ServerConfig> {
    std::fs::create_dir_all(cache)?;
    let mut order = AcmeConfig::new_with_client_config(names, client()?).cache(DirCache::new(cache.to_owned()));
    order = match directory {
        Some(url) => order.directory(url),
        None => order.directory_lets_encrypt(true),
    };
    if let Some(email) = email {
        order = order.contact_push(format!("mailto:{email}"));
    }
    let mut state = order.state();
    let mut config = tls::config(state.resolver())?;
    config.alpn_protocols.push(CHALLENGE.to_vec());
    beside.spawn(async move {
        while let Some(event) = state.next().await {
            match event {
                Ok(event) => tracing::info!(?event, "certificate"),
                Err(error) => tracing::error!(%error, "the certificate could not be had; it is tried again"),
            }
        }
    });
    Ok(config)
}

/// How the authority itself is recognised: by what this machine trusts.
fn client() -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let builder = ClientConfig::builder_with_provider(tls::provider()).with_safe_default_protocol_versions();
    Ok(Arc::new(builder.map_err(io::Error::other)?.with_root_certificates(roots).with_no_client_auth()))
}
