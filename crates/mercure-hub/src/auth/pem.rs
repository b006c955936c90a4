//! Keys in PEM texts (RFC 7468).

use rustls_pki_types::CertificateDer;
use webpki::EndEntityCert;

use crate::auth::key::InvalidKey;

/// What a PEM text holds, in DER.
pub(crate) enum Found {
    /// A SubjectPublicKeyInfo, or a PKCS#1 RSAPublicKey.
    Public(Vec<u8>),
    /// PKCS#8, PKCS#1 or SEC 1.
    Private(Vec<u8>),
}

/// Whether somebody put a PEM text where a secret belongs.
pub(crate) fn looks_like(text: &[u8]) -> bool {
    const BEGIN: &[u8] = b"-----BEGIN ";
    text.windows(BEGIN.len()).any(|window| window == BEGIN)
}

/// The first key in the text. What stands beside it, parameters of a curve for example, is skipped.
pub(crate) fn read(text: &[u8]) -> Result<Found, InvalidKey> {
    let blocks = pem::parse_many(text).map_err(|_| InvalidKey::Pem)?;
    let found = blocks.into_iter().find_map(|block| match block.tag() {
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Some(Ok(Found::Public(block.into_contents()))),
        "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => Some(Ok(Found::Private(block.into_contents()))),
        "CERTIFICATE" => Some(key_of_certificate(block.contents()).map(Found::Public)),
        _ => None,
    });
    found.ok_or(InvalidKey::Pem)?
}

/// The certificate only carries the key: it was trusted when it was put into the configuration, so neither its dates nor its issuer are looked at.
fn key_of_certificate(der: &[u8]) -> Result<Vec<u8>, InvalidKey> {
    let der = CertificateDer::from(der);
    let certificate = EndEntityCert::try_from(&der).map_err(|_| InvalidKey::Pem)?;
    Ok(certificate.subject_public_key_info().to_vec())
}
