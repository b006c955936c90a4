//! What has been used of the budgets, in memory: buckets by the hash of a key, and counts of what is held. Nothing typed is kept, and the
//! number of entries is bounded.

use super::{Amount, Amounts, Budget, Scope, TABLE};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::id::UserId;
use ipnet::IpNet;
use mercure_hub::{Buckets, Connections};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Whose budget it is.
#[derive(Debug, Clone, Copy)]
pub enum Key<'a> {
    /// An account's.
    Person(UserId),
    /// An address's.
    Address(IpAddr),
    /// An account's, by the mail address that was typed.
    Account(&'a str),
    /// The two together.
    AccountAndAddress(&'a str, IpAddr),
    /// A browser's, by the number in its cookie.
    Device(&'a [u8]),
    /// The installation's.
    Everybody,
}

/// Says when to come back, to who holds too many of something: an end is not foreseeable, but near.
const HELD_RETRY: u64 = 5;
/// Descriptors that are not for connections: a tenth of all.
const OTHER_FILES: u64 = 10;

/// All budgets. A cheap clone.
#[derive(Clone)]
pub struct Budgets(Arc<Inner>);

struct Inner {
    amounts: Amounts,
    buckets: Vec<Option<Buckets>>,
    held: Mutex<HashMap<u64, u64>>,
    hasher: RandomState,
    exempt: Vec<IpNet>,
    clock: Clock,
}

impl Budgets {
    /// Nothing used yet. `exempt` are networks whose addresses say nothing about who asks: proxies, the machine itself.
    pub fn new(amounts: Amounts, exempt: Vec<IpNet>, clock: Clock) -> Self {
        let bucket = |amount: Amount| match amount {
            Amount::Rate { burst, refill, per } => {
                Some(Buckets::holding(f64::from(burst), f64::from(refill) / f64::from(per)))
            }
            Amount::Number(_) | Amount::Size(_) | Amount::Off => None,
        };
        let buckets = TABLE.iter().map(|line| bucket(amounts.of(line.budget))).collect();
        let (held, hasher) = (Mutex::default(), RandomState::new());
        Self(Arc::new(Inner { amounts, buckets, held, hasher, exempt, clock }))
    }

    /// How much a budget is here.
    pub fn amount(&self, budget: Budget) -> Amount {
        self.0.amounts.of(budget)
    }

    /// A budget that is a number or a size; none when it is off.
    pub fn most(&self, budget: Budget) -> Option<u64> {
        match self.amount(budget) {
            Amount::Number(most) | Amount::Size(most) => Some(most),
            Amount::Rate { .. } | Amount::Off => None,
        }
    }

    /// Takes one.
    ///
    /// # Errors
    /// `TooMany`, or `Busy` for one of the installation's.
    pub fn spend(&self, budget: Budget, key: Key<'_>) -> Result<()> {
        self.spend_many(budget, key, 1)
    }

    /// Takes several, when one is there: what is beyond is a debt.
    ///
    /// # Errors
    /// `TooMany`, or `Busy` for one of the installation's.
    pub fn spend_many(&self, budget: Budget, key: Key<'_>, units: u32) -> Result<()> {
        let Some(buckets) = &self.0.buckets[budget as usize] else { return Ok(()) };
        let taken = buckets.take(self.hash(budget, key), f64::from(units), self.now());
        taken.map_err(|seconds| refusal(budget, whole(seconds)))
    }

    /// Whether one is there. Takes nothing.
    ///
    /// # Errors
    /// As for [`spend`](Self::spend).
    pub fn look(&self, budget: Budget, key: Key<'_>) -> Result<()> {
        let Some(buckets) = &self.0.buckets[budget as usize] else { return Ok(()) };
        let left = buckets.look(self.hash(budget, key), self.now());
        left.map_err(|seconds| refusal(budget, whole(seconds)))
    }

    /// Holds one, until the answer is dropped.
    ///
    /// # Errors
    /// `TooMany`, or `Busy` for one of the installation's.
    pub fn hold(&self, budget: Budget, key: Key<'_>) -> Result<Held> {
        let most = self.most(budget).unwrap_or(u64::MAX);
        let hash = self.hash(budget, key);
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(hash).or_default();
        if *count >= most {
            return Err(refusal(budget, HELD_RETRY));
        }
        *count += 1;
        Ok(Held { budgets: self.clone(), hash })
    }

    /// A network by its number, which says nothing about it outside of this process.
    pub fn network(&self, address: IpAddr) -> u64 {
        self.0.hasher.hash_one(network(address))
    }

    /// Whether an address says who asks.
    pub fn is_telling(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        !self.0.exempt.iter().any(|network| network.contains(&address))
    }

    /// The door of the accept loop, for a process that may have so many files open.
    pub fn connections(&self, files: u64) -> Connections {
        let all = self.most(Budget::Connections).unwrap_or(files - files / OTHER_FILES);
        let number = |most: Option<u64>| most.map_or(0, |most| usize::try_from(most).unwrap_or(usize::MAX));
        Connections::new(number(Some(all)), number(self.most(Budget::AddressConnections)), &self.0.exempt)
    }

    /// Keys that are remembered, in all buckets and counts.
    pub fn entries(&self) -> usize {
        let held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner).len();
        self.0.buckets.iter().flatten().map(Buckets::len).sum::<usize>() + held
    }

    fn hash(&self, budget: Budget, key: Key<'_>) -> u64 {
        let hasher = &self.0.hasher;
        match key {
            Key::Person(user) => hasher.hash_one((budget, user.0)),
            Key::Address(address) => hasher.hash_one((budget, network(address))),
            Key::Account(account) => hasher.hash_one((budget, account)),
            Key::AccountAndAddress(account, address) => hasher.hash_one((budget, account, network(address))),
            Key::Device(device) => hasher.hash_one((budget, device)),
            Key::Everybody => hasher.hash_one(budget),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 stay exact in a double until 2255")]
    fn now(&self) -> f64 {
        self.0.clock.now() as f64 / 1e6
    }
}

/// One of what may be held, until this is dropped.
pub struct Held {
    budgets: Budgets,
    hash: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.budgets.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.hash) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.hash);
                if held.len() < held.capacity() / 8 {
                    held.shrink_to_fit();
                }
            }
        }
    }
}

fn refusal(budget: Budget, retry_after: u64) -> Error {
    match budget.line().scope {
        Scope::Installation => Error::Busy { retry_after },
        Scope::Person | Scope::Address | Scope::AccountAndAddress | Scope::Device | Scope::Account | Scope::Message => {
            Error::TooMany { retry_after }
        }
    }
}

/// Whole seconds, one at least. A microsecond more is no second: the clock is not that exact.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
fn whole(seconds: f64) -> u64 {
    (seconds - 1e-6).ceil().clamp(1.0, 1e9) as u64
}

/// An IPv6 customer has a /64: one bucket for all its addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    fn budgets(text: &str) -> (Budgets, Arc<std::sync::atomic::AtomicI64>) {
        let (clock, hand) = Clock::set(1_772_366_400_000_000);
        (Budgets::new(text.parse().unwrap(), vec!["127.0.0.0/8".parse().unwrap()], clock), hand)
    }

    const ALICE: Key<'_> = Key::Person(UserId(1));

    #[test]
    fn a_burst_then_the_rate_and_the_wait_is_true() {
        let (budgets, hand) = budgets("sends=3,1/m");
        let count = |key: Key<'_>| (0..10).filter(|_| budgets.spend(Budget::Sends, key).is_ok()).count();
        assert_eq!(count(ALICE), 3);
        assert!(matches!(budgets.spend(Budget::Sends, ALICE), Err(Error::TooMany { retry_after: 60 })));
        assert!(budgets.look(Budget::Sends, ALICE).is_err());
        assert_eq!(count(Key::Person(UserId(2))), 3, "another person has a budget of their own");
        assert_eq!((0..10).filter(|_| budgets.spend(Budget::Edits, ALICE).is_ok()).count(), 10);
        hand.fetch_add(60_000_000, Ordering::SeqCst);
        assert_eq!(count(ALICE), 1);
    }

    #[test]
    fn what_is_held_is_given_back() {
        let (budgets, _) = budgets("uploads=2 passwords=1");
        let first = budgets.hold(Budget::Uploads, ALICE).unwrap();
        let _second = budgets.hold(Budget::Uploads, ALICE).unwrap();
        assert!(matches!(budgets.hold(Budget::Uploads, ALICE), Err(Error::TooMany { .. })));
        assert!(budgets.hold(Budget::Uploads, Key::Person(UserId(2))).is_ok());
        drop(first);
        let _third = budgets.hold(Budget::Uploads, ALICE).unwrap();
        assert_eq!(budgets.entries(), 1);
        let _one = budgets.hold(Budget::Passwords, Key::Everybody).unwrap();
        assert!(matches!(budgets.hold(Budget::Passwords, Key::Everybody), Err(Error::Busy { .. })));
    }

    #[test]
    fn a_network_of_version_6_is_one_customer() {
        let (budgets, _) = budgets("");
        let open = (0..50_u16).map(|n| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n)));
        let taken = open.filter(|address| budgets.spend(Budget::Registrations, Key::Address(*address)).is_ok());
        assert_eq!(taken.count(), 10);
        assert!(budgets.spend(Budget::Registrations, Key::Address("2001:db8:0:1::1".parse().unwrap())).is_ok());
    }

    /// S8: what is typed is no key, and keys are bounded, however many are made.
    #[test]
    fn s8_the_entries_are_bounded() {
        let (budgets, hand) = budgets("");
        for n in 0..300_000_u32 {
            let address = IpAddr::from(std::net::Ipv4Addr::from(n));
            budgets.spend(Budget::Failures, Key::Address(address)).unwrap();
            let typed = format!("{n}@{}", "x".repeat(200));
            budgets.spend(Budget::AccountFailures, Key::AccountAndAddress(&typed, address)).unwrap();
        }
        assert!(budgets.entries() < 2 * 66_000, "{}", budgets.entries());
        hand.fetch_add(86_400_000_000, Ordering::SeqCst);
        for n in 0..300_000_u32 {
            let address = IpAddr::from(std::net::Ipv4Addr::from(n));
            budgets.spend(Budget::Failures, Key::Address(address)).unwrap();
            hand.fetch_add(1_000_000, Ordering::SeqCst);
        }
        assert!(budgets.entries() < 66_000 + 2_048, "{}", budgets.entries());
    }
}
