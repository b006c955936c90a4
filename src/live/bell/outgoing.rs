//! Updates on their way to another hub: a bounded queue, retries, and never a wait for who sends.

use super::seconds;
use mercure_hub::{Claims, Grant, Key, Update};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, oneshot};

/// Updates that may wait. The next one is dropped: pages fetch what they missed.
const QUEUE: usize = 10_000;
/// Tries for one update before the next gets its turn.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const TIMEOUT: Duration = Duration::from_secs(5);

/// The queue's near end. A cheap clone.
#[derive(Clone)]
pub struct Outgoing {
    queue: mpsc::Sender<Job>,
    is_healthy: Arc<AtomicBool>,
}

enum Job {
    Publish(Update),
    Flushed(oneshot::Sender<()>),
}

impl Outgoing {
    /// Starts the one task that publishes, in order.
    pub fn start(url: &str, key: Arc<Key>) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        let (queue, mut jobs) = mpsc::channel(QUEUE);
        let is_healthy = Arc::new(AtomicBool::new(true));
        let far_end = FarEnd { client, url: url.to_owned(), key, is_healthy: is_healthy.clone() };
        tokio::spawn(async move {
            while let Some(job) = jobs.recv().await {
                match job {
                    Job::Publish(update) => far_end.publish(&update).await,
                    Job::Flushed(done) => drop(done.send(())),
                }
            }
        });
        Ok(Self { queue, is_healthy })
    }

    /// Puts an update into the queue, or drops it when the queue is full.
    pub fn send(&self, update: Update) {
        if self.queue.try_send(Job::Publish(update)).is_err() {
            self.is_healthy.store(false, Ordering::Relaxed);
        }
    }

    /// Waits, a few seconds at most, until what is in the queue has gone.
    pub async fn flush(&self) {
        let (done, gone) = oneshot::channel();
        let all = async {
            if self.queue.send(Job::Flushed(done)).await.is_ok() {
                let _ = gone.await;
            }
        };
        let _ = tokio::time::timeout(TIMEOUT, all).await;
    }

    /// Whether the last update that was due has been taken.
    pub fn is_healthy(&self) -> bool {
        self.is_healthy.load(Ordering::Relaxed)
    }
}

struct FarEnd {
    client: reqwest::Client,
    url: String,
    key: Arc<Key>,
    is_healthy: Arc<AtomicBool>,
}

impl FarEnd {
    async fn publish(&self, update: &Update) {
        let form = form(update);
        let mut pause = FIRST_PAUSE;
        for attempt in 1..=TRIES {
            match self.post(&form).await {
                Ok(()) => {
                    if !self.is_healthy.swap(true, Ordering::Relaxed) {
                        tracing::info!("the Mercure hub takes updates again");
                    }
                    return;
                }
                Err(error) => {
                    if self.is_healthy.swap(false, Ordering::Relaxed) {
                        tracing::warn!(%error, "the Mercure hub does not take updates; pages poll meanwhile");
                    }
                    if attempt < TRIES {
                        tokio::time::sleep(pause).await;
                        pause *= 2;
                    }
                }
            }
        }
    }

    async fn post(&self, form: &[(&'static str, String)]) -> Result<(), reqwest::Error> {
        let answer = self.client.post(&self.url).bearer_auth(self.token()).form(form).send().await?;
        answer.error_for_status().map(drop)
    }

    fn token(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let now = i64::try_from(now).unwrap_or(0) * 1_000_000;
        let claims = Claims {
            sub: None,
            iat: Some(seconds(now)),
            exp: Some(seconds(now + 60_000_000)),
            mercure: Grant { subscribe: Vec::new(), publish: vec!["*".to_owned()] },
        };
        mercure_hub::mint(&self.key, &claims)
    }
}

/// The fields of a publication, as any Mercure hub takes them.
fn form(update: &Update) -> Vec<(&'static str, String)> {
    let mut form: Vec<(&'static str, String)> =
        update.topics().iter().map(|topic| ("topic", topic.as_str().to_owned())).collect();
    form.push(("data", update.data().to_owned()));
    if update.is_private() {
        form.push(("private", "on".to_owned()));
    }
    form.extend(update.custom_id().map(|id| ("id", id.as_str().to_owned())));
    form.extend(update.kind().map(|kind| ("type", kind.to_owned())));
    form
}
