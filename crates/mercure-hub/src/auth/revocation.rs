//! Revocations: from which moment on a person's tokens count again.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// JSON numbers are not read back to the last bit, so two readings of one clock may differ by this much.
const PRECISION: f64 = 1e-6;

/// A "not before" for each `sub` that was disconnected, as long as a token from before may still be alive.
#[derive(Debug)]
pub(crate) struct Revocations {
    keep: f64,
    marks: HashMap<Arc<str>, f64>,
    /// In the order in which they were made, so that old ones are found without a search.
    queue: VecDeque<(f64, Arc<str>)>,
}

impl Revocations {
    pub(crate) fn new(keep: f64) -> Self {
        Self { keep, marks: HashMap::new(), queue: VecDeque::new() }
    }

    pub(crate) fn revoke(&mut self, subject: &str, now: f64) {
        while let Some((at, old)) = self.queue.pop_front_if(|(at, _)| *at + self.keep < now) {
            if self.marks.get(&old) == Some(&at) {
                self.marks.remove(&old);
            }
        }
        let subject: Arc<str> = subject.into();
        self.marks.insert(Arc::clone(&subject), now);
        self.queue.push_back((now, subject));
    }

    /// Whether a token of this person, made at that time, no longer counts. One that does not say when it was made may be from before.
    pub(crate) fn cover(&self, subject: &str, issued_at: Option<f64>) -> bool {
        self.marks.get(subject).is_some_and(|mark| issued_at.is_none_or(|at| at <= mark + PRECISION))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_covers_what_was_issued_before_it() {
        let mut revocations = Revocations::new(60.0);
        revocations.revoke("3", 1_000.0);
        for (subject, issued_at, covered) in [
            ("3", Some(999.0), true),
            ("3", Some(1_000.0), true),
            ("3", Some(1_000.01), false),
            ("3", None, true),
            ("4", Some(1.0), false),
            ("4", None, false),
        ] {
            assert_eq!(revocations.cover(subject, issued_at), covered, "{subject} {issued_at:?}");
        }
    }

    #[test]
    fn marks_die_with_the_tokens_they_cover() {
        let mut revocations = Revocations::new(60.0);
        revocations.revoke("3", 1_000.0);
        revocations.revoke("4", 1_010.0);
        revocations.revoke("3", 1_050.0);
        revocations.revoke("5", 1_080.0);
        assert!(revocations.cover("3", Some(1_049.0)), "renewed, so still there");
        assert!(!revocations.cover("4", Some(1_000.0)));
        assert_eq!((revocations.marks.len(), revocations.queue.len()), (2, 2));
    }
}
