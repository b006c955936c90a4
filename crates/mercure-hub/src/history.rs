//! The history: the last updates, in the order in which they were published, within a count and a number of bytes.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use crate::{event::Event, update::UpdateId};

/// Ids of unstored events whose place is remembered.
const MAX_MARKS: usize = 4_096;

/// What a subscriber asks to continue from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LastId {
    /// Everything that is still there.
    Earliest,
    /// What came after the event with this id.
    Id(String),
}

/// The place of the next update to be sent.
pub(crate) type Cursor = u64;

/// The history has lost what stood at the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outrun;

#[derive(Debug)]
pub(crate) struct History {
    max_events: usize,
    max_bytes: usize,
    /// The place of the oldest event.
    base: Cursor,
    bytes: usize,
    events: VecDeque<Arc<Event>>,
    /// The place of each id: of its earliest occurrence, which is what a cursor means when ids repeat.
    places: HashMap<UpdateId, Cursor>,
    /// Further occurrences of repeated ids.
    repeats: HashMap<UpdateId, VecDeque<Cursor>>,
    /// Where an unstored event stood. A browser's cursor is the last id it saw, stored or not.
    marks: HashMap<UpdateId, Cursor>,
    mark_order: VecDeque<UpdateId>,
}

impl History {
    pub(crate) fn new(max_events: usize, max_bytes: usize) -> Self {
        Self {
            max_events,
            max_bytes,
            base: 0,
            bytes: 0,
            events: VecDeque::new(),
            places: HashMap::new(),
            repeats: HashMap::new(),
            marks: HashMap::new(),
            mark_order: VecDeque::new(),
        }
    }

    pub(crate) fn store(&mut self, event: Arc<Event>) {
        let place = self.end();
        if self.places.contains_key(&event.id) {
            self.repeats.entry(event.id.clone()).or_default().push_back(place);
        } else {
            self.places.insert(event.id.clone(), place);
        }
        self.bytes += event.weight();
        self.events.push_back(event);
        while self.events.len() > self.max_events || self.bytes > self.max_bytes {
            self.forget_oldest();
        }
    }

    /// Remembers where an event stood that is not stored.
    pub(crate) fn mark(&mut self, id: &UpdateId) {
        if self.max_events == 0 {
            return;
        }
        if self.mark_order.len() == MAX_MARKS
            && let Some(old) = self.mark_order.pop_front()
        {
            self.marks.remove(&old);
        }
        if self.marks.insert(id.clone(), self.end()).is_none() {
            self.mark_order.push_back(id.clone());
        }
    }

    fn forget_oldest(&mut self) {
        let Some(event) = self.events.pop_front() else {
            return;
        };
        self.bytes -= event.weight();
        self.base += 1;
        let next = self.repeats.get_mut(&event.id).and_then(VecDeque::pop_front);
        match next {
            Some(place) => {
                self.places.insert(event.id.clone(), place);
            }
            None => {
                self.places.remove(&event.id);
                self.repeats.remove(&event.id);
            }
        }
    }

    /// The id of the newest stored event.
    pub(crate) fn last_id(&self) -> Option<&UpdateId> {
        self.events.back().map(|event| &event.id)
    }

    /// How many events it holds, and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.events.len(), self.bytes)
    }

    /// The place of the next event to come.
    pub(crate) fn end(&self) -> Cursor {
        self.base + self.events.len() as u64
    }

    /// Where to continue, if that place is known and nothing after it was lost.
    pub(crate) fn find(&self, last: &LastId) -> Option<Cursor> {
        match last {
            LastId::Earliest => Some(self.base),
            LastId::Id(id) => {
                let stored = self.places.get(id.as_str()).map(|place| place + 1);
                stored.or_else(|| self.marks.get(id.as_str()).copied().filter(|place| *place >= self.base))
            }
        }
    }

    /// The next events from this place on, `count` at most.
    pub(crate) fn page(&self, cursor: Cursor, count: usize) -> Result<impl Iterator<Item = &Arc<Event>>, Outrun> {
        let skip = cursor.checked_sub(self.base).ok_or(Outrun)?;
        Ok(self.events.iter().skip(usize::try_from(skip).unwrap_or(usize::MAX)).take(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::Update;

    fn event(id: &str) -> Arc<Event> {
        Arc::new(Event::new(Update::new("t", "").unwrap().id(id).unwrap()))
    }

    fn filled(max_events: usize, ids: &[&str]) -> History {
        let mut history = History::new(max_events, usize::MAX);
        ids.iter().for_each(|id| history.store(event(id)));
        history
    }

    fn after(history: &History, id: &str) -> Option<Vec<String>> {
        let last = if id == "earliest" { LastId::Earliest } else { LastId::Id(id.to_owned()) };
        let cursor = history.find(&last)?;
        Some(history.page(cursor, usize::MAX).unwrap().map(|event| event.id.to_string()).collect())
    }

    #[test]
    fn any_cut_resumes_without_gap_or_repeat() {
        let ids: Vec<String> = (0..50).map(|n| format!("id{n}")).collect();
        let history = filled(30, &ids.iter().map(String::as_str).collect::<Vec<_>>());
        for (n, id) in ids.iter().enumerate() {
            let expected = (n >= 20).then(|| ids[n + 1..].to_vec());
            assert_eq!(after(&history, id), expected, "{id}");
        }
        assert_eq!(after(&history, "earliest"), Some(ids[20..].to_vec()));
        assert_eq!(after(&history, "unknown"), None);
    }

    #[test]
    fn a_repeated_id_means_its_earliest_occurrence() {
        let mut history = filled(4, &["a", "x", "b", "x"]);
        assert_eq!(after(&history, "x").unwrap(), ["b", "x"]);
        history.store(event("c"));
        assert_eq!(after(&history, "x").unwrap(), ["b", "x", "c"]);
        history.store(event("x"));
        assert_eq!(after(&history, "x").unwrap(), ["c", "x"], "the first one has gone");
        ["d", "e", "f"].iter().for_each(|id| history.store(event(id)));
        assert_eq!(after(&history, "x").unwrap(), ["d", "e", "f"]);
        history.store(event("g"));
        assert_eq!(after(&history, "x"), None);
        assert!(history.repeats.is_empty(), "nothing is left behind");
        assert_eq!(history.places.len(), 4);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let weight = event("id0").weight();
        let mut history = History::new(usize::MAX, 3 * weight);
        for n in 0..9 {
            history.store(event(&format!("id{n}")));
        }
        assert_eq!(after(&history, "earliest").unwrap(), ["id6", "id7", "id8"]);
        history.store(Arc::new(Event::new(Update::new("t", "x".repeat(4 * weight)).unwrap())));
        assert_eq!(after(&history, "earliest").unwrap(), Vec::<String>::new());
        assert_eq!((history.bytes, history.end()), (0, 10));
    }

    #[test]
    fn an_unstored_event_is_a_place_to_resume_from() {
        let mut history = filled(2, &["a", "b"]);
        let mark = UpdateId::random();
        history.mark(&mark);
        assert_eq!(after(&history, mark.as_str()).unwrap(), Vec::<String>::new());
        history.store(event("c"));
        history.store(event("d"));
        assert_eq!(after(&history, mark.as_str()).unwrap(), ["c", "d"]);
        history.store(event("e"));
        assert_eq!(after(&history, mark.as_str()), None, "c is lost");
        (0..MAX_MARKS).for_each(|_| history.mark(&UpdateId::random()));
        assert_eq!((history.marks.len(), history.mark_order.len()), (MAX_MARKS, MAX_MARKS));
    }

    #[test]
    fn a_replay_that_the_history_has_overtaken_is_told_so() {
        let mut history = filled(2, &["a", "b"]);
        let cursor = history.find(&LastId::Earliest).unwrap();
        history.store(event("c"));
        assert_eq!(history.page(cursor, 10).err(), Some(Outrun));
        assert_eq!(history.page(history.end(), 10).unwrap().count(), 0);
    }

    #[test]
    fn without_a_history_nothing_is_kept() {
        let mut history = filled(0, &["a", "b"]);
        history.mark(&UpdateId::random());
        assert_eq!(after(&history, "a"), None);
        assert_eq!(after(&history, "earliest").unwrap(), Vec::<String>::new());
        assert!(history.places.is_empty() && history.marks.is_empty());
    }
}
