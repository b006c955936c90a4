//! Revocation: who is shut out by token or by key is out at once, and stays out.

use std::time::Duration;

use mercure_hub::{HubConfig, Key, KeyId};
use serde_json::json;

use crate::client::{Frame, SECRET, Server, TestClock, bearer, config, now, open_config};

const OTHER_SECRET: &str = "another secret of at least 32 bytes";

fn token(secret: &str, sub: &str, jti: Option<&str>) -> String {
    let grant = json!({"subscribe": ["a"], "publish": ["*"]});
    Key::hs256(secret).sign("JWT", &json!({"sub": sub, "jti": jti, "exp": now() + 60.0, "mercure": grant})).unwrap()
}

const REVOKED: (u16, Option<&str>) = (401, Some("Bearer error=\"invalid_token\""));

// H 58, H 80
#[tokio::test]
async fn a_revoked_token_is_out_at_once_and_stays_out() {
    let server = Server::start(config()).await;
    let (lost, kept, unnamed) =
        (token(SECRET, "3", Some("lost")), token(SECRET, "3", Some("kept")), token(SECRET, "3", None));
    let mut sse = server.sse("match=a", &bearer(&lost)).await;
    let mut socket = server.socket("match=a", &bearer(&lost)).await;
    let mut others = [server.sse("match=a", &bearer(&kept)).await, server.sse("match=a", &bearer(&unnamed)).await];
    assert_eq!(server.hub.revoke_token("lost"), 2);
    assert_eq!(sse.rest().await, ": revoked\n\n");
    assert_eq!(socket.closed().await, Frame::Close(4003, "revoked".into()));
    let reply = server.get("match=a", &bearer(&lost)).await;
    assert_eq!((reply.status, reply.challenge()), REVOKED);
    assert_eq!(server.try_socket("match=a", &bearer(&lost)).await.err().unwrap().status, 401);
    assert_eq!(server.post(&lost, "topic=a").await.status, 401, "nor may it publish");
    assert_eq!(server.post(&kept, "topic=a&data=x").await.status, 200);
    for other in &mut others {
        assert_eq!(other.data().await, "x");
    }
    assert_eq!((server.hub.revoke_token("lost"), server.hub.revoke_token("never seen")), (0, 0));
}

fn of_session(sub: &str, sid: &serde_json::Value) -> String {
    let grant = json!({"subscribe": ["a"]});
    let claims = json!({"sub": sub, "sid": sid, "iat": now(), "exp": now() + 60.0, "mercure": grant});
    bearer(&Key::hs256(SECRET).sign("JWT", &claims).unwrap())
}

// H 58
#[tokio::test]
async fn a_session_ends_with_all_its_tokens_and_no_other_session() {
    let server = Server::start(config()).await;
    let (lost, kept) = (of_session("3", &json!("lost")), of_session("3", &json!("kept")));
    // What is no text in `sid` names no session, and spoils no token.
    let odd = of_session("3", &json!(7));
    let mut sse = server.sse("match=a", &lost).await;
    let mut socket = server.socket("match=a", &lost).await;
    let mut others = [server.sse("match=a", &kept).await, server.sse("match=a", &odd).await];
    assert_eq!(server.hub.disconnect_session("4", "other"), 0);
    assert_eq!(server.hub.disconnect_session("3", "lost"), 2);
    assert_eq!(sse.rest().await, ": revoked\n\n");
    assert_eq!(socket.closed().await, Frame::Close(4003, "revoked".into()));
    for token in [lost, of_session("3", &json!("lost"))] {
        let reply = server.get("match=a", &token).await;
        assert_eq!((reply.status, reply.challenge()), REVOKED, "whenever it was made");
    }
    server.now("a", "x");
    for other in &mut others {
        assert_eq!(other.data().await, "x");
    }
}

// H 58
#[tokio::test]
async fn the_mark_of_a_token_is_kept_as_long_as_tokens_live() {
    let clock = TestClock::new();
    let server =
        Server::start(HubConfig { clock: clock.clock(), revocation: Duration::from_secs(100), ..open_config() }).await;
    let token = bearer(&Key::hs256(SECRET).sign("JWT", &json!({"jti": "x", "mercure": {}})).unwrap());
    server.hub.revoke_token("x");
    clock.advance(99.0);
    server.hub.revoke_token("another");
    assert_eq!(server.get("match=a", &token).await.status, 401);
    clock.advance(2.0);
    server.hub.revoke_token("a third");
    let _stream = server.sse("match=a", &token).await;
}

// H 58, H 64
#[tokio::test]
async fn a_revoked_key_takes_all_its_tokens_with_it() {
    let (reading, writing) = (Key::hs256(SECRET), Key::hs256(OTHER_SECRET));
    let server = Server::start(HubConfig {
        subscriber_key: Some(reading.clone()),
        publisher_key: Some(writing.clone()),
        ..open_config()
    })
    .await;
    let mut sse = server.sse("match=a", &bearer(&token(SECRET, "3", None))).await;
    let mut anonymous = server.sse("match=a", "").await;
    assert_eq!(server.hub.revoke_key(KeyId::default()), 0, "nobody's key");
    assert_eq!(server.hub.revoke_key(reading.id()), 1);
    assert_eq!(sse.rest().await, ": revoked\n\n");
    let reply = server.get("match=a", &bearer(&token(SECRET, "4", None))).await;
    assert_eq!((reply.status, reply.challenge()), REVOKED, "whoever else it was made for");
    assert_eq!(server.post(&token(OTHER_SECRET, "3", None), "topic=a&data=x").await.status, 200, "another key");
    assert_eq!(anonymous.data().await, "x");
    assert_eq!(server.hub.revoke_key(writing.id()), 0);
    assert_eq!(server.post(&token(OTHER_SECRET, "3", None), "topic=a&data=x").await.status, 401);
}
