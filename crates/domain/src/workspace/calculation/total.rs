//! Products of two [`Decimal`]s and their sums, to the last digit: up to 56 digits and more, which no machine word and no
//! ready decimal holds.

use std::cmp::Ordering;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::workspace::Decimal;
use crate::workspace::decimal::MAX_DECIMAL_PLACES;

/// Half the digits of a [`Decimal`] as an integer.
const HALF: u128 = 10_u128.pow(14);
/// All of them.
const FULL: u128 = 10_u128.pow(28);
/// Digits after the point of a product.
const PLACES: usize = 2 * MAX_DECIMAL_PLACES as usize;

/// A sum of products, exact. It is written as a string, without zeros at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    is_negative: bool,
    size: Size,
}

/// `high` times 10^28 and `low`, which is less than that, in units of the last place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Size {
    high: u128,
    low: u128,
}

impl Total {
    /// Nothing.
    pub const ZERO: Self = Self::positive(Size { high: 0, low: 0 });

    const fn positive(size: Size) -> Self {
        Self {
            is_negative: false,
            size,
        }
    }

    /// `None` when one of the factors is less than nothing.
    pub(super) fn product(one: Decimal, other: Decimal) -> Option<Self> {
        let (one, other) = (units(one)?, units(other)?);
        // As on paper, with two digits each, of which a digit is a number of 14.
        let (one_high, one_low) = (one / HALF, one % HALF);
        let (other_high, other_low) = (other / HALF, other % HALF);
        let middle = one_high * other_low + one_low * other_high;
        let low = one_low * other_low + middle % HALF * HALF;
        Some(Self::positive(Size {
            high: one_high * other_high + middle / HALF + low / FULL,
            low: low % FULL,
        }))
    }

    /// The sum of two that are not less than nothing; `None` when it has more digits than fit.
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let low = self.size.low + other.size.low;
        let high = self.size.high.checked_add(other.size.high)?;
        // Room for one more digit, which shares are made with.
        let high = high
            .checked_add(low / FULL)
            .filter(|high| *high < u128::MAX / 16)?;
        Some(Self::positive(Size {
            high,
            low: low % FULL,
        }))
    }

    /// The difference of two that are not less than nothing.
    pub(super) fn minus(self, other: Self) -> Self {
        match self.size.cmp(&other.size) {
            Ordering::Less => Self {
                is_negative: true,
                size: other.size.less(self.size),
            },
            Ordering::Equal => Self::ZERO,
            Ordering::Greater => Self::positive(self.size.less(other.size)),
        }
    }

    /// How often a whole goes into this, which is not more than it, in units of so many places; and what is left of it
    /// then, which can be compared with what is left of others. The whole is not nothing.
    pub(super) fn share_of(self, whole: Self, places: u32) -> (u32, Size) {
        let mut left = self.size;
        let mut share = 0_u32;
        // Long division, digit by digit. The first one is before the point.
        for place in 0..=places {
            if place > 0 {
                left = left.tenfold();
                share = share.saturating_mul(10);
            }
            while left >= whole.size {
                left = left.less(whole.size);
                share = share.saturating_add(1);
            }
        }
        (share, left)
    }
}

impl Size {
    /// What is left when something not greater is taken away.
    fn less(self, other: Self) -> Self {
        let (high, low) = if self.low >= other.low {
            (self.high, self.low - other.low)
        } else {
            (self.high.saturating_sub(1), self.low + FULL - other.low)
        };
        Self {
            high: high.saturating_sub(other.high),
            low,
        }
    }

    fn tenfold(self) -> Self {
        let low = self.low * 10;
        Self {
            high: self.high.saturating_mul(10).saturating_add(low / FULL),
            low: low % FULL,
        }
    }
}

/// A number in units of its last place, less than 10^28.
fn units(number: Decimal) -> Option<u128> {
    let value = number.value();
    let missing = u32::try_from(MAX_DECIMAL_PLACES)
        .ok()?
        .checked_sub(value.scale())?;
    u128::try_from(value.mantissa())
        .ok()?
        .checked_mul(10_u128.pow(missing))
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{}{:028}", self.size.high, self.size.low);
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(PLACES));
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let sign = if self.is_negative { "-" } else { "" };
        let whole = if whole.is_empty() { "0" } else { whole };
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction}")
    }
}

impl Serialize for Total {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(one: &str, other: &str) -> Total {
        Total::product(one.parse().unwrap(), other.parse().unwrap()).unwrap()
    }

    #[test]
    fn products_are_written_as_on_paper() {
        for (one, other, is) in [
            ("0", "5", "0"),
            ("1", "1", "1"),
            ("0.1", "0.2", "0.02"),
            ("12.5", "8", "100"),
            (
                "0.000000000001",
                "0.000000000001",
                "0.000000000000000000000001",
            ),
            (
                "9999999999999999",
                "9999999999999999",
                "99999999999999980000000000000001",
            ),
            (
                "1234567890123456.789012345678",
                "0.5",
                "617283945061728.394506172839",
            ),
        ] {
            assert_eq!(product(one, other).to_string(), is);
        }
        assert_eq!(Total::product("-1".parse().unwrap(), Decimal::ONE), None);
    }

    #[test]
    fn sums_carry_and_differences_borrow() {
        let nines = product("9999999999999999.999999999999", "1");
        let least = product("0.000000000001", "1");
        let sum = nines.plus(least).unwrap();
        assert_eq!(sum.to_string(), "10000000000000000");
        assert_eq!(sum.minus(least), nines);
        assert_eq!(
            least.minus(sum).to_string(),
            "-9999999999999999.999999999999"
        );
        assert_eq!(sum.minus(sum), Total::ZERO);
    }

    #[test]
    fn a_sum_ends_where_it_would_not_be_exact() {
        let most = product("9999999999999999", "9999999999999999");
        let doubled = (0..64).try_fold(most, |sum, _| sum.plus(sum));
        assert_eq!(doubled, None);
    }
}
