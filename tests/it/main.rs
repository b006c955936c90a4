//! Through public URLs, on a real server with its real database and hub. One binary; a file per noun.

#![expect(unreachable_pub, reason = "a test binary has no outside")]
#![expect(clippy::unwrap_used, reason = "a test says what failed by failing there")]

mod abuse;
mod crash;
mod ear;
mod erasure;
mod export;
mod files;
mod files_hostile;
mod first_account;
mod formatting;
mod goal;
mod habits;
mod harness;
mod hub;
mod input;
mod known;
mod laborious;
mod large;
mod live;
mod log_privacy;
mod mail;
mod marks;
mod mentions;
mod message;
mod names;
mod newcomer;
mod notify;
mod odd;
mod outages;
mod page;
mod panics;
mod pictures;
mod policy;
mod presence;
mod previews;
mod push;
mod races;
mod random;
mod reads;
mod realtime;
mod reducer;
mod replay;
mod request_ids;
mod revocation;
mod room;
mod search;
mod sign_out;
mod slow_work;
mod stopping;
mod templates;
mod tidy;
mod user;
mod voice;
mod wire;
