//! One row: its cells become a position, or problems.

use std::fmt::Display;

use chrono::NaiveDate;
use csv::ByteRecord;
use domain::workspace::{Decimal, ImportedPosition, Symbol};

use crate::header::{Column, Header};
use crate::problems::Problems;

/// A row of the file.
pub(crate) struct Row<'record> {
    pub(crate) record: &'record ByteRecord,
    pub(crate) line: u64,
}

impl Row<'_> {
    /// Whether nothing stands in any cell, as in the rows that spreadsheets leave at the end.
    pub(crate) fn is_empty(&self) -> bool {
        self.record.iter().all(|cell| cell.trim_ascii().is_empty())
    }

    /// `None` when a problem was found, which is told then.
    pub(crate) fn read(
        &self,
        header: &Header,
        problems: &mut Problems,
    ) -> Option<ImportedPosition> {
        let fields = self.record.len();
        let beyond = self.record.iter().skip(header.len());
        if beyond.map(<[u8]>::trim_ascii).any(|cell| !cell.is_empty()) {
            let message = format!(
                "has {fields} cells, and the header {}: a comma within a number makes two cells of it",
                header.len()
            );
            problems.line(self.line, message);
            return None;
        }
        // Also in columns that are not taken: such a file is not what it says it is.
        let mut is_readable = true;
        for (place, cell) in self.record.iter().enumerate() {
            if let Err(message) = readable(cell) {
                problems.cell(self.line, header.name(place), message);
                is_readable = false;
            }
        }
        if !is_readable {
            return None;
        }
        let symbol = self.cell(header, Column::Symbol, problems, |text| {
            text.parse::<Symbol>()
        });
        let quantity = self.cell(header, Column::Quantity, problems, quantity);
        let entry_price = self.cell(header, Column::EntryPrice, problems, price);
        let entry_date = self.cell(header, Column::EntryDate, problems, date);
        Some(ImportedPosition {
            symbol: symbol?,
            quantity: quantity?,
            entry_price: entry_price?,
            entry_date: entry_date?,
        })
    }

    fn cell<T, E: Display>(
        &self,
        header: &Header,
        column: Column,
        problems: &mut Problems,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let place = header.place(column);
        let cell = place
            .and_then(|place| self.record.get(place))
            .unwrap_or_default();
        // It is, or the row had been refused.
        let text = std::str::from_utf8(cell).unwrap_or_default();
        match read(text.trim()) {
            Ok(value) => Some(value),
            Err(message) => {
                problems.cell(self.line, column.name(), message);
                None
            }
        }
    }
}

/// A cell as text.
///
/// # Errors
/// With what is wrong.
pub(crate) fn readable(cell: &[u8]) -> Result<&str, &'static str> {
    let text = std::str::from_utf8(cell).map_err(|_| "is not UTF-8: save the file as UTF-8")?;
    if text.contains('\0') {
        return Err("holds a NUL character");
    }
    Ok(text)
}

fn number(text: &str) -> Result<Decimal, String> {
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    text.parse::<Decimal>().map_err(|error| error.to_string())
}

fn quantity(text: &str) -> Result<Decimal, String> {
    let number = number(text)?;
    if number.is_positive() {
        Ok(number)
    } else {
        Err("is not greater than zero".to_owned())
    }
}

fn price(text: &str) -> Result<Decimal, String> {
    let number = number(text)?;
    if number.is_negative() {
        Err("is less than zero".to_owned())
    } else {
        Ok(number)
    }
}

/// A day as `2026-11-21`; nothing at all is no day. Other ways to write days put either the day or the month first, and
/// nobody can tell which.
fn date(text: &str) -> Result<Option<NaiveDate>, &'static str> {
    const WRONG: &str = "is not a date such as 2026-11-21";
    if text.is_empty() {
        return Ok(None);
    }
    let is_plain = text.len() == 10
        && text.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !is_plain {
        return Err(WRONG);
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| WRONG)?;
    if text < "1800-01-01" {
        return Err("is before 1800");
    }
    Ok(Some(day))
}
