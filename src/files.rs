//! The bytes of files: streamed to a temporary file while they are counted and hashed, then kept under a name of their own, in a
//! folder or in a bucket. Knows nothing of messages; which names are still wanted is asked for.
//!
//! A name is random and says when it was made, so that the sweep needs no clock but ours. No two rows share a name: deleting
//! one file can never take another's bytes.

pub mod intake;
pub mod label;
mod picture;
pub mod private;
mod sniff;
mod strip;
pub mod upload;

use crate::clock::{Clock, Micros};
use crate::config::{Config, S3};
use crate::db::{Cell, FromColumn};
use crate::error::{Error, Result};
use crate::turns::{Rules, Turns};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, path::Path as Key};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
pub use upload::{Finished, Upload};

/// A file that no row names is left alone for so long: its message may still be on the way.
pub const GRACE: Micros = 24 * 3_600 * 1_000_000;
/// Hexadecimal digits of a name: randomness, then the time of its making in microseconds.
const NAME_DIGITS: usize = RANDOM_DIGITS + TIME_DIGITS;
const RANDOM_DIGITS: usize = 26;
const TIME_DIGITS: usize = 14;

/// The name of a file in the store. Never one that a person chose.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(String);

impl Name {
    fn new(clock: &Clock) -> Self {
        let random: String = clock.random::<{ RANDOM_DIGITS / 2 }>().iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{random}{:0width$x}", clock.now().max(0), width = TIME_DIGITS))
    }

    /// A name as a row holds it.
    pub fn parse(text: &str) -> Option<Self> {
        let is_name = text.len() == NAME_DIGITS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_name.then(|| Self(text.to_owned()))
    }

    /// As a row holds it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn made_at(&self) -> Micros {
        Micros::from_str_radix(&self.0[RANDOM_DIGITS..], 16).unwrap_or(Micros::MAX)
    }

    /// The shelf that it lies on: no folder grows too long.
    fn shelf(&self) -> &str {
        &self.0[..2]
    }

    fn key(&self) -> Key {
        Key::from_iter([self.shelf(), self.as_str()])
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromColumn for Name {
    const EXPECTED: &'static str = "the name of a file";

    fn from_column(cell: Cell<'_>) -> Option<Self> {
        Self::parse(&String::from_column(cell)?)
    }
}

/// Bytes on their way out of the store.
pub type Bytestream = BoxStream<'static, io::Result<Bytes>>;

/// The file store. A cheap clone.
#[derive(Clone)]
pub struct Files(Arc<Inner>);

struct Inner {
    store: Arc<dyn ObjectStore>,
    /// The folder of a local store: what is finished is moved there, not copied.
    folder: Option<PathBuf>,
    /// Where uploads are written until they are finished.
    scratch: PathBuf,
    clock: Clock,
    /// Turns at opening pictures: one large one at a time, since it takes much memory, and beside it a small one.
    large: Turns,
    small: Turns,
}

/// A message brings ten pictures, one after the other, and a person sends a few messages at once.
const PICTURES: Rules = Rules { at_once: 1, waiting_each: 8, waiting: 256, patience: Duration::from_secs(30) };

impl Files {
    /// Opens the store that the settings name, and makes its folders.
    ///
    /// # Errors
    /// `Internal` when they cannot be made, or the bucket's settings make no sense.
    pub fn open(config: &Config, clock: Clock) -> Result<Self> {
        let folder = config.data.join("files");
        let scratch = folder.join("tmp");
        private::folder(&scratch).map_err(Error::internal)?;
        private::repair(&folder).map_err(Error::internal)?;
        let (store, folder): (Arc<dyn ObjectStore>, _) = match &config.s3 {
            Some(s3) => (bucket(s3)?, None),
            None => {
                let kept = folder.join("kept");
                private::folder(&kept).map_err(Error::internal)?;
                (Arc::new(LocalFileSystem::new_with_prefix(&kept).map_err(Error::internal)?), Some(kept))
            }
        };
        Ok(Self(Arc::new(Inner {
            store,
            folder,
            scratch,
            clock,
            large: Turns::new(PICTURES),
            small: Turns::new(PICTURES),
        })))
    }

    /// Whose turn it is to have a large picture opened, and a small one.
    pub fn turns(&self) -> [&Turns; 2] {
        [&self.0.large, &self.0.small]
    }

    /// Begins a file of at most `limit` bytes. What is never finished goes with the returned value.
    ///
    /// # Errors
    /// `Internal` when the disk says no.
    pub async fn begin(&self, limit: u64) -> Result<Upload> {
        let path = self.0.scratch.join(Name::new(&self.0.clock).as_str());
        Upload::begin(path, limit).await
    }

    /// Bytes that are free on the disk where uploads are written.
    ///
    /// # Errors
    /// `Internal` when the disk does not say.
    pub fn free_bytes(&self) -> Result<u64> {
        let disk = rustix::fs::statvfs(&self.0.scratch).map_err(Error::internal)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Keeps a finished file.
    ///
    /// # Errors
    /// `Internal` when the store says no.
    pub async fn keep(&self, finished: Finished) -> Result<Name> {
        let name = Name::new(&self.0.clock);
        match &self.0.folder {
            Some(folder) => {
                let shelf = folder.join(name.shelf());
                let target = shelf.join(name.as_str());
                let moved = tokio::task::spawn_blocking(move || finished.move_to(&shelf, &target)).await;
                moved.map_err(Error::internal)?.map_err(Error::internal)?;
            }
            None => {
                let mut file = tokio::fs::File::open(finished.path()).await.map_err(Error::internal)?;
                let mut writer = object_store::buffered::BufWriter::new(self.0.store.clone(), name.key());
                tokio::io::copy(&mut file, &mut writer).await.map_err(Error::internal)?;
                tokio::io::AsyncWriteExt::shutdown(&mut writer).await.map_err(Error::internal)?;
            }
        }
        Ok(name)
    }

    /// Keeps bytes that were made here.
    ///
    /// # Errors
    /// `Internal` when the store says no.
    pub async fn keep_bytes(&self, bytes: &[u8]) -> Result<(Name, [u8; 32])> {
        let mut upload = self.begin(u64::MAX).await?;
        upload.write(bytes).await?;
        let finished = upload.finish().await?;
        let sha256 = finished.sha256;
        Ok((self.keep(finished).await?, sha256))
    }

    /// A file's bytes, or a part of them; none when there is no such file.
    ///
    /// # Errors
    /// `Internal` when the store says no.
    pub async fn read(&self, name: &Name, range: Option<Range<u64>>) -> Result<Option<Bytestream>> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        match self.0.store.get_opts(&name.key(), options).await {
            Ok(found) => Ok(Some(found.into_stream().map_err(io::Error::other).boxed())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// Deletes a file. What is gone already is gone.
    ///
    /// # Errors
    /// `Internal` when the store says no.
    pub async fn delete(&self, name: &Name) -> Result<()> {
        match self.0.store.delete(&name.key()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// Deletes files whose message did not come about. The sweep finds what this cannot delete.
    pub async fn discard(&self, names: &[Name]) {
        for name in names {
            if let Err(error) = self.delete(name).await {
                tracing::warn!(%error, "a file without a message could not be deleted; the sweep will");
            }
        }
    }

    /// Deletes what is older than [`GRACE`] and wanted by nobody; how many those were. `wanted` answers, for a shelf, the
    /// names of it that rows hold.
    ///
    /// # Errors
    /// `Internal` when the store says no; those of `wanted`.
    pub async fn sweep<F: Future<Output = Result<HashSet<String>>>>(
        &self,
        wanted: impl Fn(String) -> F,
    ) -> Result<usize> {
        let before = self.0.clock.now().saturating_sub(GRACE);
        let mut swept = self.sweep_scratch(before).await?;
        let shelves = self.0.store.list_with_delimiter(None).await.map_err(Error::internal)?.common_prefixes;
        for shelf in shelves {
            let mut old: HashMap<String, Key> = HashMap::new();
            let mut objects = self.0.store.list(Some(&shelf));
            while let Some(object) = objects.try_next().await.map_err(Error::internal)? {
                // What has another name was put there by somebody else.
                let name = object.location.filename().and_then(Name::parse).filter(|name| name.made_at() < before);
                old.extend(name.map(|name| (name.0, object.location)));
            }
            let Some(prefix) = old.keys().next().map(|name| name[..2].to_owned()) else { continue };
            let wanted = wanted(prefix).await?;
            for (_, key) in old.into_iter().filter(|(name, _)| !wanted.contains(name)) {
                self.0.store.delete(&key).await.map_err(Error::internal)?;
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// Uploads that a killed server left behind.
    async fn sweep_scratch(&self, before: Micros) -> Result<usize> {
        let mut swept = 0;
        let mut entries = tokio::fs::read_dir(&self.0.scratch).await.map_err(Error::internal)?;
        while let Some(entry) = entries.next_entry().await.map_err(Error::internal)? {
            let is_old = entry.file_name().to_str().and_then(Name::parse).is_some_and(|name| name.made_at() < before);
            if is_old && tokio::fs::remove_file(entry.path()).await.is_ok() {
                swept += 1;
            }
        }
        Ok(swept)
    }
}

#[cfg(feature = "s3")]
fn bucket(s3: &S3) -> Result<Arc<dyn ObjectStore>> {
    use object_store::aws::AmazonS3Builder;
    use object_store::prefix::PrefixStore;
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&s3.bucket)
        .with_region(&s3.region)
        .with_access_key_id(&s3.access_key)
        .with_secret_access_key(&s3.secret_key);
    if let Some(endpoint) = &s3.endpoint {
        builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    let store = builder.build().map_err(Error::internal)?;
    Ok(Arc::new(PrefixStore::new(store, s3.prefix.as_str())))
}

#[cfg(not(feature = "s3"))]
fn bucket(_: &S3) -> Result<Arc<dyn ObjectStore>> {
    Err(Error::internal("this program was built without the feature `s3`"))
}

/// Makes the names in a folder durable: a new file is only there for good when its folder says so.
fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_when_it_was_made_and_is_never_a_path() {
        let (clock, _) = Clock::set(1_772_366_400_000_000);
        let name = Name::new(&clock);
        assert_eq!(name.made_at(), 1_772_366_400_000_000);
        assert_eq!(Name::parse(name.as_str()), Some(name.clone()));
        assert_ne!(Name::new(&clock), name);
        for foreign in ["", "../../etc/passwd", &name.as_str()[1..], &name.as_str().to_uppercase(), &format!("{name}0")]
        {
            assert_eq!(Name::parse(foreign), None, "{foreign}");
        }
    }
}
