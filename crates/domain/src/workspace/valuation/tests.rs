use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::workspace::{Condition, ListingStatus};

fn listing() -> Listing {
    Listing {
        price: Some("1000.50".parse().unwrap()),
        currency: Some("EUR".to_owned()),
        condition: Some(Condition::Good),
        components: json!({
            "engine": {"hours": 1200.5, "fuel": "diesel", "power": 90},
            "tyres": [{"wear": 0.4}, {"wear": 0.9}],
            "tags": ["red", 4, true],
            "towbar": true,
            "price": "a component called price",
            "nothing": null,
            "huge": 1e300,
        }),
        status: ListingStatus::Active,
        ..Listing::titled("Tractor")
    }
}

fn valued(rules: &Value) -> Valuation {
    value_listing(&Ruleset::read(rules).unwrap(), &listing()).unwrap()
}

/// Whether a condition holds on the listing.
fn holds(condition: Value) -> bool {
    let rules = json!([{"name": "rule", "when": [condition], "effect": {"add": 1}}]);
    valued(&rules).applied.len() == 1
}

#[test]
fn rules_apply_in_their_order_each_on_what_those_before_it_left() {
    let rules = json!([
        {"name": "worn", "when": [{"field": "engine.hours", "op": "gt", "value": 1000}], "effect": {"multiply": "0.9"}},
        {"name": "electric", "when": [{"field": "engine.fuel", "op": "eq", "value": "electric"}], "effect": {"add": 500}},
        {"name": "towbar", "when": [{"field": "towbar", "op": "eq", "value": true}], "effect": {"add": "49.55"}},
        {"name": "always", "effect": {"add": "-0.1"}},
    ]);
    let valuation = valued(&rules);
    assert_eq!(valuation.value, "949.9".parse().unwrap());
    let applied: Vec<_> = valuation
        .applied
        .iter()
        .map(|it| (it.number, it.name.as_str()))
        .collect();
    assert_eq!(applied, [(1, "worn"), (3, "towbar"), (4, "always")]);
    assert_eq!(valuation.applied[1].before, valuation.applied[0].after);
    let json = serde_json::to_value(&valuation).unwrap();
    assert_eq!(json["applied"][0]["effect"], json!({"multiply": "0.9"}));
    assert_eq!(
        (json["price"].as_str(), json["currency"].as_str()),
        (Some("1000.5"), Some("EUR"))
    );

    let reversed: Vec<_> = rules.as_array().unwrap().iter().rev().cloned().collect();
    assert_eq!(
        valued(&reversed.into()).value,
        "944.955".parse().unwrap(),
        "the order counts"
    );
}

#[test]
fn a_listing_without_a_price_begins_at_nothing() {
    let rules = json!([{"name": "scrap", "effect": {"set": 12.5}}, {"name": "half", "effect": {"multiply": 0.5}}]);
    let free = Listing::titled("Gift");
    let valuation = value_listing(&Ruleset::read(&rules).unwrap(), &free).unwrap();
    assert_eq!(
        (valuation.price, valuation.value.to_string().as_str()),
        (None, "6.25")
    );
    assert_eq!(valued(&json!([])).value, listing().price.unwrap());
}

#[test]
fn conditions_compare_like_with_like() {
    for condition in [
        json!({"field": "condition", "op": "in", "value": ["good", "fair"]}),
        json!({"field": "condition", "op": "ne", "value": "new"}),
        json!({"field": "status", "op": "eq", "value": "active"}),
        json!({"field": "title", "op": "contains", "value": "ract"}),
        json!({"field": "price", "op": "eq", "value": 1000.5}),
        json!({"field": "price", "op": "lte", "value": "1000.50"}),
        json!({"field": "engine.hours", "op": "gte", "value": 1200.5}),
        json!({"field": "components.engine.hours", "op": "lt", "value": 1200.6}),
        json!({"field": "components.price", "op": "contains", "value": "called"}),
        json!({"field": "tyres.1.wear", "op": "eq", "value": 0.9}),
        json!({"field": "tags", "op": "contains", "value": "red"}),
        json!({"field": "tags", "op": "contains", "value": 4.0}),
        json!({"field": "engine", "op": "exists"}),
        json!({"field": "nothing", "op": "missing"}),
        json!({"field": "gearbox.gears", "op": "missing"}),
        json!({"field": "huge", "op": "exists"}),
    ] {
        assert!(holds(condition.clone()), "{condition}");
    }
    for condition in [
        json!({"field": "gearbox.gears", "op": "ne", "value": 5}),
        json!({"field": "nothing", "op": "exists"}),
        json!({"field": "engine.fuel", "op": "gt", "value": 1}),
        json!({"field": "engine.power", "op": "eq", "value": "90"}),
        json!({"field": "engine", "op": "eq", "value": "diesel"}),
        json!({"field": "tyres.2.wear", "op": "exists"}),
        json!({"field": "tyres.-1", "op": "exists"}),
        json!({"field": "tags", "op": "contains", "value": "re"}),
        json!({"field": "huge", "op": "gt", "value": 1}),
        json!({"field": "condition", "op": "in", "value": []}),
    ] {
        assert!(!holds(condition.clone()), "{condition}");
    }
}

#[test]
fn all_conditions_have_to_hold() {
    let rule = |hours: u32| {
        json!([{
            "name": "both",
            "when": [
                {"field": "condition", "op": "eq", "value": "good"},
                {"field": "engine.hours", "op": "gt", "value": hours},
            ],
            "effect": {"set": 1},
        }])
    };
    assert_eq!(valued(&rule(1000)).applied.len(), 1);
    assert_eq!(valued(&rule(2000)).applied.len(), 0);
}

#[test]
fn what_is_no_rule_is_named() {
    let condition = json!({"field": "a", "op": "exists"});
    for (rule, word) in [
        (json!(1), "not an object"),
        (json!(["name", [], {"add": 1}]), "not an object"),
        (json!({}), "name"),
        (
            json!({"name": " ", "effect": {"add": 1}}),
            "`name` is empty",
        ),
        (
            json!({"name": "a".repeat(201), "effect": {"add": 1}}),
            "longer",
        ),
        (json!({"name": "a"}), "effect"),
        (
            json!({"name": "a", "effect": {"divide": 1}}),
            "expected one of `add`",
        ),
        (json!({"name": "a", "effect": {"add": 1, "set": 2}}), ""),
        (
            json!({"name": "a", "effect": {"add": "much"}}),
            "not a number",
        ),
        (json!({"name": "a", "effect": {"add": 1e300}}), "too large"),
        (
            json!({"name": "a", "effect": {"add": 1}, "then": 1}),
            "expected one of `name`",
        ),
        (
            json!({"name": "a", "effect": {"add": 1}, "when": condition}),
            "",
        ),
        (
            json!({"name": "a", "effect": {"add": 1}, "when": vec![condition; 21]}),
            "more than 20",
        ),
    ] {
        let rules = json!([{"name": "fine", "effect": {"add": 1}}, rule]);
        let error = Ruleset::read(&rules).unwrap_err().to_string();
        assert!(
            error.contains("rule 2") && error.contains(word),
            "{rule}: {error}"
        );
    }
    let rule = json!({"name": "a", "effect": {"add": 1}});
    for no_list in [
        json!({}),
        json!(null),
        Value::Array(vec![rule.clone(); 201]),
    ] {
        assert_eq!(Ruleset::read(&no_list), Err(RulesetError::List));
    }
    assert!(Ruleset::read(&Value::Array(vec![rule; 200])).is_ok());
}

#[test]
fn what_is_no_condition_is_named() {
    for (condition, word) in [
        (json!({"field": "", "op": "exists"}), "`field`"),
        (json!({"field": "a..b", "op": "exists"}), "`field`"),
        (
            json!({"field": "a.".repeat(20) + "a", "op": "exists"}),
            "`field`",
        ),
        (json!({"field": "a".repeat(201), "op": "exists"}), "`field`"),
        (
            json!({"field": "a", "op": "matches", "value": ".*"}),
            "expected one of `eq`",
        ),
        (
            json!({"field": "a", "op": "exists", "value": 1}),
            "no `value`",
        ),
        (json!({"field": "a", "op": "eq"}), "missing"),
        (json!({"field": "a", "op": "eq", "value": null}), "missing"),
        (json!({"field": "a", "op": "eq", "value": {}}), "not a text"),
        (
            json!({"field": "a", "op": "gt", "value": "many"}),
            "not a number",
        ),
        (
            json!({"field": "a", "op": "gt", "value": [1]}),
            "not a number",
        ),
        (
            json!({"field": "a", "op": "in", "value": "a"}),
            "not a list",
        ),
        (
            json!({"field": "a", "op": "in", "value": vec![1; 101]}),
            "not a list",
        ),
        (
            json!({"field": "a", "op": "in", "value": [[1]]}),
            "not a text",
        ),
    ] {
        let rules = json!([{"name": "a", "when": [condition], "effect": {"add": 1}}]);
        let error = Ruleset::read(&rules).unwrap_err().to_string();
        assert!(
            error.contains("rule 1") && error.contains(word),
            "{condition}: {error}"
        );
    }
}

#[test]
fn a_value_that_does_not_fit_names_its_rule() {
    let rules = json!([{"name": "fine", "effect": {"add": 1}}, {"name": "absurd", "effect": {"multiply": 1e15}}]);
    let error = value_listing(&Ruleset::read(&rules).unwrap(), &listing()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "rule 2 (\"absurd\") makes the value too large"
    );
}

fn scored(weights: Value) -> Result<Score, ScoringError> {
    score_listing(&Weights::read(&weights).unwrap(), &listing())
}

#[test]
fn a_score_is_a_weighted_mean() {
    let score = scored(json!({"tyres.0.wear": "0.5", "towbar": 0.25, "condition": 0.25})).unwrap();
    assert_eq!(score.score, "0.6".parse().unwrap());
    let parts: Vec<_> = score
        .parts
        .iter()
        .map(|it| (it.field.as_str(), it.part.to_string()))
        .collect();
    assert_eq!(
        parts,
        [
            ("condition", "0.15".to_owned()),
            ("towbar", "0.25".to_owned()),
            ("tyres.0.wear", "0.2".to_owned())
        ]
    );
    let against =
        scored(json!({"towbar": 1, "tyres.1.wear": -2, "gearbox": 1, "title": 1})).unwrap();
    assert_eq!(
        (against.score.to_string().as_str(), against.missing),
        ("-0.16", vec!["gearbox".to_owned(), "title".to_owned()])
    );
    assert_eq!(
        scored(json!({"towbar": 3, "a": 3, "b": 3}))
            .unwrap()
            .score
            .to_string(),
        "0.333333"
    );
}

#[test]
fn scores_that_there_are_not() {
    assert_eq!(scored(json!({})), Err(ScoringError::Weightless));
    assert_eq!(
        scored(json!({"towbar": 0, "tyres": "0.0"})),
        Err(ScoringError::Weightless)
    );
    let most = json!({"price": 9e15, "towbar": 1});
    assert!(matches!(scored(most), Err(ScoringError::TooLarge { field }) if field == "price"));
    for (weights, word) in [
        (json!([1]), "object"),
        (json!({"a": "much"}), "weight 1 is not a number"),
        (json!({"a": 1, "b": null}), "weight 2 is not a number"),
        (json!({"": 1}), "no name"),
        (json!({"a": 1e300}), "not a number"),
        (
            Value::Object((0..201).map(|it| (it.to_string(), json!(1))).collect()),
            "object",
        ),
    ] {
        let error = Weights::read(&weights).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

/// Any JSON, of rules' words where it matters.
fn any_json() -> impl Strategy<Value = Value> {
    let words = prop_oneof![
        Just("name"),
        Just("when"),
        Just("effect"),
        Just("field"),
        Just("op"),
        Just("value"),
        Just("add"),
        Just("price"),
        Just("gt"),
        Just("eq"),
        Just("exists"),
        Just("condition"),
        Just("engine.hours"),
        Just("1e400"),
        Just("\u{0}"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
        "\\PC{0,5}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((words.clone().prop_map(str::to_owned), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused_and_any_components_are_valued(rules in any_json(), components in any_json()) {
        if let Ok(ruleset) = Ruleset::read(&json!([rules])) {
            let listing = Listing { components: components.clone(), ..listing() };
            let once = value_listing(&ruleset, &listing);
            prop_assert_eq!(once, value_listing(&ruleset, &listing));
        }
        let weights = Weights::read(&rules);
        if let Ok(weights) = weights {
            let listing = Listing { components, ..listing() };
            let _ = score_listing(&weights, &listing);
        }
    }

    #[test]
    fn conditions_on_any_components_never_fail(
        field in "[a-z0-9.]{1,12}", value in any_json(), components in any_json(),
        op in prop::sample::select(vec!["eq", "ne", "lt", "lte", "gt", "gte", "in", "contains", "exists", "missing"]),
    ) {
        let rules = json!([{"name": "a", "when": [{"field": field, "op": op, "value": value}], "effect": {"add": 1}}]);
        if let Ok(ruleset) = Ruleset::read(&rules) {
            let listing = Listing { components, ..listing() };
            prop_assert!(value_listing(&ruleset, &listing).is_ok());
        }
    }
}

#[test]
fn problems_repeat_nothing_of_the_rules() {
    let secret = "s3cret, expected s3cret";
    for rule in [
        json!({"name": "a", "effect": {"add": 1}, secret: 1}),
        json!({"name": "a", "effect": {secret: 1}}),
        json!({"name": "a", "effect": {"add": secret}}),
        json!({"name": "a", "effect": secret}),
        json!({"name": [secret], "effect": {"add": 1}}),
        json!({"name": "a", "effect": {"add": 1}, "when": secret}),
        json!({"name": "a", "effect": {"add": 1}, "when": [{"field": "a", "op": secret}]}),
        json!({"name": "a", "effect": {"add": 1}, "when": [{"field": secret.repeat(20), "op": "eq", "value": secret}]}),
    ] {
        let error = Ruleset::read(&json!([rule])).unwrap_err().to_string();
        assert!(!error.contains("s3cret"), "{error}");
    }
}
