//! Through public URLs, on a real server with its real database and hub. One binary; a file per noun.

#![expect(unreachable_pub, reason = "a test binary has no outside")]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod crash;
mod ear;
mod harness;
mod live;
mod outages;
mod races;
mod random;
mod realtime;
mod reducer;
mod smoke;
