//! Through public URLs, on a real server with its real database and hub. One binary; a file per noun.

#![expect(unreachable_pub, reason = "a test binary has no outside")]

mod crash;
mod ear;
mod goal;
mod harness;
mod input;
mod live;
mod message;
mod newcomer;
mod outages;
mod page;
mod policy;
mod races;
mod random;
mod realtime;
mod reducer;
mod templates;
mod tidy;
mod user;
