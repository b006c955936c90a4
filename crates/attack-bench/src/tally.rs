//! What became of requests, counted.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What became of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// Answered with this status.
    Status(u16),
    /// No connection, a connection that broke, or no answer in time.
    NoAnswer,
}

impl Outcome {
    /// Done as asked.
    pub(crate) fn is_success(self) -> bool {
        matches!(self, Self::Status(200..=299))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::NoAnswer => f.write_str("no answer"),
        }
    }
}

/// How often each outcome came, by its text.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Counts(BTreeMap<String, u64>);

impl Counts {
    pub(crate) fn add(&mut self, outcome: Outcome) {
        *self.0.entry(outcome.to_string()).or_default() += 1;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each: Vec<String> = self.0.iter().map(|(outcome, times)| format!("{times} × {outcome}")).collect();
        f.write_str(if each.is_empty() { "–" } else { "" })?;
        f.write_str(&each.join(", "))
    }
}

/// The same, counted by several at once, with the requests that had no answer yet when they were given up.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    begun: AtomicU64,
    counts: Mutex<Counts>,
}

impl Tally {
    /// A request is about to be sent.
    pub(crate) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, outcome: Outcome) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).add(outcome);
    }

    /// As it stands.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let given_up = self.begun.load(Ordering::Relaxed).saturating_sub(counts.0.values().sum());
        if given_up > 0 {
            counts.0.insert("given up".into(), given_up);
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_counted_by_what_they_are() {
        let tally = Tally::default();
        assert_eq!(tally.counts().to_string(), "–");
        for outcome in [Outcome::Status(429), Outcome::NoAnswer, Outcome::Status(201), Outcome::Status(429)] {
            tally.begin();
            tally.add(outcome);
        }
        tally.begin();
        assert_eq!(tally.counts().to_string(), "1 × 201, 2 × 429, 1 × given up, 1 × no answer");
        assert!(
            Outcome::Status(201).is_success() && !Outcome::Status(303).is_success() && !Outcome::NoAnswer.is_success()
        );
    }
}
