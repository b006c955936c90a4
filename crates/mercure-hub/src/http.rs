//! The requests: publishing, subscribing, and how each is answered.

pub(crate) mod form;
pub(crate) mod metadata;
pub(crate) mod publish;
pub(crate) mod query;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod subscribe;
