//! What the settings become, and which are refused.

use super::*;
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    settings: Settings,
}

pub(super) fn config(flags: &[&str]) -> Result<Config, WrongSetting> {
    let line = Line::try_parse_from([&["palabre"], flags].concat()).unwrap();
    Config::new(&line.settings)
}

#[test]
fn nothing_needs_to_be_set() {
    let config = config(&[]).unwrap();
    assert_eq!(config.public_url, "http://127.0.0.1:8080");
    assert_eq!(config.realtime, Realtime::Hybrid);
    assert!(matches!(config.database, Target::Sqlite(path) if path.ends_with("var/palabre.sqlite")));
}

#[test]
fn a_wrong_setting_is_named() {
    let wrong = |flags: &[&str]| config(flags).unwrap_err().variable;
    assert_eq!(wrong(&["--public-url", "palabre.example"]), "PALABRE_PUBLIC_URL");
    assert_eq!(wrong(&["--public-url", "https://palabre.example;script-src"]), "PALABRE_PUBLIC_URL");
    assert_eq!(wrong(&["--public-url", "https://été.example"]), "PALABRE_PUBLIC_URL");
    assert_eq!(wrong(&["--database-url", "mysql://x"]), "DATABASE_URL");
    assert_eq!(wrong(&["--mercure-public-url", "http://h"]), "MERCURE_PUBLIC_URL");
    assert_eq!(wrong(&["--mercure-url", "http://h/.well-known/mercure"]), "MERCURE_JWT_SECRET");
    assert_eq!(wrong(&["--mercure-jwt-secret", "short"]), "MERCURE_JWT_SECRET");
    assert_eq!(wrong(&["--topic-prefix", "a b"]), "PALABRE_TOPIC_PREFIX");
    assert_eq!(wrong(&["--body-limit", "1"]), "PALABRE_BODY_LIMIT");
    let missing = if cfg!(feature = "s3") { "PALABRE_S3_ACCESS_KEY" } else { "PALABRE_S3_BUCKET" };
    assert_eq!(wrong(&["--s3-bucket", "files"]), missing);
    assert_eq!(wrong(&["--mail-from", "a@b.fr"]), "PALABRE_MAIL_FROM");
    assert_eq!(wrong(&["--smtp-url", "smtp://h"]), "PALABRE_MAIL_FROM");
    assert_eq!(wrong(&["--smtp-url", "smtp://h", "--mail-from", "a@b.fr\r\nBcc: c@d.fr"]), "PALABRE_MAIL_FROM");
    assert_eq!(wrong(&["--smtp-url", "http://h", "--mail-from", "a@b.fr"]), "PALABRE_SMTP_URL");
}
