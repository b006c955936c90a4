//! The end: readiness first, then the streams, then the rest.

use tokio::net::TcpStream;

use crate::support::{HUB, Running, request, within};

#[tokio::test]
async fn readiness_fails_before_anything_is_closed() {
    let server = Running::start("anonymous", &["--drain-delay", "1h"]).await;
    let mut stream = server.subscribe("topic=a", "").await;
    server.trigger.drain();
    within(async { while server.admin("GET", "/mercure/health/ready").await.status != 503 {} }).await;
    let reply = server.admin("GET", "/mercure/health/ready").await;
    assert_eq!(reply.body.trim(), "{\"status\":\"error\",\"error\":\"transport health check failed\"}");
    assert_eq!(server.get("/healthz").await.status, 503);
    assert_eq!(server.admin("GET", "/mercure/health/live").await.status, 200);
    // Whoever is there, and whoever comes meanwhile, is served.
    server.hub.publish(mercure_hub::Update::new("a", "late").unwrap()).unwrap();
    stream.until("data: late").await;
    assert_eq!(request(server.address(), "GET", &format!("{HUB}?topic="), "", "").await.status, 400);
    // Asked again, it does not wait.
    server.trigger.now();
    within(server.task).await.unwrap();
    stream.end().await;
}

#[tokio::test]
async fn streams_are_told_to_come_back_and_the_server_ends() {
    let server = Running::start("anonymous", &[]).await;
    let stream = server.subscribe("topic=a", "").await;
    let address = server.address();
    server.trigger.drain();
    let read = stream.end().await;
    assert!(read.contains("retry: "), "{read}");
    within(server.task).await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_idle_server_ends_at_once() {
    let server = Running::start("", &["--drain-timeout", "1h"]).await;
    server.trigger.drain();
    within(server.task).await.unwrap();
}
