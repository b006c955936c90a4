//! Reads which sessions have ended by whatever hand: another server's, an operator's. Their rows are found twice a second, one statement each.
//!
//! Numbers are given before the commit, so on PostgreSQL a lower one may show after a higher one. What was skipped is looked for again.

use crate::clock::{Clock, Micros};
use crate::db::{Db, Lane};
use crate::error::{Error, Result};
use crate::live::Live;
use crate::user::session::{self, Ended, Numbers, REVOCATIONS_MAX};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// Half of what is promised.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Looks in which a skipped number is still expected: a transaction that stays open for longer than an hour is not.
const LOOKS: u32 = 7_200;
/// Stretches of skipped numbers that are kept in mind.
const GAPS_MAX: usize = 64;
const TIDY_EVERY: Duration = Duration::from_secs(3_600);
/// How long rows are kept: longer than any token of the live link lives.
const KEPT: Micros = 2 * 3_600 * 1_000_000;

/// Where the reading stands.
#[derive(Debug, Default)]
pub struct Revocations {
    top: i64,
    gaps: Vec<Gap>,
}

/// Numbers that were skipped, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gap {
    numbers: Numbers,
    looks: u32,
}

impl Revocations {
    /// Reads what is new, and ends it.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn look(&mut self, live: &Live, db: &Db) -> Result<()> {
        let mut left = Vec::new();
        for gap in &self.gaps {
            let found = read(db, gap.numbers).await?;
            let numbers: Vec<i64> = found.iter().map(|(number, _)| *number).collect();
            let looks = gap.looks - 1;
            left.extend(Gap { looks, ..*gap }.without(&numbers).filter(|gap| gap.looks > 0));
            end(live, &found);
        }
        self.gaps = left;
        loop {
            let found = read(db, (self.top + 1, i64::MAX)).await?;
            for (number, _) in &found {
                if *number > self.top + 1 {
                    self.gaps.push(Gap { numbers: (self.top + 1, number - 1), looks: LOOKS });
                }
                self.top = *number;
            }
            end(live, &found);
            if i64::try_from(found.len()) != Ok(REVOCATIONS_MAX) {
                break;
            }
        }
        let forgotten = self.gaps.len().saturating_sub(GAPS_MAX);
        self.gaps.drain(..forgotten);
        Ok(())
    }

    /// Reads as long as the program runs.
    pub async fn run(mut self, live: Live, db: Db, clock: Clock, mut stopping: watch::Receiver<bool>) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tidying = tokio::time::interval(TIDY_EVERY);
        loop {
            let result = tokio::select! {
                _ = looks.tick() => self.look(&live, &db).await,
                _ = tidying.tick() => tidy(&db, clock.now()).await,
                () = stopped(&mut stopping) => return,
            };
            match result {
                Ok(()) | Err(Error::Unavailable) => {}
                Err(error) => tracing::warn!(%error, "ended sessions could not be read"),
            }
        }
    }
}

impl Gap {
    /// What is left of it when these were found in it.
    fn without(self, found: &[i64]) -> impl Iterator<Item = Self> {
        let (first, last) = self.numbers;
        let begins = std::iter::once(first).chain(found.iter().map(|number| number + 1));
        let ends = found.iter().map(|number| number - 1).chain([last]);
        let rest: Vec<Self> = begins.zip(ends).map(|numbers| Self { numbers, ..self }).collect();
        rest.into_iter().filter(|gap| gap.numbers.0 <= gap.numbers.1)
    }
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
}

async fn read(db: &Db, numbers: Numbers) -> Result<Vec<(i64, Ended)>> {
    db.look(move |db| session::ended_between(db, numbers)).await
}

fn end(live: &Live, found: &[(i64, Ended)]) {
    let ended: Vec<Ended> = found.iter().map(|(_, ended)| *ended).collect();
    live.sessions_ended(&ended);
}

async fn tidy(db: &Db, now: Micros) -> Result<()> {
    db.write(Lane::None, move |tx| session::forget_revocations(tx, KEPT, now)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_skipped_is_kept_in_mind_until_it_is_found() {
        let gap = |first, last| Gap { numbers: (first, last), looks: 7 };
        let without = |found: &[i64]| gap(3, 9).without(found).collect::<Vec<_>>();
        assert_eq!(without(&[]), [gap(3, 9)]);
        assert_eq!(without(&[3]), [gap(4, 9)]);
        assert_eq!(without(&[9]), [gap(3, 8)]);
        assert_eq!(without(&[5, 6, 8]), [gap(3, 4), gap(7, 7), gap(9, 9)]);
        assert_eq!(without(&[3, 4, 5, 6, 7, 8, 9]), []);
    }
}
