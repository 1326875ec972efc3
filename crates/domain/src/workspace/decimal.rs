//! Numbers that are kept as they were written: money, quantities, weights.
//!
//! A binary fraction cannot hold a tenth, so nothing here passes through one. A text that does not fit is refused; it is
//! never rounded to fit.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// The most digits before the decimal point.
pub const MAX_WHOLE_DIGITS: i64 = 16;
/// The most digits after the decimal point.
pub const MAX_DECIMAL_PLACES: i64 = 12;

/// A decimal number with at most [`MAX_WHOLE_DIGITS`] digits before the point and [`MAX_DECIMAL_PLACES`] after it, which
/// fits `numeric(28, 12)`. Zeros at the end are not kept: 12.50 is 12.5, on every database.
///
/// As JSON it is written as a string, since most readers would make a binary fraction of a number; it is read from a
/// string or from a number, digit by digit. (Not in a flattened or untagged part of a struct, where serde has made a
/// binary fraction of it before.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal(rust_decimal::Decimal);

/// Why a text is no [`Decimal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// It is written otherwise: with separators of thousands, a decimal comma, a currency, or it is no number at all.
    #[error(
        "is not a number: write digits, with a point before the decimals and without separators of thousands"
    )]
    NotANumber,
    /// Too many digits before the point.
    #[error("is too large: at most {MAX_WHOLE_DIGITS} digits before the decimal point")]
    TooLarge,
    /// Too many digits after the point.
    #[error("is too precise: at most {MAX_DECIMAL_PLACES} digits after the decimal point")]
    TooPrecise,
}

impl Decimal {
    /// Nothing.
    pub const ZERO: Self = Self(rust_decimal::Decimal::ZERO);
    /// One.
    pub const ONE: Self = Self(rust_decimal::Decimal::ONE);

    /// The number of a calculation, if it fits as it is.
    ///
    /// # Errors
    /// [`DecimalError::TooLarge`] and [`DecimalError::TooPrecise`].
    pub fn exact(value: rust_decimal::Decimal) -> Result<Self, DecimalError> {
        let value = value.normalize();
        if i64::from(value.scale()) > MAX_DECIMAL_PLACES {
            Err(DecimalError::TooPrecise)
        } else if value.trunc().mantissa().unsigned_abs() >= 10_u128.pow(16) {
            Err(DecimalError::TooLarge)
        } else {
            Ok(Self(value))
        }
    }

    /// To calculate with. Its operators round silently where they run out of digits: check what they give.
    #[must_use]
    pub fn value(self) -> rust_decimal::Decimal {
        self.0
    }

    /// Whether it is more than nothing.
    #[must_use]
    pub fn is_positive(self) -> bool {
        self > Self::ZERO
    }

    /// Whether it is less than nothing.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self < Self::ZERO
    }

    /// The sum, which is exact; `None` when it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::exact(self.0.checked_add(other.0)?).ok()
    }

    /// The product to [`MAX_DECIMAL_PLACES`] digits after the point, halves to the even digit; `None` when it does not
    /// fit.
    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let product = self.0.checked_mul(other.0)?;
        Self::exact(product.round_dp(u32::try_from(MAX_DECIMAL_PLACES).ok()?)).ok()
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<u32> for Decimal {
    fn from(value: u32) -> Self {
        Self(value.into())
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// Reads `12`, `-12.50`, `.5`, and `1e-7` as spreadsheets and programs write small numbers.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let (negative, unsigned) = match text.strip_prefix(['-', '+']) {
            Some(unsigned) => (text.starts_with('-'), unsigned),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(DecimalError::NotANumber);
        }
        let significant = digits.trim_start_matches('0').trim_end_matches('0');
        if significant.is_empty() {
            return Ok(Self::ZERO);
        }
        // The number is `significant` times ten to this power.
        let zeros = digits.len() - digits.trim_end_matches('0').len();
        let power = exponent.saturating_add(length(zeros)) - length(fraction.len());
        if length(significant.len()).saturating_add(power) > MAX_WHOLE_DIGITS {
            return Err(DecimalError::TooLarge);
        }
        if power < -MAX_DECIMAL_PLACES {
            return Err(DecimalError::TooPrecise);
        }
        // At most 28 digits, so that neither the integer nor the decimal can overflow.
        let integer: i128 = significant.parse().map_err(|_| DecimalError::TooLarge)?;
        let shift = u32::try_from(power.max(0)).map_err(|_| DecimalError::TooLarge)?;
        let scale = u32::try_from((-power).max(0)).map_err(|_| DecimalError::TooPrecise)?;
        let integer = 10_i128
            .checked_pow(shift)
            .and_then(|factor| integer.checked_mul(factor))
            .ok_or(DecimalError::TooLarge)?;
        let signed = if negative { -integer } else { integer };
        rust_decimal::Decimal::try_from_i128_with_scale(signed, scale)
            .map(Self)
            .map_err(|_| DecimalError::TooLarge)
    }
}

/// Beyond a million, one exponent is as absurd as the other.
fn exponent_of(text: &str) -> Result<i64, DecimalError> {
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(DecimalError::NotANumber);
    }
    let size = digits
        .parse::<i64>()
        .map_or(1 << 40, |size| size.min(1 << 40));
    Ok(if negative { -size } else { size })
}

fn length(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX >> 1)
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let text = json.get();
        if text.starts_with('"') {
            let text: String = serde_json::from_str(text).map_err(D::Error::custom)?;
            return text.parse().map_err(D::Error::custom);
        }
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<String, DecimalError> {
        text.parse::<Decimal>().map(|number| number.to_string())
    }

    #[test]
    fn a_number_is_kept_as_written() {
        for (text, kept) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.00", "0"),
            ("0e400", "0"),
            ("12", "12"),
            ("+12", "12"),
            ("007", "7"),
            ("12.50", "12.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-3.25", "-3.25"),
            ("0.1", "0.1"),
            ("1e3", "1000"),
            ("1E-7", "0.0000001"),
            ("1.5e+2", "150"),
            ("1200e-2", "12"),
            ("0.000000000001", "0.000000000001"),
            (
                "9999999999999999.999999999999",
                "9999999999999999.999999999999",
            ),
            ("1000000000000000.0000000000000000000", "1000000000000000"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(kept), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_not_rounded() {
        for text in [
            "10000000000000000",
            "1e16",
            "1e400",
            "-1e400",
            "1e99999999999999999999",
        ] {
            assert_eq!(read(text), Err(DecimalError::TooLarge), "{text}");
        }
        for text in [
            "0.0000000000001",
            "1e-13",
            "1e-400",
            "1e-99999999999999999999",
        ] {
            assert_eq!(read(text), Err(DecimalError::TooPrecise), "{text}");
        }
        for text in [
            "", " ", ".", "-", "+", "e5", "1e", "1e+", "1.2.3", "1,5", "1,000.00", "1_000", "0x10",
            "NaN", "inf", "Infinity", "$5", "5%", " 5", "5 ", "--5", "+-5", "=5", "5\0", "٥",
            "1e5.5", "1 000",
        ] {
            assert_eq!(read(text), Err(DecimalError::NotANumber), "{text:?}");
        }
    }

    #[test]
    fn json_numbers_are_read_digit_by_digit_and_written_as_strings() {
        let read = |json: &str| serde_json::from_str::<Decimal>(json);
        // As a binary fraction this would lose its last digits.
        for json in [
            "1234567890123456.789012345678",
            "\"1234567890123456.789012345678\"",
        ] {
            let number = read(json).unwrap();
            assert_eq!(
                serde_json::to_string(&number).unwrap(),
                "\"1234567890123456.789012345678\""
            );
        }
        assert_eq!(read("1e-7").unwrap(), "0.0000001".parse().unwrap());
        for json in [
            "null",
            "true",
            "[1]",
            "{\"a\":1}",
            "\"\"",
            "\"ten\"",
            "1e400",
        ] {
            assert!(read(json).is_err(), "{json}");
        }
        let value = serde_json::json!(12.25);
        assert_eq!(
            serde_json::from_value::<Decimal>(value)
                .unwrap()
                .to_string(),
            "12.25"
        );
    }

    #[test]
    fn results_that_do_not_fit_are_none() {
        let largest: Decimal = "9999999999999999.999999999999".parse().unwrap();
        let least: Decimal = "0.000000000001".parse().unwrap();
        assert_eq!(largest.checked_add(least), None);
        assert_eq!(largest.checked_mul(largest), None);
        assert_eq!(largest.checked_mul(Decimal::ONE), Some(largest));
        assert_eq!(least.checked_mul(least), Some(Decimal::ZERO));
        let tenth: Decimal = "0.1".parse().unwrap();
        let fifth: Decimal = "0.2".parse().unwrap();
        assert_eq!(tenth.checked_add(fifth), "0.3".parse().ok());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            if let Ok(number) = text.parse::<Decimal>() {
                prop_assert_eq!(number.to_string().parse::<Decimal>(), Ok(number));
            }
        }

        #[test]
        fn any_number_survives_text_and_json(
            integer in -9_999_999_999_999_999_i64..=9_999_999_999_999_999, fraction in 0_u64..1_000_000_000_000,
        ) {
            let text = format!("{integer}.{fraction:012}");
            let number: Decimal = text.parse().unwrap();
            prop_assert_eq!(number.to_string().parse::<Decimal>(), Ok(number));
            prop_assert_eq!(serde_json::from_str::<Decimal>(&text).unwrap(), number);
            prop_assert_eq!(Decimal::exact(number.value()), Ok(number));
        }
    }
}
