//! What was odd about an object and tolerated.

/// How many notes one delivery keeps: a hostile body could be odd in ten thousand places.
const LIMIT: usize = 16;

/// Notes for the ledger. They name places and our own judgement, never what Clerk sent there.
#[derive(Debug, Default)]
pub struct Notes {
    lines: Vec<String>,
    left_out: usize,
}

impl Notes {
    /// Adds one, or only counts it when there are enough.
    pub fn add(&mut self, note: impl Into<String>) {
        if self.lines.len() < LIMIT {
            self.lines.push(note.into());
        } else {
            self.left_out += 1;
        }
    }

    /// The notes, and how many more there were.
    #[must_use]
    pub fn into_lines(mut self) -> Vec<String> {
        if self.left_out > 0 {
            self.lines.push(format!("and {} more", self.left_out));
        }
        self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_counted() {
        let mut notes = Notes::default();
        for n in 0..LIMIT + 3 {
            notes.add(n.to_string());
        }
        let lines = notes.into_lines();
        assert_eq!(lines.len(), LIMIT + 1);
        assert_eq!(lines.last().unwrap(), "and 3 more");
    }
}
