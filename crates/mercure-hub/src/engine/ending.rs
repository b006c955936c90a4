//! Endings: why a stream ends, and how each wire says so. A stream never just loses something: it ends, and the subscriber comes back with its cursor.

use bytes::Bytes;

use crate::{
    event::Wire,
    wire::{chunk, socket::frame},
};

/// After how many milliseconds one that has lived long enough is to come back. Until then its browser would wait some seconds, and what is published
/// meanwhile is lost to a client that has had no update yet, and so no id to resume from. Lifetimes differ, so they do not come together.
const SOON: u64 = 100;

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
    /// The peer broke the protocol.
    Peer(u16, &'static str),
    /// The peer said goodbye, with this code.
    Goodbye(Option<u16>),
    /// The connection is gone.
    Lost,
}

impl Ending {
    /// Whether what still waits is thrown away. Otherwise it is sent first.
    pub(crate) fn is_abrupt(self) -> bool {
        match self {
            Self::Revoked
            | Self::Slow
            | Self::Outrun
            | Self::Unreadable
            | Self::Silent
            | Self::Peer(..)
            | Self::Goodbye(_)
            | Self::Lost => true,
            Self::Shutdown { .. } | Self::Expired | Self::Lifetime => false,
        }
    }

    fn code(self) -> Option<u16> {
        match self {
            Self::Shutdown { .. } => Some(1001),
            Self::Slow | Self::Outrun | Self::Unreadable => Some(1013),
            Self::Lifetime => Some(4000),
            Self::Expired => Some(4001),
            Self::Silent => Some(4002),
            Self::Revoked => Some(4003),
            Self::Peer(code, _) => Some(code),
            Self::Goodbye(code) => code,
            Self::Lost => None,
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
            Self::Goodbye(_) | Self::Lost => "",
        }
    }

    /// The last bytes of the stream.
    pub(crate) fn farewell(self, wire: Wire) -> Bytes {
        match (wire, self) {
            (_, Self::Lost) | (Wire::Json, _) => Bytes::new(),
            (Wire::Socket, _) => frame::close(self.code(), self.reason()),
            (Wire::Sse, Self::Shutdown { retry }) => format!(": {}\nretry: {retry}\n\n", self.reason()).into(),
            (Wire::Sse, Self::Lifetime) => format!(": {}\nretry: {SOON}\n\n", self.reason()).into(),
            (Wire::Sse, _) => format!(": {}\n\n", self.reason()).into(),
            (Wire::Chunked, _) => [&chunk::whole(&self.farewell(Wire::Sse)), chunk::END].concat().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wire_names_the_reason() {
        assert_eq!(Ending::Shutdown { retry: 1500 }.farewell(Wire::Sse).as_ref(), b": shutting down\nretry: 1500\n\n");
        assert_eq!(Ending::Lifetime.farewell(Wire::Sse).as_ref(), b": lifetime over\nretry: 100\n\n");
        assert_eq!(Ending::Slow.farewell(Wire::Sse).as_ref(), b": slow reader\n\n");
        assert_eq!(Ending::Slow.farewell(Wire::Socket).as_ref(), b"\x88\x0d\x03\xf5slow reader");
        assert_eq!(Ending::Slow.farewell(Wire::Chunked).as_ref(), b"f\r\n: slow reader\n\n\r\n0\r\n\r\n");
        assert!(Ending::Lost.farewell(Wire::Chunked).is_empty());
    }
}
