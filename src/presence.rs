//! Who is there: from the streams that a person has open and from polls, in memory. What changed is taken out in batches, so
//! that a reload is no coming and going, and a restart no storm of news.

use crate::clock::Micros;
use crate::id::UserId;
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SECOND: Micros = 1_000_000;
const MINUTE: Micros = 60 * SECOND;
/// A page that reloads is away for less than this.
pub const GRACE: Micros = 10 * SECOND;
/// Who polls is there for so long after a poll.
pub const POLL_LASTS: Micros = 30 * SECOND;
/// After a start everybody comes back at once: told together when this is over.
pub const WARM_UP: Micros = 5 * SECOND;
/// How often "last seen" is written down for who stays.
const WRITE_EVERY: Micros = 5 * MINUTE;

/// Whether somebody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A page is open and looked at.
    Online,
    /// Pages are open, and none has been looked at for some minutes.
    Away,
    /// No page is open.
    Offline,
}

/// Everybody's presence. A cheap clone.
#[derive(Debug, Clone)]
pub struct Presence(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    people: HashMap<UserId, Person>,
    /// Whose status may be another than was told, or will be by itself.
    restless: HashSet<UserId>,
    started_at: Micros,
}

#[derive(Debug, Clone, Copy)]
struct Person {
    streams: usize,
    /// Until when the person counts as there without a stream.
    until: Micros,
    away_since: Option<Micros>,
    told: Status,
    /// Last sign of life.
    seen_at: Micros,
    written_at: Micros,
}

impl Person {
    fn new(now: Micros) -> Self {
        Self { streams: 0, until: now, away_since: None, told: Status::Offline, seen_at: now, written_at: 0 }
    }

    fn status(&self, now: Micros) -> Status {
        if self.streams == 0 && self.until <= now {
            return Status::Offline;
        }
        match self.away_since {
            Some(since) if since + GRACE <= now => Status::Away,
            Some(_) | None => Status::Online,
        }
    }

    /// Whether time alone will change the status.
    fn is_restless(&self, now: Micros) -> bool {
        self.streams == 0 || self.away_since.is_some_and(|since| since + GRACE > now)
    }
}

impl Presence {
    /// Nobody is there.
    pub fn new(now: Micros) -> Self {
        let state = State { people: HashMap::new(), restless: HashSet::new(), started_at: now };
        Self(Arc::new(Mutex::new(state)))
    }

    /// A person has so many streams open now.
    pub fn streams(&self, user: UserId, streams: usize, now: Micros) {
        self.lock().change(user, now, |person| {
            if streams == 0 && person.streams > 0 {
                person.until = person.until.max(now + GRACE);
            }
            if person.status(now) == Status::Offline {
                person.away_since = None;
            }
            person.streams = streams;
        });
    }

    /// A person without a stream has polled.
    pub fn polled(&self, user: UserId, now: Micros) {
        let mut state = self.lock();
        if state.people.get(&user).is_none_or(|person| person.streams == 0) {
            state.change(user, now, |person| {
                if person.status(now) == Status::Offline {
                    person.away_since = None;
                }
                person.until = now + POLL_LASTS;
            });
        }
    }

    /// A page of the person's says that nobody has looked at it for some minutes, or that somebody does again. The last word
    /// counts: a page that is looked at objects.
    pub fn away(&self, user: UserId, on: bool, now: Micros) {
        self.lock().change(user, now, |person| {
            person.away_since = on.then(|| person.away_since.unwrap_or(now));
        });
    }

    /// The person signed out: only streams of other browsers count.
    pub fn signed_out(&self, user: UserId, now: Micros) {
        self.lock().change(user, now, |person| person.until = now);
    }

    /// Whether a person is there, and when the person was last seen, as far as memory goes.
    pub fn of(&self, user: UserId, now: Micros) -> (Status, Option<Micros>) {
        let state = self.lock();
        state.people.get(&user).map_or((Status::Offline, None), |person| (person.status(now), Some(person.seen_at)))
    }

    /// Some of those who are there, at most so many.
    pub fn some_here(&self, most: usize, now: Micros) -> Vec<UserId> {
        let state = self.lock();
        let there = state.people.iter().filter(|(_, person)| person.status(now) != Status::Offline);
        there.map(|(user, _)| *user).take(most).collect()
    }

    /// Whose status is another than was told last.
    pub fn settle(&self, now: Micros) -> Vec<UserId> {
        let mut state = self.lock();
        if now < state.started_at + WARM_UP {
            return Vec::new();
        }
        let State { people, restless, .. } = &mut *state;
        let mut changed = Vec::new();
        restless.retain(|user| {
            let Some(person) = people.get_mut(user) else { return false };
            let status = person.status(now);
            if status != Status::Offline {
                person.seen_at = person.seen_at.max(if person.streams > 0 { now } else { person.seen_at });
            }
            if status != person.told {
                person.told = status;
                changed.push(*user);
            }
            status != Status::Offline && person.is_restless(now)
        });
        changed.sort_unstable();
        changed
    }

    /// Who was seen and is not yet written down, by the minute of the last sign of life; forgets who has gone. Everybody when
    /// the program ends.
    pub fn unwritten(&self, now: Micros, is_end: bool) -> Vec<(Micros, Vec<UserId>)> {
        let mut minutes: HashMap<Micros, Vec<UserId>> = HashMap::new();
        let mut state = self.lock();
        let State { people, restless, .. } = &mut *state;
        people.retain(|user, person| {
            let is_gone = person.status(now) == Status::Offline && person.told == Status::Offline;
            if person.streams > 0 {
                person.seen_at = now;
            }
            let minute = person.seen_at - person.seen_at.rem_euclid(MINUTE);
            let is_due = is_gone || is_end || now - person.written_at >= WRITE_EVERY;
            let is_news = is_due && minute > person.written_at;
            if is_news {
                person.written_at = minute;
                minutes.entry(minute).or_default().push(*user);
            }
            // Remembered until it is written, that is until the next time.
            !is_gone || is_news || restless.contains(user)
        });
        minutes.into_iter().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn change(&mut self, user: UserId, now: Micros, change: impl FnOnce(&mut Person)) {
        let person = self.people.entry(user).or_insert_with(|| Person::new(now));
        change(person);
        person.seen_at = now;
        self.restless.insert(user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: UserId = UserId(1);
    const BOB: UserId = UserId(2);
    const START: Micros = 1_000 * MINUTE;
    const AFTER: Micros = START + WARM_UP;

    #[test]
    fn a_reload_is_no_coming_and_going() {
        let presence = Presence::new(START);
        presence.streams(ALICE, 1, AFTER);
        assert_eq!(presence.settle(AFTER), [ALICE]);
        presence.streams(ALICE, 0, AFTER);
        assert_eq!(presence.settle(AFTER + GRACE - 1), []);
        presence.streams(ALICE, 1, AFTER + GRACE - 1);
        assert_eq!(presence.settle(AFTER + 10 * GRACE), []);
        presence.streams(ALICE, 0, AFTER + 10 * GRACE);
        assert_eq!(presence.settle(AFTER + 11 * GRACE), [ALICE]);
        assert_eq!(presence.of(ALICE, AFTER + 11 * GRACE).0, Status::Offline);
    }

    #[test]
    fn a_start_is_one_piece_of_news() {
        let presence = Presence::new(START);
        for n in 0..1_000 {
            presence.streams(UserId(n), 1, START + n);
            assert_eq!(presence.settle(START + n), []);
        }
        assert_eq!(presence.settle(AFTER).len(), 1_000);
        assert_eq!(presence.settle(AFTER), []);
    }

    #[test]
    fn who_polls_is_there_for_half_a_minute() {
        let presence = Presence::new(START);
        presence.polled(ALICE, AFTER);
        assert_eq!(presence.settle(AFTER), [ALICE]);
        presence.polled(ALICE, AFTER + 15 * SECOND);
        assert_eq!(presence.settle(AFTER + 31 * SECOND), []);
        assert_eq!(presence.settle(AFTER + 15 * SECOND + POLL_LASTS), [ALICE]);
        // A poll of who has a stream says nothing: closing the page is heard at once.
        presence.streams(BOB, 1, AFTER);
        presence.polled(BOB, AFTER);
        presence.streams(BOB, 0, AFTER);
        assert_eq!(presence.of(BOB, AFTER + GRACE).0, Status::Offline);
    }

    #[test]
    fn away_is_taken_back_by_a_page_that_is_looked_at() {
        let presence = Presence::new(START);
        presence.streams(ALICE, 2, AFTER);
        presence.settle(AFTER);
        presence.away(ALICE, true, AFTER);
        presence.away(ALICE, false, AFTER + SECOND);
        assert_eq!(presence.settle(AFTER + MINUTE), []);
        presence.away(ALICE, true, AFTER + MINUTE);
        presence.away(ALICE, true, AFTER + MINUTE + SECOND);
        assert_eq!(presence.settle(AFTER + MINUTE + GRACE), [ALICE]);
        assert_eq!(presence.of(ALICE, AFTER + MINUTE + GRACE).0, Status::Away);
        presence.streams(ALICE, 0, AFTER + 2 * MINUTE);
        presence.settle(AFTER + 3 * MINUTE);
        presence.streams(ALICE, 1, AFTER + 3 * MINUTE);
        assert_eq!(presence.of(ALICE, AFTER + 3 * MINUTE).0, Status::Online, "who comes back is looking");
    }

    #[test]
    fn last_seen_is_written_seldom() {
        let presence = Presence::new(START);
        presence.streams(ALICE, 1, AFTER);
        presence.settle(AFTER);
        let mut written = 0;
        for second in 0..600 {
            written += presence.unwritten(AFTER + second * SECOND, false).len();
        }
        assert!(written <= 3, "{written} times in ten minutes");
        let gone = AFTER + 11 * MINUTE;
        presence.streams(ALICE, 0, gone);
        assert_eq!(presence.settle(gone + GRACE), [ALICE]);
        assert_eq!(presence.unwritten(gone + GRACE, false), [(gone - gone % MINUTE, vec![ALICE])]);
        assert_eq!(presence.of(ALICE, gone + 2 * GRACE).1, Some(gone), "remembered until it is written");
        assert_eq!(presence.unwritten(gone + 2 * GRACE, true), [], "and then forgotten");
        assert_eq!(presence.of(ALICE, gone + 2 * GRACE), (Status::Offline, None));
    }
}
