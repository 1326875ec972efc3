//! Tokens that somebody without the key can make.

use auth::{AuthConfig, Verifier};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256};
use serde_json::json;

use crate::minting::{FIRST, STRANGER, base64url, claims, config, now};
use crate::scripted_source::ScriptedSource;

async fn refused(token: &str) -> &'static str {
    let source = ScriptedSource::with(&[&FIRST]);
    let by_jwks = source
        .verifier(&config())
        .verify(token, now())
        .await
        .expect_err(token)
        .code();
    let with_pem = AuthConfig {
        jwt_key: Some(FIRST.pem()),
        ..config()
    };
    let by_pem = Verifier::new(&with_pem)
        .unwrap()
        .verify(token, now())
        .await
        .expect_err(token)
        .code();
    assert_eq!(by_jwks, by_pem, "the two key sources disagree");
    assert!(source.fetches() <= 1);
    by_jwks
}

#[tokio::test]
async fn the_public_key_is_no_shared_secret() {
    let n = FIRST.jwk()["n"].as_str().unwrap().to_owned();
    for secret in [
        FIRST.pem(),
        FIRST.pem().trim().to_owned(),
        n,
        FIRST.jwk().to_string(),
        String::new(),
    ] {
        for alg in ["HS256", "RS256"] {
            let header = json!({"alg": alg, "kid": FIRST.kid, "typ": "JWT"}).to_string();
            let signed = format!("{}.{}", base64url(header), base64url(claims().to_string()));
            let tag = hmac::sign(
                &hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()),
                signed.as_bytes(),
            );
            let expected = if alg == "HS256" {
                "algorithm_not_allowed"
            } else {
                "signature_invalid"
            };
            assert_eq!(
                refused(&format!("{signed}.{}", base64url(tag))).await,
                expected
            );
        }
    }
}

#[tokio::test]
async fn no_signature_is_no_signature() {
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({"alg": alg, "kid": FIRST.kid}).to_string();
        let signed = format!("{}.{}", base64url(header), base64url(claims().to_string()));
        assert_eq!(
            refused(&format!("{signed}.")).await,
            "algorithm_not_allowed",
            "{alg}"
        );
    }
    let valid = FIRST.token(&claims());
    let (signed, signature) = valid.rsplit_once('.').unwrap();
    for signature in [
        "",
        "AA",
        &"A".repeat(342),
        &signature[..340],
        &format!("{signature}AAAA"),
    ] {
        assert_eq!(
            refused(&format!("{signed}.{signature}")).await,
            "signature_invalid"
        );
    }
    assert_eq!(refused(signed).await, "token_malformed");
}

#[tokio::test]
async fn a_token_does_not_bring_its_own_key() {
    for (name, value) in [
        ("jwk", STRANGER.jwk()),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("AA")),
    ] {
        let mut header = FIRST.header();
        header[name] = value;
        let token = STRANGER.sign(header.to_string(), claims().to_string());
        assert_eq!(refused(&token).await, "signature_invalid", "{name}");
    }
}

#[tokio::test]
async fn a_key_does_what_its_algorithm_says_and_nothing_else() {
    let header = FIRST.header().to_string();
    for padding in [&RSA_PKCS1_SHA384, &RSA_PKCS1_SHA512, &RSA_PSS_SHA256]
        as [&dyn aws_lc_rs::signature::RsaEncoding; 3]
    {
        let token = FIRST.sign_with(padding, &header, claims().to_string());
        assert_eq!(refused(&token).await, "signature_invalid");
    }
}

#[tokio::test]
async fn parts_of_two_tokens_make_none() {
    let (one, two) = (FIRST.token_at(0), FIRST.token_at(1));
    let (one, two): (Vec<_>, Vec<_>) = (one.split('.').collect(), two.split('.').collect());
    assert_eq!(
        refused(&[one[0], one[1], two[2]].join(".")).await,
        "signature_invalid"
    );
    assert_eq!(
        refused(&[one[0], two[1], one[2]].join(".")).await,
        "signature_invalid"
    );
}
