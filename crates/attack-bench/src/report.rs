//! The figures as one table and as JSON, and the targets that they are held against.

use crate::bystanders::{Action, Figures};
use crate::run::{Compared, Record};
use mercure_bench::process::Machine;
use mercure_bench::table::Table;
use serde::Serialize;
use std::fmt::Write;

/// The p99 of others' sends under the attack, at most, in multiples of the calm one.
const SLOWER: f64 = 3.0;
/// The memory some time after the attack, at most, in multiples of the calm one.
const LARGER: f64 = 1.2;
/// Targets of each attack on each server.
const OF_EACH: usize = 3;

const HEADS: [&str; 15] = [
    "attack",
    "server",
    "others",
    "calm p50",
    "p99 ms",
    "attacked p50",
    "p99 ms",
    "ratio",
    "others refused",
    "MB calm",
    "peak",
    "after",
    "disk MB",
    "ended s",
    "attacker got",
];

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) command: String,
    pub(crate) machine: Machine,
    pub(crate) settle_s: f64,
    pub(crate) records: Vec<Record>,
    /// What could not be measured, and why.
    pub(crate) missing: Vec<String>,
    pub(crate) targets: Vec<Target>,
}

/// One target of one attack on one server.
#[derive(Debug, Serialize)]
pub(crate) struct Target {
    attack: String,
    server: String,
    what: &'static str,
    /// None when there was nothing to compare: nobody's request succeeded.
    value: Option<f64>,
    at_most: f64,
    met: bool,
}

/// Holds each record against the targets.
pub(crate) fn judge(records: &[Record]) -> Vec<Target> {
    records.iter().flat_map(|record| [sends(record), others(record), memory(record)]).collect()
}

fn sends(record: &Record) -> Target {
    slower(record, "p99 of others' sends, attacked / calm, none refused", |action| action == Action::Send)
}

/// The worst of what else others do.
fn others(record: &Record) -> Target {
    slower(record, "p99 of others' other requests, attacked / calm, none refused", |action| action != Action::Send)
}

fn slower(record: &Record, what: &'static str, is_meant: fn(Action) -> bool) -> Target {
    let pairs: Vec<_> = record.felt.iter().filter(|(action, _)| is_meant(**action)).map(|(_, pair)| pair).collect();
    let refused = pairs.iter().any(|pair| pair.attacked.failures > 0);
    let ratios: Option<Vec<f64>> = pairs.into_iter().map(ratio).collect();
    let value = ratios.and_then(|ratios| ratios.into_iter().max_by(f64::total_cmp));
    target(record, what, value, SLOWER, !refused && value.is_some_and(|value| value <= SLOWER))
}

fn memory(record: &Record) -> Target {
    let memory = record.memory_bytes;
    let value = (memory.calm > 0).then(|| memory.settled as f64 / memory.calm as f64);
    target(record, "memory after the attack / calm", value, LARGER, value.is_some_and(|value| value <= LARGER))
}

fn target(record: &Record, what: &'static str, value: Option<f64>, at_most: f64, met: bool) -> Target {
    Target { attack: record.attack.name(), server: record.server.clone(), what, value, at_most, met }
}

/// How many times longer the p99 is under the attack.
fn ratio(pair: &Compared) -> Option<f64> {
    let [calm, attacked] = [&pair.calm, &pair.attacked].map(|figures| figures.latency_ms);
    (calm.count > 0 && attacked.count > 0).then(|| attacked.p99 / calm.p99)
}

impl Report {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let Machine { cores, processor, kernel } = &self.machine;
        let mut text = format!("{}\n{cores} cores, {processor}, Linux {kernel}\n\n", self.command);
        let mut table = Table::new(HEADS);
        for record in &self.records {
            for (number, (action, pair)) in record.felt.iter().enumerate() {
                table.row(row(record, *action, pair, number == 0));
            }
        }
        let _ = writeln!(text, "{table}\n  after: {} s after the attack", self.settle_s);
        for record in &self.records {
            if let Some(finding) = &record.finding {
                let _ = writeln!(text, "  {}, {}: {finding}", record.attack.name(), record.server);
            }
        }
        let _ = writeln!(text, "\n{}", self.verdicts());
        for missing in &self.missing {
            let _ = writeln!(text, "  not measured: {missing}");
        }
        text
    }

    /// The targets, a row for each attack on each server.
    fn verdicts(&self) -> Table {
        let mut table =
            Table::new(["targets", "server", "p99 of others' sends", "of their other requests", "memory after"]);
        for pair in self.targets.chunks(OF_EACH) {
            let judged = |target: &Target| {
                let value = target.value.map_or_else(|| "–".into(), |value| format!("{value:.2}"));
                format!("{value} × calm, {} (≤ {})", if target.met { "met" } else { "missed" }, target.at_most)
            };
            let names = pair.iter().take(1).flat_map(|target| [target.attack.clone(), target.server.clone()]);
            table.row(names.chain(pair.iter().map(judged)));
        }
        table
    }
}

/// One action of one record; what is the record's own stands in its first row.
fn row(record: &Record, action: Action, pair: &Compared, is_first: bool) -> Vec<String> {
    let own = |text: String| if is_first { text } else { String::new() };
    let megabytes = |bytes: u64| own(format!("{:.0}", bytes as f64 / 1e6));
    let milliseconds = |figures: &Figures, value: f64| match figures.latency_ms.count {
        0 => "–".to_owned(),
        _ => format!("{value:.1}"),
    };
    let (calm, attacked) = (&pair.calm, &pair.attacked);
    vec![
        own(record.attack.name()),
        own(record.server.clone()),
        action.name().to_owned(),
        milliseconds(calm, calm.latency_ms.p50),
        milliseconds(calm, calm.latency_ms.p99),
        milliseconds(attacked, attacked.latency_ms.p50),
        milliseconds(attacked, attacked.latency_ms.p99),
        ratio(pair).map_or_else(|| "–".into(), |ratio| format!("{ratio:.1}")),
        if attacked.failures == 0 { "–".into() } else { format!("{} (of {})", attacked.failed, attacked.requests) },
        megabytes(record.memory_bytes.calm),
        megabytes(record.memory_bytes.peak),
        megabytes(record.memory_bytes.settled),
        megabytes(record.stored_bytes),
        own(record.ended_after_s.map_or_else(|| "killed".into(), |seconds| format!("{seconds:.1}"))),
        own(record.attacker.to_string()),
    ]
}
