//! How well a listing fits: the mean of its fields, each by its weight.

use serde::Serialize;
use serde_json::Value;

use super::field::{Field, Held};
use crate::workspace::{Condition, Decimal, Listing};

/// The most weights of a profile.
pub const MAX_WEIGHTS: usize = 200;
/// Scores have so many digits after the point, halves to the even digit.
const SCORE_PLACES: u32 = 6;

/// What counts how much: `{"engine.power": "0.7", "noise": "-0.3", "condition": 1}`. A weight below nothing counts
/// against.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights(Vec<Weight>);

#[derive(Debug, Clone, PartialEq)]
struct Weight {
    name: String,
    field: Field,
    weight: Decimal,
}

/// A listing's score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Score {
    /// The sum of all parts, divided by the sum of all weights without their signs.
    pub score: Decimal,
    /// What it is made of, in the order of the fields' names.
    pub parts: Vec<ScorePart>,
    /// Fields that the listing does not have, or that are no numbers: they count as nothing.
    pub missing: Vec<String>,
}

/// What one field adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScorePart {
    /// Which.
    pub field: String,
    /// How much it counts.
    pub weight: Decimal,
    /// What it is: true is 1 and false 0, and a condition is between 1 (new) and 0 (broken).
    pub value: Decimal,
    /// The product of both.
    pub part: Decimal,
}

/// Why something is no weights.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// Of the whole.
    #[error("is not an object of at most {MAX_WEIGHTS} weights")]
    Object,
    /// Of one weight. Its name is not repeated: it is whatever somebody wrote.
    #[error("is not usable: weight {number} {problem}")]
    Weight {
        /// Which one, from 1, in the order of their names.
        number: usize,
        /// What is wrong.
        problem: &'static str,
    },
}

/// Why a listing has no score.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScoringError {
    /// A product or the sum has more digits than it may.
    #[error("the score is too large at the field {field:?}")]
    TooLarge {
        /// The field at which it became so.
        field: String,
    },
    /// There are no weights, or all of them are nothing.
    #[error("no field has a weight")]
    Weightless,
}

impl Weights {
    /// Reads weights through.
    ///
    /// # Errors
    /// [`WeightsError`].
    pub fn read(weights: &Value) -> Result<Self, WeightsError> {
        let Value::Object(weights) = weights else {
            return Err(WeightsError::Object);
        };
        if weights.len() > MAX_WEIGHTS {
            return Err(WeightsError::Object);
        }
        let mut sorted: Vec<_> = weights.iter().collect();
        sorted.sort_by_key(|(name, _)| *name);
        let weights = (1..).zip(sorted).map(|(number, (name, weight))| {
            let wrong = |problem| WeightsError::Weight { number, problem };
            let weight = match Held::of(weight) {
                Held::Number(weight) => Some(weight),
                Held::Text(weight) => weight.parse().ok(),
                _ => None,
            };
            Ok(Weight {
                name: name.clone(),
                field: Field::parse(name).ok_or_else(|| wrong("has no name of a field"))?,
                weight: weight.ok_or_else(|| wrong("is not a number"))?,
            })
        });
        weights.collect::<Result<_, _>>().map(Self)
    }
}

/// Scores a listing.
///
/// # Errors
/// [`ScoringError`].
pub fn score_listing(weights: &Weights, listing: &Listing) -> Result<Score, ScoringError> {
    let (mut sum, mut whole) = (Decimal::ZERO, Decimal::ZERO);
    let (mut parts, mut missing) = (Vec::new(), Vec::new());
    for Weight {
        name,
        field,
        weight,
    } in &weights.0
    {
        let too_large = || ScoringError::TooLarge {
            field: name.clone(),
        };
        let size = Decimal::exact(weight.value().abs()).ok();
        whole = size
            .and_then(|size| whole.checked_add(size))
            .ok_or_else(too_large)?;
        let Some(value) = number(field, listing) else {
            missing.push(name.clone());
            continue;
        };
        let part = weight.checked_mul(value).ok_or_else(too_large)?;
        sum = sum.checked_add(part).ok_or_else(too_large)?;
        parts.push(ScorePart {
            field: name.clone(),
            weight: *weight,
            value,
            part,
        });
    }
    let mean = sum.value().checked_div(whole.value());
    let mean = mean.ok_or(ScoringError::Weightless)?;
    let score = Decimal::exact(mean.round_dp(SCORE_PLACES));
    Ok(Score {
        score: score.map_err(|_| ScoringError::TooLarge {
            field: parts
                .last()
                .map_or_else(String::new, |part| part.field.clone()),
        })?,
        parts,
        missing,
    })
}

fn number(field: &Field, listing: &Listing) -> Option<Decimal> {
    if *field == Field::Condition {
        return listing.condition.and_then(rank);
    }
    match field.of(listing) {
        Held::Number(number) => Some(number),
        Held::Truth(true) => Some(Decimal::ONE),
        Held::Truth(false) => Some(Decimal::ZERO),
        _ => None,
    }
}

/// Fifths, from broken to new.
fn rank(condition: Condition) -> Option<Decimal> {
    let fifths = match condition {
        Condition::New => 5,
        Condition::LikeNew => 4,
        Condition::Good => 3,
        Condition::Fair => 2,
        Condition::Poor => 1,
        Condition::Broken => 0,
    };
    Decimal::exact(rust_decimal::Decimal::new(fifths * 2, 1)).ok()
}
