//! What a table holds, in one number that is the same on both databases.
//!
//! Each row is written down as bytes: value after value, as what it says and not as a database keeps it. A table's digest is
//! the sum of its rows' SHA-256 digests, so that it does not depend on the order in which a database gives the rows.

use std::fmt;

use chrono::NaiveDate;
use sha2::{Digest as _, Sha256};

use crate::column::{Id, Time};
use crate::decimal_column::Exact;

/// How many rows there are, and what they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows.
    pub rows: u64,
    lanes: [u64; 4],
}

impl Tally {
    /// Counts a row.
    pub(super) fn add(&mut self, row: &Sheet) {
        self.rows += 1;
        let hash: [u8; 32] = Sha256::digest(&row.bytes).into();
        for (lane, bytes) in self.lanes.iter_mut().zip(hash.chunks_exact(8)) {
            let number = bytes
                .iter()
                .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
            *lane = lane.wrapping_add(number);
        }
    }
}

/// The first sixteen digits of the digest.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, ..] = self.lanes;
        write!(f, "{first:016x}")
    }
}

/// What a row is written on.
#[derive(Default)]
pub(super) struct Sheet {
    bytes: Vec<u8>,
    /// Whether a text with a NUL was written, which PostgreSQL does not keep.
    pub(super) has_nul: bool,
}

impl Sheet {
    /// Begins a new row.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.has_nul = false;
    }

    /// How much was written, in bytes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// One of few words.
    pub(super) fn mark(&mut self, mark: u8) {
        self.bytes.push(mark);
    }

    /// How many things follow.
    pub(super) fn count(&mut self, count: usize) {
        self.bytes.extend((count as u64).to_be_bytes());
    }

    /// Bytes of any length.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.bytes.extend(bytes);
    }

    /// A text.
    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.has_nul |= text.contains('\0');
    }
}

/// A value of a column.
pub(super) trait Field {
    /// Writes it so that no two different ones are written alike, whatever stands beside them.
    fn write(&self, out: &mut Sheet);

    /// As a person reads it who looks for the row; only asked of keys.
    fn shown(&self) -> String {
        String::new()
    }
}

impl<T: Field> Field for Option<T> {
    fn write(&self, out: &mut Sheet) {
        out.mark(u8::from(self.is_some()));
        if let Some(value) = self {
            value.write(out);
        }
    }
}

impl Field for String {
    fn write(&self, out: &mut Sheet) {
        out.text(self);
    }

    fn shown(&self) -> String {
        self.escape_debug().to_string()
    }
}

impl Field for Vec<u8> {
    fn write(&self, out: &mut Sheet) {
        out.bytes(self);
    }
}

impl Field for bool {
    fn write(&self, out: &mut Sheet) {
        out.mark(u8::from(*self));
    }
}

impl Field for i32 {
    fn write(&self, out: &mut Sheet) {
        i64::from(*self).write(out);
    }
}

impl Field for i64 {
    fn write(&self, out: &mut Sheet) {
        out.bytes.extend(self.to_be_bytes());
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Field for Id {
    fn write(&self, out: &mut Sheet) {
        out.bytes.extend(self.0.as_bytes());
    }

    fn shown(&self) -> String {
        self.0.to_string()
    }
}

impl Field for Time {
    fn write(&self, out: &mut Sheet) {
        self.0.timestamp_micros().write(out);
    }
}

impl Field for NaiveDate {
    fn write(&self, out: &mut Sheet) {
        out.text(&self.to_string());
    }
}

impl Field for Exact {
    fn write(&self, out: &mut Sheet) {
        out.text(&self.0.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(write: impl FnOnce(&mut Sheet)) -> Sheet {
        let mut out = Sheet::default();
        write(&mut out);
        out
    }

    fn tally(rows: &[&str]) -> Tally {
        let mut tally = Tally::default();
        for row in rows {
            tally.add(&sheet(|out| out.text(row)));
        }
        tally
    }

    #[test]
    fn rows_are_summed_in_any_order_and_each_counts() {
        assert_eq!(tally(&["a", "b", "c"]), tally(&["c", "a", "b"]));
        assert_ne!(tally(&["a", "b"]), tally(&["a", "c"]));
        assert_ne!(tally(&["a"]), tally(&["a", "a"]));
        assert_ne!(tally(&["a", "a"]), tally(&["b", "b"]));
        assert_ne!(tally(&["a"]).to_string(), tally(&["b"]).to_string());
    }

    #[test]
    fn values_do_not_run_into_each_other() {
        let pair = |a: &str, b: &str| {
            sheet(|out| {
                a.to_owned().write(out);
                b.to_owned().write(out);
            })
            .bytes
        };
        assert_ne!(pair("ab", "c"), pair("a", "bc"));
        let option = |value: Option<&str>| sheet(|out| value.map(str::to_owned).write(out)).bytes;
        assert_ne!(option(None), option(Some("")));
    }

    #[test]
    fn a_nul_is_found_until_the_next_row() {
        let mut out = sheet(|out| Some("a\0".to_owned()).write(out));
        assert!(out.has_nul);
        out.clear();
        "a".to_owned().write(&mut out);
        assert!(!out.has_nul);
    }
}
