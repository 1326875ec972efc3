use crate::reading::{limits, read, refused};
use domain::PositionReader as _;
use imports::CsvPositions;

const HEADER: &str = "symbol,quantity,entry_price,entry_date";

/// The problems of one row under the usual header.
fn row(row: &str) -> Vec<String> {
    refused(format!("{HEADER}\n{row}\n"))
}

#[track_caller]
fn only(found: &[String], place: &str, word: &str) {
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with(place) && found[0].contains(word),
        "{found:?}"
    );
}

#[test]
fn columns_that_are_missing_or_doubled() {
    only(
        &refused("symbol,quantity\nA,1"),
        "1 entry_price:",
        "`price` or `cost`",
    );
    assert_eq!(refused("a,b\n1,2").len(), 3, "all at once");
    only(
        &refused("ticker,Symbol,SYMBOL,shares,price"),
        "1 symbol:",
        "more than once",
    );
    only(
        &refused("symbol,quantity,price,cost\nA,1,2,3"),
        "1 entry_price:",
        "`price`, `cost`",
    );
    only(
        &refused(format!("{HEADER}\n\n,,,\n")),
        "1 -:",
        "no position follows",
    );
    only(&refused(HEADER), "1 -:", "no position follows");
    for empty in [
        "",
        "\n\n",
        " ",
        "\u{feff}",
        "\u{feff}\u{feff}",
        "\u{feff}\u{feff}\n",
    ] {
        only(&refused(empty), "1 -:", "empty");
    }
}

#[test]
fn cells_that_cannot_be_read_are_named_by_line_and_column() {
    let file = format!("{HEADER}\nA,1,2,\n,ten,-1,15.01.2024\nB,0,1,2024-02-30\n");
    assert_eq!(
        refused(file),
        [
            "3 symbol: is empty",
            "3 quantity: is not a number: write digits, with a point before the decimals and without separators of thousands",
            "3 entry_price: is less than zero",
            "3 entry_date: is not a date such as 2026-11-21",
            "4 quantity: is not greater than zero",
            "4 entry_date: is not a date such as 2026-11-21",
        ]
    );
    only(&row("A,1"), "2 entry_price:", "is empty");
    only(&row("A,1,2,1799-12-31"), "2 entry_date:", "before 1800");
}

#[test]
fn the_name_in_the_problem_is_ours_whatever_the_file_says() {
    only(
        &refused("ticker,shares,cost\nA,x,1"),
        "2 quantity:",
        "not a number",
    );
}

#[test]
fn lines_are_counted_as_an_editor_does() {
    let file = format!("{HEADER}\r\n\r\nA,\"1\",2,\r\n\r\n\r\nB,x,2,\r\n\"C\r\nC\",1,2,\r\nD,y,2,");
    let lines: Vec<_> = refused(file)
        .iter()
        .map(|problem| problem.split(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(lines, ["6 quantity", "7 symbol", "9 quantity"]);
}

#[test]
fn numbers_that_are_none_or_too_much() {
    for (number, word) in [
        ("1e400", "too large"),
        ("-1e400", "too large"),
        ("1e-400", "too precise"),
        ("0.0000000000001", "too precise"),
        ("99999999999999999", "too large"),
        ("NaN", "not a number"),
        ("inf", "not a number"),
        ("0x10", "not a number"),
        ("1_000", "not a number"),
        ("$5", "not a number"),
        ("1 000", "not a number"),
        ("٣", "not a number"),
        ("\"1,000\"", "not a number"),
        ("\"12,5\"", "not a number"),
    ] {
        only(&row(&format!("A,{number},2,")), "2 quantity:", word);
        only(&row(&format!("A,1,{number},")), "2 entry_price:", word);
    }
    only(&row("A,1,000.00,2.50,2024-01-01"), "2 -:", "5 cells");
    let semicolons = "symbol;quantity;price\nA;1;12,50";
    only(&refused(semicolons), "2 entry_price:", "with a point");
}

#[test]
fn formulas_are_refused() {
    for formula in ["=1+1", "+cmd|' /C calc'!A0", "-1+1", "@SUM(1)"] {
        only(&row(&format!("{formula},1,2,")), "2 symbol:", "formula");
        only(
            &row(&format!("A,{formula},2,")),
            "2 quantity:",
            "not a number",
        );
    }
    only(
        &row("\"=HYPERLINK(\"\"http://evil.example\"\")\",1,2,"),
        "2 symbol:",
        "formula",
    );
}

#[test]
fn characters_that_no_text_has() {
    only(&row("A\0,1,2,"), "2 symbol:", "NUL");
    let with_note = format!("{HEADER},note\nA,1,2,,x\0y");
    only(&refused(with_note), "2 note:", "NUL");
    let mut file = format!("{HEADER}\nA,1,2,\nB").into_bytes();
    file.extend(b"\xff\xfe,1,2,");
    only(&refused(&file), "3 symbol:", "UTF-8");
    only(&refused(b"symbol\xff,quantity,price\n"), "1 -:", "UTF-8");
    only(&refused(b"\xff\xfes\0y\0"), "1 -:", "UTF-16");
    only(&refused(b"PK\x03\x04\x14\0"), "1 -:", "spreadsheet");
    only(
        &row(&format!("{},1,2,", "A".repeat(1_000_000))),
        "2 symbol:",
        "longer",
    );
    only(
        &row(&format!("A,{},2,", "9".repeat(1_000_000))),
        "2 quantity:",
        "too large",
    );
}

#[test]
fn quotation_marks_without_their_other_half() {
    only(&row("A,\"1,2,\nB,1,2,\nC,1,2,"), "2 -:", "quotation mark");
    only(
        &refused("symbol,\"quantity,price\nA,1,2"),
        "1 -:",
        "quotation mark",
    );
    only(
        &refused(format!("{HEADER}\nA,1,2,\nB,1,2,\"")),
        "3 -:",
        "quotation mark",
    );
}

#[test]
fn one_bad_row_takes_all_with_it_and_problems_are_capped() {
    let good = "A,1,2,\n".repeat(500);
    assert!(read(format!("{HEADER}\n{good}B,x,2,\n{good}")).is_err());

    let bad = "A,x,2,\n".repeat(500);
    let file = format!("{HEADER}\n{bad}");
    let refusal = CsvPositions
        .read(file.as_bytes(), limits(1_000, 7))
        .unwrap_err();
    assert_eq!((refusal.problems.len(), refusal.more), (7, true));
    assert_eq!(refusal.problems[6].line, 8);
    let few = CsvPositions
        .read(format!("{HEADER}\nA,x,2,\n").as_bytes(), limits(1_000, 1))
        .unwrap_err();
    assert!(!few.more);
}

#[test]
fn problems_repeat_nothing_of_the_file() {
    let refusal = read(format!("{HEADER}\nsk_live_secret!,secret,secret,secret")).unwrap_err();
    assert_eq!(refusal.problems.len(), 4);
    let told = serde_json::to_string(&refusal.problems).unwrap();
    assert!(!told.contains("secret"), "{told}");
}
