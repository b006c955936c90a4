//! Passwords: what is acceptable, how they are kept. Argon2id with the library's defaults (19 MiB, 2 passes).

use crate::error::{Error, Fields, Result, Text};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use std::sync::Arc;
use tokio::sync::Semaphore;

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

/// Hashes and verifies away from the asynchronous threads, no more at once than there are cores: each takes 19 MiB.
#[derive(Clone)]
pub struct Passwords(Arc<Semaphore>);

impl Default for Passwords {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new(cores)))
    }
}

impl Passwords {
    /// The PHC string to keep.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.work(move || {
            let hash = Argon2::default().hash_password(password.as_bytes());
            hash.map(|phc| phc.to_string()).map_err(|error| Error::internal(error.to_string()))
        })
        .await
    }

    /// Whether the password is the one of the hash; with no hash it takes as long and says no.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        self.work(move || {
            let text = hash.as_deref().unwrap_or(DECOY);
            let phc = PasswordHash::new(text).map_err(|error| Error::internal(error.to_string()))?;
            let is_right = Argon2::default().verify_password(password.as_bytes(), &phc).is_ok();
            Ok(is_right && hash.is_some())
        })
        .await
    }

    async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let _turn = self.0.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(job).await.map_err(Error::internal)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_opens() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(passwords.verify("correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("battery staple".into(), Some(hash)).await.unwrap());
        assert!(!passwords.verify("anything".into(), None).await.unwrap(), "the decoy opens nothing");
    }
}
