//! The shortest way through everything.

use crate::harness::Town;

#[tokio::test]
async fn two_people_talk() {
    let town = Town::start().await;
    let alice = town.person("Alice").await;
    let bob = town.person("Bob").await;
    let goal = alice.founds("Marathon").await;
    goal.lets_in(&alice, &bob).await;
    let sent = alice.says(&goal, "Salut").await;
    let page = bob.fetch(&goal, "since=0").await;
    assert_eq!(page["messages"][0]["html"], sent["message"]["html"]);
}
