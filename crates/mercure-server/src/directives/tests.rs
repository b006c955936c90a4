//! Every directive, and what is said of those that are wrong.

use super::*;

fn ok(text: &str) -> Directives {
    parse_with(text, &|_| None).unwrap_or_else(|fault| panic!("{text}\n{fault}"))
}

fn wrong(text: &str) -> String {
    match parse_with(text, &|_| None) {
        Ok(directives) => panic!("{text} is read as {directives:?}"),
        Err(fault) => fault.to_string(),
    }
}

fn secret(text: &str, algorithm: Option<&str>) -> Option<Verifier> {
    Some(Verifier::Key(KeyText { text: text.to_owned(), algorithm: algorithm.map(str::to_owned) }))
}

#[test]
fn every_directive_of_the_newer_generation_is_read() {
    let directives = ok(r#"
        name test
        anonymous
        playground
        debugger
        subscriptions
        write_timeout 1m
        dispatch_timeout 5s
        drain_timeout 5m
        heartbeat 40s
        max_request_body_size 1MB
        cookie_name mercure_access_token
        cors_origins https://a.example https://b.example
        publish_origins *
        public_urls https://example.com
        resource_identifier https://example.com/.well-known/mercure
        topic_matcher_cache 10
        subscriber_list_cache_size 10
        protocol_version_compatibility 8
        transport bolt {
            path /data/mercure.db
            bucket_name updates
            size 20
            cleanup_frequency 0.2
        }
        issuer https://a.example {
            authorization_server
            publisher {
                jwt !ChangeMe!
            }
            subscriber {
                jwks_uri https://a.example/jwks RS256 ES256
            }
        }
        issuer https://b.example {
            publisher {
                jwks_uri file:///etc/keys.json {
                    algorithms EdDSA
                }
            }
        }
    "#);
    assert_eq!(directives.name.as_deref(), Some("test"));
    assert!(directives.anonymous && directives.playground && directives.debugger && directives.subscriptions);
    assert_eq!(directives.write_timeout, Some(Duration::from_secs(60)));
    assert_eq!(directives.dispatch_timeout, Some(Duration::from_secs(5)));
    assert_eq!(directives.drain_timeout, Some(Duration::from_secs(300)));
    assert_eq!(directives.heartbeat, Some(Duration::from_secs(40)));
    assert_eq!(directives.max_request_body_size, Some(1_000_000));
    assert_eq!(directives.cookie_name.as_deref(), Some("mercure_access_token"));
    assert_eq!(directives.cors_origins, ["https://a.example", "https://b.example"]);
    assert_eq!(directives.publish_origins, ["*"]);
    assert_eq!(directives.public_urls, ["https://example.com"]);
    assert_eq!(directives.resource_identifier.as_deref(), Some("https://example.com/.well-known/mercure"));
    assert_eq!(directives.compatibility, Some(8));
    assert_eq!(directives.transport, Some(Transport::Bolt { path: Some("/data/mercure.db".into()), size: 20 }));
    let [first, second] = directives.issuers.as_slice() else { panic!("{:?}", directives.issuers) };
    assert!(first.is_authorization_server && !second.is_authorization_server);
    assert_eq!(first.publisher, secret("!ChangeMe!", None));
    let algorithms = vec!["RS256".to_owned(), "ES256".to_owned()];
    assert_eq!(first.subscriber, Some(Verifier::Jwks { url: "https://a.example/jwks".into(), algorithms }));
    let algorithms = vec!["EdDSA".to_owned()];
    assert_eq!(second.publisher, Some(Verifier::Jwks { url: "file:///etc/keys.json".into(), algorithms }));
    assert_eq!(second.subscriber, None);
    assert_eq!(directives.notices.len(), 3, "{:?}", directives.notices);
}

#[test]
fn every_directive_of_the_older_generation_is_read() {
    let directives = ok("publisher_jwt !ChangeThisMercureHubJWTSecretKey! HS256\nsubscriber_jwt x HS512\nui\ndemo\n\
        topic_selector_cache 10000 256\nprotocol_version_compatibility 7\ntransport_url bolt:///var/x.db?size=100&cleanup_frequency=0.4\nlicense abc");
    assert_eq!(directives.publisher, secret("!ChangeThisMercureHubJWTSecretKey!", Some("HS256")));
    assert_eq!(directives.subscriber, secret("x", Some("HS512")));
    assert!(directives.debugger && directives.demo && !directives.playground);
    assert_eq!(directives.transport, Some(Transport::Bolt { path: Some("/var/x.db".into()), size: 100 }));
    let directives = ok("publisher_jwks_url https://a/jwks\nsubscriber_jwks_url https://a/jwks");
    assert!(matches!(directives.publisher, Some(Verifier::Jwks { .. })));
    assert_eq!(directives.publisher, directives.subscriber);
    for (url, path) in [("bolt://x.db", Some("x.db")), ("bolt://", None), ("bolt:///x?size=0", Some("/x"))] {
        let read = ok(&format!("transport_url {url}")).transport;
        assert_eq!(read, Some(Transport::Bolt { path: path.map(Into::into), size: 0 }), "{url}");
    }
    for text in ["transport_url local://local", "transport local", "transport local {\n}"] {
        assert_eq!(ok(text).transport, Some(Transport::Local), "{text}");
    }
}

#[test]
fn an_unknown_directive_is_named_with_its_place_and_the_nearest_one() {
    assert_eq!(
        wrong("anonymous\n  anonymus"),
        "line 2, column 3: unknown directive \"anonymus\"; is \"anonymous\" meant?"
    );
    for (written, meant) in
        [("cors_origin *", "cors_origins"), ("publish_origin *", "publish_origins"), ("heart_beat 1s", "heartbeat")]
    {
        assert!(wrong(written).contains(&format!("is {meant:?} meant?")), "{}", wrong(written));
    }
    assert!(wrong("totally_bogus foo").contains("known are anonymous, "));
    assert!(wrong("issuer a {\n publishers {\n }\n}").contains("in issuer; is \"publisher\" meant?"));
    assert!(wrong("issuer a {\n publisher {\n jwks_url https://a\n }\n}").contains("is \"jwks_uri\" meant?"));
    assert!(wrong("transport bolt {\n paht x\n}").contains("is \"path\" meant?"));
}

#[test]
fn what_is_half_said_is_refused() {
    for text in [
        "heartbeat",
        "heartbeat 40",
        "heartbeat 1s 2s",
        "anonymous true",
        "anonymous {\n}",
        "cors_origins",
        "cookie_name a;b",
        "name a/b",
        "public_urls example.com",
        "resource_identifier urn:x",
        "protocol_version_compatibility 6",
        "max_request_body_size big",
        "issuer",
        "issuer a",
        "issuer \"\" {\n}",
        "issuer a {\n publisher\n}",
        "issuer a {\n publisher {\n jwt\n }\n}",
        "issuer a {\n publisher {\n jwt x\n jwt y\n }\n}",
        "publisher_jwt {env.UNSET}",
        "publisher_jwt a HS256 more",
        "publisher_jwks_url example.com",
        "transport",
        "transport bolt local",
        "transport bolt {\n size -1\n}",
        "transport bolt {\n cleanup_frequency 2\n}",
        "transport local {\n path x\n}",
        "transport_url bolt",
    ] {
        wrong(text);
    }
}

#[test]
fn transports_of_the_paid_hub_are_refused_with_a_way_out() {
    for name in ["redis", "postgres", "kafka", "pulsar"] {
        let why = wrong(&format!("transport {name} {{\n url x\n}}"));
        assert!(why.contains(name) && why.contains("use transport bolt"), "{why}");
    }
    assert!(wrong("transport_url redis://localhost").contains("use transport bolt"));
    assert!(wrong("transport botl").contains("is \"bolt\" meant?"));
}

#[test]
fn placeholders_come_from_the_environment() {
    let lookup = |name: &str| match name {
        "KEY" => Some("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----".to_owned()),
        "ALG" => Some("RS256".to_owned()),
        "MORE" => Some("anonymous\nheartbeat 1m".to_owned()),
        _ => None,
    };
    let directives = parse_with(
        "publisher_jwt {env.KEY} {env.ALG}\nsubscriber_jwt x {env.NONE}\n{$MORE}\nname {$NONE:fallback}",
        &lookup,
    )
    .unwrap();
    assert_eq!(
        directives.publisher,
        secret("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", Some("RS256"))
    );
    assert_eq!(directives.subscriber, secret("x", None));
    assert!(directives.anonymous && directives.heartbeat == Some(Duration::from_secs(60)));
    assert_eq!(directives.name.as_deref(), Some("fallback"));
}

#[test]
fn the_block_of_a_caddyfile_may_be_given_whole() {
    assert!(ok("mercure {\n anonymous # everybody\n cors_origins *\n}").anonymous);
}

#[test]
fn a_key_is_not_printed() {
    assert!(!format!("{:?}", ok("publisher_jwt !ChangeMe!")).contains("Change"));
}

// D 13
#[test]
fn every_directive_stands_in_the_readme() {
    let readme = include_str!("../../README.md");
    let rows: Vec<&str> = readme.lines().filter(|line| line.starts_with("| `")).collect();
    for name in known::TOP {
        assert!(rows.iter().any(|row| row.contains(&format!("`{name}"))), "README.md has no row for {name}");
    }
}
