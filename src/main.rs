//! The command line. Without an argument it serves.

use clap::{Args, Parser, Subcommand};
use mercure_bench::Itself;
use palabre::clock::Clock;
use palabre::config::{Config, LogFormat, Settings};
use palabre::error::Error;
use palabre::files::private;
use palabre::{App, serve};
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

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

    /// The command of the reference image, which compose files give: `caddy run --config …`
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,

    /// What is logged, as a tracing filter [default: mercure_server=info,mercure_hub=info,warn; debug with GLOBAL_OPTIONS=debug]
    #[arg(long, env = "PALABRE_LOG", value_name = "FILTER")]
    log: Option<String>,

    /// How the log is written
    #[arg(long, env = "PALABRE_LOG_FORMAT", value_name = "TEXT|JSON", default_value = "text")]
    log_format: LogFormat,
}

fn main() -> ExitCode {
    // What this program writes is its owner's: database, journals, files, sockets. Before any thread, since the mask is the process's.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
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

/// How long threads that are busy still may go on when everything else has ended.
const LAST_MOMENT: Duration = Duration::from_millis(500);

type Fault = Box<dyn std::error::Error>;

fn run(settings: &Settings) -> Result<(), Fault> {
    let config = Config::new(settings)?;
    start_log(&settings.log, settings.log_format)?;
    // Before any runtime or thread: both TLS users (PostgreSQL, the external hub) share one provider.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(run_server(config));
    // Dropped, a runtime waits for each of its threads, however long it goes on decoding something.
    runtime.shutdown_timeout(LAST_MOMENT);
    ended
}

/// What to write instead of `caddy run --config /etc/caddy/dev.Caddyfile`.
const FOREIGN_COMMAND: &str = "leave it out; the hub is set by variables and flags. HUB_DEV=1 stands for dev.Caddyfile, and what stands between the braces of mercure { … } in a Caddyfile of your own goes into MERCURE_EXTRA_DIRECTIVES or the file that HUB_CONFIG names";

fn run_hub(line: &HubLine) -> Result<(), Fault> {
    if !line.command.is_empty() {
        return Err(
            format!("{:?} is a command of the reference image: {FOREIGN_COMMAND}", line.command.join(" ")).into()
        );
    }
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
    let unusable = |error| format!("PALABRE_DATA: {}: {error}", config.data.display());
    private::folder(&config.data).map_err(unusable)?;
    private::close_own(&config.data, |name| name == "files" || name.starts_with("palabre.sqlite")).map_err(unusable)?;
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
    let app = App::open(config, Clock::default()).await.map_err(|error| {
        // The reason alone: that it is internal says nothing to who starts the program.
        let reason = if let Error::Internal(source) = error { source.to_string() } else { error.to_string() };
        format!("DATABASE_URL: {reason}")
    })?;
    println!("Palabre is ready: {url}");
    if app.config.is_public()
        && let Some(code) = app.require_first_code().await.map_err(|error| format!("DATABASE_URL: {error}"))?
    {
        // Here and nowhere else: the log may be kept, sent on and read by others.
        println!("The first account administers this site. To open it, this code is needed: {code}");
    }
    let tidying = tokio::spawn(app.clone().keep_tidy());
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
    let filter = filter.and(filter_fn(is_discreet));
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => tracing_subscriber::registry().with(log.with_filter(filter)).init(),
        LogFormat::Json => tracing_subscriber::registry().with(log.json().with_filter(filter)).init(),
    }
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Whether an event may be logged whatever the filter says: libraries write down what passes through them (an HTML parser the text of
/// messages, an HTTP client the hosts that it calls), so that they may warn and no more.
fn is_discreet(metadata: &Metadata<'_>) -> bool {
    let module = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= Level::WARN || OURS.contains(&module)
}

/// The crates of this repository: what they log is written with care.
const OURS: [&str; 4] = ["palabre", "mercure_hub", "mercure_server", "mercure_bench"];

/// Logs where a panic happened. Its words only when they are a constant: others may quote what somebody wrote.
fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let words = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(formatted)");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(place, words, thread = thread.name().unwrap_or_default(), "panic");
}
