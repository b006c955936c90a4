//! The load generator as a program of its own: the same as `palabre bench`.

use clap::Parser;
use mercure_bench::{Command, Itself};
use std::process::ExitCode;

/// Measures Mercure hubs
#[derive(Parser)]
#[command(version, about)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    match mercure_bench::run(&Line::parse().command, Itself::default()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mercure-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
