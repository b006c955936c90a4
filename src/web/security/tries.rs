//! A password is tried: who must wait, who must not, and what a failure costs. Only failures count, and what strangers try is never held against
//! the owner: neither on another network, nor in a browser that has signed in before.

use crate::app::App;
use crate::budget::{Budget, Held, Key};
use crate::error::Result;
use crate::user::password::Turn;
use crate::web::security::device::{self, Device};
use axum_extra::extract::CookieJar;
use std::net::IpAddr;
use std::time::Duration;

/// The longest address that mail can be sent to, in bytes (RFC 5321, 4.5.3.1.3): a longer one is nobody's.
pub(super) const ADDRESS_MAX: usize = 254;

/// What is held by a password that waits to be looked at.
pub(super) type Places = (Option<Held>, Option<Held>);

/// The places of anybody: hashing is work that everybody can ask for.
///
/// # Errors
/// `TooMany` for an address, `Busy` when too many wait from everywhere.
pub(super) fn wait_for_turn(app: &App, address: IpAddr) -> Result<Places> {
    let there = Some(address).filter(|address| app.budgets.is_telling(*address));
    let there = there.map(|address| app.budgets.hold(Budget::Waiting, Key::Address(address))).transpose()?;
    Ok((Some(app.budgets.hold(Budget::Passwords, Key::Everybody)?), there))
}

/// A try that may go on.
pub(super) struct Begun {
    pub(super) turn: Turn,
    _places: Places,
}

/// One try.
pub(super) struct Try<'a> {
    app: &'a App,
    account: &'a str,
    address: IpAddr,
    /// The browser's number and the account, when the browser has signed in to it before.
    device: Option<Vec<u8>>,
}

impl<'a> Try<'a> {
    /// A try for an account (by its key) from an address, with the cookies of the browser.
    pub(super) fn new(app: &'a App, account: &'a str, address: IpAddr, jar: &CookieJar) -> Self {
        let device: Option<Device> = device::of(app, jar);
        let number = device.as_ref().and_then(|device| app.devices.known(device, account));
        let device = number.map(|number| format!("{number} {account}").into_bytes());
        Self { app, account, address, device }
    }

    /// The budgets that refuse, with whose they are here.
    fn budgets(&self) -> Vec<(Budget, Key<'_>)> {
        match &self.device {
            Some(device) => vec![(Budget::DeviceFailures, Key::Device(device))],
            None => vec![
                (Budget::Failures, Key::Address(self.address)),
                (Budget::AccountFailures, Key::AccountAndAddress(self.account, self.address)),
            ],
        }
    }

    /// Whether it may be tried now; and in which turn, after a pause where the account is under attack from somewhere else.
    ///
    /// # Errors
    /// `TooMany` after failures of one's own, or with too many tries at once; `Busy` when too many wait from everywhere.
    pub(super) async fn begin(&self) -> Result<Begun> {
        // First: tries that come all at once would all be looked at before one of them has failed.
        let places = self.places()?;
        self.look()?;
        if self.device.is_none()
            && let Some(pause) = self.pause()
        {
            // When too many pause already it goes on at once: a brake, never a door.
            if let Ok(_held) = self.app.budgets.hold(Budget::Pausing, Key::Everybody) {
                tokio::time::sleep(pause).await;
            }
            self.look()?;
        }
        let network = self.app.budgets.network(self.address);
        let turn = if self.device.is_some() { Turn::Known } else { Turn::Network(network) };
        Ok(Begun { turn, _places: places })
    }

    fn look(&self) -> Result<()> {
        self.budgets().into_iter().try_for_each(|(budget, key)| self.app.budgets.look(budget, key))
    }

    /// A known browser waits among its own tries; the others' crowd does not keep it out.
    fn places(&self) -> Result<Places> {
        match &self.device {
            Some(device) => Ok((None, Some(self.app.budgets.hold(Budget::Waiting, Key::Device(device))?))),
            None => wait_for_turn(self.app, self.address),
        }
    }

    /// One to two seconds, when the account has seen many failures, from wherever.
    fn pause(&self) -> Option<Duration> {
        self.app.budgets.look(Budget::Slow, Key::Account(self.account)).is_err().then(|| {
            let [random] = self.app.clock.random::<1>();
            Duration::from_millis(1_000 + u64::from(random) * 4)
        })
    }

    /// The password was wrong.
    pub(super) fn failed(&self) {
        let all = self.budgets().into_iter().chain([(Budget::Slow, Key::Account(self.account))]);
        for (budget, key) in all {
            // What is used up already is no news.
            let _ = self.app.budgets.spend(budget, key);
        }
    }
}
