//! The feed: all that one stream is to send, in order: first its replay, page by page and with the rights of that moment, then what comes live.

use std::{
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::{
    config::Authorizer,
    engine::Step,
    engine::admission::{Registration, Start},
    engine::ending::Ending,
    engine::queue::Taken,
    engine::subscriber::Subscriber,
    engine::ticker::Pulse,
    event::{self, Event},
    history::{Cursor, LastId},
    topic::Topic,
};

/// Asks the authorizer, if there is one and a person to ask about. Topics it says nothing about may not be read.
pub(crate) async fn ask(
    authorizer: Option<&dyn Authorizer>,
    subject: Option<&str>,
    topics: Vec<Topic>,
) -> Vec<(Topic, bool)> {
    let names: Vec<String> = topics.iter().map(ToString::to_string).collect();
    let answers = match (authorizer, subject) {
        (Some(authorizer), Some(subject)) if !names.is_empty() => authorizer.may_read(subject, &names).await,
        _ => Vec::new(),
    };
    topics.into_iter().zip(answers.into_iter().chain(std::iter::repeat(false))).collect()
}

type Asking = BoxFuture<'static, Vec<(Topic, bool)>>;

/// A replay under way.
struct Replay {
    cursor: Cursor,
    /// How many updates were sent.
    sent: u64,
    /// A page whose rights are being asked for.
    asked: Option<(Vec<Arc<Event>>, Asking)>,
}

/// What one connection reads from.
pub(crate) struct Feed {
    registration: Registration,
    pulse: Pulse,
    authorizer: Option<Arc<dyn Authorizer>>,
    replay: Option<Replay>,
    greeted: bool,
    ending: Option<Ending>,
}

impl Feed {
    pub(crate) fn new(start: Start, pulse: Pulse, authorizer: Option<Arc<dyn Authorizer>>) -> Self {
        let replay = start.cursor.map(|cursor| Replay { cursor, sent: 0, asked: None });
        Self { registration: start.registration, pulse, authorizer, replay, greeted: false, ending: None }
    }

    pub(crate) fn registration(&self) -> &Registration {
        &self.registration
    }

    pub(crate) fn subscriber(&self) -> &Arc<Subscriber> {
        self.registration.subscriber()
    }

    /// The id of the event before the first one that will be sent, if the subscriber asked to continue from some id.
    pub(crate) fn starts_after<'a>(&self, asked: Option<&'a LastId>) -> Option<&'a str> {
        Some(match asked? {
            LastId::Id(id) if self.replay.is_some() => id,
            LastId::Id(_) | LastId::Earliest => "earliest",
        })
    }

    /// Whether it has come to the present.
    pub(crate) fn is_live(&self) -> bool {
        self.replay.is_none()
    }

    /// Why it ended, once it has.
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// The next bytes, or nothing when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        poll_fn(|context| self.poll_next(context)).await
    }

    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(bytes) = ready!(self.poll_missed(context)) {
            return Poll::Ready(Some(bytes));
        }
        if self.ending.is_some() {
            return Poll::Ready(None);
        }
        if !std::mem::replace(&mut self.greeted, true) {
            self.greet();
        }
        match ready!(self.subscriber().queue.poll_take(context)) {
            Taken::Bytes(bytes) => Poll::Ready(Some(bytes)),
            Taken::Ended(ending) => {
                self.ending = Some(ending);
                Poll::Ready(None)
            }
        }
    }

    /// The next bytes of the replay; nothing when the present is reached, or the stream has ended.
    pub(crate) async fn missed(&mut self) -> Option<Bytes> {
        poll_fn(|context| self.poll_missed(context)).await
    }

    fn poll_missed(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        while self.ending.is_none() && self.replay.is_some() {
            if let Poll::Ready(ending) = self.subscriber().queue.poll_end(context) {
                self.ending = Some(ending);
            } else if let Some(bytes) = ready!(self.poll_replay(context)) {
                return Poll::Ready(Some(bytes));
            }
        }
        Poll::Ready(None)
    }

    /// What was missed before the stream began to run shows at once.
    fn greet(&self) {
        self.pulse.beat(vec![Arc::clone(self.subscriber())]);
    }

    /// Ends the replay's part: from here on the queue has everything, and the connection needs no more than its registration.
    pub(crate) fn go_live(self) -> Registration {
        self.greet();
        self.registration
    }

    /// One step of the replay: a page looked up, or a page whose rights are known.
    fn poll_replay(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some(replay) = &mut self.replay else {
            return Poll::Ready(None);
        };
        let (engine, subscriber) = (self.registration.engine(), self.registration.subscriber());
        if let Some((_, asking)) = &mut replay.asked {
            let verdicts = ready!(asking.as_mut().poll(context));
            engine.renew(subscriber, verdicts);
            let page = replay.asked.take().map(|(page, _)| page).unwrap_or_default();
            let readable = page.iter().filter(|event| subscriber.may_receive(event)).map(AsRef::as_ref);
            replay.sent += readable.clone().count() as u64;
            return Poll::Ready(Some(event::join(subscriber.wire, readable)).filter(|bytes| !bytes.is_empty()));
        }
        match engine.step(subscriber, replay.cursor) {
            Step::Page(page, cursor) => {
                let (authorizer, subject) = (self.authorizer.clone(), subscriber.subject.clone());
                let topics = doubtful(&page, subscriber);
                let asking: Asking =
                    Box::pin(async move { ask(authorizer.as_deref(), subject.as_deref(), topics).await });
                (replay.cursor, replay.asked) = (cursor, Some((page, asking)));
            }
            Step::Live => {
                engine.meter.replayed(replay.sent);
                self.replay = None;
            }
            Step::Outrun => {
                engine.end(subscriber.id, Ending::Outrun);
                self.ending = Some(Ending::Outrun);
            }
        }
        Poll::Ready(None)
    }
}

/// The topics of a page that decide about something private and that the token does not grant.
fn doubtful(page: &[Arc<Event>], subscriber: &Subscriber) -> Vec<Topic> {
    let interest = subscriber.interest();
    let private = page.iter().filter(|event| event.private).flat_map(|event| event.topics.iter());
    let mut topics: Vec<_> =
        private.filter(|topic| interest.named.contains(topic) && !subscriber.is_granted(topic)).cloned().collect();
    topics.sort_unstable();
    topics.dedup();
    topics
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("subscriber", &self.subscriber().id)
            .field("replays", &self.replay.is_some())
            .finish_non_exhaustive()
    }
}
