//! A whole file: header, rows, and the one answer.

use csv::{ByteRecord, ReaderBuilder};
use domain::PositionReader;
use domain::workspace::{ImportLimits, ImportRefusal, ImportedPosition};

use crate::header::Header;
use crate::lines::Lines;
use crate::problems::Problems;
use crate::row::Row;
use crate::text::{EMPTY, separator, without_mark};

/// Reads CSV files: `symbol`, `quantity` and `entry_price`, optionally `entry_date`, in any order and under their usual
/// other names, separated by commas, semicolons or tabs. Other columns are left aside.
#[derive(Debug, Clone, Copy, Default)]
pub struct CsvPositions;

impl PositionReader for CsvPositions {
    fn read(
        &self,
        file: &[u8],
        limits: ImportLimits,
    ) -> Result<Vec<ImportedPosition>, ImportRefusal> {
        let mut problems = Problems::up_to(limits.max_problems.get());
        let positions = match without_mark(file) {
            Ok(text) => positions(text, limits.max_rows.get(), &mut problems),
            Err(message) => {
                problems.line(1, message);
                Vec::new()
            }
        };
        if problems.is_empty() {
            Ok(positions)
        } else {
            Err(problems.refusal())
        }
    }
}

/// The positions of a text, of which nothing is worth anything if a problem is found.
fn positions(text: &[u8], max_rows: usize, problems: &mut Problems) -> Vec<ImportedPosition> {
    let mut records = Records::of(text);
    let mut positions = Vec::new();
    let Some(line) = records.next(problems) else {
        // A second mark, which the reader of records takes away by itself.
        if problems.is_empty() {
            problems.line(1, EMPTY);
        }
        return positions;
    };
    let Some(header) = Header::read(&records.record, line, problems) else {
        return positions;
    };
    let mut rows = 0_usize;
    while let Some(line) = records.next(problems) {
        let row = Row {
            record: &records.record,
            line,
        };
        if row.is_empty() {
            continue;
        }
        rows += 1;
        if rows > max_rows {
            problems.line(
                line,
                format!("is one too many: a file may have {max_rows} positions"),
            );
            break;
        }
        let position = row.read(&header, problems);
        if problems.is_full() {
            break;
        }
        if problems.is_empty() {
            positions.extend(position);
        } else {
            // Nothing will be taken: read on for problems only.
            positions = Vec::new();
        }
    }
    if rows == 0 && problems.is_empty() {
        problems.line(line, "is all there is: no position follows the header");
    }
    positions
}

/// The records of a text, one at a time.
struct Records<'text> {
    text: &'text [u8],
    lines: Lines<'text>,
    reader: csv::Reader<&'text [u8]>,
    record: ByteRecord,
}

impl<'text> Records<'text> {
    fn of(text: &'text [u8]) -> Self {
        Self {
            text,
            lines: Lines::of(text),
            reader: ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .delimiter(separator(text))
                .from_reader(text),
            record: ByteRecord::new(),
        }
    }

    /// Reads the next record and tells the line in which it begins; `None` after the last one, or when no further one
    /// can be told from the others.
    fn next(&mut self, problems: &mut Problems) -> Option<u64> {
        let from = usize::try_from(self.reader.position().byte()).ok()?;
        let (start, line) = self.lines.record_start(from);
        match self.reader.read_byte_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(_) => {
                problems.line(line, "cannot be read");
                return None;
            }
        }
        // The reader takes a quotation that never ends for a cell, with everything that comes after it.
        let end = usize::try_from(self.reader.position().byte()).ok()?;
        let raw = self.text.get(start..end).unwrap_or_default();
        if raw.iter().filter(|byte| **byte == b'"').count() % 2 == 1 {
            problems.line(line, "has a quotation mark without its other half");
            return None;
        }
        Some(line)
    }
}
