//! Directives into the hub's configuration.

use std::time::Duration;

use mercure_hub::{HubConfig, Issuer, Keys, RateLimits, Tokens};

use crate::directives::{Directives, Transport, Verifier};
use crate::keys;
use crate::plan::{Told, WrongSetting, older};
use crate::playground::Playground;
use crate::settings::Rules;

/// What the reference's playground calls its cookie: a page over plain HTTP cannot set one whose name begins with `__Secure-`.
const PLAYGROUND_COOKIE: &str = "mercure_access_token";
/// The reference's values, where they differ from those of the library.
const HEARTBEAT: Duration = Duration::from_secs(40);
const DISPATCH: Duration = Duration::from_secs(5);
/// What the older generation of the reference takes: its web server reads this much of a form (Go's `ParseForm`), and the hub sets no limit.
const LEGACY_BODY: usize = 10 << 20;
/// Topics in one of its subscriptions, likewise (the reference since 0.24.2).
const LEGACY_TOPICS: usize = 1_000;

pub(super) fn hub(
    directives: &Directives,
    rules: &Rules,
    told: &mut Told,
) -> Result<(HubConfig, Option<Playground>), WrongSetting> {
    let mut publisher_keys = verifier(directives.publisher.as_ref(), "MERCURE_PUBLISHER_JWT_KEY", told)?;
    let mut subscriber_keys = verifier(directives.subscriber.as_ref(), "MERCURE_SUBSCRIBER_JWT_KEY", told)?;
    let issuers = issuers(directives)?;
    somebody(directives, &issuers, told)?;
    if rules.strict && directives.playground {
        let why = "the playground's tokens are of the older generation; leave one of the two out";
        return Err(WrongSetting::new("HUB_STRICT", why));
    }
    let default = HubConfig::default();
    let playground = directives.playground.then(|| Playground::new(default.clock.clone()));
    if let Some(playground) = &playground {
        publisher_keys = publisher_keys.and(playground.key());
        subscriber_keys = subscriber_keys.and(playground.key());
    }
    let mut config = HubConfig {
        extensions: !rules.strict,
        refuse_duplicate_ids: rules.refuse_duplicate_ids,
        subscriptions: directives.subscriptions,
        limits: limits(rules),
        max_connections: rules.max_streams,
        max_connections_per_subject: rules.max_streams_per_subject,
        tokens: Tokens {
            legacy: !rules.strict,
            legacy_claim_optional: !rules.strict,
            legacy_public_topics: directives.compatibility == Some(7),
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
        max_legacy_body_bytes: Some(directives.max_request_body_size.unwrap_or(LEGACY_BODY)),
        max_field_bytes: directives.max_field_size.unwrap_or(default.max_field_bytes),
        max_legacy_matchers: Some(directives.max_topics.unwrap_or(LEGACY_TOPICS)),
        max_matchers: directives.max_matchers.unwrap_or(default.max_matchers),
        initial_id: directives.initial_event_id,
        ..default
    };
    if let Some(name) = &directives.cookie_name {
        config.cookie_names = vec![name.clone()];
    }
    if directives.transport == Some(Transport::Local) {
        config.history_events = 0;
    }
    config.check().map_err(|error| WrongSetting::new("MERCURE_EXTRA_DIRECTIVES", error.to_string()))?;
    if (directives.demo || directives.playground) && directives.cookie_name.is_none() {
        config.cookie_names.push(PLAYGROUND_COOKIE.to_owned());
    }
    if directives.playground {
        told.warnings.push(
            "THE PLAYGROUND IS ON: everybody may read what is public, from every page, and browsers on this machine get a token for everything. Never in public. (directive playground; --dev)".to_owned(),
        );
    }
    Ok((config, playground))
}

/// A hub that nobody could publish to or subscribe to does not start, except where it is clear that it is meant: `anonymous` says who reads, and what
/// is published comes from within, or not at all.
fn somebody(directives: &Directives, issuers: &[Issuer], told: &mut Told) -> Result<(), WrongSetting> {
    if directives.playground {
        return Ok(());
    }
    let has_publisher = !is_read_only(directives);
    let has_subscriber = directives.subscriber.is_some() || issuers.iter().any(|issuer| issuer.subscriber.is_some());
    if !has_publisher && !directives.anonymous {
        let why = "nobody could publish; set a secret that your application shares, or the directive issuer or publisher_jwks_url (--dev makes one up)";
        return Err(WrongSetting::new("MERCURE_PUBLISHER_JWT_KEY", older::with_hint(why)));
    }
    if !has_publisher {
        let warning = "MERCURE_PUBLISHER_JWT_KEY is not set: nobody can publish, POST is answered 405";
        told.warnings.push(older::with_hint(warning));
    }
    if !has_subscriber && !directives.anonymous {
        let why = "nobody could subscribe; set a secret that your application shares, or the directive anonymous";
        return Err(WrongSetting::new("MERCURE_SUBSCRIBER_JWT_KEY", older::with_hint(why)));
    }
    Ok(())
}

/// Whether there is no key that a publisher's token could be signed with.
pub(super) fn is_read_only(directives: &Directives) -> bool {
    let of_issuers = directives.issuers.iter().any(|issuer| issuer.publisher.is_some());
    directives.publisher.is_none() && !of_issuers && !directives.playground
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

/// The keys of one role in the older generation.
fn verifier(verifier: Option<&Verifier>, variable: &str, told: &mut Told) -> Result<Keys, WrongSetting> {
    let Some(verifier) = verifier else { return Ok(Default::default()) };
    let read = keys::read(verifier).map_err(|why| WrongSetting::new(variable, why))?;
    told.warnings.extend(read.warning.map(|warning| format!("{variable} {warning}")));
    Ok(read.keys)
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
