//! The figures of all runs: medians, as a table for people and as JSON for programs.

use crate::client::Observed;
use crate::judge::Verdict;
use crate::options::Server;
use crate::process::{Machine, Spent};
use crate::table::Table;
use crate::target::Transport;
use serde::Serialize;
use std::collections::BTreeMap;

/// Who held a run back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Limited {
    /// The server used its core up: its figures are what it can do.
    Server,
    /// The client used its core up: the server could do more.
    Client,
    /// The machine had other work: server or client stood ready and got no core.
    Machine,
    /// None of them: the plan, or waiting for each other.
    Nothing,
}

/// Figures by name; the unit is in the name.
pub(crate) type Figures = BTreeMap<&'static str, f64>;

/// One measured thing: a case on one server.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Record {
    /// The case, and its variant.
    pub(crate) case: String,
    #[serde(skip)]
    pub(crate) server: Option<Server>,
    /// The server's name in tables.
    #[serde(rename = "server")]
    pub(crate) name: String,
    pub(crate) transport: Option<Transport>,
    /// Connected subscribers.
    pub(crate) subscribers: u32,
    /// Medians over all runs.
    pub(crate) figures: Figures,
    /// Each run's.
    pub(crate) runs: Vec<Figures>,
    pub(crate) limited: Limited,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) command: String,
    pub(crate) machine: Machine,
    pub(crate) records: Vec<Record>,
    /// What could not be measured, and why.
    pub(crate) missing: Vec<String>,
    pub(crate) verdicts: Vec<Verdict>,
}

/// The share of a core from which on somebody counts as used up.
const BUSY: f64 = 0.93;
/// The share of the time that somebody may stand ready without a core; beyond it, latencies and rates are the machine's.
const DISTURBED: f64 = 0.2;

/// The figures of a run, and who held it back.
pub(crate) fn figures(observed: &Observed) -> (Figures, Limited) {
    let seconds = observed.elapsed.as_secs_f64().max(1e-9);
    let mut figures = Figures::new();
    figures.insert("deliveries_per_second", observed.deliveries as f64 / seconds);
    figures.insert("publishes_per_second", observed.answers as f64 / seconds);
    figures.insert("received_bytes_per_second", observed.received_bytes as f64 / seconds);
    for (names, quantiles) in [
        (["p50_ms", "p90_ms", "p99_ms", "max_ms"], observed.latency),
        (["answer_p50_ms", "answer_p90_ms", "answer_p99_ms", "answer_max_ms"], observed.answering),
    ] {
        let values = [quantiles.p50, quantiles.p90, quantiles.p99, quantiles.max];
        figures.extend(names.into_iter().zip(values).filter(|_| quantiles.count > 0));
    }
    figures.insert("delivered", observed.delivered as f64);
    figures.insert("lost", observed.lost as f64);
    figures.insert("repeated", observed.repeated as f64);
    let share = |spent: Spent| (spent.ran.as_secs_f64() / seconds, spent.waited.as_secs_f64() / seconds);
    let (client, client_waited) = share(observed.client);
    figures.insert("client_load", client);
    figures.insert("client_waited", client_waited);
    let (server, server_waited) = share(observed.server.unwrap_or_default());
    if let Some(spent) = observed.server {
        figures.insert("server_load", server);
        figures.insert("server_waited", server_waited);
        let each = |count: u64| spent.ran.as_secs_f64() * 1e6 / count.max(1) as f64;
        figures.insert("cpu_us_per_delivery", each(observed.deliveries));
        figures.insert("cpu_us_per_publish", each(observed.answers));
    }
    let limited = match (server_waited.max(client_waited) > DISTURBED, server >= BUSY, client >= BUSY) {
        (true, ..) => Limited::Machine,
        (_, true, _) => Limited::Server,
        (_, _, true) => Limited::Client,
        (..) => Limited::Nothing,
    };
    (figures, limited)
}

/// The median of each figure.
pub(crate) fn medians(runs: &[Figures]) -> Figures {
    let names = runs.iter().flat_map(BTreeMap::keys).copied().collect::<std::collections::BTreeSet<_>>();
    let median = |name: &'static str| {
        let mut values: Vec<f64> = runs.iter().filter_map(|run| run.get(name).copied()).collect();
        values.sort_by(f64::total_cmp);
        let (below, above) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        (name, f64::midpoint(below, above))
    };
    names.into_iter().map(median).collect()
}

/// A column: its heading, the figure, and what a unit of it is in the figure's own.
type Column = (&'static str, &'static str, f64);

const FLOW: &[Column] = &[
    ("deliveries/s", "deliveries_per_second", 1.0),
    ("CPU µs/delivery", "cpu_us_per_delivery", 1.0),
    ("published/s", "publishes_per_second", 1.0),
    ("p50 ms", "p50_ms", 1.0),
    ("p90 ms", "p90_ms", 1.0),
    ("p99 ms", "p99_ms", 1.0),
    ("max ms", "max_ms", 1.0),
    ("answer p50 ms", "answer_p50_ms", 1.0),
    ("answer p99 ms", "answer_p99_ms", 1.0),
    ("CPU µs/publish", "cpu_us_per_publish", 1.0),
    ("lost", "lost", 1.0),
    ("cut", "ended", 1.0),
    ("peak MB", "peak_bytes", 1e6),
    ("server %", "server_load", 0.01),
    ("client %", "client_load", 0.01),
    ("waited %", "server_waited", 0.01),
];
const IDLE: &[Column] = &[
    ("bytes/connection", "pss_per_connection", 1.0),
    ("private", "private_per_connection", 1.0),
    ("after use", "used_pss_per_connection", 1.0),
    ("empty MB", "empty_pss", 1e6),
    ("server MB", "pss", 1e6),
];
const STALLED: &[Column] = &[
    ("stalled", "stalled", 1.0),
    ("of them cut", "stalled_cut", 1.0),
    ("others cut", "ended", 1.0),
    ("lost", "lost", 1.0),
    ("p50 ms", "p50_ms", 1.0),
    ("p99 ms", "p99_ms", 1.0),
    ("max ms", "max_ms", 1.0),
    ("p99 without", "calm_p99_ms", 1.0),
    ("before MB", "before_bytes", 1e6),
    ("peak MB", "peak_bytes", 1e6),
    ("client %", "client_load", 0.01),
];

impl Report {
    /// As a table for each case.
    pub(crate) fn text(&self) -> String {
        let mut out =
            format!("{} cores, {}, Linux {}\n", self.machine.cores, self.machine.processor, self.machine.kernel);
        let mut cases: Vec<&str> = Vec::new();
        for record in &self.records {
            if !cases.contains(&record.case.as_str()) {
                cases.push(&record.case);
            }
        }
        for case in cases {
            let records: Vec<_> = self.records.iter().filter(|record| record.case == case).collect();
            out.push_str(&format!("\n{case}\n{}", grid(case, &records)));
        }
        for missing in &self.missing {
            out.push_str(&format!("\nnot measured: {missing}"));
        }
        if !self.verdicts.is_empty() {
            let mut table = Table::new(["target", "ours", "against", "ratio", "wanted", ""]);
            for verdict in &self.verdicts {
                table.row(verdict.cells());
            }
            out.push_str(&format!("\ntargets\n{table}"));
        }
        out
    }
}

fn grid(case: &str, records: &[&Record]) -> Table {
    let columns = match case {
        case if case.starts_with("idle") => IDLE,
        case if case.starts_with("stalled") => STALLED,
        _ => FLOW,
    };
    let shown: Vec<_> =
        columns.iter().filter(|(_, name, _)| records.iter().any(|record| record.figures.contains_key(name))).collect();
    let heads = ["server", "transport", "subscribers"].into_iter().chain(shown.iter().map(|column| column.0));
    let mut table = Table::new(heads.chain(["held back by"]));
    for record in records {
        let figure =
            |(_, name, unit): &&Column| record.figures.get(name).map_or("–".to_owned(), |value| number(value / unit));
        let transport = record.transport.map_or("–", Transport::name);
        let held = match record.limited {
            Limited::Server => "server",
            Limited::Client => "client-limited",
            Limited::Machine => "other work on the machine",
            Limited::Nothing => "–",
        };
        let start = [record.name.clone(), transport.to_owned(), record.subscribers.to_string()];
        table.row(start.into_iter().chain(shown.iter().map(figure)).chain([held.to_owned()]));
    }
    table
}

/// Three digits that say something.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => {
            let digits = format!("{value:.0}");
            let mut out = String::new();
            for (index, digit) in digits.chars().enumerate() {
                if index > 0 && (digits.len() - index) % 3 == 0 && digit.is_ascii_digit() {
                    out.push('\u{2009}');
                }
                out.push(digit);
            }
            out
        }
        size if size >= 100.0 || value == value.trunc() => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_each_figure_is_taken_by_itself() {
        let run = |a, b| Figures::from([("a", a), ("b", b)]);
        let medians = medians(&[run(1.0, 30.0), run(3.0, 10.0), run(2.0, 20.0), Figures::from([("a", 10.0)])]);
        assert_eq!(medians, Figures::from([("a", 2.5), ("b", 20.0)]));
    }

    #[test]
    fn numbers_are_short_and_readable() {
        let shown = [0.567, 7.0, 12.34, 123.4, 1_234_567.8].map(number);
        assert_eq!(shown, ["0.57", "7", "12.3", "123", "1\u{2009}234\u{2009}568"]);
    }
}
