//! A room with 100,000 messages is as fast as one with 100. A measurement: CONTRIBUTING.md has the command.

use crate::harness::{Browser, Goal, START, Town};
use palabre::chatroom::Member;
use palabre::db::Lane;
use palabre::error::{Error, Result};
use palabre::id::{MessageId, RoomId, UserId};
use palabre::message::{self, Draft, Sent};
use reqwest::StatusCode;
use std::time::{Duration, Instant};

/// Times that each thing is asked.
const ROUNDS: u32 = 100;
/// Messages in one transaction while the room is filled.
const BATCH: usize = 500;

/// What is measured: a name, and the path for a room whose top is so high.
type Asked = (&'static str, fn(&Goal, i64) -> String);

const ASKED: [Asked; 8] = [
    ("open the page", |goal, _| goal.path()),
    ("open it, all unread", |goal, _| goal.path()),
    ("own events, all unread", |_, _| "/user/fetch".to_owned()),
    ("scroll back, newest", |goal, top| format!("{}/fetch?before={}&limit=50", goal.path(), top - 10)),
    ("scroll back, middle", |goal, top| format!("{}/fetch?before={}&limit=50", goal.path(), top / 2 + 30)),
    ("scroll back, oldest", |goal, _| format!("{}/fetch?before=60&limit=50", goal.path())),
    ("fetch 20 changes", |goal, top| format!("{}/fetch?since={}", goal.path(), top - 20)),
    ("fetch from the start", |goal, _| format!("{}/fetch?since=1&limit=50", goal.path())),
];

/// Messages as people write them, through the model: what others keep beside a message is kept here too.
async fn fill(town: &Town, goal: &Goal, author: &Browser, count: usize) {
    let words = ["réunion", "marathon", "l’entraînement", "demain", "dossier", "photo", "d’accord", "贊成", "semaine"];
    for from in (0..count).step_by(BATCH) {
        let (room, user, clock) = (RoomId(goal.room), UserId(author.id), town.app.clock.clone());
        let upto = count.min(from + BATCH);
        let write = town.app.db.write(Lane::Room(room.0), move |tx| -> Result<()> {
            let member = Member::find(tx, room, user)?.ok_or(Error::NotFound)?;
            let mut last: Option<MessageId> = None;
            for n in from..upto {
                let (one, other) = (words[n % words.len()], words[n * 7 % 11 % words.len()]);
                let text = format!("Message {n} : **{one}** et {other}, voir https://example.org/{n}");
                let reply_to = last.filter(|_| n % 10 == 0);
                let draft = Draft::new(&text, reply_to, &format!("large-{n}"), &clock)?;
                if let Sent::New(shown) = message::create(tx, &member, &draft, START + n as i64 * 1_000_000)? {
                    last = Some(shown.message.id);
                }
            }
            Ok(())
        });
        write.await.unwrap();
    }
}

/// Time of the processor that this process took so far, in clock ticks of 10 ms.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    fields.iter().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

/// The median, and the processor's time for one, server and client together.
async fn ask(who: &Browser, path: &str) -> (Duration, Duration) {
    let mut times = Vec::new();
    let before = ticks();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let answer = who.page(path).await;
        times.push(started.elapsed());
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    }
    let spent = Duration::from_millis((ticks() - before) * 10) / ROUNDS;
    times.sort_unstable();
    (times[times.len() / 2], spent)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn a_large_room_is_as_fast_as_a_small_one() {
    let town = Town::start().await;
    let mut alice = town.person("Alice").await;
    // Bob reads nothing: all of it is new to him.
    let mut bob = town.person("Bob").await;
    let (small, large) = (alice.founds("Petit").await, alice.founds("Grand").await);
    for goal in [&small, &large] {
        goal.lets_in(&alice, &bob).await;
    }
    fill(&town, &small, &alice, 100).await;
    let started = Instant::now();
    fill(&town, &large, &alice, 100_000).await;
    println!("filled in {:.0?}", started.elapsed());
    // The rooms' tops are read at the start: nobody was told of what was written beside the routes.
    let town = town.restart().await;
    alice.moves_to(&town);
    bob.moves_to(&town);
    println!("{:<24}{:>14}{:>10}{:>16}{:>10}", "median, CPU each", "100", "CPU", "100,000", "CPU");
    let mut slower = Vec::new();
    for (what, path) in ASKED {
        let mut row = Vec::new();
        for goal in [&small, &large] {
            let top = town.app.live.tops.get(RoomId(goal.room)).unwrap();
            let who = if what.contains("unread") { &bob } else { &alice };
            row.push(ask(who, &path(goal, top)).await);
        }
        println!("{what:<24}{:>14.1?}{:>10.1?}{:>16.1?}{:>10.1?}", row[0].0, row[0].1, row[1].0, row[1].1);
        if row[1].0 > row[0].0 * 2 + Duration::from_millis(5) {
            slower.push(what);
        }
    }
    assert_eq!(slower, Vec::<&str>::new(), "slower than in a room of 100");
}
