//! The number of a request: ours, whatever a client calls it.

use crate::harness::Town;
use reqwest::Method;

async fn given(town: &Town, id: &str) -> String {
    let answer = town.visitor().request(Method::GET, "/healthz", &[("x-request-id", id)], "").await;
    answer.headers()["x-request-id"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn s22_a_client_does_not_write_the_number_of_its_request() {
    let town = Town::start().await;
    let id = given(&town, "forged-by-the-client").await;
    assert_ne!(id, "forged-by-the-client");
    assert_eq!(id.len(), 36, "a number of ours: {id}");
    assert_ne!(given(&town, "forged-by-the-client").await, id, "each request has its own");
}

#[tokio::test]
async fn s22_a_trusted_proxy_does_when_it_is_short_and_plain() {
    let town = Town::start_with(&["--trusted-proxies", "127.0.0.0/8"]).await;
    for good in ["7f3a-proxy", "Root=1-67891233-abcdef012345678912345678"] {
        assert_eq!(given(&town, good).await, good);
    }
    for bad in ["two words", "level=\"error\"", "{\"a\":1}", &"a".repeat(65), "tab\there", "a;b"] {
        assert_ne!(given(&town, bad).await, bad);
    }
}
