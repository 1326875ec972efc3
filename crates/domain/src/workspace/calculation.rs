//! What a portfolio cost, what it is worth, and how much of that each position is.

mod total;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;
pub use total::Total;

use super::{Decimal, Position, Symbol};

/// Weights have so many digits after the point.
const WEIGHT_PLACES: u32 = 6;

/// A portfolio in figures. Sums and products are exact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Calculation {
    /// What all positions cost.
    pub cost: Total,
    /// What they are worth.
    pub value: Total,
    /// What that is more than they cost; negative when it is less.
    pub gain: Total,
    /// Each position, in the order in which they were given.
    pub positions: Vec<PositionFigures>,
}

/// A position in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PositionFigures {
    /// What it is of.
    pub symbol: Symbol,
    /// How much.
    pub quantity: Decimal,
    /// What it cost.
    pub cost: Total,
    /// What one of it is worth.
    pub price: Decimal,
    /// Whether that is what it cost, because nobody said what it is worth now.
    pub is_entry_price: bool,
    /// What it is worth.
    pub value: Total,
    /// Its share of the portfolio's value, rounded so that all shares together are exactly 1; 0 when nothing is worth
    /// anything.
    pub weight: Decimal,
}

/// Why a portfolio cannot be calculated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalculationError {
    /// A row from before, perhaps: positions that are less than nothing have no place in these figures.
    #[error("position {number} ({symbol}): its {figure} is less than nothing")]
    Negative {
        /// Which position, from 1.
        number: usize,
        /// What it is of.
        symbol: Symbol,
        /// What of it.
        figure: &'static str,
    },
    /// A figure has more digits than are counted here.
    #[error(
        "the {figure} of all positions is too large to be exact, from position {number} ({symbol}) on"
    )]
    TooLarge {
        /// Where the sum stopped, from 1.
        number: usize,
        /// What that position is of.
        symbol: Symbol,
        /// Which sum.
        figure: &'static str,
    },
}

impl CalculationError {
    /// A word for it that stays.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Negative { .. } => "position_negative",
            Self::TooLarge { .. } => "total_too_large",
        }
    }
}

/// Calculates a portfolio. A position whose symbol has no price is worth what it cost.
///
/// # Errors
/// [`CalculationError`], which names the position.
pub fn calculate(
    positions: &[Position],
    prices: &BTreeMap<Symbol, Decimal>,
) -> Result<Calculation, CalculationError> {
    let (mut cost, mut value) = (Total::ZERO, Total::ZERO);
    let mut figures = Vec::with_capacity(positions.len());
    for (number, position) in (1..).zip(positions) {
        let symbol = || position.symbol.clone();
        let price = prices.get(&position.symbol).copied();
        let its = PositionFigures {
            symbol: symbol(),
            quantity: position.quantity,
            price: price.unwrap_or(position.entry_price),
            is_entry_price: price.is_none(),
            cost: Total::ZERO,
            value: Total::ZERO,
            weight: Decimal::ZERO,
        };
        let product = |price, figure| {
            Total::product(position.quantity, price).ok_or_else(|| CalculationError::Negative {
                number,
                symbol: symbol(),
                figure,
            })
        };
        let sum = |so_far: Total, more, figure| {
            so_far.plus(more).ok_or_else(|| CalculationError::TooLarge {
                number,
                symbol: symbol(),
                figure,
            })
        };
        let its = PositionFigures {
            cost: product(position.entry_price, "cost")?,
            value: product(its.price, "value")?,
            ..its
        };
        cost = sum(cost, its.cost, "cost")?;
        value = sum(value, its.value, "value")?;
        figures.push(its);
    }
    weigh(&mut figures, value);
    Ok(Calculation {
        cost,
        value,
        gain: value.minus(cost),
        positions: figures,
    })
}

/// Largest remainder: everybody's share is cut off, and what is left goes to those of whom most was cut off, the first
/// ones among equals.
fn weigh(figures: &mut [PositionFigures], whole: Total) {
    if whole == Total::ZERO {
        return;
    }
    let units = 10_u32.pow(WEIGHT_PLACES);
    let mut shares: Vec<_> = figures
        .iter()
        .map(|its| its.value.share_of(whole, WEIGHT_PLACES))
        .collect();
    let given = shares.iter().map(|(share, _)| share).sum::<u32>();
    let left = usize::try_from(units.saturating_sub(given)).unwrap_or(0);
    let mut order: Vec<_> = (0..shares.len()).collect();
    order.sort_by_key(|place| (shares.get(*place).map(|(_, rest)| Reverse(*rest)), *place));
    for place in order.into_iter().take(left) {
        if let Some((share, _)) = shares.get_mut(place) {
            *share = share.saturating_add(1);
        }
    }
    for (its, (share, _)) in figures.iter_mut().zip(shares) {
        let weight = rust_decimal::Decimal::new(i64::from(share), WEIGHT_PLACES);
        its.weight = Decimal::exact(weight).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn position(symbol: &str, quantity: &str, entry_price: &str) -> Position {
        Position {
            portfolio_id: Uuid::nil(),
            symbol: symbol.parse().unwrap(),
            quantity: quantity.parse().unwrap(),
            entry_price: entry_price.parse().unwrap(),
            entry_date: None,
        }
    }

    fn prices(prices: &[(&str, &str)]) -> BTreeMap<Symbol, Decimal> {
        prices
            .iter()
            .map(|(symbol, price)| (symbol.parse().unwrap(), price.parse().unwrap()))
            .collect()
    }

    fn weights(of: &Calculation) -> Vec<String> {
        of.positions
            .iter()
            .map(|its| its.weight.to_string())
            .collect()
    }

    #[test]
    fn a_portfolio_in_figures() {
        let positions = [
            position("AAPL", "10", "150.25"),
            position("BTC-USD", "0.1", "0.2"),
            position("MSFT", "3", "100"),
        ];
        let result = calculate(&positions, &prices(&[("MSFT", "99.9"), ("TSLA", "1")])).unwrap();
        assert_eq!(result.cost.to_string(), "1802.52");
        assert_eq!(result.value.to_string(), "1802.22");
        assert_eq!(result.gain.to_string(), "-0.3");
        assert_eq!(result.positions[1].cost.to_string(), "0.02");
        assert_eq!(weights(&result), ["0.833694", "0.000011", "0.166295"]);
        let entry: Vec<_> = result
            .positions
            .iter()
            .map(|its| its.is_entry_price)
            .collect();
        assert_eq!(entry, [true, true, false]);
        let json = serde_json::to_value(&result).unwrap();
        assert_eq!(json["positions"][2]["value"], "299.7");
    }

    #[test]
    fn nothing_and_nothing_of_worth() {
        let empty = calculate(&[], &BTreeMap::new()).unwrap();
        assert_eq!((empty.value, empty.positions.len()), (Total::ZERO, 0));
        let worthless = calculate(&[position("A", "1", "0")], &BTreeMap::new()).unwrap();
        assert_eq!(weights(&worthless), ["0"]);
    }

    #[test]
    fn thirds_are_one_together() {
        let thirds = [
            position("A", "1", "1"),
            position("B", "1", "1"),
            position("C", "1", "1"),
        ];
        let result = calculate(&thirds, &BTreeMap::new()).unwrap();
        assert_eq!(weights(&result), ["0.333334", "0.333333", "0.333333"]);
    }

    #[test]
    fn the_largest_numbers_are_exact() {
        let most = "9999999999999999.999999999999";
        let result = calculate(
            &[
                position("A", most, most),
                position("B", "0.000000000001", "0.000000000001"),
            ],
            &BTreeMap::new(),
        );
        assert_eq!(
            result.unwrap().cost.to_string(),
            "99999999999999999999999999980000.000000000000000000000002"
        );
    }

    #[test]
    fn what_is_less_than_nothing_is_named() {
        let positions = [position("A", "1", "1"), position("B", "-1", "1")];
        let error = calculate(&positions, &BTreeMap::new()).unwrap_err();
        assert_eq!(error.code(), "position_negative");
        assert_eq!(
            error.to_string(),
            "position 2 (B): its cost is less than nothing"
        );
        let error = calculate(&positions[..1], &prices(&[("A", "-1")])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "position 1 (A): its value is less than nothing"
        );
    }

    proptest! {
        #[test]
        fn weights_are_always_one_together(
            amounts in prop::collection::vec((1_u64..1 << 60, 0_u64..1 << 60), 1..40),
        ) {
            let positions: Vec<_> = amounts.iter()
                .map(|(quantity, price)| position("A", &format!("{quantity}e-9"), &format!("{price}e-12")))
                .collect();
            let result = calculate(&positions, &BTreeMap::new()).unwrap();
            let sum = result.positions.iter().try_fold(Decimal::ZERO, |sum, its| sum.checked_add(its.weight));
            let any = amounts.iter().any(|(_, price)| *price > 0);
            prop_assert_eq!(sum, Some(if any { Decimal::ONE } else { Decimal::ZERO }));
            let cost: u128 = amounts.iter().map(|(quantity, price)| u128::from(*quantity) * u128::from(*price)).sum();
            prop_assert_eq!(result.cost.to_string().replace('.', "").trim_start_matches('0').trim_end_matches('0').to_owned(),
                cost.to_string().trim_start_matches('0').trim_end_matches('0').to_owned());
        }
    }
}
