//! Other people, who use the chat at a steady low rate and know nothing of the attack; and what they feel of it.

use crate::Trouble;
use crate::attacks::Attack;
use crate::media;
use crate::person::{Goal, PASSWORD, PATIENCE, Person, Request, ask_for_health, sign_in};
use crate::server::Target;
use crate::tally::{Counts, Outcome};
use mercure_bench::histogram::{Latencies, Quantiles};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Messages of each person that are in the room before anything is measured.
const EARLIER: usize = 6;
/// Title of their goal.
pub(crate) const TITLE: &str = "A quiet goal";

/// What a bystander does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Action {
    /// Sends a message.
    #[serde(rename = "send")]
    Send,
    /// Opens the room's page.
    #[serde(rename = "open a room")]
    Open,
    /// Asks for `/healthz` on a new connection, as a new visitor comes.
    #[serde(rename = "/healthz")]
    Health,
    /// Sends a voice message of one second.
    #[serde(rename = "voice message")]
    Voice,
    /// Sends a picture of 300 pixels.
    #[serde(rename = "picture")]
    Picture,
    /// Signs in with the right password, in a browser that has done so before.
    #[serde(rename = "sign in again")]
    SignIn,
    /// The same in a browser that has never.
    #[serde(rename = "sign in elsewhere")]
    SignInElsewhere,
}

impl Action {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Open => "open a room",
            Self::Health => "/healthz",
            Self::Voice => "voice message",
            Self::Picture => "picture",
            Self::SignIn => "sign in again",
            Self::SignInElsewhere => "sign in elsewhere",
        }
    }

    /// What is measured in every attack, then what this one is about.
    pub(crate) fn of(attack: Attack) -> Vec<Self> {
        let own: &[Self] = match attack {
            Attack::Mp4 | Attack::Flac => &[Self::Voice],
            Attack::Pictures | Attack::Webp => &[Self::Picture],
            Attack::LockOut => &[Self::SignIn, Self::SignInElsewhere],
            Attack::CodeMessage1
            | Attack::CodeMessage4
            | Attack::CodePreview4
            | Attack::CodePreview16
            | Attack::HalfRequests
            | Attack::LongPolls
            | Attack::Patterns
            | Attack::LoginAddresses
            | Attack::Uploads
            | Attack::LongMessages
            | Attack::Goals
            | Attack::Joins => &[],
        };
        [Self::Send, Self::Open, Self::Health].into_iter().chain(own.iter().copied()).collect()
    }

    /// Times a second, of all people together.
    fn rate(self, people: usize) -> f64 {
        match self {
            Self::Send | Self::Health => people as f64,
            Self::Open => people as f64 / 4.0,
            Self::Voice | Self::Picture | Self::SignIn | Self::SignInElsewhere => 0.5,
        }
    }
}

/// What was felt of one action.
#[derive(Debug)]
pub(crate) struct Felt {
    latencies: Latencies,
    failed: Counts,
    failures: u64,
    requests: u64,
}

/// The same, in figures.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figures {
    /// Milliseconds, of what succeeded and of what had no answer in time.
    pub(crate) latency_ms: Quantiles,
    /// What did not succeed, by outcome.
    pub(crate) failed: Counts,
    pub(crate) failures: u64,
    pub(crate) requests: u64,
}

impl Felt {
    fn new() -> Self {
        Self { latencies: Latencies::default(), failed: Counts::default(), failures: 0, requests: 0 }
    }

    fn add(&mut self, took: Duration, outcome: Outcome) {
        self.requests += 1;
        // A refusal is quick and would make the attack look harmless; an answer that never comes has taken that long at least.
        if outcome.is_success() || (outcome == Outcome::NoAnswer && took >= PATIENCE) {
            self.latencies.record(took.as_nanos() as u64);
        }
        if !outcome.is_success() {
            self.failed.add(outcome);
            self.failures += 1;
        }
    }

    fn figures(&self) -> Figures {
        Figures {
            latency_ms: self.latencies.quantiles(),
            failed: self.failed.clone(),
            failures: self.failures,
            requests: self.requests,
        }
    }
}

/// The people of one room.
#[derive(Debug)]
pub(crate) struct Bystanders {
    pub(crate) people: Vec<Person>,
    pub(crate) goal: Goal,
    /// A second browser of the first person, and one of the second.
    browsers: [Mutex<Person>; 2],
}

impl Bystanders {
    /// Opens the accounts, founds the goal and fills the first page of its room.
    pub(crate) async fn settle(target: Target, count: u8) -> Result<Self, Trouble> {
        let mut people = Vec::new();
        for number in 1..=count {
            // An address each, so that limits per address see different customers.
            people.push(Person::register(target, Ipv4Addr::new(127, 0, 1, number), &format!("Person{number}")).await?);
        }
        let Some((owner, members)) = people.split_first() else { return Err(Trouble::Nobody) };
        let goal = owner.found(TITLE).await?;
        for member in members {
            must(member.ask(&Request::post(format!("/goal/{}/join", goal.id), &[])).await, "to join")?;
            let approval = format!("/goal/{}/participation/{}/approve", goal.id, member.id);
            must(owner.ask(&Request::post(approval, &[])).await, "to approve")?;
        }
        for person in people.iter().cycle().take(people.len() * EARLIER) {
            must(person.say(goal, "Said **before** anything was measured.").await, "to send")?;
        }
        let [Some(owner), Some(other)] = [0, 1].map(|at| people.get(at)) else { return Err(Trouble::Nobody) };
        let browsers = [browser(owner, 1).await?, browser(other, 2).await?].map(Mutex::new);
        Ok(Self { people, goal, browsers })
    }

    /// Lets everybody act until told to stop, and waits for the last answers.
    pub(crate) async fn act(
        self: &Arc<Self>,
        actions: &[Action],
        attacked: bool,
        stop: &watch::Receiver<bool>,
    ) -> BTreeMap<Action, Figures> {
        let mut paces = JoinSet::new();
        for action in actions.iter().copied() {
            let (people, stop) = (self.clone(), stop.clone());
            paces.spawn(async move { (action, people.pace(action, attacked, stop).await.figures()) });
        }
        paces.join_all().await.into_iter().collect()
    }

    /// One action at its rate. A request leaves at its planned time whatever became of those before it, and its latency counts from then.
    async fn pace(self: Arc<Self>, action: Action, attacked: bool, mut stop: watch::Receiver<bool>) -> Felt {
        let (begun, rate) = (Instant::now(), action.rate(self.people.len()));
        let mut requests = JoinSet::new();
        for number in 0_usize.. {
            let planned = begun + Duration::from_secs_f64(number as f64 / rate);
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                () = sleep_until(planned) => {}
            }
            let people = self.clone();
            requests.spawn(async move {
                let outcome = people.perform(action, number, attacked).await;
                (planned.elapsed(), outcome)
            });
        }
        let mut felt = Felt::new();
        for (took, outcome) in requests.join_all().await {
            felt.add(took, outcome);
        }
        felt
    }

    async fn perform(&self, action: Action, number: usize, attacked: bool) -> Outcome {
        let Some(person) = self.people.get(number % self.people.len()) else { return Outcome::NoAnswer };
        match action {
            Action::Send => person.say(self.goal, &format!("Message {number}, with a **word** in bold.")).await,
            Action::Open => person.ask(&Request::page(self.goal.path(""))).await,
            Action::Health => ask_for_health(person.target, address(2, number)).await,
            Action::Voice => {
                let files = [media::recording()];
                person.ask(&Request::files(self.goal.path("/send-voice"), "voice", &files)).await
            }
            Action::Picture => {
                let files = [media::small_picture()];
                person.ask(&Request::files(self.goal.path(""), "attachment", &files)).await
            }
            Action::SignIn => {
                let mut browser = self.browser(attacked).lock().await;
                let request = sign_in(&browser.email, PASSWORD);
                browser.ask_as_browser(&request).await
            }
            Action::SignInElsewhere => {
                let email = self.browser(attacked).lock().await.email.clone();
                match visitor(person.target, 3, number) {
                    Ok(visitor) => visitor.ask(&sign_in(&email, PASSWORD)).await,
                    Err(_) => Outcome::NoAnswer,
                }
            }
        }
    }

    /// Before the attack somebody else's, so that the account that is attacked has used up none of its tries.
    fn browser(&self, attacked: bool) -> &Mutex<Person> {
        let [owner, other] = &self.browsers;
        if attacked { owner } else { other }
    }
}

/// Somebody who was not there before, each time from another address of a network.
fn visitor(target: Target, network: u8, number: usize) -> Result<Person, Trouble> {
    Person::visitor(target, address(network, number))
}

fn address(network: u8, number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, network, (number % 250) as u8 + 1)
}

async fn browser(person: &Person, number: usize) -> Result<Person, Trouble> {
    let mut browser = visitor(person.target, 4, number)?;
    browser.email.clone_from(&person.email);
    let request = sign_in(&browser.email, PASSWORD);
    must(browser.ask_as_browser(&request).await, "to sign in")?;
    Ok(browser)
}

fn must(outcome: Outcome, what: &'static str) -> Result<(), Trouble> {
    if outcome.is_success() { Ok(()) } else { Err(Trouble::Prepare { what, outcome: outcome.to_string() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_failure_and_no_short_latency() {
        let mut felt = Felt::new();
        felt.add(Duration::from_millis(1), Outcome::Status(429));
        felt.add(Duration::from_millis(1), Outcome::NoAnswer);
        felt.add(Duration::from_millis(80), Outcome::Status(201));
        felt.add(PATIENCE, Outcome::NoAnswer);
        let figures = felt.figures();
        assert_eq!((figures.latency_ms.count, figures.failures, figures.requests), (2, 3, 4));
        assert!(figures.latency_ms.p50 >= 79.0 && figures.latency_ms.max >= 29_000.0, "{figures:?}");
        assert_eq!(figures.failed.to_string(), "1 × 429, 2 × no answer");
    }
}
