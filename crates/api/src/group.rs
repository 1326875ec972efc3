//! Routes of one group, each put under a prefix as a whole path, and groups put together. axum's `nest` would keep the
//! prefix apart, cut it off the path of every request, and put two more layers around each route for that.
//!
//! This is the only way into the service: axum's routers stay in here, and each route is written down with what it asks of
//! its caller when it is put in. One that asks nothing, and does not say so, keeps the service from starting.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::any;
use http::Method;
use tower_layer::Layer as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathItem, Paths, PathsBuilder};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::access::{Access, EXTENSION, Signature, access_of};
use crate::app::App;
use crate::counts::Traffic;
use crate::endpoint::{Endpoint, ServedRoute, Undeclared};
use crate::outer::Around;
use crate::pages::{Drawing, Pages};
use crate::private::PrivateLayer;
use crate::routes::me::MeRoute;
use crate::{cors, fallback, legacy_bridge, openapi};

/// The names of the route that is asked most.
const ME: [&str; 2] = ["/api/auth/me", "/api/v1/auth/me"];

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
    surface: Surface,
}

impl Group {
    /// None yet.
    pub(crate) fn under(prefix: &'static str) -> Self {
        Self {
            prefix,
            surface: Surface::default(),
        }
    }

    /// With documented handlers.
    pub(crate) fn routes(mut self, Routes(routes): Routes) -> Self {
        for ((schemas, paths, methods), access) in routes {
            let Paths {
                paths, extensions, ..
            } = paths;
            let mut placed = PathsBuilder::new();
            for (path, mut item) in paths {
                let path = format!("{}{path}", self.prefix);
                declare(&mut item, &access);
                for (method, _) in operations(&mut item) {
                    self.surface.write_down(Some(method), &path, &access);
                }
                placed = placed.path(path, item);
            }
            let placed = placed.extensions(extensions).build();
            let routes = self.surface.routes;
            self.surface.routes = routes.routes((schemas, placed, methods));
        }
        self
    }

    /// With a handler of every method that no document tells of.
    pub(crate) fn any<H, S>(mut self, path: &str, handler: H) -> Self
    where
        H: Handler<S, App>,
        S: Signature + 'static,
    {
        let path = format!("{}{path}", self.prefix);
        self.surface.write_down(None, &path, &access_of(&handler));
        self.surface.routes = self.surface.routes.route(&path, any(handler));
        self
    }

    /// For anybody's eyes; who may call is said here, as the signatures do not.
    pub(crate) fn public(self, access: &Access) -> Surface {
        let mut surface = self.surface;
        let paths = &mut surface.routes.get_openapi_mut().paths.paths;
        for item in paths.values_mut() {
            declare(item, access);
        }
        for route in &mut surface.table {
            route.access = access.ways().to_vec();
        }
        surface
    }

    /// For the caller's eyes only.
    pub(crate) fn private(self) -> Surface {
        let mut surface = self.surface;
        surface.routes = surface.routes.layer(PrivateLayer);
        surface
    }
}

/// Groups together, with the list of their routes.
#[derive(Default)]
pub(crate) struct Surface {
    routes: OpenApiRouter<App>,
    table: Vec<ServedRoute>,
    drawing: Option<Drawing>,
}

impl Surface {
    /// Nothing but what the document says besides its routes.
    pub(crate) fn framed() -> Self {
        Self {
            routes: OpenApiRouter::with_openapi(openapi::frame()),
            table: Vec::new(),
            drawing: None,
        }
    }

    /// With others.
    pub(crate) fn with(mut self, other: Self) -> Self {
        self.routes = self.routes.merge(other.routes);
        self.table.extend(other.table);
        self
    }

    /// With others of which the document does not tell.
    pub(crate) fn with_undocumented(mut self, other: Self) -> Self {
        let (routes, _) = other.routes.split_for_parts();
        self.routes = self.routes.merge(OpenApiRouter::from(routes));
        self.table.extend(other.table);
        self
    }

    /// With the document and its page, for anybody.
    pub(crate) fn with_page(mut self) -> Self {
        let page = Router::from(openapi::page(self.document()));
        let page = page.layer(map_response(fallback::of_page));
        self.routes = self.routes.merge(OpenApiRouter::from(page));
        for path in openapi::PAGES {
            self.write_down(Some(Method::GET), path, &Access::anybody());
        }
        self
    }

    /// With pages for people, of which no document tells.
    pub(crate) fn with_pages(mut self, pages: Pages) -> Self {
        let (routes, table, drawing) = pages.apart();
        self.routes = self.routes.merge(OpenApiRouter::from(routes));
        self.table.extend(table);
        self.drawing = Some(drawing);
        self
    }

    /// The OpenAPI document.
    pub(crate) fn document(&self) -> OpenApi {
        openapi::complete(self.routes.get_openapi().clone())
    }

    /// Every route.
    pub(crate) fn table(self) -> Vec<ServedRoute> {
        self.table
    }

    fn write_down(&mut self, method: Option<Method>, path: &str, access: &Access) {
        self.table.push(ServedRoute {
            method,
            path: path.to_owned(),
            access: access.ways().to_vec(),
        });
    }

    /// The routes as they are served, with what is around them.
    ///
    /// # Errors
    /// When a route says of nobody that he may call it.
    pub(crate) fn served(self, app: App) -> Result<Endpoint, Undeclared> {
        Undeclared::none_in(&self.table)?;
        let traffic = Arc::new(Traffic::of(&self.table));
        let limit = app.settings.request_timeout;
        let outer = Around::new(limit, Arc::clone(&app.load), Arc::clone(&traffic))
            .counting_strangers(
                Arc::clone(&app.rate_limits),
                app.settings.trusted_proxies.clone(),
            )
            .until(app.leaving.clone())
            .drawing(self.drawing)
            .layer();
        let cors = cors::layer(&app.settings.cors_origins);
        let (mut routes, _) = self.routes.split_for_parts();
        if app.legacy.is_some() {
            routes = routes.layer(from_fn_with_state(app.clone(), legacy_bridge::announce));
        }
        // Layers that are not always there are not beside the router.
        let beside = if cors.is_none() && app.legacy.is_none() {
            let of = |route| outer.beside(route, PrivateLayer.layer(MeRoute(app.clone())));
            ME.map(of).to_vec()
        } else {
            Vec::new()
        };
        let routes = routes
            .fallback(fallback::not_found)
            .method_not_allowed_fallback(fallback::method_not_allowed)
            .with_state(app);
        let routes = match cors {
            Some(cors) => routes.layer(cors),
            None => routes,
        };
        let routes = routes.layer(outer);
        Ok(Endpoint::of(routes, traffic).beside(beside))
    }
}

/// Writes into the document who may call, where something is said.
fn declare(item: &mut PathItem, access: &Access) {
    if !access.is_said() {
        return;
    }
    for (_, operation) in operations(item) {
        let Operation { extensions, .. } = operation;
        let said = ExtensionsBuilder::new().add(EXTENSION, access.to_json());
        extensions.get_or_insert_default().merge(said.build());
    }
}

/// The operations of a path, by method.
pub(crate) fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let operations = [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::DELETE, &mut item.delete),
        (Method::OPTIONS, &mut item.options),
        (Method::HEAD, &mut item.head),
        (Method::PATCH, &mut item.patch),
        (Method::TRACE, &mut item.trace),
    ];
    operations
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::current_user::CurrentUser;
    use crate::test_app::{self, People};

    async fn guarded(_: CurrentUser) {}
    async fn forgotten() {}

    #[tokio::test]
    async fn a_route_that_forgets_to_ask_keeps_the_service_from_starting() {
        let app = || test_app::app(&People::of([]), domain::Policy::built_in(), |_| {});
        let group = || Group::under("/api").any("/guarded", guarded);
        assert!(group().private().served(app()).is_ok());
        let surface = group().any("/forgotten", forgotten).private();
        let refusal = surface.served(app()).err().unwrap();
        assert!(
            refusal.to_string().contains("any /api/forgotten"),
            "{refusal}"
        );
        let surface = Group::under("/api").any("/forgotten", forgotten);
        let said = surface.public(&Access::anybody());
        assert!(said.served(app()).is_ok());
    }
}
