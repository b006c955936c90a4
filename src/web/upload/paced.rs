//! A body that is read no faster than it is used, and that must not stand still: the parser of multipart bodies keeps in memory
//! whatever it is given until it finds the end of a part's head.

use crate::error::Error;
use crate::web::form;
use axum::extract::multipart::MultipartError;
use bytes::Bytes;
use http_body_util::LengthLimitError;
use hyper::body::{Body, Frame, SizeHint};
use std::error::Error as _;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// Bytes that the parser may hold: much more than the head of a part.
const HELD_MAX: usize = 256 * 1024;
/// So many bytes must come within [`PATIENCE`], however long the whole takes.
const STEP: usize = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(60);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What both ends of a body know of it.
pub(super) struct Gauge {
    held: AtomicUsize,
    is_full: AtomicBool,
    step: Mutex<(usize, Instant)>,
    patience: Duration,
}

impl Default for Gauge {
    fn default() -> Self {
        Self::new(PATIENCE)
    }
}

impl Gauge {
    fn new(patience: Duration) -> Self {
        let step = Mutex::new((0, Instant::now()));
        Self { held: AtomicUsize::new(0), is_full: AtomicBool::new(false), step, patience }
    }

    /// So many bytes were taken from the parser.
    pub(super) fn claim(&self, bytes: usize) {
        let held = self.held.load(Ordering::Relaxed);
        self.held.store(held.saturating_sub(bytes), Ordering::Relaxed);
        self.is_full.store(false, Ordering::Relaxed);
    }

    /// Awaits the parser's next answer, as long as bytes keep coming.
    pub(super) async fn within<T>(&self, answer: impl Future<Output = Result<T, MultipartError>>) -> Result<T, Error> {
        let mut answer = std::pin::pin!(answer);
        loop {
            let deadline = self.step.lock().unwrap_or_else(PoisonError::into_inner).1 + self.patience;
            tokio::select! {
                answer = &mut answer => {
                    self.is_full.store(false, Ordering::Relaxed);
                    return answer.map_err(|error| fault(&error));
                }
                // The deadline moves with what comes: look again before it is believed.
                () = tokio::time::sleep_until(deadline) => {
                    let step = self.step.lock().unwrap_or_else(PoisonError::into_inner).1;
                    if step + self.patience <= Instant::now() {
                        return Err(form::broken());
                    }
                }
            }
        }
    }

    fn came(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
        let mut step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        step.0 += bytes;
        if step.0 >= STEP {
            *step = (0, Instant::now());
        }
    }
}

/// Too many bytes, or not what a form is.
fn fault(error: &MultipartError) -> Error {
    let mut source = error.source();
    while let Some(inner) = source {
        if inner.is::<LengthLimitError>() {
            return Error::TooLarge;
        }
        source = inner.source();
    }
    form::broken()
}

/// The body.
pub(super) struct Paced<B> {
    body: Pin<Box<B>>,
    gauge: Arc<Gauge>,
}

impl<B> Paced<B> {
    pub(super) fn new(body: B, gauge: Arc<Gauge>) -> Self {
        Self { body: Box::pin(body), gauge }
    }
}

impl<B: Body<Data = Bytes, Error = BoxError>> Body for Paced<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if this.gauge.held.load(Ordering::Relaxed) >= HELD_MAX {
            // The parser looks at what it has before it asks again: asking twice without giving anything, it never will.
            if this.gauge.is_full.swap(true, Ordering::Relaxed) {
                return Poll::Ready(Some(Err(io::Error::other("the head of a part does not end").into())));
            }
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = this.body.as_mut().poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            this.gauge.came(frame.data_ref().map_or(0, Bytes::len));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body as HttpBody;
    use axum::extract::{FromRequest, Multipart};
    use futures_util::stream;

    fn parts(gauge: &Arc<Gauge>, pieces: Vec<Vec<u8>>) -> impl Future<Output = Multipart> + use<> {
        let pieces = stream::iter(pieces.into_iter().map(|piece| Ok::<_, io::Error>(Bytes::from(piece))));
        let body = http_body_util::Limited::new(HttpBody::from_stream(pieces), 1 << 30);
        let request = axum::http::Request::builder()
            .header("content-type", "multipart/form-data; boundary=b")
            .body(HttpBody::new(Paced::new(body, gauge.clone())))
            .unwrap();
        async move {
            let mut request = request;
            axum::extract::DefaultBodyLimit::disable().apply(&mut request);
            Multipart::from_request(request, &()).await.unwrap()
        }
    }

    #[tokio::test]
    async fn a_head_that_never_ends_is_cut() {
        let gauge = Arc::new(Gauge::default());
        let mut pieces = vec![b"--b\r\nContent-Disposition: form-data; name=\"".to_vec()];
        pieces.extend((0..1_000).map(|_| vec![b'a'; 64 * 1024]));
        let mut parts = parts(&gauge, pieces).await;
        assert!(gauge.within(parts.next_field()).await.is_err());
        assert!(gauge.held.load(Ordering::Relaxed) <= HELD_MAX + 64 * 1024);
    }

    #[tokio::test]
    async fn a_large_file_passes_in_pieces() {
        let gauge = Arc::new(Gauge::default());
        let mut pieces = vec![b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n".to_vec()];
        pieces.extend((0..200).map(|_| vec![b'a'; 64 * 1024]));
        pieces.push(b"\r\n--b--\r\n".to_vec());
        let mut parts = parts(&gauge, pieces).await;
        let mut part = gauge.within(parts.next_field()).await.unwrap().unwrap();
        let mut size = 0;
        while let Some(piece) = gauge.within(part.chunk()).await.unwrap() {
            assert!(piece.len() <= HELD_MAX + 64 * 1024);
            gauge.claim(piece.len());
            size += piece.len();
        }
        drop(part);
        assert_eq!(size, 200 * 64 * 1024);
        assert!(gauge.within(parts.next_field()).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_body_that_stands_still_is_given_up() {
        let gauge = Gauge::new(Duration::from_millis(1));
        assert!(gauge.within(std::future::pending::<Result<(), MultipartError>>()).await.is_err());
    }
}
