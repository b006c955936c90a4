//! Encryption towards PostgreSQL. `sslmode` in the URL decides:
//!
//! - `disable`: none.
//! - `prefer` (the default, as everywhere in PostgreSQL's world): encrypted when the server can. Who the server is stays unchecked, since an
//!   attacker in the way could ask for no encryption at all; it only keeps out those who listen.
//! - `require`, `verify-ca`, `verify-full`: encrypted, and the certificate must be valid for the host's name. The roots are those of the
//!   system, or those in the file named by the variable `SSL_CERT_FILE`.

use super::DbError;
use ::postgres::config::SslMode;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

pub(super) type Connector = MakeRustlsConnect;

/// How much of TLS the URL asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    Disable,
    Prefer,
    Verify,
}

impl Mode {
    pub(super) fn of_driver(self) -> SslMode {
        match self {
            Self::Disable => SslMode::Disable,
            Self::Prefer => SslMode::Prefer,
            Self::Verify => SslMode::Require,
        }
    }
}

/// Takes `sslmode` out of the URL: the driver knows fewer modes than people do.
pub(super) fn mode(url: &str) -> (String, Mode) {
    let Some((address, query)) = url.split_once('?') else {
        return (url.to_owned(), Mode::Prefer);
    };
    let mut mode = Mode::Prefer;
    let mut others = Vec::new();
    for pair in query.split('&') {
        match pair {
            "sslmode=disable" => mode = Mode::Disable,
            "sslmode=prefer" => mode = Mode::Prefer,
            "sslmode=require" | "sslmode=verify-ca" | "sslmode=verify-full" => mode = Mode::Verify,
            // An unknown mode too: the driver explains what is wrong with it.
            other => others.push(other),
        }
    }
    let query = others.join("&");
    (if query.is_empty() { address.to_owned() } else { format!("{address}?{query}") }, mode)
}

/// The connector for a mode.
pub(super) fn connector(mode: Mode) -> Result<Connector, DbError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let fail = |error: rustls::Error| DbError::Open(format!("TLS: {error}"));
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(fail)?;
    let config = match mode {
        Mode::Disable | Mode::Prefer => {
            let anyone = Arc::new(Anyone(provider));
            builder.dangerous().with_custom_certificate_verifier(anyone).with_no_client_auth()
        }
        Mode::Verify => builder.with_root_certificates(roots()?).with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

fn roots() -> Result<RootCertStore, DbError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        return Err(DbError::Open(format!(
            "sslmode=require needs root certificates and the system has none{why}; name a file in SSL_CERT_FILE"
        )));
    }
    Ok(roots)
}

/// Accepts every certificate, for `prefer` only.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::{Mode, mode};

    #[test]
    fn sslmode_is_taken_out_of_the_url() {
        assert_eq!(mode("postgres://a@b/c"), ("postgres://a@b/c".to_owned(), Mode::Prefer));
        assert_eq!(mode("postgres://b/c?sslmode=require"), ("postgres://b/c".to_owned(), Mode::Verify));
        let (url, found) = mode("postgres://b/c?user=x&sslmode=disable&connect_timeout=3");
        assert_eq!((url.as_str(), found), ("postgres://b/c?user=x&connect_timeout=3", Mode::Disable));
        assert_eq!(mode("postgres://b/c?sslmode=perhaps").0, "postgres://b/c?sslmode=perhaps");
    }
}
