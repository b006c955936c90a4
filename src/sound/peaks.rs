//! The shape of a sound's loudness, taken while it goes by: 16 KB of memory for any length.

use std::fmt::Write as _;

/// Peaks in a waveform.
pub const PEAKS: usize = 64;
/// Blocks that are kept; when they are full, two become one.
const BLOCKS: usize = 4_096;
/// Below this the sound is noise of the microphone: made larger, it would look like speech.
const QUIET: f32 = 0.02;

/// The loudest moments so far.
#[derive(Debug)]
pub(super) struct Peaks {
    blocks: Vec<f32>,
    /// Frames in each block: one at the beginning.
    size: usize,
    /// Frames and loudest of the block that is being filled.
    filled: usize,
    loudest: f32,
}

impl Peaks {
    pub(super) fn new() -> Self {
        Self { blocks: Vec::with_capacity(BLOCKS), size: 1, filled: 0, loudest: 0.0 }
    }

    /// One moment's amplitude, the loudest of its channels.
    pub(super) fn add(&mut self, amplitude: f32) {
        // A file of floats may hold infinity, or no number at all; `max` and `min` prefer a number.
        self.loudest = self.loudest.max(amplitude.abs().min(1.0));
        self.filled += 1;
        if self.filled == self.size {
            self.close();
        }
    }

    fn close(&mut self) {
        self.blocks.push(self.loudest);
        (self.filled, self.loudest) = (0, 0.0);
        if self.blocks.len() == BLOCKS {
            self.blocks = self.blocks.chunks(2).map(|pair| pair.iter().copied().fold(0.0, f32::max)).collect();
            self.size *= 2;
        }
    }

    /// The waveform: [`PEAKS`] peaks as two hexadecimal digits each.
    pub(super) fn finish(mut self) -> String {
        if self.filled > 0 {
            self.close();
        }
        let count = self.blocks.len().max(1);
        self.blocks.resize(count, 0.0);
        let loudest = self.blocks.iter().copied().fold(0.0, f32::max);
        let scale = if loudest < QUIET { 255.0 } else { 255.0 / loudest };
        (0..PEAKS).fold(String::with_capacity(PEAKS * 2), |mut text, at| {
            let from = at * count / PEAKS;
            let to = ((at + 1) * count / PEAKS).max(from + 1);
            let peak = self.blocks[from..to].iter().copied().fold(0.0, f32::max);
            // A float that leaves the range of a byte is cut to it.
            let _ = write!(text, "{:02x}", (peak * scale).round() as u8);
            text
        })
    }
}
