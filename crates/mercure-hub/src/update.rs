//! The update: what a publisher hands to the hub. Its constructors are the only door, so nothing that could break a stream gets through.

use std::{fmt, sync::Arc};

use crate::topic::{InvalidTopic, Topic, is_plain};

/// The id under which an update was published: the subscriber's cursor.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UpdateId(Arc<str>);

impl UpdateId {
    /// A fresh one; ordered by time, so that ids sort as they were made.
    pub(crate) fn generate() -> Self {
        Self(uuid::Uuid::now_v7().urn().to_string().into())
    }

    /// A fresh one that tells nothing, for what is not stored.
    pub(crate) fn random() -> Self {
        Self(uuid::Uuid::new_v4().urn().to_string().into())
    }

    /// One that was an id when it was stored.
    pub(crate) fn stored(id: &str) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for UpdateId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UpdateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for UpdateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why something can't be an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUpdate {
    /// A topic is empty, `*`, or holds control or format characters.
    #[error("invalid topic")]
    Topic,
    /// The id is empty, `earliest`, starts with `#`, or holds control or format characters.
    #[error("invalid id")]
    Id,
    /// The type is `mercure`, which the hub keeps for its own events, or holds control or format characters.
    #[error("invalid type")]
    Type,
}

impl From<InvalidTopic> for InvalidUpdate {
    fn from(InvalidTopic: InvalidTopic) -> Self {
        Self::Topic
    }
}

/// Something new about one or more topics.
///
/// ```
/// let update = mercure_hub::Update::new("chatroom/1", "{\"revision\":42}")?
///     .private()
///     .id("urn:chatroom:1:42")?
///     .event_type("message")?;
/// # Ok::<_, mercure_hub::InvalidUpdate>(())
/// ```
#[derive(Clone)]
pub struct Update {
    pub(crate) topics: Vec<Topic>,
    pub(crate) data: String,
    pub(crate) id: Option<UpdateId>,
    pub(crate) kind: Option<String>,
    pub(crate) retry: Option<u64>,
    pub(crate) private: bool,
    pub(crate) ephemeral: bool,
}

impl Update {
    /// A public, stored update of this topic, its canonical one.
    pub fn new(topic: impl AsRef<str>, data: impl Into<String>) -> Result<Self, InvalidUpdate> {
        Ok(Self {
            topics: vec![Topic::new(topic)?],
            data: data.into(),
            id: None,
            kind: None,
            retry: None,
            private: false,
            ephemeral: false,
        })
    }

    /// Also an update of this topic. Who matches any one of the topics gets the update, once.
    pub fn alternate(mut self, topic: impl AsRef<str>) -> Result<Self, InvalidUpdate> {
        let topic = Topic::new(topic)?;
        if !self.topics.contains(&topic) {
            self.topics.push(topic);
        }
        Ok(self)
    }

    /// Only for those who may read one of its topics.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Under this id instead of a random one.
    pub fn id(mut self, id: impl AsRef<str>) -> Result<Self, InvalidUpdate> {
        let id = id.as_ref();
        if id.is_empty() || id == "earliest" || id.starts_with('#') || !is_plain(id) {
            return Err(InvalidUpdate::Id);
        }
        self.id = Some(UpdateId(id.into()));
        Ok(self)
    }

    /// With this type, the event's name in a browser. An empty one is none.
    pub fn event_type(mut self, kind: impl Into<String>) -> Result<Self, InvalidUpdate> {
        let kind = kind.into();
        if kind == "mercure" || !is_plain(&kind) {
            return Err(InvalidUpdate::Type);
        }
        self.kind = Some(kind).filter(|kind| !kind.is_empty());
        Ok(self)
    }

    /// Tells subscribers to wait this many milliseconds before they reconnect.
    #[must_use]
    pub fn retry(mut self, milliseconds: u64) -> Self {
        self.retry = Some(milliseconds);
        self
    }

    /// Not kept in the history, and the first to be dropped when a subscriber is slow.
    #[must_use]
    pub fn ephemeral(mut self) -> Self {
        self.ephemeral = true;
        self
    }

    /// What it says.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The id that its publisher gave it, if any.
    pub fn custom_id(&self) -> Option<&UpdateId> {
        self.id.as_ref()
    }

    /// Its type, if it has one.
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// Whether it is only for those who may read one of its topics.
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// The topics, the canonical one first.
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }
}

impl fmt::Debug for Update {
    /// Topics and data are other people's business and stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Update")
            .field("private", &self.private)
            .field("bytes", &self.data.len())
            .finish_non_exhaustive()
    }
}

/// Why the hub did not take an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// A topic belongs to the hub itself.
    #[error("reserved topic")]
    Reserved,
    /// More topics than the hub takes, or a longer name.
    #[error("too many topics, or too long a name")]
    TooLarge,
    /// An update with this id is known, and the hub was told to refuse repeated ids.
    #[error("the id is known")]
    Duplicate,
    /// The hub was closed.
    #[error("the hub is closed")]
    Closed,
    /// More waits for the disk than the hub holds. Nothing was published; a little later there is room again.
    #[error("too much waits to be written")]
    Busy,
    /// The history on disk could not be written: the disk is full or fails. Nothing was published.
    #[error("the history can't be written")]
    NotWritten,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_types_that_could_break_a_stream_are_refused() {
        let update = || Update::new("t", "").unwrap();
        for id in ["", "earliest", "#42", "a\nid: b", "a\rb", "a\0b", "a\u{200b}"] {
            assert_eq!(update().id(id).unwrap_err(), InvalidUpdate::Id, "{id:?}");
        }
        for kind in ["mercure", "a\ndata: x", "a\r", "\0", "\u{2028}\u{202e}"] {
            assert_eq!(update().event_type(kind).unwrap_err(), InvalidUpdate::Type, "{kind:?}");
        }
        assert!(update().id("earliest2").is_ok() && update().event_type("mercure2").is_ok());
    }

    #[test]
    fn an_alternate_topic_counts_once() {
        let update = Update::new("a", "").unwrap().alternate("b").unwrap().alternate("a").unwrap();
        assert_eq!(update.topics().iter().map(Topic::as_str).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(Update::new("a", "").unwrap().alternate("*").unwrap_err(), InvalidUpdate::Topic);
    }

    #[test]
    fn an_update_does_not_print_what_it_carries() {
        let text = format!("{:?}", Update::new("room/secret", "hello").unwrap());
        assert!(!text.contains("secret") && !text.contains("hello"), "{text}");
    }
}
