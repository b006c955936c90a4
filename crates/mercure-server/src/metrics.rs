//! Counters, and the page of them in the text format of Prometheus.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use mercure_hub::Hub;
use std::sync::Arc;

/// What the hub's answers add up to.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    subscribers: AtomicU64,
    updates: AtomicU64,
    refused: AtomicU64,
}

/// The layer around the hub's routes.
pub(crate) async fn count(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let answer = next.run(request).await;
    let status = answer.status();
    let is_stream = status == StatusCode::SWITCHING_PROTOCOLS
        || answer
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let counter = if status.is_client_error() || status.is_server_error() {
        Some(&metrics.refused)
    } else if is_stream && method != Method::HEAD {
        Some(&metrics.subscribers)
    } else if method == Method::POST && status == StatusCode::OK {
        Some(&metrics.updates)
    } else {
        None
    };
    if let Some(counter) = counter {
        counter.fetch_add(1, Ordering::Relaxed);
    }
    answer
}

impl Metrics {
    /// The page. Names of the reference first.
    pub(crate) fn page(&self, hub: &Hub) -> String {
        let mut page = String::new();
        let mut line = |name: &str, kind: &str, help: &str, value: u64| {
            // Writing to a string cannot fail.
            let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        };
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        line("mercure_subscribers_connected", "gauge", "Streams that are open.", hub.subscribers() as u64);
        line("mercure_subscribers_total", "counter", "Streams that were opened.", load(&self.subscribers));
        line("mercure_updates_total", "counter", "Updates that were published over HTTP.", load(&self.updates));
        line("mercure_topics", "gauge", "Topics that somebody is subscribed to by name.", hub.topics() as u64);
        line("mercure_refused_total", "counter", "Requests that were refused.", load(&self.refused));
        page
    }
}
