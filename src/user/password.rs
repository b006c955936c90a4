//! Passwords: what is acceptable, how they are kept. Argon2id with the library's defaults (19 MiB, 2 passes).

use crate::error::{Error, Fields, Result, Text};
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::{mpsc, oneshot};

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

/// Hashes and verifies on one thread of its own: a crowd that signs in leaves the other cores to those who talk, and the
/// 19 MiB that a hash works in are the same ones every time (freed and taken again they grew to 130 MB).
#[derive(Clone)]
pub struct Passwords(mpsc::Sender<Job>);

type Job = Box<dyn FnOnce(&mut Workspace) + Send>;

/// People who may wait for their turn; the next is told to come back.
const QUEUE: usize = 256;

impl Passwords {
    /// Starts the thread; it ends with the last clone.
    ///
    /// # Errors
    /// `Internal` when the system gives no thread.
    pub fn start() -> Result<Self> {
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
        let work = move || {
            let mut workspace = Workspace::default();
            while let Some(job) = queue.blocking_recv() {
                job(&mut workspace);
            }
        };
        std::thread::Builder::new().name("passwords".to_owned()).spawn(work).map_err(Error::internal)?;
        Ok(Self(jobs))
    }

    /// The PHC string to keep.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.work(move |workspace| {
            let salt = Salt::generate();
            let params = Params::default();
            let hash = PasswordHash {
                algorithm: Algorithm::Argon2id.ident(),
                version: Some(Version::V0x13.into()),
                params: ParamsString::try_from(&params).map_err(fault)?,
                salt: Some(salt),
                hash: Some(workspace.output(params, &password, &salt)?),
            };
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether the password is the one of the hash; with no hash it takes as long and says no.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        self.work(move |workspace| {
            let kept = PasswordHash::new(hash.as_deref().unwrap_or(DECOY)).map_err(fault)?;
            let (Some(salt), Some(output)) = (kept.salt, kept.hash) else {
                return Err(Error::internal("a password hash without salt or output"));
            };
            let params = Params::try_from(&kept).map_err(fault)?;
            // `Output` compares in constant time.
            Ok(workspace.output(params, &password, &salt)? == output && hash.is_some())
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Workspace) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (done, result) = oneshot::channel();
        let job = Box::new(move |workspace: &mut Workspace| drop(done.send(job(workspace))));
        self.0.try_send(job).map_err(|_| Error::Unavailable)?;
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
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(passwords.verify("correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("battery staple".into(), Some(hash)).await.unwrap());
        assert!(!passwords.verify("anything".into(), None).await.unwrap(), "the decoy opens nothing");
    }
}
