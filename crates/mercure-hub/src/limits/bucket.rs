//! Buckets: an allowance that refills at a steady rate, for each key that has used some of it lately.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use crate::sync::lock;

/// Below so many entries nothing is swept.
const SWEEP_FROM: usize = 1_024;

/// Token buckets of one size. For each key only the moment is kept at which its bucket is full again; a full bucket is not kept at all.
#[derive(Debug)]
pub(crate) struct Buckets {
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
    pub(crate) fn new(rate: f64, burst: Duration) -> Self {
        let capacity = (rate * burst.as_secs_f64()).max(1.0);
        Self { rate, capacity, state: Mutex::new(State { sweep_at: SWEEP_FROM, ..State::default() }) }
    }

    /// Takes units, if at least one is there; what is taken beyond the last one is a debt. Otherwise says for how many seconds there won't be one.
    pub(crate) fn take(&self, key: u64, units: f64, now: f64) -> Result<(), f64> {
        let mut state = lock(&self.state);
        let full_at = state.full_at(key, now);
        self.allow(full_at, now)?;
        if state.full_at.len() >= state.sweep_at {
            state.full_at.retain(|_, full_at| *full_at > now);
            state.sweep_at = SWEEP_FROM.max(state.full_at.len() * 2);
            let room = state.sweep_at;
            state.full_at.shrink_to(room);
        }
        state.full_at.insert(key, full_at + units / self.rate);
        Ok(())
    }

    /// Whether a unit is there.
    pub(crate) fn look(&self, key: u64, now: f64) -> Result<(), f64> {
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
}
