//! A finished upload becomes a kept file: its type judged, a picture opened and freed of what does not show.

use crate::error::{Error, Result};
use crate::files::picture::{self, Format, Picture};
use crate::files::sniff::{self, sniff};
use crate::files::{Files, Finished, Name};
use crate::id::UserId;
use bytes::Bytes;
pub use sniff::Kind;
use std::time::Duration;

/// Bytes of memory up to which a picture is a small one, opened beside a large one: eight megapixels.
const SMALL: u64 = 32 << 20;
/// How long a picture may take to be opened; then it is a file like any other.
const TIME_MAX: Duration = Duration::from_secs(10);

/// A file in the store, and all that is known of it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// How it is shown.
    pub kind: Kind,
    /// Judged from its bytes.
    pub media_type: &'static str,
    /// In bytes, as kept.
    pub size: u64,
    /// Of the bytes as kept.
    pub sha256: [u8; 32],
    /// Of the bytes as sent: a picture is kept without its metadata.
    pub sent_sha256: [u8; 32],
    /// Where.
    pub name: Name,
    /// In pixels, upright.
    pub sides: Option<(u32, u32)>,
    /// The smaller picture: where, and its sides in pixels.
    pub small: Option<(Name, u32, u32)>,
}

impl Kept {
    /// A file of a type that is known already, kept as it came.
    ///
    /// # Errors
    /// `Internal` when the store says no.
    pub async fn plain(files: &Files, finished: Finished, kind: Kind, media_type: &'static str) -> Result<Self> {
        let (size, sha256) = (finished.size, finished.sha256);
        let name = files.keep(finished).await?;
        Ok(Self { kind, media_type, size, sha256, sent_sha256: sha256, name, sides: None, small: None })
    }

    /// Its names in the store.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        std::iter::once(&self.name).chain(self.small.iter().map(|(name, ..)| name))
    }
}

impl Files {
    /// Judges a person's finished file and keeps it.
    ///
    /// # Errors
    /// `TooMany`, `Unavailable` when the person's own pictures or others' take too long; `Internal` when the store says no.
    pub async fn take(&self, user: UserId, finished: Finished) -> Result<Kept> {
        let path = finished.path().to_owned();
        let judged = tokio::task::spawn_blocking(move || sniff(&path)).await;
        let (kind, media_type) = judged.map_err(Error::internal)?.map_err(Error::internal)?;
        if kind != Kind::Image {
            return Kept::plain(self, finished, kind, media_type).await;
        }
        match self.open_picture(user, &finished, media_type).await? {
            Some(picture) => self.keep_picture(finished, picture, media_type).await,
            // Broken, or too large to be opened: whoever wants it may download it.
            None => {
                let (kind, media_type) = sniff::BYTES;
                Kept::plain(self, finished, kind, media_type).await
            }
        }
    }

    /// None for a picture that is broken, too large, or takes too long.
    async fn open_picture(
        &self,
        user: UserId,
        finished: &Finished,
        media_type: &'static str,
    ) -> Result<Option<Picture>> {
        let Some(format) = Format::of(media_type) else { return Ok(None) };
        let path = finished.path().to_owned();
        let at = path.clone();
        let weigh = move || std::fs::read(at).map(|bytes| picture::needed(format, &Bytes::from(bytes)));
        let Some(needed) = apart(media_type, weigh).await?.flatten() else { return Ok(None) };
        let turns = if needed > SMALL { &self.0.large } else { &self.0.small };
        let turn = turns.turn(user).await?;
        let open = move || {
            // The turn ends with the work, which a person who left, or lost patience, cannot interrupt.
            let _turn = turn;
            std::fs::read(path).map(|bytes| picture::prepare(format, Bytes::from(bytes)))
        };
        match tokio::time::timeout(TIME_MAX, apart(media_type, open)).await {
            Ok(picture) => Ok(picture?.flatten()),
            Err(_) => Ok(None),
        }
    }

    async fn keep_picture(&self, finished: Finished, picture: Picture, media_type: &'static str) -> Result<Kept> {
        let sent_sha256 = finished.sha256;
        let (name, sha256) = self.keep_bytes(&picture.bytes).await?;
        let small = match picture.small {
            Some(small) => match self.keep_bytes(&small.bytes).await {
                Ok((name, _)) => Some((name, small.width, small.height)),
                Err(error) => {
                    self.discard(std::slice::from_ref(&name)).await;
                    return Err(error);
                }
            },
            None => None,
        };
        Ok(Kept {
            kind: Kind::Image,
            media_type,
            size: picture.bytes.len() as u64,
            sha256,
            sent_sha256,
            name,
            sides: Some((picture.width, picture.height)),
            small,
        })
    }
}

/// Work on a stranger's bytes. A decoder that panics says of them what an error says: none.
async fn apart<T: Send + 'static>(
    media_type: &'static str,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<Option<T>> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map(Some).map_err(Error::internal),
        Err(error) => {
            tracing::warn!(panicked = error.is_panic(), media_type, "a decoder panicked");
            Ok(None)
        }
    }
}
