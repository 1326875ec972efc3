//! The rules, claim by claim.

use serde_json::json;

use super::*;

const NOW: i64 = 1_766_000_000;

fn config() -> AuthConfig {
    AuthConfig {
        authorized_parties: vec![
            "https://app.example.com".to_owned(),
            "https://www.example.com".to_owned(),
        ],
        ..AuthConfig::new("https://clerk.example.com")
    }
}

fn valid() -> Value {
    json!({"iss": "https://clerk.example.com", "sub": "user_1", "sid": "sess_1", "azp": "https://app.example.com",
        "exp": NOW + 60, "iat": NOW, "nbf": NOW - 10, "sts": "active"})
}

fn judge(config: &AuthConfig, claims: Value) -> Result<SessionClaims, TokenError> {
    let now = DateTime::from_timestamp(NOW, 0).unwrap();
    Rules::new(config).judge(claims.as_object().unwrap().clone(), now)
}

fn code(config: &AuthConfig, claims: Value) -> &'static str {
    judge(config, claims).map_or_else(|error| error.code(), |_| "accepted")
}

/// The code when one claim is changed, or left out (`Value::Null` stands for absence; see `nulls_are_not_absence`).
fn with(name: &str, value: Value) -> &'static str {
    let mut claims = valid();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    code(&config(), claims)
}

#[test]
fn a_valid_token_is_read() {
    let session = judge(&config(), valid()).unwrap();
    assert_eq!(
        (session.user_id.as_str(), session.session_id.as_str()),
        ("user_1", "sess_1")
    );
    assert_eq!(session.expires_at.timestamp(), NOW + 60);
    assert_eq!(session.issued_at.unwrap().timestamp(), NOW);
    assert_eq!(session.not_before.unwrap().timestamp(), NOW - 10);
    assert_eq!(
        session.authorized_party.as_deref(),
        Some("https://app.example.com")
    );
    assert_eq!(session.status, SessionStatus::Active);
    assert!(session.custom.is_empty());
}

#[test]
fn nulls_are_not_absence() {
    for name in ["iss", "sub", "sid", "azp", "exp", "nbf", "iat", "sts"] {
        let mut claims = valid();
        claims[name] = Value::Null;
        assert_eq!(code(&config(), claims), "claims_invalid", "{name}");
    }
}

#[test]
fn wrong_types_refuse() {
    for name in ["exp", "nbf", "iat"] {
        for odd in [
            json!("1766000060"),
            json!([NOW]),
            json!({}),
            json!(true),
            json!("x"),
        ] {
            assert_eq!(with(name, odd.clone()), "claims_invalid", "{name} {odd}");
        }
    }
    for name in ["iss", "sub", "sid", "azp", "sts"] {
        for odd in [json!(1), json!([valid()[name]]), json!({}), json!(false)] {
            assert_eq!(with(name, odd.clone()), "claims_invalid", "{name} {odd}");
        }
    }
}

#[test]
fn the_issuer_is_equal_byte_for_byte() {
    for issuer in [
        "https://clerk.example.com/",
        "https://CLERK.example.com",
        "http://clerk.example.com",
        "",
        "https://clerk.example.com.evil.example",
    ] {
        assert_eq!(with("iss", json!(issuer)), "issuer_mismatch", "{issuer}");
    }
    assert_eq!(with("iss", Value::Null), "issuer_mismatch");
}

#[test]
fn the_audience_counts_only_when_configured() {
    let required = AuthConfig {
        audience: Some("api".to_owned()),
        ..config()
    };
    let with_aud = |config: &AuthConfig, aud: Value| {
        let mut claims = valid();
        claims["aud"] = aud;
        code(config, claims)
    };
    for aud in [json!("api"), json!(["web", "api"])] {
        assert_eq!(with_aud(&required, aud), "accepted");
    }
    for aud in [json!("apis"), json!(""), json!([]), json!(["web"])] {
        assert_eq!(with_aud(&required, aud), "audience_mismatch");
    }
    for aud in [json!(1), json!(null), json!({"api": 1}), json!(["api", 1])] {
        assert_eq!(with_aud(&required, aud), "claims_invalid");
    }
    assert_eq!(code(&required, valid()), "audience_mismatch", "absent");
    assert_eq!(
        with_aud(&config(), json!(["anything", 5])),
        "accepted",
        "not configured"
    );
}

#[test]
fn times_have_five_seconds_of_leeway() {
    for (name, offset, expected) in [
        ("exp", -4, "accepted"),
        ("exp", -5, "token_expired"),
        ("exp", -2, "accepted"),
        ("nbf", 5, "accepted"),
        ("nbf", 6, "token_not_yet_valid"),
        ("iat", 5, "accepted"),
        ("iat", 6, "token_not_yet_valid"),
    ] {
        assert_eq!(with(name, json!(NOW + offset)), expected, "{name} {offset}");
    }
    let none = AuthConfig {
        leeway: Duration::ZERO,
        ..config()
    };
    let mut claims = valid();
    claims["exp"] = json!(NOW);
    assert_eq!(
        code(&none, claims),
        "token_expired",
        "the second that exp names is too late"
    );
}

#[test]
fn only_exp_is_required() {
    assert_eq!(with("exp", Value::Null), "claims_invalid");
    assert_eq!(with("nbf", Value::Null), "accepted");
    assert_eq!(with("iat", Value::Null), "accepted");
}

#[test]
fn fractions_are_times_and_absurd_numbers_are_not() {
    assert_eq!(with("exp", json!(NOW as f64 + 0.5)), "accepted");
    assert_eq!(with("exp", json!(NOW as f64 - 4.999)), "accepted");
    assert_eq!(with("exp", json!(NOW as f64 - 5.001)), "token_expired");
    assert_eq!(with("exp", json!(-1)), "token_expired");
    assert_eq!(with("exp", json!(LAST_SECOND)), "accepted");
    for absurd in [
        json!(LAST_SECOND + 1),
        json!(NOW * 1000),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(LAST_SECOND as f64 + 0.5),
        json!(-LAST_SECOND as f64 - 0.5),
        json!(1e300),
        json!(-1e300),
    ] {
        assert_eq!(with("exp", absurd.clone()), "claims_invalid", "{absurd}");
        assert_eq!(with("nbf", absurd.clone()), "claims_invalid", "{absurd}");
    }
}

#[test]
fn subjects_are_users_and_sessions_are_sessions() {
    for sub in ["", "user_", "client_1", "user_1;drop", "usr_1"] {
        assert_eq!(with("sub", json!(sub)), "claims_invalid", "{sub}");
    }
    assert_eq!(with("sub", Value::Null), "claims_invalid");
    assert_eq!(with("sub", json!("mch_1")), "token_category_mismatch");
    for sid in ["", "sess_", "user_1", "sess_1 "] {
        assert_eq!(with("sid", json!(sid)), "claims_invalid", "{sid}");
    }
    assert_eq!(with("sid", Value::Null), "claims_invalid");
}

#[test]
fn pending_and_unknown_states_are_refused() {
    assert_eq!(with("sts", json!("pending")), "session_pending");
    for sts in ["", "Active", "ended", "revoked"] {
        assert_eq!(with("sts", json!(sts)), "claims_invalid", "{sts}");
    }
    assert_eq!(with("sts", Value::Null), "accepted");
}

#[test]
fn custom_claims_of_any_shape_and_name_refuse_nothing() {
    for name in [
        "name", "v", "o", "fea", "fva", "pla", "act", "jti", "org_id", "org_role", "user_id",
        "version", "custom",
    ] {
        for odd in [
            json!(5),
            json!("x"),
            json!([1]),
            json!({"a": {"b": null}}),
            json!(true),
            json!(1e300),
        ] {
            assert_eq!(with(name, odd.clone()), "accepted", "{name} {odd}");
        }
    }
}
