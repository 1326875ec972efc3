//! Texts from outside as both databases take them.

use std::borrow::Cow;

/// PostgreSQL keeps no U+0000 and takes none to compare with; the replacement character stands for it.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The same of a text that may be missing.
pub(super) fn storable_option(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(storable)
}
