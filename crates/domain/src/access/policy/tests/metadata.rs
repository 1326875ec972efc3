//! Roles as `public_metadata` says them.

use serde_json::{Map, Value, json};

use super::full;
use crate::Policy;

#[test]
fn a_role_is_written_where_the_first_rule_looks() {
    let policy = full();
    let role = |name: &str| policy.role_named(name).unwrap().clone();
    let into = |metadata: Value, name: &str| {
        let metadata = metadata.as_object().unwrap().clone();
        policy.role_into(&metadata, &role(name))
    };
    let growth = Some(json!({"access": {"role": "growth"}}));
    assert_eq!(into(json!({}), "growth"), growth);
    assert_eq!(into(json!({"access": {"role": "solo"}}), "growth"), growth);
    assert_eq!(into(json!({"access": ["odd"]}), "growth"), growth);
    assert_eq!(into(json!({"access": {"role": "growth"}}), "growth"), None);

    let out_of = |metadata: Value, name: &str| {
        let metadata = metadata.as_object().unwrap().clone();
        policy.role_out_of(&metadata, &role(name))
    };
    let gone = Some(json!({"access": {"role": null}}));
    assert_eq!(
        out_of(json!({"access": {"role": "growth"}}), "growth"),
        gone
    );
    for other in [
        json!({}),
        json!({"access": {"role": "solo"}}),
        json!({"access": 1}),
    ] {
        assert_eq!(out_of(other, "growth"), None);
    }
}

#[test]
fn a_role_is_written_by_a_word_that_means_it_or_not_at_all() {
    let text = |rules: &str| {
        format!(
            "[roles]\nnames = [\"solo\", \"big\", \"admin\"]\ndefault = \"solo\"\nadmin = \"admin\"\n\
             {rules}\n[[tiers]]\nname = \"free\"\nmax_portfolios = 1\nper_month = {{}}\n"
        )
    };
    let mapped = text(
        "[[role_rules]]\npublic_metadata = \"segment\"\nvalues = { large = \"big\", small = \"solo\" }\n",
    );
    let policy = Policy::parse(&mapped).unwrap();
    let role = |name: &str| policy.role_named(name).unwrap().clone();
    let none = Map::new();
    let large = Some(json!({"segment": "large"}));
    assert_eq!(policy.role_into(&none, &role("big")), large);
    assert_eq!(policy.role_into(&none, &role("admin")), None);

    // Its own name comes first where it means the role, and is no word for it where it means another one.
    let both = mapped.replace("large = \"big\"", "a = \"big\", big = \"big\"");
    let policy = Policy::parse(&both).unwrap();
    let big = Some(json!({"segment": "big"}));
    assert_eq!(policy.role_into(&none, &role("big")), big);
    let crossed = mapped.replace("small =", "big =");
    let policy = Policy::parse(&crossed).unwrap();
    assert_eq!(policy.role_into(&none, &role("big")), large);
    let silent = Policy::parse(&text("")).unwrap();
    assert_eq!(silent.role_into(&none, &role("big")), None);
    assert_eq!(silent.role_out_of(&none, &role("big")), None);
}
