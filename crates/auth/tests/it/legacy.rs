//! The bridge for the former login's tokens, and that it cannot be confused with session tokens in either direction.

use std::time::Duration;

use auth::legacy::{LegacyClaims, LegacyConfig, LegacyFault, LegacyVerifier};
use auth::{Credential, CredentialKind};
use aws_lc_rs::hmac;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::minting::{FIRST, ISSUER, NOW, after, base64url, claims, now};
use crate::scripted_source::ScriptedSource;

const SECRET: &str = "a secret of the former login: 0123456789";
const LEGACY_ISSUER: &str = "former-login";

fn config() -> LegacyConfig {
    LegacyConfig {
        secret: SecretString::from(SECRET),
        issuer: LEGACY_ISSUER.to_owned(),
        leeway: Duration::from_secs(5),
    }
}

fn bridge() -> LegacyVerifier {
    LegacyVerifier::new(&config(), ISSUER).unwrap()
}

fn sign(secret: &[u8], header: &Value, claims: &Value) -> String {
    let signed = format!(
        "{}.{}",
        base64url(header.to_string()),
        base64url(claims.to_string())
    );
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, secret),
        signed.as_bytes(),
    );
    format!("{signed}.{}", base64url(tag.as_ref()))
}

fn hs256() -> Value {
    json!({"alg": "HS256", "typ": "JWT"})
}

fn legacy_claims() -> Value {
    json!({"iss": LEGACY_ISSUER, "sub": "42", "email": "ada@example.com", "iat": NOW, "exp": NOW + 3600})
}

fn with(name: &str, value: Value) -> String {
    let mut claims = legacy_claims();
    claims[name] = value;
    sign(SECRET.as_bytes(), &hs256(), &claims)
}

fn without(name: &str) -> String {
    let mut claims = legacy_claims();
    claims.as_object_mut().unwrap().remove(name).unwrap();
    sign(SECRET.as_bytes(), &hs256(), &claims)
}

fn code(token: &str) -> &'static str {
    bridge()
        .verify(token, now())
        .map_or_else(|refusal| refusal.code(), |_| "accepted")
}

#[test]
fn a_good_token_gives_its_claims() {
    let token = sign(SECRET.as_bytes(), &hs256(), &legacy_claims());
    let expected = LegacyClaims {
        subject: "42".to_owned(),
        email: Some("ada@example.com".to_owned()),
        issued_at: Some(now()),
        expires_at: after(3600),
    };
    assert_eq!(bridge().verify(&token, now()), Ok(expected));
    let number = bridge().verify(&with("sub", json!(42)), now()).unwrap();
    assert_eq!(number.subject, "42");
    for odd in [
        json!(1),
        json!("nobody"),
        json!("a@b\nc"),
        json!("a b@c"),
        json!("a\u{7}@b"),
    ] {
        let claims = bridge().verify(&with("email", odd), now()).unwrap();
        assert_eq!(claims.email, None);
    }
}

#[test]
fn each_rule_has_a_token_that_breaks_only_it() {
    let signed = |header: Value| sign(SECRET.as_bytes(), &header, &legacy_claims());
    let cut = |token: String| token[..token.len() - 3].to_owned();
    for (token, expected) in [
        (without("iat"), "accepted"),
        (signed(json!({"alg": "HS256"})), "accepted"),
        (with("exp", json!(NOW - 4)), "accepted"),
        (with("exp", json!(NOW - 5)), "token_expired"),
        (with("exp", json!("9999999999")), "claims_invalid"),
        (without("exp"), "claims_invalid"),
        (with("nbf", json!(NOW + 6)), "token_not_yet_valid"),
        (with("iat", json!(NOW + 6)), "token_not_yet_valid"),
        (with("iss", json!("former-login ")), "issuer_mismatch"),
        (with("iss", json!([LEGACY_ISSUER])), "claims_invalid"),
        (without("iss"), "issuer_mismatch"),
        (without("sub"), "claims_invalid"),
        (with("sub", json!("")), "claims_invalid"),
        (with("sub", json!("a\nb")), "claims_invalid"),
        (with("sub", json!(-1)), "claims_invalid"),
        (with("sub", json!(1.5)), "claims_invalid"),
        (with("sub", json!(null)), "claims_invalid"),
        (with("sub", json!("x".repeat(256))), "claims_invalid"),
        (
            signed(json!({"alg": "HS256", "crit": ["exp"]})),
            "token_malformed",
        ),
        (
            signed(json!({"alg": "HS256", "typ": "at+jwt"})),
            "token_category_mismatch",
        ),
        (
            signed(json!({"alg": "HS256", "cat": "cl_B7d4PD222AAA"})),
            "token_category_mismatch",
        ),
        (
            signed(json!({"alg": "HS256", "cat": "cl_B7d4PD111AAA"})),
            "token_category_mismatch",
        ),
        (signed(json!({"alg": "hs256"})), "algorithm_not_allowed"),
        (signed(json!({"alg": "HS512"})), "algorithm_not_allowed"),
        (signed(json!({"alg": "none"})), "algorithm_not_allowed"),
        (
            sign(
                b"another secret that is long enough, is it",
                &hs256(),
                &legacy_claims(),
            ),
            "signature_invalid",
        ),
        (sign(b"", &hs256(), &legacy_claims()), "signature_invalid"),
        (cut(signed(hs256())), "signature_invalid"),
        (
            format!("{}.", signed(hs256()).rsplit_once('.').unwrap().0),
            "signature_invalid",
        ),
        ("nonsense".to_owned(), "token_malformed"),
    ] {
        assert_eq!(code(&token), expected, "{token}");
    }
}

#[test]
fn no_changed_character_is_accepted() {
    let token = sign(SECRET.as_bytes(), &hs256(), &legacy_claims());
    for at in 0..token.len() {
        for new in [b'A', b'Q', b'_', b'.', b'='] {
            let mut bytes = token.clone().into_bytes();
            if bytes[at] != new {
                bytes[at] = new;
                assert_ne!(code(std::str::from_utf8(&bytes).unwrap()), "accepted");
            }
        }
    }
}

#[tokio::test]
async fn neither_side_takes_the_others_tokens() {
    let sessions = ScriptedSource::with(&[&FIRST]).verifier(&auth::AuthConfig {
        jwt_key: Some(FIRST.pem()),
        ..crate::minting::config()
    });
    let legacy = sign(SECRET.as_bytes(), &hs256(), &legacy_claims());
    let session = FIRST.token(&claims());
    assert!(bridge().is_addressed(&legacy) && !bridge().is_addressed(&session));
    assert_eq!(code(&session), "algorithm_not_allowed");
    let refusal = sessions.verify(&legacy, now()).await.unwrap_err();
    assert_eq!(refusal.code(), "algorithm_not_allowed");

    // The classic confusion: signed with the public key as if it were a secret, under either issuer.
    for issuer in [ISSUER, LEGACY_ISSUER] {
        for key in [FIRST.pem(), FIRST.jwk().to_string()] {
            let mut claims = claims();
            claims["iss"] = json!(issuer);
            let header = json!({"alg": "HS256", "typ": "JWT", "kid": "ins_first"});
            let token = sign(key.as_bytes(), &header, &claims);
            assert_eq!(code(&token), "signature_invalid");
            let refusal = sessions.verify(&token, now()).await.unwrap_err();
            assert_eq!(refusal.code(), "algorithm_not_allowed");
        }
    }
    // Signed by Clerk, but of the legacy issuer.
    let mut foreign = claims();
    foreign["iss"] = json!(LEGACY_ISSUER);
    let foreign = FIRST.token(&foreign);
    assert!(!bridge().is_addressed(&foreign));
    let refusal = sessions.verify(&foreign, now()).await.unwrap_err();
    assert_eq!(refusal.code(), "issuer_mismatch");
    // The legacy secret gives no session either, whatever the claims.
    let posing = sign(SECRET.as_bytes(), &hs256(), &claims());
    assert!(!bridge().is_addressed(&posing));
    assert_eq!(code(&posing), "issuer_mismatch");
}

#[test]
fn only_header_tokens_that_say_so_are_taken() {
    let legacy = sign(SECRET.as_bytes(), &hs256(), &legacy_claims());
    let judged = |token: &str, kind| {
        let verdict = bridge().authenticate(Credential { token, kind }, now());
        verdict.map(|verdict| verdict.map_err(|refusal| refusal.code()).is_ok())
    };
    assert_eq!(judged(&legacy, CredentialKind::Header), Some(true));
    assert_eq!(judged(&legacy, CredentialKind::Cookie), None);
    assert_eq!(
        judged(&FIRST.token(&claims()), CredentialKind::Header),
        None
    );
    assert_eq!(judged("nonsense", CredentialKind::Header), None);
    let expired = with("exp", json!(NOW - 60));
    assert_eq!(judged(&expired, CredentialKind::Header), Some(false));
}

#[test]
fn unsafe_configurations_are_named_and_not_shown() {
    let wrong = LegacyConfig {
        secret: SecretString::from("short"),
        issuer: String::new(),
        leeway: Duration::from_secs(11),
    };
    use LegacyFault::{EmptyIssuer, Leeway, PemSecret, SessionIssuer, ShortSecret};
    assert_eq!(wrong.faults(ISSUER), [ShortSecret, EmptyIssuer, Leeway]);
    let posing = LegacyConfig {
        secret: SecretString::from(FIRST.pem()),
        issuer: ISSUER.to_owned(),
        ..config()
    };
    let refused = LegacyVerifier::new(&posing, ISSUER).unwrap_err();
    assert_eq!(refused, [PemSecret, SessionIssuer]);
    let shown = format!("{:?} {:?}", config(), bridge());
    let expected = r#"LegacyConfig { issuer: "former-login", leeway: 5s, .. } LegacyVerifier { issuer: "former-login", .. }"#;
    assert_eq!(shown, expected);
    let claims = bridge().verify(&with("sub", json!("42")), now()).unwrap();
    let shown = format!("{claims:?}");
    assert!(
        shown.contains(r#"subject: "42""#) && !shown.contains("ada@"),
        "{shown}"
    );
}

#[test]
fn the_least_secret_and_the_longest_leeway_are_taken() {
    let edge = |secret: &str, leeway| LegacyConfig {
        secret: SecretString::from(secret),
        leeway: Duration::from_secs(leeway),
        ..config()
    };
    assert_eq!(edge(&"s".repeat(32), 10).faults(ISSUER), []);
    let beyond = edge(&"s".repeat(31), 11).faults(ISSUER);
    assert_eq!(beyond, [LegacyFault::ShortSecret, LegacyFault::Leeway]);
}
