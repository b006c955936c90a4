//! The small pages of the main port, the debugger page, the playground.

use crate::support::{FORM, HUB, Reply, Running, SECRET, plan, request, token, wrong};

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
    let server = Running::start("playground", &[]).await;
    let root = server.get("/").await;
    assert_eq!((root.status, root.header("location")), (302, "/.well-known/mercure/debug/"));
    let session = session(&server, "debug", "").await;
    assert_eq!(session.header("access-control-allow-origin"), "", "the token is for the page alone");
    let mut stream = server.subscribe("topic=a", "").await;
    assert_eq!(server.post(&token_in(&session).unwrap(), "topic=a&data=hello").await.status, 200);
    stream.until("data: hello").await;

    for directive in ["playground", "demo"] {
        let server = Running::start(directive, &[]).await;
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
    let token = token_in(&session(&server, "debug", "").await).unwrap();
    assert_eq!(server.post(&token, "topic=a").await.status, 200);
}

/// What the debugger page begins with, as a browser on this machine asks for it.
async fn session(server: &Running, folder: &str, headers: &str) -> Reply {
    let host = if headers.contains("Host:") { String::new() } else { format!("Host: {}\r\n", server.address()) };
    let target = format!("/.well-known/mercure/{folder}/session.json");
    request(server.address(), "GET", &target, &format!("{host}{headers}"), "").await
}

/// Every token that stands in it must be the same one.
fn token_in(session: &Reply) -> Option<String> {
    let session: serde_json::Value = serde_json::from_str(&session.body).unwrap();
    assert_eq!(session["publish"], session["subscribe"]);
    session["publish"].as_str().map(str::to_owned)
}

// C caddy_test: in 0.x `demo` is the page and the echo, and no right.
#[tokio::test]
async fn finding_2_demo_gives_no_rights_and_no_token_to_anybody() {
    for directives in ["demo", "ui\ndemo", "debugger\ndemo"] {
        let server = Running::start(directives, &[]).await;
        for folder in ["debug", "ui"] {
            assert_eq!(server.get(&format!("/.well-known/mercure/{folder}/")).await.status, 200, "the page is there");
            let session = session(&server, folder, "").await;
            assert_eq!(token_in(&session), None);
            assert!(!session.body.contains("eyJ") && session.body.contains("\"playground\":false"), "{}", session.body);
        }
        assert_eq!(server.get("/").await.status, 200);
        let any = "Origin: https://evil.test\r\n";
        let reply = request(server.address(), "GET", &format!("{HUB}?topic=a"), any, "").await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (401, ""));
        let by_cookie = format!("{any}Cookie: mercureAuthorization={}\r\n{FORM}", token(&[], &["*"]));
        assert_eq!(request(server.address(), "POST", HUB, &by_cookie, "topic=a").await.status, 403);
        assert_eq!(server.get(&format!("{HUB}/subscriptions")).await.status, 404);
        assert_eq!(server.get("/.well-known/mercure/ui/demo/x.json?body=1").await.body, "1");
    }
    // Nor does it let a hub start that nobody could use.
    assert!(wrong(&["--directives", "demo"]).contains("nobody could publish"));
    let plan = plan(&["--publisher-jwt-key", SECRET, "--subscriber-jwt-key", SECRET, "--directives", "demo"]).unwrap();
    assert!(!plan.hub.anonymous && !plan.hub.subscriptions && plan.playground.is_none());
    assert!(
        plan.hub.cors_origins.is_empty() && plan.hub.publish_origins.is_empty() && plan.hub.socket_origins.is_empty()
    );
}

#[tokio::test]
async fn finding_2_the_playgrounds_token_is_of_no_key_that_was_configured() {
    for flags in [
        ["--dev", "--directives", ""],
        ["--dev", "--directives", "demo"],
        ["--drain-delay=0s", "--directives", "playground"],
    ] {
        let keys = ["--publisher-jwt-key", SECRET, "--subscriber-jwt-key", SECRET];
        let server = Running::start_with(&[&keys[..], &flags[..]].concat()).await;
        let token = token_in(&session(&server, "ui", "").await).unwrap();
        assert_eq!(server.post(&token, "topic=a").await.status, 200, "here it is good");
        // The same keys without the playground, and the next start of the playground itself: it is worth nothing.
        for after in [vec!["--directives", ""], flags.to_vec()] {
            let server = Running::start_with(&[&keys[..], &after[..]].concat()).await;
            assert_eq!(server.post(&token, "topic=a").await.status, 401);
        }
        use base64::Engine as _;
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        assert!(String::from_utf8(claims).unwrap().contains("\"exp\":"), "it ends by itself");
    }
}

/// Proxies, names that were bent to this machine, and other machines: none of them is the browser of the person who plays.
#[tokio::test]
async fn finding_2_the_playgrounds_token_stays_on_this_machine() {
    let server = Running::start("playground", &[]).await;
    for host in ["localhost:3000", "LOCALHOST", "127.0.0.1:3000", "[::1]:3000", "hub.localhost"] {
        assert!(token_in(&session(&server, "debug", &format!("Host: {host}\r\n")).await).is_some(), "{host}");
    }
    for headers in [
        "Host: hub.test\r\n",
        "Host: evil.example\r\n",
        "Host: localhost.evil.example\r\n",
        "Host: 10.0.0.1\r\n",
        "Host: 0.0.0.0:3000\r\n",
        "Host: \r\n",
        "X-Forwarded-For: 127.0.0.1\r\n",
        "X-Forwarded-Host: localhost\r\n",
        "X-Real-IP: 127.0.0.1\r\n",
        "Forwarded: for=127.0.0.1\r\n",
        "Via: 1.1 proxy\r\n",
    ] {
        for folder in ["debug", "ui"] {
            assert_eq!(token_in(&session(&server, folder, headers).await), None, "{headers}");
        }
    }
    let proxied = Running::start("playground", &["--trusted-proxies", "127.0.0.1"]).await;
    assert_eq!(token_in(&session(&proxied, "debug", "X-Forwarded-For: 192.0.2.1\r\n").await), None);
}

#[tokio::test]
async fn finding_1_a_page_of_the_hubs_own_may_reach_the_hub() {
    let server = Running::start("", &[]).await;
    let policy = server.get("/").await.header("content-security-policy").to_owned();
    assert!(policy.contains("connect-src 'self'") && policy.contains("default-src 'none'"), "{policy}");
    assert!(!policy.contains("script-src"), "it runs nothing: {policy}");
}
