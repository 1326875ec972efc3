use domain::PositionReader as _;
use imports::CsvPositions;
use proptest::prelude::*;

use crate::reading::{limits, read};

/// Cells as they stand in such files, and as they do not.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Z]{1,5}",
        "[0-9]{1,6}(\\.[0-9]{1,6})?",
        "\"[a-z,;\n\"]{0,6}\"?",
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]",
        "\\PC{0,6}",
        Just(String::new()),
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_taken_or_refused_in_good_order(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        in_good_order(&bytes, 5)?;
    }

    #[test]
    fn so_is_anything_under_a_good_header(
        rows in prop::collection::vec(prop::collection::vec(cell(), 1..5), 0..20), end in "\r\n|\n|\r",
    ) {
        let mut file = "symbol,quantity,price,date".to_owned();
        for row in rows {
            file.push_str(&end);
            file.push_str(&row.join(","));
        }
        in_good_order(file.as_bytes(), 1_000)?;
    }

    #[test]
    fn what_is_written_properly_is_read_back(
        rows in prop::collection::vec(("[A-Z][A-Z0-9.]{0,9}", 1_u64..1 << 50, 0_u64..1 << 50), 1..30),
        separator in ",|;|\t", end in "\r\n|\n|\r", mark in "\u{feff}?", quote in any::<bool>(),
    ) {
        let quoted = |text: String| if quote { format!("\"{text}\"") } else { text };
        let mut file = format!("{mark}{}", ["ticker", "shares", "cost"].join(&separator));
        let mut expected = Vec::new();
        for (symbol, quantity, price) in rows {
            let (quantity, price) = (format!("{quantity}e-6"), format!("{price}e-12"));
            let cells = [symbol.clone(), quantity.clone(), price.clone()].map(quoted);
            file.push_str(&format!("{end}{}", cells.join(&separator)));
            expected.push((symbol, quantity.parse().unwrap(), price.parse().unwrap()));
        }
        let found: Vec<_> = read(&file).unwrap().into_iter()
            .map(|it| (it.symbol.to_string(), it.quantity, it.entry_price)).collect();
        prop_assert_eq!(found, expected);
    }
}

fn in_good_order(file: &[u8], most: usize) -> Result<(), TestCaseError> {
    let lines = file
        .iter()
        .filter(|byte| matches!(byte, b'\n' | b'\r'))
        .count() as u64
        + 1;
    match CsvPositions.read(file, limits(most, 3)) {
        Ok(positions) => {
            prop_assert!(!positions.is_empty() && positions.len() <= most);
            for position in positions {
                prop_assert!(
                    position.quantity.is_positive() && !position.entry_price.is_negative()
                );
            }
        }
        Err(refusal) => {
            prop_assert!(!refusal.problems.is_empty() && refusal.problems.len() <= 3);
            prop_assert!(refusal.problems.is_sorted_by_key(|problem| problem.line));
            prop_assert!(
                refusal
                    .problems
                    .iter()
                    .all(|it| (1..=lines).contains(&it.line))
            );
        }
    }
    Ok(())
}
