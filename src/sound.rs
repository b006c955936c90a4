//! What a sound file truly holds: its type, its length, the shape of its loudness. Found by decoding it: a recorder
//! writes no length into its file, and what a client says of a file is worth nothing.
//!
//! The decoders are others' work on strangers' bytes: they run beside the program's threads for people, few at once,
//! within limits of time and memory, and a panic in one is that file's misfortune.

mod container;
mod decode;
mod metered;
mod peaks;
#[cfg(test)]
mod tests;

pub use peaks::PEAKS;

use crate::error::{Error, Result};
use crate::id::UserId;
use crate::turns::{Rules, Turns};
use metered::Limit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

/// Five minutes of speech take about a second of one processor. Who waits waits for others: nobody for the same person's.
const RULES: Rules = Rules { at_once: 2, waiting_each: 3, waiting: 64, patience: Duration::from_secs(25) };
/// How long one file may be decoded.
const TIME_MAX: Duration = Duration::from_secs(10);

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
    /// It takes too long, or too much is written around the sound.
    Laborious,
    /// The program is to end.
    Stopping,
    /// The file cannot be opened: our own fault.
    Unreadable,
}

/// Listens to files. A cheap clone.
#[derive(Debug, Clone)]
pub struct Listener(Turns);

impl Default for Listener {
    fn default() -> Self {
        Self(Turns::new(RULES))
    }
}

impl Listener {
    /// Whose turn it is, for the end of the program.
    pub fn turns(&self) -> &Turns {
        &self.0
    }

    /// Decodes a person's file at `path`, until its end or until it has lasted longer than `longest`.
    ///
    /// # Errors
    /// `TooMany`, `Unavailable` when the person's own recordings or others' take too long; inside, why it is refused.
    pub async fn listen(
        &self,
        user: UserId,
        path: PathBuf,
        longest: Duration,
    ) -> Result<std::result::Result<Sound, Refused>> {
        let turn = self.0.turn(user).await?;
        let work = move || {
            let limit = Limit::new(TIME_MAX, turn.stop_flag());
            let decoded = catch_unwind(AssertUnwindSafe(|| decode::listen(&path, longest, &limit)));
            drop(turn);
            decoded.unwrap_or(Err(Refused::Broken))
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }
}
