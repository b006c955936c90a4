//! Passwords: what is acceptable, how they are kept. Argon2id with the library's defaults (19 MiB, 2 passes).

use crate::error::{Error, Fields, Result, Text};
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use tokio::sync::oneshot;
use unicode_normalization::UnicodeNormalization;

/// The shortest password, in characters.
pub const MIN: usize = 8;
/// The longest, in bytes: a longer one only costs the server work.
pub const MAX: usize = 512;

/// A hash of no password: verified when the address is unknown, so that the answer takes as long as for a known one.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZSBzYWx0IGhlcmU$Q2ZyB7eYyrHqmN2PkuDnbpBLqrPz2MAVHT0tUXrdjLE";

/// Notes what is wrong with a new password.
pub fn check(password: &str, fields: &mut Fields) {
    if password.chars().count() < MIN {
        fields.add("password", Text::new("field-password-short").with("min", MIN as i64));
    } else if password.len() > MAX {
        fields.add("password", Text::new("field-password-long"));
    }
}

/// A password as it is hashed (RFC 8265, OpaqueString): its letters composed, since one keyboard writes `é` as one character and another as
/// two; each kind of space the plain one.
fn prepared(password: &str) -> String {
    password.chars().map(|c| if c.is_whitespace() && !c.is_control() { ' ' } else { c }).nfc().collect()
}

/// Hashes and verifies on one thread of its own: a crowd that signs in leaves the other cores to those who talk, and the
/// 19 MiB that a hash works in are the same ones every time (freed and taken again they grew to 130 MB). Networks take turns, one password each: who sends
/// many waits for them, and nobody else does.
#[derive(Clone)]
pub struct Passwords(Arc<Handle>);

/// Ends the thread when the last clone goes.
struct Handle(Arc<Queue>);

type Job = Box<dyn FnOnce(&mut Workspace) + Send>;

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// A browser that has signed in before: first.
    Known,
    /// Anybody of a network, by its number.
    Network(u64),
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    has_news: Condvar,
}

/// What waits. How much that may be is for [`Budgets`](crate::budget::Budgets) to say, before it comes here.
#[derive(Default)]
struct Waiting {
    known: VecDeque<Job>,
    networks: VecDeque<(u64, VecDeque<Job>)>,
    is_closed: bool,
}

impl Waiting {
    fn push(&mut self, turn: Turn, job: Job) {
        match turn {
            Turn::Known => self.known.push_back(job),
            Turn::Network(number) => match self.networks.iter_mut().find(|(of, _)| *of == number) {
                Some((_, jobs)) => jobs.push_back(job),
                None => self.networks.push_back((number, VecDeque::from([job]))),
            },
        }
    }

    fn pop(&mut self) -> Option<Job> {
        if let Some(job) = self.known.pop_front() {
            return Some(job);
        }
        let (number, mut jobs) = self.networks.pop_front()?;
        let job = jobs.pop_front();
        if !jobs.is_empty() {
            self.networks.push_back((number, jobs));
        }
        job
    }
}

impl Queue {
    fn next(&self) -> Option<Job> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waiting = self
            .has_news
            .wait_while(waiting, |waiting| {
                waiting.known.is_empty() && waiting.networks.is_empty() && !waiting.is_closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        waiting.pop()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_closed = true;
        self.0.has_news.notify_one();
    }
}

impl Passwords {
    /// Starts the thread; it ends with the last clone.
    ///
    /// # Errors
    /// `Internal` when the system gives no thread.
    pub fn start() -> Result<Self> {
        let queue = Arc::new(Queue::default());
        let jobs = queue.clone();
        let work = move || {
            let mut workspace = Workspace::default();
            while let Some(job) = jobs.next() {
                job(&mut workspace);
            }
        };
        std::thread::Builder::new().name("passwords".to_owned()).spawn(work).map_err(Error::internal)?;
        Ok(Self(Arc::new(Handle(queue))))
    }

    /// The PHC string to keep.
    pub async fn hash(&self, password: String, turn: Turn) -> Result<String> {
        self.work(turn, move |workspace| {
            let salt = Salt::generate();
            let params = Params::default();
            let hash = PasswordHash {
                algorithm: Algorithm::Argon2id.ident(),
                version: Some(Version::V0x13.into()),
                params: ParamsString::try_from(&params).map_err(fault)?,
                salt: Some(salt),
                hash: Some(workspace.output(params, &prepared(&password), &salt)?),
            };
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether the password is the one of the hash; with no hash it takes as long and says no.
    pub async fn verify(&self, password: String, hash: Option<String>, turn: Turn) -> Result<bool> {
        self.work(turn, move |workspace| {
            let kept = PasswordHash::new(hash.as_deref().unwrap_or(DECOY)).map_err(fault)?;
            let (Some(salt), Some(output)) = (kept.salt, kept.hash) else {
                return Err(Error::internal("a password hash without salt or output"));
            };
            let params = Params::try_from(&kept).map_err(fault)?;
            let plain = prepared(&password);
            // `Output` compares in constant time.
            let mut is_right = workspace.output(params.clone(), &plain, &salt)? == output;
            if plain != password {
                // Kept as it was typed, before passwords were prepared.
                is_right |= workspace.output(params, &password, &salt)? == output;
            }
            Ok(is_right && hash.is_some())
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        turn: Turn,
        job: impl FnOnce(&mut Workspace) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (done, result) = oneshot::channel();
        let job = Box::new(move |workspace: &mut Workspace| drop(done.send(job(workspace))));
        let queue = &self.0.0;
        queue.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(turn, job);
        queue.has_news.notify_one();
        result.await.map_err(Error::internal)?
    }
}

/// The memory that hashes are made in.
#[derive(Default)]
struct Workspace(Vec<Block>);

impl Workspace {
    fn output(&mut self, params: Params, password: &str, salt: &[u8]) -> Result<Output> {
        self.0.resize(params.block_count(), Block::default());
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password.as_bytes(), salt, &mut output, &mut self.0)
            .map_err(fault)?;
        Output::new(&output).map_err(fault)
    }
}

fn fault(error: impl std::fmt::Display) -> Error {
    Error::internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_opens() {
        let passwords = Passwords::start().unwrap();
        let hash = passwords.hash("correct horse".into(), Turn::Known).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(passwords.verify("correct horse".into(), Some(hash.clone()), Turn::Network(1)).await.unwrap());
        assert!(!passwords.verify("battery staple".into(), Some(hash), Turn::Known).await.unwrap());
        assert!(!passwords.verify("anything".into(), None, Turn::Known).await.unwrap(), "the decoy opens nothing");
    }

    /// S10: a network that sends many waits for its own, and a browser that is known for nobody.
    #[test]
    fn s10_networks_take_turns() {
        let mut waiting = Waiting::default();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut push = |turn: Turn, name: &'static str| {
            let order = order.clone();
            waiting.push(turn, Box::new(move |_| order.lock().unwrap().push(name)));
        };
        for name in ["a1", "a2", "a3", "a4"] {
            push(Turn::Network(1), name);
        }
        push(Turn::Network(2), "b1");
        push(Turn::Network(3), "c1");
        push(Turn::Network(2), "b2");
        push(Turn::Known, "known");
        let mut workspace = Workspace::default();
        while let Some(job) = waiting.pop() {
            job(&mut workspace);
        }
        assert_eq!(*order.lock().unwrap(), ["known", "a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
        assert!(waiting.networks.is_empty());
    }

    #[tokio::test]
    async fn the_keyboards_way_to_write_a_letter_does_not_matter() {
        let passwords = Passwords::start().unwrap();
        let (composed, apart) = ("été à la mer", "e\u{301}te\u{301} a\u{300}\u{a0}la mer");
        for (kept, typed) in [(composed, apart), (apart, composed), (apart, apart)] {
            let hash = passwords.hash(kept.into(), Turn::Known).await.unwrap();
            assert!(passwords.verify(typed.into(), Some(hash), Turn::Known).await.unwrap(), "{kept} {typed}");
        }
        let mut workspace = Workspace::default();
        let salt = Salt::generate();
        let former = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&Params::default()).unwrap(),
            salt: Some(salt),
            hash: Some(workspace.output(Params::default(), apart, &salt).unwrap()),
        };
        assert!(
            passwords.verify(apart.into(), Some(former.to_string()), Turn::Known).await.unwrap(),
            "as it was kept before"
        );
    }
}
