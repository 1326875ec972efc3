use chrono::{DateTime, Utc};

use crate::{Directory, DirectoryError, Listing, Page};

/// Where a listing's next page begins, and how many objects come before it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Position {
    pub(super) done: u64,
    pub(super) after: Option<String>,
}

/// A listing, read page by page.
pub(super) struct Pages<'a> {
    directory: &'a dyn Directory,
    listing: Listing,
    /// Only what may have changed since.
    since: Option<DateTime<Utc>>,
    position: Position,
    /// Where the page before began: the way back when the next one is refused.
    before: Option<Position>,
    read: u64,
    has_stepped_back: bool,
}

impl<'a> Pages<'a> {
    /// Reads from a position that an earlier run came to; without one, from the beginning.
    pub(super) fn new(
        directory: &'a dyn Directory,
        listing: Listing,
        from: Option<Position>,
    ) -> Self {
        Self {
            directory,
            listing,
            since: None,
            before: from.is_some().then(Position::default),
            position: from.unwrap_or_default(),
            read: 0,
            has_stepped_back: false,
        }
    }

    /// Reads from the beginning, and only what may have changed since a time, if one is given.
    pub(super) fn since(
        directory: &'a dyn Directory,
        listing: Listing,
        since: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            since,
            ..Self::new(directory, listing, None)
        }
    }

    /// The next page; `None` after the last one.
    ///
    /// Clerk's cursor is the last object of the page before, and Clerk refuses it once that object is deleted. Then that
    /// page is read once more: it ends with another object now.
    pub(super) async fn next(&mut self) -> Result<Option<Page>, DirectoryError> {
        if self.read > 0 && self.position.after.is_none() {
            return Ok(None);
        }
        let page = match (self.page().await, self.before.take()) {
            (Err(DirectoryError::Refused(reason)), Some(before)) => {
                let refused = std::mem::replace(&mut self.position, before);
                self.has_stepped_back = true;
                let page = self.page().await?;
                if page.next == refused.after {
                    return Err(DirectoryError::Refused(reason));
                }
                page
            }
            (answer, _) => answer?,
        };
        if page.next.is_some() && page.next == self.position.after {
            return Err(DirectoryError::Unreadable(
                "a page names itself as the next".to_owned(),
            ));
        }
        let count = (page.writes.len() + page.unmappable.len()) as u64;
        let next = Position {
            done: self.position.done + count,
            after: page.next.clone(),
        };
        self.before = Some(std::mem::replace(&mut self.position, next));
        self.read += 1;
        Ok(Some(page))
    }

    /// Where the next page begins; its `after` is `None` after the last one.
    pub(super) fn position(&self) -> &Position {
        &self.position
    }

    /// Pages read.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// Whether a page had to be read once more, or the listing from its beginning.
    pub(super) fn has_stepped_back(&self) -> bool {
        self.has_stepped_back
    }

    async fn page(&self) -> Result<Page, DirectoryError> {
        let after = self.position.after.clone();
        match self.since {
            Some(since) => self.directory.recent(self.listing, since, after).await,
            None => self.directory.page(self.listing, after).await,
        }
    }
}
