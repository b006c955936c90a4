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
    engine::admission::{Registration, Start},
    engine::ending::Ending,
    engine::queue::Taken,
    engine::replay::Step,
    engine::subscriber::Subscriber,
    engine::ticker::Pulse,
    event::{self, Event},
    history::{LastId, NoPage, Page, Position},
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
    next: Position,
    /// How many updates were sent.
    sent: u64,
    /// A page that comes from the log.
    reading: Option<BoxFuture<'static, Result<Page, NoPage>>>,
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
        let replay = start.begin.map(|next| Replay { next, sent: 0, reading: None, asked: None });
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
        let page = match &mut replay.reading {
            Some(reading) => ready!(reading.as_mut().poll(context)),
            None => match engine.step(subscriber, replay.next) {
                Step::Page(page) => Ok(page),
                Step::Read(log, reading) => {
                    replay.reading = Some(log.page(reading));
                    return Poll::Ready(None);
                }
                Step::Live => {
                    engine.meter.replayed(replay.sent);
                    self.replay = None;
                    return Poll::Ready(None);
                }
                Step::Outrun => Err(NoPage::Outrun),
            },
        };
        replay.reading = None;
        match page {
            Ok(Page { events, next, .. }) => {
                replay.next = Position::Place(next);
                if events.is_empty() {
                    // A long way without anything that is wanted: the others on this thread have their turn.
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                let (authorizer, subject) = (self.authorizer.clone(), subscriber.subject.clone());
                let topics = doubtful(&events, subscriber);
                let asking: Asking =
                    Box::pin(async move { ask(authorizer.as_deref(), subject.as_deref(), topics).await });
                replay.asked = Some((events, asking));
            }
            Err(error) => {
                let ending = match error {
                    NoPage::Outrun => Ending::Outrun,
                    NoPage::Unreadable => Ending::Unreadable,
                };
                engine.end(subscriber.id, ending);
                self.ending = Some(ending);
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
