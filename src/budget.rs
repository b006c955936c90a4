//! Budgets: how much one person, one address and the installation may ask of the server. Every line is here, with its default; SECURITY.md shows the same
//! table, and a test compares the two.
//!
//! A *rate* is a token bucket: so many at once, then so many in a time. A *number* is how many may be there at the same time. A *size* is in bytes.
//! Over a rate or a number the answer is 429, over one of the installation's 503, both with `Retry-After`; without room on the disk it is 507.

mod ledger;
mod routes;
mod setting;

pub use ledger::{Budgets, Held, Key};
pub use routes::{ROUTES, costs};
pub use setting::{Amounts, WrongBudget};

/// What has a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
#[expect(missing_docs, reason = "each line of the table says what it is")]
pub enum Budget {
    Requests,
    Sends,
    Messages,
    Characters,
    Edits,
    Deletions,
    Previews,
    Links,
    Reactions,
    Pins,
    Hides,
    Receipts,
    Signals,
    Goals,
    Rooms,
    Joins,
    Participations,
    Preferences,
    Tokens,
    Pushes,
    PushTests,
    Searches,
    Exports,
    Connects,
    Rights,
    Streams,
    Polls,
    Uploads,
    Sessions,
    Browsers,
    Owned,
    Versions,
    Notices,
    UploadDay,
    UploadTotal,
    Visits,
    Registrations,
    Failures,
    AccountFailures,
    DeviceFailures,
    Slow,
    Waiting,
    Pausing,
    AddressConnections,
    AddressStreams,
    AddressPolls,
    Connections,
    Passwords,
    Storage,
    Disk,
}

/// Whose a budget is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One account's.
    Person,
    /// One address's: IPv4, or an IPv6 /64.
    Address,
    /// One account's as tried from one address.
    AccountAndAddress,
    /// One browser's that has signed in before.
    Device,
    /// One account's, whoever tries.
    Account,
    /// One message's.
    Message,
    /// Everybody's together.
    Installation,
}

impl Scope {
    /// The word in the documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Address => "address",
            Self::AccountAndAddress => "account and address",
            Self::Device => "known browser",
            Self::Account => "account",
            Self::Message => "message",
            Self::Installation => "installation",
        }
    }
}

/// How much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// So many at once, then so many a second.
    Rate {
        /// At once.
        burst: u32,
        /// Refilled, in so many of `per`.
        refill: u32,
        /// Seconds.
        per: u32,
    },
    /// So many at the same time.
    Number(u64),
    /// Bytes.
    Size(u64),
    /// As much as anybody likes.
    Off,
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// What for.
    pub budget: Budget,
    /// The word in `PALABRE_BUDGETS`.
    pub name: &'static str,
    /// Whose.
    pub scope: Scope,
    /// Unless the setting says otherwise.
    pub default: Amount,
    /// What is counted.
    pub what: &'static str,
}

const fn rate(burst: u32, refill: u32, per: u32) -> Amount {
    Amount::Rate { burst, refill, per }
}

const SECOND: u32 = 1;
const MINUTE: u32 = 60;
const HOUR: u32 = 3_600;
const DAY: u32 = 86_400;
const GB: u64 = 1 << 30;

const fn line(budget: Budget, name: &'static str, scope: Scope, default: Amount, what: &'static str) -> Line {
    Line { budget, name, scope, default, what }
}

use Amount::{Number, Off, Size};
use Scope::{Account, AccountAndAddress, Address, Device, Installation, Message, Person};

/// The table, in the order of [`Budget`].
#[rustfmt::skip]
pub const TABLE: &[Line] = &[
    line(Budget::Requests, "requests", Person, rate(1_000, 50, SECOND), "requests of any kind"),
    line(Budget::Sends, "sends", Person, rate(30, 2, SECOND), "messages and recordings sent"),
    line(Budget::Messages, "messages", Person, rate(3_000, 10_000, DAY), "the same in a day: each is a row"),
    line(Budget::Characters, "characters", Person, rate(100_000, 100, SECOND), "characters sent or edited: the search indexes each"),
    line(Budget::Edits, "edits", Person, rate(20, 1, SECOND), "edits, and previews of links taken away"),
    line(Budget::Deletions, "deletions", Person, rate(30, 1, SECOND), "messages deleted"),
    line(Budget::Previews, "previews", Person, rate(20, 2, SECOND), "previews of what is typed"),
    line(Budget::Links, "links", Person, rate(10, 20, MINUTE), "previews that look behind links; beyond it they stay plain"),
    line(Budget::Reactions, "reactions", Person, rate(40, 2, SECOND), "reactions set or taken away"),
    line(Budget::Pins, "pins", Person, rate(20, 1, SECOND), "pins set or taken away"),
    line(Budget::Hides, "hides", Person, rate(30, 1, SECOND), "messages hidden or shown again"),
    line(Budget::Receipts, "receipts", Person, rate(100, 10, SECOND), "marks of what was read"),
    line(Budget::Signals, "signals", Person, rate(50, 5, SECOND), "typing, away, what one shows; over a WebSocket the same refill a socket"),
    line(Budget::Goals, "goals", Person, rate(10, 5, HOUR), "goals founded"),
    line(Budget::Rooms, "rooms", Person, rate(30, 30, MINUTE), "goals and rooms edited, locked, archived, deleted; the mode changed"),
    line(Budget::Joins, "joins", Person, rate(20, 10, HOUR), "requests to join"),
    line(Budget::Participations, "participations", Person, rate(60, 1, SECOND), "requests decided or taken back, members removed, roles, leaving"),
    line(Budget::Preferences, "preferences", Person, rate(60, 2, SECOND), "preferences, settings, levels, notices seen"),
    line(Budget::Tokens, "tokens", Person, rate(100, 2, SECOND), "tokens for the live link"),
    line(Budget::Pushes, "pushes", Person, rate(20, 1, MINUTE), "push subscriptions made or taken back"),
    line(Budget::PushTests, "push-tests", Person, rate(5, 1, MINUTE), "pushes tried out"),
    line(Budget::Searches, "searches", Person, rate(30, 2, SECOND), "searches"),
    line(Budget::Exports, "exports", Person, rate(5, 10, HOUR), "rooms taken away as an archive"),
    line(Budget::Connects, "connects", Person, rate(120, 2, SECOND), "streams, sockets and polls of the hub opened: each asks for rights"),
    line(Budget::Rights, "rights", Person, rate(20_000, 1_000, SECOND), "rooms looked up for streams and sockets; beyond it they are not heard, and polled"),
    line(Budget::Streams, "streams", Person, Number(64), "streams, sockets and polls of the hub open at the same time"),
    line(Budget::Polls, "polls", Person, Number(64), "long polls of rooms open at the same time"),
    line(Budget::Uploads, "uploads", Person, Number(4), "uploads at the same time"),
    line(Budget::Sessions, "sessions", Person, Number(50), "browsers signed in; the oldest is signed out"),
    line(Budget::Browsers, "push-subscriptions", Person, Number(10), "push subscriptions; the oldest is forgotten"),
    line(Budget::Owned, "goals-owned", Person, Number(100), "goals owned"),
    line(Budget::Versions, "versions", Message, Number(50), "earlier versions kept: the first and the newest"),
    line(Budget::Notices, "notices", Person, Number(1_000), "notices kept; the oldest are forgotten"),
    line(Budget::UploadDay, "upload-day", Person, Size(GB), "bytes of files uploaded in a day"),
    line(Budget::UploadTotal, "upload-total", Person, Size(10 * GB), "bytes of files kept"),
    line(Budget::Visits, "visits", Address, rate(300, 20, SECOND), "requests without a session; not counted where the address says nothing"),
    line(Budget::Registrations, "registrations", Address, rate(10, 1, MINUTE), "accounts opened, or tried to"),
    line(Budget::Failures, "failures", Address, rate(20, 10, MINUTE), "wrong passwords, whatever the account"),
    line(Budget::AccountFailures, "account-failures", AccountAndAddress, rate(10, 2, MINUTE), "wrong passwords"),
    line(Budget::DeviceFailures, "device-failures", Device, rate(10, 2, MINUTE), "wrong passwords, instead of the two above"),
    line(Budget::Slow, "slow-failures", Account, rate(10, 2, MINUTE), "wrong passwords; beyond it a try waits a second or two, and is never refused"),
    line(Budget::Waiting, "waiting", Address, Number(8), "passwords waiting to be looked at"),
    line(Budget::Pausing, "pausing", Installation, Number(64), "tries that wait for that second or two; the others do not wait"),
    line(Budget::AddressConnections, "address-connections", Address, Number(256), "connections; trusted proxies and this machine are exempt"),
    line(Budget::AddressStreams, "address-streams", Address, Number(1_024), "streams and sockets of the hub; not counted where the address says nothing"),
    line(Budget::AddressPolls, "address-polls", Address, Number(1_024), "long polls of rooms; not counted where the address says nothing"),
    line(Budget::Connections, "connections", Installation, Off, "connections; off is nine tenths of the files that the system allows to be open"),
    line(Budget::Passwords, "passwords", Installation, Number(1_024), "passwords waiting to be looked at"),
    line(Budget::Storage, "storage", Installation, Off, "bytes of files kept"),
    line(Budget::Disk, "disk-floor", Installation, Size(GB), "bytes that must stay free on the disk of the data folder"),
];

/// Bounds on rows that no setting changes: they stand in the model, and here to be read.
pub const FIXED: [Budget; 4] = [Budget::Sessions, Budget::Browsers, Budget::Versions, Budget::Notices];

impl Budget {
    /// The line of the table.
    pub fn line(self) -> &'static Line {
        &TABLE[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_for_each_budget_in_order() {
        for (place, line) in TABLE.iter().enumerate() {
            assert_eq!(line.budget as usize, place, "{}", line.name);
            assert!(TABLE.iter().filter(|other| other.name == line.name).count() == 1, "{}", line.name);
            assert!(!line.what.is_empty() && !line.what.contains('|'));
        }
        assert_eq!(TABLE.len(), Budget::Disk as usize + 1);
    }
}
