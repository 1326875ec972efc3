//! What kind of text a file is: its encoding, and what separates its cells.

/// What is wrong with a file in which nothing stands.
pub(crate) const EMPTY: &str = "is empty: the file has no header";

/// Takes the mark away that some programs put before UTF-8.
///
/// # Errors
/// With what is wrong when the file is certainly no UTF-8 text.
pub(crate) fn without_mark(file: &[u8]) -> Result<&[u8], &'static str> {
    if file.starts_with(b"PK\x03\x04") {
        return Err("is a spreadsheet or an archive: export it as CSV");
    }
    if file.starts_with(b"\xff\xfe") || file.starts_with(b"\xfe\xff") {
        return Err("is written in UTF-16: save the file as UTF-8");
    }
    let text = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(EMPTY);
    }
    Ok(text)
}

/// What separates cells: whichever of comma, semicolon and tab the header has most of, outside quotation marks.
pub(crate) fn separator(text: &[u8]) -> u8 {
    let header = text
        .iter()
        .copied()
        .skip_while(|byte| matches!(byte, b'\r' | b'\n'))
        .take_while(|byte| !matches!(byte, b'\r' | b'\n'));
    let (mut semicolons, mut tabs, mut commas) = (0_usize, 0_usize, 0_usize);
    let mut quoted = false;
    for byte in header {
        match byte {
            b'"' => quoted = !quoted,
            b';' if !quoted => semicolons += 1,
            b'\t' if !quoted => tabs += 1,
            b',' if !quoted => commas += 1,
            _ => {}
        }
    }
    if commas >= semicolons && commas >= tabs {
        b','
    } else if semicolons >= tabs {
        b';'
    } else {
        b'\t'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_what_separates() {
        for (text, is) in [
            ("symbol,quantity,price\n1;2;3;4", b','),
            ("symbol;quantity;price", b';'),
            ("symbol\tquantity\tprice\r\na,b,c,d,e", b'\t'),
            ("\"a;b;c\",quantity", b','),
            ("\n\na;b", b';'),
            ("symbol", b','),
            ("", b','),
        ] {
            assert_eq!(separator(text.as_bytes()), is, "{text}");
        }
    }

    #[test]
    fn what_is_no_text_is_named() {
        assert_eq!(without_mark(b"\xef\xbb\xbfa"), Ok(&b"a"[..]));
        assert_eq!(without_mark(b"a"), Ok(&b"a"[..]));
        for (file, word) in [
            (&b"\xff\xfea\0"[..], "UTF-16"),
            (b"\xfe\xff\0a", "UTF-16"),
            (b"PK\x03\x04rest", "spreadsheet"),
            (b"", "empty"),
            (b"\xef\xbb\xbf", "empty"),
            (b" \r\n\n", "empty"),
        ] {
            assert!(without_mark(file).unwrap_err().contains(word), "{word}");
        }
    }
}
