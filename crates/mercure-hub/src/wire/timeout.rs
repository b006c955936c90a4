//! A connection that gives up on a peer that takes nothing.

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// Wraps a connection, and fails once a write to it has been stuck for too long.
///
/// The hub cuts a subscriber that does not read, and frees what waited for it. The connection itself belongs to the HTTP server, which would hold
/// the socket and its own buffers for as long as the peer pleases; wrapped in this, it closes them. It belongs right around the socket, below TLS.
pub struct WriteTimeout<IO> {
    io: IO,
    limit: Duration,
    /// Exists only while a write is stuck.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<IO> WriteTimeout<IO> {
    /// Lets a write to `io` be stuck for `limit` at most.
    pub fn new(io: IO, limit: Duration) -> Self {
        Self { io, limit, stuck: None }
    }

    /// The connection itself.
    pub fn into_inner(self) -> IO {
        self.io
    }

    fn watch<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let limit = self.limit;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(stuck.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for WriteTimeout<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<IO> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, bytes);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

impl<IO> fmt::Debug for WriteTimeout<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteTimeout")
            .field("limit", &self.limit)
            .field("stuck", &self.stuck.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn a_write_that_is_stuck_fails() {
        let (near, _far) = duplex(4);
        let mut near = WriteTimeout::new(near, Duration::from_millis(1));
        assert_eq!(near.write_all(b"abcdefgh").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_write_that_moves_ends_the_wait() {
        let (near, mut far) = duplex(4);
        let mut near = WriteTimeout::new(near, Duration::from_secs(3_600));
        let mut read = [0; 12];
        let (written, taken) = tokio::join!(near.write_all(b"abcdefghijkl"), far.read_exact(&mut read));
        assert!(written.is_ok() && taken.is_ok());
        assert_eq!(&read, b"abcdefghijkl");
        assert!(near.stuck.is_none(), "nothing waits any more");
    }
}
