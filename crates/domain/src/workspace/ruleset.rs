//! Valuation rulesets: ordered rules that are evaluated on a listing.

use serde::Serialize;
use serde_json::Value;

use super::fields::Fields;
use super::{FieldProblem, Resource, Ruleset};

/// What its owner says of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValuationRuleset {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The rules in their order, a list as [`Ruleset`] says.
    pub rules: Value,
}

/// A change: `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ValuationRulesetPatch {
    /// What it is called.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<Option<String>>,
    /// The rules, as a whole.
    pub rules: Option<Value>,
}

impl Resource for ValuationRuleset {
    type Patch = ValuationRulesetPatch;
    const KIND: &'static str = "valuation_ruleset";

    fn patched(self, patch: ValuationRulesetPatch) -> Self {
        Self {
            name: patch.name.unwrap_or(self.name),
            description: patch.description.unwrap_or(self.description),
            rules: patch.rules.unwrap_or(self.rules),
        }
    }

    fn problems(&self) -> Vec<FieldProblem> {
        let mut fields = Fields::default();
        fields.title("name", &self.name);
        fields.text("description", self.description.as_deref());
        fields.json("rules", &self.rules);
        if let Err(error) = Ruleset::read(&self.rules) {
            fields.problem("rules", error.to_string());
        }
        fields.problems()
    }
}
