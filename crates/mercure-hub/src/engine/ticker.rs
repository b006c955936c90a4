//! The ticker: signs of life and deadlines for all streams, from one timer.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use crate::{
    config::Cursors,
    engine::Engine,
    engine::ending::Ending,
    engine::roll::SPOKES,
    engine::subscriber::Subscriber,
    event::{self, Class, Wire},
    update::UpdateId,
    wire::{socket::frame, sse},
};

/// What it takes to send a sign of life.
#[derive(Clone)]
pub(crate) struct Pulse {
    engine: Arc<Engine>,
    cursors: Option<Arc<dyn Cursors>>,
}

impl Pulse {
    pub(crate) fn new(engine: Arc<Engine>, cursors: Option<Arc<dyn Cursors>>) -> Self {
        Self { engine, cursors }
    }

    /// A `heartbeat` event for those of these streams that asked for it and are live.
    pub(crate) fn beat(&self, mut subscribers: Vec<Arc<Subscriber>>) {
        subscribers.retain(|subscriber| subscriber.beats && subscriber.interest().live);
        if subscribers.is_empty() {
            return;
        }
        let id = UpdateId::random();
        let frames = subscribers.into_iter().map(|subscriber| {
            let frame = event::own(subscriber.wire, &id, "heartbeat", &self.tops(&subscriber));
            (subscriber, frame)
        });
        let frames = frames.collect();
        self.engine.beat(&id, frames);
    }

    /// How far each topic has come that this subscriber named and may read.
    fn tops(&self, subscriber: &Subscriber) -> String {
        let Some(cursors) = &self.cursors else {
            return "{}".to_owned();
        };
        let tops = subscriber.readable_topics().into_iter().filter_map(|topic| {
            // Somebody else's code: a panic in it must not stop the timer of all streams.
            let top = catch_unwind(AssertUnwindSafe(|| cursors.top(topic.as_str()))).ok().flatten()?;
            Some((topic.to_string(), Value::from(top)))
        });
        Value::Object(tops.collect::<Map<_, _>>()).to_string()
    }

    /// Serves one spoke of the wheel.
    fn serve(&self, spoke: u64) {
        let subscribers = self.engine.on_spoke(spoke);
        for subscriber in &subscribers {
            match subscriber.wire {
                Wire::Json => {}
                Wire::Sse | Wire::Chunked if subscriber.beats => {}
                Wire::Sse => subscriber.queue.push_if_idle(&Bytes::from_static(sse::COMMENT)),
                Wire::Chunked => subscriber.queue.push_if_idle(&Bytes::from_static(sse::COMMENT_CHUNK)),
                Wire::Socket if subscriber.is_silent() => self.engine.end(subscriber.id, Ending::Silent),
                Wire::Socket => {
                    subscriber.queue.push(&frame::ping(), Class::Ephemeral);
                }
            }
        }
        self.beat(subscribers);
    }
}

/// Runs until the engine has gone.
pub(crate) async fn run(engine: Weak<Engine>, cursors: Option<Arc<dyn Cursors>>, period: Duration) {
    let Some(alarm) = engine.upgrade().map(|engine| Arc::clone(&engine.alarm)) else {
        return;
    };
    let step = period / u32::try_from(SPOKES).unwrap_or(1);
    let mut next_step = Instant::now() + step;
    for spoke in (0..SPOKES).cycle() {
        loop {
            let Some(engine) = engine.upgrade() else {
                return;
            };
            let now = Instant::now();
            engine.expire(now);
            let deadline = engine.next_deadline();
            drop(engine);
            let beats = !period.is_zero() && deadline.is_some();
            if beats && next_step <= now {
                break;
            }
            let wake = [beats.then_some(next_step), deadline.flatten()].into_iter().flatten().min();
            match wake {
                Some(wake) => {
                    let _ = timeout_at(wake, alarm.notified()).await;
                }
                None => alarm.notified().await,
            }
        }
        let Some(engine) = engine.upgrade() else {
            return;
        };
        Pulse::new(engine, cursors.clone()).serve(spoke);
        // After a pause (nobody was there, or the machine slept) the wheel does not turn faster to catch up.
        let now = Instant::now();
        next_step = Some(next_step + step).filter(|next| *next > now).unwrap_or(now + step);
    }
}
