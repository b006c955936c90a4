//! Health and metrics at the administrator's address.

use crate::support::{Running, request, token, within};

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
    for method in ["POST", "PUT", "DELETE"] {
        for path in ["/mercure/health/ready", "/metrics"] {
            let reply = server.admin(method, path).await;
            assert_eq!((reply.status, reply.header("allow")), (405, "GET, HEAD"), "{method} {path}");
        }
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

/// What `wget --spider` of Debian and `curl -I` send.
#[tokio::test]
async fn finding_7_health_answers_head() {
    let server = Running::start("name news", &[]).await;
    for path in ["ready", "live", "news/ready", "news/live"] {
        let reply = server.admin("HEAD", &format!("/mercure/health/{path}")).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, ""), "{path}");
        assert_eq!(reply.header("content-type"), "application/json");
    }
    assert_eq!(server.admin("HEAD", "/mercure/health/other/ready").await.status, 404);
    assert_eq!(server.admin("HEAD", "/metrics").await.status, 200);
    assert_eq!(request(server.address(), "HEAD", "/healthz", "", "").await.status, 200);
}

/// Whoever holds the write lock of the file keeps the hub from writing, as a full disk does.
#[tokio::test]
async fn finding_9_ready_fails_while_nothing_can_be_stored() {
    let folder = tempfile::tempdir().unwrap();
    let directives = format!("anonymous\ntransport bolt {{\n path {}/bolt.db\n}}", folder.path().display());
    let server = Running::start(&directives, &[]).await;
    let statuses = async || {
        let ready = server.admin("GET", "/mercure/health/ready").await.status;
        [ready, server.get("/healthz").await.status, server.admin("GET", "/mercure/health/live").await.status]
    };
    assert_eq!(statuses().await, [200, 200, 200]);
    let other = rusqlite::Connection::open(folder.path().join("bolt.history")).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let post = async || server.post(&token(&[], &["*"]), "topic=a&data=x").await.status;
    assert_eq!(post().await, 503);
    assert_eq!(statuses().await, [503, 503, 200]);
    // Subscribers are served meanwhile.
    assert!(server.subscribe("topic=a", "").await.read.starts_with("HTTP/1.1 200"));
    other.execute_batch("rollback").unwrap();
    within(async { while statuses().await != [200, 200, 200] {} }).await;
    assert_eq!(post().await, 200);
}
