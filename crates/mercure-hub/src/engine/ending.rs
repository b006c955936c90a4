//! Endings: why a stream ends, and how each wire says so. A stream never just loses something: it ends, and the subscriber comes back with its cursor.

use bytes::Bytes;

use crate::{event::Wire, wire::socket::frame};

/// Why a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The hub is closed; to come back after so many milliseconds.
    Shutdown { retry: u64 },
    /// The person was disconnected.
    Revoked,
    /// The token has expired.
    Expired,
    /// The stream has lived long enough.
    Lifetime,
    /// Too much waits for a subscriber that does not read.
    Slow,
    /// The history lost what was still to be replayed.
    Outrun,
    /// The history can't be read at the moment.
    Unreadable,
    /// Nothing was heard from the peer for two heartbeats.
    Silent,
    /// The peer broke the protocol, or said goodbye.
    Peer(u16, &'static str),
}

impl Ending {
    /// Whether what still waits is thrown away. Otherwise it is sent first.
    pub(crate) fn is_abrupt(self) -> bool {
        match self {
            Self::Revoked | Self::Slow | Self::Outrun | Self::Unreadable | Self::Silent | Self::Peer(..) => true,
            Self::Shutdown { .. } | Self::Expired | Self::Lifetime => false,
        }
    }

    fn code(self) -> u16 {
        match self {
            Self::Shutdown { .. } => 1001,
            Self::Slow | Self::Outrun | Self::Unreadable => 1013,
            Self::Lifetime => 4000,
            Self::Expired => 4001,
            Self::Silent => 4002,
            Self::Revoked => 4003,
            Self::Peer(code, _) => code,
        }
    }

    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Shutdown { .. } => "shutting down",
            Self::Revoked => "revoked",
            Self::Expired => "token expired",
            Self::Lifetime => "lifetime over",
            Self::Slow => "slow reader",
            Self::Outrun => "history overtaken",
            Self::Unreadable => "history unreadable",
            Self::Silent => "no sign of life",
            Self::Peer(_, reason) => reason,
        }
    }

    /// The last bytes of the stream.
    pub(crate) fn farewell(self, wire: Wire) -> Bytes {
        match wire {
            Wire::Socket => frame::close(Some(self.code()), self.reason()),
            Wire::Sse => match self {
                Self::Shutdown { retry } => format!(": {}\nretry: {retry}\n\n", self.reason()).into(),
                Self::Revoked
                | Self::Expired
                | Self::Lifetime
                | Self::Slow
                | Self::Outrun
                | Self::Unreadable
                | Self::Silent
                | Self::Peer(..) => format!(": {}\n\n", self.reason()).into(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wire_names_the_reason() {
        assert_eq!(Ending::Shutdown { retry: 1500 }.farewell(Wire::Sse).as_ref(), b": shutting down\nretry: 1500\n\n");
        assert_eq!(Ending::Slow.farewell(Wire::Sse).as_ref(), b": slow reader\n\n");
        assert_eq!(Ending::Slow.farewell(Wire::Socket).as_ref(), b"\x88\x0d\x03\xf5slow reader");
    }
}
