//! Which column is which, by the names that people and brokers give them.

use csv::ByteRecord;

use crate::problems::Problems;
use crate::row::readable;

/// What a position is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    Symbol,
    Quantity,
    EntryPrice,
    EntryDate,
}

impl Column {
    const ALL: [Self; 4] = [
        Self::Symbol,
        Self::Quantity,
        Self::EntryPrice,
        Self::EntryDate,
    ];

    /// What it is called here.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Symbol => "symbol",
            Self::Quantity => "quantity",
            Self::EntryPrice => "entry_price",
            Self::EntryDate => "entry_date",
        }
    }

    /// What others call it.
    fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Symbol => &["ticker"],
            Self::Quantity => &["shares", "qty"],
            Self::EntryPrice => &["price", "cost"],
            Self::EntryDate => &["date"],
        }
    }

    fn is_needed(self) -> bool {
        self != Self::EntryDate
    }
}

/// Where each column stands.
pub(crate) struct Header {
    /// What the file calls its columns, the names that are known here by those.
    names: Vec<String>,
    symbol: usize,
    quantity: usize,
    entry_price: usize,
    entry_date: Option<usize>,
}

impl Header {
    /// `None` when a problem was found, which is told then.
    pub(crate) fn read(record: &ByteRecord, line: u64, problems: &mut Problems) -> Option<Self> {
        let mut names = Vec::with_capacity(record.len());
        for cell in record {
            match readable(cell) {
                Ok(name) => names.push(plain(name)),
                Err(message) => {
                    problems.line(line, format!("has the name of a column that {message}"));
                    return None;
                }
            }
        }
        let mut places = [None; 4];
        for (column, place) in Column::ALL.into_iter().zip(&mut places) {
            match find(column, &names) {
                Ok(None) if column.is_needed() => {
                    let others = column.aliases().join("` or `");
                    let message =
                        format!("is missing: no column of the header is called so, or `{others}`");
                    problems.cell(line, column.name(), message);
                }
                Ok(found) => *place = found,
                Err(message) => problems.cell(line, column.name(), message),
            }
        }
        let [symbol, quantity, entry_price, entry_date] = places;
        if !problems.is_empty() {
            return None;
        }
        let mut header = Self {
            names,
            symbol: symbol?,
            quantity: quantity?,
            entry_price: entry_price?,
            entry_date,
        };
        for (column, place) in Column::ALL.into_iter().zip(places) {
            if let Some(name) = place.and_then(|place| header.names.get_mut(place)) {
                column.name().clone_into(name);
            }
        }
        Some(header)
    }

    /// How many columns there are.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// What a column is called: here if it is known here, else in the file.
    pub(crate) fn name(&self, place: usize) -> &str {
        self.names.get(place).map_or("", String::as_str)
    }

    /// Where a column stands, if the file has it.
    pub(crate) fn place(&self, column: Column) -> Option<usize> {
        match column {
            Column::Symbol => Some(self.symbol),
            Column::Quantity => Some(self.quantity),
            Column::EntryPrice => Some(self.entry_price),
            Column::EntryDate => self.entry_date,
        }
    }
}

/// `Entry Price` and `entry-price` are `entry_price`. Names are told in problems, so they are cut to a bearable length.
fn plain(name: &str) -> String {
    name.trim()
        .chars()
        .take(64)
        .map(|sign| match sign {
            ' ' | '-' => '_',
            sign => sign.to_ascii_lowercase(),
        })
        .collect()
}

/// Where a column stands: under its own name, or else under the one alias that is there.
fn find(column: Column, names: &[String]) -> Result<Option<usize>, String> {
    let own = places(names, |name| name == column.name());
    let others = places(names, |name| column.aliases().contains(&name));
    let found = if own.is_empty() { others } else { own };
    match found.as_slice() {
        [] => Ok(None),
        [place] => Ok(Some(*place)),
        _ => {
            let called: Vec<_> = found
                .iter()
                .filter_map(|place| names.get(*place).map(String::as_str))
                .collect();
            Err(format!(
                "stands in the header more than once: `{}`",
                called.join("`, `")
            ))
        }
    }
}

fn places(names: &[String], is_it: impl Fn(&str) -> bool) -> Vec<usize> {
    let numbered = names.iter().enumerate();
    numbered
        .filter(|(_, name)| is_it(name))
        .map(|(place, _)| place)
        .collect()
}
