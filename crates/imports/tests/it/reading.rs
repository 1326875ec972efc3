use std::num::NonZeroUsize;

use domain::PositionReader as _;
use domain::workspace::{ImportLimits, ImportRefusal, ImportedPosition};
use imports::CsvPositions;

pub(crate) fn limits(max_rows: usize, max_problems: usize) -> ImportLimits {
    ImportLimits {
        max_rows: NonZeroUsize::new(max_rows).unwrap(),
        max_problems: NonZeroUsize::new(max_problems).unwrap(),
    }
}

pub(crate) fn read(file: impl AsRef<[u8]>) -> Result<Vec<ImportedPosition>, ImportRefusal> {
    CsvPositions.read(file.as_ref(), limits(1_000, 50))
}

/// The positions, each as `symbol quantity price date`.
pub(crate) fn taken(file: impl AsRef<[u8]>) -> Vec<String> {
    let positions = read(file).unwrap();
    positions
        .iter()
        .map(|it| {
            let date = it
                .entry_date
                .map_or("-".to_owned(), |date| date.to_string());
            format!("{} {} {} {date}", it.symbol, it.quantity, it.entry_price)
        })
        .collect()
}

/// The problems, each as `line column: message`.
pub(crate) fn refused(file: impl AsRef<[u8]>) -> Vec<String> {
    let refusal = read(file).unwrap_err();
    refusal
        .problems
        .iter()
        .map(|it| {
            let column = it.column.as_deref().unwrap_or("-");
            format!("{} {column}: {}", it.line, it.message)
        })
        .collect()
}
