//! Directives into the hub's configuration.

use std::time::Duration;

use mercure_hub::{Claims, Grant, HubConfig, Issuer, Key, Keys, RateLimits, Tokens, mint};

use crate::directives::{Directives, Transport, Verifier};
use crate::keys;
use crate::plan::{PlaygroundTokens, Told, WrongSetting};
use crate::settings::Rules;

/// What the reference's playground calls its cookie: a page over plain HTTP cannot set one whose name begins with `__Secure-`.
const PLAYGROUND_COOKIE: &str = "mercure_access_token";
/// The reference's values, where they differ from those of the library.
const HEARTBEAT: Duration = Duration::from_secs(40);
const DISPATCH: Duration = Duration::from_secs(5);

pub(super) fn hub(
    directives: &Directives,
    rules: &Rules,
    told: &mut Told,
) -> Result<(HubConfig, Option<PlaygroundTokens>), WrongSetting> {
    let (publisher_keys, publisher) = verifier(directives.publisher.as_ref(), "MERCURE_PUBLISHER_JWT_KEY", told)?;
    let (subscriber_keys, subscriber) = verifier(directives.subscriber.as_ref(), "MERCURE_SUBSCRIBER_JWT_KEY", told)?;
    let issuers = issuers(directives)?;
    if directives.publisher.is_none() && !issuers.iter().any(|issuer| issuer.publisher.is_some()) {
        let why = "nobody could publish; set a secret that your application shares, or the directive issuer or publisher_jwks_url (--dev makes one up)";
        return Err(WrongSetting::new("MERCURE_PUBLISHER_JWT_KEY", why));
    }
    let has_subscriber = directives.subscriber.is_some() || issuers.iter().any(|issuer| issuer.subscriber.is_some());
    if !has_subscriber && !directives.anonymous {
        let why = "nobody could subscribe; set a secret that your application shares, or the directive anonymous";
        return Err(WrongSetting::new("MERCURE_SUBSCRIBER_JWT_KEY", why));
    }
    if rules.strict && directives.playground {
        let why = "the playground's tokens are of the older generation; leave one of the two out";
        return Err(WrongSetting::new("HUB_STRICT", why));
    }
    let default = HubConfig::default();
    let mut config = HubConfig {
        extensions: !rules.strict,
        refuse_duplicate_ids: rules.refuse_duplicate_ids,
        subscriptions: directives.subscriptions,
        limits: limits(rules),
        max_connections: rules.max_streams,
        max_connections_per_subject: rules.max_streams_per_subject,
        tokens: Tokens {
            legacy: !rules.strict,
            publisher_keys,
            subscriber_keys,
            legacy_query_token: directives.compatibility.is_some(),
            issuers,
            resource_identifier: directives.resource_identifier.clone(),
            public_urls: directives.public_urls.clone(),
        },
        anonymous: directives.anonymous,
        publish_origins: directives.publish_origins.clone(),
        cors_origins: directives.cors_origins.clone(),
        socket_origins: directives.cors_origins.clone(),
        heartbeat: directives.heartbeat.unwrap_or(HEARTBEAT),
        max_lifetime: directives.write_timeout.unwrap_or(default.max_lifetime),
        write_timeout: directives.dispatch_timeout.unwrap_or(DISPATCH),
        max_body_bytes: directives.max_request_body_size.unwrap_or(default.max_body_bytes),
        ..default
    };
    if let Some(name) = &directives.cookie_name {
        config.cookie_names = vec![name.clone()];
    }
    if directives.transport == Some(Transport::Local) {
        config.history_events = 0;
    }
    config.check().map_err(|error| WrongSetting::new("MERCURE_EXTRA_DIRECTIVES", error.to_string()))?;
    let playground = directives.playground.then(|| {
        if directives.cookie_name.is_none() {
            config.cookie_names.push(PLAYGROUND_COOKIE.to_owned());
        }
        told.warnings.push(
            "THE PLAYGROUND IS ON: everybody may read and publish everything. Never in public. (directives playground, demo; --dev)".to_owned(),
        );
        PlaygroundTokens { publish: publisher.as_ref().map(all_access), subscribe: subscriber.as_ref().map(all_access) }
    });
    Ok((config, playground))
}

fn limits(rules: &Rules) -> RateLimits {
    #[expect(clippy::cast_precision_loss, reason = "a rate, not a count")]
    let publish_bytes_per_second = rules.publish_bytes_per_second as f64;
    RateLimits {
        streams_per_address: rules.max_streams_per_address,
        streams_per_token: rules.max_streams_per_token,
        publishes_per_second: rules.publishes_per_second,
        publish_bytes_per_second,
        ..RateLimits::default()
    }
}

/// The keys of one role in the older generation, and the one that may sign.
fn verifier(verifier: Option<&Verifier>, variable: &str, told: &mut Told) -> Result<(Keys, Option<Key>), WrongSetting> {
    let Some(verifier) = verifier else { return Ok(Default::default()) };
    let read = keys::read(verifier).map_err(|why| WrongSetting::new(variable, why))?;
    told.warnings.extend(read.warning.map(|warning| format!("{variable} {warning}")));
    Ok((read.keys, read.key))
}

fn issuers(directives: &Directives) -> Result<Vec<Issuer>, WrongSetting> {
    let keys_of = |id: &str, verifier: Option<&Verifier>| {
        let read = verifier.map(keys::read).transpose();
        read.map(|read| read.map(|read| read.keys)).map_err(|why| WrongSetting::new(format!("issuer {id}"), why))
    };
    let issuer = |issuer: &crate::directives::Issuer| {
        Ok(Issuer {
            publisher: keys_of(&issuer.id, issuer.publisher.as_ref())?,
            subscriber: keys_of(&issuer.id, issuer.subscriber.as_ref())?,
            authorization_server: issuer.is_authorization_server.then(|| issuer.id.clone()),
            ..Issuer::new(&issuer.id)
        })
    };
    directives.issuers.iter().map(issuer).collect()
}

/// A token for everything, of the older generation, which needs no issuer. Only a secret or a private key can sign one: of a public key there is none.
fn all_access(key: &Key) -> String {
    let all = vec!["*".to_owned()];
    let mercure = Grant { subscribe: all.clone(), publish: all };
    mint(key, &Claims { sub: Some("playground".to_owned()), mercure, ..Claims::default() })
}
