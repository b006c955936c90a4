//! Requests: what a client may ask over its WebSocket once it is open.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use crate::{
    Hub,
    engine::admission::Registration,
    engine::feed,
    engine::subscriber::Subscriber,
    engine::{Engine, Most},
    topic::Topic,
    topic::matcher::{MatchType, Matcher, Target},
};

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    /// With the reason to be put into the close frame.
    Refused(&'static str),
}

/// Carries out the requests of one client.
#[derive(Debug)]
pub(crate) struct Requests {
    hub: Hub,
    engine: Arc<Engine>,
    subscriber: Arc<Subscriber>,
}

impl Requests {
    pub(crate) fn new(hub: &Hub, registration: &Registration) -> Self {
        Self {
            hub: hub.clone(),
            engine: Arc::clone(registration.engine()),
            subscriber: Arc::clone(registration.subscriber()),
        }
    }

    /// `{"subscribe": […]}`, `{"unsubscribe": […]}`, or something for the application.
    pub(crate) async fn take(&self, text: &str) -> Answer {
        if !self.hub.limiter().may_say(self.subscriber.id, self.hub.now()) {
            return Answer::Refused("too many messages");
        }
        let Ok(message) = serde_json::from_str::<Value>(text) else {
            return Answer::Refused("not JSON");
        };
        let only = message.as_object().filter(|object| object.len() == 1).and_then(|object| object.iter().next());
        match only.map(|(name, value)| (name.as_str(), value)) {
            Some(("subscribe", topics)) => match self.matchers(topics) {
                Some(matchers) => self.subscribe(matchers).await,
                None => Answer::Refused("bad topics"),
            },
            Some(("unsubscribe", topics)) => match self.matchers(topics) {
                Some(matchers) => {
                    let (everything, topics) = split(&matchers);
                    self.engine.unsubscribe(&self.subscriber, everything, &topics);
                    self.engine.hide(&self.subscriber, &matchers);
                    Answer::Done
                }
                None => Answer::Refused("bad topics"),
            },
            _ => {
                let subject = self.subscriber.subject.as_deref().unwrap_or_default();
                let taken = self.hub.config().inbound.as_ref().is_some_and(|inbound| inbound(subject, &message));
                if taken { Answer::Done } else { Answer::Refused("unknown message") }
            }
        }
    }

    /// Names, and `*`. A template is none of them: taken as a name it would match nothing, and the client would never know.
    fn matchers(&self, topics: &Value) -> Option<Vec<Matcher>> {
        let named = |value: &Value| {
            let text = value.as_str()?;
            let is_template = self.hub.config().tokens.legacy
                && matches!(self.hub.matcher(MatchType::Legacy, text)?.target(), Target::Pattern(_));
            if is_template { None } else { self.hub.matcher(MatchType::Exact, text) }
        };
        topics.as_array()?.iter().map(named).collect()
    }

    /// The rights are asked for again, also for topics that are subscribed already: who was let into a room meanwhile subscribes anew.
    async fn subscribe(&self, matchers: Vec<Matcher>) -> Answer {
        let (everything, topics) = split(&matchers);
        let (granted, doubtful): (Vec<_>, Vec<_>) =
            topics.into_iter().partition(|topic| self.subscriber.is_granted(topic));
        let authorizer = self.hub.config().authorizer.as_deref();
        let answers = feed::ask(authorizer, self.subscriber.subject.as_deref(), doubtful).await;
        let verdicts: HashMap<_, _> =
            answers.into_iter().chain(granted.into_iter().map(|topic| (topic, false))).collect();
        let most = Most { names: self.hub.max_named(), patterns: self.hub.config().max_patterns };
        if !self.engine.subscribe(&self.subscriber, everything, verdicts, most) {
            return Answer::Refused("too many topics");
        }
        self.engine.show(&self.subscriber, &matchers);
        // Tells the client that it is subscribed now, and what it may have missed before.
        self.hub.pulse().beat(vec![Arc::clone(&self.subscriber)]);
        Answer::Done
    }
}

/// Whether everything is among them, and the topics that are named.
fn split(matchers: &[Matcher]) -> (bool, Vec<Topic>) {
    let named = matchers.iter().filter_map(|matcher| match matcher.target() {
        Target::Exact(topic) => Some(topic.clone()),
        Target::Everything | Target::Pattern(_) => None,
    });
    (matchers.iter().any(|matcher| matches!(matcher.target(), Target::Everything)), named.collect())
}
