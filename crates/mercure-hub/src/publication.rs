//! The publication: what becomes of an update that was handed to the hub.

use std::{
    fmt,
    pin::Pin,
    sync::mpsc,
    task::{Context, Poll},
};

use tokio::sync::oneshot;

use crate::update::{PublishError, UpdateId};

/// The outcome of [`Hub::publish_async`](crate::Hub::publish_async). The update is under way already: nobody has to wait for it, and to drop this does not stop it.
#[must_use = "only the outcome tells whether the update was published"]
pub struct Publication(Outcome);

enum Outcome {
    Known(Option<Result<UpdateId, PublishError>>),
    Awaited(oneshot::Receiver<Result<UpdateId, PublishError>>),
}

impl Publication {
    pub(crate) fn known(outcome: Result<UpdateId, PublishError>) -> Self {
        Self(Outcome::Known(Some(outcome)))
    }

    /// One that is still open, and what closes it.
    pub(crate) fn open() -> (Self, Answer) {
        let (sender, receiver) = oneshot::channel();
        (Self(Outcome::Awaited(receiver)), Answer::Task(sender))
    }
}

impl Future for Publication {
    type Output = Result<UpdateId, PublishError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            // Polled again after its end, which no caller does.
            Outcome::Known(outcome) => Poll::Ready(outcome.take().unwrap_or(Err(PublishError::Closed))),
            Outcome::Awaited(receiver) => {
                Pin::new(receiver).poll(context).map(|answer| answer.unwrap_or(Err(PublishError::Closed)))
            }
        }
    }
}

impl fmt::Debug for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Publication")
    }
}

/// How the one who publishes is told: a task that awaits, or a thread that stands still.
#[derive(Debug)]
pub(crate) enum Answer {
    Task(oneshot::Sender<Result<UpdateId, PublishError>>),
    Thread(mpsc::SyncSender<Result<UpdateId, PublishError>>),
}

impl Answer {
    /// Whoever has stopped waiting is not told.
    #[cfg_attr(not(feature = "durable"), expect(dead_code, reason = "answered by a log that is not built"))]
    pub(crate) fn send(self, outcome: Result<UpdateId, PublishError>) {
        match self {
            Self::Task(sender) => drop(sender.send(outcome)),
            Self::Thread(sender) => drop(sender.send(outcome)),
        }
    }
}
