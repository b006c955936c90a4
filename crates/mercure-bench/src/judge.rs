//! The targets: ratios of what was measured in this very run. Nothing is judged against a figure from another day.

use crate::options::Server;
use crate::report::{Record, number};
use crate::target::Transport;
use serde::Serialize;

/// A target and how it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Verdict {
    target: String,
    ours: f64,
    /// What ours is divided by, if the target is a ratio.
    against: Option<f64>,
    value: f64,
    wanted: String,
    holds: bool,
}

impl Verdict {
    /// As a row of a table.
    pub(crate) fn cells(&self) -> [String; 6] {
        let against = self.against.map_or("–".to_owned(), number);
        let ratio = self.against.map_or("–".to_owned(), |_| number(self.value));
        let holds = if self.holds { "holds" } else { "MISSED" };
        [self.target.clone(), number(self.ours), against, ratio, self.wanted.clone(), holds.to_owned()]
    }
}

const CPU: &str = "cpu_us_per_delivery";

/// All targets for which this run has what they need.
pub(crate) fn judge(records: &[Record]) -> Vec<Verdict> {
    let find = |case: &str, server: Server, transport: Option<Transport>, figure: &str| {
        let fits = |record: &&Record| {
            record.case.starts_with(case)
                && record.server == Some(server)
                && (transport.is_none() || record.transport == transport)
        };
        records.iter().rfind(fits).and_then(|record| record.figures.get(figure).copied())
    };
    let mut verdicts = Vec::new();
    for transport in [Transport::Sse, Transport::Websocket] {
        let mut ratio = |case: &str, rival: Server, theirs: Transport, limit: f64, against: &str| {
            let ours = find(case, Server::Ours, Some(transport), CPU);
            let Some((ours, other)) = ours.zip(find(case, rival, Some(theirs), CPU)) else { return };
            let value = ours / other;
            verdicts.push(Verdict {
                target: format!("{case}, {}: CPU per delivery against {against}", transport.name()),
                ours,
                against: Some(other),
                value,
                wanted: format!("≤ {limit}"),
                holds: value <= limit,
            });
        };
        ratio(FLAT, Server::Bun, Transport::Websocket, 1.1, "Bun's WebSocket");
        ratio(FLAT, Server::Nchan, Transport::Sse, 1.0 / 8.0, "Nchan SSE");
        ratio(FLAT, Server::Nchan, Transport::Websocket, 1.0 / 5.0, "Nchan WebSocket");
        ratio(CALM, Server::Limit, Transport::Sse, 1.15, "the limit program");
        let idle = find("idle", Server::Ours, Some(transport), "pss_per_connection");
        verdicts.extend(
            idle.map(|bytes| {
                plain(format!("idle, {}: bytes for a connection", transport.name()), bytes, 2048.0, false)
            }),
        );
    }
    for case in [UNIQUE, DURABLE, DURABLE_IN_PROCESS] {
        let rate = find(case, Server::Ours, None, "publishes_per_second");
        verdicts.extend(rate.map(|rate| plain(format!("{case}: published a second"), rate, 20_000.0, true)));
    }
    for case in [DURABLE, DURABLE_IN_PROCESS] {
        let slowest = find(case, Server::Ours, None, "answer_p99_ms");
        verdicts.extend(slowest.map(|p99| plain(format!("{case}: p99 of the answer, ms"), p99, 20.0, false)));
    }
    verdicts
}

/// The case names that targets are about.
pub(crate) const FLAT: &str = "fan-out, flat out";
pub(crate) const CALM: &str = "fan-out, calm";
pub(crate) const UNIQUE: &str = "publish, a topic each";
pub(crate) const DURABLE: &str = "publish, on disk";
pub(crate) const IN_PROCESS: &str = "publish in process";
pub(crate) const DURABLE_IN_PROCESS: &str = "publish in process, on disk";

fn plain(target: String, ours: f64, limit: f64, at_least: bool) -> Verdict {
    let wanted = format!("{} {}", if at_least { "≥" } else { "≤" }, number(limit));
    let holds = if at_least { ours >= limit } else { ours <= limit };
    Verdict { target, ours, against: None, value: ours, wanted, holds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Figures, Limited};

    fn record(case: &str, server: Server, transport: Transport, figures: Figures) -> Record {
        Record {
            case: case.to_owned(),
            server: Some(server),
            name: server.name().to_owned(),
            transport: Some(transport),
            subscribers: 1_000,
            runs: vec![figures.clone()],
            figures,
            limited: Limited::Nothing,
        }
    }

    #[test]
    fn a_ratio_is_judged_only_when_both_sides_were_measured() {
        let ours = record(FLAT, Server::Ours, Transport::Sse, Figures::from([(CPU, 0.9)]));
        assert_eq!(judge(std::slice::from_ref(&ours)), []);
        let bun = record(FLAT, Server::Bun, Transport::Websocket, Figures::from([(CPU, 1.0)]));
        let nchan = record(FLAT, Server::Nchan, Transport::Sse, Figures::from([(CPU, 7.0)]));
        let verdicts = judge(&[ours, bun, nchan]);
        let held: Vec<_> = verdicts.iter().map(|verdict| (verdict.against, verdict.holds)).collect();
        assert_eq!(held, [(Some(1.0), true), (Some(7.0), false)]);
    }
}
