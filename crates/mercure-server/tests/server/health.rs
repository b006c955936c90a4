//! Health and metrics at the administrator's address.

use crate::support::{Running, token};

// C health_test
#[tokio::test]
async fn health_is_answered_for_all_hubs_and_for_each() {
    let server = Running::start("", &[]).await;
    for path in ["ready", "live", "default/ready", "default/live"] {
        let reply = server.admin("GET", &format!("/mercure/health/{path}")).await;
        assert_eq!((reply.status, reply.body.trim()), (200, "{\"status\":\"ok\"}"), "{path}");
        assert_eq!(reply.header("content-type"), "application/json");
    }
}

// C health_test
#[tokio::test]
async fn a_named_hub_is_known_by_its_name_alone() {
    let server = Running::start("name news", &[]).await;
    assert_eq!(server.admin("GET", "/mercure/health/news/ready").await.status, 200);
    for path in ["default/ready", "nonexistent/live", "invalid", "", "ready/"] {
        assert_eq!(server.admin("GET", &format!("/mercure/health/{path}")).await.status, 404, "{path}");
    }
    assert_eq!(server.admin("GET", "/").await.status, 404);
}

// C health_test
#[tokio::test]
async fn health_is_only_read() {
    let server = Running::start("", &[]).await;
    for method in ["POST", "HEAD", "DELETE"] {
        let reply = server.admin(method, "/mercure/health/ready").await;
        assert_eq!((reply.status, reply.header("allow")), (405, "GET"), "{method}");
    }
}

// C metrics_test
#[tokio::test]
async fn metrics_count_streams_and_updates() {
    let server = Running::start("anonymous", &[]).await;
    let stream = server.subscribe("topic=a", "").await;
    assert_eq!(server.post(&token(&[], &["*"]), "topic=a&data=x").await.status, 200);
    let page = server.admin("GET", "/metrics").await;
    assert!(page.header("content-type").starts_with("text/plain; version=0.0.4"), "{}", page.head);
    for line in ["mercure_subscribers_connected 1", "mercure_subscribers_total 1", "mercure_updates_total 1"] {
        assert!(page.body.lines().any(|found| found == line), "{line} is missing in\n{}", page.body);
    }
    assert!(page.body.contains("_bucket{le="), "there are histograms:\n{}", page.body);
    drop(stream);
}
