//! Routes of one group, each put under a prefix as a whole path. axum's `nest` would keep the prefix apart, cut it off the
//! path of every request, and put two more layers around each route for that.

use axum::routing::MethodRouter;
use utoipa::openapi::path::{Paths, PathsBuilder};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::app::App;
use crate::private::PrivateLayer;

/// Routes under one prefix; their handlers name paths without it.
pub(crate) struct Group {
    prefix: &'static str,
    routes: OpenApiRouter<App>,
}

impl Group {
    /// None yet.
    pub(crate) fn under(prefix: &'static str) -> Self {
        Self {
            prefix,
            routes: OpenApiRouter::new(),
        }
    }

    /// With a documented handler.
    pub(crate) fn routes(mut self, (schemas, paths, methods): UtoipaMethodRouter<App>) -> Self {
        let Paths {
            paths, extensions, ..
        } = paths;
        let placed = paths
            .into_iter()
            .fold(PathsBuilder::new(), |placed, (path, item)| {
                placed.path(format!("{}{path}", self.prefix), item)
            });
        let placed = placed.extensions(extensions).build();
        self.routes = self.routes.routes((schemas, placed, methods));
        self
    }

    /// With a handler that no document tells of.
    pub(crate) fn route(mut self, path: &str, methods: MethodRouter<App>) -> Self {
        let path = format!("{}{path}", self.prefix);
        self.routes = self.routes.route(&path, methods);
        self
    }

    /// For anybody's eyes.
    pub(crate) fn public(self) -> OpenApiRouter<App> {
        self.routes
    }

    /// For the caller's eyes only.
    pub(crate) fn private(self) -> OpenApiRouter<App> {
        self.routes.layer(PrivateLayer)
    }
}
