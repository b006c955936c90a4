//! TLS, HTTP/2, and the way from port 80.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{HUB, Running, request, within};

/// Writes a certificate for `localhost` into a folder.
fn certificate(folder: &Path) -> CertificateDer<'static> {
    use base64::Engine as _;
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = |label: &str, der: &[u8]| {
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    };
    std::fs::write(folder.join("cert.pem"), pem("CERTIFICATE", made.cert.der())).unwrap();
    std::fs::write(folder.join("key.pem"), pem("PRIVATE KEY", &made.key_pair.serialize_der())).unwrap();
    made.cert.der().clone()
}

async fn secure_server() -> (Running, CertificateDer<'static>) {
    let folder = tempfile::tempdir().unwrap();
    let trusted = certificate(folder.path());
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    let flags = ["--server-name", "localhost", "--tls-cert", &cert, "--tls-key", &key];
    (Running::start("anonymous", &flags).await, trusted)
}

async fn connect(address: SocketAddr, trusted: CertificateDer<'static>, protocol: &[u8]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

/// Subscribes over HTTP/2 and waits for an update.
async fn hears_over_h2(server: &Running, io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    within(async {
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(io)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get(format!("https://localhost{HUB}?topic=a")).body(Empty::<Bytes>::new()).unwrap();
        let mut answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        server.hub.publish(mercure_hub::Update::new("a", "hello").unwrap()).unwrap();
        let mut read = String::new();
        while !read.contains("data: hello\n\n") {
            let frame = answer.frame().await.unwrap().unwrap();
            read.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
    })
    .await;
}

// H 9, H 52
#[tokio::test]
async fn a_stream_comes_over_tls_by_both_versions_of_http() {
    let (server, trusted) = secure_server().await;
    let mut stream = connect(server.address(), trusted.clone(), b"http/1.1").await;
    let head = format!("GET {HUB}?topic=a HTTP/1.1\r\nHost: localhost\r\n\r\n");
    within(async {
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut read = String::new();
        let mut bytes = [0; 4096];
        while !read.contains("data: hello") {
            if read.contains("\r\n\r\n") {
                server.hub.publish(mercure_hub::Update::new("a", "hello").unwrap()).unwrap();
            }
            let length = stream.read(&mut bytes).await.unwrap();
            read.push_str(&String::from_utf8_lossy(&bytes[..length]));
        }
    })
    .await;
    let stream = connect(server.address(), trusted, b"h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    hears_over_h2(&server, stream).await;
}

// H 9
#[tokio::test]
async fn http_2_is_spoken_without_tls_to_those_who_begin_with_it() {
    let server = Running::start("anonymous", &[]).await;
    hears_over_h2(&server, TcpStream::connect(server.address()).await.unwrap()).await;
}

#[tokio::test]
async fn port_80_sends_everybody_to_https() {
    let (server, _) = secure_server().await;
    let reply = request(server.addresses[1], "POST", "/.well-known/mercure?x=1", "Host: localhost:80\r\n", "").await;
    assert_eq!((reply.status, reply.header("location")), (308, "https://localhost/.well-known/mercure?x=1"));
    let reply = request(server.addresses[1], "GET", "/", "Host: a b\r\n", "").await;
    assert_eq!(reply.status, 400);
}

#[tokio::test]
async fn localhost_gets_a_certificate_of_its_own() {
    let server = Running::start("", &["--server-name", "localhost"]).await;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let error = within(TlsConnector::from(Arc::new(config)).connect(name, stream)).await.unwrap_err();
    // It speaks TLS; who it is, nobody vouches for.
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
}

#[tokio::test]
async fn a_certificate_that_is_not_there_stops_the_start() {
    let flags = [
        "--publisher-jwt-key",
        "k",
        "--directives",
        "anonymous",
        "--tls-cert",
        "/no/cert.pem",
        "--tls-key",
        "/no/key.pem",
    ];
    let mut plan = crate::support::plan(&flags).unwrap();
    plan.admin = None;
    plan.listeners[0].address = "127.0.0.1:0".parse().unwrap();
    let error = mercure_server::Server::bind(plan).await.unwrap_err().to_string();
    assert!(error.contains("/no/cert.pem"), "{error}");
}
