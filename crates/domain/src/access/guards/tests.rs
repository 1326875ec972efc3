//! All combinations of what a caller has and what is asked.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;

const TIERS: [&str; 3] = ["free", "paid", "max"];
const ROLES: [&str; 4] = ["solo", "growth", "enterprise", "admin"];

fn policy() -> Policy {
    Policy::parse(
        r#"
        [roles]
        names = ["solo", "growth", "enterprise", "admin"]
        default = "solo"
        admin = "admin"
        [[tiers]]
        name = "free"
        max_portfolios = 1
        [[tiers]]
        name = "paid"
        max_portfolios = 2
        features = ["reports", "exports"]
        [[tiers]]
        name = "max"
        max_portfolios = 3
        [features]
        reports = { roles = ["growth"] }
        "#,
    )
    .unwrap()
}

fn has(policy: &Policy, role: &str, tier: &str) -> Entitlements {
    let terms = policy.tiers.named(tier).unwrap();
    let role = policy.role_named(role).unwrap();
    Entitlements {
        role: role.clone(),
        role_source: None,
        tier: terms.tier.clone(),
        tier_source: None,
        limits: Arc::clone(&terms.limits),
        features: terms.features.get(role).cloned().unwrap(),
    }
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
}

#[test]
fn roles_are_equals_and_the_admin_passes_all() {
    let policy = policy();
    for held in ROLES {
        for (number, wanted) in (1_u32..16).map(|bits| {
            (
                bits,
                ROLES
                    .iter()
                    .enumerate()
                    .filter(move |(i, _)| bits >> i & 1 == 1)
                    .map(|(_, role)| *role)
                    .collect::<Vec<_>>(),
            )
        }) {
            let passes = policy
                .require_role(&has(&policy, held, "free"), &wanted)
                .is_ok();
            assert_eq!(
                passes,
                held == "admin" || wanted.contains(&held),
                "{held} {number} {wanted:?}"
            );
        }
    }
}

#[test]
fn a_role_that_the_policy_does_not_know_passes_nobody() {
    let policy = policy();
    for held in ROLES {
        for wanted in [&[][..], &["owner"], &["solo", "owner"], &["Admin"], &[""]] {
            let denial = policy
                .require_role(&has(&policy, held, "max"), wanted)
                .unwrap_err();
            assert!(
                matches!(denial, Denial::Undefined { kind: "role", .. }),
                "{held} {wanted:?} {denial:?}"
            );
        }
    }
}

#[test]
fn a_tier_passes_for_itself_and_the_lesser_ones_also_for_admins() {
    let policy = policy();
    for role in ROLES {
        for (held_rank, held) in TIERS.iter().enumerate() {
            for (wanted_rank, wanted) in TIERS.iter().enumerate() {
                let passes = policy
                    .require_tier(&has(&policy, role, held), wanted)
                    .is_ok();
                assert_eq!(passes, held_rank >= wanted_rank, "{role} {held} {wanted}");
            }
            for unknown in ["gold", "", "Free"] {
                let denial = policy
                    .require_tier(&has(&policy, role, held), unknown)
                    .unwrap_err();
                assert!(
                    matches!(denial, Denial::Undefined { kind: "tier", .. }),
                    "{unknown}"
                );
            }
        }
    }
    let stranger = Entitlements {
        tier: Tier::from_store("gold"),
        ..has(&policy, "admin", "max")
    };
    assert!(policy.require_tier(&stranger, "free").is_err());
}

#[test]
fn a_feature_passes_where_tier_and_role_have_it() {
    let policy = policy();
    for role in ROLES {
        for tier in TIERS {
            let has = has(&policy, role, tier);
            let passes = |feature| policy.require_feature(&has, feature).is_ok();
            let by_tier = tier != "free";
            assert_eq!(passes("exports"), by_tier, "{role} {tier}");
            assert_eq!(
                passes("reports"),
                by_tier && matches!(role, "growth" | "admin"),
                "{role} {tier}"
            );
            assert!(!passes("unheard-of") && !passes(""), "{role} {tier}");
            // What was not worked out is not on.
            let nothing = Entitlements {
                features: Arc::new(BTreeSet::new()),
                ..has.clone()
            };
            assert!(policy.require_feature(&nothing, "exports").is_err());
        }
    }
}

#[test]
fn an_invite_is_needed_while_the_gate_is_closed_but_by_admins() {
    let policy = policy();
    for role in ROLES {
        for validated_at in [None, Some(at(0))] {
            for is_enforced in [true, false] {
                let passes = policy
                    .require_invite(&has(&policy, role, "free"), validated_at, is_enforced)
                    .is_ok();
                let expected = !is_enforced || validated_at.is_some() || role == "admin";
                assert_eq!(passes, expected, "{role} {validated_at:?} {is_enforced}");
            }
        }
    }
}

#[test]
fn a_permission_is_held_by_its_whole_name() {
    let held = ["org:invoices:read".to_owned(), String::new()];
    assert!(require_permission(&held, "org:invoices:read").is_ok());
    for wanted in [
        "org:invoices",
        "org:invoices:",
        "invoices:read",
        "ORG:INVOICES:READ",
        "",
        " org:invoices:read",
    ] {
        assert!(require_permission(&held, wanted).is_err(), "{wanted}");
    }
    assert!(require_permission(&[], "org:invoices:read").is_err());
}

#[test]
fn a_step_up_needs_every_factor_that_it_names_recent_and_known() {
    let ages = [None, Some(0), Some(9), Some(10), Some(u32::MAX)];
    let within = TimeDelta::minutes(10);
    let recent = |age: Option<u32>| age.is_some_and(|age| age < 10);
    for first_minutes in ages {
        for second_minutes in ages {
            for factor in [Factor::First, Factor::Second, Factor::Both] {
                let check = |issued_at| {
                    let has = VerifiedFactors {
                        first_minutes,
                        second_minutes,
                        issued_at,
                    };
                    require_step_up(Some(has), StepUp { factor, within }, at(0)).is_ok()
                };
                let expected = match factor {
                    Factor::First => recent(first_minutes),
                    Factor::Second => recent(second_minutes),
                    Factor::Both => recent(first_minutes) && recent(second_minutes),
                };
                assert_eq!(
                    check(Some(at(0))),
                    expected,
                    "{first_minutes:?} {second_minutes:?} {factor:?}"
                );
                // A token from a clock ahead is no younger than one from now.
                assert_eq!(check(Some(at(5))), expected);
                assert!(!check(Some(at(-600))), "the age grows with the token's");
                assert!(!check(None), "without a time of issue the age is unknown");
                let denied = require_step_up(None, StepUp { factor, within }, at(0));
                assert_eq!(denied, Err(Denial::StepUp { factor, within }));
            }
        }
    }
    let nine = VerifiedFactors {
        first_minutes: Some(9),
        second_minutes: None,
        issued_at: Some(at(0)),
    };
    let wanted = StepUp {
        factor: Factor::First,
        within,
    };
    assert!(require_step_up(Some(nine), wanted, at(59)).is_ok());
    assert!(require_step_up(Some(nine), wanted, at(60)).is_err());
}

#[test]
fn a_denial_says_what_is_needed() {
    let policy = policy();
    let has = has(&policy, "solo", "free");
    let said = [
        policy.require_role(&has, &["growth"]),
        policy.require_role(&has, &["growth", "enterprise"]),
        policy.require_tier(&has, "paid"),
        policy.require_feature(&has, "exports"),
        require_permission(&[], "org:invoices:read"),
        require_step_up(
            None,
            StepUp {
                factor: Factor::Both,
                within: TimeDelta::minutes(10),
            },
            at(0),
        ),
        policy.require_invite(&has, None, true),
    ]
    .map(|denied| denied.unwrap_err().to_string());
    assert_eq!(
        said,
        [
            "this needs the role `growth`",
            "this needs one of the roles `growth`, `enterprise`",
            "this needs the tier `paid` or a better one",
            "this needs the feature `exports`, which is off for this role in this tier",
            "this needs the permission `org:invoices:read` in the active organization",
            "this needs both factors, verified less than 10 minutes ago",
            "this needs a validated invite",
        ]
    );
}
