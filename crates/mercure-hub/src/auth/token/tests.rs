//! Both generations, judged with a clock that stands still.

use futures_util::FutureExt;
use serde_json::json;

use super::*;
use crate::{
    HubConfig,
    auth::{
        key::Key,
        keys::Keys,
        mint::{Claims as MintedClaims, Grant, mint},
        trust::{Issuer, Tokens},
    },
    topic::Topic,
};

const SECRET: &str = "!ChangeThisMercureHubJWTSecretKey!";
const NOW: f64 = 1_800_000_000.5;
const HUB: &str = "https://hub.test/.well-known/mercure";
const ISSUER: &str = "https://issuer.test";

fn tokens() -> Tokens {
    let keys = || Some(Keys::from(Key::hs256("the issuer's own secret, long enough")));
    let issuer = Issuer { publisher: keys(), subscriber: keys(), ..Issuer::new(ISSUER) };
    let reader =
        Issuer { subscriber: Some(Key::hs256("the reader's own secret, long enough").into()), ..Issuer::new("reader") };
    Tokens { issuers: vec![issuer, reader], ..Tokens::default() }
}

fn config() -> HubConfig {
    let key = Some(Key::hs256(SECRET));
    HubConfig { publisher_key: key.clone(), subscriber_key: key, tokens: tokens(), ..HubConfig::default() }
}

fn judge(token: &str, config: &HubConfig, role: Role, now: f64) -> Result<Verified, FailedCheck> {
    let (trust, patterns) = (Trust::new(config), Patterns::new(None));
    let case = Case {
        trust: &trust,
        patterns: &patterns,
        role,
        resource: &|| Some(HUB.to_owned()),
        strict_allowed: true,
        now,
    };
    verify(token, &case, &mut Said::default()).now_or_never().unwrap()
}

fn signed(header: &Value, claims: &Value, key: &Key) -> String {
    key.sign_parts(header.to_string().as_bytes(), claims.to_string().as_bytes()).unwrap()
}

/// A legacy token with these claims.
fn legacy(claims: &Value) -> Result<Verified, FailedCheck> {
    judge(
        &signed(&json!({"alg": "HS256", "typ": "JWT"}), claims, &Key::hs256(SECRET)),
        &config(),
        Role::Subscriber,
        NOW,
    )
}

/// A strict token that is good, with these claims changed; `null` takes one away.
fn strict(changes: &Value) -> Result<Verified, FailedCheck> {
    strict_with(&json!({"alg": "HS256", "typ": "at+jwt"}), changes, &Key::hs256("the issuer's own secret, long enough"))
}

fn strict_with(header: &Value, changes: &Value, key: &Key) -> Result<Verified, FailedCheck> {
    judge(&signed(header, &strict_claims(changes), key), &config(), Role::Subscriber, NOW)
}

fn strict_claims(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER,
        "aud": HUB,
        "exp": NOW + 60.0,
        "authorization_details": [{"type": details::TYPE, "actions": ["subscribe"], "topics": [{"match": "a"}]}],
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

#[test]
fn a_minted_token_is_read_back() {
    for key in [Key::hs256(SECRET), Key::hs384(SECRET), Key::hs512(SECRET)] {
        let grant = Grant { subscribe: vec!["user/3".into()], publish: vec!["*".into()] };
        let claims =
            MintedClaims { sub: Some("3".into()), iat: Some(NOW - 0.25), exp: Some(NOW + 0.25), mercure: grant };
        let token = mint(&key, &claims);
        let config = HubConfig { subscriber_key: Some(key.clone()), ..HubConfig::default() };
        let read = judge(&token, &config, Role::Subscriber, NOW).unwrap();
        assert_eq!(
            (read.subject.as_deref(), read.issued_at, read.expires_at),
            (Some("3"), Some(NOW - 0.25), Some(NOW + 0.25))
        );
        assert_eq!((read.generation, read.key), (Generation::Legacy, key.id()));
        assert!(read.publish.cover(&Topic::new("x").unwrap()) && !read.subscribe.cover(&Topic::new("x").unwrap()));
        assert_eq!(judge(&token, &config, Role::Subscriber, NOW + 0.25).err(), Some("expired"));
        assert_eq!(judge(&token, &config, Role::Publisher, NOW).err(), Some("no key"));
    }
}

#[test]
fn the_algorithm_is_the_keys_own() {
    let key = Key::hs256(SECRET);
    let claims = json!({"mercure": {}});
    let with = |header: Value, key: &Key| judge(&signed(&header, &claims, key), &config(), Role::Subscriber, NOW).err();
    assert_eq!(with(json!({"alg": "HS256"}), &key), None);
    assert_eq!(with(json!({"alg": "HS256"}), &Key::hs256("another secret")), Some("signature"));
    assert_eq!(with(json!({"alg": "HS512"}), &Key::hs512(SECRET)), Some("alg"));
    assert_eq!(with(json!({"alg": "RS256"}), &key), Some("alg"));
    assert_eq!(with(json!({"alg": "none"}), &key), Some("alg"));
    // Keys that a token brings along are not looked at, and neither is a broken address of one.
    let jwk = json!({"kty": "oct", "k": "YW5vdGhlciBzZWNyZXQ"});
    let brought = json!({"alg": "HS256", "jwk": jwk, "jku": "https://evil.test", "x5u": 1, "kid": "x"});
    assert_eq!(with(brought.clone(), &key), None);
    assert_eq!(with(brought, &Key::hs256("another secret")), Some("signature"));
}

#[test]
fn times_are_enforced_to_the_fraction() {
    for (times, failed) in [
        (json!({"exp": NOW + 0.1}), None),
        (json!({"exp": NOW}), Some("expired")),
        (json!({"exp": 1}), Some("expired")),
        (json!({"exp": "tomorrow"}), Some("exp")),
        (json!({"nbf": NOW + 0.1}), Some("not yet valid")),
        (json!({"nbf": NOW - 0.1}), None),
        (json!({"nbf": [1]}), Some("nbf")),
        (json!({"iat": true}), Some("iat")),
        (json!({"sub": 3}), Some("sub")),
        (json!({"jti": 3}), Some("jti")),
    ] {
        let mut token = times.clone();
        token["mercure"] = json!({});
        assert_eq!(legacy(&token).err(), failed, "{times}");
        assert_eq!(strict(&times).err(), failed, "{times}");
    }
    assert_eq!(legacy(&json!({"mercure": {}, "exp": null})).err(), None);
}

#[test]
fn only_whole_grants_count() {
    for (token, failed) in [
        (json!({"mercure": {"publish": ["*"], "subscribe": []}}), None),
        (json!({"https://mercure.rocks/": {"publish": ["*"]}}), None),
        (json!({"mercure": {"publish": null, "payload": {"x": 1}}}), None),
        (json!({"mercure": {}, "iss": 7, "aud": 7}), None),
        (json!({}), Some("mercure claim")),
        (json!({"mercure": ["*"]}), Some("mercure claim")),
        (json!({"mercure": {"publish": "*"}}), Some("mercure.publish")),
        (json!({"mercure": {"subscribe": [1]}}), Some("mercure.subscribe")),
        (json!({"mercure": {"subscribe": ["a\n"]}}), Some("mercure.subscribe")),
        (json!({"mercure": {"subscribe": vec!["x"; 1_001]}}), Some("mercure.subscribe")),
        (json!({"mercure": {"subscribe": ["x".repeat(4_097)]}}), Some("mercure.subscribe")),
    ] {
        assert_eq!(legacy(&token).err(), failed, "{token}");
    }
}

#[test]
fn a_strict_token_is_judged_strictly() {
    let good = strict(&json!({"sub": "3", "jti": "7", "iat": NOW - 1.0})).unwrap();
    assert_eq!(good.generation, Generation::Strict);
    assert_eq!(
        (good.issuer.as_deref(), good.subject.as_deref(), good.token_id.as_deref()),
        (Some(ISSUER), Some("3"), Some("7"))
    );
    assert!(good.subscribe.cover(&Topic::new("a").unwrap()) && !good.subscribe.cover(&Topic::new("b").unwrap()));
    for (changes, failed) in [
        (json!({}), None),
        (json!({"aud": ["https://other.test", HUB]}), None),
        (json!({"authorization_details": null}), None),
        (json!({"mercure": {"publish": ["*"]}}), None),
        (json!({"exp": null}), Some("exp")),
        (json!({"iss": null}), Some("iss")),
        (json!({"iss": 7}), Some("iss")),
        (json!({"iss": "https://issuer.test/"}), Some("iss")),
        (json!({"iss": "https://ISSUER.test"}), Some("iss")),
        (json!({"aud": null}), Some("aud")),
        (json!({"aud": "https://hub.test/.well-known/mercure/"}), Some("aud")),
        (json!({"aud": ["https://other.test"]}), Some("aud")),
        (json!({"aud": [HUB, 1]}), Some("aud")),
        (json!({"aud": {"is": HUB}}), Some("aud")),
        (json!({"authorization_details": "*"}), Some("authorization_details")),
    ] {
        assert_eq!(strict(&changes).err(), failed, "{changes}");
    }
    for (typ, failed) in [
        ("at+jwt", None),
        ("AT+JWT", None),
        ("application/at+jwt", None),
        ("Application/AT+jwt", None),
        ("JWT", Some("typ")),
        ("xat+jwt", Some("typ")),
        ("text/at+jwt", Some("typ")),
    ] {
        let header = json!({"alg": "HS256", "typ": typ});
        let key = Key::hs256("the issuer's own secret, long enough");
        assert_eq!(strict_with(&header, &json!({}), &key).err(), failed, "{typ}");
    }
}

#[test]
fn the_older_rules_weaken_nothing() {
    let access = json!({"alg": "HS256", "typ": "at+jwt"});
    // The key of the older generation signs no token of the newer one, whatever else stands in it.
    let both = json!({"mercure": {"publish": ["*"], "subscribe": ["*"]}});
    assert_eq!(strict_with(&access, &both, &Key::hs256(SECRET)).err(), Some("signature"));
    let old = json!({"alg": "HS256", "typ": "JWT"});
    assert_eq!(strict_with(&old, &both, &Key::hs256(SECRET)).err(), Some("typ"));
    assert_eq!(strict_with(&old, &json!({"authorization_details": []}), &Key::hs256(SECRET)).err(), Some("typ"));
    assert_eq!(legacy(&json!({"mercure": {}, "authorization_details": null})).err(), Some("typ"));
    // Nor does the key of an issuer sign one of the older generation.
    let issuer = Key::hs256("the issuer's own secret, long enough");
    let token = signed(&old, &json!({"mercure": {"publish": ["*"]}, "iss": ISSUER}), &issuer);
    assert_eq!(judge(&token, &config(), Role::Publisher, NOW).err(), Some("signature"));
    // A strict token may carry an old claim, which then grants nothing.
    let granted = strict(&both).unwrap();
    assert!(!granted.subscribe.cover(&Topic::new("b").unwrap()) && !granted.publish.cover(&Topic::new("b").unwrap()));
    let off = HubConfig { tokens: Tokens { legacy: false, ..tokens() }, ..config() };
    let token = signed(&old, &json!({"mercure": {}}), &Key::hs256(SECRET));
    assert_eq!(judge(&token, &off, Role::Subscriber, NOW).err(), Some("typ"));
}

#[test]
fn issuers_keep_their_keys_apart() {
    let header = json!({"alg": "HS256", "typ": "at+jwt"});
    let reader = Key::hs256("the reader's own secret, long enough");
    let as_reader = json!({"iss": "reader"});
    assert!(strict_with(&header, &as_reader, &reader).is_ok());
    assert_eq!(strict_with(&header, &json!({}), &reader).err(), Some("signature"));
    assert_eq!(
        strict_with(&header, &as_reader, &Key::hs256("the issuer's own secret, long enough")).err(),
        Some("signature")
    );
    let token = signed(&header, &strict_claims(&as_reader), &reader);
    assert_eq!(judge(&token, &config(), Role::Publisher, NOW).err(), Some("iss has no key for this"));
}

#[test]
fn a_name_of_a_key_is_a_hint() {
    let jwk = |name: Option<&str>, secret: &str| {
        let mut jwk = json!({"kty": "oct", "k": secret});
        if let Some(name) = name {
            jwk["kid"] = name.into();
        }
        Key::from_jwk(jwk.to_string(), &[crate::Algorithm::Hs256]).unwrap()
    };
    let (one, two, unnamed) = (jwk(Some("1"), "b25l"), jwk(Some("2"), "dHdv"), jwk(None, "dW5uYW1lZA"));
    let keys: Keys = [one.clone(), two.clone(), unnamed.clone()].into_iter().collect();
    let with = |name: Option<&str>, key: &Key| {
        let header = name.map_or(json!({"alg": "HS256"}), |name| json!({"alg": "HS256", "kid": name}));
        let token = signed(&header, &json!({}), key);
        keys.verify(&Jws::split(&token).unwrap()).now_or_never().unwrap()
    };
    for (name, key, good) in [
        (Some("1"), &one, true),
        (Some("2"), &two, true),
        (None, &two, true),
        (Some("3"), &two, true),
        (Some("1"), &unnamed, true),
        (Some("1"), &two, false),
        (Some("3"), &jwk(Some("3"), "dGhyZWU"), false),
    ] {
        let found = with(name, key);
        assert_eq!(found.is_ok(), good, "{name:?}");
        assert!(found.is_err() || found == Ok(key.id()));
    }
}

#[test]
fn each_generation_describes_subscriptions_in_its_own_way() {
    let matcher = |text: &str| Matcher::new(MatchType::Exact, text, &Patterns::new(None)).unwrap();
    let old = legacy(&json!({"mercure": {"subscribe": ["a"], "payload": {"is": 1}}})).unwrap();
    assert_eq!(old.payloads.of(&matcher("anything")), Some(&json!({"is": 1})));
    let detail = |topic: &str, payload: i32| json!({"type": details::TYPE, "actions": ["subscribe"], "topics": [{"match": topic}], "payload": {"is": payload}});
    let new = strict(&json!({"authorization_details": [detail("a", 2), detail("*", 3)]})).unwrap();
    assert_eq!(new.payloads.of(&matcher("a")), Some(&json!({"is": 2})));
    assert_eq!(new.payloads.of(&matcher("b")), Some(&json!({"is": 3})));
    assert_eq!(Verified::default().payloads.of(&matcher("a")), None);
    assert_eq!(Verified::default().generation, Generation::Strict);
}

/// A measurement, not a test: `cargo test --release -p mercure-hub --lib the_cost_of_a_token -- --ignored --nocapture`.
#[test]
#[ignore = "prints what it measures"]
fn the_cost_of_a_token() {
    let file = |name: &str| std::fs::read(format!("{}/tests/keys/{name}.pem", env!("CARGO_MANIFEST_DIR"))).unwrap();
    // The best of many, which is what others on the machine disturbed least.
    let per_round = |rounds: u32, run: &mut dyn FnMut()| {
        let batches = (0..50).map(|_| {
            let start = std::time::Instant::now();
            (0..rounds).for_each(|_| run());
            start.elapsed().as_secs_f64() * 1e6 / f64::from(rounds)
        });
        batches.fold(f64::INFINITY, f64::min)
    };
    let claims = strict_claims(&json!({"sub": "3", "iat": NOW}));
    for (rounds, key) in [
        (1_000, Key::hs256(SECRET)),
        (100, Key::new(crate::Algorithm::Es256, file("p256")).unwrap()),
        (100, Key::new(crate::Algorithm::Rs256, file("rsa")).unwrap()),
        (100, Key::new(crate::Algorithm::EdDsa, file("ed25519")).unwrap()),
    ] {
        let token = key.sign("at+jwt", &claims).unwrap();
        let issuer = Issuer { subscriber: Some(key.clone().into()), ..Issuer::new(ISSUER) };
        let config =
            HubConfig { tokens: Tokens { issuers: vec![issuer], ..Tokens::default() }, ..HubConfig::default() };
        let (trust, patterns) = (Trust::new(&config), Patterns::new(None));
        let role = Role::Subscriber;
        let case = Case {
            trust: &trust,
            patterns: &patterns,
            role,
            resource: &|| Some(HUB.to_owned()),
            strict_allowed: true,
            now: NOW,
        };
        let whole = per_round(rounds, &mut || {
            let judged = verify(&token, &case, &mut Said::default()).now_or_never();
            assert!(judged.unwrap().is_ok());
        });
        let jws = Jws::split(&token).unwrap();
        let signature = per_round(rounds, &mut || assert!(key.verify(jws.algorithm(), jws.signed(), jws.signature())));
        println!("{}: {whole:.2} µs, of which the signature {signature:.2} µs", jws.algorithm());
    }
}
