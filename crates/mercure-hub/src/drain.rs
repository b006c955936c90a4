//! Draining: how a hub leaves without all of its subscribers returning at once.

use std::{ops::Range, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use crate::{Hub, engine::ending::Ending};

/// How often some streams are ended.
const STEP: Duration = Duration::from_millis(50);

/// How a hub is drained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drain {
    /// How long the hub is not [ready](Hub::is_ready) before the first stream ends, so that a load balancer sends nobody here any more.
    pub notice: Duration,
    /// Over how long the open streams are ended, evenly and in no order. Zero ends all at once.
    pub window: Duration,
    /// After how long each is told to come back: a random while in this range, so that those who end together don't return together. Browsers
    /// count it in milliseconds.
    pub retry: Range<Duration>,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            notice: Duration::from_secs(5),
            window: Duration::from_secs(30),
            retry: Duration::from_millis(100)..Duration::from_secs(2),
        }
    }
}

impl Hub {
    /// Leaves in order, and is closed at the end.
    ///
    /// At once the hub is no longer [ready](Self::is_ready), and new streams are refused with 503 and `Retry-After`. After the notice the open ones end, spread over the
    /// window, each after what was published until then; updates are taken all the while. Who comes back elsewhere, to the same history, continues with its last id.
    pub async fn drain(&self, how: Drain) {
        self.leave();
        sleep(how.notice).await;
        let mut ids = self.engine().open_streams();
        // A random order: neighbours on the list may be behind one proxy.
        rand::seq::SliceRandom::shuffle(ids.as_mut_slice(), &mut rand::rng());
        let (start, total) = (Instant::now(), ids.len());
        while !ids.is_empty() {
            let left = remaining(total, start.elapsed(), how.window);
            for id in ids.drain(left.min(ids.len())..) {
                let retry = milliseconds(&how.retry);
                self.engine().end(id, Ending::Shutdown { retry });
            }
            if !ids.is_empty() {
                sleep_until(Instant::now() + STEP.min(how.window)).await;
            }
        }
        self.close().await;
    }
}

/// How many of the streams may still be open.
fn remaining(total: usize, elapsed: Duration, window: Duration) -> usize {
    let left = window.saturating_sub(elapsed);
    if left.is_zero() {
        return 0;
    }
    #[expect(clippy::cast_precision_loss, reason = "streams")]
    let share = total as f64 * left.as_secs_f64() / window.as_secs_f64();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between zero and the total")]
    let share = share as usize;
    share
}

fn milliseconds(range: &Range<Duration>) -> u64 {
    let [low, high] = [range.start, range.end].map(|at| u64::try_from(at.as_millis()).unwrap_or(u64::MAX));
    if low < high { rand::random_range(low..high) } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_end_evenly() {
        let left = |elapsed| remaining(1_000, Duration::from_secs(elapsed), Duration::from_secs(10));
        assert_eq!([0, 1, 5, 9, 10, 11].map(left), [1_000, 900, 500, 100, 0, 0]);
        assert_eq!(remaining(5, Duration::ZERO, Duration::ZERO), 0);
        assert!((5..7).contains(&milliseconds(&(Duration::from_millis(5)..Duration::from_millis(7)))));
        assert_eq!(milliseconds(&(Duration::from_millis(5)..Duration::from_millis(5))), 5);
    }
}
