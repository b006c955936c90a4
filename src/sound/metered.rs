//! A file that is read within limits: until a moment, until the program is to end, and so much between two packets. What a container says
//! around its sound (tags, pictures, tables of samples) is unpacked into many times its size, by code that asks for no limit; here it
//! gets no more to read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use symphonia::core::io::MediaSource;

/// Bytes that are read before the first packet, and from one to the next. A comment of seven bytes takes 144 in memory.
pub(super) const AROUND_MAX: u64 = 2 << 20;

/// When to stop.
#[derive(Debug)]
pub(super) struct Limit {
    until: Instant,
    stop: Arc<AtomicBool>,
    /// Bytes that were read since the last packet.
    around: Arc<AtomicU64>,
}

/// Why there is nothing more to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// The program is to end.
    Stop,
    /// It took too long, or there was too much.
    Labour,
}

impl Limit {
    pub(super) fn new(time: Duration, stop: Arc<AtomicBool>) -> Self {
        Self { until: Instant::now() + time, stop, around: Arc::default() }
    }

    /// Whether it is over, and why.
    pub(super) fn over(&self) -> Option<Over> {
        if self.stop.load(Ordering::Relaxed) {
            Some(Over::Stop)
        } else if Instant::now() > self.until || self.around.load(Ordering::Relaxed) > AROUND_MAX {
            Some(Over::Labour)
        } else {
            None
        }
    }

    /// A packet came: what is read next is counted anew.
    pub(super) fn next_packet(&self) {
        self.around.store(0, Ordering::Relaxed);
    }

    /// The file, read within these limits.
    pub(super) fn file(&self, file: File) -> Metered {
        let limit = Self { until: self.until, stop: self.stop.clone(), around: self.around.clone() };
        Metered { file, limit }
    }
}

/// A file that ends early when it must.
pub(super) struct Metered {
    file: File,
    limit: Limit,
}

impl Read for Metered {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.limit.over().is_some() {
            return Err(io::Error::other("a limit of the decoder"));
        }
        let count = self.file.read(into)?;
        self.limit.around.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for Metered {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl MediaSource for Metered {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        self.file.metadata().ok().map(|metadata| metadata.len())
    }
}
