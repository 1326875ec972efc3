//! Every route, grouped by who calls it, and the task that serves them.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::instance::Instance;
use crate::{assistant, backend, control, frontend, keys_route, page};

/// `loopback`: the emulator listens on a loopback address only.
pub(crate) fn router(instance: Arc<Instance>, loopback: bool) -> Router {
    Router::new()
        .merge(page::router(loopback))
        .merge(keys_route::router())
        .nest("/v1", backend::router(&instance))
        .nest("/assistant/v1", assistant::router())
        .merge(frontend::bundles())
        .nest_service("/__clerk", frontend::router(&instance, loopback))
        .nest("/__emu", control::router(loopback))
        .fallback(backend::unknown)
        .method_not_allowed_fallback(backend::wrong_method)
        .with_state(instance)
}

/// Serves until told to stop, then lets answers under way finish, and reports the end through `serving`.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    mut stopping: watch::Receiver<bool>,
    serving: watch::Sender<bool>,
) {
    let stop = async move {
        // An error means that the emulator was dropped, which stops too.
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    if let Err(error) = axum::serve(listener, service)
        .with_graceful_shutdown(stop)
        .await
    {
        tracing::error!(%error, "the emulator stopped serving");
    }
    serving.send_replace(true);
}
