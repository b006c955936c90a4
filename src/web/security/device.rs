//! Browsers that have signed in to an account before: a long-lived, signed cookie says so. It opens nothing; it only keeps what strangers try from
//! being held against the owner.

use crate::app::App;
use crate::web::security::{cookie, set_cookie};
use aws_lc_rs::hmac;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::Arc;

/// A year, in seconds.
const LIFETIME: i64 = 365 * 24 * 3_600;
/// Accounts that one browser is known to; the one that has signed in longest ago is forgotten first.
const ACCOUNTS_MAX: usize = 4;

/// Signs and knows the cookies. A cheap clone.
#[derive(Clone)]
pub struct Devices(Arc<hmac::Key>);

/// A browser with a number of its own, and the marks of the accounts that it has signed in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    number: String,
    marks: Vec<String>,
}

impl Devices {
    /// With the installation's secret.
    pub fn new(secret: &str) -> Self {
        Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())))
    }

    fn text(number: &str, account: &str) -> String {
        format!("device {number} {account}")
    }

    fn mark(&self, number: &str, account: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, Self::text(number, account).as_bytes()))
    }

    /// The number of a browser that has signed in to this account before.
    pub fn known<'a>(&self, device: &'a Device, account: &str) -> Option<&'a str> {
        let is_ours = |mark: &String| {
            let tag = URL_SAFE_NO_PAD.decode(mark).unwrap_or_default();
            hmac::verify(&self.0, Self::text(&device.number, account).as_bytes(), &tag).is_ok()
        };
        device.marks.iter().any(is_ours).then_some(&*device.number)
    }

    /// The browser with this account's mark, the latest last.
    fn remember(&self, device: Option<Device>, fresh: impl FnOnce() -> String, account: &str) -> Device {
        let mut device = device.unwrap_or_else(|| Device { number: fresh(), marks: Vec::new() });
        let mark = self.mark(&device.number, account);
        device.marks.retain(|known| *known != mark);
        device.marks.push(mark);
        let surplus = device.marks.len().saturating_sub(ACCOUNTS_MAX);
        device.marks.drain(..surplus);
        device
    }
}

impl Device {
    /// As a cookie brings it; whether a mark is ours is looked at when it is used.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(str::to_owned);
        let number = parts.next().filter(|number| number.len() == 22)?;
        let marks: Vec<String> = parts.take(ACCOUNTS_MAX + 1).collect();
        (marks.len() <= ACCOUNTS_MAX).then_some(Self { number, marks })
    }

    fn to_cookie(&self) -> String {
        format!("{}.{}", self.number, self.marks.join("."))
    }
}

/// With the port in it, so that two instances on one host do not take each other's.
fn name(app: &App) -> String {
    if app.config.is_secure() {
        "__Secure-palabre-device".into()
    } else {
        format!("palabre_device_{}", app.config.listen.port())
    }
}

/// The browser that asks, as it says.
pub fn of(app: &App, jar: &CookieJar) -> Option<Device> {
    jar.get(&name(app)).and_then(|cookie| Device::parse(cookie.value()))
}

/// Gives a browser that has just signed in the mark of the account.
pub fn remember(app: &App, jar: &CookieJar, account: &str, response: &mut Response) {
    let fresh = || URL_SAFE_NO_PAD.encode(app.clock.random::<16>());
    let device = app.devices.remember(of(app, jar), fresh, account);
    let mut cookie = cookie(app, name(app), device.to_cookie(), LIFETIME);
    cookie.set_path("/login");
    set_cookie(response, cookie);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_browser_that_has_signed_in_is_known() {
        let devices = Devices::new("a secret");
        let number = || "abcdefghijklmnopqrstuv".to_owned();
        let device = devices.remember(None, number, "alice@example.org");
        let device = Device::parse(&device.to_cookie()).unwrap();
        assert_eq!(devices.known(&device, "alice@example.org"), Some("abcdefghijklmnopqrstuv"));
        assert_eq!(devices.known(&device, "bob@example.org"), None, "another account");
        assert_eq!(Devices::new("another").known(&device, "alice@example.org"), None);
        let stolen = Device { number: "vutsrqponmlkjihgfedcba".into(), ..device.clone() };
        assert_eq!(devices.known(&stolen, "alice@example.org"), None, "a mark is good with its number only");
        let both = devices.remember(Some(device), number, "bob@example.org");
        assert!(
            devices.known(&both, "alice@example.org").is_some() && devices.known(&both, "bob@example.org").is_some()
        );
        let many = (0..9).fold(both, |device, n| devices.remember(Some(device), number, &format!("{n}@example.org")));
        assert_eq!(many.marks.len(), ACCOUNTS_MAX);
        for text in ["", ".", "abc.def", "abcdefghijklmnopqrstuv.1.2.3.4.5", &"x".repeat(4_000)] {
            assert!(Device::parse(text).is_none_or(|device| devices.known(&device, "").is_none()), "{text}");
        }
    }
}
