//! One run: publishing by a plan for a while, and what is observed meanwhile.

use super::{Client, Failure};
use crate::histogram::Quantiles;
use crate::ledger::Ledger;
use crate::process::{self, Spent, Threads};
use std::time::{Duration, Instant};

/// A message that has not reached all readers after this long is given up.
const LOST_AFTER: Duration = Duration::from_secs(5);
/// How long the last messages may take once nothing more is sent.
const DRAIN: Duration = Duration::from_secs(5);
/// How often the watcher is asked.
const WATCH_EVERY: Duration = Duration::from_millis(100);

/// When the next message leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// As soon as fewer than so many are under way: neither answered nor delivered to all.
    Delivered(usize),
    /// As soon as fewer than so many wait for their answer.
    Answered(usize),
    /// So many a second, whatever the server does; by so many connections.
    Timed { rate: f64, connections: usize },
}

impl Pace {
    fn connections(self) -> usize {
        match self {
            Self::Delivered(count) | Self::Answered(count) | Self::Timed { connections: count, .. } => count,
        }
    }
}

/// What is published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) pace: Pace,
    /// Message number `i` goes to topic `i % topics`.
    pub(crate) topics: usize,
    /// Bytes of each payload.
    pub(crate) payload: usize,
    pub(crate) warmup: Duration,
    pub(crate) time: Duration,
}

/// Looks at the server while a run goes on.
pub(crate) trait Watch {
    /// The server's processor time so far, if it can be known. Asked at both ends of the measured span.
    fn threads(&mut self) -> Option<Threads>;
    /// Called ten times a second with the part of the run that is over, from 0 to 1.
    fn tick(&mut self, part: f64);
}

/// What a run has shown. Counts are those of the measured span.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub(crate) elapsed: Duration,
    pub(crate) deliveries: u64,
    pub(crate) answers: u64,
    pub(crate) received_bytes: u64,
    /// From the moment a message was due to each delivery.
    pub(crate) latency: Quantiles,
    /// From the moment a message was due to the publisher's answer.
    pub(crate) answering: Quantiles,
    /// Deliveries that came, in the whole run.
    pub(crate) delivered: u64,
    /// Deliveries that never came, in the whole run.
    pub(crate) lost: u64,
    pub(crate) repeated: u64,
    pub(crate) server: Option<Spent>,
    pub(crate) client: Spent,
}

/// The processor times and counters at one end of the span.
struct Mark {
    at: u64,
    server: Option<Threads>,
    client: Spent,
    received: u64,
}

impl Client {
    /// Publishes by the plan, and returns when what was sent has arrived or is given up.
    pub(crate) fn run(&mut self, load: &Load, watch: &mut dyn Watch) -> Result<Observed, Failure> {
        self.connect_senders(load.pace.connections())?;
        self.ledger = Ledger::new();
        let start = self.now();
        let opens = start + nanoseconds(load.warmup);
        let closes = opens + nanoseconds(load.time);
        let (mut opened, mut watched) = (None, 0);
        let mut planned = 0_u64;
        let closed = loop {
            let now = self.now();
            if opened.is_none() && now >= opens {
                opened = Some(self.mark(watch));
                self.ledger.open(now);
            }
            if now >= closes {
                let mark = self.mark(watch);
                self.ledger.close(mark.at);
                break mark;
            }
            if now.saturating_sub(watched) > nanoseconds(WATCH_EVERY) {
                watched = now;
                watch.tick((now - start) as f64 / (closes - start) as f64);
            }
            self.ledger.give_up(now, nanoseconds(LOST_AFTER));
            let due = self.send_due(load, start, &mut planned)?;
            let next = due.min(closes).min(if opened.is_none() { opens } else { closes });
            self.turn(Duration::from_nanos(next.saturating_sub(self.now())).min(WATCH_EVERY))?;
        };
        self.drain()?;
        // A span that never opened would be a run of no length, which the options refuse.
        let opened = opened.unwrap_or_else(|| Mark { at: closed.at, received: closed.received, ..self.mark(watch) });
        Ok(Observed {
            elapsed: Duration::from_nanos(closed.at - opened.at),
            deliveries: self.ledger.deliveries,
            answers: self.ledger.answers,
            received_bytes: closed.received - opened.received,
            latency: self.ledger.latency.quantiles(),
            answering: self.ledger.answering.quantiles(),
            delivered: self.ledger.delivered,
            lost: self.ledger.lost,
            repeated: self.ledger.repeated,
            server: closed.server.zip(opened.server).map(|(end, begin)| end.since(&begin)),
            client: closed.client.since(opened.client),
        })
    }

    /// Sends what is due, and tells when the next is; far away when an event has to come first.
    fn send_due(&mut self, load: &Load, start: u64, planned: &mut u64) -> Result<u64, Failure> {
        loop {
            let now = self.now();
            let due = match load.pace {
                Pace::Delivered(limit) if self.ledger.under_way() >= limit => return Ok(u64::MAX),
                Pace::Delivered(_) | Pace::Answered(_) => now,
                Pace::Timed { rate, .. } => start + (*planned as f64 * 1e9 / rate) as u64,
            };
            if due > now {
                return Ok(due);
            }
            let Some(number) = self.idle.pop() else { return Ok(u64::MAX) };
            let topic = (*planned % load.topics as u64) as usize;
            *planned += 1;
            let readers = self.audience.get(topic).copied().unwrap_or_default();
            let sequence = self.ledger.send(now, due, readers);
            let mut request = Vec::with_capacity(load.payload + 512);
            self.target.publish(&mut request, topic, crate::stamp::Stamp { sequence, due }, load.payload);
            let outcome = self.senders[number].send(sequence, &request);
            self.settle(number, outcome)?;
        }
    }

    fn drain(&mut self) -> Result<(), Failure> {
        let end = Instant::now() + DRAIN;
        while self.ledger.under_way() > 0 && Instant::now() < end {
            self.turn(Duration::from_millis(10))?;
        }
        self.ledger.give_up(u64::MAX, 0);
        Ok(())
    }

    fn mark(&self, watch: &mut dyn Watch) -> Mark {
        let server = watch.threads();
        Mark { at: self.now(), server, client: process::own(), received: self.received }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
