//! What a sound file truly holds: its type, its length, the shape of its loudness. Found by decoding it: a recorder
//! writes no length into its file, and what a client says of a file is worth nothing.
//!
//! The decoders are others' work on strangers' bytes: they run beside the program's threads for people, few at once,
//! within limits of time and memory, and a panic in one is that file's misfortune.

mod container;
mod decode;
mod peaks;
#[cfg(test)]
mod tests;

pub use peaks::PEAKS;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Sounds that are decoded at once: five minutes of speech take about a second of one processor.
const AT_ONCE: usize = 2;

/// A sound, decoded from its first to its last sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// By its bytes, such as `audio/webm`.
    pub media_type: &'static str,
    /// How such a file is called, without the dot.
    pub extension: &'static str,
    /// Samples that are heard, over their rate.
    pub duration_ms: i64,
    /// 64 peaks, each two hexadecimal digits; the loudest is `ff` unless there is next to nothing to hear.
    pub waveform: String,
}

/// Why a file is no sound that we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Something else, or a sound that browsers don't play everywhere, or one with pictures beside it.
    NotAudio,
    /// A sound without a sample.
    Empty,
    /// It goes on beyond the limit.
    TooLong,
    /// More of it is damaged than is not.
    Broken,
    /// The file cannot be opened, or we are stopping: our own fault.
    Unreadable,
}

/// Listens to files. A cheap clone.
#[derive(Debug, Clone)]
pub struct Listener(Arc<Semaphore>);

impl Default for Listener {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Listener {
    /// Decodes the file at `path`, until its end or until it has lasted longer than `longest`.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn listen(&self, path: PathBuf, longest: Duration) -> Result<Sound, Refused> {
        let permit = self.0.clone().acquire_owned().await.map_err(|_| Refused::Unreadable)?;
        let work = move || {
            let _permit = permit;
            catch_unwind(AssertUnwindSafe(|| decode::listen(&path, longest))).unwrap_or(Err(Refused::Broken))
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Refused::Unreadable)?
    }
}
