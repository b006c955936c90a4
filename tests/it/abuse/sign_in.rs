//! Signing in under attack: strangers' tries cost their own address and nobody else, and cost the server no memory.

use super::strict_with;
use crate::harness::{Browser, PASSWORD, Town, within};
use reqwest::StatusCode;

const PROXY: &[&str] = &["--trusted-proxies", "127.0.0.1"];

/// A town behind a proxy, with the defaults for wrong passwords.
async fn behind_a_proxy(budgets: &str) -> Town {
    strict_with(&format!("failures=20,10/m {budgets}"), PROXY).await
}

async fn tries(who: &Browser, from: &str, email: &str, password: &str) -> StatusCode {
    let form = [("email", email), ("password", password)];
    who.post_with("/login", &[("x-forwarded-for", from)], &form).await.status
}

const ALICE: &str = "alice@example.org";

/// S10: twelve addresses with wrong passwords kept the owner of an account out for as long as they liked.
#[tokio::test]
async fn s10_a_strangers_tries_cost_the_owner_nothing() {
    let town = behind_a_proxy("").await;
    let alice = town.person("Alice").await;
    let stranger = town.visitor();
    for _ in 0..10 {
        assert_eq!(tries(&stranger, "192.0.2.1", ALICE, "wrong horse").await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(tries(&stranger, "192.0.2.1", ALICE, "wrong horse").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(tries(&stranger, "192.0.2.1", " ALICE@example.org", PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
    // From elsewhere, without a cookie: the owner, in a new browser, waits a moment and is in.
    assert_eq!(tries(&town.visitor(), "198.51.100.7", ALICE, PASSWORD).await, StatusCode::OK);
    // From the stranger's own address, in a browser that has signed in before: in at once.
    assert_eq!(tries(&alice, "192.0.2.1", ALICE, PASSWORD).await, StatusCode::OK);
    // A right password costs nothing, however often.
    for _ in 0..30 {
        assert_eq!(tries(&alice, "192.0.2.1", ALICE, PASSWORD).await, StatusCode::OK);
    }
}

/// S10: however many addresses try, the right password gets in.
#[tokio::test]
async fn s10_a_crowd_of_strangers_slows_and_never_refuses() {
    let town = behind_a_proxy("slow-failures=3,1/h pausing=1").await;
    let alice = town.person("Alice").await;
    let crowd = (0..40).map(|n| {
        let stranger = town.visitor();
        async move { tries(&stranger, &format!("2001:db8:0:{n:x}::1"), ALICE, "wrong horse").await }
    });
    for status in futures_util::future::join_all(crowd).await {
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    // Now each of them would wait, and one may: the others go on at once.
    let more = (0..4).map(|n| {
        let stranger = town.visitor();
        async move { tries(&stranger, &format!("2001:db8:1:{n:x}::1"), ALICE, "wrong horse").await }
    });
    for status in futures_util::future::join_all(more).await {
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(
        within("the owner is in", tries(&town.visitor(), "198.51.100.7", ALICE, PASSWORD)).await,
        StatusCode::OK
    );
    assert_eq!(tries(&alice, "198.51.100.8", ALICE, PASSWORD).await, StatusCode::OK);
}

/// S10: without a proxy the connection's own address tells who tries, also on this machine, where no other limit is kept for an address.
#[tokio::test]
async fn s10_addresses_of_this_machine_are_told_apart_too() {
    let town = strict_with("failures=20,10/m", &[]).await;
    town.person("Alice").await;
    let stranger = town.visitor_from("127.0.8.1");
    for _ in 0..10 {
        assert_eq!(tries(&stranger, "192.0.2.1", ALICE, "wrong horse").await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(tries(&stranger, "192.0.2.2", ALICE, PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(tries(&town.visitor_from("127.0.3.1"), "192.0.2.1", ALICE, PASSWORD).await, StatusCode::OK);
}

/// A browser that is known to one account is a stranger to another; a cookie that somebody made up is none.
#[tokio::test]
async fn s10_a_known_browser_is_known_to_its_accounts_only() {
    let town = behind_a_proxy("").await;
    town.person("Alice").await;
    let mallory = town.person("Mallory").await;
    for _ in 0..10 {
        assert_eq!(tries(&mallory, "192.0.2.1", ALICE, "wrong horse").await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(tries(&mallory, "192.0.2.1", ALICE, PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
    let name = format!("palabre_device_{}", town.address.port());
    let forged = mallory.copy();
    let real = forged.cookies.lock().unwrap()[&name].clone();
    for cookie in [real.replace('.', "x."), format!("{real}.{real}"), "....".into(), "x".repeat(3_000)] {
        forged.cookies.lock().unwrap().insert(name.clone(), cookie);
        assert_eq!(tries(&forged, "192.0.2.1", ALICE, PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
    }
    // A known browser has tries of its own, and they end.
    for _ in 0..10 {
        let own = tries(&mallory, "192.0.2.1", "mallory@example.org", "wrong horse").await;
        assert_eq!(own, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(tries(&mallory, "192.0.2.1", "mallory@example.org", PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
    town.pass(30);
    assert_eq!(tries(&mallory, "192.0.2.1", "mallory@example.org", PASSWORD).await, StatusCode::OK);
}

/// S8: the typed address was kept, up to 250 kB of it.
#[tokio::test]
async fn s8_what_is_typed_is_not_kept() {
    let town = behind_a_proxy("").await;
    let visitor = town.visitor();
    let before = town.app.budgets.entries();
    for n in 0..30 {
        let email = format!("{n}{}@example.org", "x".repeat(100_000));
        let answer = tries(&visitor, "192.0.2.1", &email, "wrong horse").await;
        assert_eq!(answer, StatusCode::UNPROCESSABLE_ENTITY, "refused before anything is counted");
        let long = "x".repeat(100_000);
        assert_eq!(tries(&visitor, "192.0.2.1", ALICE, &long).await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    // One: the visits of this address.
    assert!(town.app.budgets.entries() <= before + 1);
    for n in 0..30 {
        tries(&visitor, &format!("192.0.2.{n}"), &format!("{n}@example.org"), "wrong horse").await;
    }
    let entries = town.app.budgets.entries();
    assert!((30..=before + 4 * 31).contains(&entries), "{entries} numbers, whatever was typed");
}

/// S12: an entry that could not be read was skipped, and the forged one before it believed.
#[tokio::test]
async fn s12_what_the_client_wrote_is_never_believed() {
    let town = strict_with("failures=3,1/h account-failures=off slow-failures=off", PROXY).await;
    let visitor = town.visitor();
    let real = [
        "203.0.113.6",
        "203.0.113.6:4711",
        " 203.0.113.6 ",
        "::ffff:203.0.113.6",
        "203.0.113.6, 127.0.0.1",
        "203.0.113.6:80, 127.0.0.1:80",
    ];
    let mut refused = 0;
    for (n, real) in real.iter().enumerate() {
        let chain = format!("198.51.100.{n}, {real}");
        let status = tries(&visitor, &chain, &format!("{n}@example.org"), "wrong horse").await;
        refused += usize::from(status == StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(status == StatusCode::TOO_MANY_REQUESTS, n >= 3, "{chain}");
    }
    assert_eq!(refused, 3);
    // Who is named by nobody is the proxy itself, whatever stands before.
    for n in 0..4 {
        let status = tries(&visitor, &format!("198.51.100.{n}, unknown"), &format!("{n}@example.org"), "wrong").await;
        assert_eq!(status == StatusCode::TOO_MANY_REQUESTS, n == 3, "unknown {n}");
    }
    // The standard field is not the proxies' here: a client's own.
    let forged = [("forwarded", "for=198.51.100.99"), ("x-forwarded-for", "203.0.113.6")];
    let form = [("email", ALICE), ("password", "wrong horse")];
    assert_eq!(visitor.post_with("/login", &forged, &form).await.status, StatusCode::TOO_MANY_REQUESTS);
    // An IPv6 customer has a /64.
    for n in 0..4 {
        let from = format!("198.51.100.1, [2001:db8::{n}]:4711");
        let status = tries(&visitor, &from, &format!("{n}@example.org"), "wrong").await;
        assert_eq!(status == StatusCode::TOO_MANY_REQUESTS, n == 3, "{from}");
    }
}
