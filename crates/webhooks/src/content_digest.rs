//! A digest of what an event says, the same for the bytes that came and for what a database gives back of them.

use std::io::{self, Write};

use aws_lc_rs::digest::{self, SHA256};
use domain::JsonText;
use memchr::memmem;
use serde::Serialize as _;
use serde_json::{Serializer, Value, ser::Formatter};

/// The canonical JSON of a value: no white space, keys in order, numbers by their value.
///
/// PostgreSQL's jsonb keeps numbers as decimals: what is written `1e16` comes back as `10000000000000000`, a whole
/// number, and `-0.0` without its sign. So floating-point numbers are written with the fewest digits that name them,
/// and without an exponent as long as a whole number could mean the same. That a database's digits lead back to the
/// same number at all takes serde_json's feature `float_roundtrip`.
pub(crate) struct Canonical {
    text: Vec<u8>,
    has_floats: bool,
}

impl Canonical {
    /// Writes a value, in one piece, as each write to the hash costs a call.
    pub(crate) fn of(value: &Value) -> Self {
        let mut canonical = Self {
            text: Vec::with_capacity(4096),
            has_floats: false,
        };
        let numbers = Numbers(&mut canonical.has_floats);
        // Writing a value that has been parsed into memory cannot fail.
        let written = value.serialize(&mut Serializer::with_formatter(
            &mut canonical.text,
            numbers,
        ));
        debug_assert!(written.is_ok(), "a JSON value could not be written");
        canonical
    }

    /// The first 8 bytes of its SHA-256.
    pub(crate) fn digest(&self) -> [u8; 8] {
        let mut first = [0; 8];
        for (to, from) in first
            .iter_mut()
            .zip(digest::digest(&SHA256, &self.text).as_ref())
        {
            *to = *from;
        }
        first
    }

    /// Whether a NUL may be in the value, in keys too: where one is, this says so, and hardly anywhere else. To search the
    /// text is cheaper than to walk through the value.
    pub(crate) fn may_hold_nul(&self) -> bool {
        memmem::find(&self.text, br"\u0000").is_some()
    }

    /// The value as serde_json writes it, which is the same text unless there are floating-point numbers.
    pub(crate) fn into_text(self, value: Value) -> JsonText {
        if self.has_floats {
            return value.into();
        }
        match String::from_utf8(self.text) {
            Ok(text) => JsonText::written(text),
            Err(_) => value.into(),
        }
    }
}

/// How numbers are written, and whether one of them was a floating-point number.
struct Numbers<'a>(&'a mut bool);

/// Whole numbers end here: serde_json reads larger ones as floating-point numbers.
const END_OF_WHOLE: f64 = 18_446_744_073_709_551_616.0;

impl Formatter for Numbers<'_> {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        *self.0 = true;
        let size = value.abs();
        if size == 0.0 {
            writer.write_all(b"0")
        } else if (1e-5..END_OF_WHOLE).contains(&size) {
            write!(writer, "{value}")
        } else {
            write!(writer, "{value:e}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> [u8; 8] {
        Canonical::of(&serde_json::from_str(text).unwrap()).digest()
    }

    #[test]
    fn it_is_the_head_of_the_sha_256_of_the_canonical_text() {
        // The digest of {"a":[1,"x"]} by sha256sum.
        assert_eq!(
            of(" {\"a\" : [1.0, \"\\u0078\"]}"),
            [0x5e, 0x49, 0xf4, 0x71, 0xd8, 0xb6, 0x15, 0xa8]
        );
    }

    #[test]
    fn the_order_of_keys_does_not_matter_and_that_of_lists_does() {
        assert_eq!(of(r#"{"a":1,"b":2}"#), of(r#"{"b":2,"a":1}"#));
        assert_ne!(of("[1,2]"), of("[2,1]"));
    }

    #[test]
    fn numbers_count_by_their_value_as_a_decimal_column_gives_them_back() {
        for (came, comes_back) in [
            ("1.0", "1.0"),
            ("1.0", "1"),
            ("1e2", "100"),
            ("1e2", "100.0"),
            ("-0.0", "0.0"),
            ("-0", "0"),
            ("1e16", "10000000000000000"),
            ("1.2345678901234567e19", "12345678901234567000"),
            ("18446744073709551615.0", "18446744073709552000"),
            ("18446744073709551616", "18446744073709552000"),
            ("1.23e-5", "0.0000123"),
            ("9.9e-7", "0.00000099"),
            ("1e300", &format!("1{}", "0".repeat(300))),
            ("5e-324", &format!("0.{}5", "0".repeat(323))),
        ] {
            assert_eq!(of(came), of(comes_back), "{came}");
        }
        for (one, other) in [
            ("9007199254740993", "9007199254740992"),
            ("18446744073709551615", "18446744073709551614"),
            ("-9223372036854775808", "-9223372036854775807"),
            ("0.1", "0.10000000000000002"),
            ("1", "\"1\""),
            ("1", "-1"),
        ] {
            assert_ne!(of(one), of(other), "{one}");
        }
    }

    #[test]
    fn no_nul_is_overlooked() {
        let may = |text: &str| Canonical::of(&serde_json::from_str(text).unwrap()).may_hold_nul();
        assert!(may(r#"{"a":["x\u0000y"]}"#));
        assert!(may(r#"{"a":{"\u0000":1}}"#));
        assert!(!may(r#"{"a":["x\u0001y", "u0000"]}"#));
    }

    #[test]
    fn the_text_is_the_one_that_serde_json_writes() {
        for text in [
            r#"{"b":1,"a":[true,null,"\u00e9\n\"",-3,18446744073709551615]}"#,
            r#"{"a":1.0,"b":1e300}"#,
            "2.5e-7",
            "[]",
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            let written = Canonical::of(&value).into_text(value.clone());
            assert_eq!(written, JsonText::from(value));
        }
    }
}
