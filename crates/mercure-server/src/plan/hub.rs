//! Directives into the hub's configuration.

use std::time::Duration;

use mercure_hub::{Claims, Grant, HubConfig, Key, mint};

use crate::directives::{Directives, Transport, Verifier};
use crate::keys;
use crate::plan::{PlaygroundTokens, Told, WrongSetting};

/// The cookies of both generations. A page over plain HTTP cannot set the first one.
const COOKIES: [&str; 2] = ["__Secure-mercure_access_token", "mercureAuthorization"];
/// What the reference's playground calls its cookie.
const PLAYGROUND_COOKIE: &str = "mercure_access_token";
/// The reference's values, where they differ from those of the library.
const HEARTBEAT: Duration = Duration::from_secs(40);
const DISPATCH: Duration = Duration::from_secs(5);

pub(super) fn hub(
    directives: &Directives,
    told: &mut Told,
) -> Result<(HubConfig, Option<PlaygroundTokens>), WrongSetting> {
    let publisher = verifier(directives.publisher.as_ref(), "MERCURE_PUBLISHER_JWT_KEY", told)?;
    let subscriber = verifier(directives.subscriber.as_ref(), "MERCURE_SUBSCRIBER_JWT_KEY", told)?;
    if publisher.is_none() && !directives.issuers.iter().any(|issuer| issuer.publisher.is_some()) {
        let why = "nobody could publish; set a secret that your application shares, or the directive issuer or publisher_jwks_url (--dev makes one up)";
        return Err(WrongSetting::new("MERCURE_PUBLISHER_JWT_KEY", why));
    }
    let has_subscriber = subscriber.is_some() || directives.issuers.iter().any(|issuer| issuer.subscriber.is_some());
    if !has_subscriber && !directives.anonymous {
        let why = "nobody could subscribe; set a secret that your application shares, or the directive anonymous";
        return Err(WrongSetting::new("MERCURE_SUBSCRIBER_JWT_KEY", why));
    }
    let mut cookies: Vec<String> = match &directives.cookie_name {
        Some(name) => vec![name.clone()],
        None => COOKIES.map(str::to_owned).to_vec(),
    };
    let playground = directives.playground.then(|| {
        if directives.cookie_name.is_none() {
            cookies.push(PLAYGROUND_COOKIE.to_owned());
        }
        told.warnings.push(
            "THE PLAYGROUND IS ON: everybody may read and publish everything. Never in public. (directives playground, demo; --dev)".to_owned(),
        );
        PlaygroundTokens { publish: publisher.as_ref().map(all_access), subscribe: subscriber.as_ref().map(all_access) }
    });
    let mut config = HubConfig {
        publisher_key: publisher,
        subscriber_key: subscriber,
        anonymous: directives.anonymous,
        cookie_names: cookies,
        publish_origins: directives.publish_origins.clone(),
        cors_origins: directives.cors_origins.clone(),
        socket_origins: directives.cors_origins.clone(),
        heartbeat: directives.heartbeat.unwrap_or(HEARTBEAT),
        write_timeout: directives.dispatch_timeout.unwrap_or(DISPATCH),
        ..HubConfig::default()
    };
    config.max_lifetime = directives.write_timeout.unwrap_or(config.max_lifetime);
    config.max_body_bytes = directives.max_request_body_size.unwrap_or(config.max_body_bytes);
    if directives.transport == Some(Transport::Local) {
        config.history_events = 0;
    }
    Ok((config, playground))
}

fn verifier(verifier: Option<&Verifier>, variable: &str, told: &mut Told) -> Result<Option<Key>, WrongSetting> {
    let Some(Verifier::Key(text)) = verifier else { return Ok(None) };
    let read = keys::key(text).map_err(|why| WrongSetting::new(variable, why))?;
    told.warnings.extend(read.warning.map(|warning| format!("{variable} {warning}")));
    Ok(Some(read.key))
}

fn all_access(key: &Key) -> String {
    let all = vec!["*".to_owned()];
    let mercure = Grant { subscribe: all.clone(), publish: all };
    mint(key, &Claims { sub: Some("playground".to_owned()), mercure, ..Claims::default() })
}
