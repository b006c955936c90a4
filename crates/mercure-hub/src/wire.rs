//! The wires: how a stream's bytes travel.

pub(crate) mod socket;
pub(crate) mod sse;
pub(crate) mod timeout;
