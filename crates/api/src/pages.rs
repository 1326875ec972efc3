//! Pages for people beside the routes for programs. They go through the same outer layer, count and say who may look, and
//! stand in no document; what fails on its way to one is drawn as a page.

use std::collections::HashSet;
use std::sync::Arc;

use axum::handler::Handler;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::header::ACCEPT;
use http::{HeaderMap, Method};

use crate::access::{Access, Signature, access_of};
use crate::app::App;
use crate::endpoint::ServedRoute;
use crate::private::PrivateLayer;
use crate::problem::Problem;

/// Draws a failing answer, given the id of its request.
pub type Draw = fn(&Problem, &str) -> Response;

/// Pages, and the files that they need.
pub struct Pages {
    private: Router<App>,
    public: Router<App>,
    table: Vec<ServedRoute>,
    draw: Draw,
}

impl Pages {
    /// None yet.
    #[must_use]
    pub fn drawing(draw: Draw) -> Self {
        Self {
            private: Router::new(),
            public: Router::new(),
            table: Vec::new(),
            draw,
        }
    }

    /// With a page, which no cache keeps: who may look is read off the handler's signature.
    #[must_use]
    pub fn page<H, S>(mut self, path: &str, handler: H) -> Self
    where
        H: Handler<S, App>,
        S: Signature + 'static,
    {
        self.write_down(Method::GET, path, &access_of(&handler));
        self.private = self.private.route(path, get(handler));
        self
    }

    /// With what a form of a page is sent to.
    #[must_use]
    pub fn form<H, S>(mut self, path: &str, handler: H) -> Self
    where
        H: Handler<S, App>,
        S: Signature + 'static,
    {
        self.write_down(Method::POST, path, &access_of(&handler));
        self.private = self.private.route(path, post(handler));
        self
    }

    /// With files for anybody, whose handler says how long they are kept.
    #[must_use]
    pub fn files<H, S>(mut self, path: &str, handler: H) -> Self
    where
        H: Handler<S, App>,
        S: 'static,
    {
        self.write_down(Method::GET, path, &Access::anybody());
        self.public = self.public.route(path, get(handler));
        self
    }

    /// With something that every handler of a page finds among its request's extensions.
    #[must_use]
    pub fn sharing<T: Clone + Send + Sync + 'static>(mut self, shared: T) -> Self {
        self.private = self.private.layer(Extension(shared));
        self
    }

    /// Every page, with who may look.
    #[must_use]
    pub fn table(&self) -> &[ServedRoute] {
        &self.table
    }

    fn write_down(&mut self, method: Method, path: &str, access: &Access) {
        self.table.push(ServedRoute {
            method: Some(method),
            path: path.to_owned(),
            access: access.ways().to_vec(),
        });
    }

    /// The routes, their list, and who draws what fails.
    pub(crate) fn apart(self) -> (Router<App>, Vec<ServedRoute>, Drawing) {
        let Self {
            private,
            public,
            table,
            draw,
        } = self;
        let paths = table.iter().map(|route| route.path.clone()).collect();
        let drawing = Drawing(Arc::new(Drawn { paths, draw }));
        (private.layer(PrivateLayer).merge(public), table, drawing)
    }
}

/// Which failing answers are drawn, and by whom.
#[derive(Clone)]
pub(crate) struct Drawing(Arc<Drawn>);

struct Drawn {
    paths: HashSet<String>,
    draw: Draw,
}

impl Drawing {
    /// Who draws what fails of this request: of pages, and where nothing is and a browser looks for a page.
    pub(crate) fn of(
        &self,
        route: Option<&str>,
        path: &str,
        method: &Method,
        headers: &HeaderMap,
    ) -> Option<Draw> {
        let is_page = match route {
            Some(route) => !route.starts_with("/api") && self.0.paths.contains(route),
            None => !path.starts_with("/api") && *method == Method::GET && wants_a_page(headers),
        };
        is_page.then_some(self.0.draw)
    }
}

fn wants_a_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}
