//! Metrics: what the hub counts of itself. On the way of an update this costs a few relaxed additions; what can be looked up is looked up only when somebody asks.

pub(crate) mod histogram;
mod text;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use axum::http::StatusCode;

pub use crate::metrics::histogram::Histogram;
use crate::{Hub, engine::ending::Ending, engine::roll::SPOKES, metrics::histogram::Counts};

/// The hub's figures at one moment, under the names of the fields; [`to_prometheus`](Self::to_prometheus) gives the names that a scraper sees.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Metrics {
    /// Streams that are open.
    pub subscribers_connected: u64,
    /// Streams that were ever opened.
    pub subscribers: u64,
    /// Subscriptions that are active; zero unless [`subscriptions`](crate::HubConfig::subscriptions) is on.
    pub subscriptions_active: u64,
    /// Updates that were taken.
    pub updates: u64,
    /// Updates that came as far as [`Hub::publish`](crate::Hub::publish) and were not taken.
    pub updates_failed: u64,
    /// Seconds from an update's coming to its having a place in the order, and being durable if the history is.
    pub publish_seconds: Histogram,
    /// Seconds from there until it stood in the queue of the last of its subscribers. Updates without a subscriber are not counted.
    pub fan_out_seconds: Histogram,
    /// Updates that a returning subscriber was sent before it came to the present.
    pub replayed_updates: Histogram,
    /// Streams that have ended, by reason.
    pub endings: Vec<(&'static str, u64)>,
    /// Requests that were refused, by status.
    pub refusals: Vec<(u16, u64)>,
    /// Updates in the history.
    pub history_updates: u64,
    /// Bytes that they take.
    pub history_bytes: u64,
    /// Bytes that wait for subscribers.
    pub queue_bytes: u64,
}

/// Why a stream ended.
const REASONS: [&str; 10] =
    ["left", "shutdown", "revoked", "expired", "lifetime", "slow", "outrun", "silent", "protocol", "unreadable"];

fn place(ending: Option<Ending>) -> usize {
    match ending {
        None | Some(Ending::Goodbye(_) | Ending::Lost) => 0,
        Some(Ending::Shutdown { .. }) => 1,
        Some(Ending::Revoked) => 2,
        Some(Ending::Expired) => 3,
        Some(Ending::Lifetime) => 4,
        Some(Ending::Slow) => 5,
        Some(Ending::Outrun) => 6,
        Some(Ending::Silent) => 7,
        Some(Ending::Peer(..)) => 8,
        Some(Ending::Unreadable) => 9,
    }
}

/// Statuses from 400 to 599.
const STATUSES: usize = 200;

/// Counts while the hub runs.
#[derive(Debug)]
pub(crate) struct Meter {
    admitted: AtomicU64,
    failed: AtomicU64,
    publishing: Counts,
    fan_out: Counts,
    replays: Counts,
    endings: [AtomicU64; REASONS.len()],
    refusals: [AtomicU64; STATUSES],
}

impl Default for Meter {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            admitted: zero(),
            failed: zero(),
            publishing: Counts::of_time(),
            fan_out: Counts::of_time(),
            replays: Counts::of_lengths(),
            endings: std::array::from_fn(|_| zero()),
            refusals: std::array::from_fn(|_| zero()),
        }
    }
}

fn count(counter: Option<&AtomicU64>) {
    if let Some(counter) = counter {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Meter {
    pub(crate) fn admitted(&self) {
        count(Some(&self.admitted));
    }

    /// An update was taken, or not, after this long.
    pub(crate) fn published(&self, taken: bool, after: Duration) {
        if taken { self.publishing.time(after) } else { count(Some(&self.failed)) }
    }

    /// An update stands in the last queue, this long after it got its place.
    pub(crate) fn fanned_out(&self, after: Duration) {
        self.fan_out.time(after);
    }

    /// A replay of so many updates has reached the present.
    pub(crate) fn replayed(&self, updates: u64) {
        self.replays.add(updates);
    }

    pub(crate) fn ended(&self, ending: Option<Ending>) {
        count(self.endings.get(place(ending)));
    }

    pub(crate) fn answered(&self, status: StatusCode) {
        count(usize::from(status.as_u16()).checked_sub(400).and_then(|place| self.refusals.get(place)));
    }
}

impl Hub {
    /// What the hub has counted. Takes the lock of each open stream's queue once, so it is for every few seconds.
    pub fn metrics(&self) -> Metrics {
        let (engine, meter) = (self.engine(), &self.engine().meter);
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let publish_seconds = meter.publishing.snapshot();
        let queue_bytes =
            (0..SPOKES).flat_map(|spoke| engine.on_spoke(spoke)).map(|one| one.queue.bytes() as u64).sum();
        let refusals = (400..).zip(meter.refusals.iter().map(read)).filter(|(_, count)| *count > 0);
        let state = engine.state();
        let (history_updates, history_bytes) = state.history.size();
        Metrics {
            subscribers_connected: state.roll.len() as u64,
            subscribers: read(&meter.admitted),
            subscriptions_active: state.presence.roster.len() as u64,
            updates: publish_seconds.count,
            updates_failed: read(&meter.failed),
            publish_seconds,
            fan_out_seconds: meter.fan_out.snapshot(),
            replayed_updates: meter.replays.snapshot(),
            endings: REASONS.into_iter().zip(meter.endings.iter().map(read)).collect(),
            refusals: refusals.collect(),
            history_updates: history_updates as u64,
            history_bytes: history_bytes as u64,
            queue_bytes,
        }
    }
}
