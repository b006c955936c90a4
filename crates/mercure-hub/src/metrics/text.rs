//! The figures as text, in the format that Prometheus reads (version 0.0.4).

use std::fmt::Write as _;

use crate::metrics::{Histogram, Metrics};

impl Metrics {
    /// The figures for a scraper, to be served as `text/plain; version=0.0.4`. The first three have the names that the reference hub gives them.
    pub fn to_prometheus(&self) -> String {
        let mut out = String::with_capacity(6 << 10);
        let alone = |count: u64| vec![(String::new(), count)];
        let by_reason = self.endings.iter().map(|(reason, count)| (format!("{{reason=\"{reason}\"}}"), *count));
        let by_status = self.refusals.iter().map(|(status, count)| (format!("{{status=\"{status}\"}}"), *count));
        for (name, kind, help, values) in [
            ("subscribers_connected", "gauge", "Open streams.", alone(self.subscribers_connected)),
            ("subscribers_total", "counter", "Streams opened.", alone(self.subscribers)),
            ("updates_total", "counter", "Updates taken.", alone(self.updates)),
            ("updates_failed_total", "counter", "Updates not taken.", alone(self.updates_failed)),
            ("subscriptions_active", "gauge", "Active subscriptions.", alone(self.subscriptions_active)),
            ("streams_ended_total", "counter", "Streams ended, by reason.", by_reason.collect()),
            ("requests_refused_total", "counter", "Requests refused, by status.", by_status.collect()),
            ("history_updates", "gauge", "Updates in the history.", alone(self.history_updates)),
            ("history_bytes", "gauge", "Bytes of the history.", alone(self.history_bytes)),
            ("queue_bytes", "gauge", "Bytes that wait for subscribers.", alone(self.queue_bytes)),
        ] {
            head(&mut out, name, kind, help);
            for (labels, value) in values {
                // Writing to a String can't fail.
                let _ = writeln!(out, "mercure_{name}{labels} {value}");
            }
        }
        for (name, help, histogram) in [
            ("publish_duration_seconds", "Time to give an update its place.", &self.publish_seconds),
            ("fan_out_delay_seconds", "Time from there to the last queue.", &self.fan_out_seconds),
            ("replay_length_updates", "Updates sent before the present is reached.", &self.replayed_updates),
        ] {
            head(&mut out, name, "histogram", help);
            buckets(&mut out, name, histogram);
        }
        out
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP mercure_{name} {help}\n# TYPE mercure_{name} {kind}");
}

fn buckets(out: &mut String, name: &str, histogram: &Histogram) {
    for (bound, count) in &histogram.buckets {
        let _ = writeln!(out, "mercure_{name}_bucket{{le=\"{bound}\"}} {count}");
    }
    let (sum, count) = (histogram.sum, histogram.count);
    let _ = writeln!(
        out,
        "mercure_{name}_bucket{{le=\"+Inf\"}} {count}\nmercure_{name}_sum {sum}\nmercure_{name}_count {count}"
    );
}
