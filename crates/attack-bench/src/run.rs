//! One attack on one server: accounts, a calm while, the attack, a while for the memory to come back, the end.

use crate::Trouble;
use crate::attacks::{Attack, Context};
use crate::bystanders::{Action, Bystanders, Figures};
use crate::options::{Options, Program};
use crate::server::Server;
use crate::tally::Counts;
use serde::Serialize;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// How often the server's memory is looked at while it is attacked.
const LOOK: Duration = Duration::from_millis(50);

/// What one action cost before and during the attack.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Compared {
    pub(crate) calm: Figures,
    pub(crate) attacked: Figures,
}

/// The server's resident memory, in bytes.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Memory {
    /// At the end of the calm.
    pub(crate) calm: u64,
    /// The most that was seen from the attack's begin on.
    pub(crate) peak: u64,
    /// So long after the attack as `--settle` says.
    pub(crate) settled: u64,
}

/// One attack on one server.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Record {
    pub(crate) attack: Attack,
    pub(crate) server: String,
    /// By action, what others felt.
    pub(crate) felt: BTreeMap<Action, Compared>,
    pub(crate) memory_bytes: Memory,
    /// What the data folder grew by, in bytes, from the attack's begin to the end.
    pub(crate) stored_bytes: u64,
    /// How long the server took to end when it was asked to; none when it had to be killed.
    pub(crate) ended_after_s: Option<f64>,
    /// What the attacker's requests were answered.
    pub(crate) attacker: Counts,
    /// Seconds of the attack until it was done or cut off.
    pub(crate) attacked_s: f64,
    pub(crate) finding: Option<String>,
    /// The machine's load average, of one minute, when the calm began: other work makes all figures worse.
    pub(crate) load: f64,
}

/// Measures one attack on one new server.
pub(crate) async fn run(attack: Attack, program: &Program, options: &Options) -> Result<Record, Trouble> {
    let mut server = Server::start(program)?;
    let others = Arc::new(Bystanders::settle(server.target(), options.people).await?);
    let context = Arc::new(Context::new(attack, options, others.clone()).await?);
    let (actions, load) = (Action::of(attack), load());

    let (calm, ()) = beside(&others, &actions, false, sleep(options.calm)).await;
    let calm_memory = server.resident();
    let stored = server.stored();

    let mut peak = calm_memory;
    let work = async {
        let begun = tokio::time::Instant::now();
        let both = async { tokio::join!(attack.run(&context), sleep(options.seconds)).0 };
        let done = tokio::select! {
            done = timeout(options.longest, both) => done.unwrap_or(Ok(())),
            () = watch_memory(&server, &mut peak) => Ok(()),
        };
        done.map(|()| begun.elapsed())
    };
    let (attacked, took) = beside(&others, &actions, true, work).await;
    let took = took?;

    let finding = attack.finding(&context).await;
    tokio::select! {
        () = sleep(options.settle) => {}
        () = watch_memory(&server, &mut peak) => {}
    }
    let memory = Memory { calm: calm_memory, peak, settled: server.resident() };
    let stored_bytes = server.stored().saturating_sub(stored);
    let ended = server.stop();
    Ok(Record {
        attack,
        server: program.name.clone(),
        felt: compare(calm, attacked),
        memory_bytes: memory,
        stored_bytes,
        ended_after_s: ended.map(|took| took.as_secs_f64()),
        attacker: context.tally.counts(),
        attacked_s: took.as_secs_f64(),
        finding: finding.unwrap_or_else(|trouble| Some(format!("what followed can't be told: {trouble}"))),
        load,
    })
}

/// What people feel while something goes on.
async fn beside<W: Future>(
    others: &Arc<Bystanders>,
    actions: &[Action],
    attacked: bool,
    work: W,
) -> (BTreeMap<Action, Figures>, W::Output) {
    let (stop, stopped) = watch::channel(false);
    let work = async {
        let output = work.await;
        stop.send_replace(true);
        output
    };
    tokio::join!(others.act(actions, attacked, &stopped), work)
}

/// Keeps the most memory that was seen; never ends.
async fn watch_memory(server: &Server, peak: &mut u64) {
    loop {
        *peak = server.resident().max(*peak);
        sleep(LOOK).await;
    }
}

fn compare(calm: BTreeMap<Action, Figures>, mut attacked: BTreeMap<Action, Figures>) -> BTreeMap<Action, Compared> {
    let pair = |(action, calm)| Some((action, Compared { calm, attacked: attacked.remove(&action)? }));
    calm.into_iter().filter_map(pair).collect()
}

fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_ascii_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or_default()
}
