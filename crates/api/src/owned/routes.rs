//! The routes of a resource.

use axum::routing::{delete, get, patch, post, put};
use utoipa::openapi::path::{HttpMethod, PathItem, Paths, PathsBuilder};

use super::Exposed;
use super::document::Described;
use super::handlers;
use crate::access::access_of;
use crate::group::Routes;

/// What may be done with a resource over HTTP.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verbs {
    create: bool,
    change: bool,
    give: bool,
}

impl Verbs {
    /// Everything.
    pub(crate) const ALL: Self = Self {
        create: true,
        change: true,
        give: true,
    };
    /// Everything but to give it away: it goes with the row that it is in.
    pub(crate) const OF_PART: Self = Self {
        give: false,
        ..Self::ALL
    };
    /// Looking and deleting: something else makes it.
    pub(crate) const KEPT: Self = Self {
        create: false,
        change: false,
        give: false,
    };

    /// The routes of a resource.
    pub(crate) fn of<R: Exposed>(self) -> Routes {
        let Self {
            create,
            change,
            give,
        } = self;
        let said = Described::<R>::new();
        let rows = R::PATH.to_owned();
        let row = format!("{rows}/{{id}}");
        let mut routes = Vec::new();
        macro_rules! route {
            ($path:expr, $verb:ident, $method:ident, $handler:path, $operation:expr) => {{
                let handler = $handler;
                let item = PathItem::new(HttpMethod::$method, $operation);
                let paths: Paths = PathsBuilder::new().path($path, item).build();
                let access = access_of(&handler);
                routes.push(((said.schemas(), paths, $verb(handler)), access));
            }};
        }
        route!(&rows, get, Get, handlers::list::<R>, said.list());
        if create {
            route!(&rows, post, Post, handlers::create::<R>, said.create());
        }
        route!(&row, get, Get, handlers::one::<R>, said.one());
        if change {
            route!(&row, patch, Patch, handlers::change::<R>, said.change());
        }
        route!(&row, delete, Delete, handlers::delete::<R>, said.delete());
        if give {
            let owner = format!("{row}/owner");
            route!(&owner, put, Put, handlers::give::<R>, said.give());
        }
        Routes(routes)
    }
}
