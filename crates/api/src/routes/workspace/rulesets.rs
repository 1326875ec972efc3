//! Valuation rulesets.

use std::sync::Arc;

use domain::OwnedRows;
use domain::workspace::{ValuationRuleset, ValuationRulesetPatch};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::input::given;
use crate::owned::{Exposed, alike};

/// What listings are worth by: rules in their order.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ValuationRuleset)]
pub(crate) struct ValuationRulesetFields {
    /// What it is called: 200 characters at most.
    #[schema(example = "Used bicycles", max_length = 200)]
    name: String,
    /// What it is for: 10,000 characters at most.
    #[serde(default)]
    description: Option<String>,
    /// A rule applies when all its conditions hold. Operators are `eq`, `ne`, `lt`, `lte`, `gt`, `gte`, `in`, `contains`,
    /// `exists` and `missing`; effects are `add`, `multiply` and `set`. 200 rules at most.
    #[serde(default = "none")]
    #[schema(value_type = Vec<Object>, example = json!([
        {"name": "worn", "when": [{"field": "engine.hours", "op": "gt", "value": 1000}], "effect": {"multiply": "0.9"}}
    ]))]
    rules: Value,
}

fn none() -> Value {
    Value::Array(Vec::new())
}

/// A change of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValuationRulesetChanges {
    #[serde(default)]
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// As a whole.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Object>>)]
    rules: Option<Value>,
}

alike! {
    ValuationRulesetFields => ValuationRuleset { name, description, rules }
    ValuationRuleset => ValuationRulesetFields { name, description, rules }
    ValuationRulesetChanges => ValuationRulesetPatch { name, description, rules }
}

impl Exposed for ValuationRuleset {
    const PATH: &'static str = "/valuation-rulesets";
    const ONE: &'static str = "valuation ruleset";
    const MANY: &'static str = "valuation rulesets";

    type Fields = ValuationRulesetFields;
    type Changes = ValuationRulesetChanges;

    fn rows(app: &App) -> &Arc<dyn OwnedRows<Self>> {
        &app.workspace.rulesets
    }
}
