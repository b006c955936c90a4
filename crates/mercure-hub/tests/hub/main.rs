//! Black-box tests of the hub: real TCP, real HTTP, clients written by hand.
#![expect(clippy::wildcard_enum_match_arm, reason = "a frame that was not expected fails the test")]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]
#![expect(unreachable_pub, reason = "the modules of one test binary share their helpers")]

use client::Over;

/// The hub takes the sockets; `foreign.rs` runs the same tests over a server that leaves it none.
const OVER: Over = Over::TakenSockets;

mod access;
mod client;
mod connections;
mod cors;
mod crash;
mod drain;
mod drop_in;
mod durable;
mod ending;
mod event_source;
mod heartbeat;
mod keys;
mod limits;
mod matchers;
mod matching;
mod metrics;
mod order;
mod poll;
mod presence;
mod properties;
mod publish;
mod publish_rules;
mod query_method;
mod replay;
mod revocation;
mod rights;
mod socket;
mod strict;
mod subscribe;
mod subscriptions;
mod symfony;
mod tokens;
