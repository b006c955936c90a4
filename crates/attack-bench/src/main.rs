//! What other people feel of the chat while it is attacked, on servers that this program starts and ends itself.
//!
//! * `options`: the command line; `run`: one attack on one server; `report`: figures and targets.
//! * `attacks`: what the attacker does; `media`: the files that it sends; `bystanders`: what others do meanwhile, and what they feel.
//! * `server`: the child process; `person`: requests of somebody; `tally`: what they were answered.

mod attacks;
mod bystanders;
mod media;
mod options;
mod person;
mod report;
mod run;
mod server;
mod tally;

use attacks::Attack;
use clap::{Parser, ValueEnum};
use mercure_bench::process::{self, Machine};
use options::{Options, Program};
use report::Report;
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Why something could not be measured.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{} can't be started: {error}", program.display())]
    Start { program: PathBuf, error: std::io::Error },
    #[error("{0} does not listen; it said: {1}")]
    Silent(String, String),
    #[error("{path} answered {status}: {text}")]
    Refused { path: String, status: u16, text: String },
    #[error("a bystander was not able {what}: {outcome}")]
    Prepare { what: &'static str, outcome: String },
    #[error("a request failed: {0}")]
    Request(#[from] reqwest::Error),
    #[error("there are too few people")]
    Nobody,
}

fn main() -> ExitCode {
    let options = Options::parse();
    // As many connections as the attacks need; the servers get a limit of their own.
    process::raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(measure(&options)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures everything, or what there is until somebody interrupts it: then the running server is ended too.
async fn measure(options: &Options) -> Result<(), Box<dyn Error>> {
    let programs = options.programs()?;
    let (mut records, mut missing) = (Vec::new(), Vec::new());
    let all = async {
        for attack in chosen(options) {
            // The servers take turns, so that a machine that gets busier does so for all of them.
            for program in &programs {
                progress(attack, program);
                match run::run(attack, program, options).await {
                    Ok(record) => records.push(record),
                    Err(trouble) => missing.push(format!("{}, {}: {trouble}", attack.name(), program.name)),
                }
            }
        }
    };
    tokio::select! {
        () = all => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    let targets = report::judge(&records);
    let command = std::env::args().collect::<Vec<_>>().join(" ");
    let settle_s = options.settle.as_secs_f64();
    let report = Report { command, machine: Machine::here(), settle_s, records, missing, targets };
    let text = if options.json { serde_json::to_string_pretty(&report)? + "\n" } else { report.text() };
    std::io::stdout().write_all(text.as_bytes())?;
    if report.missing.is_empty() { Ok(()) } else { Err("not everything could be measured".into()) }
}

fn chosen(options: &Options) -> Vec<Attack> {
    if options.attacks.is_empty() { Attack::value_variants().to_vec() } else { options.attacks.clone() }
}

fn progress(attack: Attack, program: &Program) {
    let _ = writeln!(std::io::stderr(), "{}, {}", attack.name(), program.name);
}
