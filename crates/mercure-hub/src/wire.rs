//! The wires: how a stream's bytes travel.

pub(crate) mod chunk;
pub(crate) mod link;
pub(crate) mod offer;
pub(crate) mod poll;
pub(crate) mod socket;
pub(crate) mod sse;
pub(crate) mod timeout;
