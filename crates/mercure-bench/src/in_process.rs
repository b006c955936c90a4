//! Publishing without HTTP: the hub as a library, in this process, by many tasks at once.

use crate::histogram::Latencies;
use crate::options::HubBench;
use crate::process::{self, Family, Spent};
use crate::report::{Figures, Limited};
use crate::servers::hub::{self, Serve};
use crate::target::topic;
use mercure_hub::{Hub, InvalidUpdate, OpenError, PublishError, Update};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Why publishing failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The history can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no runtime.
    #[error(transparent)]
    Runtime(#[from] io::Error),
    /// The hub refused an update.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The update broke a rule.
    #[error(transparent)]
    Update(#[from] InvalidUpdate),
    /// A task broke off.
    #[error(transparent)]
    Task(#[from] tokio::task::JoinError),
}

/// What one task has seen within the span.
struct Seen {
    published: u64,
    answering: Latencies,
}

/// Publishes from as many tasks as there are publishers otherwise, each its next update once it knows that the one before is accepted.
pub(crate) fn publish(options: &HubBench, durable: Option<PathBuf>) -> Result<(Figures, Limited), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let hub = hub::hub(&Serve::with_history(durable))?;
    let family = Family::of(std::process::id());
    let from = Instant::now() + Duration::from_secs_f64(options.warmup);
    let to = from + Duration::from_secs_f64(options.seconds);
    let (seen, spent) = runtime.block_on(async {
        let tasks: Vec<_> = (0..options.publishers)
            .map(|first| tokio::spawn(task(hub.clone(), options.clone(), first, from, to)))
            .collect();
        tokio::time::sleep_until(from.into()).await;
        let begun = family.threads();
        tokio::time::sleep_until(to.into()).await;
        let spent = family.threads().since(&begun);
        let mut seen = Seen { published: 0, answering: Latencies::default() };
        for task in tasks {
            let one = task.await??;
            seen.published += one.published;
            seen.answering.add(&one.answering);
        }
        Ok::<(Seen, Spent), Failure>((seen, spent))
    })?;
    let quantiles = seen.answering.quantiles();
    let cores = process::cores().len() as f64;
    let load = spent.ran.as_secs_f64() / options.seconds;
    let figures = Figures::from([
        ("publishes_per_second", seen.published as f64 / options.seconds),
        ("cpu_us_per_publish", spent.ran.as_secs_f64() * 1e6 / seen.published.max(1) as f64),
        ("answer_p50_ms", quantiles.p50),
        ("answer_p90_ms", quantiles.p90),
        ("answer_p99_ms", quantiles.p99),
        ("answer_max_ms", quantiles.max),
        ("server_load", load),
    ]);
    Ok((figures, if load > cores * 0.9 { Limited::Server } else { Limited::Nothing }))
}

async fn task(hub: Hub, options: HubBench, first: u32, from: Instant, to: Instant) -> Result<Seen, Failure> {
    let mut seen = Seen { published: 0, answering: Latencies::default() };
    let data = "x".repeat(options.payload as usize);
    let mut number = first;
    loop {
        let begun = Instant::now();
        if begun >= to {
            return Ok(seen);
        }
        let mut update = Update::new(topic((number % options.unique) as usize), data.clone())?;
        if !options.public {
            update = update.private();
        }
        hub.publish_async(update).await?;
        let ended = Instant::now();
        if begun >= from && ended < to {
            seen.published += 1;
            seen.answering.record(u64::try_from((ended - begun).as_nanos()).unwrap_or(u64::MAX));
        }
        number = number.wrapping_add(options.publishers);
        // In memory nothing is ever waited for; the other tasks want to publish too.
        tokio::task::yield_now().await;
    }
}
