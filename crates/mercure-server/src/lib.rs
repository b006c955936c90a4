//! A Mercure hub as a program: what the reference image reads and answers, around the hub of the library `mercure-hub`. The README lists all of it.
//!
//! ```no_run
//! use clap::Parser;
//! use mercure_server::{Plan, Settings, Shutdown, run};
//!
//! #[derive(Parser)]
//! struct Line {
//!     #[command(flatten)]
//!     settings: Settings,
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let plan = Plan::new(&Line::parse().settings)?;
//!     run(plan, Shutdown::on_signals()?).await?;
//!     Ok(())
//! }
//! ```
//!
//! # Layout
//!
//! * `settings`: flags and variables; `directives`: the reference's own language; `site`: its `SERVER_NAME`; `keys`.
//! * `plan`: all of these understood together, or refused with a sentence. Nothing after it can be wrong except the machine.
//! * `server`: a plan carried out; `shutdown`; `accept`: sockets into requests; `tls`, `acme`.
//! * `routes`: the main port, with `debugger` and `playground`; `admin`: health and metrics.

mod accept;
#[cfg(feature = "acme")]
mod acme;
mod admin;
mod debugger;
pub mod directives;
mod keys;
mod plan;
mod playground;
mod routes;
mod server;
mod settings;
mod shutdown;
mod site;
mod tls;

pub use plan::{Certificates, Listener, Log, Plan, Playground, Role, WrongSetting};
pub use server::{Server, StartError, run};
pub use settings::{Rules, Settings};
pub use shutdown::{Shutdown, Trigger, shutdown};
