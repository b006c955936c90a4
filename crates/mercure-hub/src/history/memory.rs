//! The history in memory: bounded by count, bytes and age; indexed by id and by topic.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    fmt,
    sync::Arc,
    time::Duration,
};

use crate::{
    config::Clock,
    event::Event,
    history::{Cursor, Found, LastId, Log, Missing, Position, bookmark::Bookmarks},
    topic::Topic,
    update::UpdateId,
};

/// Ids of unstored events whose place is remembered.
const MAX_MARKS: usize = 4_096;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
    /// Zero for any age.
    pub(crate) age: Duration,
}

struct Stored {
    event: Arc<Event>,
    /// When it came, in seconds since 1970.
    at: f64,
}

/// The newest updates. Without a log it is the whole history, with one its recent end.
pub(crate) struct History {
    bounds: Bounds,
    clock: Clock,
    /// What has everything that memory has, and more.
    log: Option<Arc<dyn Log>>,
    /// The place of the oldest event.
    base: Cursor,
    bytes: usize,
    events: VecDeque<Stored>,
    /// The places of each topic's events.
    topics: HashMap<Topic, VecDeque<Cursor>>,
    /// The place of each id: of its earliest occurrence, which is what a cursor means when ids repeat. An id whose earliest occurrence
    /// is in the log alone has none here.
    places: HashMap<UpdateId, Cursor>,
    /// Further occurrences of repeated ids, which follow when the earliest is forgotten. Without a log only: with one, that remains the place to ask.
    repeats: HashMap<UpdateId, VecDeque<Cursor>>,
    /// Where an unstored event stood. A browser's cursor is the last id it saw, stored or not.
    marks: HashMap<UpdateId, Cursor>,
    mark_order: VecDeque<UpdateId>,
    bookmarks: Bookmarks,
    /// How many events were looked at for a replay.
    #[cfg(test)]
    looked_at: std::cell::Cell<usize>,
}

impl History {
    pub(crate) fn new(bounds: Bounds, clock: Clock) -> Self {
        Self {
            bounds,
            clock,
            log: None,
            base: 0,
            bytes: 0,
            events: VecDeque::new(),
            topics: HashMap::new(),
            places: HashMap::new(),
            repeats: HashMap::new(),
            marks: HashMap::new(),
            mark_order: VecDeque::new(),
            bookmarks: Bookmarks::default(),
            #[cfg(test)]
            looked_at: std::cell::Cell::default(),
        }
    }

    /// The recent end of a log; the next update will stand at `next`.
    #[cfg(feature = "durable")]
    pub(crate) fn of_log(bounds: Bounds, clock: Clock, log: Arc<dyn Log>, next: Cursor) -> Self {
        Self { log: Some(log), base: next, ..Self::new(bounds, clock) }
    }

    pub(crate) fn log(&self) -> Option<&Arc<dyn Log>> {
        self.log.as_ref()
    }

    /// Stores an event. `again` says that the log has an older one with the same id.
    pub(crate) fn store(&mut self, event: Arc<Event>, again: bool) {
        let place = self.end();
        for topic in &event.topics {
            self.topics.entry(topic.clone()).or_default().push_back(place);
        }
        if !again && !self.places.contains_key(&event.id) {
            self.places.insert(event.id.clone(), place);
        } else if self.log.is_none() {
            self.repeats.entry(event.id.clone()).or_default().push_back(place);
        }
        self.bytes += event.weight();
        let at = if self.bounds.age.is_zero() { 0.0 } else { (self.clock)() };
        self.events.push_back(Stored { event, at });
        while self.events.len() > self.bounds.events || self.bytes > self.bounds.bytes {
            self.forget_oldest();
        }
        self.forget_old();
    }

    /// Remembers where an event stood that is not stored.
    pub(crate) fn mark(&mut self, id: &UpdateId) {
        if self.bounds.events == 0 && self.log.is_none() {
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

    /// An id from which a stream can be resumed that begins now.
    pub(crate) fn bookmark(&self) -> UpdateId {
        self.bookmarks.id(self.end())
    }

    /// Forgets what is too old, and what the log has discarded. Cheap when nothing is.
    fn forget_old(&mut self) {
        if !self.bounds.age.is_zero() {
            let oldest = (self.clock)() - self.bounds.age.as_secs_f64();
            while self.events.front().is_some_and(|stored| stored.at < oldest) {
                self.forget_oldest();
            }
        }
        while self.base < self.floor() {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some(Stored { event, .. }) = self.events.pop_front() else {
            return;
        };
        let place = self.base;
        self.bytes -= event.weight();
        self.base += 1;
        for topic in &event.topics {
            if let Some(places) = self.topics.get_mut(topic) {
                places.pop_front();
                if places.is_empty() {
                    self.topics.remove(topic);
                }
            }
        }
        if self.places.get(&event.id) != Some(&place) {
            return;
        }
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

    /// The id of the newest event that is kept here.
    pub(crate) fn last_id(&self) -> Option<&UpdateId> {
        self.events.back().map(|kept| &kept.event.id)
    }

    /// How many events are kept here, and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.events.len(), self.bytes)
    }

    /// The place of the next event to come.
    pub(crate) fn end(&self) -> Cursor {
        self.base + self.events.len() as u64
    }

    /// The oldest place from which nothing was lost. The log may have discarded what has not come here yet.
    fn floor(&self) -> Cursor {
        self.log.as_ref().map_or(self.base, |log| log.floor().min(self.end()))
    }

    /// Where to continue, if that place is known and nothing after it was lost.
    pub(crate) fn find(&mut self, last: &LastId) -> Found {
        self.forget_old();
        let LastId::Id(id) = last else {
            return Found::At(Position::Earliest);
        };
        if let Some(place) = self.places.get(id.as_str()) {
            return Found::At(Position::Place(place + 1));
        }
        let is_kept = |place: &Cursor| (self.floor()..=self.end()).contains(place);
        if let Some(place) = self.bookmarks.place(id).filter(is_kept) {
            return Found::At(Position::Place(place));
        }
        let marked = self.marks.get(id.as_str()).copied().filter(|place| *place >= self.floor());
        // An id that the hub has made is nobody else's. What a publisher chose may stand in the log as well, and counts from there.
        let is_sure = self.log.is_none() || id.starts_with("urn:uuid:");
        match marked {
            Some(place) if is_sure => Found::At(Position::Place(place)),
            None if self.log.is_none() => Found::Nowhere,
            marked => Found::AskLog(marked),
        }
    }

    /// Whether an update with this id is in memory, or was there and not stored.
    pub(crate) fn knows(&self, id: &UpdateId) -> bool {
        self.places.contains_key(id) || self.marks.contains_key(id)
    }

    /// The place at which a replay goes on, if memory has everything from there on.
    pub(crate) fn resolve(&mut self, position: Position) -> Result<Cursor, Missing> {
        self.forget_old();
        let floor = self.floor();
        let place = match position {
            Position::Earliest => floor,
            Position::Place(place) => place,
        };
        if place < floor {
            Err(Missing::Outrun)
        } else if place < self.base {
            Err(Missing::InLog(self.base))
        } else {
            Ok(place)
        }
    }

    /// The events from this place on, one by one.
    pub(crate) fn walk(&self, cursor: Cursor) -> impl Iterator<Item = &Arc<Event>> {
        let skip = usize::try_from(cursor.saturating_sub(self.base)).unwrap_or(usize::MAX);
        self.events.iter().skip(skip).map(|stored| &stored.event)
    }

    /// The events of these topics from this place on, with their places. No other event is looked at.
    pub(crate) fn pick<'a>(&'a self, cursor: Cursor, topics: impl Iterator<Item = &'a Topic>) -> Picked<'a> {
        let lists: Vec<_> = topics.filter_map(|topic| self.topics.get(topic)).collect();
        let heads = lists.iter().enumerate().filter_map(|(list, places)| {
            let first = places.partition_point(|place| *place < cursor);
            places.get(first).map(|place| Reverse((*place, list, first)))
        });
        Picked { history: self, heads: heads.collect(), lists }
    }
}

/// The events of several topics, merged.
pub(crate) struct Picked<'a> {
    history: &'a History,
    lists: Vec<&'a VecDeque<Cursor>>,
    /// The next place of each list, with the list's number and its place in there.
    heads: BinaryHeap<Reverse<(Cursor, usize, usize)>>,
}

impl Picked<'_> {
    /// Moves the list that has the lowest place on by one.
    fn advance(&mut self) -> Option<Cursor> {
        let mut head = self.heads.peek_mut()?;
        let Reverse((place, list, index)) = *head;
        match self.lists.get(list).and_then(|places| places.get(index + 1)) {
            Some(next) => *head = Reverse((*next, list, index + 1)),
            None => {
                std::collections::binary_heap::PeekMut::pop(head);
            }
        }
        Some(place)
    }
}

impl<'a> Iterator for Picked<'a> {
    type Item = (Cursor, &'a Arc<Event>);

    fn next(&mut self) -> Option<Self::Item> {
        let place = self.advance()?;
        // An event of several of these topics stands on several lists.
        while self.heads.peek().is_some_and(|Reverse((next, ..))| *next == place) {
            self.advance();
        }
        #[cfg(test)]
        self.history.looked_at.update(|count| count + 1);
        let index = usize::try_from(place - self.history.base).ok()?;
        self.history.events.get(index).map(|stored| (place, &stored.event))
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("base", &self.base).field("end", &self.end()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::Update;

    fn event(id: &str) -> Arc<Event> {
        Arc::new(Event::new(Update::new("t", "").unwrap().id(id).unwrap()))
    }

    fn history(events: usize, bytes: usize) -> History {
        History::new(Bounds { events, bytes, age: Duration::ZERO }, Arc::new(|| 0.0))
    }

    fn filled(max_events: usize, ids: &[&str]) -> History {
        let mut history = history(max_events, usize::MAX);
        ids.iter().for_each(|id| history.store(event(id), false));
        history
    }

    fn after(history: &mut History, id: &str) -> Option<Vec<String>> {
        let last = if id == "earliest" { LastId::Earliest } else { LastId::Id(id.to_owned()) };
        let Found::At(position) = history.find(&last) else { return None };
        let cursor = history.resolve(position).unwrap();
        Some(history.walk(cursor).map(|event| event.id.to_string()).collect())
    }

    #[test]
    fn any_cut_resumes_without_gap_or_repeat() {
        let ids: Vec<String> = (0..50).map(|n| format!("id{n}")).collect();
        let mut history = filled(30, &ids.iter().map(String::as_str).collect::<Vec<_>>());
        for (n, id) in ids.iter().enumerate() {
            let expected = (n >= 20).then(|| ids[n + 1..].to_vec());
            assert_eq!(after(&mut history, id), expected, "{id}");
        }
        assert_eq!(after(&mut history, "earliest"), Some(ids[20..].to_vec()));
        assert_eq!(after(&mut history, "unknown"), None);
    }

    #[test]
    fn a_repeated_id_means_its_earliest_occurrence() {
        let mut history = filled(4, &["a", "x", "b", "x"]);
        assert_eq!(after(&mut history, "x").unwrap(), ["b", "x"]);
        history.store(event("c"), false);
        assert_eq!(after(&mut history, "x").unwrap(), ["b", "x", "c"]);
        history.store(event("x"), false);
        assert_eq!(after(&mut history, "x").unwrap(), ["c", "x"], "the first one has gone");
        ["d", "e", "f"].iter().for_each(|id| history.store(event(id), false));
        assert_eq!(after(&mut history, "x").unwrap(), ["d", "e", "f"]);
        history.store(event("g"), false);
        assert_eq!(after(&mut history, "x"), None);
        assert!(history.repeats.is_empty(), "nothing is left behind");
        assert_eq!(history.places.len(), 4);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let weight = event("id0").weight();
        let mut history = history(usize::MAX, 3 * weight);
        for n in 0..9 {
            history.store(event(&format!("id{n}")), false);
        }
        assert_eq!(after(&mut history, "earliest").unwrap(), ["id6", "id7", "id8"]);
        history.store(Arc::new(Event::new(Update::new("t", "x".repeat(4 * weight)).unwrap())), false);
        assert_eq!(after(&mut history, "earliest").unwrap(), Vec::<String>::new());
        assert_eq!((history.bytes, history.end()), (0, 10));
    }

    #[test]
    fn an_unstored_event_is_a_place_to_resume_from() {
        let mut history = filled(2, &["a", "b"]);
        let mark = UpdateId::random();
        history.mark(&mark);
        assert_eq!(after(&mut history, mark.as_str()).unwrap(), Vec::<String>::new());
        history.store(event("c"), false);
        history.store(event("d"), false);
        assert_eq!(after(&mut history, mark.as_str()).unwrap(), ["c", "d"]);
        history.store(event("e"), false);
        assert_eq!(after(&mut history, mark.as_str()), None, "c is lost");
        (0..MAX_MARKS).for_each(|_| history.mark(&UpdateId::random()));
        assert_eq!((history.marks.len(), history.mark_order.len()), (MAX_MARKS, MAX_MARKS));
    }

    #[test]
    fn a_replay_that_the_history_has_overtaken_is_told_so() {
        let mut history = filled(2, &["a", "b"]);
        let Found::At(place) = history.find(&LastId::Id("a".to_owned())) else { panic!("a is there") };
        assert_eq!(history.resolve(place), Ok(1));
        ["c", "d"].iter().for_each(|id| history.store(event(id), false));
        assert_eq!(history.resolve(place), Err(Missing::Outrun));
        assert_eq!(
            history.resolve(Position::Earliest),
            Ok(2),
            "what begins at the oldest is not overtaken before it began"
        );
        assert_eq!(history.walk(history.end()).count(), 0);
    }

    #[test]
    fn age_is_bounded_by_the_clock() {
        let now = Arc::new(std::sync::Mutex::new(1_000.0));
        let clock = Arc::clone(&now);
        let bounds = Bounds { events: 10, bytes: usize::MAX, age: Duration::from_secs(60) };
        let mut history = History::new(bounds, Arc::new(move || *clock.lock().unwrap()));
        for (id, at) in [("a", 1_000.0), ("b", 1_030.0), ("c", 1_060.0)] {
            *now.lock().unwrap() = at;
            history.store(event(id), false);
        }
        assert_eq!(after(&mut history, "a").unwrap(), ["b", "c"]);
        *now.lock().unwrap() = 1_061.0;
        assert_eq!(after(&mut history, "a"), None, "nothing has to be published for it to be forgotten");
        assert_eq!(after(&mut history, "earliest").unwrap(), ["b", "c"]);
        *now.lock().unwrap() = 2_000.0;
        assert_eq!(after(&mut history, "earliest").unwrap(), Vec::<String>::new());
        assert!(history.topics.is_empty() && history.places.is_empty());
    }

    #[test]
    fn the_events_of_some_topics_are_found_without_the_others() {
        let mut history = history(usize::MAX, usize::MAX);
        for n in 0..10_000 {
            let update = Update::new(format!("t{}", n % 1_000), "").unwrap().alternate(format!("u{}", n % 7)).unwrap();
            history.store(Arc::new(Event::new(update.id(format!("id{n}")).unwrap())), false);
        }
        let topics = ["t3", "t14", "u0", "nothing"].map(|name| Topic::new(name).unwrap());
        history.looked_at.set(0);
        for cursor in [0, 5_000, 9_999, 10_000] {
            let expected: Vec<_> =
                (cursor..10_000).filter(|n| n % 1_000 == 3 || n % 1_000 == 14 || n % 7 == 0).collect();
            let picked: Vec<_> = history.pick(cursor, topics.iter()).collect();
            assert_eq!(picked.iter().map(|(place, _)| *place).collect::<Vec<_>>(), expected);
            assert!(picked.iter().all(|(place, event)| event.id.as_str() == format!("id{place}")));
            assert_eq!(history.looked_at.take(), expected.len());
        }
    }

    #[test]
    fn without_a_history_nothing_is_kept() {
        let mut history = filled(0, &["a", "b"]);
        history.mark(&UpdateId::random());
        assert_eq!(after(&mut history, "a"), None);
        assert_eq!(after(&mut history, "earliest").unwrap(), Vec::<String>::new());
        assert!(history.places.is_empty() && history.marks.is_empty());
    }
}
