//! Pages of lists, as they are shown.

use domain::{PageQuery, Paged};
use serde::Serialize;
use utoipa::ToSchema;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PageOf<T: ToSchema> {
    items: Vec<T>,
    /// What gives the next page; null on the last one.
    next_cursor: Option<String>,
}

impl<T: ToSchema> PageOf<T> {
    /// Nothing, and no more of it.
    pub(crate) fn empty() -> Self {
        Self {
            items: Vec::new(),
            next_cursor: None,
        }
    }

    /// The page with each row as it is shown.
    pub(crate) fn showing<R>(page: Paged<R>, shown: impl FnMut(R) -> T) -> Self {
        let Paged { items, next_cursor } = page;
        Self {
            items: items.into_iter().map(shown).collect(),
            next_cursor,
        }
    }
}

/// The most rows of any page.
pub(crate) const MOST: u32 = PageQuery::<uuid::Uuid>::MAX_LIMIT;
