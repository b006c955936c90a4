#![doc = include_str!("../README.md")]

mod accept;
#[cfg(feature = "acme")]
mod acme;
mod admin;
mod client;
mod debugger;
pub mod directives;
mod keys;
mod metrics;
mod plan;
mod playground;
mod routes;
mod server;
mod settings;
mod shutdown;
mod site;
mod tls;

pub use plan::{Certificates, Listener, Plan, PlaygroundTokens, Role, WrongSetting};
pub use server::{Server, StartError, run};
pub use settings::Settings;
pub use shutdown::{Shutdown, Trigger, shutdown};
