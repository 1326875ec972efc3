//! Connections: accepted within a number, with limits that bite, and let go gracefully.
//!
//! axum's own `serve` has no limits that a slow client would meet: hence this loop, and [`pace`].

mod heard;
mod pace;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use heard::Heard;
use pace::{Pace, Paced, Telling};

type Peer = ConnectInfo<SocketAddr>;
type Connection<I, S> = http1::Connection<TokioIo<Paced<I>>, Telling<S>>;

/// Connections at one time; more wait in the system's queue.
pub(crate) const MAX_CONNECTIONS: usize = 10_000;
/// Bytes of a head; beyond them the answer is 431, as beyond the 100 lines that are hyper's own limit: to name that number
/// would be to have room for as many lines filled anew for each request.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// How long a connection may stay once the service stops without a request: one may be on its way.
const LINGER: Duration = Duration::from_millis(250);
const LOOK: Duration = Duration::from_millis(10);
/// How long requests under way may take once the service stops.
const GRACE: Duration = Duration::from_secs(25);
/// The pause after the system could not give another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Room for connections.
pub(crate) struct Connections {
    places: Arc<Semaphore>,
    most: usize,
}

impl Connections {
    /// For so many at one time.
    pub(crate) fn at_most(most: usize) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(most));
        Arc::new(Self { places, most })
    }

    /// How many there are. One place is kept for whoever comes next.
    pub(crate) fn open(&self) -> usize {
        let taken = self.most.saturating_sub(self.places.available_permits());
        taken.saturating_sub(1)
    }
}

/// Serves until `stop`, then lets requests under way finish.
pub(crate) async fn serve<S>(
    listener: TcpListener,
    connections: Arc<Connections>,
    routes: S,
    stop: CancellationToken,
) where
    S: Service<Request<Heard>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &connections.places) => accepted,
        };
        let Some((stream, peer, place)) = accepted else {
            break;
        };
        serve_one(stream, peer, &routes, &graceful, Some(place));
    }
    for (stream, peer) in waiting(listener) {
        serve_one(stream, peer, &routes, &graceful, None);
    }
    // A connection that has said nothing yet is closed by what follows, in the middle of its first request perhaps.
    let lingering = async {
        while graceful.count() > 0 {
            tokio::time::sleep(LOOK).await;
        }
    };
    let _ = tokio::time::timeout(LINGER, lingering).await;
    if tokio::time::timeout(GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            "requests were still under way after {} s and are cut",
            GRACE.as_secs()
        );
    }
}

/// Serves a connection on a task of its own, which holds its place.
fn serve_one<S>(
    stream: TcpStream,
    peer: SocketAddr,
    routes: &S,
    graceful: &GracefulShutdown,
    place: Option<OwnedSemaphorePermit>,
) where
    S: Service<Request<Heard>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
{
    // An answer is one small write: waiting for more to send with it would only delay it.
    let _ = stream.set_nodelay(true);
    let connection = graceful.watch(connection(stream, ConnectInfo(peer), routes.clone()));
    tokio::spawn(async move {
        // What a client did to its connection is no event of ours.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(place);
    });
}

/// Requests of one client, each within its limits.
fn connection<I, S, B>(stream: I, peer: Peer, service: S) -> Connection<I, S>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Heard>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes> + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let pace = Arc::new(Pace::new());
    let stream = Paced::new(stream, Arc::clone(&pace));
    http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), Telling::of(service, peer, pace))
}

/// Closes the listener, and gives the connections that the system had taken for it by then: they believe that they are
/// served, and would be reset.
fn waiting(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let mut waiting = Vec::new();
    let Ok(listener) = listener.into_std() else {
        return waiting;
    };
    // It does not block: without another connection it says so.
    while let Ok((stream, peer)) = listener.accept() {
        let stream = stream
            .set_nonblocking(true)
            .and_then(|()| TcpStream::from_std(stream));
        waiting.extend(stream.map(|stream| (stream, peer)));
    }
    waiting
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(room).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return Some((stream, peer, place)),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpStream as Client};

    use super::*;

    #[tokio::test]
    async fn connections_that_nobody_has_taken_are_taken_at_the_end() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let clients: Vec<Client> = (0..3).map(|_| Client::connect(address).unwrap()).collect();
        let taken = waiting(listener);
        let peers: Vec<SocketAddr> = taken.iter().map(|(_, peer)| *peer).collect();
        let own: Vec<SocketAddr> = clients
            .iter()
            .map(|client| client.local_addr().unwrap())
            .collect();
        assert_eq!(peers, own);
        Client::connect(address).unwrap_err();
    }
}
