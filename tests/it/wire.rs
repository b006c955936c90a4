//! Bytes as a program writes them that is no browser.

use crate::harness::within;
use std::net::SocketAddr;

/// The body of a `multipart/form-data` with this boundary; a field with a file's name is a file.
pub fn multipart(boundary: &str, parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, bytes) in parts {
        let file = file.map_or(String::new(), |file| format!("; filename=\"{file}\"\r\ncontent-type: image/png"));
        body.extend(
            format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n").into_bytes(),
        );
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").into_bytes());
    body
}

/// Bytes on a connection of their own, and what comes back until the server closes it.
pub async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    // A server that refuses early closes while we still write: what it said is what counts.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let what = format!("an answer to {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(300)]));
    let _ = within(&what, stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}
