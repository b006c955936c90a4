//! Shares of the threads: whatever one kind of job does, threads are left for the others.

use std::any::TypeId;
use std::collections::{HashMap, VecDeque};

/// What kind a job is of. Two jobs from the same place in the source are of one kind, whatever they carry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Kind {
    /// A read or a write, by the type of its closure.
    Job(TypeId),
    /// The writes of the rooms.
    Rooms,
}

impl Kind {
    pub(super) fn of<F: 'static>() -> Self {
        Self::Job(TypeId::of::<F>())
    }

    /// How many of so many threads it may hold: of two kinds whose statements never end, both together leave some.
    fn share(self, threads: usize) -> usize {
        match self {
            Self::Job(_) => threads.saturating_add(1) / 3,
            Self::Rooms => threads * 3 / 4,
        }
        .max(1)
    }
}

/// How many jobs of each kind run, and which ones wait for one of their own kind to end.
pub(super) struct Shares<T> {
    threads: usize,
    running: HashMap<Kind, usize>,
    held: HashMap<Kind, VecDeque<T>>,
}

impl<T> Shares<T> {
    pub(super) fn new(threads: usize) -> Self {
        Self { threads, running: HashMap::new(), held: HashMap::new() }
    }

    /// Counts the job among those that run and gives it back, or keeps it.
    pub(super) fn admit(&mut self, kind: Kind, job: T) -> Option<T> {
        let running = self.running.entry(kind).or_default();
        if *running >= kind.share(self.threads) {
            self.held.entry(kind).or_default().push_back(job);
            return None;
        }
        *running += 1;
        Some(job)
    }

    /// One has ended. Gives back the next of its kind, not counted yet.
    pub(super) fn end(&mut self, kind: Kind) -> Option<T> {
        if let Some(running) = self.running.get_mut(&kind) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(&kind);
            }
        }
        let waiting = self.held.get_mut(&kind)?;
        let next = waiting.pop_front();
        if waiting.is_empty() {
            self.held.remove(&kind);
        }
        next
    }

    /// Gives back all that is kept.
    pub(super) fn release(&mut self) -> impl Iterator<Item = T> {
        std::mem::take(&mut self.held).into_values().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_kinds_leave_threads_for_a_third() {
        for threads in [3, 4, 8, 16] {
            let mut shares = Shares::new(threads);
            let [first, second, third] = [Kind::of::<u8>(), Kind::of::<u16>(), Kind::of::<u32>()];
            let mut run = |kind| (0..100).filter(|job| shares.admit(kind, *job).is_some()).count();
            let (taken, more) = (run(first), run(second));
            assert!(taken + more < threads, "{threads}: {taken} and {more}");
            assert!(run(third) > 0 && Kind::Rooms.share(threads) < threads);
        }
    }

    #[test]
    fn what_waits_for_its_own_kind_keeps_its_order() {
        let mut shares = Shares::new(2);
        let kind = Kind::Rooms;
        let admitted: Vec<_> = (0..4).filter_map(|job| shares.admit(kind, job)).collect();
        assert_eq!(admitted, [0]);
        assert_eq!(shares.end(kind), Some(1));
        assert_eq!(shares.admit(kind, 1), Some(1));
        assert_eq!(shares.end(kind), Some(2));
        assert_eq!(shares.release().collect::<Vec<_>>(), [3]);
        assert_eq!(shares.end(kind), None);
    }
}
