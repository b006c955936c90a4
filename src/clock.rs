//! The only source of time and randomness, so that a test can own both.

use rand::Rng;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Microseconds since 1970-01-01T00:00:00Z.
pub type Micros = i64;

/// Where "now" and random bytes come from. A cheap clone.
#[derive(Clone, Default)]
pub struct Clock(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    System,
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands still until somebody moves the returned hand.
    pub fn set(at: Micros) -> (Self, Arc<AtomicI64>) {
        let hand = Arc::new(AtomicI64::new(at));
        (Self(Source::Set(hand.clone())), hand)
    }

    /// The present, in microseconds. Wall time: it may go backwards, and nothing here depends on its order.
    pub fn now(&self) -> Micros {
        match &self.0 {
            Source::Set(hand) => hand.load(Ordering::SeqCst),
            Source::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .ok()
                .and_then(|since| i64::try_from(since.as_micros()).ok())
                .unwrap_or(0),
        }
    }

    /// `N` bytes that nobody can guess.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        rand::rng().fill_bytes(&mut bytes);
        bytes
    }
}

/// A time as JSON and `<time datetime>` carry it: RFC 3339 in UTC, with microseconds when there are any.
pub fn rfc3339(at: Micros) -> String {
    moment(at).format(&Rfc3339).unwrap_or_default()
}

/// The same moment as a calendar value in UTC.
pub fn moment(at: Micros) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_763_820_000_000_000), "2025-11-22T14:00:00Z");
        assert_eq!(rfc3339(i64::MAX), "1970-01-01T00:00:00Z", "out of the calendar: never a panic");
    }

    #[test]
    fn a_set_clock_moves_only_by_hand() {
        let (clock, hand) = Clock::set(5);
        assert_eq!(clock.now(), 5);
        hand.store(3, Ordering::SeqCst);
        assert_eq!(clock.now(), 3);
    }
}
