//! What a position is of: the short name under which something is traded.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most characters of a symbol.
pub const MAX_SYMBOL_LENGTH: usize = 32;

/// The signs that exchanges and data vendors put into symbols: `BRK.B`, `BTC-USD`, `EURUSD=X`, `NASDAQ:AAPL`, `BTC/USD`.
const SIGNS: &[u8] = b".-_/:=^";

/// A symbol, in capital letters: `AAPL`, `BRK.B`, `^GSPC`.
///
/// It begins with a letter, a digit or `^`, so that no spreadsheet that it is exported to takes it for a formula.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(String);

/// Why a text is no [`Symbol`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SymbolError {
    /// Nothing stands there.
    #[error("is empty")]
    Empty,
    /// It is longer than any symbol is.
    #[error("is longer than {MAX_SYMBOL_LENGTH} characters")]
    TooLong,
    /// It begins as a formula does.
    #[error("begins with `=`, `+`, `-` or `@`, as a formula does")]
    Formula,
    /// It holds something else than letters, digits and the usual signs.
    #[error(
        "may hold letters, digits and . - _ / : = ^ only, and begins with a letter, a digit or ^"
    )]
    Character,
}

impl Symbol {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Symbol {
    type Err = SymbolError;

    fn from_str(text: &str) -> Result<Self, SymbolError> {
        if text.is_empty() {
            return Err(SymbolError::Empty);
        }
        if text.starts_with(['=', '+', '-', '@']) {
            return Err(SymbolError::Formula);
        }
        if text.chars().count() > MAX_SYMBOL_LENGTH {
            return Err(SymbolError::TooLong);
        }
        let begins_well =
            text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '^');
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || SIGNS.contains(&byte);
        if begins_well && text.bytes().all(is_known) {
            Ok(Self(text.to_ascii_uppercase()))
        } else {
            Err(SymbolError::Character)
        }
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Symbol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Symbol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_of_many_exchanges_are_taken() {
        for (text, kept) in [
            ("aapl", "AAPL"),
            ("BRK.B", "BRK.B"),
            ("0700.HK", "0700.HK"),
            ("BTC-USD", "BTC-USD"),
            ("EURUSD=X", "EURUSD=X"),
            ("^GSPC", "^GSPC"),
            ("NASDAQ:AAPL", "NASDAQ:AAPL"),
            ("BTC/USD", "BTC/USD"),
        ] {
            assert_eq!(text.parse::<Symbol>().unwrap().as_str(), kept);
        }
    }

    #[test]
    fn everything_else_is_named() {
        for (text, wrong) in [
            ("", SymbolError::Empty),
            ("=1+1", SymbolError::Formula),
            ("+A", SymbolError::Formula),
            ("-A", SymbolError::Formula),
            ("@SUM(A1)", SymbolError::Formula),
            ("A A", SymbolError::Character),
            ("A\0", SymbolError::Character),
            (".A", SymbolError::Character),
            ("Ä", SymbolError::Character),
            ("A'; drop table", SymbolError::Character),
            ("<script>", SymbolError::Character),
        ] {
            assert_eq!(text.parse::<Symbol>(), Err(wrong), "{text:?}");
        }
        assert_eq!("A".repeat(33).parse::<Symbol>(), Err(SymbolError::TooLong));
        assert!("A".repeat(32).parse::<Symbol>().is_ok());
    }
}
