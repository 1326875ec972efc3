//! Texts from outside, cut to what a log line and an index can bear.

/// The visible ASCII characters of a text, at most `limit` of them.
#[must_use]
pub fn visible(text: &[u8], limit: usize) -> String {
    text.iter()
        .filter(|byte| byte.is_ascii_graphic())
        .take(limit)
        .map(|&byte| char::from(byte))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_visible_ascii_stays() {
        assert_eq!(visible("a b\r\n\0cé\u{7f}d".as_bytes(), 128), "abcd");
        assert_eq!(visible(&[b'x'; 300], 128).len(), 128);
        assert_eq!(visible(b"", 128), "");
    }
}
