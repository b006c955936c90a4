//! What each statement costs the engine, counted and not timed: for the tests that compare a small site with a large one. Off unless a
//! test puts a [`Recorder`] into the store's options.

use super::Sql;
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

/// The cost of one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// How often it ran.
    pub runs: u64,
    /// The most that one run took: steps of SQLite's virtual machine; on PostgreSQL, pages that were looked at and rows that were read.
    pub work: u64,
    /// The most rows that one run gave or changed.
    pub rows: u64,
    /// The most rows that one run read by walking through a whole table.
    pub scanned: u64,
    /// Sorts of one run, at most.
    pub sorts: u64,
}

/// Keeps the cost of every statement by its text. A cheap clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<Records>>);

#[derive(Debug, Default)]
struct Records {
    costs: BTreeMap<&'static str, Cost>,
    /// Statements with their parameters, hashed.
    known: HashSet<u64>,
}

impl Recorder {
    /// What was recorded so far; nothing is from now on.
    pub fn take(&self) -> BTreeMap<&'static str, Cost> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).costs
    }

    /// Whether a statement with its parameters comes for the first time.
    pub(super) fn is_new(&self, statement: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        statement.hash(&mut hasher);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).known.insert(hasher.finish())
    }

    pub(super) fn add(&self, sql: Sql, run: Cost) {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cost = records.costs.entry(sql.text()).or_default();
        cost.runs += run.runs;
        cost.work = cost.work.max(run.work);
        cost.rows = cost.rows.max(run.rows);
        cost.scanned = cost.scanned.max(run.scanned);
        cost.sorts = cost.sorts.max(run.sorts);
    }
}
