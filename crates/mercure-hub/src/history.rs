//! The history: the stored updates in the order in which they were published. The newest are in memory; with a log, all of them are on disk.
#![cfg_attr(not(feature = "durable"), expect(dead_code, reason = "the seam to a log that is not built"))]

mod bookmark;
#[cfg(feature = "durable")]
pub(crate) mod log;
pub(crate) mod memory;

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;

pub(crate) use memory::{Bounds, History};

use crate::{
    event::{Event, Wire},
    publication::Answer,
    topic::Topic,
};

/// What a subscriber asks to continue from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LastId {
    /// Everything that is still there.
    Earliest,
    /// What came after the event with this id.
    Id(String),
}

/// The place of an update in the order: each stored one takes the next.
pub(crate) type Cursor = u64;

/// Where a replay continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// At the oldest update there is when the replay looks, so that it can't be overtaken before it has begun.
    Earliest,
    /// At this place.
    Place(Cursor),
}

/// What is known about an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    At(Position),
    /// Nobody has it, or it was discarded.
    Nowhere,
    /// Not in memory: the log has to be asked. If it does not know the id either, an unstored update that had it stood before this place.
    AskLog(Option<Cursor>),
}

/// Why memory has nothing at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It was discarded: the replay can't go on without a gap.
    Outrun,
    /// The log has it. Memory begins at this place.
    InLog(Cursor),
}

/// Why the log gives no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPage {
    /// What stood there was discarded.
    Outrun,
    /// It can't be read; the log of the program says why.
    Unreadable,
}

/// The next events of a replay.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) events: Vec<Arc<Event>>,
    /// Where the next page begins.
    pub(crate) next: Cursor,
    bytes: usize,
}

impl Page {
    /// How many events one page holds; where each has to be looked at, how many are looked at.
    pub(crate) const EVENTS: usize = 256;
    /// How many bytes it gathers before it stops.
    const BYTES: usize = 256 << 10;

    pub(crate) fn at(next: Cursor) -> Self {
        Self { events: Vec::new(), next, bytes: 0 }
    }

    pub(crate) fn push(&mut self, event: Arc<Event>, wire: Wire) {
        self.bytes += event.on(wire).len();
        self.events.push(event);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.events.len() >= Self::EVENTS || self.bytes >= Self::BYTES
    }
}

/// Whether an update of these topics is wanted.
pub(crate) type Wants = Box<dyn Fn(&[Topic]) -> bool + Send>;

/// What a replay asks the log for.
pub(crate) struct Reading {
    pub(crate) from: Position,
    /// The place before which it ends: from there on memory has everything.
    pub(crate) until: Cursor,
    /// The topics, when all that is wanted was named: then nothing else is looked at.
    pub(crate) named: Option<Vec<Topic>>,
    pub(crate) wants: Wants,
    pub(crate) wire: Wire,
}

/// A history on disk. What it takes is delivered when it is safe, in the order in which it was taken.
pub(crate) trait Log: fmt::Debug + Send + Sync {
    /// The place of the oldest update.
    fn floor(&self) -> Cursor;

    /// The place after the earliest update with this id.
    fn find(&self, id: String) -> BoxFuture<'static, Result<Option<Cursor>, NoPage>>;

    /// The next page of a replay.
    fn page(&self, reading: Reading) -> BoxFuture<'static, Result<Page, NoPage>>;

    /// Takes an update, `named` when its publisher chose the id; the answer comes when it is on disk and has its place. Never waits for the disk.
    fn append(&self, event: Arc<Event>, named: bool, answer: Answer);

    /// Whether it can take updates: not while what was tried last could not be written.
    fn can_store(&self) -> bool;

    /// Writes what it has taken, then lets go of the file. Waits for it.
    fn stop(&self);
}
