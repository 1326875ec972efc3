//! How long a client may take: for the head of a request, between requests, and for reading an answer. How long a body and
//! the work may take is the routes' business.
//!
//! hyper has one limit for a head and for the time before it. But whoever has asked something and may ask more is worth
//! keeping for longer than whoever has not finished a head
//! ([why](../../../../docs/decisions/0097-connections-have-a-pace.md)).

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::Service;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};
use tower_service::Service as TowerService;

use super::Peer;
use super::heard::{Heard, Rest};

/// From the connection's beginning, or from the first byte after an answer, until the whole head of a request is here.
pub(super) const HEAD_TIME: Duration = Duration::from_secs(10);
/// From the end of an answer to the first byte of the next request. A little longer than the minute after which proxies
/// give up a connection that they keep: else one would send a request just when it is closed here.
pub(super) const IDLE_TIME: Duration = Duration::from_secs(65);
/// How long an answer may wait until the client takes more of it.
pub(super) const UNREAD_TIME: Duration = Duration::from_secs(30);

/// What a client is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The rest of a head, until then.
    Head(Instant),
    /// Another request, until then.
    Idle(Instant),
    /// Nothing that is measured here: a request is under way.
    UnderWay,
}

impl Stage {
    fn begin_anew(&mut self) {
        *self = match self {
            Self::Head(_) => Self::Head(Instant::now() + HEAD_TIME),
            Self::Idle(_) => Self::Idle(Instant::now() + IDLE_TIME),
            Self::UnderWay => Self::UnderWay,
        };
    }
}

/// Where a connection stands: its service and its stream both say so.
#[derive(Debug)]
pub(super) struct Pace(Mutex<Stage>);

impl Pace {
    /// Of a connection that begins now.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Stage::Head(Instant::now() + HEAD_TIME)))
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        let Self(stage) = self;
        stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way, until the last of its answer has been taken from its service.
struct UnderWay(Arc<Pace>);

impl UnderWay {
    fn on(pace: &Arc<Pace>) -> Self {
        *pace.stage() = Stage::UnderWay;
        Self(Arc::clone(pace))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Self(pace) = self;
        *pace.stage() = Stage::Idle(Instant::now() + IDLE_TIME);
    }
}

/// A stream that ends when its client takes too long.
pub(super) struct Paced<I> {
    stream: I,
    pace: Arc<Pace>,
    /// Rings no later than the stage ends, or than it would if what is under way were over now.
    reading: Pin<Box<Sleep>>,
    /// Runs while nothing can be written.
    writing: Option<Pin<Box<Sleep>>>,
}

impl<I> Paced<I> {
    pub(super) fn new(stream: I, pace: Arc<Pace>) -> Self {
        Self {
            stream,
            pace,
            reading: Box::pin(sleep(HEAD_TIME)),
            writing: None,
        }
    }

    /// When the client will have taken too long; none while it is not waited for. The last of an answer may have left its
    /// service and not this stream.
    fn end(&self) -> Option<Instant> {
        match *self.pace.stage() {
            Stage::Head(end) | Stage::Idle(end) if self.writing.is_none() => Some(end),
            _ => None,
        }
    }

    /// Whether the client has taken too long. If not, the task is woken when that may have changed. The alarm may ring
    /// early, and is set anew then: to set it for each request would cost about as much as to answer one.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        let end = self.end();
        if let Some(end) = end
            && self.reading.deadline() > end
        {
            self.reading.as_mut().reset(end);
        }
        if self.reading.as_mut().poll(context).is_pending() {
            return false;
        }
        if end.is_some_and(|end| self.reading.deadline() == end) {
            return true;
        }
        let next = end.unwrap_or_else(|| Instant::now() + IDLE_TIME);
        self.reading.as_mut().reset(next);
        self.reading.as_mut().poll(context).is_ready()
    }

    /// Something has come: the head of a request, unless it is more of what is under way.
    fn begun(&self) {
        let mut stage = self.pace.stage();
        if matches!(*stage, Stage::Idle(_)) {
            *stage = Stage::Head(Instant::now() + HEAD_TIME);
        }
    }

    /// What came of writing, unless nothing could be written for too long.
    fn written(
        &mut self,
        context: &mut Context<'_>,
        done: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if done.is_ready() {
            if self.writing.take().is_some() {
                // The service was done earlier, and the client was not.
                self.pace.stage().begin_anew();
            }
            return done;
        }
        let begun = || Box::pin(sleep(UNREAD_TIME));
        let limit = self.writing.get_or_insert_with(begun);
        match limit.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Paced<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = bytes.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, bytes) {
            Poll::Ready(read) => {
                if bytes.filled().len() > before {
                    self.begun();
                }
                Poll::Ready(read)
            }
            // As if the client had gone.
            Poll::Pending if self.is_late(context) => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Paced<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.written(context, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The routes, told with each request where its connection comes from. They tell the connection what is under way, and the
/// client when it ends with the answer.
pub(super) struct Telling<S> {
    service: S,
    peer: Peer,
    pace: Arc<Pace>,
}

impl<S> Telling<S> {
    /// A service that is always ready, as axum's are.
    pub(super) fn of(service: S, peer: Peer, pace: Arc<Pace>) -> Self {
        Self {
            service,
            peer,
            pace,
        }
    }
}

impl<S, B> Service<Request<Incoming>> for Telling<S>
where
    S: TowerService<Request<Heard>, Response = Response<B>> + Clone,
{
    type Response = Response<Told<B>>;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let under_way = UnderWay::on(&self.pace);
        let (mut heard, rest) = Heard::of(request);
        heard.extensions_mut().insert(self.peer);
        Answering {
            answering: self.service.clone().call(heard),
            rest,
            under_way: Some(under_way),
        }
    }
}

pin_project! {
    /// An answer on its way to its connection.
    pub(super) struct Answering<F> {
        #[pin]
        answering: F,
        rest: Rest,
        under_way: Option<UnderWay>,
    }
}

impl<F, B, E> Future for Answering<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Told<B>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut answer = ready!(this.answering.poll(context))?;
        if !this.rest.is_heard() {
            let close = HeaderValue::from_static("close");
            answer.headers_mut().insert(CONNECTION, close);
        }
        let under_way = this.under_way.take();
        Poll::Ready(Ok(answer.map(|body| Told {
            body,
            _under_way: under_way,
        })))
    }
}

/// The body of an answer; hyper drops it once it has taken the last of it.
pub(super) struct Told<B> {
    body: B,
    _under_way: Option<UnderWay>,
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Told<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
