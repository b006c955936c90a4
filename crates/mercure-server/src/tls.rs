//! TLS by rustls: the certificate, and its renewal while connections go on.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::signal::unix::{SignalKind, signal};

/// How often the files are looked at. Those who renew them may also send SIGHUP.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Protocols that are offered, the better one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// What TLS listeners work with.
pub(crate) fn config(resolver: Arc<dyn ResolvesServerCert>) -> io::Result<ServerConfig> {
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let mut config = builder.map_err(io::Error::other)?.with_no_client_auth().with_cert_resolver(resolver);
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

/// A certificate in two files, read again when they change.
#[derive(Debug)]
pub(crate) struct Files {
    cert: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Files {
    pub(crate) fn open(cert: &Path, key: &Path) -> io::Result<Self> {
        let current = RwLock::new(Arc::new(load(cert, key)?));
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), current })
    }

    /// Reads the files again. What they hold is used from the next connection on; when they hold nothing good, the old certificate stays.
    pub(crate) fn reload(&self) -> io::Result<()> {
        let loaded = Arc::new(load(&self.cert, &self.key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(())
    }

    /// Reloads on SIGHUP and when a file has changed. Never ends.
    pub(crate) async fn watch(&self) {
        let mut hangup = signal(SignalKind::hangup()).ok();
        let mut seen = self.stamp();
        loop {
            let is_asked = tokio::select! {
                Some(()) = async { hangup.as_mut()?.recv().await } => true,
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            let stamp = self.stamp();
            if !is_asked && stamp == seen {
                continue;
            }
            match self.reload() {
                Ok(()) => {
                    seen = stamp;
                    tracing::info!(certificate = %self.cert.display(), "the certificate was read again");
                }
                // A renewal writes one file after the other: the next look may find both.
                Err(error) => tracing::warn!(%error, "the old certificate stays in use"),
            }
        }
    }

    fn stamp(&self) -> [Option<(SystemTime, u64)>; 2] {
        [&self.cert, &self.key].map(|path| {
            let data = std::fs::metadata(path).ok()?;
            Some((data.modified().ok()?, data.len()))
        })
    }
}

impl ResolvesServerCert for Files {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn load(cert: &Path, key: &Path) -> io::Result<CertifiedKey> {
    let named = |path: &Path, error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", path.display()));
    let chain = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| named(cert, &error))?;
    if chain.is_empty() {
        return Err(named(cert, &"holds no certificate"));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| named(key, &error))?;
    CertifiedKey::from_der(chain, private, &provider()).map_err(|error| named(key, &error))
}

/// A certificate for these names, signed by itself.
#[derive(Debug)]
pub(crate) struct SelfSigned(Arc<CertifiedKey>);

impl SelfSigned {
    pub(crate) fn new(names: &[String]) -> io::Result<Self> {
        let made = rcgen::generate_simple_self_signed(names.to_vec()).map_err(io::Error::other)?;
        let key = PrivatePkcs8KeyDer::from(made.key_pair.serialize_der()).into();
        let certified = CertifiedKey::from_der(vec![made.cert.der().clone()], key, &provider());
        certified.map(|certified| Self(Arc::new(certified))).map_err(io::Error::other)
    }
}

impl ResolvesServerCert for SelfSigned {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(name: &str) -> (String, String) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let wrap = |label: &str, der: &[u8]| {
            use base64::Engine as _;
            let text = base64::engine::general_purpose::STANDARD.encode(der);
            format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
        };
        (wrap("CERTIFICATE", made.cert.der()), wrap("PRIVATE KEY", &made.key_pair.serialize_der()))
    }

    #[test]
    fn a_renewed_certificate_is_used_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let write = |(chain, private): (String, String)| {
            std::fs::write(&cert, chain).unwrap();
            std::fs::write(&key, private).unwrap();
        };
        let current = |files: &Files| files.current.read().unwrap().cert[0].clone();
        write(pem("old.test"));
        let files = Files::open(&cert, &key).unwrap();
        let old = current(&files);
        // The chain of another key: a renewal that is half done.
        std::fs::write(&cert, pem("new.test").0).unwrap();
        assert!(files.reload().is_err());
        assert_eq!(current(&files), old);
        write(pem("new.test"));
        files.reload().unwrap();
        assert_ne!(current(&files), old);
    }

    #[test]
    fn a_file_without_a_certificate_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cert.pem");
        std::fs::write(&path, "nothing").unwrap();
        let error = Files::open(&path, &path).unwrap_err().to_string();
        assert!(error.contains("cert.pem") && error.contains("no certificate"), "{error}");
        assert!(Files::open(&folder.path().join("none"), &path).is_err());
    }
}
