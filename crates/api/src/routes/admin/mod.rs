//! What administrators call: people and what is decided about them, organizations, sessions, the ledger, the audit log,
//! drift, invites.
//!
//! `Admin` stands in every signature, or `Reader` where a machine caller may look too. Every write is attributed, and
//! the port that makes it writes its line in the audit log.

pub(crate) mod audit;
mod caller;
pub(crate) mod decisions;
pub(crate) mod deliveries;
pub(crate) mod drift;
pub(crate) mod erasure;
mod input;
pub(crate) mod invites;
pub(crate) mod organizations;
mod parameters;
pub(crate) mod resync;
pub(crate) mod sessions;
mod shown;
pub(crate) mod users;

use domain::{PageQuery, Paged};
use serde::Serialize;
use utoipa::ToSchema;

use self::caller::{AdminCaller, Reader};
use self::input::Input;
use self::parameters::{Id, Parameters};

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PageOf<T: ToSchema> {
    items: Vec<T>,
    /// What gives the next page; null on the last one.
    next_cursor: Option<String>,
}

impl<T: ToSchema> PageOf<T> {
    /// Nothing, and no more of it.
    fn empty() -> Self {
        Self {
            items: Vec::new(),
            next_cursor: None,
        }
    }

    /// The page with each row as it is shown.
    fn showing<R>(page: Paged<R>, shown: impl FnMut(R) -> T) -> Self {
        let Paged { items, next_cursor } = page;
        Self {
            items: items.into_iter().map(shown).collect(),
            next_cursor,
        }
    }
}

/// The most rows of any page.
const MOST: u32 = PageQuery::<uuid::Uuid>::MAX_LIMIT;
