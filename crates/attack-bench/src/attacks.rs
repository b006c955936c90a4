//! The attacks: what one account, one address or a few addresses do, and what is looked at afterwards.

mod accounts;
mod code;
mod connections;
mod files;
mod quota;

use crate::Trouble;
use crate::bystanders::Bystanders;
use crate::options::Options;
use crate::person::{Goal, Person, Request};
use crate::tally::{Outcome, Tally};
use clap::ValueEnum;
use serde::Serialize;
use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

/// After an answer that is no success the attacker waits: what is measured is the attack and not a flood of refusals.
const PAUSE: Duration = Duration::from_millis(50);

/// An attack by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Attack {
    /// Messages with code that is slow to colour, on one connection
    #[value(name = "code-message-1")]
    #[serde(rename = "code-message-1")]
    CodeMessage1,
    /// The same on four
    #[value(name = "code-message-4")]
    #[serde(rename = "code-message-4")]
    CodeMessage4,
    /// Previews of such code, on four connections
    #[value(name = "code-preview-4")]
    #[serde(rename = "code-preview-4")]
    CodePreview4,
    /// The same on sixteen
    #[value(name = "code-preview-16")]
    #[serde(rename = "code-preview-16")]
    CodePreview16,
    /// Two recordings whose samples' times are slow to look up
    Mp4,
    /// Recordings with 2.5 million comments
    Flac,
    /// 1,200 connections of one address with half a request each
    HalfRequests,
    /// 1,500 long polls of one account
    LongPolls,
    /// 60 event streams with 1,000 patterns each
    Patterns,
    /// 1,200 tries to sign in, each with an address of 250 kB
    LoginAddresses,
    /// Files, as many as `--megabytes`
    Uploads,
    /// Messages of 10,000 ideographs
    LongMessages,
    /// 500 goals
    Goals,
    /// 200 times: asks to join, and takes it back
    Joins,
    /// Wrong passwords for one account from twelve addresses
    LockOut,
    /// Four times ten pictures of 50 megapixels, to be turned
    Pictures,
    /// Pictures of 2 kB and 49 megapixels that show through, to be turned
    Webp,
}

/// What an attack has at hand.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) options: Options,
    pub(crate) attacker: Person,
    /// The attacker's own, where nobody else is.
    pub(crate) goal: Goal,
    pub(crate) others: Arc<Bystanders>,
    /// What the attacker's requests were answered.
    pub(crate) tally: Tally,
    /// Connections that the server holds open for the attacker.
    pub(crate) held: Gauge,
}

/// A count that goes up and down, and the most it ever was.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    now: AtomicU32,
    most: AtomicU32,
}

impl Gauge {
    pub(crate) fn up(&self) {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
    }

    pub(crate) fn down(&self) {
        self.now.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn most(&self) -> u32 {
        self.most.load(Ordering::Relaxed)
    }
}

impl Context {
    /// Opens the attacker's account and founds a goal: everybody may do so.
    pub(crate) async fn new(attack: Attack, options: &Options, others: Arc<Bystanders>) -> Result<Self, Trouble> {
        let target = others.people.first().ok_or(Trouble::Nobody)?.target;
        let mut attacker = Person::register(target, Ipv4Addr::new(127, 0, 9, 1), "Mallory").await?;
        let goal = attacker.found("Nothing to see here").await?;
        if attack == Attack::Patterns {
            attacker.ask_as_browser(&Request::post("/realtime/token", &[])).await;
        }
        Ok(Self { options: options.clone(), attacker, goal, others, tally: Tally::default(), held: Gauge::default() })
    }

    /// Acts on so many connections at once, one request after the other: `total` times, or until the time is over.
    pub(crate) async fn repeat<A, F>(self: &Arc<Self>, connections: u32, total: Option<u32>, act: A)
    where
        A: Fn(Arc<Self>, u64) -> F + Clone + Send + 'static,
        F: Future<Output = Outcome> + Send,
    {
        let (next, until) = (Arc::new(AtomicU64::new(0)), Instant::now() + self.options.seconds);
        let mut loops = JoinSet::new();
        for _ in 0..connections {
            let (context, act, next) = (self.clone(), act.clone(), next.clone());
            loops.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if total.map_or(Instant::now() >= until, |total| number >= u64::from(total)) {
                        break;
                    }
                    context.tally.begin();
                    let outcome = act(context.clone(), number).await;
                    context.tally.add(outcome);
                    if !outcome.is_success() {
                        sleep(PAUSE).await;
                    }
                }
            });
        }
        let all = async { while loops.join_next().await.is_some() {} };
        match total {
            Some(_) => all.await,
            // What is not answered by then is given up.
            None => timeout_at(until, all).await.unwrap_or_default(),
        }
    }
}

impl Attack {
    /// Its name, and the number of the finding that it repeats.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Attacks until it is done or dropped.
    pub(crate) async fn run(self, context: &Arc<Context>) -> Result<(), Trouble> {
        match self {
            Self::CodeMessage1 => code::messages(context, 1).await,
            Self::CodeMessage4 => code::messages(context, 4).await,
            Self::CodePreview4 => code::previews(context, 4).await,
            Self::CodePreview16 => code::previews(context, 16).await,
            Self::Mp4 => files::mp4(context).await,
            Self::Flac => files::flac(context).await,
            Self::HalfRequests => connections::half_requests(context).await,
            Self::LongPolls => connections::long_polls(context).await,
            Self::Patterns => connections::patterns(context).await,
            Self::LoginAddresses => accounts::long_addresses(context).await?,
            Self::Uploads => quota::uploads(context).await,
            Self::LongMessages => quota::long_messages(context).await,
            Self::Goals => quota::goals(context).await,
            Self::Joins => quota::joins(context).await,
            Self::LockOut => accounts::lock_out(context).await?,
            Self::Pictures => files::pictures(context).await,
            Self::Webp => files::webp(context).await,
        }
        Ok(())
    }

    /// What else there is to see once the attack is over, in a few words.
    pub(crate) async fn finding(self, context: &Context) -> Result<Option<String>, Trouble> {
        Ok(match self {
            Self::HalfRequests | Self::LongPolls | Self::Patterns => {
                Some(format!("{} held at once", context.held.most()))
            }
            Self::Goals => Some(quota::list_of_goals(context).await?),
            Self::Joins => Some(quota::bell(context).await?),
            Self::CodeMessage1
            | Self::CodeMessage4
            | Self::CodePreview4
            | Self::CodePreview16
            | Self::Mp4
            | Self::Flac
            | Self::LoginAddresses
            | Self::Uploads
            | Self::LongMessages
            | Self::LockOut
            | Self::Pictures
            | Self::Webp => None,
        })
    }
}
