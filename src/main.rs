//! The command line. Without an argument it serves.

use clap::{Parser, Subcommand};
use palabre::clock::Clock;
use palabre::config::{Config, LogFormat, Settings};
use palabre::{App, serve};
use std::io::IsTerminal;
use std::process::ExitCode;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// Palabre: real-time chat for communities that pursue goals together
#[derive(Parser)]
#[command(version, about, args_conflicts_with_subcommands = true)]
struct Line {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the chat (what happens without a command, too)
    Serve(Box<Settings>),
    /// Measure
    #[command(subcommand)]
    Bench(mercure_bench::Command),
}

fn main() -> ExitCode {
    let line = Line::parse();
    let done = match line.command {
        Some(Command::Serve(settings)) => run(&settings),
        Some(Command::Bench(command)) => mercure_bench::run(&command, &["bench"]),
        None => run(&line.settings),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("palabre: {error}");
            ExitCode::FAILURE
        }
    }
}

type Fault = Box<dyn std::error::Error>;

fn run(settings: &Settings) -> Result<(), Fault> {
    let config = Config::new(settings)?;
    start_log(settings)?;
    // Before any runtime or thread: both TLS users (PostgreSQL, the external hub) share one provider.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run_server(config))
}

async fn run_server(mut config: Config) -> Result<(), Fault> {
    std::fs::create_dir_all(&config.data)
        .map_err(|error| format!("PALABRE_DATA: {}: {error}", config.data.display()))?;
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| format!("PALABRE_LISTEN: cannot listen on {}: {error}", config.listen))?;
    let address = listener.local_addr()?;
    if config.listen.port() == 0 {
        let port_zero = format!("http://{}", config.listen);
        if config.public_url == port_zero {
            config.public_url = format!("http://{address}");
        }
        config.listen = address;
    }
    let url = config.public_url.clone();
    let app = App::open(config, Clock::default()).await.map_err(|error| format!("DATABASE_URL: {error}"))?;
    println!("Palabre is ready: {url}");
    serve(listener, app, asked_to_stop()).await?;
    println!("Palabre has stopped.");
    Ok(())
}

/// Ends when the terminal or the supervisor says so.
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = signal(SignalKind::interrupt());
    let terminate = signal(SignalKind::terminate());
    match (interrupt, terminate) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        (Err(_), _) | (_, Err(_)) => std::future::pending().await,
    }
}

fn start_log(settings: &Settings) -> Result<(), Fault> {
    let filter = EnvFilter::try_new(&settings.log).map_err(|error| format!("PALABRE_LOG: {error}"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match settings.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}
