//! Reading: ids and pages, each in a transaction of its own.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::{
    event::Event,
    history::{
        Cursor, NoPage, Page, Position, Reading,
        log::{Shared, store::Store},
    },
    sync::lock,
    topic::Topic,
};

/// How many updates one page looks at where each has to be compared.
const LOOKED_AT: usize = 1_024;

/// Serves what is asked until the log is closed.
pub(super) fn run(store: &mut Store, shared: &Shared) {
    loop {
        let mut reads = lock(&shared.reads);
        let read = loop {
            if let Some(read) = reads.reads.pop_front() {
                break read;
            }
            if reads.stopped {
                return;
            }
            reads = shared.to_read.wait(reads).unwrap_or_else(std::sync::PoisonError::into_inner);
        };
        drop(reads);
        // A panic would be a mistake of ours: it costs one stream its page, and not the others their reader.
        if catch_unwind(AssertUnwindSafe(|| read(store))).is_err() {
            tracing::error!("a read of the history failed");
            store.roll_back();
        }
    }
}

/// The place after the earliest update with this id that is not too old.
pub(super) fn find(store: &Store, id: &str, oldest: Option<f64>) -> Result<Option<Cursor>, NoPage> {
    reading(store, || {
        let Some(floor) = floor(store, oldest)? else { return Ok(None) };
        Ok(store.find(id, floor)?.map(|place| place + 1))
    })
}

/// The next page of a replay.
pub(super) fn page(store: &Store, asked: &Reading, oldest: Option<f64>) -> Result<Page, NoPage> {
    reading(store, || {
        let floor = floor(store, oldest)?.unwrap_or(asked.until);
        let from = match asked.from {
            Position::Earliest => floor.min(asked.until),
            Position::Place(place) if place < floor => return Ok(Err(NoPage::Outrun)),
            Position::Place(place) => place,
        };
        match &asked.named {
            Some(topics) => named(store, asked, topics, from),
            None => walked(store, asked, from),
        }
        .map(Ok)
    })?
}

/// Runs a read on one state of the file.
fn reading<T>(store: &Store, read: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, NoPage> {
    let result = store.step("begin").and_then(|()| read());
    store.roll_back();
    result.map_err(|error| {
        tracing::error!(%error, "cannot read the history");
        NoPage::Unreadable
    })
}

/// The oldest place there is, or the oldest that is not too old: the writer may not have come to delete what is.
fn floor(store: &Store, oldest: Option<f64>) -> rusqlite::Result<Option<Cursor>> {
    let (Some(floor), Some(oldest), Some(newest)) = (store.oldest()?, oldest, store.newest()?) else {
        return store.oldest();
    };
    let (mut low, mut high) = (floor, newest + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if store.time(middle)?.is_some_and(|time| time < oldest) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(Some(low))
}

/// The updates of these topics, from the lists of their places.
fn named(store: &Store, asked: &Reading, topics: &[Topic], from: Cursor) -> rusqlite::Result<Page> {
    let (mut places, mut known) = (Vec::new(), asked.until);
    let count = (2 * Page::EVENTS / topics.len().max(1)).max(16);
    for topic in topics {
        let before = places.len();
        store.of_topic(topic, from, known, count, &mut places)?;
        if places.len() - before == count {
            // The list may go on: what lies behind its end is for the next page.
            known = places.last().map_or(known, |last| last + 1);
        }
    }
    places.retain(|place| *place < known);
    places.sort_unstable();
    places.dedup();
    let mut page = Page::at(from);
    for place in places {
        if page.is_full() {
            page.next = place;
            return Ok(page);
        }
        if let Some(update) = store.at(place)?
            && (asked.wants)(&update.topics)
        {
            page.push(Arc::new(Event::new(update)), asked.wire);
        }
    }
    page.next = known;
    Ok(page)
}

/// The updates that are wanted, looked at one by one.
fn walked(store: &Store, asked: &Reading, from: Cursor) -> rusqlite::Result<Page> {
    let (mut page, mut looked_at) = (Page::at(asked.until), 0);
    store.walk(from, asked.until, |place, found| {
        if page.is_full() || looked_at == LOOKED_AT {
            page.next = place;
            return Ok(false);
        }
        looked_at += 1;
        let topics = found.topics()?;
        if (asked.wants)(&topics) {
            page.push(Arc::new(Event::new(found.update_of(topics)?)), asked.wire);
        }
        Ok(true)
    })?;
    Ok(page)
}
