//! The routes of a resource.

use utoipa::openapi::path::{HttpMethod, PathItem, PathsBuilder};

use super::Exposed;
use super::document::Described;
use super::handlers;
use crate::group::{Documented, Routes};

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
        let mut routes = Vec::new();
        macro_rules! route {
            ($path:ident, $method:ident, $handler:path, $said:ident) => {
                routes.push(Documented::on(
                    HttpMethod::$method,
                    $path::<R>(),
                    $handler,
                    || {
                        let said = Described::<R>::new();
                        let item = PathItem::new(HttpMethod::$method, said.$said());
                        let paths = PathsBuilder::new().path($path::<R>(), item);
                        (said.schemas(), paths.build())
                    },
                ));
            };
        }
        route!(rows, Get, handlers::list::<R>, list);
        if create {
            route!(rows, Post, handlers::create::<R>, create);
        }
        route!(row, Get, handlers::one::<R>, one);
        if change {
            route!(row, Patch, handlers::change::<R>, change);
        }
        route!(row, Delete, handlers::delete::<R>, delete);
        if give {
            route!(owner, Put, handlers::give::<R>, give);
        }
        Routes(routes)
    }
}

fn rows<R: Exposed>() -> String {
    R::PATH.to_owned()
}

fn row<R: Exposed>() -> String {
    format!("{}/{{id}}", R::PATH)
}

fn owner<R: Exposed>() -> String {
    format!("{}/owner", row::<R>())
}
