//! When to end, and how soon.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Running,
    Draining,
    Now,
}

/// Tells the server to end.
#[derive(Debug)]
pub struct Trigger(watch::Sender<Phase>);

/// Hears of it. Clones hear the same.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<Phase>);

/// A trigger, and what hears it. A trigger that is dropped has not been pulled.
pub fn shutdown() -> (Trigger, Shutdown) {
    let (sender, receiver) = watch::channel(Phase::Running);
    (Trigger(sender), Shutdown(receiver))
}

impl Trigger {
    /// Readiness fails, the open streams are closed one after the other, then the server ends.
    pub fn drain(&self) {
        self.0.send_if_modified(|phase| {
            let is_new = *phase < Phase::Draining;
            *phase = (*phase).max(Phase::Draining);
            is_new
        });
    }

    /// The server ends at once.
    pub fn now(&self) {
        self.0.send_replace(Phase::Now);
    }
}

impl Shutdown {
    /// Listens to the terminal and the supervisor: the first SIGINT or SIGTERM drains, the second ends at once.
    ///
    /// # Errors
    /// When the system lets no handler be installed.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn on_signals() -> io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (trigger, shutdown) = shutdown();
        tokio::spawn(async move {
            for step in [Trigger::drain, Trigger::now] {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                step(&trigger);
            }
        });
        Ok(shutdown)
    }

    /// Ends when the server is to drain, or to end at once.
    pub(crate) async fn begins(&mut self) {
        self.reaches(Phase::Draining).await;
    }

    /// Ends when the server is to end at once.
    pub(crate) async fn is_now(&mut self) {
        self.reaches(Phase::Now).await;
    }

    async fn reaches(&mut self, wanted: Phase) {
        if self.0.wait_for(|phase| *phase >= wanted).await.is_err() {
            // Nobody is left who could say so.
            std::future::pending::<()>().await;
        }
    }
}
