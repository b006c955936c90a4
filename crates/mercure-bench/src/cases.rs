//! The cases: which load each puts on a server, and which figures it takes.

use crate::client::{Audience, Client, Failure, Load, Pace};
use crate::in_process;
use crate::judge::{CALM, DURABLE, DURABLE_IN_PROCESS, FLAT, IN_PROCESS, UNIQUE};
use crate::options::{Case, HubBench, Server, Window};
use crate::process;
use crate::report::{Figures, Limited, figures};
use crate::servers::{Itself, NoServer, Running, Watcher};
use crate::target::Transport;
use std::time::Duration;

/// How long memory may settle before it is looked at.
const SETTLE: Duration = Duration::from_secs(1);
/// Files that are not connections: the program's own, publishers, and some to spare.
const SPARE_FILES: u64 = 300;
/// One reader in so many stalls.
const STALLED_PART: u32 = 100;
/// The stalled case has to fill the kernel's buffers and a queue: larger messages, more often.
const STALLED_PAYLOAD: usize = 2_000;
const STALLED_RATE: f64 = 200.0;
/// So often the usual time: longer than a server may wait for a reader.
const STALLED_TIMES: f64 = 3.0;
/// Messages a second for many topics, at a calm rate.
const TOPICS_RATE: f64 = 500.0;

/// Why a measurement failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// There is no server.
    #[error(transparent)]
    Server(#[from] NoServer),
    /// The load can't be made.
    #[error(transparent)]
    Client(#[from] Failure),
    /// The hub in this process refused.
    #[error(transparent)]
    InProcess(#[from] in_process::Failure),
}

/// One thing to measure, once.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) case: Case,
    /// Nothing is the named target.
    pub(crate) server: Option<Server>,
    pub(crate) transport: Transport,
    pub(crate) subscribers: u32,
    /// With the history on disk.
    durable: bool,
    /// The hub as a library, without HTTP.
    in_process: bool,
    /// At the calm rate, not flat out.
    calm: bool,
}

/// What all jobs share.
pub(crate) struct Bench<'a> {
    pub(crate) options: &'a HubBench,
    pub(crate) itself: Itself,
}

/// Everything that the options ask for, in the order of the tables.
pub(crate) fn plan(options: &HubBench, servers: &[Option<Server>]) -> Vec<Job> {
    let most = u32::try_from(mercure_hub::raise_file_limit().saturating_sub(SPARE_FILES)).unwrap_or(u32::MAX);
    let mut jobs = Vec::new();
    for case in options.cases() {
        for variant in variants(*case, options) {
            // For publications it makes no difference how the one reader listens.
            let kinds = if *case == Case::Publish { 1 } else { options.transport.len() };
            let transports = options.transport.iter().take(kinds);
            for (transport, server) in transports.flat_map(|kind| servers.iter().map(move |server| (*kind, *server))) {
                let job = Job { server, transport, subscribers: variant.subscribers.min(most), ..variant.clone() };
                // Only a hub that is started here can be told where its history is.
                let settable = server == Some(Server::Ours) || !(job.durable || job.in_process);
                if settable && server.is_none_or(|server| job.fits(server)) {
                    jobs.push(job);
                }
            }
        }
    }
    jobs
}

fn variants(case: Case, options: &HubBench) -> Vec<Job> {
    let job = |name: &str, subscribers: u32, calm: bool| Job {
        name: name.to_owned(),
        case,
        server: None,
        transport: Transport::Sse,
        subscribers,
        durable: false,
        in_process: false,
        calm,
    };
    let many = options.topics.saturating_mul(options.readers);
    match case {
        Case::Fanout => {
            let calm = format!("{CALM}: {} messages a second to {}", options.rate, options.subscribers);
            let flat = format!("{FLAT}: {} under way to {}", options.in_flight, options.subscribers);
            vec![job(&flat, options.subscribers, false), job(&calm, options.subscribers, true)]
        }
        Case::Topics => {
            let name = format!("topics, {} with {} readers each", options.topics, options.readers);
            vec![
                job(&format!("{name}, flat out"), many, false),
                job(&format!("{name}, {TOPICS_RATE} messages a second"), many, true),
            ]
        }
        Case::Idle => {
            options.idle.iter().map(|count| job(&format!("idle, {count} connections"), *count, true)).collect()
        }
        Case::Publish => {
            let names = [
                (UNIQUE, false, false),
                (DURABLE, true, false),
                (IN_PROCESS, false, true),
                (DURABLE_IN_PROCESS, true, true),
            ];
            let jobs = names.map(|(name, durable, in_process)| {
                // What a disk costs is not to be mixed with what a delivery costs.
                let subscribers = if durable || in_process { 0 } else { options.unique };
                Job { durable, in_process, ..job(name, subscribers, false) }
            });
            jobs.into_iter().filter(|job| options.in_process || !job.in_process).collect()
        }
        Case::Stalled => vec![job("stalled, one reader in a hundred", options.subscribers.div_ceil(2), true)],
    }
}

impl Job {
    fn fits(&self, server: Server) -> bool {
        let is_for_all = match self.case {
            Case::Fanout | Case::Topics | Case::Idle => true,
            Case::Publish | Case::Stalled => matches!(server, Server::Ours | Server::Program),
        };
        // The lower bound knows one topic and writes to everybody.
        let one_topic = matches!(server, Server::Limit | Server::LimitBatched) && self.case == Case::Topics;
        !(self.case == Case::Stalled && self.transport == Transport::Poll)
            && is_for_all
            && server.speaks(self.transport)
            && !one_topic
    }

    fn load(&self, options: &HubBench) -> Load {
        let connections = options.in_flight as usize;
        let rate = match self.case {
            Case::Stalled => STALLED_RATE,
            Case::Topics => TOPICS_RATE,
            Case::Fanout | Case::Idle | Case::Publish => f64::from(options.rate),
        };
        let pace = match (self.calm, self.case, options.window) {
            (true, ..) => Pace::Timed { rate, connections },
            (false, Case::Publish, _) => Pace::Answered(options.publishers as usize),
            (false, _, Window::Delivered) => Pace::Delivered(connections),
            (false, _, Window::Answered) => Pace::Answered(connections),
        };
        let longer = options.seconds * STALLED_TIMES;
        Load {
            pace,
            topics: self.topics(options),
            payload: if self.case == Case::Stalled { STALLED_PAYLOAD } else { options.payload as usize },
            warmup: Duration::from_secs_f64(options.warmup),
            time: Duration::from_secs_f64(if self.case == Case::Stalled { longer } else { options.seconds }),
        }
    }

    fn topics(&self, options: &HubBench) -> usize {
        match self.case {
            Case::Fanout | Case::Stalled | Case::Idle => 1,
            Case::Topics => options.topics as usize,
            Case::Publish if self.subscribers == 0 => options.unique as usize,
            Case::Publish => self.subscribers as usize,
        }
    }

    /// How its subscribers listen, if it has any.
    pub(crate) fn listening(&self) -> Option<Transport> {
        (self.subscribers > 0).then_some(self.transport)
    }

    /// Measures it once. `progress` hears which part is over.
    pub(crate) fn measure(&self, bench: &Bench<'_>, progress: &dyn Fn(f64)) -> Result<(Figures, Limited), Trouble> {
        let options = bench.options;
        if self.in_process {
            let folder = tempfile::tempdir_in(&options.disk).map_err(NoServer::Disk)?;
            return Ok(in_process::publish(options, self.durable.then(|| folder.path().join("updates.db")))?);
        }
        let running = match (self.server, &options.target) {
            (None, Some(url)) => Running::named(url, options)?,
            (server, _) => Running::start(server.unwrap_or(Server::Ours), self.durable, options, bench.itself)?,
        };
        let mut client = Client::new(running.target.clone())?;
        let mut watcher = Watcher::new(&running, progress);
        match self.case {
            Case::Idle => self.idle(&mut client, &running, options),
            Case::Stalled => self.stalled(&mut client, &mut watcher, &running, options),
            Case::Fanout | Case::Topics | Case::Publish => {
                client.subscribe(self.audience(options), |_| {})?;
                let observed = client.run(&self.load(options), &mut watcher)?;
                let (mut figures, limited) = figures(&observed);
                figures.insert("ended", client.ended() as f64);
                figures.extend(running.family.as_ref().map(|_| ("peak_bytes", watcher.peak as f64)));
                Ok((figures, limited))
            }
        }
    }

    fn audience(&self, options: &HubBench) -> Audience {
        Audience {
            count: self.subscribers as usize,
            topics: self.topics(options),
            transport: self.transport,
            stalled: false,
        }
    }

    /// Memory before the connections, with them, and after each has got a few messages.
    fn idle(&self, client: &mut Client, running: &Running, options: &HubBench) -> Result<(Figures, Limited), Trouble> {
        let memory = || running.family.as_ref().map(process::Family::memory);
        // What a server only makes for its first reader and its first message is not the price of a connection.
        let mut first = Client::new(running.target.clone())?;
        first.subscribe(Audience { count: 1, ..self.audience(options) }, |_| {})?;
        let touch = Load {
            pace: Pace::Timed { rate: 20.0, connections: 1 },
            topics: 1,
            payload: options.payload as usize,
            warmup: Duration::ZERO,
            time: Duration::from_millis(500),
        };
        first.run(&touch, &mut Watcher::new(running, &|_| {}))?;
        drop(first);
        client.wait(SETTLE)?;
        let empty = memory();
        client.subscribe(self.audience(options), |_| {})?;
        client.wait(SETTLE)?;
        let full = memory();
        client.run(&touch, &mut Watcher::new(running, &|_| {}))?;
        client.wait(SETTLE)?;
        let used = memory();
        let mut figures = Figures::from([("ended", client.ended() as f64)]);
        if let Some(((empty, full), used)) = empty.zip(full).zip(used) {
            let each = |after: u64, before: u64| (after as f64 - before as f64) / f64::from(self.subscribers);
            figures.insert("pss_per_connection", each(full.pss, empty.pss));
            figures.insert("private_per_connection", each(full.private, empty.private));
            figures.insert("used_pss_per_connection", each(used.pss, empty.pss));
            figures.insert("empty_pss", empty.pss as f64);
            figures.insert("pss", full.pss as f64);
        }
        Ok((figures, Limited::Nothing))
    }

    /// A calm run without, then the same with stalled readers.
    fn stalled(
        &self,
        client: &mut Client,
        watcher: &mut Watcher<'_>,
        running: &Running,
        options: &HubBench,
    ) -> Result<(Figures, Limited), Trouble> {
        client.subscribe(self.audience(options), |_| {})?;
        let calm = client.run(&self.load(options), watcher)?;
        let before = running.family.as_ref().map(process::Family::resident);
        let stalled = self.subscribers.div_ceil(STALLED_PART);
        client.subscribe(Audience { count: stalled as usize, stalled: true, ..self.audience(options) }, |_| {})?;
        watcher.peak = 0;
        let observed = client.run(&self.load(options), watcher)?;
        let (mut figures, limited) = figures(&observed);
        figures.insert("calm_p99_ms", calm.latency.p99);
        figures.insert("stalled", f64::from(stalled));
        figures.insert("stalled_cut", client.stalled_cut() as f64);
        figures.insert("ended", client.ended() as f64);
        if let Some(before) = before {
            figures.insert("before_bytes", before as f64);
            figures.insert("peak_bytes", watcher.peak as f64);
        }
        Ok((figures, limited))
    }
}
