//! Who asks, and what they may: keys, tokens, the origin of a page, and what was taken back.

pub(crate) mod access;
pub(crate) mod key;
pub(crate) mod origin;
pub(crate) mod revocation;
pub(crate) mod token;
