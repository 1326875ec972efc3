//! Handshakes: whose word counts, and for how much.

use auth::{Authenticator, CookieSite, PageCookie, PublishableKey, TokenError};
use serde_json::{Value, json};

use crate::minting::{FIRST, Key, SECOND, STRANGER, after, claims, config, now};
use crate::scripted_source::ScriptedSource;

const SITE: CookieSite<'_> = CookieSite {
    host: "app.example.com",
    is_https: true,
};

fn authenticator() -> Authenticator {
    let key = PublishableKey::parse("pk_live_Y2xlcmsuZXhhbXBsZS5jb20k").unwrap();
    let config = auth::AuthConfig {
        publishable_key: Some(key),
        ..config()
    };
    Authenticator::with_key_source(&config, ScriptedSource::with(&[&FIRST])).unwrap()
}

fn signed(key: &Key, payload: &Value) -> String {
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": key.kid});
    key.sign(header.to_string(), payload.to_string())
}

async fn read(authenticator: &Authenticator, token: &str) -> Result<Vec<PageCookie>, TokenError> {
    let cookies = authenticator.page_cookies();
    cookies
        .of_handshake(authenticator.verifier(), token, now())
        .await
}

#[tokio::test]
async fn the_instances_word_sets_the_cookies_of_sign_in() {
    let authenticator = authenticator();
    let session = FIRST.token(&claims());
    let suffix = authenticator.page_cookies().suffix().unwrap().to_owned();
    let payload = json!({"handshake": [
        format!("__session={session}; Path=/; Max-Age=1"),
        format!("__session_{suffix}={session}; HttpOnly"),
        "__client_uat=1766000000; Domain=example.com",
        "something=else",
    ]});
    let cookies = read(&authenticator, &signed(&FIRST, &payload))
        .await
        .unwrap();
    let lines: Vec<String> = cookies
        .iter()
        .map(|cookie| cookie.header(SITE).unwrap().to_str().unwrap().to_owned())
        .collect();
    let always = "Path=/; SameSite=Lax; Max-Age=31536000";
    let expected = [
        format!("__session={session}; {always}; Secure"),
        format!("__session_{suffix}={session}; {always}; Secure"),
        format!("__client_uat=1766000000; {always}; Domain=example.com; Secure"),
    ];
    assert_eq!(lines, expected);
    assert!(!format!("{cookies:?}").contains(&session));
}

#[tokio::test]
async fn anybody_elses_word_sets_nothing() {
    let authenticator = authenticator();
    let good = json!({"handshake": ["__client_uat=1"]});
    let session = FIRST.token(&claims());
    for (token, code) in [
        (signed(&STRANGER, &good), "signature_invalid"),
        (signed(&SECOND, &good), "key_unknown"),
        ("x".to_owned(), "token_malformed"),
        (String::new(), "token_malformed"),
        ("a".repeat(20_000), "token_malformed"),
        (session, "claims_invalid"),
        (
            signed(&FIRST, &json!({"handshake": "__client_uat=1"})),
            "claims_invalid",
        ),
        (signed(&FIRST, &json!({"handshake": [1]})), "claims_invalid"),
        (
            signed(&FIRST, &json!({"handshake": ["__session=a\r\nb"]})),
            "claims_invalid",
        ),
        (
            signed(&FIRST, &json!({"handshake": vec!["x=1"; 17]})),
            "claims_invalid",
        ),
    ] {
        let refused = read(&authenticator, &token).await.unwrap_err();
        assert_eq!(refused.code(), code, "{token:.40}");
    }
    assert_eq!(
        read(&authenticator, &signed(&FIRST, &good))
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_session_in_it_has_to_stand_up_at_that_moment() {
    let authenticator = authenticator();
    let payload = json!({"handshake": [format!("__session={}", FIRST.token(&claims()))]});
    let token = signed(&FIRST, &payload);
    let cookies = authenticator.page_cookies();
    let at = async |seconds| {
        let read = cookies.of_handshake(authenticator.verifier(), &token, after(seconds));
        read.await.map(|cookies| cookies.len())
    };
    assert_eq!(at(0).await, Ok(1));
    assert_eq!(at(3600).await.unwrap_err().code(), "token_expired");
    let mut other = claims();
    other["azp"] = json!("https://evil.example");
    let payload = json!({"handshake": [format!("__session={}", FIRST.token(&other))]});
    let refused = read(&authenticator, &signed(&FIRST, &payload)).await;
    assert_eq!(refused.unwrap_err().code(), "authorized_party_mismatch");
}
