//! A load generator for Mercure hubs: what one costs for each delivery and each connection, and how long a message takes.
//!
//! One thread with one `epoll` holds all connections and publishes; latency is counted from the moment a message was planned for, not from when the client
//! came to send it. A server that is started here has a process and, where there are two or more, a core of its own. The README says what each figure means.
//!
//! # Layout
//!
//! * `options`: the command line; `cases`: what each case does; `report`, `table`, `judge`: figures, and the targets they are held against.
//! * `client`: the connections and the run, made of `reader`, `poll`, `sender` and `ledger`; `decode`, `head`, `stamp`: what is read; `target`: what is written.
//! * `servers`: what is started: the hub, a lower bound, rivals; `in_process`: the hub as a library; `process`: cost by `/proc`.

mod cases;
mod client;
mod decode;
mod head;
pub mod histogram;
mod in_process;
mod judge;
mod ledger;
mod options;
mod poll;
pub mod process;
mod reader;
mod report;
mod sender;
mod servers;
mod stamp;
pub mod table;
mod target;

pub use options::{Case, HubBench, Server, Window};
pub use servers::{Itself, hub::Serve, limit::Limit};
pub use target::Transport;

use cases::{Bench, Job};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use process::Machine;
use report::{Figures, Limited, Record, Report};
use std::error::Error;
use std::io::{IsTerminal, Write};

/// The commands of the load generator.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Measure a Mercure hub
    Hub(Box<HubBench>),
    /// The hub alone, for measuring
    #[command(hide = true)]
    Serve(Serve),
    /// The lower bound, for measuring
    #[command(hide = true)]
    Limit(Limit),
    /// axum's event streams, for measuring
    #[command(hide = true)]
    AxumSse,
}

/// Does what was asked, in a program that starts itself as this says.
///
/// # Errors
/// When nothing could be measured, or the server that was asked for can't be started.
pub fn run(command: &Command, itself: Itself) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Hub(options) => hub(&Bench { options, itself }),
        Command::Serve(options) => Ok(runtime()?.block_on(servers::hub::serve(options))?),
        Command::Limit(options) => Ok(servers::limit::serve(*options)?),
        Command::AxumSse => Ok(runtime()?.block_on(servers::axum_sse::serve())?),
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    mercure_hub::raise_file_limit();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

fn hub(bench: &Bench<'_>) -> Result<(), Box<dyn Error>> {
    let options = bench.options;
    let machine = Machine::here();
    let servers: Vec<Option<Server>> = match (&options.target, options.rivals) {
        (Some(_), _) => vec![None],
        (None, true) => RIVALS.iter().copied().map(Some).collect(),
        (None, false) => options.servers.iter().copied().map(Some).collect(),
    };
    let jobs = cases::plan(options, &servers);
    let bar = progress(jobs.len() * options.repeat as usize, options.json);
    let measured = measure(&jobs, bench, &bar);
    bar.finish_and_clear();
    let (mut records, mut missing) = (Vec::new(), Vec::new());
    for (job, outcome) in jobs.into_iter().zip(measured) {
        match outcome {
            Ok(runs) => records.push(record(job, runs)),
            Err(trouble) => missing.push(format!("{}: {trouble}", title(&job))),
        }
    }
    let verdicts = judge::judge(&records);
    let command = std::env::args().collect::<Vec<_>>().join(" ");
    let report = Report { command, machine, records, missing, verdicts };
    let text = if options.json { serde_json::to_string_pretty(&report)? + "\n" } else { report.text() };
    std::io::stdout().write_all(text.as_bytes())?;
    if report.records.is_empty() { Err("nothing could be measured".into()) } else { Ok(()) }
}

/// The servers of a comparison.
const RIVALS: &[Server] =
    &[Server::Ours, Server::Bun, Server::Nchan, Server::Limit, Server::LimitBatched, Server::Axum];

/// The runs of one job, or why there are none.
type Runs = Result<Vec<(Figures, Limited)>, cases::Trouble>;

/// Measures each job as often as was asked for, each time on a new server. The rounds go over all jobs, so that a machine that gets slower or busier in the
/// meantime does so for all of them.
fn measure(jobs: &[Job], bench: &Bench<'_>, bar: &ProgressBar) -> Vec<Runs> {
    let mut measured: Vec<Runs> = jobs.iter().map(|_| Ok(Vec::new())).collect();
    for _ in 0..bench.options.repeat {
        for (job, runs) in jobs.iter().zip(&mut measured) {
            bar.set_message(title(job));
            let begun = bar.position();
            if let Ok(done) = runs {
                match job.measure(bench, &|part| bar.set_position(begun + (part * STEPS as f64) as u64)) {
                    Ok(run) => done.push(run),
                    Err(trouble) => *runs = Err(trouble),
                }
            }
            bar.set_position(begun + STEPS);
        }
    }
    measured
}

fn record(job: Job, runs: Vec<(Figures, Limited)>) -> Record {
    // One run that was held back by something else than the server spoils the claim of all.
    let by_others = |limited: &Limited| matches!(limited, Limited::Client | Limited::Machine);
    let all = || runs.iter().map(|(_, limited)| *limited);
    let limited = all().find(by_others).or_else(|| all().next_back()).unwrap_or(Limited::Nothing);
    let runs: Vec<Figures> = runs.into_iter().map(|(figures, _)| figures).collect();
    Record {
        transport: job.listening(),
        name: job.server.map_or("the target", Server::name).to_owned(),
        case: job.name,
        server: job.server,
        subscribers: job.subscribers,
        figures: report::medians(&runs),
        runs,
        limited,
    }
}

/// Parts of one run on the progress bar.
const STEPS: u64 = 100;

fn title(job: &Job) -> String {
    format!("{}, {}, {}", job.name, job.server.map_or("the target", Server::name), job.transport.name())
}

/// A bar on the terminal; nothing where there is none, or where the output is for a program.
fn progress(runs: usize, quiet: bool) -> ProgressBar {
    let bar = ProgressBar::new(runs as u64 * STEPS);
    if quiet || !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    match ProgressStyle::with_template("{bar:30} {percent:>3} %  {elapsed_precise}  {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
