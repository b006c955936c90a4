//! A file on its way in: written, counted and hashed in one pass. It is complete when it is finished, and gone when it is not.

use crate::error::{Error, Result};
use crate::files::{private, sync_folder};
use aws_lc_rs::digest::{Context, SHA256};
use std::io;
use std::path::{Path, PathBuf};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};

/// Bytes that are written to the disk at once.
const BUFFER: usize = 256 * 1024;

/// A temporary file that goes with this value.
#[derive(Debug)]
struct Scrap(PathBuf);

impl Drop for Scrap {
    fn drop(&mut self) {
        // Moved away or never made: then there is nothing to take away. What the disk keeps the sweep finds.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A file that is being written.
pub struct Upload {
    file: BufWriter<File>,
    scrap: Scrap,
    digest: Context,
    size: u64,
    limit: u64,
}

/// What became of a piece of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is part of the file.
    All,
    /// With it the file would be too large; nothing of it was written.
    TooLarge,
}

impl Upload {
    pub(super) async fn begin(path: PathBuf, limit: u64) -> Result<Self> {
        let mut options = File::options();
        let file = options.write(true).create_new(true).mode(private::FILE).open(&path).await;
        let file = file.map_err(Error::internal)?;
        let file = BufWriter::with_capacity(BUFFER, file);
        Ok(Self { file, scrap: Scrap(path), digest: Context::new(&SHA256), size: 0, limit })
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// `Internal` when the disk says no.
    pub async fn write(&mut self, piece: &[u8]) -> Result<Written> {
        let size = self.size.saturating_add(piece.len() as u64);
        if size > self.limit {
            return Ok(Written::TooLarge);
        }
        self.digest.update(piece);
        self.size = size;
        self.file.write_all(piece).await.map_err(Error::internal)?;
        Ok(Written::All)
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The file is whole: it is on the disk when this returns.
    ///
    /// # Errors
    /// `Internal` when the disk says no.
    pub async fn finish(mut self) -> Result<Finished> {
        self.file.flush().await.map_err(Error::internal)?;
        self.file.get_ref().sync_all().await.map_err(Error::internal)?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.digest.finish().as_ref());
        Ok(Finished { scrap: self.scrap, size: self.size, sha256 })
    }
}

/// A whole file, still temporary: it goes with this value unless the store keeps it.
#[derive(Debug)]
pub struct Finished {
    scrap: Scrap,
    /// In bytes.
    pub size: u64,
    /// Of the bytes.
    pub sha256: [u8; 32],
}

impl Finished {
    /// Where it lies, for who must read it.
    pub fn path(&self) -> &Path {
        &self.scrap.0
    }

    /// Blocks.
    pub(super) fn move_to(self, shelf: &Path, target: &Path) -> io::Result<()> {
        if !shelf.is_dir() {
            private::folder(shelf)?;
            shelf.parent().map_or(Ok(()), sync_folder)?;
        }
        std::fs::rename(self.path(), target)?;
        sync_folder(shelf)
    }
}
