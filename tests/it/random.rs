//! Anything in any order: several clients on mixed ways send, repeat, edit, delete, lose answers and pushes, hear twice, cut
//! their streams and change ways, and the server restarts in the middle. At the end every room equals the server's, and what
//! was acknowledged is there once.
//!
//! A failure prints its seed; `PALABRE_TEST_SEED=…` runs that one again.

use crate::ear::{Ear, Heard, Socket, Sse, long_poll, query_for, raw_post};
use crate::harness::{Answer, Browser, Goal, Town, within};
use crate::reducer::{Applied, Reducer, fresh};
use futures_util::future::join_all;
use reqwest::StatusCode;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::task::JoinHandle;

const STEPS: usize = 40;

/// splitmix64.
#[derive(Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.roll() % bound as u64).unwrap()
    }

    fn happens(&mut self, percent: u64) -> bool {
        self.roll() % 100 < percent
    }
}

/// Names the seed when the test fails.
pub struct Seed(pub u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("run this again with PALABRE_TEST_SEED={}", self.0);
        }
    }
}

/// How a client hears of news now.
enum Way {
    Pushed(Box<Ear>),
    Waits(JoinHandle<(StatusCode, String)>),
    Polls,
}

struct Client {
    number: usize,
    browser: Browser,
    goal: Goal,
    dice: Dice,
    room: Reducer,
    way: Way,
    next: usize,
    /// Sent, with no answer seen yet: content by nonce.
    outbox: BTreeMap<String, String>,
    acknowledged: BTreeMap<String, String>,
}

impl Client {
    /// One thing, whatever it may be.
    async fn acts(&mut self) {
        match self.dice.below(14) {
            0..=3 => self.sends().await,
            4 => self.retries().await,
            5 => self.repeats().await,
            6 => self.edits().await,
            7 => self.deletes().await,
            8..=10 => self.listens().await,
            11 => self.room.catch_up(&self.browser, &self.goal).await,
            12 => self.way = Way::Polls,
            _ => self.changes_way().await,
        }
    }

    async fn post(&self, nonce: &str, content: &str) -> Answer {
        self.browser.post(&self.goal.path(), &[("content", content), ("client_nonce", nonce)]).await
    }

    async fn sends(&mut self) {
        let nonce = format!("c{}-{}", self.number, self.next);
        let content = format!("*text* {} of {}", self.next, self.number);
        self.next += 1;
        if self.dice.happens(25) {
            // The answer is lost, and maybe the request with it.
            drop(raw_post(&self.browser, &self.goal.path(), &[("content", &content), ("client_nonce", &nonce)]).await);
            self.outbox.insert(nonce, content);
            return;
        }
        let answer = self.post(&nonce, &content).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        self.acknowledged.insert(nonce, content);
        self.hears(&answer).await;
    }

    /// What is in the outbox, until it is acknowledged.
    async fn retries(&mut self) {
        for (nonce, content) in std::mem::take(&mut self.outbox) {
            let answer = self.post(&nonce, &content).await;
            assert!([StatusCode::OK, StatusCode::CREATED].contains(&answer.status), "{}", answer.text);
            self.acknowledged.insert(nonce, content);
            self.hears(&answer).await;
        }
    }

    /// Another tab sends what was acknowledged long ago, several times at once.
    async fn repeats(&mut self) {
        if self.acknowledged.is_empty() {
            return;
        }
        let at = self.dice.below(self.acknowledged.len());
        let (nonce, content) = self.acknowledged.iter().nth(at).unwrap();
        let answers = join_all((0..3).map(|_| self.post(nonce, content))).await;
        for answer in answers {
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            self.hears(&answer).await;
        }
    }

    fn picks_own(&mut self) -> Option<i64> {
        let mine =
            |message: &&serde_json::Value| message["author"]["id"] == self.browser.id && message["deleted"] == false;
        let own: Vec<i64> = self.room.messages.values().filter(mine).map(|own| own["id"].as_i64().unwrap()).collect();
        (!own.is_empty()).then(|| own[self.dice.below(own.len())])
    }

    async fn edits(&mut self) {
        let Some(id) = self.picks_own() else { return };
        let content = format!("edited {}", self.dice.below(1_000));
        let answer = self.browser.post(&format!("/message/{id}/edit"), &[("content", &content)]).await;
        // The other tab may have deleted it.
        assert!([StatusCode::OK, StatusCode::CONFLICT].contains(&answer.status), "{}", answer.text);
        if answer.status == StatusCode::OK && self.dice.happens(70) {
            self.hears(&answer).await;
        }
    }

    async fn deletes(&mut self) {
        let Some(id) = self.picks_own() else { return };
        let answer = self.browser.post(&format!("/message/{id}/delete"), &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        if self.dice.happens(70) {
            self.hears(&answer).await;
        }
    }

    /// An answer is a change like any other; sometimes it is applied twice, sometimes a hole stays open for a while.
    async fn hears(&mut self, answer: &Answer) {
        self.applies(&answer.json()).await;
    }

    async fn applies(&mut self, change: &serde_json::Value) {
        let times = if self.dice.happens(20) { 2 } else { 1 };
        for _ in 0..times {
            if self.room.apply(change) == Applied::Hole && self.dice.happens(60) {
                self.room.catch_up(&self.browser, &self.goal).await;
            }
        }
    }

    /// Takes what has come.
    async fn listens(&mut self) {
        match &mut self.way {
            Way::Pushed(ear) => {
                let (mut all, mut is_over) = (Vec::<Heard>::new(), false);
                loop {
                    match ear.ready() {
                        Ok(Some(heard)) => all.push(heard),
                        Ok(None) => break,
                        Err(()) => {
                            is_over = true;
                            break;
                        }
                    }
                }
                if is_over {
                    self.way = Way::Polls;
                }
                if self.dice.happens(15) {
                    all.reverse();
                }
                for heard in all.iter().filter(|heard| heard.kind.is_empty()) {
                    if !self.dice.happens(15) {
                        self.applies(&heard.json()).await;
                    }
                }
            }
            Way::Waits(poll) if poll.is_finished() => {
                let (status, text) = poll.await.unwrap();
                assert_eq!(status, StatusCode::OK, "{text}");
                self.room.apply_page(&serde_json::from_str(&text).unwrap());
                self.way = Way::Waits(long_poll(&self.browser, &self.goal, self.room.revision));
            }
            Way::Waits(_) => {}
            Way::Polls => self.room.catch_up(&self.browser, &self.goal).await,
        }
    }

    /// Opens first, then fetches.
    async fn changes_way(&mut self) {
        let query = query_for(&self.browser, &self.goal).await;
        self.way = match self.dice.below(4) {
            0 => Way::Pushed(Box::new(Ear::Sse(Sse::open(&self.browser, &query).await))),
            1 => Way::Pushed(Box::new(Ear::Socket(Socket::open(&self.browser, &query).await))),
            2 => Way::Waits(long_poll(&self.browser, &self.goal, self.room.revision)),
            _ => Way::Polls,
        };
        self.room.catch_up(&self.browser, &self.goal).await;
    }

    /// Leaves the old server; what was under way there is lost.
    fn moves_to(&mut self, town: &Town) {
        self.browser.moves_to(town);
        if let Way::Waits(poll) = std::mem::replace(&mut self.way, Way::Polls) {
            poll.abort();
        }
    }
}

async fn live_through(seed: u64) {
    let _seed = Seed(seed);
    let mut dice = Dice(seed);
    let town = Town::start().await;
    let (alice, bob, carol) = (town.person("Alice").await, town.person("Bob").await, town.person("Carol").await);
    let goal = alice.founds("Marathon").await;
    goal.lets_in(&alice, &bob).await;
    goal.lets_in(&alice, &carol).await;
    let mut clients = Vec::new();
    // Alice and Bob have two tabs each.
    for (number, browser) in [&alice, &alice, &bob, &bob, &carol].into_iter().enumerate() {
        let room = Reducer::load(browser, &goal).await;
        let (browser, dice) = (browser.clone(), Dice(dice.roll()));
        let (outbox, acknowledged) = (BTreeMap::new(), BTreeMap::new());
        let mut client = Client { number, browser, goal, dice, room, way: Way::Polls, next: 0, outbox, acknowledged };
        client.changes_way().await;
        clients.push(client);
    }
    let restart = STEPS / 4 + dice.below(STEPS / 2);
    let mut town = town;
    for step in 0..STEPS {
        if step == restart {
            town = town.restart().await;
            clients.iter_mut().for_each(|client| client.moves_to(&town));
        }
        within("one step of all", join_all(clients.iter_mut().map(Client::acts))).await;
    }
    join_all(clients.iter_mut().map(Client::retries)).await;
    let reader = &clients[0].browser.clone();
    let expected = fresh(reader, &goal).await;
    let mut acknowledged = Vec::new();
    for client in &mut clients {
        client.listens().await;
        client.room.catch_up(&client.browser, &goal).await;
        assert_eq!(client.room.shown(), expected, "the room of client {}", client.number);
        acknowledged.extend(client.acknowledged.keys().cloned());
    }
    let mut there = clients[0].room.nonces();
    there.sort();
    acknowledged.sort();
    assert_eq!(there, acknowledged, "each acknowledged nonce once, and nothing else");
}

async fn live_through_several(seeds: [u64; 3]) {
    if let Some(seed) = std::env::var("PALABRE_TEST_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return live_through(seed).await;
    }
    for seed in seeds {
        live_through(seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_all_rooms_agree() {
    live_through_several([1, 2, 3]).await;
}

#[tokio::test]
async fn whatever_happens_on_one_thread_all_rooms_agree() {
    live_through_several([4, 5, 6]).await;
}

#[tokio::test]
async fn whatever_happens_today_all_rooms_agree() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    live_through_several([now, now + 1, now + 2]).await;
}
