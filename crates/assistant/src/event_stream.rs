//! Server-sent events: lines become the data of events. (WHATWG HTML, section 9.2.6; names and ids of events mean nothing
//! here.)

use std::collections::VecDeque;

/// The longest line and the largest event, in bytes.
const LIMIT: usize = 256 * 1024;

/// An event or a line goes on beyond every bound.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Takes bytes as they come, in pieces of any size, and gives the data of whole events.
#[derive(Debug, Default)]
pub(crate) struct EventStream {
    line: Vec<u8>,
    /// The line feed that may come now belongs to the carriage return before it.
    after_return: bool,
    is_under_way: bool,
    /// The data of the event that is being read; `None` before its first line.
    data: Option<String>,
    ready: VecDeque<String>,
}

impl EventStream {
    /// Reads on.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        for byte in bytes.iter().copied() {
            let completes_return = std::mem::take(&mut self.after_return) && byte == b'\n';
            match byte {
                b'\n' if completes_return => {}
                b'\n' => self.end_line()?,
                b'\r' => {
                    self.after_return = true;
                    self.end_line()?;
                }
                _ if self.line.len() >= LIMIT => return Err(TooLarge),
                _ => self.line.push(byte),
            }
        }
        Ok(())
    }

    /// Nothing more comes. An event whose end is missing counts all the same, since some servers leave it out.
    pub(crate) fn finish(&mut self) -> Result<(), TooLarge> {
        self.end_line()?;
        self.end_event();
        Ok(())
    }

    /// The data of the next event that is whole.
    pub(crate) fn next(&mut self) -> Option<String> {
        self.ready.pop_front()
    }

    fn end_line(&mut self) -> Result<(), TooLarge> {
        let mut line = std::mem::take(&mut self.line);
        if !std::mem::replace(&mut self.is_under_way, true) && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        if line.is_empty() {
            self.end_event();
            return Ok(());
        }
        let text = String::from_utf8_lossy(&line);
        let (field, value) = text.split_once(':').unwrap_or((&text, ""));
        // Anything else is a comment, a name, an id, or nothing that is known.
        if field == "data" {
            let value = value.strip_prefix(' ').unwrap_or(value);
            let data = self.data.get_or_insert_default();
            if data.len().saturating_add(value.len()) > LIMIT {
                return Err(TooLarge);
            }
            if !data.is_empty() {
                data.push('\n');
            }
            data.push_str(value);
        }
        Ok(())
    }

    fn end_event(&mut self) {
        self.ready.extend(self.data.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of a text that comes in pieces of this size.
    fn events(text: &[u8], piece: usize) -> Vec<String> {
        let mut stream = EventStream::default();
        for piece in text.chunks(piece) {
            stream.feed(piece).unwrap();
        }
        stream.finish().unwrap();
        std::iter::from_fn(|| stream.next()).collect()
    }

    #[test]
    fn however_it_is_cut_the_events_are_the_same() {
        let text = "\u{feff}data: one\n\n: a comment\nevent: x\nid: 7\ndata:two\r\n\r\ndata: th\u{e4}\rdata: ree\r\r\n\
                    retry: 5\n\nnonsense\n\ndata\n\ndata:  four: 4";
        for piece in 1..=text.len() {
            assert_eq!(
                events(text.as_bytes(), piece),
                ["one", "two", "th\u{e4}\nree", "", " four: 4"],
                "in pieces of {piece}"
            );
        }
    }

    #[test]
    fn what_is_no_text_does_not_stop_it() {
        assert_eq!(events(b"data: \xff\xfe\n\n", 3), ["\u{fffd}\u{fffd}"]);
        assert_eq!(events(b"\0\0\n\n\n", 2), Vec::<String>::new());
    }

    #[test]
    fn nothing_grows_without_end() {
        let mut line = EventStream::default();
        let long = vec![b'a'; LIMIT];
        assert_eq!(line.feed(&long), Ok(()));
        assert_eq!(line.feed(b"a"), Err(TooLarge));

        let mut event = EventStream::default();
        let piece = [b"data: ".to_vec(), vec![b'a'; LIMIT / 4], b"\n".to_vec()].concat();
        let ends = (0..8).find(|_| event.feed(&piece).is_err());
        assert_eq!(
            ends,
            Some(3),
            "four lines and what is between them are too much"
        );
        assert_eq!(event.next(), None);
    }
}
