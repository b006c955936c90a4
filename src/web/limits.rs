//! Who tries too often: buckets per address, and per account for logins; who uploads too much at once: seats per person.

use crate::error::{Error, Result};
use crate::id::UserId;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Buckets that are full again are thrown away each time that so many were asked.
const SWEEP: u32 = 4_096;

/// All limits. A cheap clone.
#[derive(Clone)]
pub struct Limits(Option<Arc<Buckets>>);

struct Buckets {
    logins: Bucket<IpAddr>,
    accounts: Bucket<String>,
    registrations: Bucket<IpAddr>,
    push_tests: Bucket<UserId>,
    searches: Bucket<UserId>,
    fetches: Bucket<UserId>,
}

impl Limits {
    /// The limits, or none at all for tests and benchmarks.
    pub fn new(is_on: bool) -> Self {
        Self(is_on.then(|| {
            Arc::new(Buckets {
                logins: Bucket::new(20, Duration::from_secs(6)),
                accounts: Bucket::new(10, Duration::from_secs(30)),
                registrations: Bucket::new(10, Duration::from_secs(60)),
                push_tests: Bucket::new(5, Duration::from_secs(60)),
                searches: Bucket::new(30, Duration::from_millis(500)),
                fetches: Bucket::new(10, Duration::from_secs(3)),
            })
        }))
    }

    /// A login is tried, from an address, for an account.
    ///
    /// # Errors
    /// `TooMany`.
    pub fn login(&self, address: IpAddr, email: &str) -> Result<()> {
        let Some(buckets) = &self.0 else { return Ok(()) };
        buckets.logins.check(network(address))?;
        buckets.accounts.check(email.trim().to_lowercase())
    }

    /// An account is opened from an address.
    ///
    /// # Errors
    /// `TooMany`.
    pub fn registration(&self, address: IpAddr) -> Result<()> {
        self.0.as_ref().map_or(Ok(()), |buckets| buckets.registrations.check(network(address)))
    }

    /// A person has an address fetched, by a text that is still being written.
    ///
    /// # Errors
    /// `TooMany`.
    pub fn fetch(&self, user: UserId) -> Result<()> {
        self.0.as_ref().map_or(Ok(()), |buckets| buckets.fetches.check(user))
    }

    /// A person searches.
    ///
    /// # Errors
    /// `TooMany`.
    pub fn search(&self, user: UserId) -> Result<()> {
        self.0.as_ref().map_or(Ok(()), |buckets| buckets.searches.check(user))
    }
}

/// Uploads of one person at the same time, at most: a few devices, one at a time each.
const UPLOADS_MAX: u32 = 4;

/// Who uploads now. A cheap clone.
#[derive(Clone, Default)]
pub struct Seats(Arc<Mutex<HashMap<UserId, u32>>>);

impl Seats {
    /// A person begins to upload.
    ///
    /// # Errors
    /// `TooMany` when the person does already, several times.
    pub fn sit(&self, user: UserId) -> Result<Seat> {
        let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = seats.entry(user).or_default();
        if *taken >= UPLOADS_MAX {
            return Err(Error::TooMany { retry_after: 5 });
        }
        *taken += 1;
        Ok(Seat { seats: self.clone(), user })
    }
}

/// One upload: it ends with this value.
pub struct Seat {
    seats: Seats,
    user: UserId,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = seats.get_mut(&self.user) {
            *taken -= 1;
            if *taken == 0 {
                seats.remove(&self.user);
            }
        }
    }
}

impl Limits {
    /// A person tries a push out.
    ///
    /// # Errors
    /// `TooMany`.
    pub fn push_test(&self, user: UserId) -> Result<()> {
        self.0.as_ref().map_or(Ok(()), |buckets| buckets.push_tests.check(user))
    }
}

/// An IPv6 customer has a /64: one bucket for all its addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) & (u128::MAX << 64))),
    }
}

struct Bucket<K: Hash + Eq + Clone> {
    keys: DefaultKeyedRateLimiter<K>,
    asked: AtomicU32,
}

impl<K: Hash + Eq + Clone> Bucket<K> {
    /// So many at once, then one each so often.
    fn new(burst: u32, each: Duration) -> Self {
        let quota = Quota::with_period(each).unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN));
        let quota = quota.allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN));
        Self { keys: RateLimiter::keyed(quota), asked: AtomicU32::new(0) }
    }

    fn check(&self, key: K) -> Result<()> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.keys.retain_recent();
        }
        self.keys.check_key(&key).map_err(|early| {
            let wait = early.wait_time_from(DefaultClock::default().now());
            Error::TooMany { retry_after: wait.as_secs() + 1 }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_an_account_each_have_a_limit() {
        let limits = Limits::new(true);
        let alice: IpAddr = "192.0.2.1".parse().unwrap();
        let count = |email: &str| (0..50).filter(|_| limits.login(alice, email).is_ok()).count();
        assert_eq!(count("alice@example.fr"), 10);
        assert_eq!(count("Bob@example.fr"), 0, "the address has used up its own");
        let other: IpAddr = "192.0.2.2".parse().unwrap();
        assert!(matches!(limits.login(other, " ALICE@example.fr"), Err(Error::TooMany { retry_after: 1..=31 })));
        assert!(limits.login(other, "bob@example.fr").is_ok());
    }

    #[test]
    fn a_person_uploads_a_few_things_at_a_time() {
        let seats = Seats::default();
        let mut taken: Vec<Seat> = (0..UPLOADS_MAX).map(|_| seats.sit(UserId(1)).unwrap()).collect();
        assert!(matches!(seats.sit(UserId(1)), Err(Error::TooMany { .. })));
        assert!(seats.sit(UserId(2)).is_ok());
        taken.pop();
        assert!(seats.sit(UserId(1)).is_ok());
        taken.clear();
        assert!(seats.0.lock().unwrap().is_empty());
    }

    #[test]
    fn a_network_of_version_6_is_one_customer() {
        let limits = Limits::new(true);
        let open =
            (0..50_u16).filter(|n| limits.registration(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, *n).into()).is_ok());
        assert_eq!(open.count(), 10);
        assert!(limits.registration("2001:db8:0:1::1".parse().unwrap()).is_ok());
    }
}
