//! Tells browsers whose pages are closed, by Web Push, off the send path: a bounded queue, a few posts at a time, a few tries each.
//!
//! A page that shows a message reads it. So a message waits a few seconds in the queue, and who has read it by then, on whatever device,
//! is not disturbed: nobody has to know which page is open where. Who may hear is asked when it is sent, and again before each retry.

use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, Lane};
use crate::error::{Error, Result};
use crate::id::MessageId;
use crate::message::audience::{self, Listener, Told};
use crate::outbound::{Outbound, Posted, Refused};
use crate::user::push::{self, Subscription};
use crate::view::locale::Locale;
use crate::webpush::{Keys, Vapid};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::Instant;

/// Messages that may wait. The next one is told by nobody but the page.
const QUEUE: usize = 1_000;
/// Messages that are looked up together: a busy room costs a statement a batch, not a message.
const BATCH: usize = 256;
/// Posts at the same time.
const AT_ONCE: usize = 24;
/// Tries for one browser.
const TRIES: u32 = 3;
/// The longest pause before another try, whatever the service asks for.
const PAUSE_MAX: Duration = Duration::from_secs(20);
/// How long a service keeps a message for a browser that is off: what is personal a day, the rest four hours.
const PERSONAL_SECONDS: u32 = 24 * 3_600;
const OTHER_SECONDS: u32 = 4 * 3_600;

/// The queue's near end, and what a test push needs. A cheap clone.
#[derive(Clone)]
pub struct Courier {
    queue: mpsc::Sender<Job>,
    van: Arc<Van>,
}

/// Everything that a delivery needs.
struct Van {
    db: Db,
    clock: Clock,
    outbound: Outbound,
    vapid: Vapid,
    patience: Duration,
    pause: Duration,
}

/// A message, and when it is to be told.
type Job = (MessageId, Instant);

/// When the job that was put aside is due, or the next one that comes and is put there; none when none can come any more.
async fn next(aside: &mut Option<Job>, jobs: &mut mpsc::Receiver<Job>) -> Option<Instant> {
    if aside.is_none() {
        *aside = jobs.recv().await;
    }
    aside.as_ref().map(|(_, due)| *due)
}

/// A notification on its way to one browser.
struct Parcel<'a> {
    to: &'a Subscription,
    message: String,
    topic: String,
    is_personal: bool,
}

impl Courier {
    /// Starts the one task that takes from the queue, in order, until the program is to end.
    pub fn start(
        config: &Config,
        db: Db,
        clock: Clock,
        outbound: Outbound,
        (vapid, mut stop): (Vapid, watch::Receiver<bool>),
    ) -> Self {
        let (queue, mut jobs) = mpsc::channel::<Job>(QUEUE);
        let (patience, pause) = (config.push_patience, config.push_pause);
        let van = Arc::new(Van { db, clock, outbound, vapid, patience, pause });
        let far_end = van.clone();
        tokio::spawn(async move {
            let mut aside = None;
            tokio::select! {
                () = far_end.drive(&mut jobs, &mut aside) => {}
                () = stopped(&mut stop) => {
                    // They are told by nobody but the page: who opens it reads them.
                    let count = jobs.len() + usize::from(aside.is_some());
                    if count > 0 {
                        tracing::warn!(count, "messages that waited to be told by push are not told: the program ends");
                    }
                }
            }
        });
        Self { queue, van }
    }

    /// A message is in its room. Never waits, never fails a send.
    pub fn tell(&self, message: MessageId) {
        if self.queue.try_send((message, Instant::now() + self.van.patience)).is_err() {
            tracing::debug!("too many messages wait to be told by push");
        }
    }

    /// What browsers subscribe with.
    pub fn public_key(&self) -> &str {
        self.van.vapid.public_key()
    }

    /// Whether an address may be a push service's: public, by https.
    pub fn may_call(&self, endpoint: &str) -> bool {
        let is_own = |url: &reqwest::Url| url.host_str() == Some("127.0.0.1");
        self.van.outbound.check(endpoint).is_ok_and(|url| url.scheme() == "https" || is_own(&url))
    }

    /// Sends a browser a notification that says only that it works.
    ///
    /// # Errors
    /// `Unavailable` when its push service does not take it.
    pub async fn try_out(&self, browser: &Subscription, locale: Locale) -> Result<()> {
        let words = |key| locale.translate(key, []).unwrap_or_default();
        let message =
            json!({ "title": words("site-name"), "body": words("push-test-body"), "url": "/settings", "tag": "test" });
        let parcel = Parcel { to: browser, message: message.to_string(), topic: "test".into(), is_personal: true };
        let posted = self.van.post(&parcel).await.map_err(|_| Error::Unavailable)?;
        if posted.status / 100 == 2 { Ok(()) } else { Err(Error::Unavailable) }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|is_stopping| *is_stopping).await;
}

impl Van {
    /// Delivers what is due, as long as something may come. The job that waits for its time stands in `aside`.
    async fn drive(self: &Arc<Self>, jobs: &mut mpsc::Receiver<Job>, aside: &mut Option<Job>) {
        let doors = Arc::new(Semaphore::new(AT_ONCE));
        while let Some(due) = next(aside, jobs).await {
            tokio::time::sleep_until(due).await;
            let mut batch: Vec<i64> = aside.take().into_iter().map(|(message, _)| message.0).collect();
            while let Ok((message, due)) = jobs.try_recv() {
                if due > Instant::now() || batch.len() == BATCH {
                    *aside = Some((message, due));
                    break;
                }
                batch.push(message.0);
            }
            if let Err(error) = self.clone().deliver(batch, &doors).await {
                tracing::warn!(%error, "messages were not told by push");
            }
        }
    }

    async fn deliver(self: Arc<Self>, messages: Vec<i64>, doors: &Arc<Semaphore>) -> Result<()> {
        let now = self.clock.now();
        let parcels = self.db.read(move |db| audience::of(db, &messages, now)).await?;
        for (told, listener) in parcels {
            let Ok(door) = doors.clone().acquire_owned().await else { return Ok(()) };
            let van = self.clone();
            tokio::spawn(async move {
                van.reach(&told, &listener).await;
                drop(door);
            });
        }
        Ok(())
    }

    /// Tells one browser, with a few tries.
    async fn reach(&self, told: &Told, listener: &Listener) {
        let parcel = parcel(told, listener);
        for tried in 1..=TRIES {
            let pause = match self.post(&parcel).await {
                Ok(Posted { status: 200..=299, .. }) => return,
                Ok(Posted { status: 404 | 410, .. }) => return self.forget(&listener.browser.endpoint).await,
                Ok(Posted { status: 429 | 500..=599, retry_after }) => {
                    retry_after.map_or(self.pause * 4_u32.pow(tried - 1), Duration::from_secs)
                }
                Ok(Posted { status, .. }) => return tracing::info!(status, "a push service refused a notification"),
                Err(Refused::TooSlow | Refused::Unreachable) => self.pause * 4_u32.pow(tried - 1),
                Err(
                    refused @ (Refused::Url
                    | Refused::Address
                    | Refused::Redirects
                    | Refused::Status(_)
                    | Refused::Encoded),
                ) => return tracing::info!(%refused, "a notification was not sent"),
            };
            if tried < TRIES {
                tokio::time::sleep(pause.min(PAUSE_MAX)).await;
                if !self.is_still_listening(told.message, listener).await {
                    return;
                }
            }
        }
    }

    async fn post(&self, parcel: &Parcel<'_>) -> std::result::Result<Posted, Refused> {
        let url = self.outbound.check(&parcel.to.endpoint)?;
        let keys = Keys::parse(&parcel.to.p256dh, &parcel.to.auth).map_err(|_| Refused::Url)?;
        let sealed = keys.seal(parcel.message.as_bytes()).map_err(|_| Refused::Url)?;
        let origin = url.origin().ascii_serialization();
        let proof = self.vapid.authorization(&origin, self.clock.now()).map_err(|_| Refused::Url)?;
        let mut headers = HeaderMap::new();
        let seconds = if parcel.is_personal { PERSONAL_SECONDS } else { OTHER_SECONDS };
        headers.insert(HeaderName::from_static("ttl"), HeaderValue::from(seconds));
        let urgency = HeaderValue::from_static(if parcel.is_personal { "high" } else { "normal" });
        headers.insert(HeaderName::from_static("urgency"), urgency);
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        for (name, text) in [(HeaderName::from_static("topic"), &parcel.topic), (AUTHORIZATION, &proof)] {
            headers.insert(name, HeaderValue::from_str(text).map_err(|_| Refused::Url)?);
        }
        self.outbound.post(&parcel.to.endpoint, headers, sealed).await
    }

    async fn is_still_listening(&self, id: MessageId, listener: &Listener) -> bool {
        let (now, endpoint, user) = (self.clock.now(), listener.browser.endpoint.clone(), listener.user);
        let is_same =
            move |(_, other): &(Arc<Told>, Listener)| other.user == user && other.browser.endpoint == endpoint;
        let asked: Result<bool> = self.db.read(move |db| Ok(audience::of(db, &[id.0], now)?.iter().any(is_same))).await;
        asked.unwrap_or(false)
    }

    async fn forget(&self, endpoint: &str) {
        let endpoint = endpoint.to_owned();
        let forgotten: Result<()> = self.db.write(Lane::None, move |tx| push::forget(tx, &endpoint)).await;
        if let Err(error) = forgotten {
            tracing::warn!(%error, "a browser that is gone could not be forgotten");
        }
    }
}

/// What one browser is told: room and author; the text only for who wants it on the screen.
fn parcel<'a>(told: &Told, listener: &'a Listener) -> Parcel<'a> {
    let locale: Locale = listener.locale.parse().unwrap_or_default();
    let name = format!("{} {}", told.author.first_name, told.author.last_name).trim().to_owned();
    let key = match (listener.shows_text && !told.excerpt.is_empty(), listener.kind.as_deref()) {
        (true, _) => "push-text",
        (false, Some("mention")) => "push-mention",
        (false, Some("reply")) => "push-reply",
        (false, Some(_) | None) => "push-message",
    };
    let args = [("name", name), ("text", told.excerpt.clone())];
    let body = locale.translate(key, args.map(|(name, value)| (name, value.into()))).unwrap_or_default();
    let room = told.room;
    let url = format!("/message/chatroom/{room}#message-{}", told.message);
    let message = json!({ "title": told.title, "body": body, "url": url, "tag": format!("room-{room}"), "lang": locale.as_str() });
    // Waiting notifications of one room replace one another; the service need not learn which room that is.
    let secret = format!("{room} {}", listener.browser.auth);
    let topic = URL_SAFE_NO_PAD.encode(&digest(&SHA256, secret.as_bytes()).as_ref()[..24]);
    Parcel { to: &listener.browser, message: message.to_string(), topic, is_personal: listener.kind.is_some() }
}
