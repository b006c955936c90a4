//! Looks behind the links of messages, after they are in the room and beside everything else: what is found arrives as a change of the message.
//!
//! A few messages are looked at at once, one of each person, and few of each may wait. What does not fit stays a plain link: a preview is never
//! owed to anybody. What was found is kept for everybody's messages, but answers a person only for addresses that this person had
//! fetched: else it would tell who asks what others talk about.

use crate::clock::{Clock, Micros};
use crate::db::{Db, Lane};
use crate::error::Result;
use crate::id::{MessageId, RoomId, UserId};
use crate::live::Live;
use crate::message::Content;
use crate::message::link::{self, About, LEFT_ALONE, Preview};
use crate::outbound::Outbound;
use crate::turns::{Rules, Turns};
use futures_util::future::join_all;
use quick_cache::sync::Cache;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

/// One message's addresses are fetched together, within five seconds.
const RULES: Rules = Rules { at_once: 4, waiting_each: 16, waiting: 256, patience: Duration::from_secs(5) };
/// Addresses that are remembered as fetched for somebody.
const FETCHED: usize = 20_000;
/// Bytes of a page.
const PAGE_MAX: usize = 512 * 1024;
const ACCEPT: &str = "text/html,application/xhtml+xml";

/// The handle: a cheap clone. Without one inside, previews are off.
#[derive(Clone, Default)]
pub struct Unfurl(Option<Arc<Parts>>);

struct Parts {
    db: Db,
    live: Live,
    clock: Clock,
    outbound: Outbound,
    own_site: Arc<str>,
    turns: Turns,
    /// For whom an address was fetched, by its hash: when, and whether there was something.
    fetched: Cache<(UserId, u64), (Micros, bool)>,
    hasher: RandomState,
}

/// A message that was written.
struct Job {
    user: UserId,
    room: RoomId,
    message: MessageId,
    urls: Vec<String>,
    markdown: String,
}

impl Unfurl {
    /// Starts looking.
    pub fn start(db: Db, live: Live, clock: Clock, outbound: Outbound, own_site: &str) -> Self {
        let (turns, fetched) = (Turns::new(RULES), Cache::new(FETCHED));
        let (own_site, hasher) = (Arc::from(own_site), RandomState::new());
        Self(Some(Arc::new(Parts { db, live, clock, outbound, own_site, turns, fetched, hasher })))
    }

    /// Whose turn it is, for the end of the program; nobody's when previews are off.
    pub fn turns(&self) -> Option<&Turns> {
        self.0.as_ref().map(|parts| &parts.turns)
    }

    /// A person wrote a message: its links, in the Markdown that they stand in, are looked at, some time.
    pub fn look(&self, user: UserId, room: RoomId, message: MessageId, (links, markdown): (&[String], &str)) {
        let Some(parts) = self.0.clone() else { return };
        let urls = link::addresses(links, &parts.own_site);
        if urls.is_empty() {
            return;
        }
        let Ok(waiting) = parts.turns.ask(user) else {
            return tracing::debug!("too many links at once: some stay without a preview");
        };
        let job = Job { user, room, message, urls, markdown: markdown.to_owned() };
        tokio::spawn(async move {
            let Ok(_turn) = waiting.turn().await else { return };
            if let Err(error) = parts.show(job).await {
                tracing::warn!(%error, "previews of a message");
            }
        });
    }

    /// What a text that a person is still writing would show. Only what is known already, unless `may_fetch`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn cards(&self, user: UserId, content: &Content, may_fetch: bool) -> Result<Vec<Preview>> {
        let Some(parts) = &self.0 else { return Ok(Vec::new()) };
        let urls = link::addresses(content.links(), &parts.own_site);
        if urls.is_empty() {
            return Ok(Vec::new());
        }
        let turn = if may_fetch { parts.turns.turn(user).await.ok() } else { None };
        let found = parts.find(user, &urls, turn.is_some()).await?;
        Ok(found.into_iter().flatten().collect())
    }
}

impl Parts {
    async fn show(&self, job: Job) -> Result<()> {
        let Job { user, room, message, urls, markdown } = job;
        let found = self.find(user, &urls, true).await?;
        let urls: Vec<String> = found.into_iter().flatten().map(|preview| preview.url).collect();
        if urls.is_empty() {
            return Ok(());
        }
        let live = self.live.clone();
        self.db
            .write(Lane::Room(room.0), move |tx| {
                if let Some(shown) = link::show(tx, message, &urls, &markdown)? {
                    live.announce(tx, shown)?;
                }
                Ok(())
            })
            .await
    }

    /// What stands behind each address, for this person: what was fetched for them of late, and what is fetched now when it may be.
    async fn find(&self, user: UserId, urls: &[String], may_fetch: bool) -> Result<Vec<Option<Preview>>> {
        let now = self.clock.now();
        let asked: Vec<Option<bool>> = urls.iter().map(|url| self.was_found(user, url, now)).collect();
        let own = urls.iter().zip(&asked).filter(|(_, found)| **found == Some(true));
        let own: Vec<String> = own.map(|(url, _)| url.clone()).collect();
        let known = match own.is_empty() {
            true => Vec::new(),
            false => self.db.read(move |db| link::known(db, &own, now)).await?,
        };
        let unknown = urls.iter().zip(&asked).filter(|(url, found)| match found {
            Some(true) => !known.iter().any(|(known, _)| known == *url),
            Some(false) => false,
            None => true,
        });
        let unknown: Vec<String> = unknown.filter(|_| may_fetch).map(|(url, _)| url.clone()).collect();
        let fetched = join_all(unknown.into_iter().map(async |url| (self.fetch(&url).await, url))).await;
        for (about, url) in &fetched {
            self.fetched.insert((user, self.hasher.hash_one(url)), (now, about.is_some()));
        }
        let fresh = fetched.iter().filter_map(|(about, url)| about.as_ref()?.preview(url));
        let all: Vec<Preview> = known.into_iter().filter_map(|(_, preview)| preview).chain(fresh).collect();
        let found = urls.iter().map(|url| all.iter().find(|preview| preview.url == *url).cloned()).collect();
        if !fetched.is_empty() {
            let write = self.db.write(Lane::None, move |tx| {
                fetched.iter().try_for_each(|(about, url)| link::remember(tx, url, about.as_ref(), now))
            });
            write.await?;
        }
        Ok(found)
    }

    /// Whether there was something when an address was last fetched for a person; none when that was never, or long ago.
    fn was_found(&self, user: UserId, url: &String, now: Micros) -> Option<bool> {
        let (at, found) = self.fetched.get(&(user, self.hasher.hash_one(url)))?;
        (now - at < LEFT_ALONE).then_some(found)
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
