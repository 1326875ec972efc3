//! Routes of one group, each put under a prefix as a whole path. axum's `nest` would keep the prefix apart, cut it off the
//! path of every request, and put two more layers around each route for that.

use axum::handler::Handler;
use axum::routing::any;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathItem, Paths, PathsBuilder};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::access::{Access, EXTENSION, Signature, access_of};
use crate::app::App;
use crate::private::PrivateLayer;

/// Documented handlers, each with what its signature asks of the caller.
pub(crate) struct Routes(pub(crate) Vec<(UtoipaMethodRouter<App>, Access)>);

/// The [`Routes`] of documented handlers.
macro_rules! routes {
    ($($handler:path),+ $(,)?) => {
        $crate::group::Routes(vec![
            $((::utoipa_axum::routes!($handler), $crate::access::access_of(&$handler))),+
        ])
    };
}
pub(crate) use routes;

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

    /// With documented handlers.
    pub(crate) fn routes(mut self, Routes(routes): Routes) -> Self {
        for ((schemas, paths, methods), access) in routes {
            let Paths {
                paths, extensions, ..
            } = paths;
            let placed = paths
                .into_iter()
                .fold(PathsBuilder::new(), |placed, (path, mut item)| {
                    declare(&mut item, &access);
                    placed.path(format!("{}{path}", self.prefix), item)
                });
            let placed = placed.extensions(extensions).build();
            self.routes = self.routes.routes((schemas, placed, methods));
        }
        self
    }

    /// With a handler of every method that no document tells of. It has to ask something of its caller.
    pub(crate) fn any<H, S>(mut self, path: &str, handler: H) -> Self
    where
        H: Handler<S, App>,
        S: Signature + 'static,
    {
        debug_assert!(access_of(&handler).is_said(), "{path} asks nothing");
        let path = format!("{}{path}", self.prefix);
        self.routes = self.routes.route(&path, any(handler));
        self
    }

    /// For anybody's eyes; who may call is said here, as the signatures do not.
    pub(crate) fn public(self, access: &Access) -> OpenApiRouter<App> {
        let mut routes = self.routes;
        for item in routes.get_openapi_mut().paths.paths.values_mut() {
            declare(item, access);
        }
        routes
    }

    /// For the caller's eyes only.
    pub(crate) fn private(self) -> OpenApiRouter<App> {
        self.routes.layer(PrivateLayer)
    }
}

/// Writes into the document who may call, where something is said.
fn declare(item: &mut PathItem, access: &Access) {
    if !access.is_said() {
        return;
    }
    let operations = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.options,
        &mut item.head,
        &mut item.patch,
        &mut item.trace,
    ];
    for operation in operations.into_iter().flatten() {
        let Operation { extensions, .. } = operation;
        let said = ExtensionsBuilder::new().add(EXTENSION, access.to_json());
        extensions.get_or_insert_default().merge(said.build());
    }
}
