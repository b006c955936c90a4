//! The publication: what becomes of an update that was handed to the hub.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, mpsc},
    task::{Context, Poll},
    time::Instant,
};

use tokio::sync::oneshot;

use crate::{
    metrics::Meter,
    update::{PublishError, UpdateId},
};

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
        (Self(Outcome::Awaited(receiver)), Answer { to: Asker::Task(sender), timed: None })
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
pub(crate) struct Answer {
    to: Asker,
    timed: Option<(Arc<Meter>, Instant)>,
}

#[derive(Debug)]
enum Asker {
    Task(oneshot::Sender<Result<UpdateId, PublishError>>),
    Thread(mpsc::SyncSender<Result<UpdateId, PublishError>>),
    Nobody,
}

impl Answer {
    pub(crate) fn thread(sender: mpsc::SyncSender<Result<UpdateId, PublishError>>) -> Self {
        Self { to: Asker::Thread(sender), timed: None }
    }

    /// For what the hub itself has to say, and does not wait for.
    pub(crate) fn nobody() -> Self {
        Self { to: Asker::Nobody, timed: None }
    }

    /// How long it took is counted, from now on.
    pub(crate) fn timed(self, meter: Arc<Meter>) -> Self {
        Self { timed: Some((meter, Instant::now())), ..self }
    }

    /// Whoever has stopped waiting is not told.
    #[cfg_attr(not(feature = "durable"), expect(dead_code, reason = "answered by a log that is not built"))]
    pub(crate) fn send(self, outcome: Result<UpdateId, PublishError>) {
        if let Some((meter, start)) = self.timed {
            meter.published(outcome.is_ok(), start.elapsed());
        }
        match self.to {
            Asker::Task(sender) => drop(sender.send(outcome)),
            Asker::Thread(sender) => drop(sender.send(outcome)),
            Asker::Nobody => {}
        }
    }
}
