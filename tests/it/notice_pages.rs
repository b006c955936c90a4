//! Notifications in pages: each is reached once, also past events that concern nobody any more.

use crate::harness::Town;
use crate::message::two;
use palabre::db::{Lane, Writer};
use palabre::error::Result;
use palabre::id::{GoalId, UserId};
use palabre::user::notice::SHOWN;
use palabre::{params, sql};
use reqwest::StatusCode;
use std::collections::BTreeSet;

/// So many events of a person's own, as they would have gathered over the years.
async fn gather(town: &Town, user: i64, goal: i64, actor: i64, kind: &'static str, count: i64) {
    let (user, goal, actor, now) = (UserId(user), GoalId(goal), UserId(actor), town.app.clock.now());
    let write = move |tx: &mut Writer<'_>| -> Result<()> {
        for _ in 0..count {
            tx.execute(sql!(r#"update "user" set revision = revision + 1 where id = $1"#), params![user])?;
            tx.execute(
                sql!(
                    r#"
                    insert into notification (user_id, revision, kind, goal_id, actor_id, created_at)
                    select u.id, u.revision, $2, $3, $4, $5
                    from "user" u
                    where u.id = $1
                    "#
                ),
                params![user, kind, goal, actor, now],
            )?;
        }
        Ok(())
    };
    town.app.db.write(Lane::None, write).await.unwrap();
}

#[tokio::test]
async fn s4_notifications_come_in_pages() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    gather(&town, alice.id, goal.id, bob.id, "participation_asked", 60).await;
    // An event without its message concerns nobody: more of these than one page looks at.
    gather(&town, alice.id, goal.id, bob.id, "mention", 1_200).await;
    gather(&town, alice.id, goal.id, bob.id, "participation_asked", 70).await;
    let (mut seen, mut before, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let answer = alice.get(&format!("/notifications?before={before}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let page = answer.json();
        let notices = page["notices"].as_array().unwrap();
        assert!(i64::try_from(notices.len()).unwrap() <= SHOWN);
        seen.extend(notices.iter().map(|notice| notice["revision"].as_i64().unwrap()));
        pages += 1;
        match page["next"].as_i64() {
            Some(next) => before = next.to_string(),
            None => break,
        }
    }
    // One more: Bob has asked to join.
    assert_eq!((seen.len(), seen.iter().collect::<BTreeSet<_>>().len()), (131, 131));
    assert!(pages <= 6, "{pages} pages");
    assert!(seen.is_sorted_by(|one, other| one > other), "the newest first");
    let first = alice.page("/notifications").await.text;
    let next = first.split_once("rel=\"next\" href=\"").unwrap().1.split('"').next().unwrap().replace("&#x2f;", "/");
    let second = alice.page(&next.replace("&#x3d;", "=")).await;
    assert!(
        second.status == StatusCode::OK
            && second.text.contains("href=\"&#x2f;notifications\"") | second.text.contains("href=\"/notifications\"")
    );
    assert_eq!(alice.get("/notifications?before=x").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(bob.get("/notifications?before=1").await.json()["next"], serde_json::Value::Null);
}
