//! How long a client may take: for the head of a request, between requests, and for reading an answer. How long a body and
//! the work may take is the routes' business.
//!
//! hyper has one limit for a head and for the time before it. But whoever has asked something and may ask more is worth
//! keeping for longer than whoever has not finished a head
//! ([why](../../../../docs/decisions/0097-connections-have-a-pace.md)).

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::Service;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
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

/// Whether a request is under way on a connection: known to its service, asked by its stream.
#[derive(Debug, Default)]
pub(super) struct Pace {
    is_busy: AtomicBool,
    /// Who has to look again once it is not: hyper may have asked for the next request before it dropped the answer.
    looking: Mutex<Option<Waker>>,
}

impl Pace {
    fn wake_when_done(&self, waker: &Waker) {
        let mut looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        if !looking.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *looking = Some(waker.clone());
        }
    }
}

/// A request under way, until the last of its answer has been taken from its service.
struct UnderWay(Arc<Pace>);

impl UnderWay {
    fn on(pace: &Arc<Pace>) -> Self {
        pace.is_busy.store(true, Ordering::Release);
        Self(Arc::clone(pace))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Self(pace) = self;
        pace.is_busy.store(false, Ordering::Release);
        let looking = pace.looking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waker) = &*looking {
            waker.wake_by_ref();
        }
    }
}

/// What a client is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The rest of a head, until then.
    Head(Instant),
    /// Another request, until then.
    Idle(Instant),
    /// Nothing that is measured here.
    UnderWay,
}

/// A stream that ends when its client takes too long.
pub(super) struct Paced<I> {
    stream: I,
    pace: Arc<Pace>,
    stage: Stage,
    reading: Pin<Box<Sleep>>,
    /// Runs while nothing can be written.
    writing: Option<Pin<Box<Sleep>>>,
}

impl<I> Paced<I> {
    pub(super) fn new(stream: I, pace: Arc<Pace>) -> Self {
        let end = Instant::now() + HEAD_TIME;
        Self {
            stream,
            pace,
            stage: Stage::Head(end),
            reading: Box::pin(sleep_until(end)),
            writing: None,
        }
    }

    /// Where the connection stands now. The last of an answer may have left its service and not this stream.
    fn look(&mut self) {
        if self.pace.is_busy.load(Ordering::Acquire) || self.writing.is_some() {
            self.stage = Stage::UnderWay;
        } else if self.stage == Stage::UnderWay {
            self.stage = Stage::Idle(Instant::now() + IDLE_TIME);
        }
    }

    /// Whether the client has taken too long. If not, the task is woken when that may have changed.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        let (Stage::Head(end) | Stage::Idle(end)) = self.stage else {
            self.pace.wake_when_done(context.waker());
            return false;
        };
        // It may ring early, and is set anew then: to set it for each request would cost about as much as to answer one.
        if self.reading.deadline() > end {
            self.reading.as_mut().reset(end);
        }
        if self.reading.as_mut().poll(context).is_pending() {
            return false;
        }
        if self.reading.deadline() == end {
            return true;
        }
        self.reading.as_mut().reset(end);
        self.reading.as_mut().poll(context).is_ready()
    }

    /// What came of writing, unless nothing could be written for too long.
    fn written(
        &mut self,
        context: &mut Context<'_>,
        done: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if done.is_ready() {
            if self.writing.take().is_some() {
                // What was read meanwhile had no limit; from here on it has one.
                context.waker().wake_by_ref();
            }
            return done;
        }
        let begun = || Box::pin(sleep_until(Instant::now() + UNREAD_TIME));
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
        self.look();
        let before = bytes.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, bytes) {
            Poll::Ready(read) => {
                if matches!(self.stage, Stage::Idle(_)) && bytes.filled().len() > before {
                    self.stage = Stage::Head(Instant::now() + HEAD_TIME);
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
