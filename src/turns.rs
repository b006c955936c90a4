//! Turns at work that one account could make slow for everybody: a few pieces of it run at once, one of each person, and when a place is
//! free the next person in the round gets it. Waiting is bounded in number, for each person and in all, and in time.
//!
//! A semaphore is first come, first served: who asks a thousand times would be served a thousand times before the next person.

use crate::error::{Error, Result};
use crate::id::UserId;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How many may work and wait, and how long.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Pieces of work that run at once, each of another person.
    pub at_once: usize,
    /// Pieces that wait, of one person.
    pub waiting_each: usize,
    /// Pieces that wait, of everybody.
    pub waiting: usize,
    /// How long one waits.
    pub patience: Duration,
}

/// A round of people who want the same kind of work done. A cheap clone.
#[derive(Debug, Clone)]
pub struct Turns(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rules: Rules,
    is_closed: Arc<AtomicBool>,
    round: Mutex<Round>,
}

/// Either a place is free or the order is not empty, never both.
#[derive(Debug)]
struct Round {
    free: usize,
    waiting: usize,
    /// Who gets the next free places: people who wait and have no turn now, each once.
    order: VecDeque<UserId>,
    people: HashMap<UserId, Person>,
}

#[derive(Debug, Default)]
struct Person {
    has_turn: bool,
    queue: VecDeque<oneshot::Sender<Turn>>,
}

/// A turn that was asked for.
#[derive(Debug)]
pub struct Waiting(oneshot::Receiver<Turn>);

/// One's turn: it ends with this value, so whatever works on another thread takes it along.
#[derive(Debug)]
pub struct Turn {
    user: UserId,
    turns: Arc<Inner>,
}

impl Turns {
    /// A round with these rules.
    pub fn new(rules: Rules) -> Self {
        let round = Round { free: rules.at_once, waiting: 0, order: VecDeque::new(), people: HashMap::new() };
        Self(Arc::new(Inner { rules, is_closed: Arc::default(), round: Mutex::new(round) }))
    }

    /// Asks for a turn, without waiting for it.
    ///
    /// # Errors
    /// `TooMany` when the person waits for enough already; `Unavailable` when all together do, or the program is to end.
    pub fn ask(&self, user: UserId) -> Result<Waiting> {
        let inner = &self.0;
        let (answer, waiting) = oneshot::channel();
        let mut round = inner.lock();
        if self.is_closed() {
            return Err(Error::Unavailable);
        }
        round.forget_who_left(user);
        let has_turn = round.people.get(&user).is_some_and(|person| person.has_turn);
        if round.free == 0 || has_turn {
            if round.waiting >= inner.rules.waiting {
                round.forget_all_who_left();
            }
            let own = round.people.get(&user).map_or(0, |person| person.queue.len());
            if own >= inner.rules.waiting_each {
                return Err(Error::TooMany { retry_after: inner.rules.patience.as_secs().max(1) });
            }
            if round.waiting >= inner.rules.waiting {
                return Err(Error::Unavailable);
            }
        }
        round.enter(user, answer);
        let due = round.due();
        drop(round);
        inner.begin(due);
        Ok(Waiting(waiting))
    }

    /// Waits for a turn, within the rules.
    ///
    /// # Errors
    /// Those of [`Turns::ask`]; `Unavailable` when it took too long.
    pub async fn turn(&self, user: UserId) -> Result<Turn> {
        let waiting = self.ask(user)?;
        tokio::time::timeout(self.0.rules.patience, waiting.turn()).await.unwrap_or(Err(Error::Unavailable))
    }

    /// For the end of the program: nobody waits any more, and what runs learns that it should end.
    pub fn close(&self) {
        self.0.is_closed.store(true, Ordering::SeqCst);
        let mut round = self.0.lock();
        round.order.clear();
        round.waiting = 0;
        round.people.values_mut().for_each(|person| person.queue.clear());
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed.load(Ordering::SeqCst)
    }

    /// Pieces of work that wait now.
    pub fn waiting(&self) -> usize {
        self.0.lock().waiting
    }
}

impl Waiting {
    /// One's turn, however long it takes.
    ///
    /// # Errors
    /// `Unavailable` when the program is to end.
    pub async fn turn(self) -> Result<Turn> {
        self.0.await.map_err(|_| Error::Unavailable)
    }
}

impl Turn {
    /// True once the program is to end: work that takes long looks at it now and then.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        self.turns.is_closed.clone()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut round = self.turns.lock();
        round.leave(self.user);
        let due = round.due();
        drop(round);
        self.turns.begin(due);
    }
}

impl Inner {
    // Nothing under this lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, Round> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Outside of the lock: a turn that nobody takes any more ends at once, and that locks.
    fn begin(self: &Arc<Self>, due: Vec<(UserId, oneshot::Sender<Turn>)>) {
        for (user, answer) in due {
            drop(answer.send(Turn { user, turns: self.clone() }));
        }
    }
}

impl Round {
    fn enter(&mut self, user: UserId, answer: oneshot::Sender<Turn>) {
        let person = self.people.entry(user).or_default();
        person.queue.push_back(answer);
        self.waiting += 1;
        if !person.has_turn && person.queue.len() == 1 {
            self.order.push_back(user);
        }
    }

    fn leave(&mut self, user: UserId) {
        self.free += 1;
        let Some(person) = self.people.get_mut(&user) else { return };
        person.has_turn = false;
        if person.queue.is_empty() {
            self.people.remove(&user);
        } else {
            self.order.push_back(user);
        }
    }

    /// Whose turn begins now.
    fn due(&mut self) -> Vec<(UserId, oneshot::Sender<Turn>)> {
        let mut due = Vec::new();
        while self.free > 0
            && let Some(user) = self.order.pop_front()
        {
            let Some(person) = self.people.get_mut(&user) else { continue };
            let before = person.queue.len();
            let next = std::iter::from_fn(|| person.queue.pop_front()).find(|answer| !answer.is_closed());
            self.waiting -= before - person.queue.len();
            match next {
                Some(answer) => {
                    person.has_turn = true;
                    self.free -= 1;
                    due.push((user, answer));
                }
                None => drop(self.people.remove(&user)),
            }
        }
        due
    }

    /// Takes out what a person waits for no more. Whoever stands in the order then with nothing is passed over.
    fn forget_who_left(&mut self, user: UserId) {
        let Some(person) = self.people.get_mut(&user) else { return };
        let before = person.queue.len();
        person.queue.retain(|answer| !answer.is_closed());
        self.waiting -= before - person.queue.len();
        if person.queue.is_empty() && before > 0 {
            self.order.retain(|known| *known != user);
            if !person.has_turn {
                self.people.remove(&user);
            }
        }
    }

    fn forget_all_who_left(&mut self) {
        let people: Vec<UserId> = self.people.keys().copied().collect();
        people.into_iter().for_each(|user| self.forget_who_left(user));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { at_once: 1, waiting_each: 3, waiting: 6, patience: Duration::from_secs(60) };
    const ALICE: UserId = UserId(1);
    const BOB: UserId = UserId(2);
    const CAROL: UserId = UserId(3);

    fn is_due(waiting: &mut Waiting) -> Option<Turn> {
        waiting.0.try_recv().ok()
    }

    #[test]
    fn a_free_place_goes_round_by_person() {
        let turns = Turns::new(RULES);
        let first = is_due(&mut turns.ask(ALICE).unwrap()).unwrap();
        let mut of_alice: Vec<Waiting> = (0..3).map(|_| turns.ask(ALICE).unwrap()).collect();
        let mut of_bob: Vec<Waiting> = (0..2).map(|_| turns.ask(BOB).unwrap()).collect();
        let mut of_carol = turns.ask(CAROL).unwrap();
        drop(first);
        let mut order = String::new();
        while order.len() < 6 {
            let alice = of_alice.first_mut().and_then(is_due);
            let bob = of_bob.first_mut().and_then(is_due);
            let (name, turn) = match (alice, bob, is_due(&mut of_carol)) {
                (Some(turn), None, None) => ('a', turn),
                (None, Some(turn), None) => ('b', turn),
                (None, None, Some(turn)) => ('c', turn),
                other => panic!("one at a time: {other:?} after {order}"),
            };
            order.push(name);
            match name {
                'a' => drop(of_alice.remove(0)),
                'b' => drop(of_bob.remove(0)),
                _ => {}
            }
            drop(turn);
        }
        assert_eq!(order, "bcabaa");
        assert!(turns.0.lock().people.is_empty() && turns.waiting() == 0);
    }

    #[test]
    fn a_person_has_one_turn_even_where_places_are_free() {
        let turns = Turns::new(Rules { at_once: 2, ..RULES });
        let first = is_due(&mut turns.ask(ALICE).unwrap()).unwrap();
        let mut second = turns.ask(ALICE).unwrap();
        assert!(is_due(&mut second).is_none());
        assert!(is_due(&mut turns.ask(BOB).unwrap()).is_some());
        drop(first);
        assert!(is_due(&mut second).is_some());
    }

    #[test]
    fn waiting_is_bounded_for_each_and_for_all() {
        let turns = Turns::new(RULES);
        let held = is_due(&mut turns.ask(CAROL).unwrap()).unwrap();
        let mut waiting: Vec<Waiting> = (0..3).map(|_| turns.ask(ALICE).unwrap()).collect();
        assert!(matches!(turns.ask(ALICE), Err(Error::TooMany { retry_after: 60 })));
        waiting.extend((0..3).map(|_| turns.ask(BOB).unwrap()));
        assert!(matches!(turns.ask(CAROL), Err(Error::Unavailable)), "all together");
        // Who left makes room, also for others.
        waiting.truncate(2);
        assert!(turns.ask(CAROL).is_ok());
        assert_eq!(turns.waiting(), 3, "the third is this person's, who left at once");
        drop(held);
        assert!(is_due(&mut waiting[0]).is_some());
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let turns = Turns::new(Rules { patience: Duration::from_millis(1), ..RULES });
        let held = turns.turn(ALICE).await.unwrap();
        assert!(matches!(turns.turn(BOB).await, Err(Error::Unavailable)));
        drop(held);
        assert!(is_due(&mut turns.ask(CAROL).unwrap()).is_some(), "a turn that comes too late is nobody's");
    }

    #[tokio::test]
    async fn the_end_of_the_program_ends_the_waiting() {
        let turns = Turns::new(RULES);
        let held = turns.turn(ALICE).await.unwrap();
        let stop = held.stop_flag();
        let waiting = turns.ask(BOB).unwrap();
        assert!(!stop.load(Ordering::SeqCst));
        turns.close();
        assert!(stop.load(Ordering::SeqCst));
        assert!(matches!(waiting.turn().await, Err(Error::Unavailable)));
        assert!(matches!(turns.ask(CAROL), Err(Error::Unavailable)));
        drop(held);
    }
}
