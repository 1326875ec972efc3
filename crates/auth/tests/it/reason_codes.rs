//! One token for each reason code, right in everything but one rule.

use auth::{AuthConfig, TokenError};
use serde_json::{Value, json};

use crate::minting::{
    FIRST, NOW, SECOND, STRANGER, claims, claims_with, claims_without, config, now,
};
use crate::scripted_source::ScriptedSource;

async fn refusal(token: &str) -> TokenError {
    refusal_by(&config(), token).await
}

async fn refusal_by(config: &AuthConfig, token: &str) -> TokenError {
    let verifier = ScriptedSource::with(&[&FIRST]).verifier(config);
    let refusal = verifier.verify(token, now()).await.expect_err("refused");
    for part in token.split('.').filter(|part| part.len() > 8) {
        assert!(
            !format!("{refusal} {refusal:?}").contains(part),
            "the refusal shows a part of the token"
        );
    }
    refusal
}

async fn code(token: &str) -> &'static str {
    refusal(token).await.code()
}

fn header_with(name: &str, value: Value) -> String {
    let mut header = FIRST.header();
    header[name] = value;
    FIRST.sign(header.to_string(), claims().to_string())
}

#[tokio::test]
async fn token_malformed() {
    let valid = FIRST.token(&claims());
    let doubled_claim = claims().to_string().replacen('{', r#"{"sub":"user_1","#, 1);
    let doubled_header = FIRST
        .header()
        .to_string()
        .replacen('{', r#"{"typ":"JWT","#, 1);
    for token in [
        valid.replace('.', " "),
        format!("{valid}."),
        format!("{valid}="),
        format!("{valid}\n"),
        format!(" {valid}"),
        format!("{valid}.{valid}"),
        header_with("crit", json!(["exp"])),
        header_with("zip", json!("DEF")),
        FIRST.sign(FIRST.header().to_string(), "[]"),
        FIRST.sign(FIRST.header().to_string(), "text"),
        FIRST.sign(FIRST.header().to_string(), doubled_claim),
        FIRST.sign(doubled_header, claims().to_string()),
        FIRST.token(&claims_with("custom", json!("x".repeat(20_000)))),
    ] {
        assert_eq!(code(&token).await, "token_malformed", "{token}");
    }
}

#[tokio::test]
async fn algorithm_not_allowed() {
    for alg in ["none", "HS256", "RS384", "RS512", "PS256", "ES256"] {
        assert_eq!(
            code(&header_with("alg", json!(alg))).await,
            "algorithm_not_allowed",
            "{alg}"
        );
    }
}

#[tokio::test]
async fn key_unknown() {
    let error = refusal(&SECOND.token(&claims())).await;
    assert_eq!(error.code(), "key_unknown");
    assert!(
        error.to_string().contains("ins_second"),
        "the message names the key: {error}"
    );
    let mut unnamed = FIRST.header();
    unnamed.as_object_mut().unwrap().remove("kid");
    assert_eq!(
        code(&FIRST.sign(unnamed.to_string(), claims().to_string())).await,
        "key_unknown"
    );
    assert_eq!(
        code(&header_with("kid", json!("ins_emulator"))).await,
        "key_unknown"
    );
}

#[tokio::test]
async fn keys_unavailable() {
    let verifier = ScriptedSource::failing().verifier(&config());
    let error = verifier
        .verify(&FIRST.token(&claims()), now())
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.is_outage()),
        ("keys_unavailable", true)
    );
}

#[tokio::test]
async fn signature_invalid() {
    assert_eq!(code(&STRANGER.token(&claims())).await, "signature_invalid");
}

#[tokio::test]
async fn token_category_mismatch() {
    for token in [
        header_with("cat", json!("cl_B7d4PD222AAA")),
        header_with("cat", json!("cl_B7d4PD333AAA")),
        header_with("typ", json!("at+jwt")),
        header_with("typ", json!("application/at+jwt")),
        FIRST.token(&claims_with(
            "sub",
            json!("mch_2g7np7Hrk0SN6kj5EDMLDaKNL0S"),
        )),
    ] {
        assert_eq!(code(&token).await, "token_category_mismatch");
    }
}

#[tokio::test]
async fn issuer_mismatch() {
    let error =
        refusal(&FIRST.token(&claims_with("iss", json!("https://clerk.other.example")))).await;
    assert_eq!(error.code(), "issuer_mismatch");
    assert_eq!(
        error.to_string(),
        "token is of issuer https://clerk.other.example, this server is configured for https://clerk.example.com"
    );
    let endless = refusal(&FIRST.token(&claims_with("iss", json!("\r\n".repeat(5000))))).await;
    assert!(endless.to_string().len() < 300 && !endless.to_string().contains('\n'));
}

#[tokio::test]
async fn audience_mismatch() {
    let required = AuthConfig {
        audience: Some("api".to_owned()),
        ..config()
    };
    assert_eq!(
        refusal_by(&required, &FIRST.token(&claims())).await.code(),
        "audience_mismatch"
    );
}

#[tokio::test]
async fn authorized_party_mismatch() {
    let error = refusal(&FIRST.token(&claims_with("azp", json!("https://evil.example")))).await;
    assert_eq!(error.code(), "authorized_party_mismatch");
    assert!(error.to_string().contains("https://evil.example"));
    assert_eq!(
        code(&FIRST.token(&claims_without("azp"))).await,
        "authorized_party_mismatch"
    );
}

#[tokio::test]
async fn token_expired() {
    assert_eq!(code(&FIRST.token_at(-65)).await, "token_expired");
}

#[tokio::test]
async fn token_not_yet_valid() {
    for name in ["nbf", "iat"] {
        assert_eq!(
            code(&FIRST.token(&claims_with(name, json!(NOW + 6)))).await,
            "token_not_yet_valid",
            "{name}"
        );
    }
}

#[tokio::test]
async fn claims_invalid() {
    for token in [
        claims_without("exp"),
        claims_without("sub"),
        claims_without("sid"),
        claims_with("exp", json!((NOW + 60).to_string())),
        claims_with("iss", json!(["https://clerk.example.com"])),
        claims_with("sub", json!("client_1")),
        claims_with("sts", json!("unheard_of")),
    ] {
        assert_eq!(
            code(&FIRST.token(&token)).await,
            "claims_invalid",
            "{token}"
        );
    }
}

#[tokio::test]
async fn session_pending() {
    assert_eq!(
        code(&FIRST.token(&claims_with("sts", json!("pending")))).await,
        "session_pending"
    );
}

#[tokio::test]
async fn no_claim_decides_before_the_signature_holds() {
    for claims in [
        claims_with("exp", json!(0)),
        claims_with("iss", json!("https://clerk.other.example")),
        claims_with("sub", json!(5)),
        claims_with("sts", json!("pending")),
    ] {
        assert_eq!(
            code(&STRANGER.token(&claims)).await,
            "signature_invalid",
            "{claims}"
        );
    }
    assert_eq!(
        code(&STRANGER.sign(FIRST.header().to_string(), "not JSON")).await,
        "signature_invalid"
    );
}
