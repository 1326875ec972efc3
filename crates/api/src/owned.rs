//! What is owned, over HTTP: one pattern for every resource of the workspace.
//!
//! A resource says what it is called and how it is written ([`Exposed`]); its routes, their rules and their documentation
//! follow (`routes.rs`, `handlers.rs`, `document.rs`). Reading asks for a session, writing for a validated invite too,
//! and giving a row to somebody for an admin. Whose rows a caller meets is for the port to say, which is given a scope that
//! is made of the verified session alone (`acting.rs`).

mod acting;
mod claims;
mod document;
mod handlers;
mod outcome;
mod query;
mod routes;
mod row;

use std::sync::Arc;

use domain::OwnedRows;
use domain::workspace::{Resource, Whose};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::app::App;
use crate::current_user::CurrentUser;
use crate::problem::Kind;

pub(crate) use acting::Acting;
pub(crate) use handlers::{Body, created};
pub(crate) use outcome::{done, found, limited, reference_unknown};
pub(crate) use query::{Which, id};
pub(crate) use routes::Verbs;
pub(crate) use row::OwnedRow;

/// Makes a type of another one that has the same members.
macro_rules! alike {
    ($($from:ident => $into:ident { $($member:ident),+ $(,)? })+) => {
        $(impl From<$from> for $into {
            fn from(it: $from) -> Self {
                let $from { $($member),+ } = it;
                Self { $($member),+ }
            }
        })+
    };
}
pub(crate) use alike;

/// A resource that the API shows.
pub(crate) trait Exposed: Resource {
    /// Where its list is, under `/api/v1`: `/listings`.
    const PATH: &'static str;
    /// One of them, in words: `listing`.
    const ONE: &'static str;
    /// Many of them, in words: `listings`.
    const MANY: &'static str;
    /// The member that names the row that it is in, by which lists can be narrowed: `portfolio_id`.
    const PARENT: Option<&'static str> = None;

    /// Whose a list shows when nobody says it. An admin sees everybody's, but for what is personal.
    const UNASKED: Whose = Whose::Everybody;
    /// What is told when there are as many as may be, where that is limited.
    const LIMIT_REACHED: Option<Kind> = None;

    /// What its owner writes, and is shown.
    type Fields: DeserializeOwned
        + Serialize
        + ToSchema
        + Into<Self>
        + From<Self>
        + Send
        + Sync
        + 'static;
    /// What a change of it says: every member may be missing.
    type Changes: DeserializeOwned + ToSchema + Into<Self::Patch> + Send + 'static;

    /// Where they are kept.
    fn rows(app: &App) -> &Arc<dyn OwnedRows<Self>>;

    /// How many the caller may have, where that is limited.
    fn limit(_: &CurrentUser) -> Option<u64> {
        None
    }
}
