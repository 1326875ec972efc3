//! The guide's policy file is valid, and gives what the guide's table says.

use chrono::DateTime;
use domain::{Coverage, MembershipFact, Policy, RoleFacts, TierFacts};
use serde_json::{Value, json};

const GUIDE: &str = include_str!("../../../../docs/guides/roles-tiers-and-limits.md");

/// The one fenced block of TOML.
fn worked_file() -> &'static str {
    let mut blocks = GUIDE.split("```toml\n").skip(1);
    let block = blocks.next().unwrap();
    assert!(blocks.next().is_none(), "a second file would not be tested");
    block.split("```").next().unwrap()
}

fn row(metadata: Value, organization: Option<&str>, plan: Option<&str>, trial: bool) -> String {
    let policy = Policy::parse(worked_file()).unwrap_or_else(|errors| panic!("{errors}"));
    let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let public_metadata = metadata.as_object().unwrap();
    let memberships: Vec<_> = organization
        .map(|organization_id| MembershipFact {
            organization_id,
            role: "org:admin",
        })
        .into_iter()
        .collect();
    let plans: Vec<_> = plan
        .map(|plan_slug| Coverage {
            status: "active",
            plan_slug,
            period_end: None,
            past_due_since: now,
            is_free_trial: trial,
        })
        .into_iter()
        .collect();
    let role = policy.role(
        &RoleFacts {
            overridden: None,
            public_metadata,
            memberships: &memberships,
            plans: &plans,
        },
        now,
    );
    let tier = policy.tier(
        &TierFacts {
            overridden: None,
            public_metadata,
            plans: &plans,
        },
        now,
    );
    let notice = if role.notices.is_empty() {
        ""
    } else {
        ", with a notice"
    };
    format!(
        "| `{}`{notice} | `{}` | `{}` | `{}` |",
        role.role, role.source, tier.tier, tier.source
    )
}

#[test]
fn the_table_says_what_follows_from_the_file() {
    const STAFF: &str = "org_2aBcDeFgHiJkLmNoPqRsTuVwXyZ";
    let somewhere = Some("org_1");
    let rows = [
        ("| none ", row(json!({}), None, None, false)),
        (
            "| `{\"access\": {\"role\": \"support\"}}`, and",
            row(
                json!({"access": {"role": "support"}}),
                somewhere,
                None,
                false,
            ),
        ),
        (
            "| `{\"crm_segment\": \"key_account\", \"tier\": \"plus\"}`",
            row(
                json!({"crm_segment": "key_account", "tier": "plus"}),
                None,
                None,
                false,
            ),
        ),
        (
            "| `{\"crm_segment\": \"prospect\"}`, and",
            row(json!({"crm_segment": "prospect"}), somewhere, None, false),
        ),
        ("| `org:admin` of", row(json!({}), Some(STAFF), None, false)),
        (
            "| pays for `team`",
            row(json!({"tier": "plus"}), None, Some("team"), false),
        ),
        ("| tries `team`", row(json!({}), None, Some("team"), true)),
    ];
    for (begins, ends) in rows {
        let found = GUIDE.lines().find(|line| line.starts_with(begins));
        let found = found.unwrap_or_else(|| panic!("no row of the guide begins {begins}"));
        assert!(found.ends_with(&ends), "{found}\nshould end {ends}");
    }
}

#[test]
fn every_entry_of_a_policy_file_is_in_the_guide() {
    // The reader itself says what it knows, when it is asked for what it does not.
    let asked = [
        ("", "zz = 1\n"),
        ("roles.", "[roles]\nzz = 1\n"),
        ("tiers.", "[[tiers]]\nzz = 1\n"),
        ("tier_rule.", "[tier_rule]\nzz = 1\n"),
        ("billing.", "[billing]\nzz = 1\n"),
        ("role_rules.", "[[role_rules]]\nplan = \"a\"\nzz = 1\n"),
    ];
    let entries = GUIDE.split("## Every entry").nth(1).unwrap();
    let entries = entries.split("\n## ").next().unwrap();
    for (section, text) in asked {
        let faults = Policy::parse(text).unwrap_err().0;
        let known = faults
            .iter()
            .filter(|fault| fault.message.starts_with("`zz`"))
            .find_map(|fault| fault.message.split("use one of ").nth(1))
            .unwrap_or_else(|| panic!("{section} takes anything: {faults:?}"));
        for name in known.split(", ") {
            let spelled = [
                format!("`{section}{name}`"),
                format!("`.{name}`"),
                format!("`{name}."),
            ];
            assert!(
                spelled
                    .iter()
                    .any(|spelled| entries.contains(spelled.as_str())),
                "{section}{name} is not in the guide"
            );
        }
    }
}
