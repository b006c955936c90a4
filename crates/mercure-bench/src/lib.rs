//! A load generator for Mercure hubs: what one costs for each delivery and each connection, and how long a message takes.
//!
//! One thread with one `epoll` holds all connections and publishes; latency is counted from the moment a message was planned for, not from when the client
//! came to send it. A server that is started here has a process and, where there are two or more, a core of its own. The README says what each figure means.
//!
//! # Layout
//!
//! * `options`: the command line; `cases`: what each case does; `report`, `table`, `judge`: figures, and the targets they are held against.
//! * `client`: the connections and the run, made of `reader`, `sender` and `ledger`; `decode`, `head`, `stamp`: what is read; `target`: what is written.
//! * `servers`: what is started: the hub, a lower bound, rivals; `process`: cost by `/proc`.

mod cases;
mod client;
mod decode;
mod head;
mod histogram;
mod judge;
mod ledger;
mod options;
mod process;
mod reader;
mod report;
mod sender;
mod servers;
mod stamp;
mod table;
mod target;

pub use options::{Case, HubBench, Server, Window};
pub use servers::{hub::Serve, limit::Limit};
pub use target::Transport;

use cases::{Bench, Job};
use clap::{Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use report::{Figures, Limited, Machine, Record, Report};
use servers::Itself;
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

/// Does what was asked. `before` are the arguments that lead to these commands in the program that calls.
///
/// # Errors
/// When nothing could be measured, or the server that was asked for can't be started.
pub fn run(command: &Command, before: &[&str]) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Hub(options) => hub(options, before),
        Command::Serve(options) => Ok(runtime()?.block_on(servers::hub::serve(options))?),
        Command::Limit(options) => Ok(servers::limit::serve(*options)?),
        Command::AxumSse => Ok(runtime()?.block_on(servers::axum_sse::serve())?),
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    process::raise_file_limit();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

fn hub(options: &HubBench, before: &[&str]) -> Result<(), Box<dyn Error>> {
    let itself = Itself(before.iter().map(|argument| (*argument).to_owned()).collect());
    let bench = Bench { options, itself: &itself };
    let servers: Vec<Option<Server>> = match (&options.target, options.rivals) {
        (Some(_), _) => vec![None],
        (None, true) => Server::value_variants().iter().copied().map(Some).collect(),
        (None, false) => options.servers.iter().copied().map(Some).collect(),
    };
    let jobs = cases::plan(options, &servers);
    let bar = progress(jobs.len() * options.repeat as usize, options.json);
    let mut report = Report {
        command: std::env::args().collect::<Vec<_>>().join(" "),
        machine: Machine::here(),
        records: Vec::new(),
        missing: Vec::new(),
        verdicts: Vec::new(),
    };
    for job in jobs {
        match repeat(&job, &bench, &bar) {
            Ok(record) => report.records.push(record),
            Err(trouble) => report.missing.push(format!("{}: {trouble}", title(&job))),
        }
    }
    bar.finish_and_clear();
    report.verdicts = judge::judge(&report.records);
    let text = if options.json { serde_json::to_string_pretty(&report)? + "\n" } else { report.text() };
    std::io::stdout().write_all(text.as_bytes())?;
    if report.records.is_empty() { Err("nothing could be measured".into()) } else { Ok(()) }
}

/// Measures one thing as often as was asked for, each time on a new server.
fn repeat(job: &Job, bench: &Bench<'_>, bar: &ProgressBar) -> Result<Record, cases::Trouble> {
    let mut runs: Vec<Figures> = Vec::new();
    let mut limited = Limited::Nothing;
    for _ in 0..bench.options.repeat {
        bar.set_message(title(job));
        let begun = bar.position();
        let (figures, held_back) =
            job.measure(bench, &|part| bar.set_position(begun + (part * STEPS as f64) as u64))?;
        bar.set_position(begun + STEPS);
        runs.push(figures);
        // One run that was held back by something else than the server spoils the claim of all.
        if !matches!(limited, Limited::Client | Limited::Machine) {
            limited = held_back;
        }
    }
    Ok(Record {
        case: job.name.clone(),
        server: job.server,
        name: job.server.map_or("the target", Server::name).to_owned(),
        transport: Some(job.transport),
        subscribers: job.subscribers,
        figures: report::medians(&runs),
        runs,
        limited,
    })
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
