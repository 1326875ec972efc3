//! Where a page begins, as a text that survives in a checkpoint.

use domain::{ClerkId, DirectoryError, Listing};

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// At the first object.
    Start,
    /// Behind this user. Nothing that happens to other users moves it.
    AfterId(ClerkId),
    /// Behind this many objects: all that Clerk offers for organizations and memberships.
    Offset(u64),
}

const AFTER_ID: &str = "after:";
const OFFSET: &str = "offset:";

impl Cursor {
    /// Reads what [`Cursor::to_text`] wrote, perhaps long ago.
    pub(crate) fn parse(listing: Listing, text: Option<&str>) -> Result<Self, DirectoryError> {
        let Some(text) = text else {
            return Ok(Self::Start);
        };
        match listing {
            Listing::Users => text
                .strip_prefix(AFTER_ID)
                .and_then(|id| ClerkId::parse(id).ok())
                .map(Self::AfterId)
                .ok_or_else(|| foreign(listing)),
            Listing::Organizations | Listing::Memberships => {
                Self::parse_offset(listing, Some(text))
            }
        }
    }

    /// Reads a cursor of a listing that can only be counted off.
    pub(crate) fn parse_offset(
        listing: Listing,
        text: Option<&str>,
    ) -> Result<Self, DirectoryError> {
        let Some(text) = text else {
            return Ok(Self::Start);
        };
        text.strip_prefix(OFFSET)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .map(Self::Offset)
            .ok_or_else(|| foreign(listing))
    }

    /// How many objects come before it; 0 where that is not known.
    pub(crate) fn offset(&self) -> u64 {
        match self {
            Self::Offset(offset) => *offset,
            Self::Start | Self::AfterId(_) => 0,
        }
    }

    pub(crate) fn to_text(&self) -> Option<String> {
        match self {
            Self::Start => None,
            Self::AfterId(id) => Some(format!("{AFTER_ID}{id}")),
            Self::Offset(offset) => Some(format!("{OFFSET}{offset}")),
        }
    }

    /// What goes into the query.
    pub(crate) fn parameter(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Start => None,
            Self::AfterId(id) => Some(("starting_after", id.to_string())),
            Self::Offset(offset) => Some(("offset", offset.to_string())),
        }
    }
}

fn foreign(listing: Listing) -> DirectoryError {
    DirectoryError::Refused(format!("a cursor that is none of {}", listing.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_the_round_trip() {
        let id = ClerkId::parse("user_1:a&b=c").unwrap();
        for (listing, cursor) in [
            (Listing::Users, Cursor::Start),
            (Listing::Users, Cursor::AfterId(id)),
            (Listing::Organizations, Cursor::Offset(500)),
            (Listing::Memberships, Cursor::Start),
        ] {
            let text = cursor.to_text();
            assert_eq!(Cursor::parse(listing, text.as_deref()).unwrap(), cursor);
        }
    }

    #[test]
    fn a_cursor_of_another_listing_or_of_nobody_is_refused() {
        for (listing, text) in [
            (Listing::Users, "offset:500"),
            (Listing::Users, "after:"),
            (Listing::Users, "after:a b"),
            (Listing::Users, "user_1"),
            (Listing::Users, ""),
            (Listing::Organizations, "after:org_1"),
            (Listing::Organizations, "offset:"),
            (Listing::Organizations, "offset:+5"),
            (Listing::Organizations, "offset:-5"),
            (Listing::Memberships, "offset:99999999999999999999"),
            (Listing::Memberships, "offset:5&limit=1"),
        ] {
            assert!(Cursor::parse(listing, Some(text)).is_err(), "{text}");
        }
    }
}
