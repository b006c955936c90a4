//! Subscriptions as others see them (draft-08 section "Active Subscriptions"): the updates that tell of their beginning and end, and the documents that list them.
//!
//! What the API lists is by construction the sum of the updates that were published: a subscription is entered into the `roster` at the moment when the update about it takes its place in
//! the one order, under the engine's lock. So a client that reads a collection and subscribes from the `last-event-id` it came with misses nothing and sees nothing twice.
//!
//! Both generations live side by side, each in its own shape: what was subscribed with `topic` is told and listed as draft-07 says, what was subscribed with a matcher as draft-08 does.

pub(crate) mod api;
pub(crate) mod document;
pub(crate) mod path;
pub(crate) mod presence;
pub(crate) mod roster;
