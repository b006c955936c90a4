//! The locks, in one place, so that a test can look at every order in which threads may take them (`tests/loom.rs` has the same names for its own).

pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

use std::sync::PoisonError;

/// Locks; a panic elsewhere does not make the data unusable, for no critical section here leaves it half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a notification.
pub(crate) fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// Brings a lock, and what lies beside it, near to the processor.
pub(crate) fn touch<T>(mutex: &Mutex<T>) {
    std::hint::black_box(mutex.is_poisoned());
}
