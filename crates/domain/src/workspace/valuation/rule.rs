//! Rules as users write them, read through.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::condition::{Condition, Written};
use crate::workspace::{Decimal, Listing};

/// The most rules of a ruleset.
pub const MAX_RULES: usize = 200;
/// The most conditions of a rule.
pub const MAX_CONDITIONS: usize = 20;
/// The longest name of a rule, in characters.
const MAX_NAME_LENGTH: usize = 200;

/// Rules in their order:
///
/// ```json
/// [{"name": "worn", "when": [{"field": "engine.hours", "op": "gt", "value": 1000}], "effect": {"multiply": "0.9"}}]
/// ```
///
/// A rule applies when all its conditions hold; without any it always does. Operators are `eq`, `ne`, `lt`, `lte`, `gt`,
/// `gte`, `in`, `contains`, `exists` and `missing`; effects are `add`, `multiply` and `set`.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruleset(Vec<Rule>);

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    pub(super) name: String,
    conditions: Vec<Condition>,
    pub(super) effect: Effect,
}

/// What a rule does to the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Adds this, or takes it away when it is less than nothing.
    Add(Decimal),
    /// Multiplies by this.
    Multiply(Decimal),
    /// Puts this in its place.
    Set(Decimal),
}

/// Why something is no ruleset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesetError {
    /// Of the whole.
    #[error("is not a list of at most {MAX_RULES} rules")]
    List,
    /// Of one rule.
    #[error("is not usable: rule {number}: {problem}")]
    Rule {
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    name: String,
    #[serde(default)]
    when: Vec<Written>,
    effect: Effect,
}

impl Ruleset {
    /// Reads rules through.
    ///
    /// # Errors
    /// [`RulesetError`], which names the first rule that is none.
    pub fn read(rules: &Value) -> Result<Self, RulesetError> {
        let Value::Array(rules) = rules else {
            return Err(RulesetError::List);
        };
        if rules.len() > MAX_RULES {
            return Err(RulesetError::List);
        }
        let rules = (1..).zip(rules).map(|(number, rule)| {
            Rule::read(rule).map_err(|problem| RulesetError::Rule { number, problem })
        });
        rules.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.0
    }
}

impl Rule {
    fn read(rule: &Value) -> Result<Self, String> {
        // A list would be taken for the fields in their order.
        if !rule.is_object() {
            return Err("it is not an object".to_owned());
        }
        let WrittenRule { name, when, effect } =
            WrittenRule::deserialize(rule).map_err(|error| expected(&error.to_string()))?;
        if name.trim().is_empty() || name.chars().count() > MAX_NAME_LENGTH {
            return Err(format!(
                "`name` is empty or longer than {MAX_NAME_LENGTH} characters"
            ));
        }
        if when.len() > MAX_CONDITIONS {
            return Err(format!("`when` has more than {MAX_CONDITIONS} conditions"));
        }
        let conditions = (1..).zip(when).map(|(number, written)| {
            Condition::read(written).map_err(|problem| format!("condition {number}: {problem}"))
        });
        Ok(Self {
            name,
            conditions: conditions.collect::<Result<_, _>>()?,
            effect,
        })
    }

    pub(super) fn holds(&self, listing: &Listing) -> bool {
        self.conditions
            .iter()
            .all(|condition| condition.holds(listing))
    }
}

/// A reader's message without what stands in the rule: what it expected comes last.
fn expected(message: &str) -> String {
    match message.rsplit_once(", expected") {
        Some((_, what)) => format!("a part is not known or of another kind: expected{what}"),
        None => message.to_owned(),
    }
}

impl Effect {
    /// The value after it; `None` when it does not fit.
    pub(super) fn on(self, value: Decimal) -> Option<Decimal> {
        match self {
            Self::Add(more) => value.checked_add(more),
            Self::Multiply(factor) => value.checked_mul(factor),
            Self::Set(other) => Some(other),
        }
    }
}
