//! What the policy decides.

mod entitlements;
mod metadata;

use serde_json::json;

use super::*;
use crate::access::sources::RuleKind;
use crate::{MembershipFact, PlanRules};

/// Every kind of rule, a value map, a nested path, features and a gate.
const FULL: &str = r#"
[roles]
names = ["solo", "growth", "enterprise", "admin"]
default = "solo"
admin = "admin"

[[role_rules]]
public_metadata = "access.role"

[[role_rules]]
public_metadata = "segment"
values = { large = "enterprise", small = "solo" }

[[role_rules]]
organization_role = "org:admin"
organization = "org_staff"
role = "admin"

[[role_rules]]
organization_role = "org:admin"
role = "growth"

[[role_rules]]
plan = "team"
role = "enterprise"

[[tiers]]
name = "free"
max_portfolios = 2
per_month = { ai_messages = 100, exports = 0 }

[[tiers]]
name = "paid"
max_portfolios = 10
per_month = { ai_messages = 1000, exports = 5 }
features = ["bulk_import", "reports"]

[[tiers]]
name = "max"
max_portfolios = 100
per_month = { ai_messages = 5000, exports = 50 }
features = ["api"]

[tier_rule]
public_metadata = "tier"

[billing.plans]
pro = "paid"
team = "max"

[features]
reports = { roles = ["growth", "enterprise"] }
"#;

fn full() -> Policy {
    Policy::parse(FULL).unwrap()
}

fn at(day: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + day * 86_400, 0).unwrap()
}

fn metadata(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn plan<'a>(status: &'a str, plan_slug: &'a str) -> Coverage<'a> {
    Coverage {
        status,
        plan_slug,
        period_end: Some(at(30)),
        past_due_since: at(0),
        is_free_trial: false,
    }
}

/// A role and its source as text.
fn role_of(
    overridden: Option<&str>,
    public_metadata: Value,
    memberships: &[(&str, &str)],
    plans: &[Coverage<'_>],
) -> (String, String, Option<DateTime<Utc>>, Vec<Notice>) {
    let memberships: Vec<_> = memberships
        .iter()
        .map(|(organization_id, role)| MembershipFact {
            organization_id,
            role,
        })
        .collect();
    let facts = RoleFacts {
        overridden,
        public_metadata: &metadata(public_metadata),
        memberships: &memberships,
        plans,
    };
    let RoleDecision {
        role,
        source,
        until,
        notices,
    } = full().role(&facts, at(1));
    (role.to_string(), source.to_string(), until, notices)
}

fn tier_of(
    overridden: Option<&str>,
    public_metadata: Value,
    plans: &[Coverage<'_>],
) -> (String, TierSource, Option<DateTime<Utc>>, Vec<Notice>) {
    let facts = TierFacts {
        overridden,
        public_metadata: &metadata(public_metadata),
        plans,
    };
    let TierDecision {
        tier,
        source,
        until,
        notices,
    } = full().tier(&facts, at(1));
    (tier.to_string(), source, until, notices)
}

fn names<'a>(features: impl IntoIterator<Item = &'a Feature>) -> Vec<&'a str> {
    features.into_iter().map(Feature::as_str).collect()
}

#[test]
fn the_built_in_policy_is_what_the_requirements_say() {
    let policy = Policy::built_in();
    let roles: Vec<_> = policy.roles().map(Role::as_str).collect();
    assert_eq!(roles, ["solo", "growth", "enterprise", "admin"]);
    assert_eq!(policy.default_role().as_str(), "solo");
    assert_eq!(policy.admin_role().as_str(), "admin");
    let tiers: Vec<_> = policy.tiers().map(Tier::as_str).collect();
    assert_eq!(tiers, ["free", "paid"]);
    let limits = |name: &str| {
        let limits = policy.limits(policy.tier_named(name).unwrap());
        (limits.max_portfolios, limits.per_month("ai_messages"))
    };
    assert_eq!(limits("free"), (2, Some(100)));
    assert_eq!(limits("paid"), (10, Some(1000)));
    assert_eq!(names(policy.metered()), ["ai_messages"]);
    assert_eq!(policy.plan_rules, PlanRules::default());
    for slug in ["paid", "pro"] {
        let paid = policy.billing_tier([plan("active", slug)], at(0));
        assert_eq!(paid.tier.unwrap().as_str(), "paid");
    }
    let metadata = metadata(json!({"role": "growth", "tier": "paid"}));
    assert_eq!(policy.role_in(&metadata).as_str(), "growth");
    assert_eq!(policy.tier_in(&metadata).as_str(), "paid");
}

#[test]
fn an_admin_of_an_organization_is_no_admin() {
    let facts = RoleFacts {
        overridden: None,
        public_metadata: &Map::new(),
        memberships: &[MembershipFact {
            organization_id: "org_1",
            role: "org:admin",
        }],
        plans: &[],
    };
    assert_eq!(Policy::built_in().role(&facts, at(0)).role.as_str(), "solo");
}

#[test]
fn the_first_rule_that_has_something_to_say_decides() {
    let team = [plan("canceled", "team")];
    let everything = json!({"access": {"role": "growth"}, "segment": "large"});
    let staff = [("org_1", "org:admin"), ("org_staff", "org:admin")];
    let decided = |found: (String, String, Option<DateTime<Utc>>, Vec<Notice>),
                   role: &str,
                   source: &str,
                   until| {
        assert_eq!(found, (role.to_owned(), source.to_owned(), until, vec![]));
    };
    decided(
        role_of(Some("enterprise"), everything.clone(), &staff, &team),
        "enterprise",
        "override",
        None,
    );
    decided(
        role_of(None, everything, &staff, &team),
        "growth",
        "rule 1: public_metadata",
        None,
    );
    decided(
        role_of(None, json!({"segment": "large"}), &staff, &team),
        "enterprise",
        "rule 2: public_metadata",
        None,
    );
    decided(
        role_of(None, json!({}), &staff, &team),
        "admin",
        "rule 3: organization",
        None,
    );
    decided(
        role_of(None, json!({}), &[("org_1", "org:admin")], &team),
        "growth",
        "rule 4: organization",
        None,
    );
    decided(
        role_of(None, json!({}), &[("org_1", "org:member")], &team),
        "enterprise",
        "rule 5: plan",
        Some(at(30)),
    );
    decided(
        role_of(None, json!({}), &[], &[plan("ended", "team")]),
        "solo",
        "default",
        None,
    );
    // Nothing said is nothing said.
    decided(
        role_of(None, json!({"access": null, "segment": null}), &[], &[]),
        "solo",
        "default",
        None,
    );
    decided(
        role_of(None, json!({"access": {}}), &[], &[]),
        "solo",
        "default",
        None,
    );
}

#[test]
fn a_role_that_a_plan_gives_lasts_as_long_as_the_longest() {
    let endless = [plan("canceled", "team"), plan("active", "team")];
    assert_eq!(role_of(None, json!({}), &[], &endless).2, None);
    let overdue = [plan("past_due", "team"), plan("canceled", "team")];
    assert_eq!(role_of(None, json!({}), &[], &overdue).2, Some(at(30)));
}

#[test]
fn the_plans_that_give_roles_are_named_with_their_rules() {
    let policy = full();
    let kind = RuleKind::Plan;
    let expected = (RoleSource::Rule { number: 5, kind }, "team");
    assert_eq!(policy.role_plans().collect::<Vec<_>>(), [expected]);
}

#[test]
fn what_cannot_be_understood_gives_the_least_and_is_reported() {
    let growth = [("org_1", "org:admin")];
    let unknown = |fact: &str| {
        vec![Notice {
            fact: fact.to_owned(),
            problem: NoticeProblem::UnknownValue,
        }]
    };
    let wrong = |found| {
        vec![Notice {
            fact: "public_metadata.access.role".to_owned(),
            problem: NoticeProblem::WrongType { found },
        }]
    };
    for (value, notices) in [
        (json!("root"), unknown("public_metadata.access.role")),
        (json!("Admin"), unknown("public_metadata.access.role")),
        (json!(" admin"), unknown("public_metadata.access.role")),
        (json!(""), unknown("public_metadata.access.role")),
        (json!(["admin"]), wrong("array")),
        (json!({"admin": true}), wrong("object")),
        (json!(1), wrong("number")),
        (json!(true), wrong("boolean")),
    ] {
        let found = role_of(None, json!({"access": {"role": value}}), &growth, &[]);
        assert_eq!(
            found,
            ("solo".to_owned(), "default".to_owned(), None, notices),
            "{value}"
        );
    }
    // What stands in the way of a path, even if it reads like an answer, is of the wrong type too.
    assert_eq!(
        role_of(None, json!({"access": "admin"}), &growth, &[]).3,
        wrong("string")
    );
    // A map knows only its own values.
    assert_eq!(
        role_of(None, json!({"segment": "admin"}), &[], &[]).3,
        unknown("public_metadata.segment")
    );
    assert_eq!(
        role_of(Some("owner"), json!({}), &growth, &[]),
        (
            "solo".to_owned(),
            "default".to_owned(),
            None,
            unknown("role_override")
        )
    );
    assert_eq!(
        tier_of(
            Some("gold"),
            json!({"tier": "max"}),
            &[plan("active", "pro")]
        ),
        (
            "free".to_owned(),
            TierSource::Default,
            None,
            unknown("tier_override")
        )
    );
    assert_eq!(
        tier_of(None, json!({"tier": "gold"}), &[]),
        (
            "free".to_owned(),
            TierSource::Default,
            None,
            unknown("public_metadata.tier")
        )
    );
    assert!(
        tier_of(None, json!({"tier": 3}), &[]).3[0]
            .to_string()
            .contains("number")
    );
}

#[test]
fn what_users_write_themselves_never_decides() {
    // Were Clerk's whole object put in the place of public_metadata, it would still say nothing.
    let users = json!({"unsafe_metadata": {"access": {"role": "admin"}, "tier": "max"}});
    assert_eq!(role_of(None, users.clone(), &[], &[]).0, "solo");
    assert_eq!(tier_of(None, users, &[]).0, "free");
}

#[test]
fn override_beats_plan_beats_metadata_beats_default() {
    let pro = [plan("canceled", "pro")];
    let said = json!({"tier": "max"});
    assert_eq!(
        tier_of(Some("free"), said.clone(), &pro),
        ("free".to_owned(), TierSource::Override, None, vec![])
    );
    assert_eq!(
        tier_of(None, said.clone(), &pro),
        ("paid".to_owned(), TierSource::Plan, Some(at(30)), vec![])
    );
    assert_eq!(
        tier_of(None, said, &[plan("active", "another")]),
        ("max".to_owned(), TierSource::PublicMetadata, None, vec![])
    );
    assert_eq!(
        tier_of(None, json!({}), &[]),
        ("free".to_owned(), TierSource::Default, None, vec![])
    );
}

#[test]
fn the_best_plan_in_force_gives_the_tier() {
    let policy = full();
    let both = [plan("active", "pro"), plan("canceled", "team")];
    let given = |now| {
        let BillingTier { tier, until } = policy.billing_tier(both.clone(), now);
        (tier.map(|tier| tier.to_string()), until)
    };
    assert_eq!(given(at(29)), (Some("max".to_owned()), Some(at(30))));
    assert_eq!(given(at(30)), (Some("paid".to_owned()), None));
    let none = policy.billing_tier([plan("active", "unheard-of")], at(0));
    assert_eq!(
        none,
        BillingTier {
            tier: None,
            until: None
        }
    );
}
