//! Routes of one group, each put under a prefix as a whole path, and groups put together. axum's `nest` would keep the
//! prefix apart, cut it off the path of every request, and put two more layers around each route for that.
//!
//! This is the only way into the service: axum's routers stay in here, and each route is written down with what it asks of
//! its caller when it is put in. One that asks nothing, and does not say so, keeps the service from starting.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::{self, MethodRouter, any};
use http::Method;
use tower_layer::Layer as _;
use utoipa::Path;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem, Paths};
use utoipa::openapi::{OpenApi, RefOr, Schema};
use utoipa_axum::PathItemExt as _;

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

/// What the document says of a handler, and the schemas that it names. It is put together when somebody asks for the
/// document, and not at each start ([why](../../../docs/decisions/0132-the-document-is-made-when-it-is-asked-for.md)).
pub(crate) type Said = fn() -> (Vec<(String, RefOr<Schema>)>, Paths);

/// Documented handlers.
pub(crate) struct Routes(pub(crate) Vec<Documented>);

/// A documented handler, under the path that it names.
pub(crate) struct Documented {
    path: String,
    method: HttpMethod,
    handler: MethodRouter<App>,
    /// What its signature asks of the caller.
    access: Access,
    said: Said,
}

impl Documented {
    /// A handler that utoipa describes as `P`. Each has one method: with two they would share a name.
    pub(crate) fn of<P: Path, H, S>(handler: H, said: Said) -> Self
    where
        H: Handler<S, App>,
        S: Signature + 'static,
    {
        let method = P::methods().into_iter().next().unwrap_or(HttpMethod::Get);
        Self::on(method, P::path(), handler, said)
    }

    /// A handler of a method under a path.
    pub(crate) fn on<H, S>(method: HttpMethod, path: String, handler: H, said: Said) -> Self
    where
        H: Handler<S, App>,
        S: Signature + 'static,
    {
        Self {
            path,
            access: access_of(&handler),
            handler: routing::on(method.to_method_filter(), handler),
            method,
            said,
        }
    }
}

/// The [`Routes`] of documented handlers.
macro_rules! routes {
    ($($module:ident :: $handler:ident),+ $(,)?) => {
        $crate::group::Routes(vec![$(::utoipa_axum::paste! {
            $crate::group::Documented::of::<$module::[<__path_ $handler>], _, _>(
                $module::$handler,
                || {
                    let (schemas, paths, _): ::utoipa_axum::router::UtoipaMethodRouter<$crate::app::App> =
                        ::utoipa_axum::routes!($module::$handler);
                    (schemas, paths)
                },
            )
        }),+])
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
        for documented in routes {
            let Documented {
                path,
                method,
                handler,
                access,
                said,
            } = documented;
            let path = format!("{}{path}", self.prefix);
            let method = method_of(&method);
            self.surface.write_down(Some(method), &path, &access);
            self.surface.routes = self.surface.routes.route(&path, handler);
            self.surface.chapters.push(Chapter {
                prefix: self.prefix,
                access,
                said,
            });
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
        for chapter in &mut surface.chapters {
            chapter.access = access.clone();
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

/// What the document is to say of a handler, and where.
struct Chapter {
    prefix: &'static str,
    access: Access,
    said: Said,
}

/// Groups together, with the list of their routes.
#[derive(Default)]
pub(crate) struct Surface {
    routes: Router<App>,
    table: Vec<ServedRoute>,
    chapters: Vec<Chapter>,
    drawing: Option<Drawing>,
}

impl Surface {
    /// With others.
    pub(crate) fn with(mut self, other: Self) -> Self {
        self.chapters.extend(other.chapters);
        self.routes = self.routes.merge(other.routes);
        self.table.extend(other.table);
        self
    }

    /// With others of which the document does not tell.
    pub(crate) fn with_undocumented(self, other: Self) -> Self {
        self.with(Self {
            chapters: Vec::new(),
            ..other
        })
    }

    /// With the document and its page, for anybody.
    pub(crate) fn with_page(mut self) -> Self {
        let page = openapi::page().layer(map_response(fallback::of_page));
        self.routes = self.routes.merge(page);
        for path in openapi::PAGES {
            self.write_down(Some(Method::GET), path, &Access::anybody());
        }
        self
    }

    /// With pages for people, of which no document tells.
    pub(crate) fn with_pages(mut self, pages: Pages) -> Self {
        let (routes, table, drawing) = pages.apart();
        self.routes = self.routes.merge(routes);
        self.table.extend(table);
        self.drawing = Some(drawing);
        self
    }

    /// The OpenAPI document.
    pub(crate) fn document(&self) -> OpenApi {
        let mut document = openapi::frame();
        for chapter in &self.chapters {
            let (schemas, Paths { paths, .. }) = (chapter.said)();
            for (path, mut item) in paths {
                declare(&mut item, &chapter.access);
                let path = format!("{}{path}", chapter.prefix);
                match document.paths.paths.get_mut(&path) {
                    Some(placed) => placed.merge_operations(item),
                    None => {
                        document.paths.paths.insert(path, item);
                    }
                }
            }
            let components = document.components.get_or_insert_default();
            components.schemas.extend(schemas);
        }
        openapi::complete(document)
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
        let mut routes = self.routes;
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
        Ok(Endpoint::of(routes, beside, traffic))
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

/// A method as HTTP has it.
fn method_of(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Post => Method::POST,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
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
