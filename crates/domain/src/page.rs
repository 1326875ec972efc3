//! Lists by pages: how many, after which row, and the opaque word that goes on from there.
//!
//! A cursor names the last row that was seen by a key that never changes, so that rows that come, change or go while
//! somebody pages neither repeat nor hide others.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use uuid::Uuid;

use crate::ClerkId;

/// A list that is read by pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Users, by our id.
    Users,
    /// Organizations, by Clerk's id.
    Organizations,
    /// Sessions, by Clerk's id.
    Sessions,
    /// Lines of the ledger, by our id.
    Deliveries,
    /// Lines of the audit log, by our id.
    Audit,
    /// Invites, by our id.
    Invites,
    /// Requests to forget a person, by our id.
    Erasures,
    /// Rows of a kind of the workspace, by our id.
    Owned(&'static str),
}

impl List {
    /// What its cursors begin with: no other list's do.
    fn mark(self) -> &'static str {
        match self {
            Self::Users => "u",
            Self::Organizations => "o",
            Self::Sessions => "s",
            Self::Deliveries => "d",
            Self::Audit => "a",
            Self::Invites => "i",
            Self::Erasures => "e",
            Self::Owned(kind) => kind,
        }
    }
}

/// What a list is sorted by: unique, and never changed.
pub trait CursorKey: Sized {
    /// The key as text.
    fn to_text(&self) -> String;
    /// The key that [`CursorKey::to_text`] wrote.
    fn from_text(text: &str) -> Option<Self>;
}

impl CursorKey for Uuid {
    fn to_text(&self) -> String {
        self.simple().to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::parse_str(text).ok()
    }
}

impl CursorKey for ClerkId {
    fn to_text(&self) -> String {
        self.as_str().to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }
}

/// The text is no cursor that this list has given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one that this list has given")]
pub struct CursorError;

/// Between the list's mark and the key.
const AFTER_MARK: char = ':';

/// The longest cursor that is looked at, in bytes: a key of 255 characters and the longest mark, encoded.
const LONGEST: usize = 400;

/// Which page is wanted. Pages begin with the newest row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuery<K> {
    /// Rows at most.
    pub limit: u32,
    /// The last row that was seen.
    pub after: Option<K>,
}

impl<K: CursorKey> PageQuery<K> {
    /// Rows in a page when nobody says how many.
    pub const DEFAULT_LIMIT: u32 = 50;
    /// Rows in a page at most.
    pub const MAX_LIMIT: u32 = 200;

    /// The page after a cursor, or the first; a limit outside 1 to [`PageQuery::MAX_LIMIT`] is brought into it.
    ///
    /// # Errors
    /// When the cursor is not one that this list has given.
    pub fn new(list: List, limit: Option<u32>, cursor: Option<&str>) -> Result<Self, CursorError> {
        Ok(Self {
            limit: limit
                .unwrap_or(Self::DEFAULT_LIMIT)
                .clamp(1, Self::MAX_LIMIT),
            after: cursor.map(|text| read_cursor(list, text)).transpose()?,
        })
    }
}

fn read_cursor<K: CursorKey>(list: List, text: &str) -> Result<K, CursorError> {
    if text.len() > LONGEST {
        return Err(CursorError);
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError)?;
    let text = String::from_utf8(bytes).map_err(|_| CursorError)?;
    text.strip_prefix(list.mark())
        .and_then(|rest| rest.strip_prefix(AFTER_MARK))
        .and_then(K::from_text)
        .ok_or(CursorError)
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Paged<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What gives the next page; `None` on the last one.
    pub next_cursor: Option<String>,
}

impl<T> Paged<T> {
    /// Makes a page of rows that were read with one more than `limit`, which tells whether there is another page.
    #[must_use]
    pub fn cut<K: CursorKey>(
        list: List,
        mut rows: Vec<T>,
        limit: u32,
        key: impl Fn(&T) -> K,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows
            .last()
            .filter(|_| has_more)
            .map(|row| format!("{}{AFTER_MARK}{}", list.mark(), key(row).to_text()))
            .map(|text| URL_SAFE_NO_PAD.encode(text));
        Self {
            items: rows,
            next_cursor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor_after(list: List, key: &ClerkId) -> String {
        let rows = vec![key.clone(), key.clone()];
        Paged::cut(list, rows, 1, ClerkId::clone)
            .next_cursor
            .unwrap()
    }

    #[test]
    fn a_cursor_leads_back_to_its_row_even_the_longest() {
        let key = ClerkId::parse("x".repeat(255)).unwrap();
        let cursor = cursor_after(List::Sessions, &key);
        let page = PageQuery::new(List::Sessions, None, Some(&cursor)).unwrap();
        assert_eq!(page.after, Some(key));
        assert!(
            cursor
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
    }

    #[test]
    fn only_what_the_list_gave_is_a_cursor() {
        let sessions = cursor_after(List::Sessions, &ClerkId::parse("sess_1").unwrap());
        let read = |text: &str| PageQuery::<ClerkId>::new(List::Organizations, None, Some(text));
        let written = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let good = written("o:org_1");
        for text in [
            "",
            "!",
            "b ",
            sessions.as_str(),
            &written("oorg_1"),
            &written("o:"),
            &written("other:org_1"),
            &"x".repeat(1000),
            &good,
        ] {
            let outcome = read(text);
            assert_eq!(outcome.is_ok(), text == good, "{text:?}: {outcome:?}");
        }
        assert_eq!(
            PageQuery::<Uuid>::new(List::Users, None, Some("dW5vdC1hLXV1aWQ")),
            Err(CursorError)
        );
    }

    #[test]
    fn limits_are_brought_into_bounds_and_the_last_page_has_no_cursor() {
        let limit = |limit| {
            PageQuery::<Uuid>::new(List::Users, limit, None)
                .unwrap()
                .limit
        };
        assert_eq!(
            [limit(None), limit(Some(0)), limit(Some(u32::MAX))],
            [50, 1, 200]
        );
        let page = Paged::cut(List::Users, vec![Uuid::nil()], 1, |id| *id);
        assert_eq!((page.items.len(), page.next_cursor), (1, None));
    }
}
