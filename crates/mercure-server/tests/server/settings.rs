//! Settings that are refused, and what is said of those that mean nothing here.

use mercure_server::{Certificates, Log, Role};

use crate::support::{SECRET, plan, wrong};

const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkq\n-----END PUBLIC KEY-----";

fn with_keys<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["--publisher-jwt-key", SECRET, "--subscriber-jwt-key", SECRET], more].concat()
}

// C caddy_test
#[test]
fn a_pem_is_never_taken_for_a_secret() {
    let refused =
        |more: &[&str]| wrong(&[&["--publisher-jwt-key", PEM, "--subscriber-jwt-key", SECRET], more].concat());
    assert!(refused(&["--publisher-jwt-alg", "HS256"]).starts_with("MERCURE_PUBLISHER_JWT_KEY: a PEM is a public key"));
    assert!(refused(&[]).contains("must name its algorithm"));
    // A variable that is empty names none.
    assert!(refused(&["--publisher-jwt-alg", ""]).contains("must name its algorithm"));
    let subscriber = ["--publisher-jwt-key", SECRET, "--subscriber-jwt-key", PEM];
    assert!(wrong(&subscriber).starts_with("MERCURE_SUBSCRIBER_JWT_KEY: "));
    assert!(wrong(&["--publisher-jwt-key", SECRET, "--publisher-jwt-alg", "RS256"]).contains("needs a public key"));
    assert!(wrong(&["--publisher-jwt-key", SECRET, "--publisher-jwt-alg", "HS257"]).contains("HS257"));
    // The right kind of algorithm, and no key behind the dashes.
    assert!(refused(&["--publisher-jwt-alg", "RS256"]).starts_with("MERCURE_PUBLISHER_JWT_KEY: "));
}

// C caddy_test
#[test]
fn a_hub_that_nobody_could_use_does_not_start() {
    assert!(wrong(&[]).starts_with("MERCURE_PUBLISHER_JWT_KEY: nobody could publish"));
    assert!(wrong(&["--publisher-jwt-key", ""]).contains("nobody could publish"));
    let publisher = ["--publisher-jwt-key", SECRET];
    assert!(wrong(&publisher).starts_with("MERCURE_SUBSCRIBER_JWT_KEY: nobody could subscribe"));
    assert!(plan(&[&publisher[..], &["--directives", "anonymous"]].concat()).is_ok());
}

// C caddy_test
#[test]
fn an_unknown_directive_stops_the_start_with_a_suggestion() {
    let why = wrong(&with_keys(&["--directives", "anonymous\ncors_origin *"]));
    assert_eq!(
        why,
        "MERCURE_EXTRA_DIRECTIVES: line 2, column 1: unknown directive \"cors_origin\"; is \"cors_origins\" meant?"
    );
}

#[test]
fn a_file_of_directives_is_read_before_the_variable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.conf");
    let file = path.to_str().unwrap();
    std::fs::write(&path, "# ours\nname file\nheartbeat 1m\n").unwrap();
    let plan = plan(&with_keys(&["--config", file, "--directives", "name variable"])).unwrap();
    assert_eq!((plan.name.as_str(), plan.hub.heartbeat.as_secs()), ("variable", 60));
    let why = wrong(&with_keys(&["--config", file, "--directives", "\nnaem x"]));
    assert!(why.starts_with("MERCURE_EXTRA_DIRECTIVES: line 2, column 1:"), "{why}");
    std::fs::write(&path, "anonymus").unwrap();
    assert!(wrong(&with_keys(&["--config", file])).contains("hub.conf: line 1, column 1:"));
    assert!(wrong(&with_keys(&["--config", "/nowhere/hub.conf"])).starts_with("/nowhere/hub.conf: "));
}

#[test]
fn without_a_name_it_listens_on_port_3000_of_this_machine() {
    let listeners = |more: &[&str]| {
        let plan = plan(&with_keys(more)).unwrap();
        plan.listeners.iter().map(|one| (one.address.to_string(), one.role)).collect::<Vec<_>>()
    };
    let plain = |address: &str| vec![(address.to_owned(), Role::Plain)];
    assert_eq!(listeners(&[]), plain("127.0.0.1:3000"));
    assert_eq!(listeners(&["--server-name", ""]), plain("127.0.0.1:3000"));
    assert_eq!(listeners(&["--listen", "0.0.0.0:8080"]), plain("0.0.0.0:8080"));
    assert_eq!(listeners(&["--listen", "0.0.0.0:8080", "--server-name", ":80"]), plain("0.0.0.0:8080"));
    assert_eq!(listeners(&["--server-name", ":80"]), plain("[::]:80"));
    let secure = vec![("[::]:443".to_owned(), Role::Tls), ("[::]:80".to_owned(), Role::Redirect(443))];
    assert_eq!(listeners(&["--server-name", "localhost"]), secure);
    let both = vec![("[::]:443".to_owned(), Role::Tls), ("[::]:80".to_owned(), Role::Plain)];
    assert_eq!(listeners(&["--server-name", "localhost, http://mercure"]), both);
}

#[test]
fn certificates_come_from_where_they_can() {
    let certificates = |more: &[&str]| plan(&with_keys(more)).unwrap().certificates;
    assert_eq!(certificates(&[]), Certificates::None);
    assert_eq!(certificates(&["--server-name", "localhost"]), Certificates::SelfSigned(vec!["localhost".into()]));
    let files = Certificates::Files { cert: "c".into(), key: "k".into() };
    let flags = ["--server-name", "hub.example.com", "--tls-cert", "c", "--tls-key", "k"];
    assert_eq!(certificates(&flags), files);
    if !cfg!(feature = "acme") {
        let why = wrong(&with_keys(&["--server-name", "hub.example.com"]));
        assert!(why.contains("--tls-cert") && why.contains("acme"), "{why}");
    }
    assert!(wrong(&with_keys(&["--server-name", "http://a:443, https://b"])).contains("port 443 cannot speak both"));
    assert!(wrong(&with_keys(&["--server-name", "a/b"])).starts_with("SERVER_NAME: "));
}

// D 12
#[test]
fn what_means_nothing_here_is_said() {
    let flags = with_keys(&[
        "--global-options",
        "debug\nservers {\n metrics\n}",
        "--caddy-extra-config",
        "(x) { }",
        "--license",
        "key",
        "--directives",
        "topic_selector_cache 1000",
    ]);
    let plan = plan(&flags).unwrap();
    let told = plan.notices.join("\n") + "\n" + &plan.warnings.join("\n");
    for part in ["GLOBAL_OPTIONS", "servers", "CADDY_EXTRA_CONFIG", "MERCURE_LICENSE", "topic_selector_cache"] {
        assert!(told.contains(part), "{part} is not spoken of in\n{told}");
    }
    assert!(crate::support::settings(&flags).wants_debug_log());
}

#[test]
fn weak_secrets_are_warned_of() {
    let warnings = |secret: &str| {
        let flags = ["--publisher-jwt-key", secret, "--directives", "anonymous"];
        plan(&flags).unwrap().warnings.join("\n")
    };
    assert!(warnings(SECRET).contains("everybody knows"));
    assert!(warnings("short").contains("5 bytes"));
    assert_eq!(warnings("a secret of thirty-two bytes or more"), "");
}

#[test]
fn the_older_transport_variable_is_read() {
    let flags = |url| with_keys(&["--transport-url", url]);
    let local = plan(&flags("local://local")).unwrap();
    assert_eq!((local.hub.history_events, local.log), (0, None));
    let log = Log { path: "/tmp/x.history".into(), events: 10, bytes: 0 };
    assert_eq!(plan(&flags("bolt:///tmp/x.db?size=10")).unwrap().log, Some(log));
    let default = plan(&with_keys(&["--data", "/data"])).unwrap().log.unwrap();
    assert_eq!((default.path.to_str(), default.events), (Some("/data/mercure.history"), 0));
    assert!(default.bytes > 0, "nobody has asked for a full disk");
    assert!(wrong(&flags("redis://x")).starts_with("MERCURE_TRANSPORT_URL: the transport redis"));
}

#[test]
fn durations_and_times_of_the_directives_reach_the_hub() {
    let plan = plan(&with_keys(&[
        "--directives",
        "heartbeat 10s\nwrite_timeout 1h\ndispatch_timeout 2s\nmax_request_body_size 2MiB\ndrain_timeout 30s",
    ]))
    .unwrap();
    assert_eq!(plan.hub.heartbeat.as_secs(), 10);
    assert_eq!(plan.hub.max_lifetime.as_secs(), 3_600);
    assert_eq!(plan.hub.write_timeout.as_secs(), 2);
    assert_eq!(plan.hub.max_body_bytes, 2 << 20);
    assert_eq!(plan.drain_timeout.as_secs(), 30);
}

#[test]
fn what_is_no_origin_stops_the_start() {
    let why = wrong(&with_keys(&["--directives", "cors_origins https://app.example/path"]));
    assert!(why.contains("https://app.example/path"), "{why}");
}

#[test]
fn the_newer_generation_can_be_had_alone() {
    let plan = plan(&with_keys(&["--strict", "--max-streams", "10"])).unwrap();
    assert!(!plan.hub.tokens.legacy && !plan.hub.extensions);
    assert_eq!(plan.hub.max_connections, 10);
    assert!(wrong(&["--strict", "--dev"]).starts_with("HUB_STRICT: "));
}
