//! Pages of other origins: preflights, what they may read, and which origins a configuration can name.

use mercure_hub::{HubConfig, InvalidConfig, Tokens};

use crate::client::{PATH, Server, bearer, config, open_config, publisher};

fn list(origins: &[&str]) -> Vec<String> {
    origins.iter().map(ToString::to_string).collect()
}

// H 15, D 5, C hub_test
#[tokio::test]
async fn a_preflight_tells_what_a_page_may_do() {
    let server = Server::start(HubConfig { cors_origins: list(&["https://chat.example"]), ..config() }).await;
    let asks = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n";
    let reply = server.request("OPTIONS", PATH, &format!("Origin: https://chat.example\r\n{asks}"), "").await;
    for (name, value) in [
        ("access-control-allow-origin", "https://chat.example"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "GET, HEAD, POST, QUERY"),
        ("access-control-allow-headers", "authorization, cache-control, last-event-id"),
        ("access-control-expose-headers", "Link, Mercure-Last-Event-ID, Last-Event-ID"),
        ("vary", "Origin"),
        ("allow", "GET, HEAD, POST, QUERY, OPTIONS"),
        ("accept-query", "application/x-www-form-urlencoded"),
    ] {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    assert_eq!(reply.status, 204);
    let foreign = server.request("OPTIONS", PATH, &format!("Origin: https://evil.example\r\n{asks}"), "").await;
    assert_eq!(foreign.header("access-control-allow-origin"), None);
    assert_eq!(foreign.header("vary"), Some("Origin"));
}

// H 15, H 88, C hub_test
#[tokio::test]
async fn answers_and_refusals_may_be_read_by_listed_pages_only() {
    let origins =
        list(&["https://chat.example", "https://*.example.org", "capacitor://localhost", "null", "http://a.test:80"]);
    let server = Server::start(HubConfig { cors_origins: origins, ..config() }).await;
    for (origin, allowed) in [
        ("https://chat.example", true),
        ("https://a.b.example.org", true),
        ("capacitor://localhost", true),
        ("null", true),
        ("http://a.test", true),
        ("https://example.org", false),
        ("http://chat.example", false),
        ("https://chat.example.evil", false),
        ("https://chat.example:8443", false),
    ] {
        let header = format!("Origin: {origin}\r\n");
        let refused = server.get("match=a", &header).await;
        assert_eq!(refused.status, 401);
        let told = allowed.then_some(origin);
        assert_eq!(refused.header("access-control-allow-origin"), told, "{origin}");
        assert_eq!(refused.header("access-control-allow-credentials"), allowed.then_some("true"), "{origin}");
        let exposed = refused.header("access-control-expose-headers");
        assert_eq!(exposed, allowed.then_some("Link, Mercure-Last-Event-ID, Last-Event-ID"), "{origin}");
        let form = format!("{header}{}Content-Type: application/x-www-form-urlencoded\r\n", bearer(&publisher(&["*"])));
        let published = server.request("POST", PATH, &form, "topic=a").await;
        assert_eq!((published.status, published.header("access-control-allow-origin")), (200, told), "{origin}");
    }
    assert_eq!(server.get("match=a", "").await.header("access-control-allow-origin"), None);
}

// H 15: no list, no page; the wildcard gives no credentials.
#[tokio::test]
async fn an_arbitrary_origin_is_never_reflected() {
    let closed = Server::start(open_config()).await;
    let sse = closed.sse("match=a", "Origin: https://any.example\r\n").await;
    assert_eq!(sse.head.header("access-control-allow-origin"), None);
    let open = Server::start(HubConfig { cors_origins: list(&["*", "https://any.example"]), ..open_config() }).await;
    let sse = open.sse("match=a", "Origin: https://any.example\r\n").await;
    assert_eq!(sse.head.header("access-control-allow-origin"), Some("*"));
    assert_eq!(sse.head.header("access-control-allow-credentials"), None);
}

// C hub_test: the syntax of origins
#[test]
fn a_configuration_with_something_else_than_origins_is_found() {
    let check = |origin: &str| {
        let lists = [
            HubConfig { publish_origins: list(&["*", origin]), ..HubConfig::default() },
            HubConfig { cors_origins: list(&[origin]), ..HubConfig::default() },
            HubConfig { socket_origins: list(&[origin]), ..HubConfig::default() },
        ];
        let results = lists.map(|config| config.check());
        assert!(results.iter().all(|result| *result == results[0]));
        results[0].clone()
    };
    for origin in
        ["capacitor://x", "capacitor://", "null", "*", "https://*.example.com", "http://localhost:3000", "http://[::1]"]
    {
        assert_eq!(check(origin), Ok(()), "{origin}");
    }
    for origin in [
        "",
        "example.com",
        "https://example.com/path",
        "https://user@example.com",
        "https://example.com?query",
        "https://example.com#fragment",
        "https://example.com:port",
        "https://example.com:99999",
        "https://a.*.example.com",
    ] {
        assert_eq!(check(origin), Err(InvalidConfig::Origin(origin.to_owned())), "{origin}");
    }
    let url = |url: &str| {
        let tokens = Tokens { public_urls: list(&[url]), ..Tokens::default() };
        HubConfig { tokens, ..HubConfig::default() }.check()
    };
    assert_eq!(url("https://hub.example/.well-known/mercure"), Ok(()));
    for bad in ["", "/hub", "hub.example", "ftp://hub.example/"] {
        assert_eq!(url(bad), Err(InvalidConfig::PublicUrl(bad.to_owned())));
    }
    let path = HubConfig { path: "hub".into(), ..HubConfig::default() };
    assert_eq!(path.check(), Err(InvalidConfig::Path("hub".into())));
}
