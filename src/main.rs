//! The command line. Without an argument it serves.

use clap::{Args, Parser, Subcommand};
use mercure_bench::Itself;
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
    /// Serve a Mercure hub alone: a drop-in for the reference image
    Hub(Box<HubLine>),
    /// Measure
    #[command(subcommand)]
    Bench(mercure_bench::Command),
}

#[derive(Args)]
struct HubLine {
    #[command(flatten)]
    settings: mercure_server::Settings,

    /// What is logged, as a tracing filter [default: mercure_server=info,mercure_hub=info,warn; debug with GLOBAL_OPTIONS=debug]
    #[arg(long, env = "PALABRE_LOG", value_name = "FILTER")]
    log: Option<String>,

    /// How the log is written
    #[arg(long, env = "PALABRE_LOG_FORMAT", value_name = "TEXT|JSON", default_value = "text")]
    log_format: LogFormat,
}

fn main() -> ExitCode {
    let line = Line::parse();
    let ended = match line.command {
        Some(Command::Serve(settings)) => run(&settings),
        Some(Command::Hub(hub)) => run_hub(&hub),
        Some(Command::Bench(command)) => {
            mercure_bench::run(&command, Itself { bench: &["bench"], hub: Some(&["hub"]) })
        }
        None => run(&line.settings),
    };
    match ended {
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
    start_log(&settings.log, settings.log_format)?;
    // Before any runtime or thread: both TLS users (PostgreSQL, the external hub) share one provider.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run_server(config))
}

fn run_hub(line: &HubLine) -> Result<(), Fault> {
    let plan = mercure_server::Plan::new(&line.settings)?;
    let default = if line.settings.wants_debug_log() { "debug" } else { "mercure_server=info,mercure_hub=info,warn" };
    start_log(line.log.as_deref().unwrap_or(default), line.log_format)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let shutdown = mercure_server::Shutdown::on_signals()?;
        let server = mercure_server::Server::bind(plan).await?;
        let addresses: Vec<_> = server.addresses().iter().map(ToString::to_string).collect();
        println!("The hub is ready: {}", addresses.join(", "));
        server.serve(shutdown).await;
        println!("The hub has stopped.");
        Ok(())
    })
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
    let tidying = tokio::spawn(app.clone().keep_files_tidy());
    let served = serve(listener, app, asked_to_stop()).await;
    tidying.abort();
    served?;
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

fn start_log(filter: &str, format: LogFormat) -> Result<(), Fault> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("PALABRE_LOG: {error}"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}
