use crate::reading::{limits, taken};
use domain::PositionReader as _;
use imports::CsvPositions;

#[test]
fn the_plain_file() {
    let file = "symbol,quantity,entry_price,entry_date\nAAPL,10,150.25,2024-01-15\nmsft,0.5,1e-7,\nBRK.B,1,0,2020-02-29\n";
    assert_eq!(
        taken(file),
        [
            "AAPL 10 150.25 2024-01-15",
            "MSFT 0.5 0.0000001 -",
            "BRK.B 1 0 2020-02-29"
        ]
    );
}

#[test]
fn the_names_that_others_use() {
    for header in [
        "ticker,shares,price,date",
        "Ticker,Shares,Cost,Date",
        "SYMBOL,QTY,Entry Price,entry-date",
        " symbol , quantity ,\"entry_price \", Entry Date ",
    ] {
        assert_eq!(
            taken(format!("{header}\nAAPL,1,2,2024-01-15")),
            ["AAPL 1 2 2024-01-15"],
            "{header}"
        );
    }
}

#[test]
fn the_own_name_beats_the_alias_and_other_columns_are_left_aside() {
    let file = "note,price,entry_price,quantity,symbol\nx,9,2,1,AAPL";
    assert_eq!(taken(file), ["AAPL 1 2 -"]);
}

#[test]
fn the_date_may_be_missing_wherever_it_stands() {
    assert_eq!(taken("symbol,quantity,price\nA,1,2"), ["A 1 2 -"]);
    let short_row = "symbol,quantity,price,date\nA,1,2\nB,1,2,\n";
    assert_eq!(taken(short_row), ["A 1 2 -", "B 1 2 -"]);
}

#[test]
fn decimals_keep_every_digit() {
    let file =
        "symbol,quantity,price\nA,0.1,1234567890123456.123456789012\nA,1000000.000000000001,.5";
    assert_eq!(
        taken(file),
        [
            "A 0.1 1234567890123456.123456789012 -",
            "A 1000000.000000000001 0.5 -"
        ]
    );
}

#[test]
fn marks_line_ends_separators_and_empty_lines_do_not_matter() {
    let plain = "symbol,quantity,price\nA,1,2\nB,3,4\n";
    for file in [
        plain.to_owned(),
        format!("\u{feff}{plain}"),
        plain.replace('\n', "\r\n"),
        plain.replace('\n', "\r"),
        plain.replace('\n', "\n\n\n"),
        plain.replace('\n', "\r\n\r\n"),
        plain.replace(',', ";"),
        plain.replace(',', "\t"),
        plain.trim_end().to_owned(),
        format!("\n\n{plain}"),
        format!("{plain},,\n  ,,\n,,\n"),
        plain.replace("A,1,2", "\"A\",\"1\",\"2\""),
        plain.replace("A,1,2", " A , 1 , 2 "),
        plain.replace("A,1,2", "A,1,2,,"),
    ] {
        assert_eq!(taken(&file), ["A 1 2 -", "B 3 4 -"], "{file:?}");
    }
}

#[test]
fn quoted_cells_may_run_over_lines() {
    let file = "symbol,note,quantity,price\nA,\"one,\r\ntwo \"\"three\"\"\",1,2\nB,,3,4";
    assert_eq!(taken(file), ["A 1 2 -", "B 3 4 -"]);
}

#[test]
fn as_many_rows_as_are_allowed() {
    let file = |rows| format!("symbol,quantity,price\n{}", "A,1,2\n".repeat(rows));
    let read = |rows| CsvPositions.read(file(rows).as_bytes(), limits(3, 5));
    assert_eq!(read(3).unwrap().len(), 3);
    let refusal = read(4).unwrap_err();
    assert_eq!((refusal.problems[0].line, refusal.problems.len()), (5, 1));
    assert!(refusal.problems[0].message.contains("may have 3 positions"));
    assert_eq!(read(4_000).unwrap_err(), refusal);
}
