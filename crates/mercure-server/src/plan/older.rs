//! Variables of the reference's images before 0.11, which had no directives: who still sets them is told what they are called now.

/// The old names, and what says the same now.
const OLDER: [(&str, &str); 24] = [
    ("ACME_HOSTS", "SERVER_NAME"),
    ("ADDR", "SERVER_NAME"),
    ("ALLOW_ANONYMOUS", "the directive anonymous in MERCURE_EXTRA_DIRECTIVES"),
    ("CERT_FILE", "HUB_TLS_CERT"),
    ("COMPRESS", "nothing: pages are compressed"),
    ("CORS_ALLOWED_ORIGINS", "the directive cors_origins in MERCURE_EXTRA_DIRECTIVES"),
    ("DB_PATH", "the directive transport bolt { path … } in MERCURE_EXTRA_DIRECTIVES"),
    ("DEMO", "the directive demo in MERCURE_EXTRA_DIRECTIVES"),
    ("DISPATCH_SUBSCRIPTIONS", "the directive subscriptions in MERCURE_EXTRA_DIRECTIVES"),
    ("DISPATCH_TIMEOUT", "the directive dispatch_timeout in MERCURE_EXTRA_DIRECTIVES"),
    ("HEARTBEAT_INTERVAL", "the directive heartbeat in MERCURE_EXTRA_DIRECTIVES"),
    ("HISTORY_SIZE", "the directive transport bolt { size … } in MERCURE_EXTRA_DIRECTIVES"),
    ("JWT_ALGORITHM", "MERCURE_PUBLISHER_JWT_ALG and MERCURE_SUBSCRIBER_JWT_ALG"),
    ("JWT_KEY", "MERCURE_PUBLISHER_JWT_KEY and MERCURE_SUBSCRIBER_JWT_KEY"),
    ("KEY_FILE", "HUB_TLS_KEY"),
    ("METRICS", "HUB_ADMIN"),
    ("PUBLISHER_JWT_ALGORITHM", "MERCURE_PUBLISHER_JWT_ALG"),
    ("PUBLISHER_JWT_KEY", "MERCURE_PUBLISHER_JWT_KEY"),
    ("PUBLISH_ALLOWED_ORIGINS", "the directive publish_origins in MERCURE_EXTRA_DIRECTIVES"),
    ("SUBSCRIBER_JWT_ALGORITHM", "MERCURE_SUBSCRIBER_JWT_ALG"),
    ("SUBSCRIBER_JWT_KEY", "MERCURE_SUBSCRIBER_JWT_KEY"),
    ("TRANSPORT_URL", "MERCURE_TRANSPORT_URL"),
    ("USE_FORWARDED_HEADERS", "HUB_TRUSTED_PROXIES"),
    ("WRITE_TIMEOUT", "the directive write_timeout in MERCURE_EXTRA_DIRECTIVES"),
];

/// What is wrong, and which of the old variables are set.
pub(super) fn with_hint(why: &str) -> String {
    with_hint_of(why, &|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Names alone: a value may be a secret.
fn with_hint_of(why: &str, is_set: &dyn Fn(&str) -> bool) -> String {
    let set = OLDER.iter().filter(|(old, _)| is_set(old));
    let set: Vec<_> = set.map(|(old, new)| format!("{old} is now {new}")).collect();
    if set.is_empty() {
        return why.to_owned();
    }
    format!("{why}. Variables of older images are not read: {}", set.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_image_variables_are_named_with_the_new_ones() {
        let set = ["JWT_KEY", "ALLOW_ANONYMOUS", "ADDR"];
        let why = with_hint_of("nobody could publish", &|name| set.contains(&name));
        for part in
            ["nobody could publish", "ADDR is now SERVER_NAME", "JWT_KEY is now MERCURE_PUBLISHER_JWT_KEY", "anonymous"]
        {
            assert!(why.contains(part), "{part} is not in {why}");
        }
        assert!(!why.contains("HISTORY_SIZE"));
        assert_eq!(with_hint_of("why", &|_| false), "why");
    }
}
