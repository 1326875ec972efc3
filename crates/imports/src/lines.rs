//! Which line of a file a byte stands in, as an editor counts: CRLF, LF and CR each end a line.
//!
//! (The reader's own count takes LF only, and gives a record the line of the empty lines before it.)

/// A file and how far its lines are counted.
pub(crate) struct Lines<'file> {
    file: &'file [u8],
    counted: usize,
    line: u64,
}

impl<'file> Lines<'file> {
    pub(crate) fn of(file: &'file [u8]) -> Self {
        Self {
            file,
            counted: 0,
            line: 1,
        }
    }

    /// The first byte at or after `offset` that ends no line, and the line in which it stands. Offsets may not go back.
    pub(crate) fn record_start(&mut self, offset: usize) -> (usize, u64) {
        let rest = self.file.get(offset..).unwrap_or_default();
        let empty = rest.iter().take_while(|byte| is_end(**byte)).count();
        let start = offset.saturating_add(empty);
        let passed = self.file.get(self.counted..start).unwrap_or_default();
        let mut before = self
            .counted
            .checked_sub(1)
            .and_then(|last| self.file.get(last).copied());
        for byte in passed.iter().copied() {
            // The second half of a CRLF ends nothing more.
            if byte == b'\r' || (byte == b'\n' && before != Some(b'\r')) {
                self.line = self.line.saturating_add(1);
            }
            before = Some(byte);
        }
        self.counted = self.counted.max(start);
        (start, self.line)
    }
}

fn is_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_end_a_line_counts_once() {
        let file = b"a\nb\r\nc\rd\n\r\n\r\n\re";
        let mut lines = Lines::of(file);
        let starts: Vec<_> = [0, 1, 3, 6, 8].map(|from| lines.record_start(from)).into();
        assert_eq!(starts, [(0, 1), (2, 2), (5, 3), (7, 4), (14, 8)]);
        assert_eq!(file[14], b'e');
    }

    #[test]
    fn beyond_the_end_is_the_last_line() {
        let mut lines = Lines::of(b"a\n\n");
        assert_eq!(lines.record_start(1), (3, 3));
        assert_eq!(lines.record_start(3), (3, 3));
        assert_eq!(Lines::of(b"").record_start(9), (9, 1));
    }
}
