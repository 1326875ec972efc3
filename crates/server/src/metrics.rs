//! Metrics for Prometheus: everything that the parts know of themselves, collected when somebody asks.
//!
//! On a listener of its own, since they are for the operator alone. They hold no names of persons, and their labels come
//! from closed sets, so that no stranger can make them grow.

mod families;
mod mirror;
mod parts;
mod process;
mod requests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use api::{App, Endpoint};
use auth::Authenticator;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use domain::{CacheHealth, StoreHealth};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use prometheus::TEXT_FORMAT;

use crate::http::Connections;
use families::Families;

/// Whose word is collected.
pub(crate) struct Watched {
    pub(crate) app: App,
    pub(crate) endpoint: Endpoint,
    pub(crate) connections: Arc<Connections>,
    pub(crate) store: Arc<dyn StoreHealth>,
    pub(crate) caches: Arc<dyn CacheHealth>,
    pub(crate) authenticator: Arc<Authenticator>,
    /// Whether this replica does the background work.
    pub(crate) leads: Arc<AtomicBool>,
    pub(crate) reloads: Arc<Reloads>,
    pub(crate) since: DateTime<Utc>,
}

/// How often settings were read again while the service ran.
#[derive(Debug, Default)]
pub(crate) struct Reloads {
    done: AtomicU64,
    failed: AtomicU64,
}

impl Reloads {
    /// Counts one.
    pub(crate) fn count(&self, is_done: bool) {
        let count = if is_done { &self.done } else { &self.failed };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// The one route.
pub(crate) fn routes(watched: Watched) -> Router {
    Router::new()
        .route("/metrics", get(text))
        .with_state(Arc::new(watched))
}

async fn text(State(watched): State<Arc<Watched>>) -> Response {
    match watched.collected().await.text() {
        Ok(text) => ([(CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

impl Watched {
    async fn collected(&self) -> Families {
        let now = Utc::now();
        let report = self.app.store_report().await;
        let families = Families::new();
        requests::collect(self, &families);
        mirror::collect(self, report.as_ref().ok(), now, &families);
        parts::collect(self, report.as_ref(), now, &families);
        process::collect(self, &families);
        families
    }
}
