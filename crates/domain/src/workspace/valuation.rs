//! What a listing is worth by a team's own rules, and how well it fits somebody's weights.
//!
//! Rules and weights are data that users write. They are bounded, they call nothing, and they are read through before
//! anything is evaluated, so that evaluating takes time in proportion to their size.

mod condition;
mod field;
mod rule;
mod scoring;

use serde::Serialize;

use super::{Decimal, Listing};
pub use rule::{Effect, MAX_CONDITIONS, MAX_RULES, Ruleset, RulesetError};
pub use scoring::{
    MAX_WEIGHTS, Score, ScorePart, ScoringError, Weights, WeightsError, score_listing,
};

/// What a listing is worth, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Valuation {
    /// What it costs: where the rules began. `None` when it has no price; they began at nothing then.
    pub price: Option<Decimal>,
    /// In which currency that is, and all that follows.
    pub currency: Option<String>,
    /// What it is worth.
    pub value: Decimal,
    /// Every rule that applied, in order.
    pub applied: Vec<AppliedRule>,
}

/// A rule that applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppliedRule {
    /// Which one, from 1.
    pub number: usize,
    /// What it is called.
    pub name: String,
    /// What it did.
    pub effect: Effect,
    /// The value before it.
    pub before: Decimal,
    /// The value after it. A product is rounded to 12 digits after the point, halves to the even digit.
    pub after: Decimal,
}

/// Why a listing cannot be valued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValuationError {
    /// The value has more digits than it may.
    #[error("rule {number} ({name:?}) makes the value too large")]
    TooLarge {
        /// The rule that did it, from 1.
        number: usize,
        /// What it is called.
        name: String,
    },
}

/// Values a listing: every rule whose conditions all hold, in order, each on what those before it left.
///
/// # Errors
/// [`ValuationError`], which names the rule.
pub fn value_listing(ruleset: &Ruleset, listing: &Listing) -> Result<Valuation, ValuationError> {
    let mut value = listing.price.unwrap_or_default();
    let mut applied = Vec::new();
    for (number, rule) in (1..).zip(ruleset.rules()) {
        if !rule.holds(listing) {
            continue;
        }
        let before = value;
        value = rule
            .effect
            .on(before)
            .ok_or_else(|| ValuationError::TooLarge {
                number,
                name: rule.name.clone(),
            })?;
        applied.push(AppliedRule {
            number,
            name: rule.name.clone(),
            effect: rule.effect,
            before,
            after: value,
        });
    }
    Ok(Valuation {
        price: listing.price,
        currency: listing.currency.clone(),
        value,
        applied,
    })
}

#[cfg(test)]
mod tests;
