//! Any file of positions: never a panic, and either positions that keep the rules or problems within the file.
#![no_main]

use std::num::NonZeroUsize;

use domain::PositionReader as _;
use domain::workspace::ImportLimits;
use imports::CsvPositions;
use libfuzzer_sys::fuzz_target;

const MOST: NonZeroUsize = NonZeroUsize::new(20).unwrap();

fuzz_target!(|data: &[u8]| {
    let limits = ImportLimits {
        max_rows: MOST,
        max_problems: MOST,
    };
    match CsvPositions.read(data, limits) {
        Ok(positions) => {
            assert!((1..=MOST.get()).contains(&positions.len()));
            for position in positions {
                assert!(position.quantity.is_positive() && !position.entry_price.is_negative());
                // Nothing is lost or gained on the way through text.
                assert_eq!(position.quantity.to_string().parse(), Ok(position.quantity));
                assert_eq!(position.symbol.as_str().parse(), Ok(position.symbol));
            }
        }
        Err(refusal) => {
            assert!((1..=MOST.get()).contains(&refusal.problems.len()));
            let lines = 1 + data.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
            for problem in refusal.problems {
                assert!((1..=lines as u64).contains(&problem.line));
            }
        }
    }
});
