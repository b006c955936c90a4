//! Metrics: what happened is counted, under the reference's names and ours.

use std::collections::HashMap;

use mercure_hub::HubConfig;

use crate::client::{Server, bearer, open_config, publisher, reader, until};

/// The samples by name and labels, as a scraper reads them.
fn scrape(server: &Server) -> HashMap<String, f64> {
    let text = server.hub.metrics().to_prometheus();
    let mut typed = HashMap::new();
    let mut samples = HashMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind) && typed.insert(name, kind).is_none(), "{line}");
        } else if !line.starts_with("# HELP ") {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let family = name.split('{').next().unwrap();
            let family =
                ["_bucket", "_sum", "_count"].iter().find_map(|end| family.strip_suffix(end)).unwrap_or(family);
            assert!(typed.contains_key(family), "{line}");
            assert!(samples.insert(name.to_owned(), value.parse().unwrap()).is_none(), "{line}");
        }
    }
    samples
}

// C metrics_test
#[tokio::test]
async fn streams_and_updates_are_counted_under_the_names_of_the_reference() {
    let server = Server::start(open_config()).await;
    let first = server.sse("match=a", "").await;
    let _second = server.socket("match=a", "").await;
    server.post(&publisher(&["a"]), "topic=a&data=x").await;
    server.now("nobody", "y");
    // Who publishes does not wait for this.
    until(|| scrape(&server)["mercure_fan_out_delay_seconds_count"] == 1.0).await;
    let samples = scrape(&server);
    assert_eq!(samples["mercure_subscribers_connected"], 2.0);
    assert_eq!(samples["mercure_subscribers_total"], 2.0);
    assert_eq!(samples["mercure_updates_total"], 2.0);
    assert_eq!(samples["mercure_publish_duration_seconds_count"], 2.0);
    assert_eq!(samples["mercure_publish_duration_seconds_bucket{le=\"+Inf\"}"], 2.0);
    assert_eq!(samples["mercure_fan_out_delay_seconds_count"], 1.0, "nobody heard of the other");
    assert_eq!(samples["mercure_history_updates"], 2.0);
    assert!(samples["mercure_history_bytes"] > 0.0);
    drop(first);
    until(|| server.hub.subscribers() == 1).await;
    let samples = scrape(&server);
    assert_eq!((samples["mercure_subscribers_connected"], samples["mercure_subscribers_total"]), (1.0, 2.0));
}

// C metrics_test
#[tokio::test]
async fn the_reasons_of_endings_and_refusals_are_told_apart() {
    let server = Server::start(HubConfig { subscriptions: true, queue_bytes: 1_000, ..open_config() }).await;
    let _removed = server.sse("match=a&topic=a", &bearer(&reader("3", &[]))).await;
    assert_eq!(scrape(&server)["mercure_subscriptions_active"], 2.0);
    let left = server.sse("match=a", "").await;
    server.hub.disconnect("3");
    drop(left);
    let ended = |reason: &str| scrape(&server)[&format!("mercure_streams_ended_total{{reason=\"{reason}\"}}")];
    until(|| ended("left") == 1.0 && ended("revoked") == 1.0).await;
    assert_eq!((ended("slow"), ended("expired")), (0.0, 0.0));
    assert_eq!(scrape(&server)["mercure_subscriptions_active"], 0.0);
    server.get("match=a%00", "").await;
    server.get("", "").await;
    server.request("POST", crate::client::PATH, "", "").await;
    server.post(&publisher(&["a"]), "topic=b").await;
    server.request("GET", "/.well-known/mercure/subscriptions", "", "").await;
    let samples = scrape(&server);
    let refused = |status: u16| samples[&format!("mercure_requests_refused_total{{status=\"{status}\"}}")];
    assert_eq!((refused(400), refused(401), refused(403)), (2.0, 2.0, 1.0));
    assert_eq!(samples["mercure_updates_failed_total"], 0.0, "it did not come that far");
    server.hub.close().await;
    assert!(server.hub.publish(mercure_hub::Update::new("a", "").unwrap()).is_err());
    assert_eq!(scrape(&server)["mercure_updates_failed_total"], 1.0);
}

// C metrics_test
#[tokio::test]
async fn replays_and_what_waits_are_measured() {
    let server = Server::start(HubConfig { queue_bytes: 64 << 20, ..open_config() }).await;
    for n in 0..7 {
        server.now("a", &n.to_string());
        server.now("b", "not wanted");
    }
    let mut sse = server.sse("match=a&last_event_id=earliest", "").await;
    for n in 0..7 {
        assert_eq!(sse.data().await, n.to_string());
    }
    until(|| scrape(&server)["mercure_replay_length_updates_count"] == 1.0).await;
    let samples = scrape(&server);
    assert_eq!(samples["mercure_replay_length_updates_sum"], 7.0);
    assert_eq!(samples["mercure_replay_length_updates_bucket{le=\"5\"}"], 0.0);
    assert_eq!(samples["mercure_replay_length_updates_bucket{le=\"10\"}"], 1.0);
    let _unread = server.sse_unread("match=large", "").await;
    until(|| {
        server.now("large", &"x".repeat(100_000));
        server.hub.metrics().queue_bytes > 0
    })
    .await;
}
