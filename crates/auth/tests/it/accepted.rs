//! What must not be refused.

use auth::{ActiveOrganization, FactorAges, SessionStatus};
use serde_json::{Value, json};

use crate::minting::{FIRST, NOW, SECOND, claims, claims_with, config, now};
use crate::scripted_source::ScriptedSource;

#[tokio::test]
async fn a_version_2_token_is_read_whole() {
    let verifier = ScriptedSource::with(&[&FIRST]).verifier(&config());
    let mut claims = claims();
    claims["favourite"] = json!({"colour": "blue"});
    claims["act"] = json!({"sub": "user_support"});
    let session = verifier.verify(&FIRST.token(&claims), now()).await.unwrap();
    assert_eq!(session.user_id, "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S");
    assert_eq!(session.session_id, "sess_2g7np7Hrk0SN6kj5EDMLDaKNL0S");
    assert_eq!(
        (session.version, session.status),
        (2, SessionStatus::Active)
    );
    assert_eq!(
        session.factor_ages,
        Some(FactorAges {
            first: Some(7),
            second: None
        })
    );
    let expected = ActiveOrganization {
        id: "org_2g7np7Hrk0SN6kj5EDMLDaKNL0S".to_owned(),
        slug: Some("acme-corp".to_owned()),
        role: Some("org:admin".to_owned()),
        permissions: [
            "org:dashboard:manage",
            "org:dashboard:read",
            "org:teams:read",
        ]
        .map(str::to_owned)
        .into(),
    };
    assert_eq!(session.organization, Some(expected));
    assert_eq!(
        session.actor.as_ref().unwrap().subject.as_deref(),
        Some("user_support")
    );
    assert_eq!(session.impersonator(), session.actor.as_ref());
    assert!(!session.custom.is_empty());
    let custom = session.custom.to_map();
    let custom: Vec<_> = custom.keys().collect();
    assert_eq!(custom, ["favourite"]);
}

#[tokio::test]
async fn a_version_1_token_is_read() {
    let verifier = ScriptedSource::with(&[&FIRST]).verifier(&config());
    let mut claims = claims();
    claims
        .as_object_mut()
        .unwrap()
        .retain(|name, _| !["v", "o", "fea", "pla", "sts", "jti"].contains(&name.as_str()));
    claims["org_id"] = json!("org_1");
    claims["org_role"] = json!("org:member");
    let session = verifier.verify(&FIRST.token(&claims), now()).await.unwrap();
    assert_eq!(
        (session.version, session.status),
        (1, SessionStatus::Unstated)
    );
    assert_eq!(
        session.organization.as_ref().unwrap().role.as_deref(),
        Some("org:member")
    );
    assert!(session.custom.is_empty());
}

#[tokio::test]
async fn the_second_key_skewed_clocks_and_bare_headers_are_fine() {
    let verifier = ScriptedSource::with(&[&FIRST, &SECOND]).verifier(&config());
    for token in [
        SECOND.token(&claims()),
        FIRST.token_at(2),
        FIRST.token_at(-62),
        FIRST.sign(r#"{"alg":"RS256","kid":"ins_first"}"#, claims().to_string()),
        FIRST.sign(
            r#"{"alg":"RS256","kid":"ins_first","cat":"cl_I7d4PD111III","new":[1]}"#,
            claims().to_string(),
        ),
        FIRST.token(&claims_with("exp", json!(NOW as f64 + 60.5))),
        FIRST.token(&claims_with("aud", json!(["whatever", 5]))),
    ] {
        verifier.verify(&token, now()).await.unwrap();
    }
}

#[tokio::test]
async fn custom_claims_that_share_a_name_with_something_of_ours_refuse_nothing() {
    let verifier = ScriptedSource::with(&[&FIRST]).verifier(&config());
    let odd: [Value; 6] = [
        json!(5),
        json!("x"),
        json!([]),
        json!({"a": 1}),
        json!(null),
        json!(-1.5),
    ];
    for name in [
        "name",
        "email",
        "user_id",
        "session_id",
        "o",
        "fea",
        "fva",
        "pla",
        "act",
        "v",
        "org_id",
        "plan",
        "custom",
    ] {
        for value in &odd {
            let token = FIRST.token(&claims_with(name, value.clone()));
            assert!(
                verifier.verify(&token, now()).await.is_ok(),
                "{name}: {value}"
            );
        }
    }
}

/// A token that is this long, if base64 allows for it.
fn of_length(length: usize) -> Option<String> {
    let filled = |filling: usize| FIRST.token(&claims_with("custom", json!("x".repeat(filling))));
    let estimate = (length - filled(0).len()) * 3 / 4;
    (estimate - 4..estimate + 4)
        .map(filled)
        .find(|token| token.len() == length)
}

#[tokio::test]
async fn sixteen_kibibytes_are_not_too_long() {
    let verifier = ScriptedSource::with(&[&FIRST]).verifier(&config());
    let longest = of_length(16 * 1024).unwrap();
    verifier.verify(&longest, now()).await.unwrap();
    let longer = (1..4).find_map(|more| of_length(16 * 1024 + more)).unwrap();
    let refusal = verifier.verify(&longer, now()).await.unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the token cannot be read: it is longer than 16 KiB"
    );
}
