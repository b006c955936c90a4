//! Looks behind the links of messages, after they are in the room and beside everything else: what is found arrives as a change of the message.
//!
//! The queue and the number of fetches at a time are bounded. What does not fit stays a plain link: a preview is never owed to anybody.

use crate::clock::Clock;
use crate::db::{Db, Lane};
use crate::error::Result;
use crate::id::{MessageId, RoomId};
use crate::live::Live;
use crate::message::link::{self, About, Preview};
use crate::outbound::Outbound;
use futures_util::future::join_all;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};

/// Messages that may wait.
const QUEUE: usize = 256;
/// Messages whose links are fetched at the same time.
const AT_ONCE: usize = 4;
/// Bytes of a page.
const PAGE_MAX: usize = 512 * 1024;
const ACCEPT: &str = "text/html,application/xhtml+xml";

/// The handle: a cheap clone. Without one inside, previews are off.
#[derive(Clone, Default)]
pub struct Unfurl(Option<Arc<Inner>>);

struct Inner {
    parts: Parts,
    queue: mpsc::Sender<Job>,
}

#[derive(Clone)]
struct Parts {
    db: Db,
    live: Live,
    clock: Clock,
    outbound: Outbound,
    own_site: Arc<str>,
}

struct Job {
    room: RoomId,
    message: MessageId,
    urls: Vec<String>,
}

impl Unfurl {
    /// Starts looking.
    pub fn start(db: Db, live: Live, clock: Clock, outbound: Outbound, own_site: &str) -> Self {
        let parts = Parts { db, live, clock, outbound, own_site: Arc::from(own_site) };
        let (queue, jobs) = mpsc::channel(QUEUE);
        tokio::spawn(work(parts.clone(), jobs));
        Self(Some(Arc::new(Inner { parts, queue })))
    }

    /// A message was written: its links are looked at, some time.
    pub fn look(&self, room: RoomId, message: MessageId, markdown: &str) {
        let Some(inner) = &self.0 else { return };
        let urls = link::addresses(markdown, &inner.parts.own_site);
        if !urls.is_empty() && inner.queue.try_send(Job { room, message, urls }).is_err() {
            tracing::debug!("too many links at once: some stay without a preview");
        }
    }

    /// What a text that is still being written would show. Only what is known already, unless `may_fetch`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn cards(&self, markdown: &str, may_fetch: bool) -> Result<Vec<Preview>> {
        let Some(inner) = &self.0 else { return Ok(Vec::new()) };
        let urls = link::addresses(markdown, &inner.parts.own_site);
        if urls.is_empty() {
            return Ok(Vec::new());
        }
        if may_fetch {
            inner.parts.find_out(&urls).await?;
        }
        inner.parts.previews(&urls).await
    }
}

async fn work(parts: Parts, mut jobs: mpsc::Receiver<Job>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(job) = jobs.recv().await {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let parts = parts.clone();
        tokio::spawn(async move {
            if let Err(error) = parts.show(job).await {
                tracing::warn!(%error, "previews of a message");
            }
            drop(place);
        });
    }
}

impl Parts {
    async fn show(&self, job: Job) -> Result<()> {
        self.find_out(&job.urls).await?;
        let urls: Vec<String> = self.previews(&job.urls).await?.into_iter().map(|preview| preview.url).collect();
        if urls.is_empty() {
            return Ok(());
        }
        let (live, own_site) = (self.live.clone(), self.own_site.clone());
        self.db
            .write(Lane::Room(job.room.0), move |tx| {
                if let Some(shown) = link::show(tx, job.message, &urls, &own_site)? {
                    live.announce(tx, shown)?;
                }
                Ok(())
            })
            .await
    }

    /// The previews of these addresses that are known, in their order.
    async fn previews(&self, urls: &[String]) -> Result<Vec<Preview>> {
        let (asked, now) = (urls.to_vec(), self.clock.now());
        let mut known = self.db.read(move |db| link::known(db, &asked, now)).await?;
        known.sort_by_key(|(url, _)| urls.iter().position(|asked| asked == url));
        Ok(known.into_iter().filter_map(|(_, preview)| preview).collect())
    }

    /// Fetches what is not known, all at once, and remembers what came or that nothing did.
    async fn find_out(&self, urls: &[String]) -> Result<()> {
        let (asked, now) = (urls.to_vec(), self.clock.now());
        let known = self.db.read(move |db| link::known(db, &asked, now)).await?;
        let unknown = urls.iter().filter(|url| !known.iter().any(|(known, _)| known == *url));
        let found = join_all(unknown.map(async |url| (url.clone(), self.fetch(url).await))).await;
        if found.is_empty() {
            return Ok(());
        }
        self.db
            .write(Lane::None, move |tx| {
                found.iter().try_for_each(|(url, about)| link::remember(tx, url, about.as_ref(), now))
            })
            .await
    }

    async fn fetch(&self, url: &str) -> Option<About> {
        let page = self.outbound.get(url, ACCEPT, PAGE_MAX).await.ok()?;
        if !ACCEPT.split(',').any(|known| known == page.media_type) {
            return None;
        }
        let host = page.url.host_str().unwrap_or_default().to_owned();
        let charset = page.charset;
        // Reading is bounded, but it is work: not on a thread that serves others.
        tokio::task::spawn_blocking(move || About::read(&page.body, charset.as_deref(), &host)).await.ok().flatten()
    }
}
