//! The small pages of the main port, the debugger page, the playground.

use crate::support::{HUB, Running, request};

// C caddy_test
#[tokio::test]
async fn the_main_port_answers_what_supervisors_and_crawlers_ask() {
    let server = Running::start("", &[]).await;
    assert_eq!(server.get("/healthz").await.status, 200);
    let home = server.get("/").await;
    assert_eq!((home.status, home.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(home.body.contains("<h1>"));
    assert_eq!(server.get("/robots.txt").await.body, "User-agent: *\nDisallow: /\n");
    for path in ["/elsewhere", "/.well-known/", "/.well-known/mercure/debug/", "/playground/x.json"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn small_pages_are_compressed_and_the_stream_is_not() {
    let server = Running::start("anonymous\ndebugger", &[]).await;
    let gzip = "Accept-Encoding: gzip\r\n";
    let style = request(server.address(), "GET", "/.well-known/mercure/debug/debugger.css", gzip, "").await;
    assert_eq!(style.header("content-encoding"), "gzip");
    let mut stream = server.subscribe("topic=a", gzip).await;
    server.hub.publish(mercure_hub::Update::new("a", "hello").unwrap()).unwrap();
    stream.until("data: hello").await;
    assert!(!stream.read.to_ascii_lowercase().contains("content-encoding"), "{}", stream.read);
}

#[tokio::test]
async fn the_debugger_page_is_served_when_asked_and_runs_no_inline_script() {
    for directive in ["debugger", "ui"] {
        let server = Running::start(directive, &[]).await;
        for folder in ["/.well-known/mercure/debug", "/.well-known/mercure/ui"] {
            assert_eq!(server.get(folder).await.header("location"), format!("{folder}/"));
            let page = server.get(&format!("{folder}/")).await;
            assert_eq!(page.status, 200);
            assert!(page.header("content-security-policy").contains("script-src 'self'"));
            // Whatever the page names is there.
            for name in page
                .body
                .split('"')
                .filter(|name| name.ends_with(".js") || name.ends_with(".css") || name.ends_with(".svg"))
            {
                let file = server.get(&format!("{folder}/{name}")).await;
                assert_eq!(file.status, 200, "{name}");
                for imported in file.body.split("from './").skip(1).filter_map(|rest| rest.split('\'').next()) {
                    assert_eq!(server.get(&format!("{folder}/{imported}")).await.status, 200, "{imported}");
                }
            }
            assert!(
                !page.body.contains("<script>") && !page.body.contains(" onclick") && !page.body.contains(" style=")
            );
            let session = server.get(&format!("{folder}/session.json")).await;
            assert!(session.body.contains("\"publish\":null") && session.body.contains("\"playground\":false"));
        }
        assert_eq!(server.get("/").await.status, 200);
    }
}

// C caddy_test
#[tokio::test]
async fn the_playground_opens_everything_and_echoes() {
    for directive in ["playground", "demo"] {
        let server = Running::start(directive, &[]).await;
        let root = server.get("/").await;
        assert_eq!((root.status, root.header("location")), (302, "/.well-known/mercure/debug/"));

        let session = server.get("/.well-known/mercure/debug/session.json").await;
        assert_eq!(session.header("access-control-allow-origin"), "", "the token is for the page alone");
        let token = session.body.split("\"publish\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let mut stream = server.subscribe("topic=a", "").await;
        assert_eq!(server.post(&token, "topic=a&data=hello").await.status, 200);
        stream.until("data: hello").await;

        for (path, kind) in [
            ("/playground/foo.jsonld", "application/ld+json"),
            ("/playground/foo.json", "application/json"),
            ("/playground/foo", "text/plain; charset=utf-8"),
            ("/.well-known/mercure/ui/demo/foo.html", "text/plain; charset=utf-8"),
        ] {
            let echo = server.get(&format!("{path}?body=%3Cb%3E")).await;
            assert_eq!((echo.status, echo.header("content-type"), echo.body.as_str()), (200, kind, "<b>"), "{path}");
            assert_eq!(echo.header("content-security-policy"), "sandbox; default-src 'none'");
            assert_eq!(echo.header("x-content-type-options"), "nosniff");
            assert!(echo.head.contains(&format!("<{HUB}>; rel=\"mercure\"")), "{}", echo.head);
            assert!(echo.head.contains(&format!("<{path}>; rel=\"self\"")), "{}", echo.head);
        }
        let cookie = server.get("/playground/x?jwt=a.b.c").await;
        assert_eq!(
            cookie.header("set-cookie"),
            format!("mercure_access_token=a.b.c; Path={HUB}; HttpOnly; SameSite=Strict")
        );
        assert_eq!(server.get("/playground/x?jwt=a%3B%20Domain=x").await.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn the_playground_needs_no_key() {
    let server = Running::start_with(&["--dev"]).await;
    let session = server.get("/.well-known/mercure/debug/session.json").await.body;
    assert!(session.contains("\"publish\":\"ey") && session.contains("\"subscribe\":\"ey"));
}
