//! Replay: from the history, in pages, up to the present.

use std::sync::Arc;

use crate::{
    engine::{Engine, subscriber::Subscriber},
    history::{Found, LastId, Log, Missing, NoPage, Page, Position, Reading},
};

/// The next step of a replay.
pub(crate) enum Step {
    /// These are wanted; their rights are still to be looked at.
    Page(Page),
    /// Only the log has what comes next.
    Read(Arc<dyn Log>, Reading),
    /// The present is reached: from here on the queue has everything.
    Live,
    Outrun,
}

impl Engine {
    /// Where a replay begins. An update that is published between this and the admission is not lost: the place stays where it is.
    pub(crate) async fn locate(&self, last: &LastId) -> Result<Option<Position>, NoPage> {
        let found = self.state().history.find(last);
        match (found, last, &self.log) {
            (Found::At(position), ..) => Ok(Some(position)),
            (Found::AskLog(marked), LastId::Id(id), Some(log)) => {
                Ok(log.find(id.clone()).await?.or(marked).map(Position::Place))
            }
            (Found::AskLog(_) | Found::Nowhere, ..) => Ok(None),
        }
    }

    /// The next page of a replay, or the switch to the present: under the one lock, so that nothing falls between.
    pub(crate) fn step(&self, subscriber: &Arc<Subscriber>, position: Position) -> Step {
        let mut state = self.state();
        let cursor = match (state.history.resolve(position), &self.log) {
            (Ok(cursor), _) => cursor,
            (Err(Missing::InLog(until)), Some(log)) => {
                drop(state);
                return Step::Read(Arc::clone(log), reading(subscriber, position, until));
            }
            (Err(Missing::InLog(_) | Missing::Outrun), _) => return Step::Outrun,
        };
        let mut page = Page::at(cursor);
        let end = state.history.end();
        let interest = subscriber.interest();
        if end - cursor <= Page::EVENTS as u64 {
            for event in state.history.walk(cursor) {
                if page.is_full() {
                    break;
                }
                page.next += 1;
                if interest.wants(event) {
                    page.push(Arc::clone(event), subscriber.wire);
                }
            }
        } else if interest.is_named() {
            page.next = end;
            for (place, event) in state.history.pick(cursor, interest.named.keys()) {
                if page.is_full() {
                    page.next = place;
                    break;
                }
                page.push(Arc::clone(event), subscriber.wire);
            }
        } else {
            // Each has to be compared with each pattern: not while everybody waits.
            drop(interest);
            let events: Vec<_> = state.history.walk(cursor).take(Page::EVENTS).cloned().collect();
            drop(state);
            let interest = subscriber.interest();
            for event in events {
                if page.is_full() {
                    break;
                }
                page.next += 1;
                if interest.wants(&event) {
                    page.push(event, subscriber.wire);
                }
            }
            return Step::Page(page);
        }
        drop(interest);
        if page.events.is_empty() && page.next == end {
            state.begin(subscriber, self.limits.initial_id);
            return Step::Live;
        }
        Step::Page(page)
    }
}

fn reading(subscriber: &Arc<Subscriber>, from: Position, until: u64) -> Reading {
    let interest = subscriber.interest();
    let named = interest.is_named().then(|| interest.named.keys().cloned().collect());
    drop(interest);
    let wanting = Arc::clone(subscriber);
    let wants = Box::new(move |topics: &[_]| wanting.interest().wants_any(topics));
    Reading { from, until, named, wants, wire: subscriber.wire }
}
