//! Positions that somebody brings along in a file: what is read of it, and what is told of a file that cannot be taken.

use std::num::NonZeroUsize;

use chrono::NaiveDate;
use serde::Serialize;

use super::{Decimal, Symbol};

/// One position of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedPosition {
    /// What it is of.
    pub symbol: Symbol,
    /// How much: more than nothing.
    pub quantity: Decimal,
    /// What one of it cost: not less than nothing.
    pub entry_price: Decimal,
    /// Since when, if the file says it.
    pub entry_date: Option<NaiveDate>,
}

/// How much is taken and told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportLimits {
    /// The most positions of one file.
    pub max_rows: NonZeroUsize,
    /// The most problems that are told of one file.
    pub max_problems: NonZeroUsize,
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportProblem {
    /// The line of the file, from 1, which is the header. A row that runs over several lines is where it begins.
    pub line: u64,
    /// The column, by the name that this product knows it by, or else by the name in the header. `None` when it is about
    /// the whole line.
    pub column: Option<String>,
    /// What is wrong, as the end of a sentence about the column or the line. Never what stands there.
    pub message: String,
}

/// A file that is not taken: nothing of it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the file has problems, the first of them in line {}", problems.first().map_or(1, |first| first.line))]
pub struct ImportRefusal {
    /// What is wrong, in the order of the file, up to [`ImportLimits::max_problems`]. Never empty.
    pub problems: Vec<ImportProblem>,
    /// Whether there was more than that.
    pub more: bool,
}
