//! Buckets: an allowance that refills at a steady rate, for each key that has used some of it lately.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use crate::sync::lock;

/// Below so many entries nothing is swept.
const SWEEP_FROM: usize = 1_024;
/// Entries at most, 24 bytes each. Who makes more keys than this while none refills is forgiven the smaller half of the debts, rather than given memory.
const ENTRIES_MAX: usize = 65_536;

/// Token buckets of one size. For each key only the moment is kept at which its bucket is full again; a full bucket is not kept at all. The number of
/// keys that are kept is bounded.
#[derive(Debug)]
pub struct Buckets {
    /// Units a second.
    rate: f64,
    /// Units in a full bucket: one at least, or nothing would ever be allowed.
    capacity: f64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    full_at: HashMap<u64, f64>,
    sweep_at: usize,
    now: f64,
}

impl Buckets {
    /// So many units a second; an unused allowance adds up for `burst`.
    pub(crate) fn new(rate: f64, burst: Duration) -> Self {
        Self::holding(rate * burst.as_secs_f64(), rate)
    }

    /// So many units in a full bucket, one at least; refilled at so many a second, more than zero.
    pub fn holding(capacity: f64, rate: f64) -> Self {
        let state = Mutex::new(State { sweep_at: SWEEP_FROM, ..State::default() });
        Self { rate, capacity: capacity.max(1.0), state }
    }

    /// How many keys have used some of their allowance and are still remembered.
    pub fn len(&self) -> usize {
        lock(&self.state).full_at.len()
    }

    /// Whether every allowance is untouched.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes units, if at least one is there; what is taken beyond the last one is a debt. Otherwise says for how many seconds there won't be one.
    /// `now` is in seconds since any fixed moment.
    pub fn take(&self, key: u64, units: f64, now: f64) -> Result<(), f64> {
        let mut state = lock(&self.state);
        let full_at = state.full_at(key, now);
        self.allow(full_at, now)?;
        if state.full_at.len() >= state.sweep_at {
            state.sweep(now);
        }
        state.full_at.insert(key, full_at + units / self.rate);
        Ok(())
    }

    /// Whether a unit is there.
    pub fn look(&self, key: u64, now: f64) -> Result<(), f64> {
        let full_at = lock(&self.state).full_at(key, now);
        self.allow(full_at, now)
    }

    fn allow(&self, full_at: f64, now: f64) -> Result<(), f64> {
        // A clock of seconds since 1970 is exact to less than a microsecond.
        const PRECISION: f64 = 1e-6;
        let missing = full_at - now - (self.capacity - 1.0) / self.rate;
        if missing > PRECISION { Err(missing) } else { Ok(()) }
    }
}

impl State {
    /// Forgets the buckets that are full again, and the smaller half of the debts when that leaves too many.
    fn sweep(&mut self, now: f64) {
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.len() >= ENTRIES_MAX {
            let mut times: Vec<f64> = self.full_at.values().copied().collect();
            let middle = times.len() / 2;
            let (_, median, _) = times.select_nth_unstable_by(middle, f64::total_cmp);
            let median = *median;
            self.full_at.retain(|_, full_at| *full_at > median);
        }
        self.sweep_at = (self.full_at.len() * 2).clamp(SWEEP_FROM, ENTRIES_MAX);
        let room = self.sweep_at;
        self.full_at.shrink_to(room);
    }

    /// When the bucket of this key is full. A clock that was set back forgives all debts: they would last for as long as it was set back.
    fn full_at(&mut self, key: u64, now: f64) -> f64 {
        if now < self.now - 1.0 {
            self.full_at.clear();
        }
        self.now = now;
        self.full_at.get(&key).map_or(now, |full_at| full_at.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: f64 = 1_800_000_000.0;

    #[test]
    fn a_burst_then_the_rate() {
        let buckets = Buckets::new(2.0, Duration::from_secs(2));
        for n in 0..4 {
            assert_eq!(buckets.take(1, 1.0, NOW), Ok(()), "{n}");
        }
        let wait = buckets.take(1, 1.0, NOW).unwrap_err();
        assert!((wait - 0.5).abs() < 1e-3, "{wait}");
        assert_eq!(buckets.take(2, 1.0, NOW), Ok(()), "another key");
        assert_eq!(buckets.take(1, 1.0, NOW + wait), Ok(()), "the wait was true");
        assert!(buckets.take(1, 1.0, NOW + wait).is_err(), "and no longer than needed");
    }

    #[test]
    fn a_large_body_is_a_debt() {
        let buckets = Buckets::new(100.0, Duration::from_secs(1));
        assert_eq!(buckets.take(1, 1_000.0, NOW), Ok(()));
        let wait = buckets.look(1, NOW).unwrap_err();
        assert!((9.0..9.1).contains(&wait), "{wait}");
        assert_eq!(buckets.look(1, NOW + wait), Ok(()));
    }

    #[test]
    fn a_tiny_rate_still_allows_one() {
        let buckets = Buckets::new(0.001, Duration::from_secs(1));
        assert_eq!(buckets.take(1, 1.0, NOW), Ok(()));
        let wait = buckets.take(1, 1.0, NOW).unwrap_err();
        assert!((999.0..=1_000.1).contains(&wait), "{wait}");
    }

    #[test]
    fn a_clock_that_is_set_back_blocks_nobody() {
        let buckets = Buckets::new(1.0, Duration::from_secs(1));
        assert_eq!(buckets.take(1, 1.0, NOW), Ok(()));
        assert_eq!(buckets.take(1, 1.0, NOW - 3_600.0), Ok(()));
    }

    #[test]
    fn full_buckets_are_swept() {
        let buckets = Buckets::new(1.0, Duration::from_secs(10));
        for key in 0..50_000 {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let now = NOW + key as f64;
            assert_eq!(buckets.take(key, 1.0, now), Ok(()));
        }
        let state = lock(&buckets.state);
        assert!(state.full_at.len() <= SWEEP_FROM && state.full_at.capacity() < 4 * SWEEP_FROM);
    }

    #[test]
    fn memory_is_bounded_when_nothing_refills() {
        let buckets = Buckets::holding(10.0, 1.0 / 3_600.0);
        for _ in 0..9 {
            assert_eq!(buckets.take(u64::MAX, 1.0, NOW), Ok(()));
        }
        for key in 0..400_000 {
            assert_eq!(buckets.take(key, 1.0, NOW), Ok(()));
            assert!(buckets.len() <= ENTRIES_MAX + 1);
        }
        assert!(lock(&buckets.state).full_at.capacity() < 4 * ENTRIES_MAX);
        assert_eq!(buckets.take(u64::MAX, 1.0, NOW), Ok(()));
        assert!(buckets.take(u64::MAX, 1.0, NOW).is_err(), "the largest debts are the last to be forgiven");
    }
}
