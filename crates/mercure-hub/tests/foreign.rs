//! The black-box tests of `hub` once more, over a server that knows nothing of the hub: its streams are ordinary bodies, its WebSockets ordinary upgrades.
#![expect(clippy::wildcard_enum_match_arm, reason = "a frame that was not expected fails the test")]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]
#![expect(unreachable_pub, reason = "the modules of one test binary share their helpers")]

use client::Over;

const OVER: Over = Over::ForeignServer;

#[path = "hub/access.rs"]
mod access;
#[path = "hub/client.rs"]
mod client;
#[path = "hub/connections.rs"]
mod connections;
#[path = "hub/cors.rs"]
mod cors;
#[path = "hub/crash.rs"]
mod crash;
#[path = "hub/drain.rs"]
mod drain;
#[path = "hub/drop_in.rs"]
mod drop_in;
#[path = "hub/durable.rs"]
mod durable;
#[path = "hub/ending.rs"]
mod ending;
#[path = "hub/event_source.rs"]
mod event_source;
#[path = "hub/heartbeat.rs"]
mod heartbeat;
#[path = "hub/keys.rs"]
mod keys;
#[path = "hub/limits.rs"]
mod limits;
#[path = "hub/matchers.rs"]
mod matchers;
#[path = "hub/matching.rs"]
mod matching;
#[path = "hub/metrics.rs"]
mod metrics;
#[path = "hub/order.rs"]
mod order;
#[path = "hub/poll.rs"]
mod poll;
#[path = "hub/presence.rs"]
mod presence;
#[path = "hub/properties.rs"]
mod properties;
#[path = "hub/publish.rs"]
mod publish;
#[path = "hub/publish_rules.rs"]
mod publish_rules;
#[path = "hub/query_method.rs"]
mod query_method;
#[path = "hub/replay.rs"]
mod replay;
#[path = "hub/revocation.rs"]
mod revocation;
#[path = "hub/rights.rs"]
mod rights;
#[path = "hub/socket.rs"]
mod socket;
#[path = "hub/strict.rs"]
mod strict;
#[path = "hub/subscribe.rs"]
mod subscribe;
#[path = "hub/subscriptions.rs"]
mod subscriptions;
#[path = "hub/symfony.rs"]
mod symfony;
#[path = "hub/tokens.rs"]
mod tokens;

#[test]
fn no_module_is_left_out() {
    let modules =
        |text: &str| text.lines().filter(|line| line.starts_with("mod ")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(modules(include_str!("foreign.rs")), modules(include_str!("hub/main.rs")));
}
