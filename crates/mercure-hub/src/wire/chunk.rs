//! Chunks of HTTP/1.1 (RFC 9112 section 7.1), for the event streams that the hub writes itself.
//!
//! Chunks rather than a body that lasts until the connection closes: a client and a proxy can so tell an end that was meant from a connection that broke,
//! and the stream looks as it does from any other server. As the chunk is built once for all readers, it costs nothing.

use std::fmt::Write as _;

use bytes::{Bytes, BytesMut};

/// What a chunk takes besides its content, at most: sixteen digits and two line ends.
pub(crate) const ROOM: usize = 20;
/// The last chunk.
pub(crate) const END: &[u8] = b"0\r\n\r\n";

/// Begins a chunk of this length, which must not be zero.
pub(crate) fn open(out: &mut BytesMut, length: usize) {
    // Writing to a buffer that grows can't fail.
    let _ = write!(out, "{length:x}\r\n");
}

/// Ends a chunk.
pub(crate) fn shut(out: &mut BytesMut) {
    out.extend_from_slice(b"\r\n");
}

/// One chunk.
pub(crate) fn whole(content: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(content.len() + ROOM);
    open(&mut out, content.len());
    out.extend_from_slice(content);
    shut(&mut out);
    out.freeze()
}
