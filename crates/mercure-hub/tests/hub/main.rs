//! Black-box tests of the hub: real TCP, real HTTP, clients written by hand.
#![expect(clippy::wildcard_enum_match_arm, reason = "a frame that was not expected fails the test")]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]
#![expect(unreachable_pub, reason = "the modules of one test binary share their helpers")]

mod access;
mod client;
mod crash;
mod durable;
mod ending;
mod heartbeat;
mod order;
mod properties;
mod publish;
mod replay;
mod rights;
mod socket;
mod subscribe;
