//! Through public URLs, on a real server with its real database and hub. One binary; a file per noun.

#![expect(unreachable_pub, reason = "a test binary has no outside")]

mod goal;
mod harness;
mod input;
mod message;
mod page;
mod policy;
mod templates;
mod tidy;
mod user;
