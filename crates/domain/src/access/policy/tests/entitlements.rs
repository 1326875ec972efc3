//! What a user's row and the policy give at a request.

use chrono::TimeDelta;
use uuid::Uuid;

use super::*;
use crate::workspace::PortfolioSummary;
use crate::{Barred, Caller, SessionStatus};

fn user(role: &str, tier: &str) -> User {
    User {
        id: Uuid::nil(),
        clerk_user_id: ClerkId::parse("user_1").unwrap(),
        external_id: None,
        username: None,
        email: None,
        email_verified: false,
        first_name: None,
        last_name: None,
        full_name: None,
        image_url: None,
        role: Role::from_store(role),
        role_override: None,
        role_source: Some("rule 2: organization".to_owned()),
        tier: Tier::from_store(tier),
        tier_override: None,
        tier_source: Some("plan".to_owned()),
        tier_until: None,
        public_metadata: json!({"tier": "paid"}),
        preferences: json!({}),
        banned: false,
        locked: false,
        invite_validated_at: None,
        deactivated_at: None,
        tokens_valid_after: None,
        is_active: true,
        created_at: at(0),
        updated_at: at(0),
        last_login_at: None,
        deleted_at: None,
        version: 0,
    }
}

#[test]
fn entitlements_are_the_rows_judged_by_the_policy() {
    let policy = full();
    let has = policy.entitlements(&user("growth", "max"), at(0));
    assert_eq!((has.role.as_str(), has.tier.as_str()), ("growth", "max"));
    assert_eq!(
        has.role_source,
        Some(RoleSource::Rule {
            number: 2,
            kind: RuleKind::Organization
        })
    );
    assert_eq!(has.tier_source, Some(TierSource::Plan));
    assert_eq!(
        (has.limits.max_portfolios, has.limits.per_month("exports")),
        (100, Some(50))
    );
    assert_eq!(has.limits.per_month("unheard_of"), None);
    // A better tier has what the lesser ones have.
    assert_eq!(
        names(has.features.iter()),
        ["api", "bulk_import", "reports"]
    );
    // It costs pointers: two requests are given the same rows of the policy.
    let again = policy.entitlements(&user("growth", "max"), at(0));
    assert!(Arc::ptr_eq(&has.limits, &again.limits) && Arc::ptr_eq(&has.features, &again.features));
}

#[test]
fn a_gate_narrows_a_feature_to_its_roles_and_the_admins() {
    let policy = full();
    let on = |role, tier| {
        let has = policy.entitlements(&user(role, tier), at(0));
        names(has.features.iter()).join(" ")
    };
    assert_eq!(on("solo", "free"), "");
    assert_eq!(on("growth", "free"), "");
    assert_eq!(on("admin", "free"), "");
    assert_eq!(on("solo", "paid"), "bulk_import");
    assert_eq!(on("growth", "paid"), "bulk_import reports");
    assert_eq!(on("admin", "paid"), "bulk_import reports");
}

#[test]
fn names_that_the_policy_no_longer_knows_count_as_the_least() {
    let has = full().entitlements(&user("owner", "gold"), at(0));
    assert_eq!((has.role.as_str(), has.tier.as_str()), ("solo", "free"));
    assert_eq!(
        (has.role_source, has.tier_source),
        (Some(RoleSource::Default), Some(TierSource::Default))
    );
    assert!(has.features.is_empty());
}

#[test]
fn a_tier_ends_to_the_second_whatever_the_row_says() {
    let policy = full();
    let ending = User {
        tier_until: Some(at(30)),
        ..user("solo", "max")
    };
    let before = policy.entitlements(&ending, at(30) - TimeDelta::seconds(1));
    assert_eq!(before.tier.as_str(), "max");
    let after = policy.entitlements(&ending, at(30));
    assert_eq!(
        (after.tier.as_str(), after.tier_source),
        ("paid", Some(TierSource::PublicMetadata))
    );
    assert_eq!(after.limits.max_portfolios, 10);
    let overridden = User {
        tier_override: Some(Tier::from_store("max")),
        ..ending.clone()
    };
    let kept = policy.entitlements(&overridden, at(30));
    assert_eq!(
        (kept.tier.as_str(), kept.tier_source),
        ("max", Some(TierSource::Override))
    );
    let nothing_left = User {
        public_metadata: json!("?"),
        ..ending
    };
    assert_eq!(
        policy.entitlements(&nothing_left, at(30)).tier.as_str(),
        "free"
    );
}

#[test]
fn configured_admins_are_admins_whatever_the_row_says() {
    let policy = full().with_admins([ClerkId::parse("user_1").unwrap()]);
    let has = policy.entitlements(&user("solo", "paid"), at(0));
    assert!(policy.is_admin(&has.role));
    assert_eq!(has.role_source, Some(RoleSource::Configuration));
    assert!(has.features.contains("reports"));
}

#[test]
fn a_row_without_a_readable_source_has_none() {
    let row = User {
        role_source: None,
        tier_source: Some("?".to_owned()),
        ..user("solo", "paid")
    };
    let has = full().entitlements(&row, at(0));
    assert_eq!((has.role_source, has.tier_source), (None, None));
}

#[test]
fn a_caller_is_let_in_unless_the_row_or_the_session_says_otherwise() {
    let issued = Some(at(20));
    let judged = |change: fn(&mut User), status: Option<SessionStatus>| {
        let mut row = user("solo", "free");
        change(&mut row);
        let caller = Caller {
            user: Arc::new(row),
            session_status: status,
            usage: None,
            portfolios: PortfolioSummary::default(),
        };
        caller.admitted(issued)
    };
    assert_eq!(judged(|_| {}, None), Ok(()));
    assert_eq!(judged(|_| {}, Some(SessionStatus::Active)), Ok(()));
    assert_eq!(
        judged(|_| {}, Some(SessionStatus::Revoked)),
        Err(Barred::SessionOver)
    );
    assert_eq!(
        judged(|row| row.tokens_valid_after = Some(at(20)), None),
        Err(Barred::SessionOver)
    );
    assert_eq!(
        judged(|row| row.tokens_valid_after = Some(at(19)), None),
        Ok(())
    );
    assert_eq!(
        judged(|row| row.is_active = false, None),
        Err(Barred::UserInactive)
    );
    let everything = |row: &mut User| {
        row.deleted_at = Some(at(1));
        row.is_active = false;
        row.tokens_valid_after = Some(at(30));
    };
    assert_eq!(
        judged(everything, Some(SessionStatus::Ended)),
        Err(Barred::UserDeleted)
    );
}
