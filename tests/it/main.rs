//! Through public URLs, on a real server with its real database and hub. One binary; a file per noun.

#![expect(unreachable_pub, reason = "a test binary has no outside")]

mod ear;
mod goal;
mod harness;
mod live;
mod message;
mod newcomer;
mod page;
mod policy;
mod races;
mod realtime;
mod reducer;
mod user;
