//! Histograms with fixed bounds, counted without a lock.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// How often a value fell between which bounds.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Histogram {
    /// Each upper bound, and how many values did not exceed it, lower ones included.
    pub buckets: Vec<(f64, u64)>,
    /// The sum of all values.
    pub sum: f64,
    /// How many values there were, those above the last bound included.
    pub count: u64,
}

const BOUNDS: usize = 14;

/// 10 µs to 10 s, in microseconds.
const TIMES: [u64; BOUNDS] =
    [10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 500_000, 2_500_000, 10_000_000];
const LENGTHS: [u64; BOUNDS] = [0, 1, 2, 5, 10, 25, 50, 100, 250, 1_000, 5_000, 25_000, 100_000, 1_000_000];

/// A histogram under way.
#[derive(Debug)]
pub(crate) struct Counts {
    bounds: &'static [u64; BOUNDS],
    /// How many of the bounds' units make one of the histogram's.
    scale: f64,
    counts: [AtomicU64; BOUNDS],
    above: AtomicU64,
    sum: AtomicU64,
}

impl Counts {
    /// In seconds.
    pub(crate) fn of_time() -> Self {
        Self::new(&TIMES, 1e6)
    }

    pub(crate) fn of_lengths() -> Self {
        Self::new(&LENGTHS, 1.0)
    }

    fn new(bounds: &'static [u64; BOUNDS], scale: f64) -> Self {
        let counts = std::array::from_fn(|_| AtomicU64::new(0));
        Self { bounds, scale, counts, above: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    pub(crate) fn time(&self, time: Duration) {
        self.add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn add(&self, value: u64) {
        let place = self.bounds.iter().position(|bound| value <= *bound);
        place.and_then(|place| self.counts.get(place)).unwrap_or(&self.above).fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a sum of seconds that has left 2^53 microseconds behind is rounded"
    )]
    pub(crate) fn snapshot(&self) -> Histogram {
        let mut count = 0;
        let buckets = self.bounds.iter().zip(&self.counts).map(|(bound, counted)| {
            count += counted.load(Ordering::Relaxed);
            (*bound as f64 / self.scale, count)
        });
        let buckets = buckets.collect();
        count += self.above.load(Ordering::Relaxed);
        Histogram { buckets, sum: self.sum.load(Ordering::Relaxed) as f64 / self.scale, count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_below_their_bounds() {
        let counts = Counts::of_time();
        for micros in [0, 10, 11, 1_000, 10_000_000, 10_000_001] {
            counts.time(Duration::from_micros(micros));
        }
        let histogram = counts.snapshot();
        assert_eq!(histogram.count, 6);
        assert!((histogram.sum - 20.001_022).abs() < 1e-9, "{}", histogram.sum);
        let below = |bound: f64| histogram.buckets.iter().find(|(at, _)| *at >= bound).unwrap().1;
        assert_eq!([below(1e-5), below(5e-5), below(1e-3), below(10.0)], [2, 3, 4, 5]);
    }
}
