//! Latencies, in a histogram of logarithmic buckets: every value is kept to three digits, none is sampled away.

use hdrhistogram::Histogram;
use serde::Serialize;
use std::time::Duration;

/// The longest latency that is told apart from longer ones.
const LONGEST: Duration = Duration::from_secs(300);
const DIGITS: u8 = 3;

/// How long things took.
#[derive(Debug)]
pub struct Latencies(Option<Histogram<u64>>);

/// A histogram's figures, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quantiles {
    /// How many were recorded.
    pub count: u64,
    /// Half took no longer.
    pub p50: f64,
    /// Nine of ten took no longer.
    pub p90: f64,
    /// 99 of 100 took no longer.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Default for Latencies {
    /// Nothing recorded yet.
    fn default() -> Self {
        // The bounds are constants that the crate accepts; were it otherwise, nothing would be recorded and the count would say so.
        Self(Histogram::new_with_bounds(1_000, LONGEST.as_nanos() as u64, DIGITS).ok())
    }
}

impl Latencies {
    /// Records one duration in nanoseconds. Less than a microsecond counts as one, more than five minutes as five.
    pub fn record(&mut self, nanoseconds: u64) {
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(nanoseconds);
        }
    }

    /// Adds what another one has recorded.
    pub fn add(&mut self, other: &Self) {
        if let (Some(sum), Some(other)) = (&mut self.0, &other.0) {
            // Both have the same bounds, so every value fits.
            let _ = sum.add(other);
        }
    }

    /// The figures; all zero when nothing was recorded.
    pub fn quantiles(&self) -> Quantiles {
        let Some(histogram) = self.0.as_ref().filter(|histogram| !histogram.is_empty()) else {
            return Quantiles::default();
        };
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e6;
        Quantiles {
            count: histogram.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: histogram.max() as f64 / 1e6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_three_digits() {
        let mut latencies = Latencies::default();
        for milliseconds in 1..=1_000_u64 {
            latencies.record(milliseconds * 1_000_000);
        }
        let figures = latencies.quantiles();
        assert_eq!(figures.count, 1_000);
        for (figure, exact) in
            [(figures.p50, 500.0), (figures.p90, 900.0), (figures.p99, 990.0), (figures.max, 1_000.0)]
        {
            assert!((figure / exact - 1.0).abs() < 2e-3, "{figure} for {exact}");
        }
    }

    #[test]
    fn what_is_out_of_range_counts_as_the_nearest_in_range() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.quantiles(), Quantiles::default());
        latencies.record(0);
        latencies.record(u64::MAX);
        let figures = latencies.quantiles();
        assert_eq!(figures.count, 2);
        let mut sum = Latencies::default();
        sum.add(&latencies);
        sum.add(&latencies);
        assert_eq!(sum.quantiles().count, 4);
        assert!(figures.max >= 299_000.0, "{figures:?}");
    }
}
