//! Whole requests: found, verified, and told how they came. What stands where is tested beside the finder.

use std::sync::Arc;

use auth::{AuthConfig, Authenticator, CredentialKind, PublishableKey};
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName};
use serde_json::json;

use crate::minting::{FIRST, PARTY, STRANGER, claims, claims_with, now};
use crate::scripted_source::ScriptedSource;

/// Base64 of `clerk.example.com$`.
const KEY: &str = "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k";

async fn verdict(headers: &[(HeaderName, String)]) -> Result<CredentialKind, &'static str> {
    let key = PublishableKey::parse(KEY).unwrap();
    let config = AuthConfig {
        authorized_parties: vec![PARTY.to_owned()],
        ..AuthConfig::for_instance(key)
    };
    let source = ScriptedSource::with(&[&FIRST]);
    let authenticator = Authenticator::with_key_source(&config, Arc::clone(&source) as _).unwrap();
    assert_eq!(authenticator.issuer(), "https://clerk.example.com");
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.clone(), value.parse().unwrap()))
        .collect();
    let verdict = authenticator.authenticate(&headers, now()).await;
    verdict
        .map(|request| request.credential)
        .map_err(|refusal| refusal.code())
}

fn suffixed() -> String {
    format!(
        "__session_{}",
        PublishableKey::parse(KEY).unwrap().cookie_suffix()
    )
}

#[tokio::test]
async fn the_same_token_by_header_or_cookie_gives_the_same_verdict() {
    let foreign = FIRST.token(&claims_with("azp", json!("https://evil.example")));
    for (token, header, cookie) in [
        (
            FIRST.token(&claims()),
            Ok(CredentialKind::Header),
            Ok(CredentialKind::Cookie),
        ),
        (
            FIRST.token_at(-100),
            Err("token_expired"),
            Err("token_expired"),
        ),
        (
            STRANGER.token(&claims()),
            Err("signature_invalid"),
            Err("signature_invalid"),
        ),
        (
            foreign,
            Err("authorized_party_mismatch"),
            Err("authorized_party_mismatch"),
        ),
        (
            "nonsense".to_owned(),
            Err("token_malformed"),
            Err("token_malformed"),
        ),
    ] {
        assert_eq!(
            verdict(&[(AUTHORIZATION, format!("Bearer {token}"))]).await,
            header
        );
        assert_eq!(
            verdict(&[(COOKIE, format!("__session={token}"))]).await,
            cookie
        );
        assert_eq!(
            verdict(&[(COOKIE, format!("{}={token}", suffixed()))]).await,
            cookie
        );
    }
}

#[tokio::test]
async fn nothing_is_missing() {
    assert_eq!(verdict(&[]).await, Err("token_missing"));
    let elsewhere = format!("__client={}", FIRST.token(&claims()));
    assert_eq!(verdict(&[(COOKIE, elsewhere)]).await, Err("token_missing"));
}

#[tokio::test]
async fn a_header_token_is_judged_even_when_a_cookie_would_do() {
    let good = format!("__session={}", FIRST.token(&claims()));
    let bad = format!("Bearer {}", STRANGER.token(&claims()));
    assert_eq!(
        verdict(&[(AUTHORIZATION, bad), (COOKIE, good)]).await,
        Err("signature_invalid")
    );
}

#[tokio::test]
async fn the_cookie_of_another_app_on_the_same_host_does_not_sign_anybody_out() {
    let other = FIRST.token(&claims_with("iss", json!("https://clerk.other.example")));
    let cookies = format!(
        "__session={other}; {}={}",
        suffixed(),
        FIRST.token(&claims())
    );
    assert_eq!(
        verdict(&[(COOKIE, cookies)]).await,
        Ok(CredentialKind::Cookie)
    );
    assert_eq!(
        verdict(&[(COOKIE, format!("__session={other}"))]).await,
        Err("issuer_mismatch")
    );
}

#[tokio::test]
async fn a_planted_second_cookie_is_refused() {
    let planted = STRANGER.token(&claims());
    let good = FIRST.token(&claims());
    for cookies in [
        format!("__session={planted}; __session={good}"),
        format!("__session={good}; __session={planted}"),
    ] {
        assert_eq!(verdict(&[(COOKIE, cookies)]).await, Err("token_malformed"));
    }
}
