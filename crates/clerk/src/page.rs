//! From Clerk's JSON to pages and single objects of the port.

use chrono::{DateTime, Utc};
use domain::{ClerkId, DirectoryError, Listing, Page, Write};
use mapping::{
    Fields, Notes, Placing, Unmappable, kind_of, read_membership, read_organization, read_user,
};
use serde_json::Value;

use crate::{answer::unreadable, cursor::Cursor};

/// A list as Clerk answers it: users bare, everything else with the number of all that there are.
pub(crate) struct Listed {
    pub(crate) entries: Vec<Value>,
    /// Absent in a bare list.
    pub(crate) total: Option<u64>,
}

impl Listed {
    pub(crate) fn read(listing: Listing, body: Value) -> Result<Self, DirectoryError> {
        let wrong = |found: &Value| {
            unreadable(format!(
                "{} as {}, not a list",
                listing.as_str(),
                kind_of(found)
            ))
        };
        match (listing, body) {
            (Listing::Users, Value::Array(entries)) => Ok(Self {
                entries,
                total: None,
            }),
            (Listing::Organizations | Listing::Memberships, Value::Object(mut map)) => {
                let total = total(map.get("total_count"))?;
                match map.remove("data") {
                    Some(Value::Array(entries)) => Ok(Self {
                        entries,
                        total: Some(total),
                    }),
                    other => Err(wrong(&other.unwrap_or_default())),
                }
            }
            (_, other) => Err(wrong(&other)),
        }
    }

    /// The page, with the place of the next one.
    pub(crate) fn into_page(
        self,
        listing: Listing,
        next: Option<Cursor>,
        read_at: DateTime<Utc>,
    ) -> Page {
        let placing = Placing::listed(read_at);
        let mut page = Page {
            next: next.and_then(|next| next.to_text()),
            ..Page::default()
        };
        for (index, entry) in self.entries.iter().enumerate() {
            let path = format!("{}[{index}]", listing.as_str());
            match write(listing, entry, path, &placing) {
                Ok(write) => page.writes.push(write),
                Err(fault) => {
                    let id = id_of(entry).map(ClerkId::into_string);
                    page.unmappable.push((id, fault.to_string()));
                }
            }
        }
        page
    }

    /// The place behind a page whose objects are listed by the time under `moved`, the latest first: none once the page
    /// has come to what is older than `since`.
    pub(crate) fn next_since(
        &self,
        cursor: &Cursor,
        page_size: u16,
        moved: &str,
        since: DateTime<Utc>,
    ) -> Option<Cursor> {
        let time = |entry: &Value| entry.get(moved).and_then(Value::as_i64);
        // The last whose time can be read; an object without one proves nothing.
        let last = self.entries.iter().rev().find_map(time);
        let is_older = last.is_some_and(|last| last < since.timestamp_millis());
        let here = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        let next = cursor.offset().saturating_add(here);
        let is_last = match self.total {
            Some(total) => next >= total || here == 0,
            None => self.entries.len() < usize::from(page_size),
        };
        (!is_older && !is_last).then_some(Cursor::Offset(next))
    }

    /// The place behind the page that begins at `cursor`.
    pub(crate) fn next(
        &self,
        cursor: &Cursor,
        page_size: u16,
    ) -> Result<Option<Cursor>, DirectoryError> {
        let Some(total) = self.total else {
            return self.next_by_id(cursor, page_size);
        };
        let before = cursor.offset();
        let here = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        let next = before.saturating_add(here);
        if next >= total {
            Ok(None)
        } else if here == 0 {
            Err(unreadable(format!(
                "an empty page at {before} of {total} objects"
            )))
        } else {
            Ok(Some(Cursor::Offset(next)))
        }
    }

    /// A bare list ends, as Clerk describes it, with a page that is not full.
    fn next_by_id(
        &self,
        cursor: &Cursor,
        page_size: u16,
    ) -> Result<Option<Cursor>, DirectoryError> {
        // A server that does not know the cursor would answer its first page for ever.
        if let Cursor::AfterId(after) = cursor
            && self
                .entries
                .iter()
                .any(|entry| id_of(entry).as_ref() == Some(after))
        {
            return Err(unreadable(
                "a page that holds the user behind whom it should begin".to_owned(),
            ));
        }
        if self.entries.len() < usize::from(page_size) {
            return Ok(None);
        }
        // Behind the last user whose id can be read: those after him come once more.
        match self.entries.iter().rev().find_map(id_of) {
            Some(last) => Ok(Some(Cursor::AfterId(last))),
            None => Err(unreadable("a full page without a single id".to_owned())),
        }
    }
}

/// One object as a guarded write.
pub(crate) fn write(
    listing: Listing,
    entry: &Value,
    path: String,
    placing: &Placing,
) -> Result<Write, Unmappable> {
    let fields = Fields::of(entry, path)?;
    let mut notes = Notes::default();
    Ok(match listing {
        Listing::Users => Write::User(Box::new(read_user(&fields, placing, &mut notes)?)),
        Listing::Organizations => {
            Write::Organization(Box::new(read_organization(&fields, placing, &mut notes)?))
        }
        Listing::Memberships => {
            Write::Membership(Box::new(read_membership(&fields, placing, &mut notes)?))
        }
    })
}

/// The number in a count's answer.
pub(crate) fn total(value: Option<&Value>) -> Result<u64, DirectoryError> {
    value
        .and_then(Value::as_u64)
        .ok_or_else(|| unreadable("no total_count".to_owned()))
}

/// The usable id of an object.
pub(crate) fn id_of(entry: &Value) -> Option<ClerkId> {
    let id = entry.get("id")?.as_str()?;
    ClerkId::parse(id).ok()
}
