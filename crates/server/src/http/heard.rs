//! A request's body, of which it is known whether it was read to its end.
//!
//! hyper closes a connection on which a request was answered before all of it was read, as what follows could be anything.
//! The answer has to say so (RFC 9112 9.6), or the client sends its next request into a connection that is gone.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Bytes, HttpBody};
use axum::http::Request;
use hyper::body::{Frame, Incoming, SizeHint};

/// The body.
pub(crate) struct Heard {
    body: Incoming,
    rest: Rest,
}

/// What is left of a body.
#[derive(Clone)]
pub(super) enum Rest {
    /// There was none.
    Nothing,
    /// Something, until this says that it was heard.
    Something(Arc<AtomicBool>),
}

impl Rest {
    /// Whether nothing is left.
    pub(super) fn is_heard(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Something(is_heard) => is_heard.load(Ordering::Acquire),
        }
    }
}

impl Heard {
    /// The request with such a body, and what tells whether all of it was read.
    pub(super) fn of(request: Request<Incoming>) -> (Request<Self>, Rest) {
        let rest = if request.body().is_end_stream() {
            Rest::Nothing
        } else {
            Rest::Something(Arc::default())
        };
        let told = rest.clone();
        (request.map(|body| Self { body, rest }), told)
    }
}

impl HttpBody for Heard {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Rest::Something(is_heard) = &self.rest
            && (frame.is_none() || self.body.is_end_stream())
        {
            is_heard.store(true, Ordering::Release);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
