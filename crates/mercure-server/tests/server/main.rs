//! The program from outside: over TCP, as a client, a browser, a supervisor or the person who sets it up sees it.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]
#![expect(unreachable_pub, reason = "the modules of one test binary share their helpers")]

mod directives;
mod drop_in;
mod ending;
mod health;
mod pages;
mod publishing;
mod secure;
mod settings;
mod support;
