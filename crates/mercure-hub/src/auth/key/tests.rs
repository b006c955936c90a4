//! Keys of every kind, against the vectors of the standards and against a second implementation.

use serde_json::{Value, json};

use super::*;
use crate::auth::jws::Jws;

const CLAIMS: &str = r#"{"mercure":{"publish":["*"]},"exp":1800000060.5}"#;

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/keys/{name}.pem", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Each algorithm with the files of its private and its public key.
const PAIRS: [(Algorithm, &str, &str); 10] = [
    (Algorithm::Rs256, "rsa", "rsa-public"),
    (Algorithm::Rs384, "rsa-pkcs1", "rsa-certificate"),
    (Algorithm::Rs512, "rsa", "rsa-public-pkcs1"),
    (Algorithm::Ps256, "rsa", "rsa-certificate"),
    (Algorithm::Ps384, "rsa-pkcs1", "rsa-public-pkcs1"),
    (Algorithm::Ps512, "rsa", "rsa-public"),
    (Algorithm::Es256, "p256-sec1", "p256-certificate"),
    (Algorithm::Es384, "p384", "p384-public"),
    (Algorithm::Es512, "p521", "p521-public"),
    (Algorithm::EdDsa, "ed25519", "ed25519-public"),
];

fn verifies(key: &Key, token: &str) -> bool {
    let jws = Jws::split(token).unwrap();
    key.verify(jws.algorithm(), jws.signed(), jws.signature())
}

#[test]
fn every_kind_of_key_signs_what_its_public_half_verifies() {
    let claims: Value = serde_json::from_str(CLAIMS).unwrap();
    for (algorithm, private, public) in PAIRS {
        let private = Key::new(algorithm, file(private)).unwrap();
        let public = Key::new(algorithm, file(public)).unwrap();
        let token = private.sign("JWT", &claims).unwrap();
        assert!(verifies(&public, &token) && verifies(&private, &token), "{algorithm}");
        assert_eq!(private.id(), public.id(), "one key, however it is written: {algorithm}");
        assert_eq!(public.sign("JWT", &claims), None, "a public key signs nothing");
        let mut other = token.into_bytes();
        let middle = other.len() / 2;
        other[middle] = if other[middle] == b'A' { b'B' } else { b'A' };
        assert!(!verifies(&public, std::str::from_utf8(&other).unwrap()), "{algorithm}");
        for (wrong, ..) in PAIRS {
            assert!(wrong == algorithm || !public.takes(wrong), "{algorithm} is not {wrong}");
        }
    }
}

#[test]
fn another_implementation_agrees() {
    use jsonwebtoken::{Algorithm as Theirs, DecodingKey, EncodingKey, Header, Validation, decode, encode};
    let claims: Value = serde_json::from_str(CLAIMS).unwrap();
    let secret = "a secret of thirty-two bytes or more";
    for (algorithm, private, _) in PAIRS {
        // It has no ES512.
        let Ok(theirs) = algorithm.name().parse::<Theirs>() else { continue };
        let name = private.split('-').next().unwrap();
        let (private_pem, public) = (file(name), file(&format!("{name}-public")));
        let (encoding, decoding) = match theirs.family() {
            jsonwebtoken::AlgorithmFamily::Rsa => {
                (EncodingKey::from_rsa_pem(private_pem.as_bytes()), DecodingKey::from_rsa_pem(public.as_bytes()))
            }
            jsonwebtoken::AlgorithmFamily::Ec => {
                (EncodingKey::from_ec_pem(private_pem.as_bytes()), DecodingKey::from_ec_pem(public.as_bytes()))
            }
            jsonwebtoken::AlgorithmFamily::Ed => {
                (EncodingKey::from_ed_pem(private_pem.as_bytes()), DecodingKey::from_ed_pem(public.as_bytes()))
            }
            jsonwebtoken::AlgorithmFamily::Hmac => unreachable!(),
        };
        let ours = Key::new(algorithm, &private_pem).unwrap();
        let token = encode(&Header::new(theirs), &claims, &encoding.unwrap()).unwrap();
        assert!(verifies(&ours, &token), "{algorithm}");
        let token = ours.sign("JWT", &claims).unwrap();
        let mut validation = Validation::new(theirs);
        validation.validate_exp = false;
        assert_eq!(decode::<Value>(&token, &decoding.unwrap(), &validation).unwrap().claims, claims, "{algorithm}");
    }
    for (theirs, ours) in
        [(Theirs::HS256, Key::hs256(secret)), (Theirs::HS384, Key::hs384(secret)), (Theirs::HS512, Key::hs512(secret))]
    {
        let token = encode(&Header::new(theirs), &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap();
        assert!(verifies(&ours, &token), "{theirs:?}");
    }
}

#[test]
fn the_vectors_of_the_standards_hold() {
    // RFC 7515 appendix A.1 to A.4, RFC 8037 appendix A.4, with the keys that stand there.
    let hmac = json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"});
    let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let rsa = json!({
        "kty": "RSA",
        "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs\
              D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV\
              MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        "e": "AQAB",
    });
    let p256 = json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    for (jwk, token) in [
        (&hmac, format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{payload}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")),
        (
            &rsa,
            format!(
                "eyJhbGciOiJSUzI1NiJ9.{payload}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_\
                 O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_\
                 eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmt\
                 VrBp0igcN_IoypGlUPQGe77Rw"
            ),
        ),
        (
            &p256,
            format!(
                "eyJhbGciOiJFUzI1NiJ9.{payload}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
            ),
        ),
        (
            &ed,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhV\
             sPt9g7sVvpAr_MuM0KAg"
                .to_owned(),
        ),
    ] {
        let allowed = [&Algorithm::ASYMMETRIC[..], &[Algorithm::Hs256]].concat();
        let key = Key::from_jwk(jwk.to_string(), &allowed).unwrap();
        assert!(verifies(&key, &token), "{jwk}");
        assert!(!verifies(&key, &format!("{}AA", &token[..token.len() - 2])), "{jwk}");
    }
    // RFC 7515 appendix A.4: P-521.
    let p521 = json!({
        "kty": "EC",
        "crv": "P-521",
        "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
        "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
    });
    let key = Key::from_jwk(p521.to_string(), &[Algorithm::Es512]).unwrap();
    let signature = "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRw\
                     cdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";
    assert!(key.verify(
        Algorithm::Es512,
        b"eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA",
        &URL_SAFE_NO_PAD.decode(signature).unwrap()
    ));
}

#[test]
fn a_pem_is_no_secret() {
    for public in ["rsa-public", "rsa-certificate", "p256-public"] {
        let pem = file(public);
        assert_eq!(Key::new(Algorithm::Hs256, &pem).err(), Some(InvalidKey::PemAsSecret));
        assert_eq!(Key::from_pem(Algorithm::Hs512, &pem).err(), Some(InvalidKey::PemAsSecret));
        // What an attacker would send who knows the public key.
        assert!(!Key::hs256(&pem).takes(Algorithm::Hs256));
    }
    assert_eq!(Key::new(Algorithm::Hs256, "").err(), Some(InvalidKey::Empty));
    assert!(!Key::hs256("").takes(Algorithm::Hs256));
    assert!(InvalidKey::PemAsSecret.to_string().contains("HMAC"));
}

#[test]
fn a_key_of_another_kind_is_refused_when_it_is_made() {
    for (algorithm, name, error) in [
        (Algorithm::Rs256, "p256-public", InvalidKey::Mismatch(Algorithm::Rs256)),
        (Algorithm::Es256, "rsa-public", InvalidKey::Mismatch(Algorithm::Es256)),
        (Algorithm::Es256, "p384-public", InvalidKey::Mismatch(Algorithm::Es256)),
        (Algorithm::Es512, "p256", InvalidKey::Mismatch(Algorithm::Es512)),
        (Algorithm::EdDsa, "p256", InvalidKey::Mismatch(Algorithm::EdDsa)),
        (Algorithm::EdDsa, "rsa-certificate", InvalidKey::Mismatch(Algorithm::EdDsa)),
        (Algorithm::Ps256, "ed25519", InvalidKey::Mismatch(Algorithm::Ps256)),
        (Algorithm::Rs256, "rsa-1024-public", InvalidKey::RsaSize),
    ] {
        assert_eq!(Key::new(algorithm, file(name)).err(), Some(error), "{algorithm} {name}");
    }
    assert!(Key::new(Algorithm::Rs256, file("rsa-1024")).is_err());
    for text in [
        "",
        "a secret",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "-----BEGIN X-----\nAAAA\n-----END X-----\n",
    ] {
        assert!(Key::new(Algorithm::Es256, text).is_err(), "{text}");
    }
}

#[test]
fn a_jwk_is_taken_for_what_it_is() {
    let ed = |more: Value| {
        let mut jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Key::from_jwk(jwk.to_string(), &Algorithm::ASYMMETRIC)
    };
    assert_eq!(ed(json!({"kid": "7"})).unwrap().name(), Some("7"));
    for good in [
        json!({"alg": "EdDSA"}),
        json!({"alg": "Ed25519"}),
        json!({"use": "sig", "key_ops": ["verify"], "d": "private"}),
    ] {
        assert!(ed(good.clone()).is_ok(), "{good}");
    }
    for bad in [
        json!({"alg": "ES256"}),
        json!({"alg": "none"}),
        json!({"use": "enc"}),
        json!({"key_ops": ["encrypt"]}),
        json!({"crv": "X25519"}),
        json!({"kty": "EC"}),
        json!({"x": "AAAA"}),
        json!({"x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR="}),
        json!({"x": null}),
    ] {
        assert!(ed(bad.clone()).is_err(), "{bad}");
    }
    let oct = json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}).to_string();
    assert_eq!(Key::from_jwk(&oct, &Algorithm::ASYMMETRIC).err(), Some(InvalidKey::Jwk), "secrets only when asked for");
    assert!(Key::from_jwk(&oct, &[Algorithm::Hs256]).unwrap().takes(Algorithm::Hs256));
    let empty = json!({"kty": "oct", "k": ""}).to_string();
    assert_eq!(Key::from_jwk(empty, &[Algorithm::Hs256]).err(), Some(InvalidKey::Empty));
}

#[test]
fn a_key_does_not_print_its_secret() {
    let key = Key::hs256("!ChangeThis!");
    assert!(!format!("{key:?}").contains("Change"));
    let shown = format!("{:?}", Key::new(Algorithm::Es256, file("p256")).unwrap());
    assert!(shown.len() < 100, "{shown}");
    assert_eq!(key.id().to_string().parse(), Ok(key.id()));
    assert_ne!(key.id(), Key::hs256("another").id());
    assert_ne!(key.id(), KeyId::default());
}
