//! Signing out: what the browser kept of the pages goes too.

use crate::harness::Town;
use crate::message::two;
use reqwest::StatusCode;

#[tokio::test]
async fn s19_signing_out_clears_what_the_browser_kept() {
    let town = Town::start().await;
    let (alice, _, goal) = two(&town).await;
    let before = alice.page(&goal.path()).await;
    assert!(before.header("cache-control").contains("no-store"), "who goes back sees nothing of it");
    assert!(before.text.contains(&format!("data-sign-out=\"{}\"", alice.id)), "the page knows whose drafts go");
    for answer in [alice.submit("/logout", &[]).await, alice.post("/logout", &[]).await] {
        let cleared = answer.header("clear-site-data");
        assert_eq!(cleared, "\"cache\"", "not what is written and not sent yet, nor other things of this host");
    }
    let after = alice.page(&goal.path()).await;
    assert_eq!(after.status, StatusCode::SEE_OTHER);
    assert!(after.header("location").starts_with("/login"));
}
